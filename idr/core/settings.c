#include "idr/core/settings.h"

#include <math.h>
#include <stdlib.h>

#include "common/err.h"
#include "common/mem.h"
#include "idr/core/mathx.h"

#define BIT(n) (1u << (n))

static const char *const mode_names[] = { "normal", "shadow", "bypass", "learning" };
static const char *const budget_names[] = { "calls", "share", "price", "kept" };
static const struct {
	double min, max;
} budget_range[] = { { 0.1, 256 }, { 0.01, 1 }, { 0, 1000 }, { 0.5, 1 } };

const char *route_mode_name(enum route_mode mode)
{
	return mode_names[mode];
}

void settings_default(struct settings *ret_s)
{
	*ret_s = (struct settings){
		.mode = ROUTE_NORMAL,
		.max_bidders = 15,
		.min_bidders = 3,
		.anchors = 3,
		.exploration_slots = 2,
		.min_score = 25,
		.exploration_rate = 0.10f,
		.audit_share = 0.002f,
		.traffic_share = 1,
		.budget = { BUDGET_SHARE, 0.40f, 0 },
	};
}

bool code_list_has(const struct code_list *l, uint64_t hash)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->hash[i] == hash)
			return true;
	return false;
}

/* ---- reading ---- */

static int parse_mode(const json_t *j, struct settings *s, struct errtext *why)
{
	for (unsigned i = 0; i <= ROUTE_BYPASS; i++)
		if (json_is_string(j) && strcmp(json_string_value(j), mode_names[i]) == 0) {
			s->mode = (enum route_mode)i;
			return 0;
		}
	errtext_set(why, "expected \"normal\", \"shadow\" or \"bypass\"");
	return ERR_INPUT;
}

static int parse_number(const json_t *j, double min, double max, double *ret_v, struct errtext *why)
{
	double v = json_number_value(j);

	if (!json_is_number(j) || !(v >= min && v <= max)) {
		errtext_set(why, "expected a number in %g..%g", min, max);
		return ERR_INPUT;
	}
	*ret_v = v;
	return 0;
}

static int parse_count(const json_t *j, uint16_t max, uint16_t *ret_v, struct errtext *why)
{
	if (!json_is_integer(j) || json_integer_value(j) < 0 || json_integer_value(j) > max) {
		errtext_set(why, "expected a whole number in 0..%u", max);
		return ERR_INPUT;
	}
	*ret_v = (uint16_t)json_integer_value(j);
	return 0;
}

static int parse_share(const json_t *j, double max, float *ret_v, struct errtext *why)
{
	double v;

	if (parse_number(j, 0, max, &v, why) < 0)
		return ERR_INPUT;
	*ret_v = (float)v;
	return 0;
}

static int parse_budget(const json_t *j, struct settings *s, struct errtext *why)
{
	if (json_is_object(j) && json_object_size(j) == 1)
		for (unsigned i = 0; i < ARRAY_LEN(budget_names); i++) {
			const json_t *v = json_object_get(j, budget_names[i]);
			double x;

			if (!v)
				continue;
			if (parse_number(v, budget_range[i].min, budget_range[i].max, &x, why) < 0)
				return ERR_INPUT;
			s->budget.kind = (enum budget_kind)i;
			s->budget.value = (float)x;
			return 0;
		}
	errtext_set(why, "expected an object with one of calls, share, price, kept");
	return ERR_INPUT;
}

static int parse_codes(const json_t *j, struct code_list *ret_l, struct errtext *why)
{
	struct code_list l = { 0 };

	if (!json_is_array(j) || json_array_size(j) > SETTINGS_CODES) {
		errtext_set(why, "expected an array of at most %d bidder codes", SETTINGS_CODES);
		return ERR_INPUT;
	}
	for (size_t i = 0; i < json_array_size(j); i++) {
		const json_t *v = json_array_get(j, i);

		if (!json_is_string(v) || !json_string_length(v) ||
		    json_string_length(v) >= SETTINGS_CODE_BYTES) {
			errtext_set(why, "[%zu]: expected a bidder code", i);
			return ERR_INPUT;
		}
		l.hash[l.n++] = classify_name((struct str){ json_string_value(v), json_string_length(v) });
	}
	*ret_l = l;
	return 0;
}

