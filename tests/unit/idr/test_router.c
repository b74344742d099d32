/* The router as its callers see it: limits, modes, determinism, learning on a small known market. */
#include "idr/core/router.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/mem.h"
#include "tests/check.h"

enum { BIDDERS = 12, START_MS = 1767225600 };

/* Bidder b bids with chance chance(b) at about price(b); the last two never do. */
static double chance(int b)
{
	return b >= BIDDERS - 2 ? 0 : 0.6 / (1 + b);
}

static double price(int b)
{
	return 0.5 + 0.2 * b;
}

struct world {
	uint64_t hole; /* bidder 0 never bids on this publisher; 0 = none */
	struct router *r;
	struct settings s;
	struct rng rng;
	struct str code[BIDDERS];
	char text[BIDDERS][24];
	uint64_t auction;
};

static void world_init(struct world *w, uint64_t seed)
{
	struct router_conf conf;

	router_conf_default(&conf);
	conf.memory_bytes = 4 << 20;
	conf.seed = seed;
	conf.learning_auctions = 300;
	*w = (struct world){ .r = router_new(&conf) };
	settings_default(&w->s);
	rng_seed(&w->rng, seed);
	for (int b = 0; b < BIDDERS; b++) {
		(void)snprintf(w->text[b], sizeof w->text[b], "bidder%d", b);
		w->code[b] = str_of(w->text[b]);
	}
}

static struct context context_of(struct world *w)
{
	struct context c = { .publisher = 1 + rng_below(&w->rng, 3),
			     .country = 'D' << 8 | 'E',
			     .device = (uint8_t)(1 + rng_below(&w->rng, 2)),
			     .width = 300,
			     .height = 250 };

	return c;
}

static void decide(struct world *w, const struct context *c, bool scores, struct decision *ret_d)
{
	struct candidate cand[BIDDERS];

	router_resolve(w->r, w->code, BIDDERS, cand);
	router_decide(w->r,
		      &(struct decide_in){ .ctx = c,
					   .settings = &w->s,
					   .cand = cand,
					   .n = BIDDERS,
					   .auction = ++w->auction * 0x9e3779b97f4a7c15ULL,
					   .now_ms = START_MS * 1000LL,
					   .scores = scores },
		      ret_d);
}

/* One auction from decision to outcome; returns the revenue. */
static double play(struct world *w)
{
	struct context c = context_of(w);
	struct outcome o[BIDDERS];
	struct decision d;
	double best = 0;

	decide(w, &c, false, &d);
	for (int b = 0; b < BIDDERS; b++) {
		bool bid = rng_unit(&w->rng) < chance(b) && !(b == 0 && c.publisher == w->hole);
		double cpm = price(b) * exp(0.3 * (rng_unit(&w->rng) + rng_unit(&w->rng) - 1));

		o[b] = (struct outcome){ .code = w->code[b], .latency_ms = (float)(50 + 20 * b) };
		o[b].status = !d.v[b].selected ? OUTCOME_NOT_CALLED : bid ? OUTCOME_BID : OUTCOME_NO_BID;
		o[b].cpm_usd = o[b].status == OUTCOME_BID ? (float)cpm : 0;
		if (o[b].status == OUTCOME_BID && cpm > best)
			best = cpm;
	}
	router_learn(w->r, &(struct learn_event){ .ctx = &c,
						  .outcome = o,
						  .n = BIDDERS,
						  .auction = w->auction * 0x9e3779b97f4a7c15ULL,
						  .now_ms = START_MS * 1000LL,
						  .settings = &w->s });
	router_tick(w->r, START_MS * 1000LL);
	return best;
}

