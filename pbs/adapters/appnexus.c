/* AppNexus (Xandr): its own parameters in imp.ext, one member per request, ten imps a call, pods of ads.
 *
 * Source  fact sheet "appnexus" of the reference's adapters.
 */
#include <stdio.h>

#include "common/mem.h"
#include "pbs/adapters/bidder_info.h"
#include "pbs/adapters/bidders.h"
#include "pbs/adapters/ortb_common.h"
#include "pbs/adapters/ortb_text.h"

enum { IMPS_PER_CALL = 10, DEFAULT_PLATFORM = 5, KEYWORDS_MAX = 256 << 10 };

#define FIELD(key, label, kind) TYPED_FIELD(key, label, TYPED_##kind, TYPED_GIVEN)
#define PART(key, label_, of)                                                                                \
	{                                                                                                    \
		.name = (key), .label = (label_), .type = &(of), .len = sizeof(key) - 1,                     \
		.kind = TYPED_OBJECT, .mark = TYPED_GIVEN                                                    \
	}

/* Parameters --------------------------------------------------------------------------------------- */

static const struct typed_field param_fields[] = {
	FIELD("placementId", "DeprecatedPlacementId", RAW),
	FIELD("placement_id", "PlacementId", RAW),
	FIELD("invCode", "LegacyInvCode", STR),
	FIELD("inv_code", "InvCode", STR),
	FIELD("member", "Member", NUMBER),
	FIELD("trafficSourceCode", "LegacyTrafficSourceCode", STR),
	FIELD("traffic_source_code", "TrafficSourceCode", STR),
	FIELD("use_pmt_rule", "UsePaymentRule", BOOL),
	FIELD("use_payment_rule", "DeprecatedUsePaymentRule", BOOL),
	FIELD("keywords", "Keywords", RAW),
	FIELD("reserve", "Reserve", FLOAT),
	FIELD("position", "Position", STR),
	FIELD("private_sizes", "PrivateSizes", RAW),
	FIELD("generate_ad_pod_id", "AdPodId", BOOL),
	FIELD("ext_inv_code", "ExtInvCode", STR),
	FIELD("external_imp_id", "ExternalImpId", STR),
};
static const struct typed_struct params = { "openrtb_ext.ExtImpAppnexus", param_fields,
					    ARRAY_LEN(param_fields) };
static const struct typed_field wrapper_fields[] = { PART("bidder", "Bidder", params),
						     FIELD("gpid", "GPID", STR) };
static const struct typed_struct wrapper = { "appnexus.impExtIncoming", wrapper_fields,
					     ARRAY_LEN(wrapper_fields) };
static const struct typed_field keyword_fields[] = {
	FIELD("key", "Key", STR),
	{ "value", "Values", NULL, 5, TYPED_STR, TYPED_GIVEN, true },
};
static const struct typed_struct keyword = { "openrtb_ext.extImpAppnexusKeyVal", keyword_fields,
					     ARRAY_LEN(keyword_fields) };

/* What the imps must agree on. */
struct gathered {
	struct str member; /* empty until an imp has one */
	bool pods_known, pods;
};

/* A placement's id, 0 when it is not given. */
static bool placement(struct arena *a, const json_t *p, const char *key, const char *label, int64_t *ret_id,
		      struct errtext *why)
{
	const json_t *v = json_object_get(p, key);
	struct str text;

	*ret_id = 0;
	if (!v || json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0))
		return true;
	if (ortb_integer(a, v, ret_id, NULL))
		return true;
	text = ortb_text(a, v);
	errtext_set(why,
		    "cannot unmarshal openrtb_ext.ExtImpAppnexus.%s: strconv.Atoi: parsing \"" STR_FMT
		    "\": invalid syntax",
		    label, STR_ARG(text));
	return false;
}

