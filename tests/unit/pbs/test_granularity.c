#include "pbs/price/granularity.h"

#include <stdlib.h>

#include "common/json.h"
#include "tests/check.h"

static void named_ladders(void **state)
{
	static const char *const names[] = { "low", "medium", "high", "auto", "dense" };
	static const struct {
		double cpm;
		const char *want[5];
	} rows[] = {
		{ 0.01, { "0.00", "0.00", "0.01", "0.00", "0.01" } },
		{ 0.3, { "0.00", "0.20", "0.30", "0.25", "0.30" } },
		{ 0.6, { "0.50", "0.50", "0.60", "0.55", "0.60" } },
		{ 0.7, { "0.50", "0.60", "0.70", "0.65", "0.70" } },
		{ 1.87, { "1.50", "1.80", "1.87", "1.85", "1.87" } },
		{ 2.09, { "2.00", "2.00", "2.08", "2.05", "2.08" } },
		{ 2.13, { "2.00", "2.10", "2.12", "2.10", "2.12" } },
		{ 4.35, { "4.00", "4.30", "4.34", "4.30", "4.30" } },
		{ 5, { "5.00", "5.00", "5.00", "5.00", "5.00" } },
		{ 5.72, { "5.00", "5.70", "5.72", "5.70", "5.70" } },
		{ 9.99, { "5.00", "9.90", "9.99", "9.90", "9.50" } },
		{ 25, { "5.00", "20.00", "20.00", "20.00", "20.00" } },
		{ 0, { "0.00", "0.00", "0.00", "0.00", "0.00" } },
		{ -1, { "", "", "", "", "" } },
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t k = 0; k < 5; k++)
			CHECK_STR(names[k],
				  price_bucket(rows[i].cpm, granularity_named(str_of(names[k])),
					       ROUNDING_DOWN, false, NULL, a),
				  rows[i].want[k]);
	arena_free(a);
}

static void custom_ladders(void **state)
{
	static const char two[] =
		"{\"ranges\":[{\"max\":1.5,\"increment\":1.0},{\"max\":10,\"increment\":1.2}]}";
	static const struct {
		const char *why, *granularity;
		double cpm;
		bool exact;
		const char *want;
	} rows[] = {
		{ "second range starts where the first ends", two, 1.87, false, "1.50" },
		{ "whole steps from there", two, 5.0, false, "3.90" },
		{ "next step", two, 5.72, false, "5.10" },
		{ "the largest price in range", two, 10, false, "9.90" },
		{ "above all ranges is the top", two, 10.01, false, "10.00" },
		{ "a stated min is ignored", "{\"ranges\":[{\"min\":5,\"max\":10,\"increment\":1}]}", 2.5,
		  false, "2.00" },
		{ "precision 0", "{\"precision\":0,\"ranges\":[{\"max\":10,\"increment\":2}]}", 5, false,
		  "4" },
		{ "precision 4", "{\"precision\":4,\"ranges\":[{\"max\":1,\"increment\":0.0005}]}", 0.1236,
		  false, "0.1235" },
		{ "no ranges is medium, precision and all", "{\"precision\":7}", 1.87, false, "1.80" },
		{ "null is medium", "null", 1.87, false, "1.80" },
		{ "a name", "\"dense\"", 1.87, false, "1.87" },
		{ "med is medium", "\"med\"", 1.87, false, "1.80" },
		{ "binary drops a bucket", "\"medium\"", 0.3, false, "0.20" },
		{ "exact keeps it", "\"medium\"", 0.3, true, "0.30" },
		{ "exact keeps the cent too", "\"high\"", 2.13, true, "2.13" },
		{ "exact still rounds down", "\"medium\"", 0.3999, true, "0.30" },
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct errtext why;
		struct str text = str_of(rows[i].granularity);
		json_auto_t *wrapped = json_parse(str_of(arena_printf(a, "[%s]", text.p)), &why);
		struct granularity g;

		CHECK(rows[i].why, granularity_parse(json_array_get(wrapped, 0), a, &g, &why) == 0);
		CHECK_STR(rows[i].why, price_bucket(rows[i].cpm, &g, ROUNDING_DOWN, rows[i].exact, NULL, a),
			  rows[i].want);
	}
	arena_free(a);
}

