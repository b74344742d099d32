/* PubMatic wants its own request.ext and imp.ext, and says in a bid's ext what a bid of OpenRTB has no place
 * for: marketplace seats, deal priority, duration, video in banners.
 *
 * Source  fact sheet "pubmatic" of the reference's adapters.
 */
#include "common/mem.h"
#include "pbs/adapters/bidders.h"
#include "pbs/adapters/ortb_text.h"
#include "pbs/adapters/pubmatic_imp.h"

#define FIELD(key, label, kind) TYPED_FIELD(key, label, TYPED_##kind, TYPED_GIVEN)
#define PART(key, label_, of)                                                                                \
	{                                                                                                    \
		.name = (key), .label = (label_), .type = &(of), .len = sizeof(key) - 1,                     \
		.kind = TYPED_OBJECT, .mark = TYPED_GIVEN                                                    \
	}

/* request.ext -------------------------------------------------------------------------------------- */

static const struct typed_field codes_fields[] = {
	FIELD("enabled", "Enabled", BOOL),
	{ "allowedbiddercodes", "AllowedBidderCodes", NULL, 18, TYPED_STR, TYPED_GIVEN, true },
};
static const struct typed_struct codes_struct = { "openrtb_ext.ExtAdapterAlternateBidderCodes", codes_fields,
						  ARRAY_LEN(codes_fields) };
static const struct typed_field bidders_fields[] = { PART("pubmatic", "Bidders", codes_struct) };
static const struct typed_struct bidders_struct = { "openrtb_ext.ExtAlternateBidderCodes", bidders_fields,
						    1 };
static const struct typed_field alternate_fields[] = { FIELD("enabled", "Enabled", BOOL),
						       PART("bidders", "Bidders", bidders_struct) };
static const struct typed_struct alternate_struct = { "openrtb_ext.ExtAlternateBidderCodes", alternate_fields,
						      ARRAY_LEN(alternate_fields) };
static const struct typed_field prebid_fields[] = {
	FIELD("bidderparams", "BidderParams", RAW),
	FIELD("aliases", "Aliases", MAP),
	PART("alternatebiddercodes", "AlternateBidderCodes", alternate_struct),
};
static const struct typed_struct prebid_struct = { "openrtb_ext.ExtRequestPrebid", prebid_fields,
						   ARRAY_LEN(prebid_fields) };
static const struct typed_field ext_fields[] = { PART("prebid", "Prebid", prebid_struct) };
static const struct typed_struct ext_struct = { "openrtb_ext.ExtRequest", ext_fields, 1 };

/* Seats of others that the bidder may answer with. */
static json_t *allowed_bidders(const json_t *alternate)
{
	const json_t *own = json_at(alternate, "bidders.pubmatic");
	const json_t *codes = json_object_get(own, "allowedbiddercodes");
	json_t *list;

	if (!json_bool_at(alternate, "enabled", false) || !json_bool_at(own, "enabled", false))
		return json_pack("[s]", "pubmatic");
	if (!codes || (json_array_size(codes) == 1 && str_eq(ortb_first_str(codes), STR("*"))))
		return json_pack("[s]", "all");
	list = json_pack("[s]", "pubmatic");
	json_array_extend(list, (json_t *)codes);
	return list;
}

static bool take_categories(struct arena *a, json_t *ext, json_t *acat, struct errtext *why)
{
	const json_t *list;
	json_t *trimmed;

	if (!acat)
		return true;
	list = ortb_strings(a, acat, why);
	if (!list)
		return false;
	trimmed = json_array();
	for (size_t i = 0; i < json_array_size(list); i++)
		json_array_append_new(trimmed, json_new_str(ortb_trim(json_str(json_array_get(list, i)))));
	if (json_array_size(trimmed) > 0)
		json_object_set(ext, "acat", trimmed);
	json_decref(trimmed);
	return true;
}

/* The name that the bidder goes by: the request's alias, if it has one. */
static struct str bidder_code(const struct adapter_request *r, json_t *aliases)
{
	void *first = json_object_iter(aliases);

	return str_of(first ? json_object_iter_key(first) : r->bidder->name);
}

/* Reads request.ext into `p` and the new ext; false with the one error that ends it. */
static bool read_request_ext(struct adapter_request *r, struct pubmatic_request *p, json_t *ext,
			     struct str *ret_code, struct adapter_errors *errors)
{
	json_t *in = json_object_get(r->root, "ext"), *prebid, *bidder_params, *v;
	struct errtext why;

