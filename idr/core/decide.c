#include "idr/core/decide.h"

#include <math.h>
#include <string.h>

#include "idr/core/mathx.h"
#include "idr/core/vector.h"

/* Salts: each use of an auction's hash must be independent of the others. */
enum salt { SALT_AUDIT = 1, SALT_CONTROL, SALT_TRAFFIC, SALT_EXPLORE, SALT_PROBE };

static uint64_t salted(const struct router *r, uint64_t auction, enum salt salt)
{
	return mix64(auction ^ mix64(r->conf.seed + (uint64_t)salt * 0x9e3779b97f4a7c15ULL));
}

bool router_is_audit(const struct router *r, const struct settings *s, uint64_t auction)
{
	float share = s->audit_share * fminf(1, s->exploration_rate * 10);

	return unit_of(salted(r, auction, SALT_AUDIT)) < share;
}

bool router_is_control(const struct router *r, const struct settings *s, uint64_t auction)
{
	return unit_of(salted(r, auction, SALT_CONTROL)) < s->control_share;
}

enum everybody decide_everybody(const struct router *r, const struct settings *s, uint64_t auction)
{
	if (s->mode == ROUTE_BYPASS)
		return FOR_BYPASS;
	if (__atomic_load_n(&r->learned, __ATOMIC_RELAXED) < r->conf.learning_auctions)
		return FOR_LEARNING;
	if (s->mode != ROUTE_NORMAL || unit_of(salted(r, auction, SALT_TRAFFIC)) >= s->traffic_share)
		return FOR_SHADOW;
	if (router_is_control(r, s, auction))
		return FOR_CONTROL;
	return router_is_audit(r, s, auction) ? FOR_AUDIT : NOT_EVERYBODY;
}

float decide_price(const struct router *r, const struct settings *s)
{
	if (s->budget.kind == BUDGET_PRICE)
		return s->budget.value;
	return budget_price(r->budgets, budget_at(r->budgets, s->budget.scope)) * word_load(&r->revenue);
}

/* inv_sd holds the variance of the price and becomes what it is named. */
VECTOR_CLONES
static void chances(const struct estimate *e, struct choice *c)
{
	for (size_t i = 0; i < c->n; i++) {
		c->alive[i] = c->alive[i] < 0.9f ? c->alive[i] : 1;
		c->p[i] = c->alive[i] * c->works[i] * normal_tail(-e->s[i] / sqrtf(1 + e->v[i]));
		c->inv_sd[i] = 1 / sqrtf(c->inv_sd[i]);
	}
}

void decide_means(const struct router *r, const struct context *ctx, const struct estimate *e,
		  const int *slot, size_t n, float lambda, float slow_ms, struct choice *c)
{
	c->n = n;
	c->floor_usd = ctx->floor_usd;
	c->damping_min = r->tune.damping_min;
	c->format = ctx->format;
	c->pairs = r->pairs;
	c->worth = &r->worth;
	worth_factors(&r->worth,
		      &(struct worth_in){ (const int64_t(*)[GROUPS])e->sites.worth, e->sites.blocks }, slot,
		      n, c->base, c->works);
	for (size_t i = 0; i < n; i++) {
		int b = slot[i];

		c->slot[i] = b;
		c->mu[i] = e->m[i];
		c->open[i] = c->certain[i] = 1;
		c->penalty[i] = 0;
		c->inv_sd[i] = 0.5f;
		c->alive[i] = 1;
		if (b < 0)
			continue;
		c->inv_sd[i] = word_load(&r->price_var[ctx->format][b]);
		c->alive[i] = word_load(&r->alive[b].p);
		if (slow_ms > 0)
			c->penalty[i] = lambda * word_load(&r->counts[b].slow);
	}
	chances(e, c);
}

struct noise {
	_Alignas(64) float bid[ROUTER_CANDIDATES], price[ROUTER_CANDIDATES], probe[ROUTER_CANDIDATES];
};

VECTOR_CLONES
static void make_noise(uint64_t seed, size_t n, struct noise *z)
{
	uint32_t lo = (uint32_t)seed, hi = (uint32_t)(seed >> 32);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t h = mix32(lo + i * 0x9e3779b9u), g = mix32(h ^ hi);

		z->bid[i] = normal_of(h);
		z->price[i] = normal_of(g);
		z->probe[i] = (float)(int32_t)(mix32(g + lo) >> 8) * (1.0f / 16777216);
	}
}