/* An estimate wanders, because it forgets; what must be right is where it wanders around. */
static void converges(void **state)
{
	enum { WARM = 4000, ROUNDS = 1000 };
	double p[BIDDERS] = { 0 }, usd[BIDDERS] = { 0 };
	struct world w;
	struct decision d;

	(void)state;
	world_init(&w, 1);
	w.s.mode = ROUTE_SHADOW;
	for (int i = 0; i < WARM + ROUNDS; i++) {
		struct context c = context_of(&w);

		(void)play(&w);
		if (i < WARM)
			continue;
		decide(&w, &c, true, &d);
		CHECK("shadow calls everybody", d.n_selected == BIDDERS && d.mode == ROUTE_SHADOW);
		CHECK("but would not", d.n_chosen < BIDDERS);
		for (int b = 0; b < BIDDERS; b++) {
			p[b] += (double)d.v[b].probability / ROUNDS;
			usd[b] += (double)d.v[b].price_usd / ROUNDS;
			CHECK("marginal value is never negative", d.v[b].marginal_usd >= 0);
			CHECK("scores stay in range", d.v[b].total >= 0 && d.v[b].total <= 100);
			CHECK("confidence is a share", d.v[b].confidence >= 0 && d.v[b].confidence <= 1);
			for (int k = 0; k < COMPONENTS; k++)
				CHECK(component_name((enum component)k),
				      d.v[b].component[k] >= 0 && d.v[b].component[k] <= 100.001f);
		}
	}
	for (int b = 0; b < BIDDERS; b++) {
		if (fabs(p[b] - chance(b)) > 0.03)
			fail_msg("bidder %d: probability %.3f, true %.3f", b, p[b], chance(b));
		if (chance(b) > 0.1 && fabs(usd[b] / price(b) - 1) > 0.1)
			fail_msg("bidder %d: price %.3f, true %.3f", b, usd[b], price(b));
	}
	w.r = router_free(w.r);
}

/* A seat that was never set up on one publisher: found there within a few dozen auctions, and nothing unlearned
 * elsewhere. */
static void holes(void **state)
{
	enum { WARM = 90, ROUNDS = 90 };
	double p[4] = { 0 };
	int n[4] = { 0 };
	struct world w;

	(void)state;
	world_init(&w, 11);
	w.hole = 2;
	w.s.mode = ROUTE_SHADOW;
	for (int i = 0; i < WARM + ROUNDS; i++) {
		struct context c = context_of(&w);
		struct decision d;

		(void)play(&w);
		decide(&w, &c, true, &d);
		if (i < WARM)
			continue;
		p[c.publisher] += (double)d.v[0].probability;
		n[c.publisher]++;
	}
	CHECK("in the hole it is not expected", p[2] / n[2] < 0.03);
	CHECK("elsewhere as often as it bids", fabs(p[1] / n[1] - chance(0)) < 0.15);
	CHECK("on every other publisher", fabs(p[3] / n[3] - chance(0)) < 0.15);
	w.r = router_free(w.r);
}

static void budget_holds(void **state)
{
	struct world w;
	unsigned calls = 0;

	(void)state;
	world_init(&w, 2);
	w.s.budget.kind = BUDGET_CALLS;
	w.s.budget.value = 4;
	w.s.anchors = 0;
	w.s.min_bidders = 1;
	w.s.min_score = 0;
	for (int i = 0; i < 9000; i++) {
		struct context c = context_of(&w);
		struct decision d;

		(void)play(&w);
		if (i < 4000)
			continue;
		decide(&w, &c, false, &d);
		calls += d.n_selected;
	}
	/* a model that young may take a lead (test_budget.c) */
	if (calls / 5000.0 < 4 || calls / 5000.0 > 4 * 1.4)
		fail_msg("%.3f calls per auction instead of 4 to 5.6", calls / 5000.0);
	w.r = router_free(w.r);
}

static void limits(void **state)
{
	struct world w;
	struct rng rng;

	(void)state;
	world_init(&w, 3);
	for (int i = 0; i < 700; i++)
		(void)play(&w);
	rng_seed(&rng, 5);
	for (int i = 0; i < 3000; i++) {
		struct context c = context_of(&w);
		struct decision d;
		unsigned n = 0;

		settings_default(&w.s);
		w.s.audit_share = 0;
		w.s.max_bidders = (uint16_t)(1 + rng_below(&rng, BIDDERS));
		w.s.min_bidders = (uint16_t)rng_below(&rng, w.s.max_bidders + 1u);
		w.s.anchors = (uint16_t)rng_below(&rng, 5);
		w.s.never.n = 2;
		w.s.never.hash[0] = classify_name(w.code[rng_below(&rng, BIDDERS)]);
		w.s.never.hash[1] = classify_name(w.code[rng_below(&rng, BIDDERS)]);
		w.s.always.n = 1;
		w.s.always.hash[0] = classify_name(w.code[rng_below(&rng, BIDDERS)]);
		w.s.min_score = rng_below(&rng, 2) ? (float)rng_below(&rng, 60) : 0;
		decide(&w, &c, true, &d);
		for (int b = 0; b < BIDDERS; b++) {
			uint64_t h = classify_name(w.code[b]);

			n += d.v[b].selected;
			CHECK("never means never", !(d.v[b].selected && code_list_has(&w.s.never, h)));
			CHECK("always means always, unless never", d.v[b].selected ||
									   !code_list_has(&w.s.always, h) ||
									   code_list_has(&w.s.never, h));
			CHECK("marginal value is never negative", d.v[b].marginal_usd >= 0);
			CHECK("every bidder has a reason", d.v[b].reason != REASON_NONE);
			CHECK("the threshold is about the score shown",
			      d.v[b].reason != REASON_BELOW_THRESHOLD || d.v[b].total < w.s.min_score);
		}
		CHECK("the ceiling holds", n <= w.s.max_bidders);
		CHECK("the count is right", n == d.n_selected);
	}
	w.r = router_free(w.r);
}