	if (!in)
		return true;
	in = ortb_typed(r->arena, in, &ext_struct, &why);
	if (!in) {
		adapter_error(errors, ADAPTER_PLAIN, "error decoding Request.ext : %s", why.text);
		return false;
	}
	prebid = json_object_get(in, "prebid");
	bidder_params = json_object_get(prebid, "bidderparams");
	if (bidder_params && !ortb_is_map(bidder_params, &why))
		goto fail;
	v = json_object_get(bidder_params, "wrapper");
	if (v) {
		v = ortb_typed(r->arena, v, &pubmatic_wrapper, &why);
		if (!v)
			goto fail;
		pubmatic_take_wrapper(p, v);
	}
	if (!take_categories(r->arena, ext, json_object_get(bidder_params, "acat"), &why))
		goto fail;
	v = json_object_get(prebid, "alternatebiddercodes");
	if (v)
		json_object_set_new(ext, "marketplace",
				    json_pack("{s:o}", "allowedbidders", allowed_bidders(v)));
	p->has_wrapper = true;
	*ret_code = bidder_code(r, json_object_get(prebid, "aliases"));
	return true;
fail:
	adapter_error(errors, ADAPTER_FAILED_TO_UNMARSHAL, "%s", why.text);
	return false;
}

static void set_wrapper(json_t *ext, const struct pubmatic_request *p, struct str code)
{
	json_t *wrapper;

	if (!p->has_wrapper)
		return;
	wrapper = json_own_object(ext, "wrapper");
	if (p->profile != 0)
		json_set_int(wrapper, "profile", p->profile);
	if (p->version != 0)
		json_set_int(wrapper, "version", p->version);
	if (code.n > 0)
		json_set_str(wrapper, "biddercode", code);
}

/* Where an app says which SDK shows its ads; each pair counts when both are there. */
static void find_sdk(const json_t *root, struct pubmatic_request *p)
{
	static const char *const places[] = { "app.ext.prebid", "app.ext" };

	for (size_t i = 0; i < ARRAY_LEN(places) && p->sdk.n == 0; i++) {
		const json_t *place = json_at(root, places[i]);
		struct str sdk = json_str_at(place, "source"), version = json_str_at(place, "version");

		if (sdk.n > 0 && version.n > 0) {
			p->sdk = sdk;
			p->sdk_version = version;
		}
	}
}

static void make_requests(struct adapter_request *r, struct adapter_calls *out)
{
	struct pubmatic_request *p = ARENA_NEW(r->arena, struct pubmatic_request);
	json_t *ext = arena_own_json(r->arena, json_object());
	struct str code = STR("");

	r->scratch = p;
	p->publisher_id = STR("");
	find_sdk(r->root, p);
	if (!read_request_ext(r, p, ext, &code, &out->errors))
		return;
	(void)ortb_visit_imps(r, &out->errors);
	if (json_array_size(json_object_get(r->root, "imp")) == 0)
		return;
	set_wrapper(ext, p, code);
	json_object_set(r->root, "ext", ext);
	if (json_object_get(r->root, "site"))
		ortb_publisher_id(r->root, "site", p->publisher_id);
	else if (json_object_get(r->root, "app"))
		ortb_publisher_id(r->root, "app", p->publisher_id);
	ortb_headers(r->arena, adapter_call_add(r, out, str_of(r->bidder->endpoint), r->root),
		     ORTB_HEADERS_JSON);
}

/* Replies ------------------------------------------------------------------------------------------ */

static const struct typed_field video_fields[] = { FIELD("duration", "Duration", INT) };
static const struct typed_struct video_struct = { "pubmatic.pubmaticBidExtVideo", video_fields, 1 };
static const struct typed_field bid_ext_fields[] = {
	PART("video", "VideoCreativeInfo", video_struct),
	FIELD("marketplace", "Marketplace", STR),
	FIELD("prebiddealpriority", "PrebidDealPriority", INT),
	FIELD("ibv", "InBannerVideo", BOOL),
};
static const struct typed_struct bid_ext = { "pubmatic.pubmaticBidExt", bid_ext_fields,
					     ARRAY_LEN(bid_ext_fields) };

