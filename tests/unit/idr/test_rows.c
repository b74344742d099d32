/* The table of rows: bounded memory, and a flood of rare keys that does not push out the busy ones. */
#include "idr/core/rows.h"

#include "common/clock.h"
#include "idr/core/mathx.h"
#include "idr/core/router.h"
#include "tests/check.h"

enum { ARRAYS = 2 };
static const float first[ROWS_ARRAYS] = { 1, 2 };

/* Busy rows are touched now and then, between floods of keys that never come back. */
static void hot_rows_stay(void **state)
{
	enum { HOT = 200, ROUNDS = 800, FLOOD = 500 };
	struct rows t;
	uint64_t next = 1 << 20;
	float *lane;

	(void)state;
	rows_init(&t, 1 << 20, ARRAYS);
	for (uint64_t k = 0; k < HOT; k++)
		for (int heat = 0; heat < 50; heat++)
			(void)rows_touch(&t, mix64(k), first);
	for (uint64_t k = 0; k < HOT; k++) {
		lane = rows_lanes(&t, rows_find(&t, mix64(k)), 0);
		word_store(&lane[3], 100 + (float)k);
	}
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < FLOOD; i++)
			(void)rows_touch(&t, mix64(next++), first);
		for (uint64_t k = 0; k < HOT; k++)
			for (int heat = 0; heat < 4; heat++)
				(void)rows_touch(&t, mix64(k), first);
	}
	CHECK("the flood was larger than the table", count_load(&t.evicted) > t.buckets);
	for (uint64_t k = 0; k < HOT; k++) {
		int64_t at = rows_find(&t, mix64(k));

		CHECK("a busy row is still there", at >= 0);
		CHECK("with what it had learned", word_load(&rows_lanes(&t, at, 0)[3]) > 99.5f + (float)k);
	}
	rows_deinit(&t);
}

/* Rows that went quiet give way, or a table that once was full would never learn again. */
static void cold_rows_go(void **state)
{
	struct rows t;
	uint64_t gone = 0, n;

	(void)state;
	rows_init(&t, 1 << 20, ARRAYS);
	n = (uint64_t)t.buckets * ROWS_WAYS;
	for (uint64_t k = 0; k < n; k++)
		(void)rows_touch(&t, mix64(k), first);
	for (uint64_t k = n; k < 20 * n; k++)
		(void)rows_touch(&t, mix64(k), first);
	for (uint64_t k = 0; k < n; k++)
		gone += rows_find(&t, mix64(k)) < 0;
	CHECK("most of the old ones are gone", gone > n * 9 / 10);
	CHECK("never more rows than there is room for", count_load(&t.used) <= n);
	rows_deinit(&t);
}

/* 10,000 publishers in 200 countries with 60 bidders: the index stays within what was promised. */
static void bounded(void **state)
{
	enum { EVENTS = 30000, BIDDERS = 60, CALLED = 6 };
	static char name[BIDDERS][20];
	struct router_conf conf;
	struct router_stats st;
	struct router *r;
	struct rng rng;

	(void)state;
	router_conf_default(&conf);
	conf.memory_bytes = 24 << 20; /* filled several times over by these events */
	r = router_new(&conf);
	rng_seed(&rng, 3);
	for (int b = 0; b < BIDDERS; b++)
		(void)snprintf(name[b], sizeof name[b], "bidder%d", b);
	for (int i = 0; i < EVENTS; i++) {
		struct context c = { .publisher = 1 + rng_below(&rng, 10000),
				     .country = (uint16_t)(256 + rng_below(&rng, 200)),
				     .device = (uint8_t)(1 + rng_below(&rng, 4)),
				     .width = 300,
				     .height = 250,
				     .ids = (uint32_t)rng_below(&rng, 8),
				     .hour = (uint8_t)rng_below(&rng, 24) };
		struct outcome o[CALLED];

		for (int k = 0; k < CALLED; k++)
			o[k] = (struct outcome){ .code = str_of(name[rng_below(&rng, BIDDERS)]),
						 .status = k ? OUTCOME_NO_BID : OUTCOME_BID,
						 .cpm_usd = 1 };
		router_learn(r, &(struct learn_event){ .ctx = &c, .outcome = o, .n = CALLED, .now_ms = i });
	}
	router_stats(r, &st);
	CHECK("the table is full", st.rows > st.rows_max * 9 / 10 && st.rows_evicted > 1000);
	CHECK("and within its ceiling", st.bytes <= conf.memory_bytes);
	r = router_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hot_rows_stay),
		cmocka_unit_test(cold_rows_go),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
