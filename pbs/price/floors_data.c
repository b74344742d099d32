#include "pbs/price/floors_data.h"

#include <stdlib.h>

#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"

static int check_percent(const json_t *owner, const char *key, struct errtext *why)
{
	const json_t *v = floors_get(owner, key);

	if (!v || json_is_null(v) ||
	    (json_is_number(v) && json_number_value(v) >= 0 && json_number_value(v) <= 100))
		return 0;
	errtext_set(why, "%s must be a number from 0 to 100", key);
	return ERR_INPUT;
}

static int check_groups(const json_t *groups, size_t max_rules, struct errtext *why)
{
	const struct floors_limits limits = { .max_rules = max_rules };
	size_t i;
	json_t *group;

	if (json_array_size(groups) == 0) {
		errtext_set(why, "no model groups");
		return ERR_INPUT;
	}
	json_array_foreach (groups, i, group) {
		if (json_object_size(floors_get(group, "values")) == 0) {
			errtext_set(why, "model group %zu has no rules", i);
			return ERR_INPUT;
		}
		if (floors_check_group(group, &limits, why) < 0)
			return ERR_INPUT;
	}
	return 0;
}

struct floors_data *floors_data_parse(struct str text, size_t max_rules, struct errtext *why)
{
	json_t *json = json_parse(text, why);
	const json_t *groups = floors_get(json, "modelgroups"), *rate = floors_get(json, "usefetchdatarate");
	struct floors_data *d;
	size_t i;
	json_t *group;

	if (!json)
		return NULL;
	if (check_percent(json, "skiprate", why) < 0 || check_percent(json, "usefetchdatarate", why) < 0 ||
	    check_groups(groups, max_rules, why) < 0) {
		json_decref(json);
		return NULL;
	}
	d = xcalloc(1, sizeof *d);
	d->arena = arena_new();
	d->json = json;
	d->groups = groups;
	d->use_rate = json_is_number(rate) ? (int)json_number_value(rate) : 100;
	d->indexed = ARENA_ARRAY(d->arena, struct floor_group *, json_array_size(groups));
	json_array_foreach (groups, i, group)
		d->indexed[i] = floors_index_group(group, d->arena);
	return d;
}

void floors_data_free(struct floors_data *d)
{
	if (!d)
		return;
	arena_free(d->arena);
	json_decref(d->json);
	free(d);
}