/* `key` alone, or `key=value` for each of its values. */
static void add_keyword(struct buf *b, struct str key, const json_t *values)
{
	size_t n = json_array_size(values);

	for (size_t i = 0; i < n || i == 0; i++) {
		if (b->n > 0)
			buf_add_c(b, ',');
		buf_add_str(b, key);
		if (i < n) {
			buf_add_c(b, '=');
			buf_add_str(b, json_str(json_array_get(values, i)));
		}
	}
}

static bool add_keyword_list(struct buf *b, const json_t *list, struct errtext *why)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *pair = typed_decode(json_array_get(list, i), &keyword, why, NULL);

		if (!pair)
			return false;
		add_keyword(b, json_str_at(pair, "key"), json_object_get(pair, "value"));
		json_decref(pair);
	}
	return true;
}

static bool add_keyword_map(struct buf *b, json_t *map, struct errtext *why)
{
	static const struct typed_field values_field = { "value",   "Keywords",  NULL, 5,
							 TYPED_STR, TYPED_GIVEN, true };
	static const struct typed_struct values_struct = { "openrtb_ext.ExtImpAppnexus", &values_field, 1 };
	const char *key;
	json_t *values;

	json_object_foreach (map, key, values) {
		json_t *boxed = json_pack("{s:O}", "value", values), *typed;

		typed = typed_decode(boxed, &values_struct, why, NULL);
		json_decref(boxed);
		if (!typed)
			return false;
		add_keyword(b, str_of(key), json_object_get(typed, "value"));
		json_decref(typed);
	}
	return true;
}

/* The three spellings of keywords as one text; what is none of them counts for nothing. */
static bool keywords_text(struct arena *a, json_t *v, struct str *ret_text, struct errtext *why)
{
	struct buf b;
	bool ok = true;

	if (!json_is_array(v) && !json_is_object(v)) {
		*ret_text = json_str(v);
		return true;
	}
	buf_init(&b, KEYWORDS_MAX);
	ok = json_is_array(v) ? add_keyword_list(&b, v, why) : add_keyword_map(&b, v, why);
	if (ok && b.overflow) {
		errtext_set(why, "keywords are longer than %d bytes", KEYWORDS_MAX);
		ok = false;
	}
	if (ok)
		*ret_text = arena_str(a, buf_str(&b));
	buf_deinit(&b);
	return ok;
}

static struct str either(const json_t *p, const char *name, const char *deprecated)
{
	struct str text = json_str_at(p, name);

	return text.n > 0 ? text : json_str_at(p, deprecated);
}

/* The bidder's own part of the new imp.ext; NULL with a text when a parameter does not decode. Hands out the
 * placement, which decides whether the imp is complete. */
static json_t *own_ext(struct arena *a, const json_t *p, int64_t *ret_placement, struct errtext *why)
{
	json_t *ext = arena_own_json(a, json_object()), *v;
	int64_t deprecated;
	struct str text;

	if (!placement(a, p, "placement_id", "PlacementId", ret_placement, why) ||
	    !placement(a, p, "placementId", "DeprecatedPlacementId", &deprecated, why) ||
	    !keywords_text(a, json_object_get(p, "keywords"), &text, why))
		return NULL;
	if (*ret_placement == 0)
		*ret_placement = deprecated;
	if (*ret_placement != 0)
		json_set_int(ext, "placement_id", *ret_placement);
	if (text.n > 0)
		json_set_str(ext, "keywords", text);
	text = either(p, "traffic_source_code", "trafficSourceCode");
	if (text.n > 0)
		json_set_str(ext, "traffic_source_code", text);
	v = json_object_get(p, "use_pmt_rule");
	if (!v)
		v = json_object_get(p, "use_payment_rule");
	if (v)
		json_object_set(ext, "use_pmt_rule", v);
	v = json_object_get(p, "private_sizes");
	if (v)
		json_object_set(ext, "private_sizes", v);
	for (const char *const *key = (const char *const[]){ "ext_inv_code", "external_imp_id", NULL }; *key;
	     key++)
		if (json_str_at(p, *key).n > 0)
			json_object_set(ext, *key, json_object_get(p, *key));
	return ext;
}

