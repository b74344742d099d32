#include "pbs/openrtb/validate_native.h"

#include "common/json.h"
#include "common/mem.h"
#include "pbs/openrtb/report.h"
#include "pbs/openrtb/typed.h"

#define NATIVE_SPEC                                                                                          \
	"https://iabtechlab.com/wp-content/uploads/2016/07/OpenRTB-Native-Ads-Specification-Final-1.2.pdf"
#define ORTB_25_SPEC                                                                                         \
	"https://www.iab.com/wp-content/uploads/2016/03/OpenRTB-API-Specification-Version-2-5-FINAL.pdf"

enum {
	EXCHANGE_SPECIFIC = 500, /* values from here on are private agreements and always fine */
	MAX_DOCUMENT = 4 * 1024 * 1024,
};

#define ONE(key, kind_, mark_) TYPED_FIELD(key, key, TYPED_##kind_, TYPED_##mark_)
#define LIST(key, kind_, mark_)                                                                              \
	{                                                                                                    \
		.name = (key), .label = (key), .len = sizeof(key) - 1, .kind = TYPED_##kind_,                \
		.mark = TYPED_##mark_, .list = true                                                          \
	}
#define OBJECT(key, of)                                                                                      \
	{                                                                                                    \
		.name = (key), .label = (key), .type = &(of), .len = sizeof(key) - 1, .kind = TYPED_OBJECT,  \
		.mark = TYPED_GIVEN                                                                          \
	}
#define OBJECTS(key, of, mark_)                                                                              \
	{                                                                                                    \
		.name = (key), .label = (key), .type = &(of), .len = sizeof(key) - 1, .kind = TYPED_OBJECT,  \
		.mark = TYPED_##mark_, .list = true                                                          \
	}
#define TYPE(name, rows)                                                                                     \
	{                                                                                                    \
		.owner = "native." name, .fields = (rows), .n_fields = ARRAY_LEN(rows)                       \
	}

/* clang-format off */
static const struct typed_field title_fields[] = { ONE("len", INT, ALWAYS), ONE("ext", RAW, NONZERO) };
static const struct typed_struct title = TYPE("title", title_fields);
static const struct typed_field img_fields[] = {
	ONE("type", INT, NONZERO), ONE("w", INT, NONZERO), ONE("wmin", INT, NONZERO), ONE("h", INT, NONZERO),
	ONE("hmin", INT, NONZERO), LIST("mimes", STR, NONZERO), ONE("ext", RAW, NONZERO),
};
static const struct typed_struct img = TYPE("img", img_fields);
static const struct typed_field video_fields[] = {
	LIST("mimes", STR, NONZERO), ONE("minduration", INT, NONZERO), ONE("maxduration", INT, NONZERO),
	LIST("protocols", INT, NONZERO), ONE("ext", RAW, NONZERO),
};
static const struct typed_struct video = TYPE("video", video_fields);
static const struct typed_field data_fields[] = {
	ONE("type", INT, ALWAYS), ONE("len", INT, NONZERO), ONE("ext", RAW, NONZERO),
};
static const struct typed_struct data = TYPE("data", data_fields);
static const struct typed_field asset_fields[] = {
	ONE("id", INT, ALWAYS), ONE("required", INT, NONZERO), OBJECT("title", title), OBJECT("img", img),
	OBJECT("video", video), OBJECT("data", data), ONE("ext", RAW, NONZERO),
};
static const struct typed_struct asset_type = TYPE("asset", asset_fields);
static const struct typed_field tracker_fields[] = {
	ONE("event", INT, ALWAYS), LIST("methods", INT, ALWAYS), ONE("ext", RAW, NONZERO),
};
static const struct typed_struct tracker = TYPE("eventtracker", tracker_fields);
static const struct typed_field request_fields[] = {
	ONE("ver", STR, NONZERO), ONE("context", INT, NONZERO), ONE("contextsubtype", INT, NONZERO),
	ONE("plcmttype", INT, NONZERO), ONE("plcmtcnt", INT, NONZERO), ONE("seq", INT, NONZERO),
	OBJECTS("assets", asset_type, ALWAYS), ONE("aurlsupport", INT, NONZERO), ONE("durlsupport", INT, NONZERO),
	OBJECTS("eventtrackers", tracker, NONZERO), ONE("privacy", INT, NONZERO), ONE("ext", RAW, NONZERO),
};
static const struct typed_struct request_type = TYPE("request", request_fields);
/* clang-format on */

/* Where in the request a check is: imp[imp].native.request, then assets[i] or eventtrackers[i]. */
struct place {
	size_t imp, i;
	struct messages *m;
};

