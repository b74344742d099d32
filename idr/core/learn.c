/* One auction's outcomes into the model.
 *
 * The prediction is made again here rather than kept from the decision: events may come late, from another
 * machine, or after a restart, and the index needs no memory of open auctions.
 */
#include <math.h>
#include <string.h>

#include "idr/core/decide.h"
#include "idr/core/mathx.h"
#include "idr/core/vector.h"

struct lesson {
	struct router *r;
	const struct learn_event *e;
	const struct settings *s;
	size_t n; /* called bidders */
	int slot[ROUTER_CANDIDATES];
	bool bid[ROUTER_CANDIDATES]; /* a valid one */
	float cpm[ROUTER_CANDIDATES], log_cpm[ROUTER_CANDIDATES], latency[ROUTER_CANDIDATES];
	float best;
	int top;
	struct estimate est;
	struct choice c;
	_Alignas(64) float p[ROUTER_CANDIDATES]; /* expected chance of a bid, the bidder being alive */
	struct worth_in worth;
};

/* What weights take of an auction's evidence, by lane of a group; 0 where there is none. */
struct evidence {
	unsigned blocks; /* bits: blocks of lanes with any */
	_Alignas(64) float gain[LANES], shrink[LANES];
};

static void collect(struct lesson *l)
{
	const struct learn_event *e = l->e;
	float floor = e->ctx->floor_usd * 0.9999f;

	l->top = -1;
	l->best = 0;
	l->n = 0;
	for (size_t i = 0; i < e->n && l->n < ROUTER_CANDIDATES; i++) {
		const struct outcome *o = &e->outcome[i];
		int slot;

		if (o->status == OUTCOME_NOT_CALLED || (slot = bidders_add(&l->r->bidders, o->code)) < 0)
			continue;
		l->slot[l->n] = slot;
		l->bid[l->n] = o->status == OUTCOME_BID && o->cpm_usd > 0 && o->cpm_usd < 1e6f &&
			       o->cpm_usd >= floor;
		l->cpm[l->n] = l->bid[l->n] ? o->cpm_usd : 0;
		l->log_cpm[l->n] = l->bid[l->n] ? logf(o->cpm_usd) : 0;
		l->latency[l->n] = o->latency_ms;
		if (l->cpm[l->n] > l->best) {
			l->best = l->cpm[l->n];
			l->top = (int)l->n;
		}
		l->n++;
	}
}

struct weights {
	float *mean[FEATURES]; /* the variances lie behind */
	float low[FEATURES];   /* the floor under a variance */
	unsigned n;
};

VECTOR_CLONES
static void learn_weights(const struct weights *w, const struct evidence *e)
{
	for (unsigned b = 0; b < BLOCKS; b++) {
		const lane16 *gain = (const lane16 *)(e->gain + b * BLOCK),
			     *shrink = (const lane16 *)(e->shrink + b * BLOCK);
		lane16 mean, var;

		if (!(e->blocks >> b & 1))
			continue;
		for (unsigned k = 0; k < w->n; k++) {
			float *at = w->mean[k] + b * BLOCK;

			lanes_read((float *)&mean, at);
			lanes_read((float *)&var, at + LANES);
			mean += var * *gain;
			var *= 1 - var * *shrink;
			no_lower(&var, w->low[k]);
			lanes_write(at, (const float *)&mean);
			lanes_write(at + LANES, (const float *)&var);
		}
	}
}

/* One array of means and its variances, in all rows of a group. */
static void learn_rows(struct lesson *l, unsigned group, unsigned mean, const float prior[FEATURES],
		       float share, const struct evidence *e)
{
	struct weights w = { .n = 0 };

	for (unsigned f = 0; f < FEATURES; f++) {
		if (l->est.sites.model[f][group] < 0)
			continue;
		w.mean[w.n] = rows_lanes(&l->r->rows, l->est.sites.model[f][group], mean);
		w.low[w.n++] = prior[f] * share;
	}
	learn_weights(&w, e);
}

static void evidence_clear(struct evidence *e)
{
	const float none[BLOCK] = { 0 };

	e->blocks = 0;
	for (unsigned b = 0; b < LANES; b += BLOCK) {
		memcpy(e->gain + b, none, sizeof none);
		memcpy(e->shrink + b, none, sizeof none);
	}
}

static void evidence_add(struct evidence *e, unsigned lane, float gain, float shrink)
{
	e->blocks |= 1u << lane / BLOCK;
	e->gain[lane] = gain;
	e->shrink[lane] = shrink;
}

struct surprises {
	_Alignas(64) float bid[ROUTER_CANDIDATES], alive[ROUTER_CANDIDATES], works[ROUTER_CANDIDATES],
		chance[ROUTER_CANDIDATES], gain[ROUTER_CANDIDATES], shrink[ROUTER_CANDIDATES];
};