/* Imps --------------------------------------------------------------------------------------------- */

static void place_banner(json_t *imp, struct str position)
{
	int pos = str_eq(position, STR("above")) ? 1 : str_eq(position, STR("below")) ? 3 : 0;

	if (!json_object_get(imp, "banner"))
		return;
	if (pos)
		json_set_int(json_own(imp, "banner"), "pos", pos);
	ortb_banner_size(imp, SIZE_BOTH_ABSENT);
}

/* The SDK's name and version, which apps send in their own ext. */
static void set_display_manager(const json_t *root, json_t *imp)
{
	const json_t *prebid = json_at(root, "app.ext.prebid");
	const char *source = json_string_value(json_object_get(prebid, "source"));
	const char *version = json_string_value(json_object_get(prebid, "version"));

	if (source && version && json_str_at(imp, "displaymanagerver").n == 0)
		json_object_set_new(imp, "displaymanagerver", json_sprintf("%s-%s", source, version));
}

/* What all imps of a request share: the member in the URI, and whether pods get ids. */
static enum ortb_verdict agree(struct ortb_imp *x, const json_t *p, struct str member)
{
	struct gathered *g = x->r->scratch;
	bool pods = json_bool_at(p, "generate_ad_pod_id", false);

	if (member.n > 0 && g->member.n == 0)
		g->member = member;
	if (member.n > 0 && !str_eq(member, g->member)) {
		adapter_error(
			x->errors, ADAPTER_PLAIN,
			"all request.imp[i].ext.prebid.bidder.appnexus.member params must match. Request "
			"contained member IDs " STR_FMT " and " STR_FMT,
			STR_ARG(g->member), STR_ARG(member));
		return ORTB_ABORT;
	}
	if (g->pods_known && g->pods != pods) {
		adapter_error(x->errors, ADAPTER_PLAIN,
			      "generate ad pod option should be same for all pods in request");
		return ORTB_ABORT;
	}
	g->pods_known = true;
	g->pods = pods;
	return ORTB_KEEP;
}

static enum ortb_verdict rewrite_imp(struct ortb_imp *x)
{
	struct arena *a = x->r->arena;
	struct errtext why;
	json_t *outer = ortb_typed(a, json_object_get(x->imp, "ext"), &wrapper, &why), *p, *own = NULL, *ext;
	struct str code, member;
	int64_t id;

	p = json_object_get(outer, "bidder");
	if (outer)
		own = own_ext(a, p, &id, &why);
	if (!own) {
		adapter_error(x->errors, ADAPTER_FAILED_TO_UNMARSHAL, "%s", why.text);
		return ORTB_DROP;
	}
	code = either(p, "inv_code", "invCode");
	member = ortb_text(a, json_object_get(p, "member"));
	if (id == 0 && (code.n == 0 || member.n == 0)) {
		adapter_error(x->errors, ADAPTER_BAD_INPUT, "No placement or member+invcode provided");
		return ORTB_DROP;
	}
	if (code.n > 0)
		json_set_str(x->imp, "tagid", code);
	ortb_floor_param(x->imp, json_num_at(p, "reserve", 0), FLOOR_IF_NOT_POSITIVE);
	place_banner(x->imp, json_str_at(p, "position"));
	set_display_manager(x->r->root, x->imp);
	ext = json_pack("{s:O}", "appnexus", own);
	if (json_str_at(outer, "gpid").n > 0)
		json_object_set(ext, "gpid", json_object_get(outer, "gpid"));
	json_object_set_new(x->imp, "ext", ext);
	return agree(x, p, member);
}

/* request.ext -------------------------------------------------------------------------------------- */

