/* The markup is read into types and written from them, members in the order of the tables. It comes bare, or
 * wrapped in {"native":…}.
 *
 * Source  OpenRTB Native 1.2, section 5; fact sheet "ix" of the reference's adapters.
 */
#include "pbs/adapters/ix_native.h"

#include <stdlib.h>

#include "common/json.h"
#include "common/mem.h"
#include "pbs/openrtb/typed.h"

#define ONE(key, kind, mark) TYPED_FIELD(key, key, TYPED_##kind, TYPED_##mark)
#define LIST(key, kind_)                                                                                     \
	{                                                                                                    \
		.name = (key), .label = (key), .len = sizeof(key) - 1, .kind = TYPED_##kind_,                \
		.mark = TYPED_NONZERO, .list = true                                                          \
	}
#define PART(key, of, mark_, list_)                                                                          \
	{                                                                                                    \
		.name = (key), .label = (key), .type = &(of), .len = sizeof(key) - 1, .kind = TYPED_OBJECT,  \
		.mark = TYPED_##mark_, .list = (list_)                                                       \
	}
#define TABLE(rows)                                                                                          \
	{                                                                                                    \
		"native", rows, ARRAY_LEN(rows)                                                              \
	}

static const struct typed_field link_fields[] = { ONE("url", STR, ALWAYS), LIST("clicktrackers", STR),
						  ONE("fallback", STR, NONZERO), ONE("ext", RAW, GIVEN) };
static const struct typed_struct link_type = TABLE(link_fields);
static const struct typed_field title_fields[] = { ONE("text", STR, ALWAYS), ONE("len", INT, NONZERO),
						   ONE("ext", RAW, GIVEN) };
static const struct typed_struct title_type = TABLE(title_fields);
static const struct typed_field img_fields[] = { ONE("type", INT, NONZERO), ONE("url", STR, ALWAYS),
						 ONE("w", INT, NONZERO), ONE("h", INT, NONZERO),
						 ONE("ext", RAW, GIVEN) };
static const struct typed_struct img_type = TABLE(img_fields);
static const struct typed_field video_fields[] = { ONE("vasttag", STR, ALWAYS) };
static const struct typed_struct video_type = TABLE(video_fields);
static const struct typed_field data_fields[] = { ONE("type", INT, NONZERO), ONE("len", INT, NONZERO),
						  ONE("label", STR, NONZERO), ONE("value", STR, ALWAYS),
						  ONE("ext", RAW, GIVEN) };
static const struct typed_struct data_type = TABLE(data_fields);
static const struct typed_field tracker_fields[] = { ONE("event", INT, ALWAYS), ONE("method", INT, ALWAYS),
						     ONE("url", STR, NONZERO), ONE("customdata", RAW, GIVEN),
						     ONE("ext", RAW, GIVEN) };
static const struct typed_struct tracker_type = TABLE(tracker_fields);
static const struct typed_field asset_fields[] = {
	ONE("id", INT, GIVEN),
	ONE("required", INT, NONZERO),
	PART("title", title_type, GIVEN, false),
	PART("img", img_type, GIVEN, false),
	PART("video", video_type, GIVEN, false),
	PART("data", data_type, GIVEN, false),
	PART("link", link_type, GIVEN, false),
	ONE("ext", RAW, GIVEN),
};
static const struct typed_struct asset_type = TABLE(asset_fields);
static const struct typed_field response_fields[] = {
	ONE("ver", STR, NONZERO),
	PART("assets", asset_type, NONZERO, true),
	ONE("assetsurl", STR, NONZERO),
	ONE("dcourl", STR, NONZERO),
	PART("link", link_type, ALWAYS, false),
	LIST("imptrackers", STR),
	ONE("jstracker", STR, NONZERO),
	PART("eventtrackers", tracker_type, NONZERO, true),
	ONE("privacy", STR, NONZERO),
	ONE("ext", RAW, GIVEN),
};
static const struct typed_struct response_type = TABLE(response_fields);
static const struct typed_field wrapper_fields[] = { PART("native", response_type, ALWAYS, false) };
static const struct typed_struct wrapper_type = TABLE(wrapper_fields);

/* A decoded tree with its members in the order of the tables, whose depth bounds this. */
static json_t *ordered(json_t *decoded, const struct typed_struct *type)
{
	json_t *out = json_object();

	for (uint32_t i = 0; i < type->n_fields; i++) {
		const struct typed_field *f = &type->fields[i];
		json_t *v = json_object_get(decoded, f->name), *list;

		if (!v)
			continue;
		if (!f->type) {
			json_object_set(out, f->name, v);
		} else if (!f->list) {
			json_object_set_new(out, f->name, ordered(v, f->type));
		} else {
			list = json_array();
			for (size_t k = 0; k < json_array_size(v); k++)
				json_array_append_new(list, ordered(json_array_get(v, k), f->type));
			json_object_set_new(out, f->name, list);
		}
	}
	return out;
}

static int by_text(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* imptrackers and the URLs of impression pixels; texts are borrowed from the tree. */
static json_t *union_of_trackers(struct arena *a, const json_t *native)
{
	const json_t *old = json_object_get(native, "imptrackers"),
		     *events = json_object_get(native, "eventtrackers");
	size_t n = 0;
	struct str *urls = ARENA_ARRAY(a, struct str, json_array_size(old) + json_array_size(events));
	json_t *out = json_array();

	for (size_t i = 0; i < json_array_size(old); i++)
		urls[n++] = json_str(json_array_get(old, i));
	for (size_t i = 0; i < json_array_size(events); i++) {
		const json_t *e = json_array_get(events, i);

		if (json_int_at(e, "event", 0) == 1 && json_int_at(e, "method", 0) == 1)
			urls[n++] = json_str_at(e, "url");
	}
	if (n > 0)
		qsort(urls, n, sizeof *urls, by_text);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || !str_eq(urls[i], urls[i - 1]))
			json_array_append_new(out, json_new_str(urls[i]));
	return out;
}

/* The markup as `type` reads it; the response is the member `inner` of it, or all of it when that is NULL. */
static bool rewrite(struct arena *a, json_t *parsed, const struct typed_struct *type, const char *inner,
		    struct str *ret_adm)
{
	json_t *decoded = typed_decode(parsed, type, NULL, NULL), *out, *native, *urls;
	const json_t *events;
	char *text;

	if (!decoded)
		return false;
	events = json_object_get(inner ? json_object_get(decoded, inner) : decoded, "eventtrackers");
	if (json_array_size(events) == 0) {
		json_decref(decoded);
		return false;
	}
	urls = union_of_trackers(a, inner ? json_object_get(decoded, inner) : decoded);
	native = inner ? json_own(decoded, inner) : decoded;
	/* Decoded trees share canonical input, which is ours here: `parsed` has no other reader. */
	if (json_array_size(urls) > 0)
		json_object_set(native, "imptrackers", urls);
	else
		json_object_del(native, "imptrackers");
	json_decref(urls);
	out = ordered(decoded, type);
	text = json_text(out);
	*ret_adm = str_of(arena_strdup(a, text));
	free(text);
	json_decref(out);
	json_decref(decoded);
	return true;
}

struct str ix_native_trackers(struct arena *a, struct str adm)
{
	json_t *parsed = json_parse(adm, NULL);
	struct str out = adm;

	if (json_is_object(parsed) && !rewrite(a, parsed, &wrapper_type, "native", &out))
		(void)rewrite(a, parsed, &response_type, NULL, &out);
	json_decref(parsed);
	return out;
}
