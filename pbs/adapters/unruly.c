/* Unruly wants a site id with every imp, and nothing at all when one is missing.
 *
 * Source  fact sheet "unruly" of the reference's adapters.
 */
#include "common/mem.h"
#include "pbs/adapters/bidders.h"
#include "pbs/adapters/ortb_common.h"

#define FIELD(key, label, kind) TYPED_FIELD(key, label, TYPED_##kind, TYPED_GIVEN)

/* Keys match without case, so two that differ in case only are told apart by the exact spelling. */
static const struct typed_field param_fields[] = {
	FIELD("siteid", "SiteID", INT),
	FIELD("siteId", "SiteId", INT),
};
static const struct typed_struct params = { "openrtb_ext.ExtImpUnruly", param_fields,
					    ARRAY_LEN(param_fields) };

static enum ortb_verdict set_site(struct ortb_imp *x)
{
	struct arena *a = x->r->arena;
	const json_t *wrapper = ortb_typed(a, json_object_get(x->imp, "ext"), &ortb_ext_imp_bidder, NULL);
	const json_t *p = ortb_typed(a, json_object_get(wrapper, "bidder"), &params, NULL);

	if (!p) {
		adapter_error(x->errors, ADAPTER_BAD_INPUT,
			      "%s not provided in imp id=" STR_FMT ". Abort all Request",
			      wrapper ? "siteid" : "ext data", STR_ARG(json_str_at(x->imp, "id")));
		return ORTB_ABORT;
	}
	json_object_set_new(x->imp, "ext",
			    json_pack("{s:{s:I, s:I}}", "bidder", "siteid",
				      (json_int_t)json_int_at(p, "siteid", 0), "siteId",
				      (json_int_t)json_int_at(p, "siteId", 0)));
	return ORTB_KEEP;
}

static enum ortb_verdict check_endpoint(struct adapter_request *r, struct adapter_errors *errors)
{
	(void)errors;
	return str_of(r->bidder->endpoint).n > 0 ? ORTB_KEEP : ORTB_ABORT;
}

/* "a b c", as the error that lists them has it. */
static const char *imp_ids(struct arena *a, const json_t *imps)
{
	const char *ids = "";

	for (size_t i = 0; i < json_array_size(imps) && strlen(ids) < 1024; i++)
		ids = arena_printf(a, "%s%s" STR_FMT, ids, i ? " " : "",
				   STR_ARG(json_str_at(json_array_get(imps, i), "id")));
	return ids;
}

static enum ortb_verdict read_bid(struct ortb_bid *x)
{
	static const enum media order[] = { MEDIA_BANNER, MEDIA_VIDEO, MEDIA_NONE };
	struct str impid = json_str_at(x->bid, "impid");
	const json_t *imp = ortb_imp_by_id(x->r->root, impid);
	enum media media = ortb_imp_media(imp, order);

	if (!imp) {
		adapter_error(&x->out->errors, ADAPTER_PLAIN,
			      "Bid response imp ID " STR_FMT
			      " not found in bid request containing imps [%s]\n",
			      STR_ARG(impid), imp_ids(x->r->arena, json_object_get(x->r->root, "imp")));
		return ORTB_DROP;
	}
	if (media == MEDIA_NONE) {
		adapter_error(&x->out->errors, ADAPTER_PLAIN,
			      "bid responses mediaType didn't match supported mediaTypes");
		return ORTB_DROP;
	}
	x->b->type = str_of(media_name(media));
	if (media == MEDIA_VIDEO && json_int_at(x->bid, "dur", 0) > 0) {
		x->b->has_video = true;
		x->b->video.duration = json_int_at(x->bid, "dur", 0);
	}
	return ORTB_KEEP;
}

static const struct ortb_status status = {
	"unexpected status code: %d. Run with request.debug = 1 for more info",
	"unexpected status code: %d. Run with request.debug = 1 for more info",
	ADAPTER_BAD_INPUT,
	ADAPTER_BAD_SERVER_RESPONSE,
};

static const struct ortb_rules rules = {
	.headers = ORTB_HEADERS_JSON,
	.each_imp = set_site,
	.request = check_endpoint,
	.status = &status,
	.currency = ORTB_CURRENCY_USD,
	.bad_body = ADAPTER_BAD_SERVER_RESPONSE,
	.bad_body_prefix = "bad server response: ",
	.each_bid = read_bid,
};

const struct adapter adapter_unruly = {
	.name = "unruly",
	.rules = &rules,
	.make_requests = ortb_make_requests,
	.parse_bids = ortb_parse_bids,
};
