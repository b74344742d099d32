/* Floors: what the model chooses, what it says to Prebid Server, and what administrators may put. */
#include "tests/check.h"

#include <stdlib.h>

#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"
#include "idr/floors/model.h"
#include "idr/floors/validate.h"

static const struct floors_options options = {
	.max_fill_loss = 0.02, .shade = 0.85, .min_sold = 100, .skip_rate = 5
};

static struct floor_cell cell(float low, uint32_t n_low, float high, uint32_t n_high, float own_floor)
{
	struct floor_cell c = { .auctions = n_low + n_high + 100, .lowest_floor_usd = own_floor };

	c.best[price_bucket_of(low)] += n_low;
	c.best[price_bucket_of(high)] += n_high;
	return c;
}

static void choosing(void **state)
{
	const struct {
		const char *why;
		struct floor_cell c;
		double min, low, high;
	} rows[] = {
		{ "nothing was sold", cell(1, 0, 1, 0, 0), 0, 0, 0 },
		{ "all pay the same: they can be asked a little more", cell(1, 0, 1, 1000, 0), 0, 1.0, 1.25 },
		{ "few low ones may be given up", cell(0.1f, 10, 2, 990, 0), 0, 2.0, 2.5 },
		{ "many low ones may not", cell(0.1f, 300, 2, 700, 0), 0, 0.1, 0.13 },
		{ "never below the publisher's own", cell(0.1f, 900, 2, 100, 0.5f), 0, 0.5, 0.5 },
		{ "never below the least asked for", cell(0.1f, 900, 2, 100, 0), 0.7, 0.7, 0.7 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct floors_options opt = options;
		double floor;

		opt.floor_min_usd = rows[i].min;
		floor = floor_choose(&rows[i].c, &opt);
		if (floor < rows[i].low - 1e-6 || floor > rows[i].high + 1e-6)
			fail_msg("%s: %g", rows[i].why, floor);
	}
	{
		struct floors_options firm = options;
		struct floor_cell c = cell(1, 0, 1, 1000, 0);

		firm.shade = 1;
		CHECK("nobody raises a bid: a floor has nothing to gain", floor_choose(&c, &firm) <= 1.06);
	}
}

static void data(void **state)
{
	struct floors_model *m = floors_model_new();
	struct floor_cell c = cell(1, 0, 1, 1000, 0), thin = cell(9, 0, 9, 5, 0);
	struct errtext why = { "" };
	const json_t *values;
	json_t *j;

	(void)state;
	CHECK("no history, no floors", floors_model_data(m, &options) == NULL);
	floors_model_add(m, &(struct floor_key){ STR("banner"), STR("300x250"), STR("GBR"), STR("mobile") },
			 &c);
	floors_model_add(m, &(struct floor_key){ STR("banner"), STR("728x90"), STR("GBR"), STR("mobile") },
			 &c);
	floors_model_add(m, &(struct floor_key){ STR("video"), STR("640x480"), STR("FRA"), STR("ctv") },
			 &thin);
	j = floors_model_data(m, &options);
	assert_non_null(j);
	CHECK(why.text, floors_validate(j, &why) == 0);
	values = json_object_get(json_array_get(json_object_get(j, "modelGroups"), 0), "values");
	CHECK("its own rule", json_number_value(json_object_get(values, "banner|gbr|phone")) >= 1);
	CHECK("parents", json_object_get(values, "banner|*|*") && json_object_get(values, "*|*|*"));
	CHECK("too little behind it", !json_object_get(values, "video|fra|desktop"));
	CHECK("held out", json_int_at(j, "skipRate", 0) == 5);
	json_decref(j);
	floors_model_free(m);
}

static void many_rules(void **state)
{
	struct floors_model *m = floors_model_new();
	struct floor_cell c = cell(1, 0, 1, 1000, 0);
	json_t *j;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		char country[16];

		snprintf(country, sizeof country, "c%d", i);
		floors_model_add(m, &(struct floor_key){ STR("banner"), STR(""), str_of(country), STR("") },
				 &c);
	}
	j = floors_model_data(m, &options);
	CHECK("no more than Prebid Server takes",
	      json_object_size(json_object_get(json_array_get(json_object_get(j, "modelGroups"), 0),
					       "values")) == FLOOR_RULES_MAX);
	json_decref(j);
	floors_model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(choosing), cmocka_unit_test(data),
					    cmocka_unit_test(many_rules) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