VECTOR_CLONES
static void draw(const struct estimate *e, const struct noise *z, float amount, float base_v, float base_u,
		 struct choice *c)
{
	for (size_t i = 0; i < c->n; i++) {
		float v = e->v[i] - base_v, u = e->u[i] - base_u, p, shift;

		v = v > 0 ? v : 0;
		u = u > 0 ? u : 0;
		p = c->alive[i] * c->works[i] *
		    normal_tail(-(e->s[i] + amount * sqrtf(v) * z->bid[i]) / sqrtf(1 + e->v[i] - v));
		shift = amount * sqrtf(u) * z->price[i];
		c->certain[i] = c->p[i] / (p + 1e-9f) * exp_fast(-shift);
		c->p[i] = p;
		c->mu[i] += shift;
	}
}

/* Looks at bidders whose worth is uncertain: chance and price are drawn from what is not known about them beyond the
 * uncertainty that forgetting leaves everywhere. */
static void explore(const struct router *r, const struct decide_in *in, const struct estimate *e,
		    struct choice *c)
{
	float amount = r->tune.explore * fminf(2, in->settings->exploration_rate * 10);
	float excess_v = r->tune.bid_floor * r->tune.excess, excess_u = r->tune.price_floor * r->tune.excess;
	uint64_t h = salted(r, in->auction, SALT_EXPLORE);
	struct noise z;

	if (!(amount > 0))
		return;
	make_noise(h, c->n, &z);
	for (size_t i = 0; i < c->n; i++)
		if (z.probe[i] < r->tune.probe)
			c->alive[i] = 1;
	draw(e, &z, amount, excess_v * features_bid_total, excess_u * features_price_total, c);
}

/* One call taken from a bidder's allowance for this second. */
static bool qps_take(const struct router *r, const struct settings *s, uint64_t hash, int slot,
		     int64_t now_ms)
{
	uint64_t second = (uint64_t)(now_ms / 1000) & 0xffffffff, *p, old, want;

	for (unsigned i = 0; slot >= 0 && i < s->n_qps; i++) {
		if (s->qps[i].hash != hash)
			continue;
		p = &r->budgets->qps[slot];
		old = __atomic_load_n(p, __ATOMIC_RELAXED);
		do {
			uint64_t used = old >> 32 == second ? old & 0xffffffff : 0;

			if ((float)used + 1 > s->qps[i].per_second)
				return false;
			want = second << 32 | (used + 1);
		} while (!__atomic_compare_exchange_n(p, &old, want, true, __ATOMIC_RELAXED,
						      __ATOMIC_RELAXED));
		return true;
	}
	return true;
}

struct picking {
	const struct router *r;
	const struct decide_in *in;
	struct choice *c;
	struct decision *d;
	float lambda, gain[ROUTER_CANDIDATES];
	unsigned n;
};

/* `i` is an entry of the choice. */
static bool pick(struct picking *k, size_t i, enum reason why)
{
	size_t at = (size_t)k->c->who[i];
	const struct candidate *cand = &k->in->cand[at];
	struct verdict *v = &k->d->v[at];

	if (k->in->settings->n_qps &&
	    !qps_take(k->r, k->in->settings, cand->hash, cand->slot, k->in->now_ms)) {
		v->reason = REASON_QPS_LIMIT;
		k->c->open[i] = 0;
		return false;
	}
	k->gain[at] = k->c->gain[i];
	v->chosen = true;
	v->reason = (uint8_t)why;
	v->rank = (uint8_t)++k->n;
	choose_take(k->c, i);
	return true;
}

static void pick_always(struct picking *k)
{
	const struct settings *s = k->in->settings;
	bool full = router_bidders(k->r) == ROUTER_SLOTS; /* an unknown bidder can then never be learned */

	for (size_t i = 0; i < k->c->n; i++) {
		const struct candidate *cand = &k->in->cand[k->c->who[i]];

		if (k->c->open[i] > 0 && ((full && cand->slot < 0) || code_list_has(&s->always, cand->hash)))
			(void)pick(k, i, REASON_ALWAYS);
	}
}