static int parse_formats(const json_t *j, uint8_t *ret_mask, struct errtext *why)
{
	for (size_t i = 0; i < json_array_size(j); i++) {
		const char *name = json_string_value(json_array_get(j, i));
		unsigned f = 0;

		while (name && f < FORMATS && strcmp(name, classify_format_name((uint8_t)f)) != 0)
			f++;
		if (!name || f == FORMATS) {
			errtext_set(why, "formats[%zu]: expected banner, video, native, audio or multi", i);
			return ERR_INPUT;
		}
		*ret_mask |= (uint8_t)BIT(f);
	}
	return 0;
}

static int parse_diversity(const json_t *j, struct settings *s, struct errtext *why)
{
	if (!json_is_array(j) || json_array_size(j) > SETTINGS_CATEGORIES) {
		errtext_set(why, "expected an array of at most %d categories", SETTINGS_CATEGORIES);
		return ERR_INPUT;
	}
	for (size_t i = 0; i < json_array_size(j); i++) {
		const json_t *v = json_array_get(j, i), *name = json_object_get(v, "name");
		struct category *c = &s->category[i];

		*c = (struct category){ 0 };
		if (!json_is_string(name) || json_string_length(name) >= sizeof c->name) {
			errtext_set(why, "[%zu].name: expected a short text", i);
			return ERR_INPUT;
		}
		memcpy(c->name, json_string_value(name), json_string_length(name));
		if (parse_codes(json_object_get(v, "bidders"), &c->codes, why) < 0 ||
		    parse_formats(json_object_get(v, "formats"), &c->formats, why) < 0) {
			errtext_prefix(why, "[%zu].bidders: ", i);
			return ERR_INPUT;
		}
	}
	s->n_categories = (uint16_t)json_array_size(j);
	return 0;
}

static int parse_qps(const json_t *j, struct settings *s, struct errtext *why)
{
	const char *code;
	json_t *v;
	uint16_t n = 0;

	if (!json_is_object(j) || json_object_size(j) > SETTINGS_QPS) {
		errtext_set(why, "expected an object of at most %d bidder codes", SETTINGS_QPS);
		return ERR_INPUT;
	}
	json_object_foreach ((json_t *)j, code, v) {
		double x;

		if (parse_number(v, 0, 1e6, &x, why) < 0) {
			errtext_prefix(why, "%s: ", code);
			return ERR_INPUT;
		}
		s->qps[n].hash = classify_name(str_of(code));
		s->qps[n++].per_second = (float)x;
	}
	s->n_qps = n;
	return 0;
}

static int parse_field(enum settings_field f, const json_t *j, struct settings *s, struct errtext *why)
{
	switch (f) {
	case SET_MODE: return parse_mode(j, s, why);
	case SET_MAX_BIDDERS: return parse_count(j, 256, &s->max_bidders, why);
	case SET_MIN_BIDDERS: return parse_count(j, 256, &s->min_bidders, why);
	case SET_MIN_SCORE: return parse_share(j, 100, &s->min_score, why);
	case SET_ANCHORS: return parse_count(j, 64, &s->anchors, why);
	case SET_EXPLORATION_RATE: return parse_share(j, 1, &s->exploration_rate, why);
	case SET_EXPLORATION_SLOTS: return parse_count(j, 64, &s->exploration_slots, why);
	case SET_CONTROL_SHARE: return parse_share(j, 1, &s->control_share, why);
	case SET_AUDIT_SHARE: return parse_share(j, 1, &s->audit_share, why);
	case SET_TRAFFIC_SHARE: return parse_share(j, 1, &s->traffic_share, why);
	case SET_BUDGET: return parse_budget(j, s, why);
	case SET_ALWAYS: return parse_codes(j, &s->always, why);
	case SET_NEVER: return parse_codes(j, &s->never, why);
	case SET_DIVERSITY: return parse_diversity(j, s, why);
	case SET_QPS: return parse_qps(j, s, why);
	case SET_SLOW_MS: return parse_share(j, 60000, &s->slow_ms, why);
	case SETTINGS_FIELD_COUNT: break;
	}
	return ERR_INTERNAL;
}

