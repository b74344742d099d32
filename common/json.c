#include "common/json.h"

#include <string.h>

/* Keys on a path are cut out of it without copying. Asked hundreds of times per auction, mostly for one key. */
json_t *json_at(const json_t *j, const char *path)
{
	while (j) {
		const char *end = strchrnul(path, '.');

		j = json_object_getn(j, path, (size_t)(end - path));
		if (*end == '\0')
			break;
		path = end + 1;
	}
	return (json_t *)(uintptr_t)j;
}

struct str json_str_at(const json_t *j, const char *path)
{
	return json_str(json_at(j, path));
}

int64_t json_int_at(const json_t *j, const char *path, int64_t fallback)
{
	const json_t *v = json_at(j, path);

	return json_is_integer(v) ? json_integer_value(v) : fallback;
}

double json_num_at(const json_t *j, const char *path, double fallback)
{
	const json_t *v = json_at(j, path);

	return json_is_number(v) ? json_number_value(v) : fallback;
}

bool json_bool_at(const json_t *j, const char *path, bool fallback)
{
	const json_t *v = json_at(j, path);

	return json_is_boolean(v) ? json_is_true(v) : fallback;
}

json_t *json_new_str(struct str s)
{
	return json_stringn_nocheck(s.n ? s.p : "", s.n);
}

void json_set_str(json_t *obj, const char *key, struct str s)
{
	json_object_set_new_nocheck(obj, key, json_new_str(s));
}

void json_set_int(json_t *obj, const char *key, int64_t v)
{
	json_object_set_new_nocheck(obj, key, json_integer(v));
}

void json_set_real(json_t *obj, const char *key, double v)
{
	json_object_set_new_nocheck(obj, key, json_real(v));
}

void json_set_bool(json_t *obj, const char *key, bool v)
{
	json_object_set_new_nocheck(obj, key, json_boolean(v));
}

/* Only the parent holds it, so a change is seen by nobody else. Static values (true, null) have no owner to
 * disturb. */
static bool is_private(const json_t *j)
{
	return __atomic_load_n(&j->refcount, __ATOMIC_ACQUIRE) == 1;
}

json_t *json_own(json_t *obj, const char *key)
{
	json_t *v = json_object_get(obj, key);

	if (!v || (!json_is_object(v) && !json_is_array(v)) || is_private(v))
		return v;
	json_object_set_new_nocheck(obj, key, json_copy(v));
	return json_object_get(obj, key);
}

json_t *json_own_object(json_t *obj, const char *key)
{
	if (!json_is_object(json_object_get(obj, key)))
		json_object_set_new_nocheck(obj, key, json_object());
	return json_own(obj, key);
}

json_t *json_own_element(json_t *arr, size_t i)
{
	json_t *v = json_array_get(arr, i);

	if (!v || (!json_is_object(v) && !json_is_array(v)) || is_private(v))
		return v;
	json_array_set_new(arr, i, json_copy(v));
	return json_array_get(arr, i);
}

/* A patch that is put where nothing stood: its nulls delete nothing, so they vanish (RFC 7396, section 2). */
json_t *json_merge_patch(const json_t *target, const json_t *patch)
{
	json_t *merged;
	const char *key;
	json_t *v;

	if (!json_is_object(patch))
		return patch ? json_incref((json_t *)(uintptr_t)patch)
			     : json_incref((json_t *)(uintptr_t)target);
	merged = json_is_object(target) ? json_copy((json_t *)(uintptr_t)target) : json_object();
	json_object_foreach ((json_t *)(uintptr_t)patch, key, v) {
		if (json_is_null(v))
			json_object_del(merged, key);
		else if (json_is_object(v))
			json_object_set_new_nocheck(merged, key,
						    json_merge_patch(json_object_get(merged, key), v));
		else
			json_object_set_nocheck(merged, key, v);
	}
	return merged;
}
