/* Sovrn reads the device from HTTP headers and the user from a cookie, and escapes its markup.
 *
 * Source  fact sheet "sovrn" of the reference's adapters.
 */
#include "common/mem.h"
#include "pbs/adapters/bidders.h"
#include "pbs/adapters/ortb_common.h"
#include "pbs/adapters/ortb_text.h"

#define FIELD(key, label, kind) TYPED_FIELD(key, label, TYPED_##kind, TYPED_GIVEN)

/* Keys match without case, so two that differ in case only are told apart by the exact spelling. */
static const struct typed_field param_fields[] = {
	FIELD("tagId", "TagId", STR),
	FIELD("tagid", "Tagid", STR),
	FIELD("bidfloor", "BidFloor", RAW),
	FIELD("adunitcode", "AdUnitCode", STR),
};
static const struct typed_struct params = { "openrtb_ext.ExtImpSovrn", param_fields,
					    ARRAY_LEN(param_fields) };

static bool video_is_complete(const json_t *video)
{
	return json_is_array(json_object_get(video, "mimes")) &&
	       json_is_array(json_object_get(video, "protocols")) &&
	       json_int_at(video, "maxduration", 0) != 0;
}

static enum ortb_verdict set_tag(struct ortb_imp *x)
{
	struct str tag = json_str_at(x->params, "tagid");
	const json_t *video = json_object_get(x->imp, "video");

	if (tag.n == 0)
		tag = json_str_at(x->params, "tagId");
	if (tag.n == 0) {
		adapter_error(x->errors, ADAPTER_BAD_INPUT, "Missing required parameter 'tagid'");
		return ORTB_DROP;
	}
	json_set_str(x->imp, "tagid", tag);
	ortb_floor_param(x->imp, ortb_number(json_object_get(x->params, "bidfloor"), 0), FLOOR_IF_ZERO);
	if (video && !video_is_complete(video)) {
		adapter_error(x->errors, ADAPTER_BAD_INPUT, "Missing required video parameter");
		return ORTB_DROP;
	}
	return ORTB_KEEP;
}

static void add_headers(struct adapter_request *r, struct adapter_call *call)
{
	static const struct {
		const char *path, *header;
	} rows[] = {
		{ "device.ua", "User-Agent" },
		{ "device.ip", "X-Forwarded-For" },
		{ "device.language", "Accept-Language" },
	};
	const json_t *dnt = json_at(r->root, "device.dnt");
	struct str reader = ortb_trim(json_str_at(r->root, "user.buyeruid"));

	adapter_call_header(r->arena, call, "Content-Type", STR("application/json"));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str value = json_str_at(r->root, rows[i].path);

		if (value.n > 0)
			adapter_call_header(r->arena, call, rows[i].header, value);
	}
	if (dnt)
		adapter_call_header(r->arena, call, "Dnt", ortb_text(r->arena, dnt));
	if (reader.n > 0)
		adapter_call_header(r->arena, call, "Cookie",
				    str_of(arena_printf(r->arena, "ljt_reader=" STR_FMT, STR_ARG(reader))));
}

static enum ortb_verdict read_bid(struct ortb_bid *x)
{
	struct str impid = json_str_at(x->bid, "impid"), adm;
	const json_t *imp;

	if (!ortb_query_unescape(x->r->arena, json_str_at(x->bid, "adm"), &adm))
		return ORTB_DROP;
	imp = ortb_imp_by_id(x->r->root, impid);
	if (!imp) {
		adapter_error(&x->out->errors, ADAPTER_BAD_INPUT,
			      "Imp ID " STR_FMT " in bid didn't match with any imp in the original request",
			      STR_ARG(impid));
		return ORTB_DROP;
	}
	if (adm.n > 0)
		json_set_str(x->bid, "adm", adm);
	x->b->type = json_object_get(imp, "video") ? STR("video") : STR("banner");
	return ORTB_KEEP;
}

static const struct ortb_rules rules = {
	.params = &params,
	.each_imp = set_tag,
	.add_headers = add_headers,
	.currency = ORTB_CURRENCY_USD,
	.bad_body = ADAPTER_BAD_SERVER_RESPONSE,
	.each_bid = read_bid,
};

const struct adapter adapter_sovrn = {
	.name = "sovrn",
	.rules = &rules,
	.make_requests = ortb_make_requests,
	.parse_bids = ortb_parse_bids,
};
