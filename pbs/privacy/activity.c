#include "pbs/privacy/activity.h"

#include <stdint.h>
#include <stdlib.h>

#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"
#include "pbs/privacy/names.h"

static const char *const activity_names[ACTIVITY_COUNT] = {
#define X(id, name) [ACTIVITY_##id] = name,
	ACTIVITIES(X)
#undef X
};

static const char *const component_names[] = {
	[COMPONENT_BIDDER] = "bidder",
	[COMPONENT_ANALYTICS] = "analytics",
	[COMPONENT_RTD] = "rtd",
	[COMPONENT_GENERAL] = "general",
};

struct rule {
	struct names component_names, component_types, geos;
	int32_t *gpp_sids;
	size_t n_gpp_sids;
	struct str gpc;
	bool allow;
};

struct activities {
	struct {
		bool allow; /* when no rule decides */
		struct rule *rules;
		size_t n;
	} of[ACTIVITY_COUNT];
};

const char *activity_name(enum activity what)
{
	return activity_names[what];
}

/* ---- reading ---- */

static int read_sids(const json_t *list, struct errtext *why, struct rule *r)
{
	size_t n = json_array_size(list);

	if (!json_is_array(list) || r->gpp_sids) {
		errtext_set(why, "gppSid must be one list of section ids");
		return ERR_INPUT;
	}
	r->gpp_sids = n ? xcalloc(n, sizeof *r->gpp_sids) : NULL;
	for (; r->n_gpp_sids < n; r->n_gpp_sids++) {
		const json_t *id = json_array_get(list, r->n_gpp_sids);

		if (!json_is_integer(id) || json_integer_value(id) < -128 || json_integer_value(id) > 127) {
			errtext_set(why, "gppSid[%zu] must be a section id", r->n_gpp_sids);
			return ERR_INPUT;
		}
		r->gpp_sids[r->n_gpp_sids] = (int32_t)json_integer_value(id);
	}
	return 0;
}

static int read_clause(const char *key, const json_t *v, struct errtext *why, struct rule *r)
{
	struct str name = str_of(key);

	if (json_is_null(v))
		return 0;
	if (str_eq_nocase(name, STR("componentName")))
		return names_read(v, key, why, &r->component_names);
	if (str_eq_nocase(name, STR("componentType")))
		return names_read(v, key, why, &r->component_types);
	if (str_eq_nocase(name, STR("geo")))
		return names_read(v, key, why, &r->geos);
	if (str_eq_nocase(name, STR("gppSid")))
		return read_sids(v, why, r);
	if (str_eq_nocase(name, STR("gpc")) && json_is_string(v)) {
		r->gpc = json_str(v);
		return 0;
	}
	errtext_set(why, "the condition \"%s\" is not supported", key);
	return ERR_INPUT;
}

static int read_rule(const json_t *tree, struct errtext *why, struct rule *r)
{
	const json_t *condition = setting_find(tree, "condition"), *allow = setting_find(tree, "allow"), *v;
	const char *key;
	int err;

	if (!json_is_object(tree) || (condition && !json_is_object(condition) && !json_is_null(condition)) ||
	    (allow && !json_is_boolean(allow) && !json_is_null(allow))) {
		errtext_set(why, "a rule needs an object \"condition\" and a boolean \"allow\"");
		return ERR_INPUT;
	}
	json_object_foreach ((json_t *)(uintptr_t)tree, key, v)
		if (v != condition && v != allow) {
			errtext_set(why, "\"%s\" is not supported", key);
			return ERR_INPUT;
		}
	r->allow = json_is_true(allow);
	json_object_foreach ((json_t *)(uintptr_t)condition, key, v) {
		err = read_clause(key, v, why, r);
		if (err)
			return err;
	}
	return 0;
}

static int read_activity(const json_t *tree, enum activity what, struct errtext *why, struct activities *a)
{
	const json_t *fallback = setting_find(tree, "default"), *rules = setting_find(tree, "rules");
	size_t n = json_array_size(rules);

	if (!json_is_object(tree) || (fallback && !json_is_boolean(fallback) && !json_is_null(fallback)) ||
	    (rules && !json_is_array(rules) && !json_is_null(rules))) {
		errtext_set(why, "%s needs a boolean \"default\" and a list \"rules\"", activity_names[what]);
		return ERR_INPUT;
	}
	a->of[what].allow = !json_is_false(fallback);
	a->of[what].rules = xcalloc(n ? n : 1, sizeof(struct rule));
	for (; a->of[what].n < n; a->of[what].n++) {
		size_t i = a->of[what].n;
		int err = read_rule(json_array_get(rules, i), why, &a->of[what].rules[i]);

		if (err) {
			errtext_prefix(why, "%s.rules[%zu]: ", activity_names[what], i);
			a->of[what].n++; /* the half-read one is freed too */
			return err;
		}
	}
	return 0;
}

