/* OpenX wants display imps together and each video imp alone, and its own names in request.ext.
 *
 * Source  fact sheet "openx" of the reference's adapters.
 */
#include "common/mem.h"
#include "pbs/adapters/bidders.h"
#include "pbs/adapters/ortb_common.h"
#include "pbs/adapters/ortb_text.h"

#define FIELD(key, label, kind) TYPED_FIELD(key, label, TYPED_##kind, TYPED_GIVEN)

static const struct typed_field param_fields[] = {
	FIELD("unit", "Unit", NUMBER),
	FIELD("platform", "Platform", STR),
	FIELD("delDomain", "DelDomain", STR),
	FIELD("customFloor", "CustomFloor", NUMBER),
	FIELD("customParams", "CustomParams", MAP),
};
static const struct typed_struct params = { "openrtb_ext.ExtImpOpenx", param_fields,
					    ARRAY_LEN(param_fields) };

/* What stays of imp.ext when the server's members are gone, with the parameters that travel in it. */
static void set_imp_ext(json_t *imp, json_t *custom)
{
	json_t *ext = json_own(imp, "ext");

	json_object_del(ext, "prebid");
	json_object_del(ext, "bidder");
	if (custom)
		json_object_set(ext, "customParams", custom);
	if (json_object_size(ext) == 0)
		json_object_del(imp, "ext");
}

static void set_rewarded(json_t *imp)
{
	json_t *video = json_own(imp, "video");

	if (json_int_at(imp, "rwdd", 0) == 1)
		json_object_set_new(video, "ext", json_pack("{s:i}", "rewarded", 1));
	else
		json_object_del(video, "ext");
}

/* False when the imp does not decode. Leaves the last imp's place of delivery in `ret_params`. */
static bool prepare_imp(struct adapter_request *r, json_t *imp, struct adapter_errors *e, json_t **ret_params)
{
	struct errtext why;
	json_t *p = ortb_params(r->arena, imp, &params, &why);
	struct str unit;

	if (!p) {
		adapter_error(e, ADAPTER_BAD_INPUT, "%s", why.text);
		return false;
	}
	unit = ortb_text(r->arena, json_object_get(p, "unit"));
	if (unit.n > 0)
		json_set_str(imp, "tagid", unit);
	else
		json_object_del(imp, "tagid");
	ortb_floor_param(imp, ortb_number(json_object_get(p, "customFloor"), 0), FLOOR_IF_ZERO);
	set_imp_ext(imp, json_object_get(p, "customParams"));
	if (json_object_get(imp, "video"))
		set_rewarded(imp);
	*ret_params = p;
	return true;
}

/* One call for `imps` (taken); none when all of them fail. */
static void add_call(struct adapter_request *r, json_t *imps, struct adapter_calls *out)
{
	json_t *kept = json_array(), *p = NULL, *ext;
	struct adapter_call *call;

	for (size_t i = 0; i < json_array_size(imps); i++)
		if (prepare_imp(r, json_array_get(imps, i), &out->errors, &p))
			json_array_append(kept, json_array_get(imps, i));
	json_decref(imps);
	if (json_array_size(kept) == 0) {
		json_decref(kept);
		return;
	}
	call = ortb_call(r, out, str_of(r->bidder->endpoint), kept, ORTB_HEADERS_JSON);
	ext = json_pack("{s:s}", "bc", "hb_pbs_1.0.0");
	for (const char *const *key = (const char *const[]){ "delDomain", "platform", NULL }; *key; key++)
		if (json_str_at(p, *key).n > 0)
			json_object_set(ext, *key, json_object_get(p, *key));
	json_object_set_new(call->body, "ext", ext);
}

