#include "pbs/adapters/pubmatic_imp.h"

#include <stdlib.h>

#include "common/mem.h"
#include "pbs/adapters/ortb_text.h"

enum { KEY_VAL_MAX = 256 << 10 };

#define FIELD(key, label, kind) TYPED_FIELD(key, label, TYPED_##kind, TYPED_GIVEN)
#define PART(key, label_, of, list_)                                                                         \
	{                                                                                                    \
		.name = (key), .label = (label_), .type = &(of), .len = sizeof(key) - 1,                     \
		.kind = TYPED_OBJECT, .mark = TYPED_GIVEN, .list = (list_)                                   \
	}

static const struct typed_field ext_fields[] = {
	PART("prebid", "Prebid", ortb_ext_imp_prebid, false),
	FIELD("bidder", "Bidder", RAW),
	FIELD("data", "Data", RAW),
	FIELD("ae", "AE", INT),
	FIELD("gpid", "GPID", STR),
	FIELD("skadn", "SKAdnetwork", RAW),
};
static const struct typed_struct ext_struct = { "pubmatic.ExtImpBidderPubmatic", ext_fields,
						ARRAY_LEN(ext_fields) };
static const struct typed_field keyword_fields[] = {
	FIELD("key", "Key", STR),
	{ "value", "Values", NULL, 5, TYPED_STR, TYPED_GIVEN, true },
};
static const struct typed_struct keyword = { "openrtb_ext.ExtImpPubmaticKeyVal", keyword_fields,
					     ARRAY_LEN(keyword_fields) };
static const struct typed_field param_fields[] = {
	FIELD("publisherId", "PublisherId", STR), FIELD("adSlot", "AdSlot", STR),
	FIELD("pmzoneid", "PmZoneID", STR),       FIELD("dctr", "Dctr", STR),
	FIELD("kadfloor", "Kadfloor", STR),       PART("keywords", "Keywords", keyword, true),
	FIELD("wrapper", "WrapExt", RAW),
};
static const struct typed_struct params = { "openrtb_ext.ExtImpPubmatic", param_fields,
					    ARRAY_LEN(param_fields) };
static const struct typed_field wrapper_fields[] = {
	FIELD("profile", "ProfileID", INT),
	FIELD("version", "VersionID", INT),
	FIELD("biddercode", "BidderCode", STR),
};
const struct typed_struct pubmatic_wrapper = { "pubmatic.pubmaticWrapperExt", wrapper_fields,
					       ARRAY_LEN(wrapper_fields) };

void pubmatic_take_wrapper(struct pubmatic_request *p, const json_t *wrapper)
{
	p->has_wrapper = true;
	if (p->profile == 0)
		p->profile = json_int_at(wrapper, "profile", 0);
	if (p->version == 0)
		p->version = json_int_at(wrapper, "version", 0);
}

/* The wrapper of one imp while parts of it are still needed; *ret_wrapper stays NULL without one. */
static bool imp_wrapper(struct ortb_imp *x, const json_t *p, json_t **ret_wrapper)
{
	const struct pubmatic_request *known = x->r->scratch;
	json_t *raw = json_object_get(p, "wrapper");
	struct errtext why;
	char *text;

	if (!raw || json_is_null(raw) || (known->profile != 0 && known->version != 0))
		return true;
	*ret_wrapper = ortb_typed(x->r->arena, raw, &pubmatic_wrapper, &why);
	if (*ret_wrapper)
		return true;
	text = json_text(raw);
	adapter_error(x->errors, ADAPTER_PLAIN,
		      "Error in Wrapper Parameters = %s  for ImpID = " STR_FMT " WrapperExt = %s", why.text,
		      STR_ARG(json_str_at(x->imp, "id")), text);
	free(text);
	return false;
}

