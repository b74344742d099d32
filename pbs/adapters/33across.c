/* 33Across wants the imps of one product and zone together, and to know who has called.
 *
 * Source  fact sheet "33across" of the reference's adapters.
 */
#include "common/mem.h"
#include "pbs/adapters/bidders.h"
#include "pbs/adapters/ortb_common.h"

#define FIELD(key, label, kind) TYPED_FIELD(key, label, TYPED_##kind, TYPED_GIVEN)

static const struct typed_field param_fields[] = {
	FIELD("productId", "ProductId", STR),
	FIELD("siteId", "SiteId", STR),
	FIELD("zoneId", "ZoneId", STR),
};
static const struct typed_struct params = { "openrtb_ext.ExtImp33across", param_fields,
					    ARRAY_LEN(param_fields) };

static const struct typed_field caller_fields[] = {
	TYPED_FIELD("name", "Name", TYPED_STR, TYPED_NONZERO),
	TYPED_FIELD("version", "Version", TYPED_STR, TYPED_NONZERO),
};
static const struct typed_struct caller = { "_33across.TtxCaller", caller_fields, ARRAY_LEN(caller_fields) };
static const struct typed_field ttx_fields[] = {
	{ "caller", "Caller", &caller, 6, TYPED_OBJECT, TYPED_GIVEN, true },
};
static const struct typed_struct ttx = { "_33across.reqTtxExt", ttx_fields, 1 };
static const struct typed_field request_ext_fields[] = {
	{ "ttx", "Ttx", &ttx, 3, TYPED_OBJECT, TYPED_GIVEN, false },
};
static const struct typed_struct request_ext = { "_33across.reqExt", request_ext_fields, 1 };

/* Callers that are known already stay in front of this server; nothing else of request.ext does. */
static void set_caller(struct adapter_request *r, struct adapter_errors *errors)
{
	json_t *given = json_object_get(r->root, "ext"), *callers;
	const json_t *ext = NULL;
	struct errtext why;

	if (given) {
		ext = ortb_typed(r->arena, given, &request_ext, &why);
		if (!ext) {
			adapter_error(errors, ADAPTER_FAILED_TO_UNMARSHAL, "%s", why.text);
			json_object_del(r->root, "ext");
			return;
		}
	}
	callers = json_array();
	json_array_extend(callers, json_at(ext, "ttx.caller"));
	json_array_append_new(callers, json_pack("{s:s, s:s}", "name", "Prebid-Server", "version", "n/a"));
	json_object_set_new(r->root, "ext", json_pack("{s:{s:o}}", "ttx", "caller", callers));
}

static void set_imp_ext(json_t *imp, const json_t *p)
{
	struct str zone = json_str_at(p, "zoneId");
	json_t *inner = json_object();

	if (zone.n == 0)
		zone = json_str_at(p, "siteId");
	json_set_str(inner, "prod", json_str_at(p, "productId"));
	if (zone.n > 0)
		json_set_str(inner, "zoneid", zone);
	json_object_set_new(imp, "ext", json_pack("{s:o}", "ttx", inner));
}

static bool video_is_complete(const json_t *video)
{
	return json_int_at(video, "w", 0) != 0 && json_int_at(video, "h", 0) != 0 &&
	       json_is_array(json_object_get(video, "protocols")) &&
	       json_is_array(json_object_get(video, "mimes")) &&
	       json_is_array(json_object_get(video, "playbackmethod"));
}

static enum ortb_verdict set_product(struct ortb_imp *x)
{
	const json_t *video = json_object_get(x->imp, "video"), *p;
	struct errtext why;

	if (!video && !json_object_get(x->imp, "banner")) {
		adapter_error(x->errors, ADAPTER_BAD_INPUT,
			      "Imp ID " STR_FMT " must have at least one of [Banner, Video] defined",
			      STR_ARG(json_str_at(x->imp, "id")));
		return ORTB_DROP;
	}
	p = ortb_params(x->r->arena, x->imp, &params, &why);
	if (!p) {
		adapter_error(x->errors, ADAPTER_BAD_INPUT, "%s", why.text);
		return ORTB_DROP;
	}
	set_imp_ext(x->imp, p);
	if (!video)
		return ORTB_KEEP;
	if (!video_is_complete(video)) {
		adapter_error(x->errors, ADAPTER_BAD_INPUT,
			      "One or more invalid or missing video field(s) w, h, protocols, mimes, "
			      "playbackmethod");
		return ORTB_DROP;
	}
	if (str_eq(json_str_at(p, "productId"), STR("instream")) && !json_object_get(video, "startdelay"))
		json_set_int(json_own(x->imp, "video"), "startdelay", 0);
	return ORTB_KEEP;
}

/* The imps by product and zone joined, in the order of their first imps. */
static json_t *group(struct arena *a, json_t *imps)
{
	json_t *groups = arena_own_json(a, json_object());

	for (size_t i = 0; i < json_array_size(imps); i++) {
		json_t *imp = json_array_get(imps, i), *members;
		const char *key = arena_printf(a, STR_FMT STR_FMT, STR_ARG(json_str_at(imp, "ext.ttx.prod")),
					       STR_ARG(json_str_at(imp, "ext.ttx.zoneid")));

		members = json_object_get(groups, key);
		if (!members) {
			members = json_array();
			json_object_set_new(groups, key, members);
		}
		json_array_append(members, imp);
	}
	return groups;
}

static void make_requests(struct adapter_request *r, struct adapter_calls *out)
{
	json_t *groups, *imps;
	const char *key;

	set_caller(r, &out->errors);
	if (!ortb_visit_imps(r, &out->errors))
		return;
	groups = group(r->arena, json_object_get(r->root, "imp"));
	json_object_foreach (groups, key, imps)
		ortb_call(r, out, str_of(r->bidder->endpoint), json_incref(imps), ORTB_HEADERS_CONTENT);
}

static const struct typed_field bid_ttx_fields[] = { FIELD("mediaType", "MediaType", STR) };
static const struct typed_struct bid_ttx = { "_33across.bidTtxExt", bid_ttx_fields, 1 };
static const struct typed_field bid_ext_fields[] = {
	{ "ttx", "Ttx", &bid_ttx, 3, TYPED_OBJECT, TYPED_GIVEN, false },
};
static const struct typed_struct bid_ext = { "_33across.bidExt", bid_ext_fields, 1 };

static enum ortb_verdict read_bid(struct ortb_bid *x)
{
	const json_t *ext = ortb_typed(x->r->arena, json_object_get(x->bid, "ext"), &bid_ext, NULL);

	x->b->type = str_eq(json_str_at(ext, "ttx.mediaType"), STR("video")) ? STR("video") : STR("banner");
	return ORTB_KEEP;
}

static const struct ortb_rules rules = {
	.each_imp = set_product,
	.currency = ORTB_CURRENCY_USD,
	.each_bid = read_bid,
};

const struct adapter adapter_33across = {
	.name = "33across",
	.rules = &rules,
	.make_requests = make_requests,
	.parse_bids = ortb_parse_bids,
};
