/* The state machines that keep others' failures and appetites at bay: rate limit, breaker, cache. */
#include <pthread.h>
#include <stdio.h>

#include "common/breaker.h"
#include "common/lru.h"
#include "common/mem.h"
#include "common/rate_limit.h"
#include "tests/check.h"

static void rates(void **state)
{
	static const struct rate_limit_rule rule = { .per_second = 10, .burst = 3 };
	static const struct {
		const char *why;
		uint64_t key, now_us;
		bool ok;
		uint32_t wait_ms;
	} rows[] = {
		{ "first of the burst", 1, 1000000, true, 0 },
		{ "second", 1, 1000000, true, 0 },
		{ "third", 1, 1000000, true, 0 },
		{ "the burst is used up", 1, 1000000, false, 100 },
		{ "a refusal costs nothing", 1, 1040000, false, 60 },
		{ "somebody else's bucket", 2, 1040000, true, 0 },
		{ "one token came back", 1, 1100000, true, 0 },
		{ "only one", 1, 1100000, false, 100 },
		{ "after a pause the burst is whole", 1, 9000000, true, 0 },
		{ "second", 1, 9000000, true, 0 },
		{ "third", 1, 9000000, true, 0 },
		{ "and not more than whole", 1, 9000000, false, 100 },
	};
	struct rate_limit *t = rate_limit_new(100, 7);
	uint32_t wait;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		wait = 0;
		CHECK(rows[i].why,
		      rate_limit_take(t, rows[i].key, &rule, rows[i].now_us, &wait) == rows[i].ok);
		CHECK(rows[i].why, wait == rows[i].wait_ms);
	}
	for (int i = 0; i < 1000; i++)
		CHECK("0 is no limit", rate_limit_take(t, 3, &(struct rate_limit_rule){ 0 }, 0, &wait));
	for (uint64_t key = 10; key < 10000; key++)
		CHECK("many keys replace each other", rate_limit_take(t, key, &rule, 9000000, &wait));
	rate_limit_free(t);
}

static struct rate_limit *shared;
static _Atomic unsigned taken;

static void *take_many(void *arg)
{
	static const struct rate_limit_rule rule = { .per_second = 1, .burst = 500 };
	uint32_t wait;

	(void)arg;
	for (int i = 0; i < 1000; i++)
		taken += rate_limit_take(shared, 42, &rule, 5, &wait);
	return NULL;
}

static void rates_across_threads(void **state)
{
	pthread_t t[3];

	(void)state;
	shared = rate_limit_new(64, 1);
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, take_many, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	CHECK("the bucket is one for all", taken >= 500 && taken <= 503);
	rate_limit_free(shared);
}

static const struct breaker_rule breaker_rule = { .failures = 3,
						  .failure_share = 0.5,
						  .min_calls = 10,
						  .window_ms = 1000,
						  .open_ms = 100,
						  .max_open_ms = 300,
						  .probes = 2 };

static void opening_and_closing(void **state)
{
	/* 'a' asks and passes, 'x' asks and is refused, '+' and '-' report the oldest open call, '~' abandons
	 * it */
	static const struct {
		const char *why;
		uint64_t now_ms;
		const char *script;
		enum breaker_state want;
	} rows[] = {
		{ "two failures are not enough", 0, "a-a-", BREAKER_CLOSED },
		{ "a success starts the count anew", 0, "a+a-a-", BREAKER_CLOSED },
		{ "three in a row open it, a late success of before is ignored", 10, "aa-+", BREAKER_OPEN },
		{ "refused while open", 109, "xx", BREAKER_OPEN },
		{ "two probes pass, the third does not", 110, "aax", BREAKER_HALF_OPEN },
		{ "a failed probe opens for twice as long", 120, "-+", BREAKER_OPEN },
		{ "still open", 319, "x", BREAKER_OPEN },
		{ "an abandoned probe makes room", 320, "aa~ax", BREAKER_HALF_OPEN },
		{ "and so does not decide", 330, "+", BREAKER_HALF_OPEN },
		{ "two good probes close it", 330, "+", BREAKER_CLOSED },
	};
	struct breaker b;
	uint32_t tickets[64], first = 0, last = 0;

	(void)state;
	breaker_init(&b, &breaker_rule);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (const char *p = rows[i].script; *p; p++)
			if (*p == 'a' || *p == 'x') {
				bool passes = breaker_allow(&b, rows[i].now_ms, &tickets[last]);

				CHECK(rows[i].why, passes == (*p == 'a'));
				last += passes;
			} else if (*p == '~') {
				breaker_abandon(&b, tickets[first++]);
			} else {
				breaker_report(&b, tickets[first++], *p == '+', rows[i].now_ms);
			}
		CHECK(rows[i].why, b.state == rows[i].want);
	}
	CHECK("opened twice", b.opened == 2);
	CHECK("refusals are counted", b.refused == 5);
}

