/* Yieldmo gets every imp, also those whose parameters cannot be read.
 *
 * Source  fact sheet "yieldmo" of the reference's adapters.
 */
#include "common/mem.h"
#include "pbs/adapters/bidders.h"
#include "pbs/adapters/ortb_common.h"

#define FIELD(key, label, kind) TYPED_FIELD(key, label, TYPED_##kind, TYPED_GIVEN)

static const struct typed_field param_fields[] = { FIELD("placementId", "PlacementId", STR) };
static const struct typed_struct params = { "openrtb_ext.ExtImpYieldmo", param_fields,
					    ARRAY_LEN(param_fields) };

/* The common wrapper and the publisher's data. */
static const struct typed_field data_fields[] = { FIELD("pbadslot", "PbAdSlot", STR) };
static const struct typed_struct data = { "yieldmo.ExtImpData", data_fields, 1 };
static const struct typed_field wrapper_fields[] = {
	{ "prebid", "Prebid", &ortb_ext_imp_prebid, 6, TYPED_OBJECT, TYPED_GIVEN, false },
	FIELD("bidder", "Bidder", RAW),
	FIELD("ae", "AuctionEnvironment", INT),
	{ "data", "Data", &data, 4, TYPED_OBJECT, TYPED_GIVEN, false },
};
static const struct typed_struct wrapper_struct = { "yieldmo.ExtImpBidderYieldmo", wrapper_fields,
						    ARRAY_LEN(wrapper_fields) };

static void convert_floor(struct ortb_imp *x)
{
	double usd;
	int err = ortb_floor_usd(x->r, x->imp, &usd, NULL);

	if (err < 0) {
		adapter_error(x->errors, ADAPTER_BAD_INPUT,
			      "Unable to convert provided bid floor currency from " STR_FMT " to USD",
			      STR_ARG(json_str_at(x->imp, "bidfloorcur")));
	} else if (err == 0) {
		json_set_real(x->imp, "bidfloor", usd);
		json_set_str(x->imp, "bidfloorcur", STR("USD"));
	}
}

/* What the wrapper holds by the time that it fails: the members in front of the one that does not decode. */
static const json_t *decoded_part(struct arena *a, json_t *ext)
{
	json_t *part = arena_own_json(a, json_object()), *v, *decoded;
	const char *key;

	json_object_foreach (ext, key, v) {
		json_object_set(part, key, v);
		decoded = typed_decode(part, &wrapper_struct, NULL, NULL);
		if (!decoded) {
			json_object_del(part, key);
			break;
		}
		json_decref(decoded);
	}
	return ortb_typed(a, part, &wrapper_struct, NULL);
}

/* What does not decode is reported and counts as absent; the imp is prepared from the rest. */
static enum ortb_verdict set_placement(struct ortb_imp *x)
{
	struct arena *a = x->r->arena;
	json_t *old = json_object_get(x->imp, "ext"), *ext = json_object();
	const json_t *wrapper, *p;
	struct errtext why;
	struct str slot;

	convert_floor(x);
	wrapper = ortb_typed(a, old, &wrapper_struct, &why);
	if (!wrapper) {
		adapter_error(x->errors, ADAPTER_BAD_INPUT, "%s", why.text);
		wrapper = decoded_part(a, old);
	}
	p = ortb_typed(a, json_object_get(wrapper, "bidder"), &params, &why);
	if (!p)
		adapter_error(x->errors, ADAPTER_BAD_INPUT, "%s", why.text);
	json_set_str(ext, "placement_id", json_str_at(p, "placementId"));
	slot = json_str_at(wrapper, "data.pbadslot");
	if (slot.n > 0)
		json_set_str(ext, "gpid", slot);
	json_object_set_new(x->imp, "ext", ext);
	return ORTB_KEEP;
}

static const struct typed_field bid_ext_fields[] = { FIELD("mediatype", "MediaType", STR) };
static const struct typed_struct bid_ext = { "yieldmo.BidExt", bid_ext_fields, 1 };

/* A bid that does not say its type is passed over without a word. */
static enum ortb_verdict read_bid(struct ortb_bid *x)
{
	const json_t *ext = ortb_typed(x->r->arena, json_object_get(x->bid, "ext"), &bid_ext, NULL);
	enum media media = media_parse(json_str_at(ext, "mediatype"));

	if (media == MEDIA_NONE || media == MEDIA_AUDIO)
		return ORTB_DROP;
	x->b->type = str_of(media_name(media));
	return ORTB_KEEP;
}

static const struct ortb_rules rules = {
	.headers = ORTB_HEADERS_CONTENT,
	.send_empty = true,
	.each_imp = set_placement,
	.currency = ORTB_CURRENCY_USD,
	.each_bid = read_bid,
};

const struct adapter adapter_yieldmo = {
	.name = "yieldmo",
	.rules = &rules,
	.make_requests = ortb_make_requests,
	.parse_bids = ortb_parse_bids,
};