static const struct typed_field own_fields[] = {
	FIELD("include_brand_category", "IncludeBrandCategory", BOOL),
	FIELD("brand_category_uniqueness", "BrandCategoryUniqueness", BOOL),
	FIELD("is_amp", "IsAMP", INT),
	FIELD("hb_source", "HeaderBiddingSource", INT),
	TYPED_FIELD("adpod_id", "AdPodID", TYPED_STR, TYPED_NONZERO),
};
static const struct typed_struct own_struct = { "appnexus.bidReqExtAppnexus", own_fields,
						ARRAY_LEN(own_fields) };
/* source.ext.schain goes to where the bidder looks for it. */
static bool move_supply_chain(struct adapter_request *r, struct errtext *why)
{
	const json_t *ext = json_at(r->root, "source.ext");
	json_t *source;

	if (!ext || json_is_null(ext))
		return true;
	if (!ortb_is_map(ext, why))
		return false;
	if (!json_object_get(ext, "schain"))
		return true;
	json_object_set(json_object_get(r->root, "ext"), "schain", json_object_get(ext, "schain"));
	source = json_own(r->root, "source");
	json_object_del(json_own(source, "ext"), "schain");
	if (json_object_size(json_object_get(source, "ext")) == 0)
		json_object_del(source, "ext");
	return true;
}

static bool rewrite_ext(struct adapter_request *r, struct errtext *why)
{
	json_t *ext = json_object_get(r->root, "ext"), *given, *own;
	int platform = *(const int *)r->bidder->state;

	if (ext && !ortb_is_map(ext, why))
		return false;
	given = json_object_get(ext, "appnexus");
	own = ortb_typed(r->arena, given ? given : json_null(), &own_struct, why);
	if (!own)
		return false;
	own = json_copy(own);
	if (json_is_object(json_at(ext, "prebid.targeting.includebrandcategory"))) {
		json_set_bool(own, "include_brand_category", true);
		json_set_bool(own, "brand_category_uniqueness", true);
	}
	json_object_del(own, "is_amp");
	if (r->entry == ADAPTER_AMP)
		json_set_int(own, "is_amp", 1);
	json_set_int(own, "hb_source", platform + (r->entry == ADAPTER_VIDEO));
	json_object_set_new(json_own_object(r->root, "ext"), "appnexus", own);
	return move_supply_chain(r, why);
}

/* Calls -------------------------------------------------------------------------------------------- */

/* `imps` in calls of ten; `pod` is their pod's id, or empty. */
static void add_calls(struct adapter_request *r, struct adapter_calls *out, struct str uri,
		      const json_t *imps, struct str pod)
{
	for (size_t i = 0; i < json_array_size(imps);) {
		json_t *some = json_array();
		struct adapter_call *call;

		for (size_t n = 0; n < IMPS_PER_CALL && i < json_array_size(imps); n++)
			json_array_append(some, json_array_get(imps, i++));
		call = ortb_call(r, out, uri, some, ORTB_HEADERS_JSON);
		if (pod.n > 0)
			json_set_str(json_own_object(json_own_object(call->body, "ext"), "appnexus"),
				     "adpod_id", pod);
	}
}

static struct str pod_of(const json_t *imp)
{
	struct str id = json_str_at(imp, "id");

	return str_cut(&id, '_');
}

/* The imps of each pod together, pods in the order in which they turn up. */
static void add_pods(struct adapter_request *r, struct adapter_calls *out, struct str uri, const json_t *imps)
{
	json_t *pods = arena_own_json(r->arena, json_object()), *pod;
	const char *name;

	for (size_t i = 0; i < json_array_size(imps); i++) {
		json_t *imp = json_array_get(imps, i);
		struct str key = pod_of(imp);

		pod = json_object_getn(pods, key.p, key.n);
		if (!pod) {
			pod = json_array();
			json_object_setn_new(pods, key.p, key.n, pod);
		}
		json_array_append(pod, imp);
	}
	json_object_foreach (pods, name, pod) {
		uint64_t id = r->random(r->chance) & INT64_MAX;

		add_calls(r, out, uri, pod, str_of(arena_printf(r->arena, "%llu", (unsigned long long)id)));
	}
}