int settings_parse(const json_t *j, struct settings *ret_s, struct errtext *why)
{
#define X(bit, key) key,
	static const char *const keys[] = { SETTINGS_FIELDS(X) };
#undef X
	struct settings s = { 0 };
	const char *key;
	json_t *v;

	if (!json_is_object(j)) {
		errtext_set(why, "expected an object");
		return ERR_INPUT;
	}
	json_object_foreach ((json_t *)j, key, v) {
		unsigned f = 0;

		while (f < SETTINGS_FIELD_COUNT && strcmp(keys[f], key) != 0)
			f++;
		if (f == SETTINGS_FIELD_COUNT) {
			errtext_set(why, "unknown setting \"%.60s\"", key);
			return ERR_INPUT;
		}
		if (json_is_null(v))
			continue;
		if (parse_field((enum settings_field)f, v, &s, why) < 0) {
			errtext_prefix(why, "%s: ", key);
			return ERR_INPUT;
		}
		s.set |= BIT(f);
	}
	*ret_s = s;
	return 0;
}

/* ---- levels ---- */

void settings_overlay(struct settings *base, const struct settings *over, uint64_t scope)
{
	const struct settings *o = over;
	uint32_t set = o->set;

	if (set & BIT(SET_BUDGET)) {
		base->budget = o->budget;
		base->budget.scope = scope;
		/* the rules of thumb stand in for a budget; what an operator set stays */
		if (!((base->set | set) & BIT(SET_MAX_BIDDERS)))
			base->max_bidders = UINT16_MAX;
		if (!((base->set | set) & BIT(SET_MIN_SCORE)))
			base->min_score = 0;
		if (!((base->set | set) & BIT(SET_ANCHORS)))
			base->anchors = 0;
		if (!((base->set | set) & BIT(SET_MIN_BIDDERS)))
			base->min_bidders = 1;
		if (!((base->set | set) & BIT(SET_EXPLORATION_SLOTS)))
			base->exploration_slots = UINT16_MAX;
	}
#define TAKE(bit, field)                                                                                     \
	if (set & BIT(bit))                                                                                  \
	base->field = o->field
	TAKE(SET_MODE, mode);
	TAKE(SET_MAX_BIDDERS, max_bidders);
	TAKE(SET_MIN_BIDDERS, min_bidders);
	TAKE(SET_MIN_SCORE, min_score);
	TAKE(SET_ANCHORS, anchors);
	TAKE(SET_EXPLORATION_RATE, exploration_rate);
	TAKE(SET_EXPLORATION_SLOTS, exploration_slots);
	TAKE(SET_CONTROL_SHARE, control_share);
	TAKE(SET_AUDIT_SHARE, audit_share);
	TAKE(SET_TRAFFIC_SHARE, traffic_share);
	TAKE(SET_ALWAYS, always);
	TAKE(SET_NEVER, never);
	TAKE(SET_SLOW_MS, slow_ms);
#undef TAKE
	if (set & BIT(SET_DIVERSITY)) {
		base->n_categories = o->n_categories;
		memcpy(base->category, o->category, sizeof o->category);
	}
	if (set & BIT(SET_QPS)) {
		base->n_qps = o->n_qps;
		memcpy(base->qps, o->qps, sizeof o->qps);
	}
	base->set |= set;
}

/* Own settings of one level, and for the publisher level what they give on top of the global ones. */
struct node {
	uint64_t publisher, site, unit;
	struct settings own, resolved;
	struct node *next;
};

struct settings_tree {
	struct settings global_own, global; /* what was set; default < global */
	struct node **bucket;
	size_t n, cap;
	bool deeper; /* a site or an ad unit has settings of its own */
};

