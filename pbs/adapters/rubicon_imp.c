#include "common/mem.h"
#include "pbs/adapters/ortb_text.h"
#include "pbs/adapters/rubicon.h"

#define FIELD(key, label, kind) TYPED_FIELD(key, label, TYPED_##kind, TYPED_GIVEN)
#define PART(key, label_, of)                                                                                \
	{                                                                                                    \
		.name = (key), .label = (label_), .type = &(of), .len = sizeof(key) - 1,                     \
		.kind = TYPED_OBJECT, .mark = TYPED_GIVEN                                                    \
	}

static const struct typed_field video_fields[] = {
	FIELD("language", "Language", STR),
	FIELD("playerHeight", "PlayerHeight", NUMBER),
	FIELD("playerWidth", "PlayerWidth", NUMBER),
	FIELD("size_id", "VideoSizeID", INT),
	FIELD("skip", "Skip", INT),
	FIELD("skipdelay", "SkipDelay", INT),
};
static const struct typed_struct video_params = { "openrtb_ext.rubiconVideoParams", video_fields,
						  ARRAY_LEN(video_fields) };
static const struct typed_field debug_fields[] = { FIELD("cpmoverride", "CpmOverride", FLOAT) };
static const struct typed_struct debug = { "openrtb_ext.impExtRubiconDebug", debug_fields, 1 };
static const struct typed_field param_fields[] = {
	FIELD("accountId", "AccountId", NUMBER),
	FIELD("siteId", "SiteId", NUMBER),
	FIELD("zoneId", "ZoneId", NUMBER),
	FIELD("inventory", "Inventory", RAW),
	FIELD("visitor", "Visitor", RAW),
	FIELD("bidonmultiformat", "BidOnMultiFormat", BOOL),
	{ "keywords", "Keywords", NULL, 8, TYPED_STR, TYPED_GIVEN, true },
	PART("video", "Video", video_params),
	PART("debug", "Debug", debug),
};
static const struct typed_struct params = { "openrtb_ext.ExtImpRubicon", param_fields,
					    ARRAY_LEN(param_fields) };
static const struct typed_field ext_fields[] = {
	PART("prebid", "Prebid", ortb_ext_imp_prebid),
	PART("bidder", "Bidder", params),
	FIELD("gpid", "Gpid", STR),
	FIELD("skadn", "Skadn", RAW),
	FIELD("tid", "Tid", STR),
	FIELD("data", "Data", RAW),
};
const struct typed_struct rubicon_imp_ext = { "rubicon.rubiconExtImpBidder", ext_fields,
					      ARRAY_LEN(ext_fields) };

static const struct typed_field server_fields[] = { FIELD("name", "Name", STR),
						    FIELD("adslot", "AdSlot", STR) };
static const struct typed_struct ad_server = { "rubicon.rubiconAdServer", server_fields,
					       ARRAY_LEN(server_fields) };
static const struct typed_field data_fields[] = { PART("adserver", "AdServer", ad_server),
						  FIELD("pbadslot", "PbAdSlot", STR) };
static const struct typed_struct data_struct = { "rubicon.rubiconData", data_fields, ARRAY_LEN(data_fields) };

bool rubicon_id(struct rubicon_imp *x, const char *param, int64_t *ret_id)
{
	struct errtext why;

	if (ortb_integer(x->r->arena, json_object_get(x->params, param), ret_id, &why))
		return true;
	adapter_error(x->errors, ADAPTER_PLAIN, "%s", why.text);
	return false;
}

/* Targeting ---------------------------------------------------------------------------------------- */

/* The ad slot that the publisher's own ad server knows. */
static bool add_slot(struct rubicon_imp *x, json_t *target, struct errtext *why)
{
	json_t *raw = json_object_get(x->ext, "data"), *data;
	struct str slot;

	if (!raw)
		return true;
	data = ortb_typed(x->r->arena, raw, &data_struct, why);
	if (!data)
		return false;
	slot = json_str_at(data, "pbadslot");
	if (slot.n > 0) {
		json_set_str(target, "pbadslot", slot);
		return true;
	}
	slot = json_str_at(data, "adserver.adslot");
	if (slot.n > 0 && str_eq(json_str_at(data, "adserver.name"), STR("gam")))
		json_set_str(target, "dfp_ad_unit_code", slot);
	return true;
}

