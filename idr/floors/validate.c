#include "idr/floors/validate.h"

#include <string.h>

#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"

enum { MAX_GROUPS = 20, MAX_RULES = 1000, MAX_FIELDS = 10 };

static const char *const fields[] = { "mediaType",  "size",    "domain",    "siteDomain",
				      "pubDomain",  "bundle",  "channel",   "gptSlot",
				      "adUnitCode", "country", "deviceType" };

static int bad(struct errtext *why, const char *where, const char *what)
{
	errtext_set(why, "%s %s", where, what);
	return ERR_INPUT;
}

static int check_number(const json_t *obj, const char *key, double min, double max, struct errtext *why)
{
	const json_t *v = json_object_get(obj, key);

	if (!v)
		return 0;
	if (!json_is_number(v) || !(json_number_value(v) >= min && json_number_value(v) <= max)) {
		errtext_set(why, "%s must be a number from %g to %g", key, min, max);
		return ERR_INPUT;
	}
	return 0;
}

static bool is_field(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (strcmp(name, fields[i]) == 0)
			return true;
	return false;
}

static int check_schema(const json_t *schema, size_t *ret_n, char *ret_delimiter, struct errtext *why)
{
	const json_t *list = json_object_get(schema, "fields"),
		     *delimiter = json_object_get(schema, "delimiter");
	size_t n = json_array_size(list);

	if (n == 0 || n > MAX_FIELDS)
		return bad(why, "schema.fields", "must be an array of 1 to 10 dimensions");
	for (size_t i = 0; i < n; i++)
		if (!json_is_string(json_array_get(list, i)) ||
		    !is_field(json_string_value(json_array_get(list, i)))) {
			errtext_set(why, "schema.fields[%zu] is not a dimension of Prebid floors", i);
			return ERR_INPUT;
		}
	if (delimiter && json_string_length(delimiter) != 1)
		return bad(why, "schema.delimiter", "must be one character");
	*ret_n = n;
	*ret_delimiter = delimiter ? json_string_value(delimiter)[0] : '|';
	return 0;
}

static int check_values(const json_t *values, size_t n_fields, char delimiter, struct errtext *why)
{
	const char *key;
	json_t *v;

	if (json_object_size(values) == 0 || json_object_size(values) > MAX_RULES)
		return bad(why, "values", "must be an object of 1 to 1000 rules");
	json_object_foreach ((json_t *)(uintptr_t)values, key, v) {
		size_t parts = 1;

		for (const char *p = key; *p; p++)
			parts += *p == delimiter;
		if (parts != n_fields) {
			errtext_set(why, "values[\"%.100s\"] must have %zu parts", key, n_fields);
			return ERR_INPUT;
		}
		if (!json_is_number(v) || !(json_number_value(v) >= 0 && json_number_value(v) <= 10000)) {
			errtext_set(why, "values[\"%.100s\"] must be a number from 0 to 10000", key);
			return ERR_INPUT;
		}
	}
	return 0;
}

static int check_group(const json_t *g, struct errtext *why)
{
	size_t n_fields;
	char delimiter;
	int err;

	if (!json_is_object(g))
		return bad(why, "group", "must be an object");
	if ((err = check_number(g, "skipRate", 0, 100, why)) ||
	    (err = check_number(g, "modelWeight", 1, 100, why)) ||
	    (err = check_number(g, "default", 0, 10000, why)) ||
	    (err = check_schema(json_object_get(g, "schema"), &n_fields, &delimiter, why)))
		return err;
	return check_values(json_object_get(g, "values"), n_fields, delimiter, why);
}

int floors_validate(const json_t *data, struct errtext *why)
{
	const json_t *groups = json_object_get(data, "modelGroups"), *cur = json_object_get(data, "currency"),
		     *version = json_object_get(data, "floorsSchemaVersion");
	int err;

	if (!json_is_object(data))
		return bad(why, "the body", "must be an object");
	if (cur && json_string_length(cur) != 3)
		return bad(why, "currency", "must be a three-letter code");
	if (version && json_number_value(version) != 2)
		return bad(why, "floorsSchemaVersion", "must be 2");
	if ((err = check_number(data, "floorMin", 0, 10000, why)) ||
	    (err = check_number(data, "skipRate", 0, 100, why)))
		return err;
	if (groups &&
	    (!json_is_array(groups) || json_array_size(groups) == 0 || json_array_size(groups) > MAX_GROUPS))
		return bad(why, "modelGroups", "must be an array of 1 to 20 groups");
	if (!groups && !json_object_get(data, "floorMin"))
		return bad(why, "the body", "must have modelGroups or floorMin");
	for (size_t i = 0; i < json_array_size(groups); i++)
		if ((err = check_group(json_array_get(groups, i), why))) {
			errtext_prefix(why, "modelGroups[%zu].", i);
			return err;
		}
	return 0;
}