static uint64_t node_hash(uint64_t publisher, uint64_t site, uint64_t unit)
{
	return mix64(publisher ^ mix64(site ^ mix64(unit)));
}

struct settings_tree *settings_tree_new(void)
{
	struct settings_tree *t = xcalloc(1, sizeof *t);

	t->cap = 64;
	t->bucket = xcalloc(t->cap, sizeof *t->bucket);
	settings_default(&t->global);
	return t;
}

struct settings_tree *settings_tree_free(struct settings_tree *t)
{
	if (!t)
		return NULL;
	for (size_t i = 0; i < t->cap; i++)
		while (t->bucket[i]) {
			struct node *n = t->bucket[i];

			t->bucket[i] = n->next;
			free(n);
		}
	free(t->bucket);
	free(t);
	return NULL;
}

static struct node *node_find(const struct settings_tree *t, uint64_t publisher, uint64_t site, uint64_t unit)
{
	struct node *n = t->bucket[node_hash(publisher, site, unit) & (t->cap - 1)];

	while (n && !(n->publisher == publisher && n->site == site && n->unit == unit))
		n = n->next;
	return n;
}

static void grow(struct settings_tree *t)
{
	size_t cap = t->cap * 2;
	struct node **bucket = xcalloc(cap, sizeof *bucket);

	for (size_t i = 0; i < t->cap; i++)
		while (t->bucket[i]) {
			struct node *n = t->bucket[i];
			size_t at = node_hash(n->publisher, n->site, n->unit) & (cap - 1);

			t->bucket[i] = n->next;
			n->next = bucket[at];
			bucket[at] = n;
		}
	free(t->bucket);
	t->bucket = bucket;
	t->cap = cap;
}

static void resolve_publisher(const struct settings_tree *t, struct node *n)
{
	n->resolved = t->global;
	settings_overlay(&n->resolved, &n->own, node_hash(n->publisher, 0, 0));
}

void settings_tree_set(struct settings_tree *t, uint64_t publisher, uint64_t site, uint64_t unit,
		       const struct settings *s)
{
	if (!publisher) {
		t->global_own = *s;
		settings_default(&t->global);
		settings_overlay(&t->global, s, 0);
		for (size_t i = 0; i < t->cap; i++)
			for (struct node *n = t->bucket[i]; n; n = n->next)
				resolve_publisher(t, n);
		return;
	}
	struct node *n = node_find(t, publisher, site, unit);

	if (!n) {
		if (t->n >= t->cap)
			grow(t);
		n = xcalloc(1, sizeof *n);
		n->publisher = publisher;
		n->site = site;
		n->unit = unit;
		struct node **at = &t->bucket[node_hash(publisher, site, unit) & (t->cap - 1)];

		n->next = *at;
		*at = n;
		t->n++;
	}
	n->own = *s;
	resolve_publisher(t, n);
	t->deeper |= site || unit;
}

const struct settings *settings_find(const struct settings_tree *t, const struct context *ctx,
				     struct settings *scratch)
{
	const struct node *pub = node_find(t, ctx->publisher, 0, 0);
	const struct settings *base = pub ? &pub->resolved : &t->global;
	const struct node *over[3];
	unsigned n = 0;

	if (!t->deeper)
		return base;
	over[n] = ctx->site ? node_find(t, ctx->publisher, ctx->site, 0) : NULL;
	n += over[n] != NULL;
	over[n] = ctx->unit ? node_find(t, ctx->publisher, 0, ctx->unit) : NULL;
	n += over[n] != NULL;
	over[n] = ctx->site && ctx->unit ? node_find(t, ctx->publisher, ctx->site, ctx->unit) : NULL;
	n += over[n] != NULL;
	if (!n)
		return base;
	*scratch = *base;
	for (unsigned i = 0; i < n; i++)
		settings_overlay(scratch, &over[i]->own,
				 node_hash(over[i]->publisher, over[i]->site, over[i]->unit));
	return scratch;
}
