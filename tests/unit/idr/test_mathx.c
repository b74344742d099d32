/* The cheap functions against the exact ones. */
#include "idr/core/mathx.h"

#include "tests/check.h"

static void close_enough(void **state)
{
	(void)state;
	for (double x = 0.001; x < 1e6; x *= 1.01) {
		double err = fabs((double)log2_fast((float)x) - log2((double)(float)x));

		if (err > 0.0002)
			fail_msg("log2_fast(%g) is off by %g", x, err);
	}
	for (double x = -80; x < 80; x += 0.37) {
		double err = fabs((double)exp_fast((float)x) / exp((double)(float)x) - 1);

		if (err > 0.001)
			fail_msg("exp_fast(%g) is off by %g of it", x, err);
	}
	for (double z = -4.9; z < 4.9; z += 0.01) {
		double exact = 0.5 * erfc(z / sqrt(2)), err = fabs((double)normal_tail((float)z) - exact),
		       rough = fabs((double)normal_tail_rough((float)z) - exact);

		if (err > 0.0003)
			fail_msg("normal_tail(%g) is off by %g", z, err);
		if (rough > 0.0004)
			fail_msg("normal_tail_rough(%g) is off by %g", z, rough);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(close_enough) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