/* "tag", "tag@WxH" or "tag@WxH:index". NULL, or what is wrong with it. */
static const char *take_slot(struct arena *a, struct str slot, json_t *imp)
{
	struct str size = slot, tag = str_cut(&size, '@'), width, height;
	int64_t w, h;

	if (slot.n == 0)
		return NULL;
	if (!size.p) {
		json_set_str(imp, "tagid", slot);
		return NULL;
	}
	if (tag.n == 0 || size.n == 0 || memchr(size.p, '@', size.n))
		return "Invalid adSlot";
	if (ortb_trim(tag).n > 0)
		json_set_str(imp, "tagid", ortb_trim(tag));
	else
		json_object_del(imp, "tagid");
	height = arena_lower(a, size);
	width = str_cut(&height, 'x');
	if (!height.p || (height.n > 0 && memchr(height.p, 'x', height.n)))
		return "Invalid size provided in adSlot";
	if (!ortb_parse_int(ortb_trim(width), &w))
		return "Invalid width provided in adSlot";
	if (!ortb_parse_int(ortb_trim(str_cut(&height, ':')), &h))
		return "Invalid height provided in adSlot";
	if (json_object_get(imp, "banner")) {
		json_set_int(json_own(imp, "banner"), "w", w);
		json_set_int(json_own(imp, "banner"), "h", h);
	}
	return NULL;
}

/* False, with an error, for a banner that has no size at all. */
static bool take_sizes(struct ortb_imp *x, const json_t *p)
{
	struct str slot = ortb_trim(json_str_at(p, "adSlot"));
	const char *wrong = take_slot(x->r->arena, slot, x->imp);
	const json_t *banner;

	if (wrong) {
		adapter_error(x->errors, ADAPTER_PLAIN, "%s " STR_FMT, wrong, STR_ARG(slot));
		return false;
	}
	ortb_banner_size(x->imp, SIZE_EITHER_ABSENT);
	banner = json_object_get(x->imp, "banner");
	if (banner && !(json_object_get(banner, "w") && json_object_get(banner, "h"))) {
		adapter_error(x->errors, ADAPTER_PLAIN, "No sizes provided for Banner");
		return false;
	}
	return true;
}

static void take_floor(json_t *imp, const json_t *p)
{
	double floor;

	if (str_parse_double(ortb_trim(json_str_at(p, "kadfloor")), &floor) &&
	    floor > json_num_at(imp, "bidfloor", 0))
		json_set_real(imp, "bidfloor", floor);
}

static struct str joined(struct arena *a, const json_t *texts, bool trim)
{
	struct buf b;
	struct str out;

	buf_init(&b, KEY_VAL_MAX);
	for (size_t i = 0; i < json_array_size(texts); i++) {
		struct str one = json_str(json_array_get(texts, i));

		if (i > 0)
			buf_add_c(&b, ',');
		buf_add_str(&b, trim ? ortb_trim(one) : one);
	}
	out = arena_str(a, buf_str(&b));
	buf_deinit(&b);
	return out;
}

static void add_keywords(struct arena *a, json_t *ext, const json_t *keywords)
{
	for (size_t i = 0; i < json_array_size(keywords); i++) {
		const json_t *one = json_array_get(keywords, i), *values = json_object_get(one, "value");
		const char *key = json_string_value(json_object_get(one, "key"));

		if (json_array_size(values) == 0)
			continue;
		if (!key)
			key = "";
		json_set_str(ext, strcmp(key, "pmZoneID") == 0 ? "pmZoneId" : key, joined(a, values, false));
	}
}

/* The text of one pair's value; false for kinds that have none. */
static bool value_text(struct arena *a, const json_t *v, struct str *ret_text)
{
	*ret_text = STR("");
	if (json_is_string(v))
		*ret_text = ortb_trim(json_str(v));
	else if (json_is_number(v))
		*ret_text = ortb_real_text(a, json_number_value(v));
	else if (json_is_boolean(v))
		*ret_text = json_is_true(v) ? STR("true") : STR("false");
	else if (json_array_size(v) == 0)
		return false;
	for (size_t i = 0; i < json_array_size(v); i++)
		if (!json_is_string(json_array_get(v, i)))
			return false;
	if (json_is_array(v))
		*ret_text = joined(a, v, true);
	return true;
}