static bool fill_target(struct rubicon_imp *x, json_t *target, struct errtext *why)
{
	const struct adapter_host *host = x->r->bidder->host;
	const json_t *root = x->r->root, *site = json_object_get(root, "site");
	const json_t *keywords = json_object_get(x->params, "keywords");

	if (!rubicon_add_attributes(target, json_object_get(x->params, "inventory"), why) ||
	    !rubicon_add_attributes(target, json_at(root, site ? "site.ext.data" : "app.ext.data"), why))
		return false;
	if (json_str_at(site, "page").n > 0)
		json_object_set_new(target, "page", json_pack("[O]", json_object_get(site, "page")));
	if (!rubicon_add_attributes(target, json_object_get(x->ext, "data"), why) ||
	    !add_slot(x, target, why))
		return false;
	if (json_array_size(keywords) > 0)
		json_object_set(target, "keywords", (json_t *)keywords);
	json_set_str(target, "pbs_login", x->state->login);
	json_set_str(target, "pbs_version", str_of(host->version));
	json_set_str(target, "pbs_url", str_of(host->external_url));
	return true;
}

/* imp.ext ------------------------------------------------------------------------------------------ */

static json_t *new_target(struct rubicon_imp *x)
{
	struct errtext why;
	json_t *target = rubicon_target_copy(json_at(x->imp, "ext.rp.target"), &why);

	if (target && fill_target(x, target, &why))
		return target;
	json_decref(target);
	adapter_error(x->errors, ADAPTER_FAILED_TO_UNMARSHAL, "%s", why.text);
	return NULL;
}

/* Takes `target`. */
static void set_ext(struct rubicon_imp *x, json_t *target, int64_t zone)
{
	const json_t *multibid = json_at(x->r->root, "ext.prebid.multibid");
	json_t *max = json_object_get(json_array_get(multibid, 0), "maxbids");
	json_t *ext = json_pack("{s:{s:I, s:o, s:{s:s, s:s}}}", "rp", "zone_id", (json_int_t)zone, "target",
				target, "track", "mint", "", "mint_version", "");

	for (const char *const *key = (const char *const[]){ "gpid", "tid", NULL }; *key; key++)
		if (json_str_at(x->ext, *key).n > 0)
			json_object_set(ext, *key, json_object_get(x->ext, *key));
	if (json_object_get(x->ext, "skadn"))
		json_object_set(ext, "skadn", json_object_get(x->ext, "skadn"));
	if (json_is_integer(max))
		json_object_set(ext, "maxbids", max);
	json_object_set_new(x->imp, "ext", ext);
}

static bool set_floor(struct rubicon_imp *x)
{
	struct str currency = json_str_at(x->imp, "bidfloorcur");
	struct errtext why;
	double usd;
	int err = ortb_floor_usd(x->r, x->imp, &usd, &why);

	if (err < 0) {
		adapter_error(x->errors, ADAPTER_BAD_INPUT,
			      "Unable to convert provided bid floor currency from " STR_FMT " to USD",
			      STR_ARG(currency));
		return false;
	}
	if (err == 0 && usd != 0)
		json_set_real(x->imp, "bidfloor", usd);
	else if (err == 0)
		json_object_del(x->imp, "bidfloor");
	if (currency.n > 0 && json_num_at(x->imp, "bidfloor", 0) >= 0)
		json_set_str(x->imp, "bidfloorcur", STR("USD"));
	return true;
}

bool rubicon_set_imp(struct rubicon_imp *x)
{
	json_t *target = new_target(x);
	int64_t site, zone;

	if (!target)
		return false;
	if (!rubicon_id(x, "siteId", &site) || !rubicon_id(x, "zoneId", &zone)) {
		json_decref(target);
		return false;
	}
	set_ext(x, target, zone);
	json_set_int(x->imp, "secure", 1);
	return set_floor(x);
}

/* Media -------------------------------------------------------------------------------------------- */

static bool is_complete(const json_t *video)
{
	return json_is_array(json_object_get(video, "mimes")) &&
	       json_is_array(json_object_get(video, "protocols")) &&
	       json_int_at(video, "maxduration", 0) != 0 && json_int_at(video, "linearity", 0) != 0;
}