static int64_t int_of(const json_t *obj, const char *key)
{
	const json_t *v = json_object_get(obj, key);

	return json_is_integer(v) ? json_integer_value(v) : 0;
}

static bool in_list(int64_t v, int64_t last)
{
	return (v >= 1 && v <= last) || v >= EXCHANGE_SPECIFIC;
}

/* Which context a subtype belongs to. */
static const struct {
	int64_t first, last, context;
} subtypes[] = { { 10, 15, 1 }, { 20, 22, 2 }, { 30, 32, 3 } };

static int check_context(const json_t *req, const struct place *at)
{
	int64_t context = int_of(req, "context"), subtype = int_of(req, "contextsubtype");

	if (context == 0)
		return 0;
	if (!in_list(context, 3))
		return refuse(at->m,
			      "request.imp[%zu].native.request.context is invalid. See " NATIVE_SPEC
			      "#page=39",
			      at->imp);
	if (subtype < 0)
		return refuse(at->m,
			      "request.imp[%zu].native.request.contextsubtype value can't be less than 0. "
			      "See " NATIVE_SPEC "#page=39",
			      at->imp);
	if (subtype == 0 || subtype >= EXCHANGE_SPECIFIC)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(subtypes); i++) {
		if (subtype < subtypes[i].first || subtype > subtypes[i].last)
			continue;
		if (context == subtypes[i].context || context >= EXCHANGE_SPECIFIC)
			return 0;
		return refuse(at->m,
			      "request.imp[%zu].native.request.context is %lld, but contextsubtype is %lld. "
			      "This is an invalid combination. See " NATIVE_SPEC "#page=39",
			      at->imp, (long long)context, (long long)subtype);
	}
	return refuse(at->m,
		      "request.imp[%zu].native.request.contextsubtype is invalid. See " NATIVE_SPEC
		      "#page=39",
		      at->imp);
}

static int check_title(const json_t *t, const struct place *at)
{
	if (int_of(t, "len") < 1)
		return refuse(
			at->m,
			"request.imp[%zu].native.request.assets[%zu].title.len must be a positive number",
			at->imp, at->i);
	return 0;
}