static void make_requests(struct adapter_request *r, struct adapter_calls *out)
{
	struct gathered *g = ARENA_NEW(r->arena, struct gathered);
	struct str uri = str_of(r->bidder->endpoint);
	struct errtext why;
	const json_t *imps;

	r->scratch = g;
	if (!ortb_visit_imps(r, &out->errors))
		return;
	imps = json_object_get(r->root, "imp");
	if (json_array_size(imps) == 0)
		return;
	if (g->member.n > 0)
		uri = ortb_uri_with(r->arena, uri, STR("member_id"), g->member);
	if (!rewrite_ext(r, &why))
		adapter_error(&out->errors, ADAPTER_FAILED_TO_UNMARSHAL, "%s", why.text);
	else if (r->entry == ADAPTER_VIDEO && g->pods)
		add_pods(r, out, uri, imps);
	else
		add_calls(r, out, uri, imps, STR(""));
}

/* Replies ------------------------------------------------------------------------------------------ */

static const struct typed_field video_fields[] = { FIELD("duration", "Duration", INT) };
static const struct typed_struct video_struct = { "appnexus.bidExtVideo", video_fields, 1 };
static const struct typed_field creative_fields[] = { PART("video", "Video", video_struct) };
static const struct typed_struct creative_struct = { "appnexus.bidExtCreative", creative_fields, 1 };
static const struct typed_field bid_own_fields[] = {
	FIELD("bid_ad_type", "BidType", INT),
	FIELD("brand_id", "BrandId", INT),
	FIELD("brand_category_id", "BrandCategory", INT),
	PART("creative_info", "CreativeInfo", creative_struct),
	FIELD("deal_priority", "DealPriority", INT),
};
static const struct typed_struct bid_own = { "appnexus.bidExtAppnexus", bid_own_fields,
					     ARRAY_LEN(bid_own_fields) };
static const struct typed_field bid_ext_fields[] = { PART("appnexus", "Appnexus", bid_own) };
static const struct typed_struct bid_ext = { "appnexus.bidExt", bid_ext_fields, 1 };

/* The bidder's brand categories in the IAB's. */
static const char *const iab_categories[] = {
	[1] = "IAB20-3",   [2] = "IAB18-5",   [3] = "IAB10-1",   [4] = "IAB2-3",     [5] = "IAB19-8",
	[6] = "IAB22-1",   [7] = "IAB18-1",   [8] = "IAB12-3",   [9] = "IAB5-1",     [10] = "IAB4-5",
	[11] = "IAB13-4",  [12] = "IAB8-7",   [13] = "IAB9-7",   [14] = "IAB7-1",    [15] = "IAB20-18",
	[16] = "IAB10-7",  [17] = "IAB19-18", [18] = "IAB13-6",  [19] = "IAB18-4",   [20] = "IAB1-5",
	[21] = "IAB1-6",   [22] = "IAB3-4",   [23] = "IAB19-13", [24] = "IAB22-2",   [25] = "IAB3-9",
	[26] = "IAB17-18", [27] = "IAB19-6",  [28] = "IAB1-7",   [29] = "IAB9-30",   [30] = "IAB20-7",
	[31] = "IAB20-17", [32] = "IAB7-32",  [33] = "IAB16-5",  [34] = "IAB19-34",  [35] = "IAB11-5",
	[36] = "IAB12-3",  [37] = "IAB11-4",  [38] = "IAB12-3",  [39] = "IAB9-30",   [41] = "IAB7-44",
	[42] = "IAB7-1",   [43] = "IAB7-30",  [50] = "IAB19-30", [51] = "IAB17-12",  [52] = "IAB19-30",
	[53] = "IAB3-1",   [55] = "IAB13-2",  [56] = "IAB19-30", [57] = "IAB19-30",  [58] = "IAB7-39",
	[59] = "IAB22-1",  [60] = "IAB7-39",  [61] = "IAB21-3",  [62] = "IAB5-1",    [63] = "IAB12-3",
	[64] = "IAB20-18", [65] = "IAB11-2",  [66] = "IAB17-18", [67] = "IAB9-9",    [68] = "IAB9-5",
	[69] = "IAB7-44",  [71] = "IAB22-3",  [73] = "IAB19-30", [74] = "IAB8-5",    [78] = "IAB22-1",
	[85] = "IAB12-2",  [86] = "IAB22-3",  [87] = "IAB11-3",  [112] = "IAB7-32",  [113] = "IAB7-32",
	[114] = "IAB7-32", [115] = "IAB7-32", [118] = "IAB9-5",  [119] = "IAB9-5",   [120] = "IAB9-5",
	[121] = "IAB9-5",  [122] = "IAB9-5",  [123] = "IAB9-5",  [124] = "IAB9-5",   [125] = "IAB9-5",
	[126] = "IAB9-5",  [127] = "IAB22-1", [132] = "IAB1-2",  [133] = "IAB19-30", [137] = "IAB3-9",
	[138] = "IAB19-3", [140] = "IAB2-3",  [141] = "IAB2-1",  [142] = "IAB2-3",   [143] = "IAB17-13",
	[166] = "IAB11-4", [175] = "IAB3-1",  [176] = "IAB13-4", [182] = "IAB8-9",   [183] = "IAB3-5",
};

