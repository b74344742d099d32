#include "common/str.h"

#include "tests/check.h"

static void index_in_a_list(void **state)
{
	static const char *const names[] = { "skip", "warn", "enforce" };

	(void)state;
	CHECK("the last", str_index(STR("enforce"), names, 3) == 2);
	CHECK("exact case", str_index(STR("Warn"), names, 3) == -1);
	CHECK("no prefix", str_index(STR("war"), names, 3) == -1);
	CHECK("empty list", str_index(STR("skip"), names, 0) == -1);
}

static void lower_case(void **state)
{
	char to[16];

	(void)state;
	CHECK_STR("ASCII letters only", str_lower(to, STR("AZaz@[19\xc3\x84")), "azaz@[19\xc3\x84");
	CHECK_STR("nothing", str_lower(to, STR("")), "");
}

static void numbers(void **state)
{
	static const struct {
		const char *why, *text;
		bool ok;
		int64_t want;
	} rows[] = {
		{ "plain", "42", true, 42 },
		{ "smallest int64", "-9223372036854775808", true, INT64_MIN },
		{ "one beyond int64", "9223372036854775808", false, 0 },
		{ "trailing bytes are not a number", "42x", false, 0 },
		{ "leading blanks are not skipped", " 42", false, 0 },
		{ "empty", "", false, 0 },
		{ "a lone sign", "-", false, 0 },
		{ "wraps around uint64", "18446744073709551617", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t v = 0;

		CHECK(rows[i].why,
		      str_parse_i64(str_of(rows[i].text), INT64_MIN, INT64_MAX, &v) == rows[i].ok);
		CHECK(rows[i].why, v == rows[i].want);
	}
}

static void doubles(void **state)
{
	static const struct {
		const char *why, *text;
		bool ok;
		double want;
	} rows[] = {
		{ "plain", "0.5", true, 0.5 },
		{ "exponent", "1e3", true, 1000 },
		{ "hex is refused", "0x10", false, 0 },
		{ "nan is refused", "nan", false, 0 },
		{ "overflow is refused", "1e999", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		double v = 0;

		CHECK(rows[i].why, str_parse_double(str_of(rows[i].text), &v) == rows[i].ok);
		CHECK(rows[i].why, v == rows[i].want);
	}
}

static void cutting(void **state)
{
	struct str s = STR("a,,b");

	(void)state;
	CHECK_STR("first piece", str_cut(&s, ','), "a");
	CHECK_STR("empty piece between two separators", str_cut(&s, ','), "");
	CHECK_STR("last piece", str_cut(&s, ','), "b");
	CHECK("the rest is NULL after the last piece", s.p == NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(index_in_a_list), cmocka_unit_test(lower_case), cmocka_unit_test(numbers),
		cmocka_unit_test(doubles),         cmocka_unit_test(cutting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
