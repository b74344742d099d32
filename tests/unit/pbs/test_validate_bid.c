#include "pbs/exchange/validate_bid.h"

#include <math.h>

#include "common/json.h"
#include "pbs/exchange/bid_price.h"
#include "tests/check.h"

static json_t *parse(struct arena *a, const char *text)
{
	struct errtext why;

	return text ? json_array_get(
			      arena_own_json(a, json_parse(str_of(arena_printf(a, "[%s]", text)), &why)), 0)
		    : NULL;
}

static struct str first_message(const struct messages *m)
{
	return m->buckets ? m->buckets->first->text : STR("");
}

static void alternate_codes(void **state)
{
	static const char on[] =
		"{\"enabled\":true,\"bidders\":{\"Acme\":{\"enabled\":true,\"allowedbiddercodes\":[\"b\","
		"\"c\"]},"
		"\"any\":{\"enabled\":true},\"star\":{\"enabled\":true,\"allowedbiddercodes\":[\"*\"]},"
		"\"mixed\":{\"enabled\":true,\"allowedbiddercodes\":[\"*\",\"b\"]},"
		"\"none\":{\"enabled\":true,\"allowedbiddercodes\":[]},\"off\":{\"allowedbiddercodes\":["
		"\"b\"]}}}";
	static const struct {
		const char *why, *codes, *bidder, *seat, *want;
	} rows[] = {
		{ "own name, any case", NULL, "acme", "ACME", NULL },
		{ "no seat", NULL, "acme", "", NULL },
		{ "nothing configured", NULL, "acme", "b",
		  "alternateBidderCodes disabled for \"acme\", rejecting bids for \"b\"" },
		{ "switched off", "{\"enabled\":false,\"bidders\":{\"acme\":{\"enabled\":true}}}", "acme",
		  "b", "alternateBidderCodes disabled for \"acme\", rejecting bids for \"b\"" },
		{ "no bidders", "{\"enabled\":true}", "acme", "b",
		  "alternateBidderCodes not defined for adapter \"acme\", rejecting bids for \"b\"" },
		{ "bidder not listed", on, "x", "b",
		  "alternateBidderCodes not defined for adapter \"x\", rejecting bids for \"b\"" },
		{ "listed, any case of the bidder", on, "acme", "c", NULL },
		{ "codes keep their case", on, "acme", "B",
		  "invalid biddercode \"B\" sent by adapter \"acme\"" },
		{ "no list is any code", on, "any", "q", NULL },
		{ "a star is any code", on, "star", "q", NULL },
		{ "a star among others is just a name", on, "mixed", "q",
		  "invalid biddercode \"q\" sent by adapter \"mixed\"" },
		{ "an empty list allows none", on, "none", "q",
		  "invalid biddercode \"q\" sent by adapter \"none\"" },
		{ "entry without enabled", on, "off", "b",
		  "alternateBidderCodes disabled for \"off\", rejecting bids for \"b\"" },
		{ "quotes are escaped", NULL, "acme", "a\"b",
		  "alternateBidderCodes disabled for \"acme\", rejecting bids for \"a\\\"b\"" },
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct errtext why = { "" };
		bool ok = validate_bid_seat(parse(a, rows[i].codes), str_of(rows[i].bidder),
					    str_of(rows[i].seat), &why);

		CHECK(rows[i].why, ok == !rows[i].want);
		if (rows[i].want)
			CHECK_STR(rows[i].why, str_of(why.text), rows[i].want);
	}
	arena_free(a);
}

static void currencies(void **state)
{
	static const struct {
		const char *why, *cur, *seat, *want;
	} rows[] = {
		{ "default is USD", NULL, "USD", NULL },
		{ "no seat currency is USD", NULL, "", NULL },
		{ "any case", "[\"eur\"]", "EUR", NULL },
		{ "not the default", NULL, "eur", "Bid currency is not allowed. Was 'EUR', wants: ['USD']" },
		{ "not in the list", "[\"EUR\",\"GBP\"]", "USD",
		  "Bid currency is not allowed. Was 'USD', wants: ['EUR', 'GBP']" },
		{ "malformed", NULL, "dollars", "currency: tag is not well-formed" },
		{ "unknown", NULL, "QQQ", "currency: tag is not a recognized currency" },
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct errtext why = { "" };

		CHECK(rows[i].why, validate_bid_currency(parse(a, rows[i].cur), str_of(rows[i].seat), &why) ==
					   !rows[i].want);
		if (rows[i].want)
			CHECK_STR(rows[i].why, str_of(why.text), rows[i].want);
	}
	arena_free(a);
}