static void modes(void **state)
{
	struct world w;
	struct decision d;
	struct context c;
	int controls = 0, audits = 0;

	(void)state;
	world_init(&w, 4);
	c = context_of(&w);
	decide(&w, &c, false, &d);
	CHECK("too little data: everybody", d.mode == ROUTE_LEARNING && d.n_selected == BIDDERS);
	for (int i = 0; i < 700; i++)
		(void)play(&w);
	w.s.mode = ROUTE_BYPASS;
	decide(&w, &c, false, &d);
	CHECK("bypass: everybody", d.mode == ROUTE_BYPASS && d.n_selected == BIDDERS);
	w.s.mode = ROUTE_NORMAL;
	w.s.control_share = 0.1f;
	w.s.audit_share = 0.05f;
	for (int i = 0; i < 4000; i++) {
		decide(&w, &c, false, &d);
		controls += d.control;
		audits += d.audit;
		CHECK("control and audit call everybody", !(d.control || d.audit) || d.n_selected == BIDDERS);
	}
	CHECK("a tenth is control", controls > 300 && controls < 500);
	CHECK("a twentieth of the rest is audited", audits > 120 && audits < 240);
	w.r = router_free(w.r);
}

static void qps(void **state)
{
	struct world w;
	struct context c;
	struct decision d;
	int called = 0;

	(void)state;
	world_init(&w, 5);
	for (int i = 0; i < 700; i++)
		(void)play(&w);
	c = context_of(&w);
	w.s.always.n = w.s.n_qps = 1;
	w.s.always.hash[0] = w.s.qps[0].hash = classify_name(w.code[0]);
	w.s.qps[0].per_second = 7;
	for (int i = 0; i < 50; i++) { /* all within one second */
		decide(&w, &c, false, &d);
		called += d.v[0].selected;
		CHECK("the reason is named", d.v[0].selected || d.v[0].reason == REASON_QPS_LIMIT);
	}
	CHECK("no more than the limit in one second", called == 7);
	w.r = router_free(w.r);
}

static void repeatable(void **state)
{
	struct world a, b;

	(void)state;
	world_init(&a, 9);
	world_init(&b, 9);
	for (int i = 0; i < 1500; i++)
		if (fabs(play(&a) - play(&b)) > 0)
			fail_msg("auction %d differs", i);
	a.r = router_free(a.r);
	b.r = router_free(b.r);
}

static void surplus(void **state)
{
	static struct outcome o[400];
	static char name[400][24];
	struct world w;
	struct context c;

	(void)state;
	world_init(&w, 6);
	c = context_of(&w);
	for (int i = 0; i < 400; i++) {
		(void)snprintf(name[i], sizeof name[i], "code-%d", i);
		o[i] = (struct outcome){ .code = str_of(name[i]),
					 .status = i % 3 ? OUTCOME_NO_BID : OUTCOME_BID,
					 .cpm_usd = 1,
					 .latency_ms = 80 };
	}
	for (int round = 0; round < 50; round++)
		for (int i = 0; i < 400; i += 50)
			router_learn(w.r, &(struct learn_event){ .ctx = &c,
								 .outcome = o + i,
								 .n = 50,
								 .auction = 1,
								 .now_ms = 1,
								 .settings = &w.s });
	CHECK("codes are bounded", router_bidders(w.r) == ROUTER_SLOTS);
	for (int i = 0; i < 350; i += 50) {
		struct str codes[64];
		struct candidate cand[64];
		struct decision d;

		for (int k = 0; k < 50; k++)
			codes[k] = o[i + k].code;
		router_resolve(w.r, codes, 50, cand);
		router_decide(w.r,
			      &(struct decide_in){ .ctx = &c,
						   .settings = &w.s,
						   .cand = cand,
						   .n = 50,
						   .auction = 77,
						   .scores = true },
			      &d);
		CHECK("candidates of several groups are all judged", d.n_selected <= 50 && d.n_selected >= 1);
	}
	w.r = router_free(w.r);
}