static void make_requests(struct adapter_request *r, struct adapter_calls *out)
{
	const json_t *imps = json_object_get(r->root, "imp");
	json_t *display = json_array();
	size_t n = json_array_size(imps);

	for (size_t i = 0; i < n; i++) {
		json_t *imp = json_array_get(imps, i);
		unsigned media = media_of_imp(imp);

		if (media & MEDIA_BANNER || (media & MEDIA_NATIVE && !(media & MEDIA_VIDEO)))
			json_array_append(display, imp);
	}
	add_call(r, display, out);
	for (size_t i = 0; i < n; i++) {
		json_t *imp = json_array_get(imps, i);

		if ((media_of_imp(imp) & (MEDIA_BANNER | MEDIA_VIDEO)) == MEDIA_VIDEO)
			add_call(r, json_pack("[O]", imp), out);
	}
}

static const char *bid_type(const json_t *root, const json_t *bid)
{
	enum media media = media_of_mtype(json_int_at(bid, "mtype", 0));
	static const enum media order[] = { MEDIA_BANNER, MEDIA_VIDEO, MEDIA_NATIVE, MEDIA_NONE };

	if (media == MEDIA_NONE || media == MEDIA_AUDIO)
		media = ortb_imp_media(ortb_imp_by_id(root, json_str_at(bid, "impid")), order);
	return media_name(media == MEDIA_NONE ? MEDIA_BANNER : media);
}

/* The ids come as JSON strings; integers in them are meant. */
static const struct typed_field bid_ext_fields[] = {
	FIELD("dsp_id", "DspId", STR),
	FIELD("buyer_id", "BuyerId", STR),
	FIELD("brand_id", "BrandId", STR),
};
static const struct typed_struct bid_ext = { "openx.oxBidExt", bid_ext_fields, ARRAY_LEN(bid_ext_fields) };

/* Absent is 0; false when given and not a decimal number. */
static bool quoted_int(const json_t *v, int64_t *ret_v)
{
	*ret_v = 0;
	return !v || str_parse_i64(json_str(v), INT64_MIN, INT64_MAX, ret_v);
}

static json_t *bid_meta(const json_t *bid)
{
	json_t *ext = json_object_get(bid, "ext"), *meta = NULL;
	int64_t network, brand, advertiser;

	ext = json_is_object(ext) ? typed_decode(ext, &bid_ext, NULL, NULL) : NULL;
	if (!ext)
		return NULL;
	if (!quoted_int(json_object_get(ext, "buyer_id"), &advertiser))
		advertiser = 0;
	if (quoted_int(json_object_get(ext, "dsp_id"), &network) &&
	    quoted_int(json_object_get(ext, "brand_id"), &brand) &&
	    (network > 0 || brand > 0 || advertiser > 0)) {
		meta = json_object();
		if (network != 0)
			json_set_int(meta, "networkId", network);
		if (brand != 0)
			json_set_int(meta, "brandId", brand);
		if (advertiser != 0)
			json_set_int(meta, "advertiserId", advertiser);
	}
	json_decref(ext);
	return meta;
}

static enum ortb_verdict read_bid(struct ortb_bid *x)
{
	json_t *meta = bid_meta(x->bid);

	x->b->type = str_of(bid_type(x->r->root, x->bid));
	x->b->has_video = true;
	x->b->video.duration = json_int_at(x->bid, "dur", 0);
	x->b->video.primary_category = ortb_first_str(json_object_get(x->bid, "cat"));
	x->b->meta = meta ? arena_own_json(x->r->arena, meta) : NULL;
	return ORTB_KEEP;
}

static void read_configs(const struct adapter_request *r, const json_t *response, struct adapter_bids *out)
{
	json_t *configs = typed_get(json_object_get(response, "ext"), "fledge_auction_configs"), *config;
	const char *impid;

	json_object_foreach (configs, impid, config)
		adapter_config_add(r, out, str_of(impid), config);
}

static const struct ortb_rules rules = {
	.currency = ORTB_CURRENCY_OR_USD,
	.each_bid = read_bid,
	.response = read_configs,
};

const struct adapter adapter_openx = {
	.name = "openx",
	.rules = &rules,
	.make_requests = make_requests,
	.parse_bids = ortb_parse_bids,
};