static int find_activity(const char *name, struct errtext *why, enum activity *ret_what)
{
	for (unsigned i = 0; i < ACTIVITY_COUNT; i++)
		if (str_eq_nocase(str_of(name), str_of(activity_names[i]))) {
			*ret_what = i;
			return 0;
		}
	errtext_set(why, "there is no activity \"%s\"", name);
	return ERR_INPUT;
}

int activities_parse(const json_t *tree, struct errtext *why, struct activities **ret_activities)
{
	struct activities *a = xcalloc(1, sizeof *a);
	const char *name;
	json_t *v;
	int err = 0;

	for (int i = 0; i < ACTIVITY_COUNT; i++)
		a->of[i].allow = true;
	if (!json_is_object(tree)) {
		errtext_set(why, "allowactivities must be an object");
		err = ERR_INPUT;
	}
	json_object_foreach ((json_t *)(uintptr_t)tree, name, v) {
		enum activity what;

		err = find_activity(name, why, &what);
		if (!err && !json_is_null(v) && !a->of[what].rules) /* the first of equals counts */
			err = read_activity(v, what, why, a);
		if (err)
			break;
	}
	if (err) {
		activities_free(a);
		return err;
	}
	*ret_activities = a;
	return 0;
}

void activities_free(struct activities *a)
{
	for (int i = 0; a && i < ACTIVITY_COUNT; i++) {
		for (size_t k = 0; k < a->of[i].n; k++) {
			struct rule *r = &a->of[i].rules[k];

			names_deinit(&r->component_names);
			names_deinit(&r->component_types);
			names_deinit(&r->geos);
			free(r->gpp_sids);
		}
		free(a->of[i].rules);
	}
	free(a);
}

/* ---- deciding ---- */

void activity_scope_read(const json_t *request, struct activity_scope *ret_scope)
{
	const json_t *geo = json_at(request, "device.geo");
	const json_t *gpc = json_at(request, "regs.ext.gpc");

	if (!json_object_get(geo, "country") && json_at(request, "user.geo.country"))
		geo = json_at(request, "user.geo");
	*ret_scope = (struct activity_scope){
		.gpp_sid = json_at(request, "regs.gpp_sid"),
		.country = json_str_at(geo, "country"),
		.region = json_str_at(geo, "region"),
		.gpc = json_integer_value(gpc) == 1 ? STR("1") : json_str(gpc),
	};
}

static bool sid_matches(const struct rule *r, const struct activity_scope *scope)
{
	for (size_t i = 0; i < json_array_size(scope->gpp_sid); i++)
		for (size_t k = 0; k < r->n_gpp_sids; k++)
			if (json_integer_value(json_array_get(scope->gpp_sid, i)) == r->gpp_sids[k])
				return true;
	return r->n_gpp_sids == 0;
}

/* "USA" or "USA.CA"; a region may come with its country in front ("US-CA"). */
static bool geo_matches(const struct names *geos, const struct activity_scope *scope)
{
	struct str rest = scope->region, region = str_cut(&rest, '-');

	if (rest.p)
		region = rest;
	for (size_t i = 0; i < geos->n; i++) {
		struct str want_region = geos->v[i], want_country = str_cut(&want_region, '.');

		if (str_eq_nocase(want_country, scope->country) &&
		    (!want_region.p || str_eq_nocase(want_region, region)))
			return true;
	}
	return geos->n == 0;
}

static bool rule_matches(const struct rule *r, enum component_type type, struct str name,
			 const struct activity_scope *scope)
{
	return (r->component_names.n == 0 || names_has(&r->component_names, name)) &&
	       (r->component_types.n == 0 || names_has(&r->component_types, str_of(component_names[type]))) &&
	       sid_matches(r, scope) && geo_matches(&r->geos, scope) &&
	       (r->gpc.n == 0 || str_eq(r->gpc, scope->gpc));
}

bool activity_allowed(const struct activities *a, enum activity what, enum component_type type,
		      struct str name, const struct activity_scope *scope)
{
	if (!a)
		return true;
	for (size_t i = 0; i < a->of[what].n; i++)
		if (rule_matches(&a->of[what].rules[i], type, name, scope))
			return a->of[what].rules[i].allow;
	return a->of[what].allow;
}