static void share_of_failures(void **state)
{
	struct breaker b;
	uint32_t ticket;

	(void)state;
	breaker_init(&b, &breaker_rule);
	for (int i = 0; i < 9; i++) {
		assert_true(breaker_allow(&b, 0, &ticket));
		breaker_report(&b, ticket, i % 2 == 0, 0);
	}
	CHECK("too few calls to tell", b.state == BREAKER_CLOSED);
	assert_true(breaker_allow(&b, 0, &ticket));
	breaker_report(&b, ticket, false, 0);
	CHECK("half of ten", b.state == BREAKER_OPEN);
	breaker_init(&b, &breaker_rule);
	for (uint64_t i = 0; i < 40; i++) {
		assert_true(breaker_allow(&b, i * 200, &ticket));
		breaker_report(&b, ticket, i % 2 == 0, i * 200);
	}
	CHECK("spread over many windows", b.state == BREAKER_CLOSED);
}

static int dropped;

static void drop(void *value)
{
	(void)value;
	dropped++;
}

static void cache(void **state)
{
	struct lru *l = lru_new(3, 100, drop);
	char *v = (char *)"abcdef";

	(void)state;
	dropped = 0;
	CHECK("a", lru_put(l, STR("a"), v, 9, 0, 0) && lru_put(l, STR("b"), v + 1, 9, 0, 0) &&
			   lru_put(l, STR("c"), v + 2, 9, 50, 0));
	CHECK("hit", lru_get(l, STR("a"), 0) == v);
	CHECK("a fourth", lru_put(l, STR("d"), v + 3, 9, 0, 0));
	CHECK("pushes out the one used longest ago", !lru_get(l, STR("b"), 0) && dropped == 1);
	CHECK("before its end", lru_get(l, STR("c"), 49) == v + 2);
	CHECK("at its end", !lru_get(l, STR("c"), 50) && dropped == 2);
	CHECK("replaces",
	      lru_put(l, STR("a"), v + 4, 9, 0, 0) && lru_get(l, STR("a"), 0) == v + 4 && dropped == 3);
	CHECK("bytes", lru_stats(l).bytes == 20);
	CHECK("a heavy one", lru_put(l, STR("e"), v, 85, 0, 0));
	CHECK("pushes out as many as it takes", lru_stats(l).entries == 2 && !lru_get(l, STR("d"), 0));
	CHECK("too heavy", !lru_put(l, STR("f"), v, 100, 0, 0) && dropped == 5);
	CHECK("the empty key is a key", lru_put(l, STR(""), v, 1, 0, 0) && lru_get(l, STR(""), 0) == v);
	CHECK("remove", lru_remove(l, STR("e")) && !lru_remove(l, STR("e")));
	lru_free(l);
	CHECK("everything is dropped once", dropped == 8);
}

static void cache_grows(void **state)
{
	struct lru *l = lru_new(5000, 1 << 20, drop);
	char key[16];
	uint64_t found = 0;

	(void)state;
	for (int i = 0; i < 6000; i++) {
		int n = snprintf(key, sizeof key, "k%d", i);

		lru_put(l, (struct str){ key, (size_t)n }, key, 1, 0, 0);
	}
	for (int i = 0; i < 6000; i++) {
		int n = snprintf(key, sizeof key, "k%d", i);

		found += lru_get(l, (struct str){ key, (size_t)n }, 0) != NULL;
	}
	CHECK("as many as fit", found == 5000);
	CHECK("the rest made room", lru_stats(l).evicted == 1000 && lru_stats(l).misses == 1000);
	lru_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates),
		cmocka_unit_test(rates_across_threads),
		cmocka_unit_test(opening_and_closing),
		cmocka_unit_test(share_of_failures),
		cmocka_unit_test(cache),
		cmocka_unit_test(cache_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
