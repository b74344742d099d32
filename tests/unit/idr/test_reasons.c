/* What a decision says about itself: every reason can be reached and means what it says, resellers are recognised, a
 * publisher is told a timeout. */
#include <math.h>
#include <stdio.h>

#include "common/clock.h"
#include "idr/core/router.h"
#include "tests/check.h"

/* 0..7 are independent and ever weaker; RESELLER passes on what SOURCE bids, for less; DEAD never bids. */
enum { SOURCE = 1, RESELLER = 8, DEAD = 9, BIDDERS = 10, PUBLISHER = 5 };

struct market {
	struct router *r;
	struct rng rng;
	char text[BIDDERS][20];
	struct str code[BIDDERS];
	uint64_t auction;
};

static double chance(int b)
{
	return b == DEAD ? 0 : 0.5 / (1 + 0.7 * b);
}

static struct context audience(struct market *m)
{
	return (struct context){ .publisher = PUBLISHER,
				 .country = 'D' << 8 | 'E',
				 .device = (uint8_t)(1 + rng_below(&m->rng, 2)),
				 .width = 300,
				 .height = 250 };
}

static double lognormal(struct market *m)
{
	return exp(0.8 * (rng_unit(&m->rng) + rng_unit(&m->rng) + rng_unit(&m->rng) - 1.5));
}

static void teach(struct market *m, int auctions)
{
	for (int i = 0; i < auctions; i++) {
		struct context c = audience(m);
		struct outcome o[BIDDERS];

		for (int b = 0; b < BIDDERS; b++) {
			bool bid = rng_unit(&m->rng) < chance(b);

			o[b] = (struct outcome){ .code = m->code[b],
						 .status = bid ? OUTCOME_BID : OUTCOME_NO_BID,
						 .cpm_usd = bid ? (float)lognormal(m) : 0,
						 .latency_ms = (float)(60 + 20 * rng_unit(&m->rng)) };
		}
		o[RESELLER].status = o[SOURCE].status;
		o[RESELLER].cpm_usd = o[SOURCE].cpm_usd * 0.8f;
		router_learn(m->r, &(struct learn_event){ .ctx = &c,
							  .outcome = o,
							  .n = BIDDERS,
							  .auction = ++m->auction,
							  .now_ms = i });
	}
}

static void market_init(struct market *m)
{
	struct router_conf conf;

	router_conf_default(&conf);
	conf.memory_bytes = 4 << 20;
	*m = (struct market){ .r = router_new(&conf) };
	rng_seed(&m->rng, 11);
	for (int b = 0; b < BIDDERS; b++) {
		(void)snprintf(m->text[b], sizeof m->text[b], "bidder%d", b);
		m->code[b] = str_of(m->text[b]);
	}
	teach(m, 3000);
}

static void decide(struct market *m, const struct settings *s, struct decision *ret_d)
{
	struct context c = audience(m);
	struct candidate cand[BIDDERS];

	router_resolve(m->r, m->code, BIDDERS, cand);
	router_decide(m->r,
		      &(struct decide_in){ .ctx = &c,
					   .settings = s,
					   .cand = cand,
					   .n = BIDDERS,
					   .auction = ++m->auction * 0x9e3779b97f4a7c15ULL,
					   .now_ms = 1000,
					   .scores = true },
		      ret_d);
}

static struct settings by_price(float usd)
{
	struct settings s;

	settings_default(&s);
	s.budget.kind = BUDGET_PRICE;
	s.budget.value = usd;
	s.max_bidders = 64;
	s.min_bidders = s.anchors = 0;
	s.min_score = s.audit_share = 0;
	s.exploration_slots = 64;
	return s;
}

struct row {
	const char *why;
	enum reason reason;
	bool selected;
	float price; /* per call */
	void (*rule)(struct settings *s, const struct market *m);
};

static void rule_always(struct settings *s, const struct market *m)
{
	s->always.n = 1;
	s->always.hash[0] = classify_name(m->code[DEAD]);
}

static void rule_never(struct settings *s, const struct market *m)
{
	s->never.n = 1;
	s->never.hash[0] = classify_name(m->code[0]);
}

static void rule_anchors(struct settings *s, const struct market *m)
{
	(void)m;
	s->anchors = 2;
}

static void rule_audit(struct settings *s, const struct market *m)
{
	(void)m;
	s->audit_share = 0.5f;
}

static void rule_category(struct settings *s, const struct market *m)
{
	s->n_categories = 1;
	s->category[0].codes.n = 1;
	s->category[0].codes.hash[0] = classify_name(m->code[7]);
}

