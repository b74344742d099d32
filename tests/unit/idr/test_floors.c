/* Floors: what the model chooses, what it says to Prebid Server, and what administrators may put. */
#include "tests/check.h"

#include <math.h>
#include <stdlib.h>

#include "common/clock.h"
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
		c.second[price_bucket_of(0.99f)] = 1000;
		CHECK("who wins by a hair has no more to give", floor_choose(&c, &options) <= 1.06);
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

static const json_t *group_of(const json_t *data)
{
	return json_array_get(json_object_get(data, "modelGroups"), 0);
}

/* Three of the four fields: the one that tells nothing is done without. */
static void fields(void **state)
{
	static const struct {
		const char *why;
		struct floor_key k[2];
		const char *key, *other;
	} rows[] = {
		{ "the size makes the price",
		  { { STR("banner"), STR("300x250"), STR("GBR"), STR("mobile") },
		    { STR("banner"), STR("728x90"), STR("GBR"), STR("mobile") } },
		  "banner|300x250|gbr",
		  "banner|728x90|gbr" },
		{ "the device does, and sizes are the same",
		  { { STR("banner"), STR("300x250"), STR("GBR"), STR("mobile") },
		    { STR("banner"), STR("300x250"), STR("GBR"), STR("desktop") } },
		  "banner|gbr|phone",
		  "banner|gbr|desktop" },
		{ "the media type does; in the stream and beside it",
		  { { STR("banner"), STR("300x250"), STR("GBR"), STR("mobile") },
		    { STR("video"), STR("300x250"), STR("GBR"), STR("mobile") } },
		  "banner|gbr|phone",
		  "video-outstream|gbr|phone" },
		{ "a name that cannot stand in a key is any",
		  { { STR("banner"), STR("a|b"), STR("GBR"), STR("mobile") },
		    { STR("banner"), STR("a|b"), STR("FRA"), STR("mobile") } },
		  "banner|gbr|phone",
		  "banner|fra|phone" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct floors_model *m = floors_model_new();
		struct floor_cell dear = cell(4, 0, 4, 1000, 0), cheap = cell(0.5f, 0, 0.5f, 1000, 0);
		struct errtext why = { "" };
		const json_t *values;
		json_t *j;

		floors_model_add(m, &rows[i].k[0], &dear);
		floors_model_add(m, &rows[i].k[1], &cheap);
		j = floors_model_data(m, &options);
		values = json_object_get(group_of(j), "values");
		CHECK(rows[i].why, json_num_at(values, rows[i].key, -1) >= 4);
		CHECK(rows[i].why, json_num_at(values, rows[i].other, -1) <= 0.7 &&
					   json_num_at(values, rows[i].other, -1) >= 0.5);
		CHECK(rows[i].why, floors_validate(j, &why) == 0);
		json_decref(j);
		floors_model_free(m);
	}
}

/* --- does it earn? ---
 * Buyers with private values bid a share of them; one whose value reaches the floor raises his bid to it, one whose does
 * not stays away. Each place (a size in a country on a device) has a price level of its own. Floors are made from one
 * run of auctions and tried on another. */

enum { PLACES = 4, AUCTIONS = 10000 };

struct market {
	const char *why;
	unsigned buyers;
	double spread; /* of log value, from auction to auction */
	double shade;  /* bid / value; negative = the equilibrium of so many buyers with uniform values */
	double least, most; /* lift of the revenue */
	bool harm;          /* the experiment is to stop these floors */
};

struct run {
	struct cell cell; /* what the statistics would have of it */
	double revenue, sold;
};

static double value_of(struct rng *rng, const struct market *k, int place)
{
	double u = rng_unit(rng), v = rng_unit(rng);

	return exp(0.5 * place + k->spread * sqrt(-2 * log(1 - u)) * cos(6.283185307179586 * v));
}

static double bid_of(const struct market *k, double value)
{
	return value * (k->shade > 0 ? k->shade : (k->buyers - 1.0) / k->buyers);
}

static void play(struct rng *rng, const struct market *k, int place, double floor, struct run *run,
		 struct floor_cell *history)
{
	struct event_bidder b[8] = { 0 };
	struct event e = { .bidders = b, .n_bidders = k->buyers };
	struct event_bidder *best = &b[0];

	for (unsigned i = 0; i < k->buyers; i++) {
		double value = value_of(rng, k, place);

		b[i].status = value >= floor ? OUTCOME_BID : OUTCOME_NO_BID;
		b[i].cpm_usd = value >= floor ? (float)fmax(bid_of(k, value), floor) : 0;
		best = b[i].cpm_usd > best->cpm_usd ? &b[i] : best;
	}
	best->wins = best->cpm_usd > 0;
	best->revenue_usd = best->cpm_usd;
	run->revenue += (double)best->cpm_usd;
	run->sold += best->wins;
	cell_add_auction(&run->cell, &e);
	cell_add_bidder(&run->cell, &e, best);
	if (history)
		floor_cell_add_event(history, &e);
}

static void earns(void **state)
{
	static const struct market markets[] = {
		{ "one buyer at a time, who always bids the same", 1, 0.03, 0.8, 0.05, 0.2, false },
		{ "one who bids half of what it is worth to him", 1, 0.03, 0.5, 0.05, 0.25, false },
		{ "one whose prices vary a little", 1, 0.08, 0.8, 0.01, 0.2, false },
		{ "two who are close to each other: nothing is known of their reserves", 2, 0.03, 0.8, -0.001,
		  0.02, false },
		{ "wide spread: a floor cannot tell who would pay", 2, 0.5, 0.85, -0.001, 0.01, false },
		{ "the same with four", 4, 0.5, 0.85, -0.001, 0.01, false },
		{ "an equilibrium of two", 2, 0.4, -1, -0.001, 0.01, false },
		{ "an equilibrium of six", 6, 0.4, -1, -0.001, 0.01, false },
		{ "values all over the place", 3, 1.2, 0.8, -0.001, 0.01, false },
		{ "nobody raises a bid: the assumption is wrong, and the experiment says so", 1, 0.03, 1, -1,
		  0, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(markets); i++) {
		const struct market *k = &markets[i];
		struct run with = { { 0 }, 0, 0 }, without = with, past = with;
		struct rng rng;
		double lift, fill;

		rng_seed(&rng, 7 + i);
		for (int place = 0; place < PLACES; place++) {
			struct floor_cell history = { 0 };
			double floor;

			for (int n = 0; n < AUCTIONS; n++)
				play(&rng, k, place, 0, &past, &history);
			floor = floor_choose(&history, &options);
			for (int n = 0; n < AUCTIONS; n++) {
				play(&rng, k, place, floor, &with, NULL);
				play(&rng, k, place, 0, &without, NULL);
			}
		}
		lift = with.revenue / without.revenue - 1;
		fill = with.sold / without.sold;
		print_message("%-72s revenue %+6.2f %%, sold %+6.2f %%\n", k->why, 100 * lift,
			      100 * (fill - 1));
		/* what two runs of the same market differ by anyway */
		if (lift < k->least - 0.01 || lift > k->most + 0.01)
			fail_msg("%s: lift %.4f", k->why, lift);
		if (!k->harm && fill < 1 - options.max_fill_loss)
			fail_msg("%s: fill %.4f", k->why, fill);
		if (floors_do_harm(&with.cell, &without.cell, options.max_fill_loss) != k->harm)
			fail_msg("%s: %s", k->why, k->harm ? "not stopped" : "stopped");
	}
}

static void harm(void **state)
{
	/* Per side: auctions, revenue of a sold one, sold of a hundred. */
	static const struct {
		const char *why;
		int n, sold[2];
		double paid[2];
		bool want;
	} rows[] = {
		{ "they earn", 2000, { 98, 100 }, { 1.2, 1 }, false },
		{ "they cost", 2000, { 98, 100 }, { 0.9, 1 }, true },
		{ "they cost, but nobody can be sure yet", 20, { 98, 100 }, { 0.9, 1 }, false },
		{ "they earn, and lose more sales than they may", 2000, { 80, 100 }, { 2, 1 }, true },
		{ "the same", 2000, { 100, 100 }, { 1, 1 }, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cell side[2] = { { 0 }, { 0 } };

		for (int s = 0; s < 2; s++)
			for (int n = 0; n < rows[i].n; n++) {
				bool sold = n % 100 < rows[i].sold[s];
				double paid = sold ? rows[i].paid[s] * (n % 2 ? 0.5 : 1.5) : 0;
				struct event_bidder b = { .status = sold ? OUTCOME_BID : OUTCOME_NO_BID,
							  .wins = sold,
							  .revenue_usd = (float)paid };
				struct event e = { .bidders = &b, .n_bidders = 1 };

				cell_add_auction(&side[s], &e);
				cell_add_bidder(&side[s], &e, &b);
			}
		if (floors_do_harm(&side[0], &side[1], 0.02) != rows[i].want)
			fail_msg("%s", rows[i].why);
	}
	CHECK("no experiment", !floors_do_harm(&(struct cell){ 0 }, &(struct cell){ 0 }, 0.02));
}

/* Floors made from auctions that floors had cut would only rise. */
static void floored_auctions_are_no_history(void **state)
{
	struct event_bidder b = { .status = OUTCOME_BID, .cpm_usd = 1 };
	struct event e = { .publisher = STR("p"), .bidders = &b, .n_bidders = 1 };
	struct floor_map map = { 0 };
	struct names names;

	(void)state;
	names_init(&names, 100);
	for (int f = 0; f < EVENT_FLOORS; f++) {
		e.floors = (uint8_t)f;
		floor_map_add(&map, &names, &e);
	}
	CHECK("without a lot and skipped", map.n == 1 && map.row[0].c.auctions == 2);
	floor_map_deinit(&map);
	names_deinit(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(choosing),
		cmocka_unit_test(data),
		cmocka_unit_test(many_rules),
		cmocka_unit_test(fields),
		cmocka_unit_test(earns),
		cmocka_unit_test(harm),
		cmocka_unit_test(floored_auctions_are_no_history),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
