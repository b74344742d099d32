#include "common/decimal.h"

#include <stdio.h>

#include "common/clock.h"
#include "tests/check.h"

static void integers(void **state)
{
	static const struct {
		int64_t v;
		const char *want;
	} rows[] = { { 0, "0" },
		     { 7, "7" },
		     { -10, "-10" },
		     { INT64_MAX, "9223372036854775807" },
		     { INT64_MIN, "-9223372036854775808" } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[DECIMAL_INT_MAX];

		CHECK_STR(rows[i].want, ((struct str){ text, decimal_int(text, rows[i].v) }), rows[i].want);
	}
}

static void check_fixed(double v, int places)
{
	char want[DECIMAL_FIXED_MAX], got[DECIMAL_FIXED_MAX];

	snprintf(want, sizeof want, "%.*f", places, v);
	CHECK_STR("as printf has it", ((struct str){ got, decimal_fixed(got, v, places) }), want);
}

/* Halves are where two decimals are equally near, and binary decides. */
static void fixed(void **state)
{
	static const double values[] = { 0,         0.01,          0.015,       0.025, 0.3,  1.005, 1.87,
					 2.675,     0.999,         9.995,       20,    0.5,  1.5,   1e11,
					 1e12,      1e15,          1e22,        1e300, -0.0, -1.5,  5e-324,
					 0.1 + 0.2, 123456789.125, 99999999.995 };
	struct rng rng;

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		for (int places = 0; places <= DECIMAL_PLACES_MAX; places++)
			check_fixed(values[i], places);
	rng_seed(&rng, 1);
	for (int i = 0; i < 20000; i++) {
		double steps = (double)rng_below(&rng, 4001);

		check_fixed(steps * 0.005, (int)rng_below(&rng, 4));
		check_fixed(steps * 0.01 + (double)rng_below(&rng, 20), 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(integers), cmocka_unit_test(fixed) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