VECTOR_CLONES
static void surprises_alive(const struct lesson *l, struct surprises *s)
{
	for (size_t i = 0; i < l->n; i++) {
		s->alive[i] = alive_step(s->alive[i], s->bid[i] > 0, l->p[i] * l->c.works[i]);
		s->chance[i] = l->p[i] * s->alive[i];
	}
}

VECTOR_CLONES
static void surprises_weigh(const struct lesson *l, struct surprises *s)
{
	for (size_t i = 0; i < l->n; i++) {
		float var = 1 + l->est.v[i], inv_sd = 1 / sqrtf(var), sign = s->bid[i] > 0 ? 1.0f : -1.0f;
		float weight = s->alive[i] * s->works[i];
		float t = sign * l->est.s[i] * inv_sd, hazard = normal_hazard(t);

		weight = weight < 0.05f ? 0.05f : weight; /* an outage must not undo what was learned */
		s->gain[i] = weight * sign * inv_sd * hazard;
		s->shrink[i] = weight * inv_sd * inv_sd * clampf(hazard * (hazard + t), 0, 1);
	}
}

static void learn_bids(struct lesson *l)
{
	struct router *r = l->r;
	struct surprises s;

	for (size_t i = 0; i < l->n; i++) {
		s.bid[i] = l->bid[i];
		s.alive[i] = r->alive[l->slot[i]].p;
		s.works[i] = 1;
	}
	surprises_alive(l, &s);
	works_learn(&r->worth, &l->worth, l->slot, l->bid, s.chance, l->n, s.works);
	surprises_weigh(l, &s);
	for (unsigned g = 0; g < GROUPS; g++) {
		struct evidence e;

		if (!l->est.sites.blocks[g])
			continue;
		evidence_clear(&e);
		for (size_t i = 0; i < l->n; i++)
			if ((unsigned)l->slot[i] / LANES == g)
				/* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): surprises_weigh() stores vectors */
				evidence_add(&e, (unsigned)l->slot[i] % LANES, s.gain[i], s.shrink[i]);
		learn_rows(l, g, ROW_BID, feature_bid_var, r->tune.bid_floor, &e);
	}
	for (size_t i = 0; i < l->n; i++)
		word_store(&r->alive[l->slot[i]].p, s.alive[i]);
}

/* The spread of a bidder's prices around their prediction. */
static void learn_spread(struct lesson *l, size_t i, float err)
{
	struct router *r = l->r;
	float *s2 = &r->price_var[l->e->ctx->format][l->slot[i]],
	      *seen = &r->price_seen[l->e->ctx->format][l->slot[i]], var;

	*seen = fminf(*seen + 1, r->tune.price_var_memory);
	var = *s2 + (err * err - *s2) / *seen;
	word_store(s2, var < 0.05f ? 0.05f : var);
}

static void learn_prices(struct lesson *l)
{
	struct router *r = l->r;

	for (unsigned g = 0; g < GROUPS; g++) {
		struct evidence e;

		if (!l->est.sites.blocks[g])
			continue;
		evidence_clear(&e);
		for (size_t i = 0; i < l->n; i++) {
			float err, sure;

			if (!l->bid[i] || (unsigned)l->slot[i] / LANES != g)
				continue;
			err = clampf(l->log_cpm[i] - l->est.m[i], -3, 3);
			sure = 1 / (l->est.u[i] + r->price_var[l->e->ctx->format][l->slot[i]]);
			evidence_add(&e, (unsigned)l->slot[i] % LANES, err * sure, sure);
			floor_learn(&r->floors, l->e->ctx, l->log_cpm[i]);
			learn_spread(l, i, err);
		}
		if (e.blocks)
			learn_rows(l, g, ROW_PRICE, feature_price_var, r->tune.price_floor, &e);
	}
}

/* All bidders pooled: the habits of the market, from which new bidders and publishers start. The publisher's
 * own row stays out, or a publisher's level would be learned twice. */
static void learn_population(struct lesson *l)
{
	struct rows *t = &l->r->rows;
	float up = normal_hazard(l->est.pop_s), down = normal_hazard(-l->est.pop_s), w = 0, m = 0;

	for (size_t i = 0; i < l->n; i++) {
		w += l->bid[i] ? up : -down;
		if (l->bid[i])
			m += clampf(l->log_cpm[i] - l->est.pop_m, -2, 2);
	}
	for (unsigned f = 0; f < FEATURES; f++) {
		int64_t at = l->est.sites.model[f][0];

		if (at < 0)
			continue;
		if (f != F_PUBLISHER)
			word_store(&t->pop[at].bid, t->pop[at].bid + l->r->tune.population_bid * w);
		word_store(&t->pop[at].price, t->pop[at].price + l->r->tune.population_price * m);
	}
}

/* Chances that each of those called stays not below this price. */
VECTOR_CLONES
static void chances_to_beat(const struct lesson *l, float log_price, float *ret_chance)
{
	for (size_t a = 0; a < l->n; a++)
		ret_chance[a] =
			l->p[a] * l->c.works[a] * normal_tail((log_price - l->c.mu[a]) * l->c.inv_sd[a]);
}