/* Where the value that starts at `i` of valid JSON ends. */
static size_t value_end(struct str json, size_t i)
{
	int depth = 0;

	for (bool quoted = false; i < json.n; i++) {
		char c = json.p[i];

		if (quoted) {
			i += c == '\\';
			quoted = c != '"';
			if (!quoted && depth == 0)
				return i + 1;
		} else if (c == '"') {
			quoted = true;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if (c == '}' || c == ']') {
			if (depth == 0)
				return i;
			if (--depth == 0)
				return i + 1;
		} else if (depth == 0 && strchr(",: \t\r\n", c)) {
			return i;
		}
	}
	return json.n;
}

static size_t skip_space(struct str json, size_t i)
{
	while (i < json.n && strchr(" \t\r\n", json.p[i]))
		i++;
	return i;
}

/* The text of a member of a valid JSON object as it stands there; empty when there is none. */
static struct str raw_member(struct str json, struct str quoted_key)
{
	size_t i = skip_space(json, 0) + 1;

	while (i < json.n) {
		size_t key = skip_space(json, i), key_end = value_end(json, key);
		size_t value = skip_space(json, skip_space(json, key_end) + 1);
		size_t end = value_end(json, value);

		if (end > value && str_eq((struct str){ json.p + key, key_end - key }, quoted_key))
			return (struct str){ json.p + value, end - value };
		i = skip_space(json, end) + 1;
	}
	return STR("");
}

/* Native markup comes wrapped in {"native":…}, which players do not expect; its text is not to change. */
static void unwrap_native(struct ortb_bid *x)
{
	struct str adm = json_str_at(x->bid, "adm"), inner = STR("");
	json_t *parsed = json_parse(adm, NULL);

	if (!json_is_object(parsed) && !json_is_null(parsed))
		adapter_error(&x->out->errors, ADAPTER_PLAIN, "unable to unmarshal native adm");
	else if (json_object_get(parsed, "native"))
		inner = raw_member(adm, STR("\"native\""));
	json_decref(parsed);
	if (inner.n > 0)
		json_set_str(x->bid, "adm", arena_str(x->r->arena, inner));
}

/* What the bid's ext says; a bid without a readable one is kept as it is. */
static void read_bid_ext(struct ortb_bid *x)
{
	json_t *raw = json_object_get(x->bid, "ext"), *meta;
	const json_t *ext;
	struct errtext why;

	if (json_is_null(raw))
		return;
	ext = ortb_typed(x->r->arena, raw, &bid_ext, &why);
	if (!ext) {
		adapter_error(&x->out->errors, ADAPTER_FAILED_TO_UNMARSHAL, "%s", why.text);
		return;
	}
	x->b->seat = json_str_at(ext, "marketplace");
	if (json_int_at(ext, "prebiddealpriority", 0) > 0)
		x->b->deal_priority = json_int_at(ext, "prebiddealpriority", 0);
	x->b->video.duration = json_int_at(ext, "video.duration", 0);
	meta = arena_own_json(x->r->arena, json_object());
	json_set_str(meta, "mediaType", json_bool_at(ext, "ibv", false) ? STR("video") : x->b->type);
	x->b->meta = meta;
}

static enum ortb_verdict read_bid(struct ortb_bid *x)
{
	const json_t *cat = json_object_get(x->bid, "cat");
	int64_t mtype = json_int_at(x->bid, "mtype", 0);
	enum media media = media_of_mtype(mtype);

	if (media == MEDIA_NONE) {
		adapter_error(&x->out->errors, ADAPTER_BAD_SERVER_RESPONSE,
			      "failed to parse bid mtype (%lld) for impression id " STR_FMT, (long long)mtype,
			      STR_ARG(json_str_at(x->bid, "impid")));
		return ORTB_DROP;
	}
	if (json_array_size(cat) > 1)
		json_object_set_new(x->bid, "cat", json_pack("[O]", json_array_get(cat, 0)));
	x->b->type = str_of(media_name(media));
	x->b->has_video = true;
	read_bid_ext(x);
	if (media == MEDIA_NATIVE)
		unwrap_native(x);
	return ORTB_KEEP;
}

static void read_configs(const struct adapter_request *r, const json_t *response, struct adapter_bids *out)
{
	json_t *configs = typed_get(json_object_get(response, "ext"), "fledge_auction_configs"), *config;
	const char *impid;

	if (!json_is_object(configs))
		return;
	out->configs = arena_own_json(r->arena, json_array());
	json_object_foreach (configs, impid, config)
		json_array_append_new(out->configs,
				      json_pack("{s:s, s:O}", "impid", impid, "config", config));
}

static const struct ortb_rules rules = {
	.each_imp = pubmatic_imp,
	.status = &ortb_status_plain,
	.currency = ORTB_CURRENCY_OR_USD,
	.each_bid = read_bid,
	.response = read_configs,
};

const struct adapter adapter_pubmatic = {
	.name = "pubmatic",
	.rules = &rules,
	.make_requests = make_requests,
	.parse_bids = ortb_parse_bids,
};
