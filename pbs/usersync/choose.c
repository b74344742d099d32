#include "pbs/usersync/choose.h"

#include "common/json.h"
#include "common/mem.h"
#include "pbs/adapters/registry.h"

enum { NAME_MAX_BYTES = 128, CANDIDATES_MAX = 2000 }; /* what is named beyond that is not looked at */

static const char *const texts[SYNC_VERDICT_COUNT] = {
#define X(id, text) text,
	SYNC_VERDICTS(X)
#undef X
};

const char *sync_verdict_text(enum sync_verdict v)
{
	return texts[v];
}

struct walk {
	const struct choose_input *in;
	struct rng *rng;
	struct arena *arena;
	json_t *seen, *used_keys; /* objects used as sets */
	struct sync_choices *out;
	int64_t n_chosen;
};

static bool is_listed(const json_t *names, struct str name)
{
	const json_t *one;
	size_t i;

	json_array_foreach (names, i, one)
		if (str_eq_nocase(json_str(one), name))
			return true;
	return false;
}

/* "*" stands for everybody here; in the list of a request's filter it is a name like any other. */
static bool gets_no_iframe(const json_t *names, struct str name)
{
	return is_listed(names, name) || is_listed(names, STR("*"));
}

static bool passes(const struct sync_filter *f, struct str name)
{
	return (f->all || is_listed(f->names, name)) != f->exclude;
}

static bool type_allowed(const struct choose_input *in, const struct syncer *s, struct str name,
			 enum sync_type type)
{
	if (!s->url[type].n || !passes(&in->filter[type], name))
		return false;
	return type != SYNC_IFRAME ||
	       !(gets_no_iframe(in->no_iframe[0], name) || gets_no_iframe(in->no_iframe[1], name));
}

static bool skipped_by_signal(const struct choose_input *in, const struct bidder_sync *info)
{
	const json_t *sid;
	size_t i;

	if (info->skip_gdpr && in->gdpr_yes)
		return true;
	json_array_foreach (info->skip_gpp_sids, i, sid)
		if (in->gpp_sid.n && str_eq(json_str(sid), in->gpp_sid))
			return true;
	return false;
}

/* True when this key was not used before in this walk; it is now. */
static bool claim_key(struct walk *w, struct str key)
{
	if (json_object_getn(w->used_keys, key.p, key.n))
		return false;
	json_object_setn_new_nocheck(w->used_keys, key.p, key.n, json_true());
	return true;
}

static enum sync_verdict judge(struct walk *w, struct sync_choice *c)
{
	const struct choose_input *in = w->in;
	const struct registry_bidder *b = registry_find(in->registry, c->name);
	const struct syncer *s = c->syncer = b ? syncers_find(in->syncers, c->name) : NULL;
	enum sync_type other;

	if (!b)
		return SYNC_UNSUPPORTED;
	if (!s)
		return b->disabled ? SYNC_UNSUPPORTED : SYNC_NO_CONFIG;
	if (!claim_key(w, s->key))
		return SYNC_DUPLICATE;
	c->type = s->default_type;
	other = c->type == SYNC_IFRAME ? SYNC_REDIRECT : SYNC_IFRAME;
	if (!type_allowed(in, s, c->name, c->type)) {
		if (!type_allowed(in, s, c->name, other))
			return SYNC_FILTERED;
		c->type = other;
	}
	if (uids_is_live(in->uids, s->key, in->now_us))
		return SYNC_IN_SYNC;
	if (!in->allowed(in->ctx, str_of(s->bidder)))
		return SYNC_PRIVACY;
	if (s->info->off)
		return SYNC_SWITCHED_OFF;
	return skipped_by_signal(in, s->info) ? SYNC_SKIPPED : SYNC_CHOSEN;
}

static bool is_done(const struct walk *w)
{
	return (w->in->limit > 0 && w->n_chosen >= w->in->limit) || w->out->n == CANDIDATES_MAX;
}

static void consider(struct walk *w, struct str name)
{
	char lower[NAME_MAX_BYTES];
	struct sync_choice *c;

	if (name.n > sizeof lower)
		name.n = sizeof lower;
	str_lower(lower, name);
	if (json_object_getn(w->seen, lower, name.n))
		return;
	json_object_setn_new_nocheck(w->seen, lower, name.n, json_true());
	c = &w->out->list[w->out->n++];
	*c = (struct sync_choice){ .name = name };
	c->verdict = judge(w, c);
	w->n_chosen += c->verdict == SYNC_CHOSEN;
}

static void shuffle_and_consider(struct walk *w, struct str *names, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t k = (size_t)rng_below(w->rng, i);
		struct str other = names[k];

		names[k] = names[i - 1];
		names[i - 1] = other;
	}
	for (size_t i = 0; i < n && !is_done(w); i++)
		consider(w, names[i]);
}

static void walk_list(struct walk *w, const json_t *list)
{
	struct str *names = ARENA_ARRAY(w->arena, struct str, json_array_size(list));
	size_t i, n = 0;
	const json_t *name;

	json_array_foreach (list, i, name)
		if (json_string_length(name))
			names[n++] = json_str(name);
	shuffle_and_consider(w, names, n);
}

static void walk_all(struct walk *w)
{
	size_t n = syncers_count(w->in->syncers);
	struct str *names = ARENA_ARRAY(w->arena, struct str, n);

	for (size_t i = 0; i < n; i++)
		names[i] = str_of(syncers_at(w->in->syncers, i)->bidder);
	shuffle_and_consider(w, names, n);
}

void sync_choose(const struct choose_input *in, struct rng *rng, struct arena *a, struct sync_choices *ret)
{
	struct walk w = { in,  rng, a, arena_own_json(a, json_object()), arena_own_json(a, json_object()),
			  ret, 0 };
	const json_t *group;
	size_t i;

	*ret = (struct sync_choices){ .list = ARENA_ARRAY(a, struct sync_choice, CANDIDATES_MAX) };
	walk_list(&w, in->bidders);
	if (!in->coop) {
		if (json_array_size(in->bidders) == 0)
			walk_all(&w);
		return;
	}
	json_array_foreach (in->groups, i, group)
		walk_list(&w, group);
	if (!in->groups_only)
		walk_all(&w);
}