/* The strongest on their own merit in this very context are called even when the price says no. */
static void pick_anchors(struct picking *k)
{
	const struct settings *s = k->in->settings;
	float net;

	for (unsigned a = 0; a < s->anchors && k->n < s->max_bidders; a++) {
		int i = choose_top(k->c, &net);

		if (i < 0 || k->c->p[i] < 0.01f)
			return;
		(void)pick(k, (size_t)i, REASON_ANCHOR);
	}
}

static void pick_worthwhile(struct picking *k)
{
	const struct settings *s = k->in->settings;
	unsigned explored = 0;
	float net;

	for (;;) {
		int i = choose_top(k->c, &net);
		bool unsure;

		if (i < 0 || k->n >= s->max_bidders || (net < k->lambda && k->n >= s->min_bidders))
			return;
		/* only a lucky draw carries it over the price */
		unsure = net >= k->lambda && net * k->c->certain[i] < k->lambda;
		if (unsure && explored >= s->exploration_slots) {
			k->c->open[i] = 0;
			continue;
		}
		explored += unsure;
		(void)pick(k, (size_t)i,
			   unsure                 ? REASON_EXPLORATION
			   : net >= 2 * k->lambda ? REASON_HIGH_SCORE
						  : REASON_MARGINAL);
	}
}

/* Fewer than wanted have any value at all: the rest in the order given. */
static void pick_least(struct picking *k)
{
	const struct settings *s = k->in->settings;

	for (size_t i = 0; i < k->c->n && k->n < s->min_bidders && k->n < s->max_bidders; i++)
		if (k->c->open[i] > 0)
			(void)pick(k, i, REASON_MARGINAL);
}

/* A category that would be missing sends its best member, when that is worth a quarter of its call. */
static void pick_diversity(struct picking *k)
{
	const struct settings *s = k->in->settings;

	for (unsigned q = 0; q < s->n_categories && k->n < s->max_bidders; q++) {
		const struct category *cat = &s->category[q];
		int best = -1;
		bool have = cat->formats && !(cat->formats >> k->in->ctx->format & 1);

		for (size_t i = 0; i < k->c->n && !have; i++) {
			size_t at = (size_t)k->c->who[i];

			if (!code_list_has(&cat->codes, k->in->cand[at].hash))
				continue;
			have = k->d->v[at].chosen;
			if (k->c->open[i] > 0 && (best < 0 || k->c->gain[i] > k->c->gain[best]))
				best = (int)i;
		}
		if (!have && best >= 0 && k->c->gain[best] >= 0.25f * k->lambda)
			(void)pick(k, (size_t)best, REASON_DIVERSITY);
	}
}

static void exclude(struct picking *k, const struct estimate *e)
{
	const struct settings *s = k->in->settings;
	struct explain_in x = { k->r, k->in->ctx, e, k->c->slot, k->c->inv_sd, k->c->works, k->lambda, 0 };
	float component[COMPONENTS];

	if (!s->never.n && !(s->min_score > 0))
		return;
	for (size_t i = 0; i < k->c->n; i++) {
		if (s->never.n && code_list_has(&s->never, k->in->cand[i].hash)) {
			k->d->v[i].reason = REASON_NEVER;
			k->c->open[i] = 0;
		} else if (s->min_score > 0 && explain_total(&x, i, component) < s->min_score &&
			   !code_list_has(&s->always, k->in->cand[i].hash)) {
			k->d->v[i].reason = REASON_BELOW_THRESHOLD;
			k->c->open[i] = 0;
		}
	}
}

static void settle(struct picking *k, size_t n, enum everybody all)
{
	const struct settings *s = k->in->settings;
	struct decision *d = k->d;

	for (size_t i = 0; i < n; i++) {
		struct verdict *v = &d->v[i];

		if (!v->chosen && v->reason == REASON_NONE)
			v->reason = k->n >= s->max_bidders ? REASON_MAX_BIDDERS : REASON_NO_MARGINAL_VALUE;
		v->selected = v->chosen;
		if (all != NOT_EVERYBODY && v->reason != REASON_NEVER && v->reason != REASON_QPS_LIMIT)
			v->selected = true;
		if (v->selected && !v->chosen && (all == FOR_AUDIT || all == FOR_CONTROL))
			v->reason = all == FOR_AUDIT ? REASON_EXPLORATION : REASON_EVERYBODY;
		d->n_selected += v->selected;
		d->n_chosen += v->chosen;
	}
}

