#include "pbs/exchange/throttle.h"
#include "tests/check.h"

static unsigned skipped(const struct throttle *t, size_t bidder)
{
	struct rng rng;
	unsigned n = 0;

	rng_seed(&rng, 7);
	for (int i = 0; i < 10000; i++)
		n += throttle_skips(t, bidder, &rng);
	return n;
}

static void spares_the_failing(void **state)
{
	struct throttle *t = throttle_new(2, 100);

	(void)state;
	CHECK("a new bidder is well", skipped(t, 0) == 0);
	for (int i = 0; i < 20; i++)
		throttle_note(t, 0, true);
	CHECK("a few failures do not matter", throttle_health(t, 0) < 0.2 && skipped(t, 0) == 0);
	for (int i = 0; i < 2000; i++)
		throttle_note(t, 0, true);
	CHECK("a bidder that is down is asked one time in ten",
	      throttle_health(t, 0) > 0.99 && skipped(t, 0) > 8700 && skipped(t, 0) < 9300);
	CHECK("the others are not concerned", skipped(t, 1) == 0);
	for (int i = 0; i < 200; i++)
		throttle_note(t, 0, false);
	CHECK("it recovers", skipped(t, 0) == 0);
	CHECK("an index that does not exist is nobody", throttle_health(t, 9) == 0);
	throttle_note(t, 9, true);
	throttle_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(spares_the_failing) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