static void rule_score(struct settings *s, const struct market *m)
{
	(void)m;
	s->min_score = 60;
}

static void rule_ceiling(struct settings *s, const struct market *m)
{
	(void)m;
	s->max_bidders = 2;
}

static void rule_qps(struct settings *s, const struct market *m)
{
	s->n_qps = 1;
	s->qps[0].hash = classify_name(m->code[0]);
	s->qps[0].per_second = 3;
}

static const struct row rows[] = {
	{ "the list wins over worth", REASON_ALWAYS, true, 0.05f, rule_always },
	{ "the strongest, though a call costs more than they bring", REASON_ANCHOR, true, 5, rule_anchors },
	{ "adds more than twice its call", REASON_HIGH_SCORE, true, 0.01f, NULL },
	{ "adds its call", REASON_MARGINAL, true, 0.05f, NULL },
	{ "an audit calls those that were not chosen", REASON_EXPLORATION, true, 0.1f, rule_audit },
	{ "its category would be missing", REASON_DIVERSITY, true, 0.05f, rule_category },
	{ "shown total below the threshold", REASON_BELOW_THRESHOLD, false, 0.01f, rule_score },
	{ "no room under the ceiling", REASON_MAX_BIDDERS, false, 0.001f, rule_ceiling },
	{ "on the list", REASON_NEVER, false, 0.01f, rule_never },
	{ "adds less than its call costs", REASON_NO_MARGINAL_VALUE, false, 0.1f, NULL },
	{ "its allowance for this second is used up", REASON_QPS_LIMIT, false, 0.01f, rule_qps },
};

static void reasons(void **state)
{
	struct market m;

	(void)state;
	market_init(&m);
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		struct settings s = by_price(rows[k].price);
		int seen = 0;

		if (rows[k].rule)
			rows[k].rule(&s, &m);
		for (int i = 0; i < 200; i++) {
			struct decision d;

			decide(&m, &s, &d);
			for (int b = 0; b < BIDDERS; b++) {
				if (d.v[b].reason != rows[k].reason)
					continue;
				CHECK(rows[k].why, d.v[b].selected == rows[k].selected);
				seen++;
			}
		}
		if (!seen)
			fail_msg("%s: %s was never given", rows[k].why, reason_name(rows[k].reason));
	}
	m.r = router_free(m.r);
}

/* What was chosen is ranked without gaps, and what it adds falls along the ranks. */
static void ranks(void **state)
{
	struct settings s = by_price(0.01f);
	struct market m;

	(void)state;
	market_init(&m);
	s.exploration_rate = 0;
	for (int i = 0; i < 100; i++) {
		float at[BIDDERS + 1] = { 0 };
		struct decision d;

		decide(&m, &s, &d);
		for (int b = 0; b < BIDDERS; b++) {
			CHECK("ranked if chosen", (d.v[b].rank > 0) == d.v[b].chosen);
			if (d.v[b].rank)
				at[d.v[b].rank] = d.v[b].marginal_usd;
			CHECK("a level says where it comes from", d.v[b].level > LEVEL_PRIOR || b == DEAD);
		}
		for (unsigned k = 1; k <= d.n_chosen; k++)
			CHECK("no gap in the ranks", at[k] > 0);
		CHECK("the first adds most", at[1] >= at[d.n_chosen]);
	}
	m.r = router_free(m.r);
}

static void resellers(void **state)
{
	struct bidder_stats b;
	struct market m;

	(void)state;
	market_init(&m);
	CHECK("known", router_bidder_stats(m.r, RESELLER, &b));
	CHECK("the reseller is redundant with its source", b.redundant_with == SOURCE && b.redundancy > 0.8f);
	for (int i = 2; i < 5; i++) {
		CHECK("known", router_bidder_stats(m.r, (unsigned)i, &b));
		CHECK("who brings demand of its own is not, however often stronger ones outbid it",
		      b.redundancy < 0.4f);
	}
	m.r = router_free(m.r);
}

/* Answers take 60 to 80 ms there: a timeout that waits for all of them, and not much longer. */
static void timeout(void **state)
{
	struct market m;
	unsigned ms;

	(void)state;
	market_init(&m);
	ms = router_suggest_timeout(m.r, PUBLISHER);
	CHECK("near the slowest answer", ms >= 70 && ms <= 100);
	CHECK("a publisher that nothing is known of gets everybody's",
	      router_suggest_timeout(m.r, 999) == ms);
	m.r = router_free(m.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reasons),
		cmocka_unit_test(ranks),
		cmocka_unit_test(resellers),
		cmocka_unit_test(timeout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
