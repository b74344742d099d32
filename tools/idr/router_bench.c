/* What a decision and a lesson cost, on an index of the stated size.
 *
 * usage: router-bench [candidates] [events] [decisions]
 *
 * 10,000 publishers (zipf), 200 countries, 60 bidders; every auction is of a random audience, so rows come from all
 * over the index. Prints nanoseconds: p50, p99 of single decisions (wall clock), the mean per outcome learned
 * (processor time, second half of the events), and memory.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/clock.h"
#include "idr/core/router.h"

enum { BIDDERS = 60, PUBLISHERS = 10000, COUNTRIES = 200, BATCH = 20 };

static struct {
	struct router *r;
	struct settings s;
	struct rng rng;
	char text[BIDDERS][20];
	struct str code[BIDDERS];
	float worth[BIDDERS];
	int n;
} b;

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static struct context audience(void)
{
	static const uint16_t size[][2] = { { 300, 250 }, { 728, 90 }, { 160, 600 }, { 320, 50 } };
	uint64_t k = rng_below(&b.rng, 4);
	double u = rng_unit(&b.rng);

	return (struct context){
		.publisher = 1 + (uint64_t)(PUBLISHERS * u * u * u),
		.country = (uint16_t)(256 + (uint64_t)(COUNTRIES * u * rng_unit(&b.rng))),
		.device = (uint8_t)(1 + rng_below(&b.rng, 4)),
		.format = (uint8_t)rng_below(&b.rng, 2),
		.width = size[k][0],
		.height = size[k][1],
		.ids = (uint32_t)rng_below(&b.rng, 8),
		.hour = (uint8_t)rng_below(&b.rng, 24),
		.floor_usd = (float)(0.1 * (double)rng_below(&b.rng, 8)),
	};
}

static void decide(const struct context *c, int n, uint64_t auction, struct decision *ret_d)
{
	struct candidate cand[BIDDERS];

	router_resolve(b.r, b.code, (size_t)n, cand);
	router_decide(b.r,
		      &(struct decide_in){
			      .ctx = c, .settings = &b.s, .cand = cand, .n = (size_t)n, .auction = auction },
		      ret_d);
}

static size_t outcomes(const struct decision *d, int n, struct outcome *o)
{
	size_t k = 0;

	for (int i = 0; i < n; i++) {
		bool bid = rng_unit(&b.rng) < 0.2;

		if (!d->v[i].selected)
			continue;
		o[k++] = (struct outcome){ .code = b.code[i],
					   .status = bid ? OUTCOME_BID : OUTCOME_NO_BID,
					   .cpm_usd =
						   bid ? b.worth[i] * (float)exp(rng_unit(&b.rng) - 0.5) : 0,
					   .latency_ms = (float)(80 + rng_below(&b.rng, 200)) };
	}
	return k;
}

/* Events come in batches; so does reading the clock of the processor, which takes as long as learning an outcome. */
static void learn_batch(long first, int n, uint64_t *add_ns, uint64_t *add_outcomes)
{
	static struct outcome o[BATCH][BIDDERS];
	struct context c[BATCH];
	size_t k[BATCH];
	struct decision d;
	uint64_t t;

	for (int i = 0; i < BATCH; i++) {
		c[i] = audience();
		decide(&c[i], n, (uint64_t)(first + i) * 0x9e3779b97f4a7c15ULL, &d);
		k[i] = outcomes(&d, n, o[i]);
		*add_outcomes += k[i];
	}
	t = now_ns(CLOCK_THREAD_CPUTIME_ID);
	for (int i = 0; i < BATCH; i++)
		router_learn(b.r, &(struct learn_event){ .ctx = &c[i],
							 .outcome = o[i],
							 .n = k[i],
							 .now_ms = first + i,
							 .settings = &b.s });
	*add_ns += now_ns(CLOCK_THREAD_CPUTIME_ID) - t;
	router_tick(b.r, first);
}

static int compare(const void *x, const void *y)
{
	uint32_t p = *(const uint32_t *)x, q = *(const uint32_t *)y;

	return p < q ? -1 : p > q;
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? strtol(argv[1], NULL, 10) : 40,
	     events = argc > 2 ? strtol(argv[2], NULL, 10) : 300000;
	long decisions = argc > 3 ? strtol(argv[3], NULL, 10) : 100000;
	uint64_t learn_ns = 0, learned = 0, ignored = 0, chosen = 0;
	uint32_t *ns = calloc((size_t)decisions, sizeof *ns);
	struct router_conf conf;
	struct router_stats st;
	struct decision d;

	if (n < 1 || n > BIDDERS || events < 1 || decisions < 1 || !ns) {
		fprintf(stderr, "usage: router-bench [candidates 1..%d] [events] [decisions]\n", BIDDERS);
		return 2;
	}
	router_conf_default(&conf);
	b.r = router_new(&conf);
	settings_default(&b.s);
	b.s.budget.value = 0.3f;
	b.s.max_bidders = 60;
	b.s.min_score = 0;
	b.s.anchors = 0;
	rng_seed(&b.rng, 7);
	for (int i = 0; i < BIDDERS; i++) {
		(void)snprintf(b.text[i], sizeof b.text[i], "bidder%02d", i);
		b.code[i] = str_of(b.text[i]);
		b.worth[i] = (float)exp(2 * rng_unit(&b.rng) - 1);
	}
	for (long i = 0; i < events; i += BATCH)
		/* the first half makes the rows */
		learn_batch(i, (int)n, 2 * i >= events ? &learn_ns : &ignored,
			    2 * i >= events ? &learned : &ignored);
	for (long i = 0; i < decisions; i++) {
		struct context c = audience();
		uint64_t t = now_ns(CLOCK_MONOTONIC);

		decide(&c, (int)n, (uint64_t)(i + 1) * 0xbf58476d1ce4e5b9ULL, &d);
		ns[i] = (uint32_t)(now_ns(CLOCK_MONOTONIC) - t);
		chosen += d.n_selected;
	}
	qsort(ns, (size_t)decisions, sizeof *ns, compare);
	router_stats(b.r, &st);
	printf("{\"candidates\":%ld,\"calls\":%.2f,\"decide_ns_p50\":%u,\"decide_ns_p99\":%u,\"learn_ns_per_"
	       "outcome\":%.0f,"
	       "\"rows\":%zu,\"rows_max\":%zu,\"bytes\":%zu,\"evicted\":%" PRIu64 ",\"refused\":%" PRIu64
	       "}\n",
	       n, (double)chosen / (double)decisions, ns[decisions / 2], ns[decisions * 99 / 100],
	       (double)learn_ns / (double)learned, st.rows, st.rows_max, st.bytes, st.rows_evicted,
	       st.rows_refused);
	router_free(b.r);
	free(ns);
	return 0;
}
