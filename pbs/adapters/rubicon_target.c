#include <math.h>
#include <stdio.h>

#include "pbs/adapters/rubicon.h"

static bool all_are(const json_t *list, bool (*is)(const json_t *v))
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!is(json_array_get(list, i)))
			return false;
	return true;
}

static bool is_text(const json_t *v)
{
	return json_is_string(v);
}

static bool is_bool(const json_t *v)
{
	return json_is_boolean(v);
}

static json_t *bool_text(const json_t *v)
{
	return json_string(json_is_true(v) ? "true" : "false");
}

static json_t *integer_text(const json_t *v)
{
	double d = json_number_value(v);

	if (json_is_integer(v))
		return json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(v));
	if (d != trunc(d) || fabs(d) >= 9e18)
		return NULL;
	return json_sprintf("%lld", (long long)d);
}

/* A new list of texts, NULL for what cannot be told so. An empty list becomes null, as the bidder has always
 * been sent it. */
static json_t *attribute(json_t *v)
{
	json_t *text = NULL, *list;

	if (json_is_string(v))
		return json_pack("[O]", v);
	if (json_is_number(v))
		text = integer_text(v);
	else if (json_is_boolean(v))
		text = bool_text(v);
	if (text)
		return json_pack("[o]", text);
	if (!json_is_array(v))
		return NULL;
	if (json_array_size(v) == 0)
		return json_null();
	if (all_are(v, is_text))
		return json_incref(v);
	if (!all_are(v, is_bool))
		return NULL;
	list = json_array();
	for (size_t i = 0; i < json_array_size(v); i++)
		json_array_append_new(list, bool_text(json_array_get(v, i)));
	return list;
}

bool rubicon_add_attributes(json_t *target, const json_t *source, struct errtext *why)
{
	json_t *in = (json_t *)source, *v, *list; /* jansson's iterators take no const */
	const char *key;

	if (!source)
		return true;
	if (!ortb_is_map(source, why))
		return false;
	json_object_foreach (in, key, v) {
		list = attribute(v);
		if (list)
			json_object_set_new(target, key, list);
	}
	return true;
}

void rubicon_add_segments(json_t *target, const json_t *data, const int *taxonomies)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < json_array_size(data); i++) {
		const json_t *one = json_array_get(data, i), *segments = json_object_get(one, "segment");
		const json_t *taxonomy = typed_get(json_object_get(one, "ext"), "segtax");
		bool wanted = false;

		for (const int *t = taxonomies; *t; t++)
			wanted |= json_is_integer(taxonomy) && json_integer_value(taxonomy) == *t;
		for (size_t k = 0; wanted && k < json_array_size(segments); k++)
			json_array_append_new(ids,
					      json_new_str(json_str_at(json_array_get(segments, k), "id")));
	}
	if (json_array_size(ids) > 0)
		json_object_set(target, "iab", ids);
	json_decref(ids);
}

json_t *rubicon_target_copy(const json_t *target, struct errtext *why)
{
	if (target && !ortb_is_map(target, why))
		return NULL;
	return json_is_object(target) ? json_copy((json_t *)target) : json_object();
}