static void learn_pairs(struct lesson *l)
{
	struct router *r = l->r;
	float keep = 1 - 1 / r->tune.pair_memory;
	_Alignas(64) float chance[ROUTER_CANDIDATES];

	for (size_t b = 0; b < l->n; b++) {
		if (!l->bid[b])
			continue;
		chances_to_beat(l, l->log_cpm[b], chance);
		for (size_t a = 0; a < l->n; a++)
			if (a != b)
				pairs_learn(r->pairs, l->e->ctx->format, (unsigned)l->slot[a],
					    (unsigned)l->slot[b], l->cpm[a] >= l->cpm[b], chance[a], keep);
	}
}

/* 1 / the usual price of each. */
VECTOR_CLONES
static void prices(const struct choice *c, float *ret_per_price)
{
	for (size_t i = 0; i < c->n; i++)
		ret_per_price[i] = exp_fast(-c->mu[i]);
}

/* The router's own choice among those who were called, and what each really added to it. */
static void replay(struct lesson *l)
{
	struct router *r = l->r;
	float lambda = decide_price(r, l->s), best = 0, kept = -1, net;
	enum everybody all = decide_everybody(r, l->s, l->e->auction);
	struct worth_part part[ROUTER_CANDIDATES];
	_Alignas(64) float per_price[ROUTER_CANDIDATES];
	unsigned n = 0;
	int i;

	decide_means(r, l->e->ctx, &l->est, l->slot, l->n, lambda, l->s->slow_ms, &l->c);
	choose_start(&l->c, 0);
	prices(&l->c, per_price);
	while ((i = choose_top(&l->c, &net)) >= 0) {
		float gain = l->c.gain[i];
		float added = l->cpm[i] > best ? l->cpm[i] - best : 0;

		if (kept < 0 && n >= l->s->min_bidders && net < lambda)
			kept = best;
		best += added;
		part[n++] = (struct worth_part){ (unsigned)l->slot[i], worth_place(l->c.taken),
						 added * per_price[i], gain * per_price[i] };
		if (n == l->n)
			break;
		choose_take(&l->c, (size_t)i);
	}
	worth_learn(&r->worth, &l->worth, part, n);
	if (all == FOR_AUDIT || all == FOR_CONTROL || all == FOR_SHADOW)
		budget_audit(r->budgets, budget_at(r->budgets, l->s->budget.scope), kept < 0 ? best : kept,
			     best, l->s->budget.kind == BUDGET_KEPT ? l->s->budget.value : 0);
}

static void learn_counts(struct lesson *l)
{
	struct router *r = l->r;
	unsigned f = l->e->ctx->format;

	for (size_t i = 0; i < l->n; i++) {
		struct bidder_counts *c = &r->counts[l->slot[i]];

		counts_called(c, f, l->latency[i], l->s->slow_ms, l->e->now_ms);
		counts_expect(c, l->bid[i], l->p[i] * l->c.works[i]);
		if (l->bid[i])
			counts_bid(c, f, l->cpm[i], (int)i == l->top);
		if (l->bid[i] && l->latency[i] >= 0)
			latency_learn(r->latencies, l->e->ctx->publisher, l->latency[i],
				      (int)i == l->top ? l->cpm[i] : 0);
	}
}

/* The unit of prices per call. It moves slowly: a price that followed the hour would spend most where it is worth least. */
static void learn_revenue(struct router *r, float best)
{
	float rate = fmaxf(r->tune.revenue_rate, 1 / (20 + (float)r->learned));

	word_store(&r->revenue, r->revenue + rate * (best - r->revenue));
}

VECTOR_CLONES
static void expect(struct lesson *l)
{
	for (size_t i = 0; i < l->n; i++)
		l->p[i] = normal_tail(-l->est.s[i] / sqrtf(1 + l->est.v[i]));
}

/* A lesson is some 15 KB, of which an auction uses a part: nothing is cleared that is not read. */
void router_learn(struct router *r, const struct learn_event *e)
{
	struct settings defaults;
	struct lesson l;

	l.r = r;
	l.e = e;
	l.s = e->settings;
	if (!l.s) {
		settings_default(&defaults);
		l.s = &defaults;
	}
	sites_start(r, e->ctx, &l.est.sites);
	latency_prefetch(r->latencies, e->ctx->publisher);
	collect(&l);
	if (!l.n)
		return;
	sites_touch(r, l.slot, l.n, &l.est.sites);
	l.worth = (struct worth_in){ (const int64_t(*)[GROUPS])l.est.sites.worth, l.est.sites.blocks };
	estimate(r, l.slot, l.n, &l.est);
	expect(&l);
	learn_revenue(r, l.best);
	replay(&l);
	learn_pairs(&l);
	learn_bids(&l);
	learn_prices(&l);
	learn_population(&l);
	learn_counts(&l);
	count_add(&r->outcomes, l.n);
	if (r->learned < UINT32_MAX)
		__atomic_store_n(&r->learned, r->learned + 1, __ATOMIC_RELAXED);
}
