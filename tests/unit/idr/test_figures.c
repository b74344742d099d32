/* Statistics: cells add up, and what is computed from them is right. */
#include "tests/check.h"

#include <math.h>
#include <string.h>

#include "common/mem.h"
#include "idr/store/figures.h"
#include "idr/store/floor_history.h"

static struct event_bidder bidder(uint8_t status, float cpm, float won, float ms)
{
	return (struct event_bidder){ .code = STR("x"),
				      .status = status,
				      .cpm_usd = cpm,
				      .revenue_usd = won,
				      .wins = won > 0,
				      .latency_ms = ms };
}

static struct cell cell_of(struct event_bidder *b, size_t n, uint16_t configured, float floor)
{
	struct event e = {
		.bidders = b, .n_bidders = n, .total_configured = configured, .ctx.floor_usd = floor
	};
	struct cell c = { 0 };

	cell_add_auction(&c, &e);
	for (size_t i = 0; i < n; i++)
		cell_add_bidder(&c, &e, &b[i]);
	return c;
}

static void one_auction(void **state)
{
	struct event_bidder b[] = { bidder(OUTCOME_BID, 2, 2, 80),    bidder(OUTCOME_BID, 0.5f, 0, 120),
				    bidder(OUTCOME_NO_BID, 0, 0, 40), bidder(OUTCOME_TIMEOUT, 0, 0, 500),
				    bidder(OUTCOME_ERROR, 0, 0, -1),  bidder(OUTCOME_NOT_CALLED, 0, 0, -1) };
	struct cell c = cell_of(b, ARRAY_LEN(b), 10, 1);
	static const struct {
		enum figure f;
		double want;
	} rows[] = {
		{ FIGURE_auctions, 1 },
		{ FIGURE_bidders_configured, 10 },
		{ FIGURE_bidders_called, 5 },
		{ FIGURE_calls_saved, 5 },
		{ FIGURE_calls_saved_rate, 0.5 },
		{ FIGURE_bids, 2 },
		{ FIGURE_wins, 1 },
		{ FIGURE_no_bids, 1 },
		{ FIGURE_timeouts, 1 },
		{ FIGURE_errors, 1 },
		{ FIGURE_bid_rate, 0.4 },
		{ FIGURE_win_rate, 0.5 },
		{ FIGURE_timeout_rate, 0.2 },
		{ FIGURE_avg_cpm, 1.25 },
		{ FIGURE_revenue, 0.002 },
		{ FIGURE_revenue_per_1000_auctions, 2 },
		{ FIGURE_floor_clearance, 0.5 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(figure_name(rows[i].f), fabs(figure_of(&c, rows[i].f) - rows[i].want) < 1e-12);
	CHECK("the slowest call", c.latency_sum == 500);
}

static void percentiles(void **state)
{
	struct cell fast = { 0 }, slow = { 0 };

	(void)state;
	CHECK("no calls, no percentile", cell_latency_quantile(&fast, 0.5) < 0);
	fast.latency[4] = 90; /* 75..100 ms */
	slow.latency[9] = 10; /* 300..400 ms */
	CHECK("inside its bucket", fabs(cell_latency_quantile(&fast, 0.5) - 87.5) < 1e-9);
	cell_add(&fast, &slow);
	CHECK("of the sum", fabs(cell_latency_quantile(&fast, 0.95) - 350) < 1e-9);
	CHECK("the last fast one", fabs(cell_latency_quantile(&fast, 0.9) - 100) < 1e-9);
	fast.latency[CELL_LATENCY_BUCKETS - 1] = 1000;
	CHECK("beyond the last bound is the bound", cell_latency_quantile(&fast, 0.99) == 2000);
}

static void lift(void **state)
{
	struct cell routed = { 0 }, control = { 0 };
	struct lift l;

	(void)state;
	CHECK("no data, no lift", !lift_compute(&routed, &control, &l));
	for (int i = 0; i < 100; i++) {
		struct event_bidder r[] = { bidder(OUTCOME_BID, 1, i % 2 ? 1.0f : 3.0f, 100) };
		struct event_bidder k[] = { bidder(OUTCOME_BID, 1, i % 2 ? 1.0f : 2.0f, 100),
					    bidder(OUTCOME_NO_BID, 0, 0, 300) };
		struct cell a = cell_of(r, 1, 2, 0), b = cell_of(k, 2, 2, 0);

		cell_add(&routed, &a);
		cell_add(&control, &b);
	}
	assert_true(lift_compute(&routed, &control, &l));
	CHECK("means", l.revenue_cpm.treated == 2 && l.revenue_cpm.control == 1.5);
	/* sample variances are 100/99 and 25/99, so the error is sqrt(1.25/99) */
	CHECK("interval", fabs(l.revenue_cpm.high - (0.5 + 1.96 * sqrt(1.25 / 99))) < 1e-9 &&
				  fabs(l.revenue_cpm.low - (0.5 - 1.96 * sqrt(1.25 / 99))) < 1e-9);
	CHECK("calls", l.calls.treated == 1 && l.calls.control == 2 && l.calls.low == -1);
	CHECK("latency", fabs(l.latency_ms.difference + 200) < 1e-9);
	CHECK("all squares are there", l.has_intervals);
	CHECK("every auction sold", l.sold.difference == 0);
	routed.auctions++; /* of a row that was written before squares were kept */
	assert_true(lift_compute(&routed, &control, &l));
	CHECK("no interval from part of the squares", !l.has_intervals);
}

static void intervals(void **state)
{
	/* Two sides of four auctions: calls 1 3 1 3 against 4 4 6 6, latencies 100 200 100 200 against 300 300 300 500;
	 * the routed sell half. */
	static const struct {
		int calls;
		float ms, won;
	} rows[2][4] = {
		{ { 1, 100, 1 }, { 3, 200, 0 }, { 1, 100, 1 }, { 3, 200, 0 } },
		{ { 4, 300, 1 }, { 4, 300, 1 }, { 6, 300, 1 }, { 6, 500, 1 } },
	};
	struct cell side[2] = { { 0 }, { 0 } };
	struct lift l;

	(void)state;
	for (int s = 0; s < 2; s++)
		for (int i = 0; i < 4; i++) {
			struct event_bidder b[6];
			struct cell one;

			for (int k = 0; k < rows[s][i].calls; k++)
				b[k] = bidder(OUTCOME_BID, 1, k ? 0 : rows[s][i].won, rows[s][i].ms);
			one = cell_of(b, (size_t)rows[s][i].calls, 6, 0);
			cell_add(&side[s], &one);
		}
	assert_true(lift_compute(&side[0], &side[1], &l));
	CHECK("calls: 2 against 5", l.calls.difference == -3);
	/* both sample variances are 4/3 */
	CHECK("their interval", fabs(l.calls.high - (-3 + 1.96 * sqrt(2.0 / 3))) < 1e-9);
	CHECK("latency: 150 against 350", l.latency_ms.difference == -200);
	/* 10000/3 and 10000 */
	CHECK("its interval", fabs(l.latency_ms.low - (-200 - 1.96 * sqrt(2500.0 / 3 + 2500))) < 1e-9);
	/* half of four: 0.25 / 4; all of four: no variance */
	CHECK("sold", l.sold.difference == -0.5 && fabs(l.sold.high - (-0.5 + 1.96 * 0.25)) < 1e-9);
}

static void price_cells(void **state)
{
	struct event_bidder b[] = { bidder(OUTCOME_BID, 2, 2, 80), bidder(OUTCOME_BID, 3, 0, 80),
				    bidder(OUTCOME_NO_BID, 9, 0, 80) };
	struct event e = { .bidders = b, .n_bidders = 3, .ctx.floor_usd = 0.5f };
	struct floor_cell c = { 0 }, back;
	unsigned char bytes[FLOOR_CELL_MAX_BYTES];
	size_t n;

	(void)state;
	for (int i = 0; i < 1000; i++)
		floor_cell_add_event(&c, &e);
	CHECK("best and second", c.best[price_bucket_of(3)] == 1000 && c.second[price_bucket_of(2)] == 1000);
	n = floor_cell_write(&c, bytes);
	assert_true(floor_cell_parse(bytes, n, &back));
	CHECK("the publisher's own floor", c.lowest_floor_usd == 0.5f);
	CHECK("round trip", memcmp(&c, &back, sizeof c) == 0);
	for (size_t cut = 0; cut < n; cut++)
		(void)floor_cell_parse(bytes, cut, &back);
	CHECK("a bucket that does not exist", !floor_cell_parse((unsigned char[]){ 1, 0, 200, 1 }, 4, &back));
	for (unsigned i = 0; i + 1 < PRICE_BUCKETS; i++)
		CHECK("a bucket's low price is in it",
		      price_bucket_of((float)(price_bucket_low(i) * 1.0001)) == i);
	CHECK("nothing falls out", price_bucket_of(0) == 0 && price_bucket_of(1e9f) == PRICE_BUCKETS - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_auction), cmocka_unit_test(percentiles), cmocka_unit_test(lift),
		cmocka_unit_test(intervals),   cmocka_unit_test(price_cells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