/* First party data as pairs behind those that are there. */
static void add_pairs(struct arena *a, json_t *ext, json_t *data)
{
	struct buf b;
	const char *key;
	json_t *v;

	buf_init(&b, KEY_VAL_MAX);
	buf_add_str(&b, json_str_at(ext, "key_val"));
	json_object_foreach (data, key, v) {
		struct str text;

		if (strcmp(key, "pbadslot") == 0 || strcmp(key, "adserver") == 0)
			continue;
		if (b.n > 0)
			buf_add_c(&b, '|');
		if (!value_text(a, v, &text))
			continue;
		buf_add_str(&b, ortb_trim(str_of(key)));
		buf_add_c(&b, '=');
		buf_add_str(&b, text);
	}
	if (b.n > 0)
		json_set_str(ext, "key_val",
			     (struct str){ b.p, str_ends(buf_str(&b), STR("|")) ? b.n - 1 : b.n });
	buf_deinit(&b);
}

static void add_data(struct arena *a, json_t *ext, json_t *data)
{
	struct str slot = json_str_at(data, "adserver.adslot");
	json_t *pbadslot = json_object_get(data, "pbadslot");

	if (!json_is_object(data))
		return;
	if (slot.n > 0 && str_eq(json_str_at(data, "adserver.name"), STR("gam")))
		json_set_str(ext, "dfp_ad_unit_code", slot);
	else if (json_is_string(pbadslot) && !json_object_get(ext, "dfp_ad_unit_code"))
		json_object_set(ext, "dfp_ad_unit_code", pbadslot);
	add_pairs(a, ext, data);
}

static void set_ext(struct arena *a, json_t *imp, const json_t *outer, const json_t *p)
{
	json_t *ext = json_object();

	add_keywords(a, ext, json_object_get(p, "keywords"));
	if (json_str_at(p, "dctr").n > 0)
		json_object_set(ext, "key_val", json_object_get(p, "dctr"));
	if (json_str_at(p, "pmzoneid").n > 0)
		json_object_set(ext, "pmZoneId", json_object_get(p, "pmzoneid"));
	add_data(a, ext, json_object_get(outer, "data"));
	if (json_int_at(outer, "ae", 0) != 0)
		json_object_set(ext, "ae", json_object_get(outer, "ae"));
	if (json_str_at(outer, "gpid").n > 0)
		json_object_set(ext, "gpid", json_object_get(outer, "gpid"));
	if (json_object_get(outer, "skadn"))
		json_object_set(ext, "skadn", json_object_get(outer, "skadn"));
	if (json_object_size(ext) > 0) {
		json_object_set_new(imp, "ext", ext);
	} else {
		json_object_del(imp, "ext");
		json_decref(ext);
	}
}

enum ortb_verdict pubmatic_imp(struct ortb_imp *x)
{
	struct pubmatic_request *request = x->r->scratch;
	json_t *outer, *p, *wrapper = NULL;
	struct errtext why;

	if (!(media_of_imp(x->imp) & (MEDIA_BANNER | MEDIA_VIDEO | MEDIA_NATIVE))) {
		adapter_error(x->errors, ADAPTER_PLAIN,
			      "invalid MediaType. PubMatic only supports Banner, Video and Native. Ignoring "
			      "ImpID=" STR_FMT,
			      STR_ARG(json_str_at(x->imp, "id")));
		return ORTB_DROP;
	}
	json_object_del(x->imp, "audio");
	if (request->sdk.n > 0 && json_str_at(x->imp, "displaymanager").n == 0 &&
	    json_str_at(x->imp, "displaymanagerver").n == 0) {
		json_set_str(x->imp, "displaymanager", request->sdk);
		json_set_str(x->imp, "displaymanagerver", request->sdk_version);
	}
	outer = ortb_typed(x->r->arena, json_object_get(x->imp, "ext"), &ext_struct, &why);
	p = outer ? ortb_typed(x->r->arena, json_object_get(outer, "bidder"), &params, &why) : NULL;
	if (!p) {
		adapter_error(x->errors, ADAPTER_FAILED_TO_UNMARSHAL, "%s", why.text);
		return ORTB_DROP;
	}
	if (!imp_wrapper(x, p, &wrapper) || !take_sizes(x, p))
		return ORTB_DROP;
	take_floor(x->imp, p);
	set_ext(x->r->arena, x->imp, outer, p);
	if (wrapper)
		pubmatic_take_wrapper(request, wrapper);
	if (request->publisher_id.n == 0)
		request->publisher_id = ortb_trim(json_str_at(p, "publisherId"));
	return ORTB_KEEP;
}
