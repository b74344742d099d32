#include "pbs/privacy/names.h"

#include <stdlib.h>

#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"

bool names_has(const struct names *names, struct str name)
{
	for (size_t i = 0; i < names->n; i++)
		if (str_eq_nocase(names->v[i], name))
			return true;
	return false;
}

int names_read(const json_t *list, const char *what, struct errtext *why, struct names *ret_names)
{
	size_t n = json_array_size(list);
	struct str *v;

	if (!list || json_is_null(list))
		return 0;
	if (!json_is_array(list) || ret_names->set) {
		errtext_set(why, "%s must be one list of names", what);
		return ERR_INPUT;
	}
	for (size_t i = 0; i < n; i++)
		if (!json_is_string(json_array_get(list, i))) {
			errtext_set(why, "%s[%zu] must be a name", what, i);
			return ERR_INPUT;
		}
	v = n ? xcalloc(n, sizeof *v) : NULL;
	for (size_t i = 0; i < n; i++)
		v[i] = json_str(json_array_get(list, i));
	*ret_names = (struct names){ v, n, true };
	return 0;
}

void names_deinit(struct names *names)
{
	free(names->v);
	*names = (struct names){ 0 };
}

json_t *setting_find(const json_t *obj, const char *name)
{
	json_t *exact = json_object_get(obj, name), *v;
	const char *key;

	if (exact)
		return exact;
	json_object_foreach ((json_t *)(uintptr_t)obj, key, v)
		if (str_eq_nocase(str_of(key), str_of(name)))
			return v;
	return NULL;
}
