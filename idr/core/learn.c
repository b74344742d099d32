/* One auction's outcomes into the model.
 *
 * The prediction is made again here rather than kept from the decision: events may come late, from another
 * machine, or after a restart, and the index needs no memory of open auctions.
 */
#include <math.h>
#include <string.h>

#include "idr/core/decide.h"
#include "idr/core/mathx.h"

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
	float p[ROUTER_CANDIDATES]; /* expected chance of a bid, the bidder being alive */
	struct worth_in worth;
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

/* What one weight of a row takes of the evidence; low = the floor under its variance. */
static void step(float *row, unsigned mean, unsigned lane, float gain, float shrink, float low)
{
	float *m = &row[mean * LANES + lane], *v = &row[(mean + 1) * LANES + lane], var = *v;

	word_store(m, *m + var * gain);
	var *= 1 - var * shrink;
	word_store(v, var < low ? low : var);
}

static void learn_bid(struct lesson *l, size_t i)
{
	struct router *r = l->r;
	unsigned g = (unsigned)l->slot[i] / LANES, lane = (unsigned)l->slot[i] % LANES;
	float var = 1 + l->est.v[i], sd = sqrtf(var), sign = l->bid[i] ? 1 : -1;
	float alive = alive_step(r->alive[l->slot[i]].p, l->bid[i], l->p[i] * l->c.works[i]),
	      works = works_learn(&r->worth, &l->worth, (unsigned)l->slot[i], l->bid[i], l->p[i] * alive);
	float weight = fmaxf(0.05f, alive * works); /* an outage must not undo what was learned */
	float t = sign * l->est.s[i] / sd, hazard = normal_hazard(t),
	      info = clampf(hazard * (hazard + t), 0, 1);

	word_store(&r->alive[l->slot[i]].p, alive);
	for (unsigned f = 0; f < FEATURES; f++)
		if (l->est.sites.model[f][g] >= 0)
			step(rows_lanes(&r->rows, l->est.sites.model[f][g], 0), ROW_BID, lane,
			     weight * sign / sd * hazard, weight / var * info,
			     feature_bid_var[f] * r->tune.bid_floor);
}

static void learn_price(struct lesson *l, size_t i)
{
	struct router *r = l->r;
	unsigned g = (unsigned)l->slot[i] / LANES, lane = (unsigned)l->slot[i] % LANES,
		 format = l->e->ctx->format;
	float log_price = l->log_cpm[i], err = clampf(log_price - l->est.m[i], -3, 3);
	float *s2 = &r->price_var[format][l->slot[i]], *seen = &r->price_seen[format][l->slot[i]];
	float total = l->est.u[i] + *s2, var;

	floor_learn(&r->floors, l->e->ctx, log_price);
	for (unsigned f = 0; f < FEATURES; f++)
		if (l->est.sites.model[f][g] >= 0)
			step(rows_lanes(&r->rows, l->est.sites.model[f][g], 0), ROW_PRICE, lane, err / total,
			     1 / total, feature_price_var[f] * r->tune.price_floor);
	*seen = fminf(*seen + 1, r->tune.price_var_memory);
	var = *s2 + (err * err - *s2) / *seen;
	word_store(s2, var < 0.05f ? 0.05f : var);
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

static void learn_pairs(struct lesson *l)
{
	struct router *r = l->r;
	float keep = 1 - 1 / r->tune.pair_memory;

	for (size_t b = 0; b < l->n; b++) {
		if (!l->bid[b])
			continue;
		for (size_t a = 0; a < l->n; a++)
			if (a != b)
				pairs_learn(
					r->pairs, l->e->ctx->format, (unsigned)l->slot[a],
					(unsigned)l->slot[b], l->cpm[a] >= l->cpm[b],
					l->p[a] * l->c.works[a] *
						normal_tail((l->log_cpm[b] - l->c.mu[a]) * l->c.inv_sd[a]),
					keep);
	}
}

/* The router's own choice among those who were called, and what each really added to it. */
static void replay(struct lesson *l)
{
	struct router *r = l->r;
	float lambda = decide_price(r, l->s), best = 0, kept = -1, net;
	enum everybody all = decide_everybody(r, l->s, l->e->auction);
	unsigned n = 0;
	int i;

	decide_means(r, l->e->ctx, &l->est, l->slot, l->n, lambda, l->s->slow_ms, &l->c);
	choose_start(&l->c, 0);
	while ((i = choose_top(&l->c, &net)) >= 0) {
		float gain = l->c.gain[i], price = exp_fast(l->c.mu[i]);
		float added = l->cpm[i] > best ? l->cpm[i] - best : 0;

		if (kept < 0 && n >= l->s->min_bidders && net < lambda)
			kept = best;
		best += added;
		n++;
		worth_learn(&r->worth, &l->worth, (unsigned)l->slot[i], worth_place(l->c.taken),
			    added / price, gain / price);
		choose_take(&l->c, (size_t)i);
	}
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
	collect(&l);
	if (!l.n)
		return;
	sites_touch(r, e->ctx, l.slot, l.n, &l.est.sites);
	l.worth = (struct worth_in){ (const int64_t(*)[GROUPS])l.est.sites.worth, l.est.sites.blocks };
	estimate(r, l.slot, l.n, &l.est);
	for (size_t i = 0; i < l.n; i++)
		/* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): estimate() stores vectors */
		l.p[i] = normal_tail(-l.est.s[i] / sqrtf(1 + l.est.v[i]));
	learn_revenue(r, l.best);
	replay(&l);
	learn_pairs(&l);
	for (size_t i = 0; i < l.n; i++) {
		learn_bid(&l, i);
		if (l.bid[i])
			learn_price(&l, i);
	}
	learn_population(&l);
	learn_counts(&l);
	count_add(&r->outcomes, l.n);
	if (r->learned < UINT32_MAX)
		__atomic_store_n(&r->learned, r->learned + 1, __ATOMIC_RELAXED);
}
