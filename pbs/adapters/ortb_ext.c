#include "pbs/adapters/ortb_ext.h"

#include "common/json.h"
#include "common/mem.h"

#define FIELD(key, label, kind)  TYPED_FIELD(key, label, TYPED_##kind, TYPED_NONZERO)
#define GIVEN(key, label, kind)  TYPED_FIELD(key, label, TYPED_##kind, TYPED_GIVEN)
#define ALWAYS(key, label, kind) TYPED_FIELD(key, label, TYPED_##kind, TYPED_ALWAYS)
#define PART(key, label_, of)                                                                                \
	{                                                                                                    \
		.name = (key), .label = (label_), .type = &(of), .len = sizeof(key) - 1,                     \
		.kind = TYPED_OBJECT, .mark = TYPED_GIVEN                                                    \
	}

static const struct typed_field meta_fields[] = {
	{ "advertiserDomains", "AdvertiserDomains", NULL, 17, TYPED_STR, TYPED_NONZERO, true },
	FIELD("advertiserId", "AdvertiserID", INT),
	FIELD("advertiserName", "AdvertiserName", STR),
	FIELD("agencyId", "AgencyID", INT),
	FIELD("agencyName", "AgencyName", STR),
	FIELD("brandId", "BrandID", INT),
	FIELD("brandName", "BrandName", STR),
	GIVEN("dchain", "DChain", RAW),
	FIELD("demandSource", "DemandSource", STR),
	FIELD("mediaType", "MediaType", STR),
	FIELD("networkId", "NetworkID", INT),
	FIELD("networkName", "NetworkName", STR),
	FIELD("primaryCatId", "PrimaryCategoryID", STR),
	FIELD("rendererName", "RendererName", STR),
	FIELD("rendererVersion", "RendererVersion", STR),
	GIVEN("rendererData", "RendererData", RAW),
	FIELD("rendererUrl", "RendererUrl", STR),
	{ "secondaryCatIds", "SecondaryCategoryIDs", NULL, 15, TYPED_STR, TYPED_NONZERO, true },
	FIELD("seat", "Seat", STR),
};
const struct typed_struct ortb_ext_bid_meta = { "openrtb_ext.ExtBidPrebidMeta", meta_fields,
						ARRAY_LEN(meta_fields) };
static const struct typed_field video_fields[] = { ALWAYS("duration", "Duration", INT),
						   ALWAYS("primary_category", "PrimaryCategory", STR) };
static const struct typed_struct video_struct = { "openrtb_ext.ExtBidPrebidVideo", video_fields,
						  ARRAY_LEN(video_fields) };
static const struct typed_field events_fields[] = { FIELD("win", "Win", STR), FIELD("imp", "Imp", STR) };
static const struct typed_struct events_struct = { "openrtb_ext.ExtBidPrebidEvents", events_fields,
						   ARRAY_LEN(events_fields) };
static const struct typed_field prebid_fields[] = {
	GIVEN("cache", "Cache", MAP),
	FIELD("dealpriority", "DealPriority", INT),
	FIELD("dealtiersatisfied", "DealTierSatisfied", BOOL),
	PART("meta", "Meta", ortb_ext_bid_meta),
	FIELD("targeting", "Targeting", MAP),
	FIELD("targetbiddercode", "TargetBidderCode", STR),
	FIELD("type", "Type", STR),
	PART("video", "Video", video_struct),
	PART("events", "Events", events_struct),
	FIELD("bidid", "BidId", STR),
	GIVEN("passthrough", "Passthrough", RAW),
	GIVEN("floors", "Floors", MAP),
};
const struct typed_struct ortb_ext_bid_prebid = { "openrtb_ext.ExtBidPrebid", prebid_fields,
						  ARRAY_LEN(prebid_fields) };

static void set_if_missing(json_t *obj, const char *key, json_t *value)
{
	if (json_object_get(obj, key))
		json_decref(value);
	else
		json_object_set_new(obj, key, value);
}

static void fill_codes(json_t *codes)
{
	json_t *bidders;
	const char *name;
	json_t *one;

	set_if_missing(codes, "bidders", json_null());
	bidders = json_own(codes, "bidders");
	json_object_foreach (bidders, name, one) {
		json_t *mine = json_is_object(one) ? json_own(bidders, name) : NULL;

		if (!mine)
			continue;
		set_if_missing(mine, "enabled", json_false());
		set_if_missing(mine, "allowedbiddercodes", json_null());
	}
}

void ortb_ext_request_defaults(json_t *ext)
{
	json_t *prebid = json_own(ext, "prebid"), *currency = json_own(prebid, "currency"),
	       *server = json_own(prebid, "server");

	if (currency) {
		set_if_missing(currency, "rates", json_null());
		set_if_missing(currency, "usepbsrates", json_null());
	}
	if (server) {
		set_if_missing(server, "externalurl", json_string(""));
		set_if_missing(server, "gvlid", json_integer(0));
		set_if_missing(server, "datacenter", json_string(""));
	}
	if (json_object_get(prebid, "alternatebiddercodes"))
		fill_codes(json_own(prebid, "alternatebiddercodes"));
}