static int check_img(const json_t *image, const struct place *at)
{
	static const char *const keys[] = { "w", "h", "wmin", "hmin" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (int_of(image, keys[i]) < 0)
			return refuse(at->m,
				      "request.imp[%zu].native.request.assets[%zu].img.%s must be a positive "
				      "integer",
				      at->imp, at->i, keys[i]);
	return 0;
}

static int check_video(const json_t *v, const struct place *at)
{
	static const char *const durations[] = { "minduration", "maxduration" };
	const json_t *protocols = json_object_get(v, "protocols");

	if (json_array_size(json_object_get(v, "mimes")) == 0)
		return refuse(at->m,
			      "request.imp[%zu].native.request.assets[%zu].video.mimes must be an array with "
			      "at least one MIME type",
			      at->imp, at->i);
	for (size_t i = 0; i < ARRAY_LEN(durations); i++)
		if (int_of(v, durations[i]) < 1)
			return refuse(at->m,
				      "request.imp[%zu].native.request.assets[%zu].video.%s must be a "
				      "positive integer",
				      at->imp, at->i, durations[i]);
	if (json_array_size(protocols) == 0)
		return refuse(at->m,
			      "request.imp[%zu].native.request.assets[%zu].video.protocols must be an array "
			      "with at least one element",
			      at->imp, at->i);
	for (size_t i = 0; i < json_array_size(protocols); i++) {
		json_int_t p = json_integer_value(json_array_get(protocols, i));

		if (p < 1 || p > 10)
			return refuse(at->m,
				      "request.imp[%zu].native.request.assets[%zu].video.protocols[%zu] is "
				      "invalid. See Section 5.8: " ORTB_25_SPEC "#page=52",
				      at->imp, at->i, i);
	}
	return 0;
}

static int check_data(const json_t *d, const struct place *at)
{
	if (!in_list(int_of(d, "type"), 12))
		return refuse(at->m,
			      "request.imp[%zu].native.request.assets[%zu].data.type is invalid. See section "
			      "7.4: " NATIVE_SPEC "#page=40",
			      at->imp, at->i);
	return 0;
}

static const struct {
	const char *key;
	int (*check)(const json_t *part, const struct place *at);
} asset_kinds[] = {
	{ "title", check_title },
	{ "img", check_img },
	{ "video", check_video },
	{ "data", check_data },
};

/* The first kind is judged before a second one is noticed. */
static int check_asset(const json_t *asset, const struct place *at)
{
	size_t n_kinds = 0;

	for (size_t i = 0; i < ARRAY_LEN(asset_kinds) && n_kinds < 2; i++) {
		const json_t *part = json_object_get(asset, asset_kinds[i].key);
		int err;

		if (!part || n_kinds++ > 0)
			continue;
		err = asset_kinds[i].check(part, at);
		if (err)
			return err;
	}
	if (n_kinds == 1)
		return 0;
	return refuse(at->m,
		      "request.imp[%zu].native.request.assets[%zu] must define exactly one of {title, img, "
		      "video, data}",
		      at->imp, at->i);
}

/* Ids are the caller's as soon as one of them is set; then each must be unique. Otherwise 0, 1, 2… */
static int check_assets(json_t *req, size_t imp, struct messages *m)
{
	json_t *assets = json_own(req, "assets"), *seen;
	bool assign = true;
	int err = 0;

	if (json_array_size(assets) == 0)
		return refuse(
			m,
			"request.imp[%zu].native.request.assets must be an array containing at least one "
			"object",
			imp);
	for (size_t i = 0; i < json_array_size(assets); i++)
		assign = assign && int_of(json_array_get(assets, i), "id") == 0;
	seen = json_object();
	for (size_t i = 0; i < json_array_size(assets) && !err; i++) {
		json_t *asset = json_own_element(assets, i);
		int64_t id = int_of(asset, "id");

		err = check_asset(asset, &(struct place){ imp, i, m });
		if (err)
			break;
		if (assign) {
			json_set_int(asset, "id", (int64_t)i);
			continue;
		}
		if (json_object_getn(seen, (const char *)&id, sizeof id))
			err = refuse(
				m,
				"request.imp[%zu].native.request.assets[%zu].id is already being used by "
				"another asset. Each asset ID must be unique.",
				imp, i);
		json_object_setn_new_nocheck(seen, (const char *)&id, sizeof id, json_true());
	}
	json_decref(seen);
	return err;
}

static int check_tracker(const json_t *one, const struct place *at)
{
	const json_t *methods = json_object_get(one, "methods");

	if (!in_list(int_of(one, "event"), 4))
		return refuse(at->m,
			      "request.imp[%zu].native.request.eventtrackers[%zu].event is invalid. See "
			      "section 7.6: " NATIVE_SPEC "#page=43",
			      at->imp, at->i);
	if (json_array_size(methods) == 0)
		return refuse(at->m,
			      "request.imp[%zu].native.request.eventtrackers[%zu].method is required. See "
			      "section 7.7: " NATIVE_SPEC "#page=43",
			      at->imp, at->i);
	for (size_t i = 0; i < json_array_size(methods); i++)
		if (!in_list(json_integer_value(json_array_get(methods, i)), 2))
			return refuse(at->m,
				      "request.imp[%zu].native.request.eventtrackers[%zu].methods[%zu] is "
				      "invalid. See section 7.7: " NATIVE_SPEC "#page=43",
				      at->imp, at->i, i);
	return 0;
}

static int check_request(json_t *req, size_t imp, struct messages *m)
{
	const json_t *trackers = json_object_get(req, "eventtrackers");
	int64_t placement = int_of(req, "plcmttype");
	int err = check_context(req, &(struct place){ imp, 0, m });

	if (err)
		return err;
	if (placement != 0 && !in_list(placement, 4))
		return refuse(m,
			      "request.imp[%zu].native.request.plcmttype is invalid. See " NATIVE_SPEC
			      "#page=40",
			      imp);
	err = check_assets(req, imp, m);
	for (size_t i = 0; i < json_array_size(trackers) && !err; i++)
		err = check_tracker(json_array_get(trackers, i), &(struct place){ imp, i, m });
	return err;
}

int validate_native(json_t *native, size_t imp_index, struct messages *m)
{
	struct str text = json_str(json_object_get(native, "request"));
	struct errtext why = { "" };
	json_t *raw, *req;
	struct buf out;
	int err;

	if (text.n == 0)
		return refuse(m, "request.imp[%zu].native missing required property \"request\"", imp_index);
	raw = json_parse(text, &why);
	req = raw ? typed_decode(raw, &request_type, &why, NULL) : NULL;
	/* The decoded tree may be the very one that was parsed: give up the other reference first. */
	json_decref(raw);
	if (!req)
		return refuse(m, "request.imp[%zu].native.request is invalid: %s", imp_index, why.text);
	err = check_request(req, imp_index, m);
	if (!err) {
		buf_init(&out, MAX_DOCUMENT);
		json_write(&out, req);
		if (out.overflow)
			err = refuse(m, "request.imp[%zu].native.request is too large", imp_index);
		else
			json_set_str(native, "request", buf_str(&out));
		buf_deinit(&out);
	}
	json_decref(req);
	return err;
}