static void rounding(void **state)
{
	static const struct {
		const char *name;
		double cpm;
		const char *want;
	} rows[] = {
		{ "down", 1.87, "1.85" }, { "down", 1.88, "1.85" }, { "true", 1.87, "1.85" },
		{ "true", 1.88, "1.90" }, { "up", 1.87, "1.90" },   { "up", 1.88, "1.90" },
		{ "", 1.88, "1.85" },
	};
	const struct granularity *g = granularity_named(STR("auto"));
	struct arena *a = arena_new();
	struct rng rng;
	enum bid_rounding r;
	int n_up = 0;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		CHECK(rows[i].name, bid_rounding_parse(str_of(rows[i].name), &r));
		CHECK_STR(rows[i].name, price_bucket(rows[i].cpm, g, r, false, NULL, a), rows[i].want);
	}
	CHECK("unknown mode", !bid_rounding_parse(STR("sideways"), &r));
	rng_seed(&rng, 7);
	for (int i = 0; i < 100; i++)
		n_up += str_eq(price_bucket(1.87, g, ROUNDING_TIMESPLIT, false, &rng, a), STR("1.90"));
	CHECK("timesplit goes both ways", n_up > 20 && n_up < 80);
	arena_free(a);
}

static void refusals(void **state)
{
	static const struct {
		const char *granularity, *want;
	} rows[] = {
		{ "{\"precision\":-1,\"ranges\":[{\"max\":1,\"increment\":1}]}",
		  "Price granularity error: precision must be non-negative" },
		{ "{\"precision\":16,\"ranges\":[{\"max\":1,\"increment\":1}]}",
		  "Price granularity error: precision of more than 15 significant figures is not supported" },
		{ "{\"ranges\":[{\"max\":2,\"increment\":1},{\"max\":2,\"increment\":1}]}",
		  "Price granularity error: range list must be ordered with increasing \"max\"" },
		{ "{\"ranges\":[{\"max\":0,\"increment\":1}]}",
		  "Price granularity error: range list must be ordered with increasing \"max\"" },
		{ "{\"ranges\":[{\"max\":2,\"increment\":0}]}",
		  "Price granularity error: increment must be a nonzero positive number" },
		{ "{\"ranges\":[{\"max\":2}]}",
		  "Price granularity error: increment must be a nonzero positive number" },
		{ "{\"ranges\":[7]}",
		  "Price granularity error: range list must be ordered with increasing \"max\"" },
		{ "{\"ranges\":7}", "Price granularity error: ranges must be an array" },
		{ "\"huge\"", "unrecognized price granularity \"huge\"" },
		{ "7", "price granularity must be a name or an object" },
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct errtext why;
		json_auto_t *wrapped = json_parse(str_of(arena_printf(a, "[%s]", rows[i].granularity)), &why);
		struct granularity g;

		CHECK(rows[i].granularity, granularity_parse(json_array_get(wrapped, 0), a, &g, &why) < 0);
		CHECK_STR(rows[i].granularity, str_of(why.text), rows[i].want);
	}
	arena_free(a);
}

static void rendering(void **state)
{
	json_t *j = granularity_render(granularity_named(STR("medium")));
	char *text = json_text(j);

	(void)state;
	CHECK_STR("medium", str_of(text),
		  "{\"precision\":2,\"ranges\":[{\"min\":0,\"max\":20,\"increment\":0.1}]}");
	free(text);
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(named_ladders), cmocka_unit_test(custom_ladders), cmocka_unit_test(rounding),
		cmocka_unit_test(refusals),      cmocka_unit_test(rendering),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
