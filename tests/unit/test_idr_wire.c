#include "common/idr_wire.h"

#include <math.h>

#include "common/json.h"
#include "tests/check.h"

static void route_round_trip(void **state)
{
	struct arena *a = arena_new();
	struct str names[] = { STR("aster"), STR("bi\"rch") };
	struct idr_route_request r = { STR("a1"), STR("p1"), 1767225600.125, NULL, names, 2, true, NULL },
				 back;
	struct errtext why;
	struct buf b;

	(void)state;
	r.bid_request = arena_own_json(a, json_parse(STR("{\"imp\":[{\"id\":\"1\"}]}"), NULL));
	buf_init(&b, 10000);
	idr_wire_write_route(&b, &r);
	CHECK_STR("as documented", buf_str(&b),
		  "{\"auction_id\":\"a1\",\"publisher_id\":\"p1\",\"ts\":1767225600.125,\"bid_request\":{"
		  "\"imp\":[{\"id\":"
		  "\"1\"}]},\"configured_bidders\":[\"aster\",\"bi\\\"rch\"],\"scores\":true}");
	CHECK("reads back", idr_wire_parse_route(a, buf_str(&b), &back, &why) == 0);
	CHECK("time", back.ts == r.ts && back.scores);
	CHECK_STR("second bidder", back.bidders[1], "bi\"rch");
	buf_deinit(&b);
	arena_free(a);
}

static void reply_round_trip(void **state)
{
	struct arena *a = arena_new();
	struct str selected[] = { STR("aster") };
	struct idr_exclusion excluded[] = { { STR("birch"), STR("no_marginal_value") } };
	struct idr_score score = { .bidder = STR("aster"),
				   .total = 87.3,
				   .confidence = 0.95,
				   .reason = STR("high_score"),
				   .selected = true,
				   .probability = 0.4,
				   .expected_price = NAN,
				   .marginal_value = NAN,
				   .value_score = 66.7,
				   .alive = NAN,
				   .samples = NAN };
	struct idr_route_reply r = { .auction_id = STR("a1"),
				     .mode = STR("normal"),
				     .selected = selected,
				     .n_selected = 1,
				     .excluded = excluded,
				     .n_excluded = 1,
				     .scores = &score,
				     .n_scores = 1,
				     .routing_time_ms = 0.021 },
			       back;
	struct errtext why;
	struct buf b;

	(void)state;
	score.components[IDR_CPM] = 78;
	buf_init(&b, 10000);
	idr_wire_write_reply(&b, &r);
	CHECK("reads back", idr_wire_parse_reply(a, buf_str(&b), &back, &why) == 0);
	CHECK_STR("selected", back.selected[0], "aster");
	CHECK_STR("excluded", back.excluded[0].reason, "no_marginal_value");
	CHECK("score", back.scores[0].total == 87.3 && back.scores[0].components[IDR_CPM] == 78);
	CHECK("a number that was not given stays unknown", isnan(back.scores[0].expected_price));
	CHECK("value score", back.scores[0].value_score == 66.7 && isnan(back.scores[0].alive));
	buf_deinit(&b);
	arena_free(a);
}

static void event_round_trip(void **state)
{
	struct arena *a = arena_new();
	struct str ids[] = { STR("uid2") };
	struct idr_event_imp imp = { STR("1"), STR("banner"), STR("300x250"), STR("atf"), STR("USD"), 0.5 };
	struct idr_event_bid bid = { STR("1"), STR("USD"), 1.31, true };
	struct idr_event_bidder bidders[] = { { STR("rubicon"), IDR_BID, true, 87.3, 83, &bid, 1 },
					      { STR("openx"), IDR_NOT_CALLED, false, NAN, 0, NULL, 0 } };
	struct idr_event e = { .auction_id = STR("a1"),
			       .publisher_id = STR("p1"),
			       .country = STR("GBR"),
			       .device_type = STR("mobile"),
			       .ts = 1767225600.4,
			       .ids = ids,
			       .n_ids = 1,
			       .total_configured = 17,
			       .floors = STR("skipped"),
			       .imps = &imp,
			       .n_imps = 1,
			       .bidders = bidders,
			       .n_bidders = 2 },
			 back;
	struct errtext why;
	json_t *j;
	struct buf b;

	(void)state;
	buf_init(&b, 10000);
	idr_wire_write_event(&b, &e);
	CHECK("one line", !memchr(b.p, '\n', b.n));
	j = arena_own_json(a, json_parse(buf_str(&b), NULL));
	CHECK("reads back", idr_wire_read_event(a, j, &back, &why) == 0);
	CHECK("bid", back.bidders[0].bids[0].cpm == 1.31 && back.bidders[0].bids[0].won);
	CHECK("not called", back.bidders[1].status == IDR_NOT_CALLED && isnan(back.bidders[1].score));
	CHECK_STR("size", back.imps[0].size, "300x250");
	CHECK_STR("floors", back.floors, "skipped");
	buf_deinit(&b);
	arena_free(a);
}

static void refuses(void **state)
{
	static const struct {
		const char *why, *text, *want;
	} rows[] = {
		{ "an id is what makes an event idempotent", "{}", "auction_id must be a non-empty string" },
		{ "wrong type", "{\"auction_id\":\"a\",\"ts\":\"now\"}",
		  "ts must be a number of at least 0" },
		{ "negative price",
		  "{\"auction_id\":\"a\",\"bidders\":[{\"bidder_code\":\"x\",\"status\":\"bid\",\"bids\":[{"
		  "\"cpm\":-1}]}]}",
		  "bidders[0].bids[0].cpm must be a number of at least 0" },
		{ "unknown status",
		  "{\"auction_id\":\"a\",\"bidders\":[{\"bidder_code\":\"x\",\"status\":\"maybe\"}]}",
		  "bidders[0].status must be one of bid, no_bid, timeout, error, not_called" },
		{ "not an object", "[]", "an event must be a JSON object" },
		{ "array of the wrong thing", "{\"auction_id\":\"a\",\"imps\":[1]}",
		  "imps[0] must be an object" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *a = arena_new();
		struct errtext why = { "accepted" };
		struct idr_event e;

		idr_wire_read_event(a, arena_own_json(a, json_parse(str_of(rows[i].text), NULL)), &e, &why);
		CHECK_STR(rows[i].why, str_of(why.text), rows[i].want);
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(route_round_trip),
		cmocka_unit_test(reply_round_trip),
		cmocka_unit_test(event_round_trip),
		cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
