/* Criteo takes the request as it is; its bids say their type themselves.
 *
 * Source  fact sheet "criteo" of the reference's adapters.
 */
#include "common/mem.h"
#include "pbs/adapters/bidders.h"
#include "pbs/adapters/ortb_common.h"

#define FIELD(key, label, kind) TYPED_FIELD(key, label, TYPED_##kind, TYPED_GIVEN)

static const struct typed_field prebid_fields[] = { FIELD("type", "BidType", STR),
						    FIELD("networkName", "NetworkName", STR) };
static const struct typed_struct prebid_struct = { "criteo.ExtPrebid", prebid_fields,
						   ARRAY_LEN(prebid_fields) };
static const struct typed_field bid_ext_fields[] = {
	{ "prebid", "Prebid", &prebid_struct, 6, TYPED_OBJECT, TYPED_GIVEN, false },
};
static const struct typed_struct bid_ext_struct = { "criteo.BidExt", bid_ext_fields, 1 };

/* The type is passed on in the bidder's own words: the reference checks it nowhere here. */
static enum ortb_verdict read_bid(struct ortb_bid *x)
{
	json_t *ext = typed_decode(json_object_get(x->bid, "ext"), &bid_ext_struct, NULL, NULL);
	struct str network;

	if (!ext) {
		adapter_error(&x->out->errors, ADAPTER_BAD_SERVER_RESPONSE,
			      "Missing ext.prebid.type in bid for impression : " STR_FMT ".",
			      STR_ARG(json_str_at(x->bid, "impid")));
		return ORTB_ABORT;
	}
	arena_own_json(x->r->arena, ext);
	x->b->type = json_str_at(ext, "prebid.type");
	network = json_str_at(ext, "prebid.networkName");
	if (network.n > 0) {
		x->b->meta = arena_own_json(x->r->arena, json_object());
		json_set_str(x->b->meta, "networkName", network);
	}
	return ORTB_KEEP;
}

static const struct typed_field igs_fields[] = { FIELD("config", "Config", RAW) };
static const struct typed_struct igs_struct = { "criteo.ExtIgs", igs_fields, 1 };
static const struct typed_field igi_fields[] = {
	FIELD("impid", "ImpId", STR),
	{ "igs", "Igs", &igs_struct, 3, TYPED_OBJECT, TYPED_GIVEN, true },
};
static const struct typed_struct igi_struct = { "criteo.ExtIgi", igi_fields, ARRAY_LEN(igi_fields) };
static const struct typed_field response_ext_fields[] = {
	{ "igi", "Igi", &igi_struct, 3, TYPED_OBJECT, TYPED_GIVEN, true },
};
static const struct typed_struct response_ext_struct = { "criteo.CriteoExt", response_ext_fields, 1 };

static void read_configs(const struct adapter_request *r, const json_t *response, struct adapter_bids *out)
{
	json_t *ext = typed_decode(json_object_get(response, "ext"), &response_ext_struct, NULL, NULL);
	const json_t *igi = json_object_get(ext, "igi");

	for (size_t i = 0; i < json_array_size(igi); i++) {
		const json_t *entry = json_array_get(igi, i);
		json_t *config = json_object_get(json_array_get(json_object_get(entry, "igs"), 0), "config");

		if (config)
			adapter_config_add(r, out, json_str_at(entry, "impid"), config);
	}
	json_decref(ext);
}

static const struct ortb_rules rules = {
	.status = &ortb_status_stop,
	.currency = ORTB_CURRENCY_VERBATIM,
	.each_bid = read_bid,
	.response = read_configs,
};

const struct adapter adapter_criteo = {
	.name = "criteo",
	.rules = &rules,
	.make_requests = ortb_make_requests,
	.parse_bids = ortb_parse_bids,
};
