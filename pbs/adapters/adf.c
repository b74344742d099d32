/* Adform's "adf" takes a placement per imp and one price type for the request; adform is its alias.
 *
 * Source  fact sheet "adf" of the reference's adapters.
 */
#include "common/mem.h"
#include "pbs/adapters/bidders.h"
#include "pbs/adapters/ortb_common.h"
#include "pbs/adapters/ortb_ext.h"
#include "pbs/adapters/ortb_text.h"
#include "pbs/openrtb/ext.h"

#define FIELD(key, label, kind) TYPED_FIELD(key, label, TYPED_##kind, TYPED_GIVEN)

static const struct typed_field param_fields[] = {
	FIELD("mid", "MasterTagID", NUMBER),
	FIELD("inv", "InventorySource", INT),
	FIELD("mname", "PlacementName", STR),
	FIELD("priceType", "PriceType", STR),
};
static const struct typed_struct params = { "openrtb_ext.ExtImpAdf", param_fields, ARRAY_LEN(param_fields) };

static enum ortb_verdict set_placement(struct ortb_imp *x)
{
	struct str mid = ortb_text(x->r->arena, json_object_get(x->params, "mid"));
	json_t *price_type = json_object_get(x->params, "priceType");

	if (mid.n > 0)
		json_set_str(x->imp, "tagid", mid);
	else
		json_object_del(x->imp, "tagid");
	if (!x->r->scratch && json_string_length(price_type) > 0)
		x->r->scratch = price_type; /* the first one counts */
	return ORTB_KEEP;
}

/* The supply chain is decoded by itself: its table is not a constant. */
static const struct typed_field request_ext_fields[] = {
	{ "prebid", "Prebid", &ext_request_prebid, 6, TYPED_OBJECT, TYPED_ALWAYS, false },
	FIELD("schain", "SChain", MAP),
	FIELD("pt", "PriceType", STR),
};
static const struct typed_struct request_ext = { "adf.adfRequestExt", request_ext_fields,
						 ARRAY_LEN(request_ext_fields) };

/* With a price type, request.ext keeps only what the bidder knows of it. */
static enum ortb_verdict set_price_type(struct adapter_request *r, struct adapter_errors *errors)
{
	json_t *given = json_object_get(r->root, "ext"), *schain = NULL;
	const json_t *known;
	struct errtext why;

	if (!r->scratch)
		return ORTB_KEEP;
	known = ortb_typed(r->arena, given ? given : json_null(), &request_ext, &why);
	if (known && json_object_get(known, "schain"))
		schain = ortb_decode(json_object_get(known, "schain"), ORTB_SUPPLY_CHAIN, &why, NULL);
	if (known && (schain || !json_object_get(known, "schain"))) {
		json_t *ext = json_object();

		json_object_set(ext, "prebid", json_object_get(known, "prebid"));
		if (schain)
			json_object_set(ext, "schain", schain);
		json_object_set(ext, "pt", r->scratch);
		ortb_ext_request_defaults(ext);
		json_object_set_new(r->root, "ext", ext);
	} else {
		adapter_error(errors, ADAPTER_FAILED_TO_UNMARSHAL, "%s", why.text);
	}
	json_decref(schain);
	return ORTB_KEEP;
}

static enum ortb_verdict read_bid(struct ortb_bid *x)
{
	struct errtext why;

	if (!ortb_has_prebid(x->bid)) {
		adapter_error(&x->out->errors, ADAPTER_BAD_SERVER_RESPONSE,
			      "Failed to parse impression \"" STR_FMT "\" mediatype",
			      STR_ARG(json_str_at(x->bid, "impid")));
		return ORTB_DROP;
	}
	if (!ortb_prebid_type(x->bid, &x->b->type, &why)) {
		adapter_error(&x->out->errors, ADAPTER_PLAIN, "%s", why.text);
		return ORTB_DROP;
	}
	return ORTB_KEEP;
}

static const struct ortb_status status = {
	"Unexpected status code: %d. Bad request from publisher.",
	"Unexpected status code: %d.",
	ADAPTER_BAD_INPUT,
	ADAPTER_BAD_SERVER_RESPONSE,
};

static const struct ortb_rules rules = {
	.params = &params,
	.send_empty = true,
	.each_imp = set_placement,
	.request = set_price_type,
	.status = &status,
	.currency = ORTB_CURRENCY_VERBATIM,
	.each_bid = read_bid,
};

const struct adapter adapter_adf = {
	.name = "adf",
	.rules = &rules,
	.make_requests = ortb_make_requests,
	.parse_bids = ortb_parse_bids,
};