bool rubicon_is_video(const json_t *imp)
{
	const json_t *video = json_object_get(imp, "video");

	return video && (!json_object_get(imp, "banner") || is_complete(video));
}

static void set_video(struct rubicon_imp *x)
{
	const json_t *p = json_object_get(x->params, "video");
	json_t *ext = json_pack("{s:{}}", "rp");

	for (const char *const *key = (const char *const[]){ "skip", "skipdelay", NULL }; *key; key++)
		if (json_int_at(p, *key, 0) != 0)
			json_object_set(ext, *key, json_object_get(p, *key));
	if (json_int_at(p, "size_id", 0) != 0)
		json_object_set(json_object_get(ext, "rp"), "size_id", json_object_get(p, "size_id"));
	if (json_int_at(x->imp, "rwdd", 0) == 1) {
		json_set_str(ext, "videotype", STR("rewarded"));
		json_object_del(x->imp, "rwdd");
	}
	json_object_set_new(json_own(x->imp, "video"), "ext", ext);
	json_object_del(x->imp, "banner");
	json_object_del(x->imp, "native");
}

static bool set_banner(struct rubicon_imp *x)
{
	json_t *banner = json_own(x->imp, "banner"), *h = json_object_get(banner, "h");

	if (json_array_size(json_object_get(banner, "format")) == 0 &&
	    (!json_object_get(banner, "w") || !h || json_integer_value(h) == 0)) {
		adapter_error(x->errors, ADAPTER_BAD_INPUT,
			      "rubicon imps must have at least one imp.format element");
		return false;
	}
	json_object_set_new(banner, "ext", json_pack("{s:{s:s}}", "rp", "mime", "text/html"));
	json_object_del(x->imp, "video");
	json_object_del(x->imp, "native");
	return true;
}

/* The native request as an object, or NULL with an error. */
static json_t *parse_native(struct rubicon_imp *x, struct str text)
{
	struct str trimmed = ortb_trim(text);
	struct errtext why = { "" };
	json_t *parsed = NULL;

	if (trimmed.n > 0 && (trimmed.p[0] == '{' || trimmed.p[0] == 'n'))
		parsed = json_parse(trimmed, &why);
	else
		errtext_set(&why, "expect { or n, but found %.*s", trimmed.n > 0, trimmed.p);
	if (!parsed)
		adapter_error(x->errors, ADAPTER_FAILED_TO_UNMARSHAL, "%s", why.text);
	return parsed ? arena_own_json(x->r->arena, parsed) : NULL;
}

/* What is wrong with a native request for this bidder; NULL: nothing. */
static const char *check_native(const json_t *request)
{
	const json_t *context = json_object_get(request, "context");

	if (!json_is_array(json_object_get(request, "eventtrackers")))
		return "Eventtrackers are not present or not of array type";
	if (context && !json_is_null(context) && !json_is_number(context))
		return "Context is not of int type";
	if (!json_is_number(json_object_get(request, "plcmttype")))
		return "Plcmttype is not present or not of int type";
	return NULL;
}

static bool set_native(struct rubicon_imp *x)
{
	const json_t *native = json_object_get(x->imp, "native");
	struct str ver = json_str_at(native, "ver");
	const char *wrong = "Native object is not present for request";
	json_t *request = NULL;

	if (native && !str_eq(ver, STR("1.0")) && !str_eq(ver, STR("1.1"))) {
		request = parse_native(x, json_str_at(native, "request"));
		if (!request)
			return false;
		wrong = check_native(request);
	} else if (native) {
		wrong = NULL;
	}
	if (wrong) {
		adapter_error(x->errors, ADAPTER_PLAIN, "%s", wrong);
		return false;
	}
	if (request)
		json_object_set(json_own(x->imp, "native"), "request_native", request);
	json_object_del(x->imp, "video");
	return true;
}

bool rubicon_set_media(struct rubicon_imp *x)
{
	if (!rubicon_is_video(x->imp))
		return json_object_get(x->imp, "banner") ? set_banner(x) : set_native(x);
	set_video(x);
	return true;
}