/* ---- threads ---- */

struct reader {
	const struct world *w;
	bool *stop;
	unsigned decisions;
};

static void *read_on(void *arg)
{
	struct reader *me = arg;
	struct candidate cand[BIDDERS];
	struct bidder_stats b;
	struct router_stats s;
	struct context c = {
		.publisher = 2, .country = 'D' << 8 | 'E', .device = 1, .width = 300, .height = 250
	};

	while (!__atomic_load_n(me->stop, __ATOMIC_RELAXED)) {
		struct decision d;

		router_resolve(me->w->r, me->w->code, BIDDERS, cand);
		router_decide(me->w->r,
			      &(struct decide_in){ .ctx = &c,
						   .settings = &me->w->s,
						   .cand = cand,
						   .n = BIDDERS,
						   .auction = ++me->decisions,
						   .scores = me->decisions % 2 },
			      &d);
		(void)router_bidder_stats(me->w->r, 0, &b);
		(void)router_suggest_timeout(me->w->r, 2);
		router_stats(me->w->r, &s);
	}
	return NULL;
}

/* Says something under ThreadSanitizer only: readers and the learner share every table there is. */
static void threads(void **state)
{
	bool stop = false;
	struct world w;
	struct reader r[2] = { { &w, &stop, 0 }, { &w, &stop, 0 } };
	pthread_t t[2];

	(void)state;
	world_init(&w, 8);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&t[i], NULL, read_on, &r[i]), 0);
	for (int i = 0; i < 1500; i++)
		(void)play(&w);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
	w.r = router_free(w.r);
}

/* ---- snapshots ---- */

struct bytes {
	char *p;
	size_t n, at, cap;
};

static int write_bytes(void *arg, const void *p, size_t n)
{
	struct bytes *b = arg;

	if (b->n + n > b->cap)
		b->p = xrealloc(b->p, b->cap = (b->n + n) * 2);
	memcpy(b->p + b->n, p, n);
	b->n += n;
	return 0;
}

static int read_bytes(void *arg, void *p, size_t n)
{
	struct bytes *b = arg;

	if (b->n - b->at < n)
		return ERR_INPUT;
	memcpy(p, b->p + b->at, n);
	b->at += n;
	return 0;
}

static void snapshots(void **state)
{
	struct world w, fresh;
	struct bytes b = { 0 };
	struct decision d, e;
	struct context c;
	struct errtext why = { "" };

	(void)state;
	world_init(&w, 7);
	world_init(&fresh, 7);
	for (int i = 0; i < 2000; i++)
		(void)play(&w);
	CHECK("saves", router_save(w.r, write_bytes, &b) == 0);
	CHECK("loads", router_load(fresh.r, read_bytes, &b, &why) == 0);
	CHECK("reads all of it", b.at == b.n);
	c = context_of(&w);
	fresh.auction = w.auction;
	decide(&w, &c, true, &d);
	decide(&fresh, &c, true, &e);
	CHECK("decides the same", memcmp(&d.v, &e.v, BIDDERS * sizeof d.v[0]) == 0);
	for (size_t at = 3; at < b.n; at += b.n / 7) {
		struct world other;

		world_init(&other, 7);
		b.p[at] ^= 0x10;
		b.at = 0;
		CHECK("a flipped bit is noticed", router_load(other.r, read_bytes, &b, &why) == ERR_INPUT);
		CHECK("and leaves an empty index", router_bidders(other.r) == 0);
		b.p[at] ^= 0x10;
		other.r = router_free(other.r);
	}
	b.n -= 5;
	b.at = 0;
	CHECK("a cut file is noticed", router_load(fresh.r, read_bytes, &b, &why) < 0);
	free(b.p);
	w.r = router_free(w.r);
	fresh.r = router_free(fresh.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(converges),  cmocka_unit_test(holes),   cmocka_unit_test(budget_holds),
		cmocka_unit_test(limits),     cmocka_unit_test(modes),   cmocka_unit_test(qps),
		cmocka_unit_test(repeatable), cmocka_unit_test(surplus), cmocka_unit_test(snapshots),
		cmocka_unit_test(threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