/* A category that is not known cannot be trusted when there are several: none of them is then sent on, and
 * category processing rejects the bid. */
static void set_category(json_t *bid, int64_t brand_category)
{
	const char *iab = NULL;

	if (brand_category >= 0 && brand_category < (int64_t)ARRAY_LEN(iab_categories))
		iab = iab_categories[brand_category];
	if (iab)
		json_object_set_new(bid, "cat", json_pack("[s]", iab));
	else if (json_array_size(json_object_get(bid, "cat")) > 1)
		json_object_del(bid, "cat");
}

static enum ortb_verdict read_bid(struct ortb_bid *x)
{
	static const char *const types[] = { [0] = "banner", [1] = "video", [3] = "native" };
	struct errtext why;
	const json_t *ext = ortb_typed(x->r->arena, json_object_get(x->bid, "ext"), &bid_ext, &why), *own;
	int64_t type;

	if (!ext) {
		adapter_error(&x->out->errors, ADAPTER_FAILED_TO_UNMARSHAL, "%s", why.text);
		return ORTB_DROP;
	}
	own = json_object_get(ext, "appnexus");
	type = json_int_at(own, "bid_ad_type", 0);
	if (type < 0 || type >= (int64_t)ARRAY_LEN(types) || !types[type]) {
		adapter_error(&x->out->errors, ADAPTER_PLAIN,
			      "Unrecognized bid_ad_type in response from appnexus: %lld", (long long)type);
		return ORTB_DROP;
	}
	set_category(x->bid, json_int_at(own, "brand_category_id", 0));
	x->b->type = str_of(types[type]);
	x->b->has_video = true;
	x->b->video.duration = json_int_at(own, "creative_info.video.duration", 0);
	x->b->deal_priority = json_int_at(own, "deal_priority", 0);
	return ORTB_KEEP;
}

/* The host's platform, by which the bidder knows where a request comes from. */
static int build(struct bidder *b, struct arena *a, struct errtext *why)
{
	int *platform = ARENA_NEW(a, int);
	int64_t id;

	(void)why;
	*platform = DEFAULT_PLATFORM;
	if (str_parse_i64(str_of(b->info->platform_id), 0, INT32_MAX, &id))
		*platform = (int)id;
	b->state = platform;
	return 0;
}

static const struct ortb_rules rules = {
	.each_imp = rewrite_imp,
	.currency = ORTB_CURRENCY_OR_USD,
	.each_bid = read_bid,
};

const struct adapter adapter_appnexus = {
	.name = "appnexus",
	.rules = &rules,
	.make_requests = make_requests,
	.parse_bids = ortb_parse_bids,
	.build = build,
};