static float wanted_calls(const struct settings *s, size_t n)
{
	float want = s->budget.kind == BUDGET_CALLS   ? s->budget.value
		     : s->budget.kind == BUDGET_SHARE ? s->budget.value * (float)n
						      : 0;

	/* room above the aim, so that rich auctions can take more than poor ones */
	if (want > 0.75f * (float)s->max_bidders)
		want = 0.75f * (float)s->max_bidders;
	return want > (float)n ? (float)n : want;
}

static void everybody(const struct decide_in *in, enum route_mode mode, struct decision *d)
{
	size_t n = in->n < ROUTER_CANDIDATES ? in->n : ROUTER_CANDIDATES;

	d->mode = mode;
	for (size_t i = 0; i < n; i++) {
		bool never = code_list_has(&in->settings->never, in->cand[i].hash);

		d->v[i] = (struct verdict){ .selected = !never,
					    .chosen = !never,
					    .reason = never ? REASON_NEVER : REASON_EVERYBODY };
		d->n_selected += !never;
	}
	d->n_chosen = d->n_selected;
}

void router_decide(const struct router *r, const struct decide_in *in, struct decision *d)
{
	size_t n = in->n < ROUTER_CANDIDATES ? in->n : ROUTER_CANDIDATES;
	enum everybody all = decide_everybody(r, in->settings, in->auction);
	struct budget_scope *scope = budget_at(r->budgets, in->settings->budget.scope);
	const struct settings *s = in->settings;
	/* everybody who could be wanted for other reasons than its price must stay in the choice */
	bool only_price = !in->scores && !s->always.n && !s->n_categories && !s->anchors &&
			  s->min_bidders <= 3 && router_bidders(r) < ROUTER_SLOTS;
	int slot[ROUTER_CANDIDATES];
	struct estimate e;
	struct choice c;
	struct picking k = { .r = r, .in = in, .c = &c, .d = d };

	if (all != FOR_BYPASS)
		sites_start(r, in->ctx, &e.sites);
	d->mode = ROUTE_NORMAL;
	d->audit = all == FOR_AUDIT;
	d->control = all == FOR_CONTROL;
	d->n_selected = d->n_chosen = 0;
	d->budget_scope = s->budget.scope;
	d->price_per_call = k.lambda = decide_price(r, s);
	memset(d->v, 0, n * sizeof *d->v);
	if (all == FOR_BYPASS || (all == FOR_LEARNING && !in->scores)) {
		everybody(in, all == FOR_BYPASS ? ROUTE_BYPASS : ROUTE_LEARNING, d);
		if (all == FOR_LEARNING && wanted_calls(s, n) > 0)
			budget_count_beyond(scope, (float)d->n_selected - wanted_calls(s, n));
		return;
	}
	if (all == FOR_SHADOW || all == FOR_LEARNING)
		d->mode = all == FOR_SHADOW ? ROUTE_SHADOW : ROUTE_LEARNING;
	for (size_t i = 0; i < n; i++)
		slot[i] = in->cand[i].slot;
	sites_find(r, slot, n, &e.sites);
	estimate(r, slot, n, &e);
	decide_means(r, in->ctx, &e, slot, n, k.lambda, s->slow_ms, &c);
	exclude(&k, &e);
	explore(r, in, &e, &c);
	choose_start(&c, only_price ? k.lambda : 0);
	pick_always(&k);
	pick_anchors(&k);
	pick_worthwhile(&k);
	pick_least(&k);
	pick_diversity(&k);
	settle(&k, n, all);
	if (all != FOR_SHADOW && all != FOR_LEARNING)
		budget_count(scope, d->n_selected, wanted_calls(s, n));
	if (!in->scores)
		return;
	for (size_t i = 0; i < n; i++) {
		/* nobody was left out above, so the order is still the candidates' */
		struct explain_in x = { r,        in->ctx, &e,       slot,
					c.inv_sd, c.works, k.lambda, d->v[i].chosen ? k.gain[i] : c.gain[i] };

		explain_verdict(&x, i, &d->v[i]);
	}
}

void router_resolve(const struct router *r, const struct str *codes, size_t n, struct candidate *ret_c)
{
	for (size_t i = 0; i < n; i++) {
		ret_c[i].hash = classify_name(codes[i]);
		ret_c[i].slot = bidders_find(&r->bidders, ret_c[i].hash);
	}
}