static void members(void **state)
{
	static const struct {
		const char *why, *bid, *want;
		bool debug_only;
	} rows[] = {
		{ "complete", "{\"id\":\"1\",\"impid\":\"i\",\"price\":1,\"crid\":\"c\"}", "", false },
		{ "zero with a deal",
		  "{\"id\":\"1\",\"impid\":\"i\",\"price\":0,\"crid\":\"c\",\"dealid\":\"d\"}", "", false },
		{ "null", "null", "Empty bid object submitted.", false },
		{ "id", "{\"impid\":\"i\",\"price\":1,\"crid\":\"c\"}", "Bid missing required field 'id'",
		  false },
		{ "id of another type", "{\"id\":1,\"impid\":\"i\",\"price\":1}",
		  "Bid missing required field 'id'", false },
		{ "impid", "{\"id\":\"1\",\"price\":-1}", "Bid \"1\" missing required field 'impid'", false },
		{ "negative even with a deal", "{\"id\":\"1\",\"impid\":\"i\",\"price\":-1,\"dealid\":\"d\"}",
		  "Bid \"1\" does not contain a positive (or zero if there is a deal) 'price'", true },
		{ "zero", "{\"id\":\"1\",\"impid\":\"i\",\"price\":0}",
		  "Bid \"1\" does not contain positive 'price' which is required since there is no deal set "
		  "for this bid",
		  true },
		{ "crid", "{\"id\":\"1\",\"impid\":\"i\",\"price\":1}", "Bid \"1\" missing creative ID",
		  false },
		{ "absurd price", "{\"id\":\"1\",\"impid\":\"i\",\"price\":1001,\"crid\":\"c\"}",
		  "Bid \"1\" is above the highest price this server accepts", false },
	};
	const struct bid_limits limits = { .max_price = 1000 };
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct bid *b = bid_new(a, parse(a, rows[i].bid), BID_BANNER);
		struct messages m;

		messages_init(&m, a);
		b->bidder = STR("acme");
		CHECK(rows[i].why, validate_bid(b, &limits, &m) == !rows[i].want[0]);
		CHECK(rows[i].why, b->dropped == (rows[i].want[0] != 0));
		CHECK_STR(rows[i].why, first_message(&m), rows[i].want);
		if (m.buckets)
			CHECK(rows[i].why, m.buckets->first->kind == (rows[i].debug_only ? MESSAGE_DEBUG_ERROR
											 : MESSAGE_ERROR));
	}
	arena_free(a);
}

static void prices(void **state)
{
	static const struct {
		const char *why, *cur, *bid_cur, *factors, *rules;
		double want; /* 0: no rate */
		const char *want_cur;
		double price;
	} rows[] = {
		{ "factor and rate", "[\"USD\"]", "EUR", "{\"acme\":0.9}", NULL, 3.6, "USD", 2 },
		{ "defaults are USD", NULL, "", NULL, NULL, 2, "USD", 2 },
		{ "first target with a rate", "[\"JPY\",\"USD\"]", "EUR", NULL, NULL, 4, "USD", 2 },
		{ "no rate", "[\"JPY\"]", "EUR", NULL, NULL, 0, NULL, 2 },
		{ "factor before rate, to the last bit", "[\"GBP\"]", "USD", "{\"acme\":0.9}", NULL,
		  1.1 * 0.9 * 1.3, "GBP", 1.1 },
		{ "rules after factor and rate", "[\"USD\"]", "EUR", "{\"acme\":0.5}",
		  "{\"mediatype\":{\"video-outstream\":{\"acme\":{\"*\":[{\"adjtype\":\"cpm\",\"value\":1,"
		  "\"currency\":\"USD\"}]}}}}",
		  1, "USD", 2 },
	};
	struct arena *a = arena_new();
	struct currency_table *t =
		currency_table_from_json(parse(a, "{\"EUR\":{\"USD\":2},\"USD\":{\"GBP\":1.3}}"));
	struct currency_rates rates = { .server = t };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		double price = rows[i].price;
		struct bid *b = bid_new(a, parse(a, arena_printf(a, "{\"price\":%g}", price)), BID_VIDEO);
		struct adjust_rules rules;
		struct bid_price_rules p = { &rates, parse(a, rows[i].factors), &rules };
		struct errtext why;
		struct str cur;
		double rate;
		int rc = bid_price_target(&rates, str_of(rows[i].bid_cur), parse(a, rows[i].cur), &cur, &rate,
					  &why);

		CHECK(rows[i].why, (rc == 0) == (rows[i].want > 0));
		if (rc < 0)
			continue;
		b->bidder = b->seat = STR("acme");
		adjust_rules_merge(parse(a, rows[i].rules), NULL, a, &rules);
		bid_price_apply(b, &p, str_of(rows[i].bid_cur), cur, rate,
				parse(a, "{\"video\":{\"plcmt\":2}}"));
		CHECK(rows[i].why, b->price == rows[i].want);
		CHECK(rows[i].why, b->orig_price == price);
		CHECK_STR(rows[i].why, b->orig_cur, rows[i].bid_cur[0] ? rows[i].bid_cur : "USD");
		CHECK_STR(rows[i].why, b->cur, rows[i].want_cur);
	}
	currency_table_free(t);
	arena_free(a);
}

static void a_seat(void **state)
{
	static const struct str imp_ids[] = { { "i", 1 } };
	struct arena *a = arena_new();
	struct seats seats;
	struct seat *seat;
	struct messages m;
	struct nonbids nb;

	(void)state;
	messages_init(&m, a);
	nonbids_init(&nb, a, imp_ids, 1);
	seats_init(&seats, a);
	seat = seats_get(&seats, STR("acme"), STR("acme"), STR("acme"));
	seat->cur = STR("EUR");
	for (int i = 0; i < 3; i++)
		seat_add(&seats, seat,
			 bid_new(a, parse(a, "{\"id\":\"1\",\"impid\":\"i\",\"price\":1,\"crid\":\"c\"}"),
				 BID_BANNER));
	validate_bid_sweep_seat(seat, NULL, NULL, &nb, &m);
	CHECK("every bid of the seat is lost", seat->n_bids == 0);
	CHECK("but it is said once", m.n == 1);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alternate_codes), cmocka_unit_test(currencies), cmocka_unit_test(members),
		cmocka_unit_test(prices),          cmocka_unit_test(a_seat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
