#include "idr/core/router.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "idr/core/estimate.h"
#include "idr/core/model.h"

void router_conf_default(struct router_conf *ret_conf)
{
	*ret_conf = (struct router_conf){ .memory_bytes = (size_t)112 << 20,
					  .seed = 1,
					  .learning_auctions = 800 };
}

void router_reset(struct router *r)
{
	r->bidders = (struct bidders){ 0 };
	r->floors = (struct floor_refs){ 0 };
	for (unsigned b = 0; b < ROUTER_SLOTS; b++) {
		for (unsigned f = 0; f < FORMATS; f++) {
			r->price_var[f][b] = 0.5f;
			r->price_seen[f][b] = 20;
		}
		r->alive[b].p = 1;
	}
	worth_clear(&r->worth);
	pairs_init(r->pairs);
	budget_init(r->budgets, r->tune.price_start);
	memset(r->counts, 0, ROUTER_SLOTS * sizeof *r->counts);
	memset(r->latencies, 0, sizeof *r->latencies);
	rows_clear(&r->rows);
	r->revenue = 1;
	r->learned = 0;
	r->outcomes = 0;
}

/* Tables are read in whole vectors. */
static void *aligned(size_t n)
{
	void *p = aligned_alloc(64, (n + 63) & ~(size_t)63);

	if (!p)
		abort();
	return memset(p, 0, n);
}

struct router *router_new(const struct router_conf *conf)
{
	struct router *r = aligned(sizeof *r);

	r->conf = *conf;
	r->tune = tuning_default;
	rows_init(&r->rows, conf->memory_bytes / 8 * 7, ROW_ARRAYS);
	worth_init(&r->worth, conf->memory_bytes / 8);
	r->pairs = aligned(sizeof *r->pairs);
	r->budgets = xcalloc(1, sizeof *r->budgets);
	r->counts = xcalloc(ROUTER_SLOTS, sizeof *r->counts);
	r->latencies = xcalloc(1, sizeof *r->latencies);
	router_reset(r);
	return r;
}

struct router *router_free(struct router *r)
{
	if (!r)
		return NULL;
	rows_deinit(&r->rows);
	worth_deinit(&r->worth);
	free(r->pairs);
	free(r->budgets);
	free(r->counts);
	free(r->latencies);
	free(r);
	return NULL;
}

void router_tick(struct router *r, int64_t now_ms)
{
	(void)now_ms;
	budget_tick(r->budgets, &r->tune, r->learned);
}

void router_stats(const struct router *r, struct router_stats *ret_s)
{
	const struct budget_scope *g = &r->budgets->s[0];
	struct router_stats s = {
		.events = __atomic_load_n(&r->learned, __ATOMIC_RELAXED),
		.outcomes = count_load(&r->outcomes),
		.rows = count_load(&r->rows.used),
		.rows_max = (size_t)r->rows.buckets * ROWS_WAYS,
		.bytes = rows_bytes(&r->rows) + rows_bytes(&r->worth.rows),
		.rows_evicted = count_load(&r->rows.evicted),
		.rows_refused = count_load(&r->rows.refused),
		.bidders = router_bidders(r),
		.revenue = word_load(&r->revenue),
		.kept_estimate = -1,
		.audits = (uint32_t)word_load(&g->audits),
	};

	s.price_per_call = budget_price(r->budgets, g) * s.revenue;
	for (size_t i = 0; i < BUDGETS; i++)
		s.decisions += __atomic_load_n(&r->budgets->s[i].auctions, __ATOMIC_RELAXED);
	(void)budget_kept(g, &s.kept_estimate, &s.kept_error);
	*ret_s = s;
}

unsigned router_bidders(const struct router *r)
{
	return __atomic_load_n(&r->bidders.n, __ATOMIC_ACQUIRE);
}

/* Whose presence takes most of what b brings, beyond what chance explains: a strong bidder outbids everybody and makes
 * nobody redundant. */
static void most_redundant(const struct router *r, unsigned b, struct bidder_stats *s)
{
	const float prior = 15;
	unsigned n = router_bidders(r);

	s->redundant_with = -1;
	for (unsigned a = 0; a < n; a++) {
		const struct pair_count *q = &r->pairs->count[PAIR_ALL][b][a];
		float seen = word_load(&q->n), alone = seen - word_load(&q->beat) + prior,
		      expected = seen - word_load(&q->expected) + prior;

		if (a == b || seen < 50 || 1 - alone / expected <= s->redundancy)
			continue;
		s->redundancy = 1 - alone / expected;
		s->redundant_with = (int)a;
	}
}

bool router_bidder_stats(const struct router *r, unsigned slot, struct bidder_stats *ret_s)
{
	struct bidder_stats s = { .redundant_with = -1 };
	const struct bidder_counts *c = &r->counts[slot < ROUTER_SLOTS ? slot : 0];

	if (slot >= router_bidders(r))
		return false;
	memcpy(s.code, r->bidders.code[slot], sizeof s.code);
	for (unsigned f = 0; f < FORMATS; f++) {
		s.calls += word_load(&c->calls[f]);
		s.bids += word_load(&c->bids[f]);
		s.wins += word_load(&c->wins[f]);
		s.revenue_usd += word_load(&c->revenue[f]);
	}
	s.alive = word_load(&r->alive[slot].p);
	s.latency_p50_ms = latency_quantile(c->latency, 0.5f);
	s.latency_p95_ms = latency_quantile(c->latency, 0.95f);
	s.slow_share = word_load(&c->slow);
	s.price_sd = sqrtf(word_load(&r->price_var[FORMAT_BANNER][slot]));
	s.last_seen_ms = __atomic_load_n(&c->last_seen_ms, __ATOMIC_RELAXED);
	most_redundant(r, slot, &s);
	*ret_s = s;
	return true;
}

unsigned router_suggest_timeout(const struct router *r, uint64_t publisher)
{
	return latency_timeout(r->latencies, publisher);
}
