#include "pbs/exchange/targeting.h"

#include <stdlib.h>

#include "tests/unit/pbs/json_kit.h"

static struct bid *add_bid(struct seats *s, const char *seat, const char *impid, double price,
			   const char *deal)
{
	struct str name = str_of(seat);
	json_t *j =
		parse(s->arena,
		      arena_printf(s->arena, "{\"id\":\"b\",\"impid\":\"%s\",\"price\":%g%s%s%s}", impid,
				   price, deal ? ",\"dealid\":\"" : "", deal ? deal : "", deal ? "\"" : ""));
	struct bid *b = bid_new(s->arena, j, BID_BANNER);

	seat_add(s, seats_get(s, name, name, name), b);
	return b;
}

static void winners(void **state)
{
	static const struct {
		const char *why;
		bool prefer_deals;
		struct {
			const char *seat, *impid;
			double price;
			const char *deal;
		} bids[4];
		const char *want; /* the winner flags */
	} rows[] = {
		{ "the higher price", false, { { "a", "1", 1, "d" }, { "b", "1", 2, NULL } }, "01" },
		{ "deals first", true, { { "a", "1", 1, "d" }, { "b", "1", 2, NULL } }, "10" },
		{ "the better deal", true, { { "a", "1", 1, "d" }, { "b", "1", 2, "e" } }, "01" },
		{ "the first of equals", false, { { "a", "1", 1, NULL }, { "b", "1", 1, NULL } }, "10" },
		{ "one per imp",
		  false,
		  { { "a", "1", 1, NULL },
		    { "a", "2", 1, NULL },
		    { "b", "2", 3, NULL },
		    { "a", "2", 2, NULL } },
		  "1010" },
		{ "no bids", false, { { NULL, NULL, 0, NULL } }, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *a = arena_new();
		struct bid *bids[4];
		struct ranking ranking;
		struct seats seats;
		char got[5] = "";
		size_t n = 0;

		seats_init(&seats, a);
		for (; n < 4 && rows[i].bids[n].seat; n++)
			bids[n] = add_bid(&seats, rows[i].bids[n].seat, rows[i].bids[n].impid,
					  rows[i].bids[n].price, rows[i].bids[n].deal);
		winners_choose(&seats, rows[i].prefer_deals, 0, a, &ranking);
		for (size_t k = 0; k < n; k++)
			got[k] = bids[k]->winner ? '1' : '0';
		CHECK_STR(rows[i].why, str_of(got), rows[i].want);
		CHECK(rows[i].why, ranking.n == n);
		arena_free(a);
	}
}

static void bid_limit(void **state)
{
	struct arena *a = arena_new();
	struct ranking ranking;
	struct seats seats;
	struct bid *worst, *other;

	(void)state;
	seats_init(&seats, a);
	add_bid(&seats, "a", "1", 2, NULL);
	worst = add_bid(&seats, "a", "1", 1, NULL);
	add_bid(&seats, "a", "1", 3, NULL);
	other = add_bid(&seats, "a", "2", 1, NULL);
	winners_choose(&seats, false, 2, a, &ranking);
	CHECK("the worst goes, silently", worst->dropped && worst->nonbid == NONBID_SILENT);
	CHECK("per imp", !other->dropped);
	CHECK("the order of the seat stays",
	      seats.seats[0]->n_bids == 3 && seats.seats[0]->bids[0]->price == 2);
	CHECK("ranking has the rest",
	      ranking.n == 3 && ranking.bids[0].rank == 1 && ranking.bids[0].bid->price == 3);
	arena_free(a);
}

static void multibid_entries(void **state)
{
	struct arena *a = arena_new();
	struct multibid mb;

	(void)state;
	multibid_read(parse(a, "[{\"bidder\":\"ACME\",\"maxbids\":2,\"targetbiddercodeprefix\":\"p\"},"
			       "{\"bidders\":[\"x\",\"y\"],\"maxbids\":3}]"),
		      a, &mb);
	CHECK("one per bidder", mb.n == 3);
	CHECK("in any case", multibid_find(&mb, STR("acme")) == &mb.entries[0]);
	CHECK_STR("its prefix", mb.entries[0].prefix, "p");
	CHECK("of a list", multibid_find(&mb, STR("y"))->max_bids == 3);
	CHECK("nobody's", !multibid_find(&mb, STR("z")));
	multibid_read(NULL, a, &mb);
	CHECK("none", mb.n == 0);
	arena_free(a);
}

static const char *const one_bid = "{\"id\":\"b\",\"impid\":\"1\",\"price\":0.71,\"w\":300,\"h\":250}";

static void keys(void **state)
{
	static const struct {
		const char *why, *targeting, *bid, *want;
		bool loses;
	} rows[] = {
		{ "defaults", "{}", NULL,
		  "{\"hb_pb\":\"0.70\",\"hb_pb_acme\":\"0.70\",\"hb_bidder\":\"acme\",\"hb_bidder_acme\":"
		  "\"acme\","
		  "\"hb_size\":\"300x250\",\"hb_size_acme\":\"300x250\"}",
		  false },
		{ "a loser has only its own", "{}", NULL,
		  "{\"hb_pb_acme\":\"0.70\",\"hb_bidder_acme\":\"acme\",\"hb_size_acme\":\"300x250\"}",
		  true },
		{ "winners only", "{\"includebidderkeys\":false}", NULL,
		  "{\"hb_pb\":\"0.70\",\"hb_bidder\":\"acme\",\"hb_size\":\"300x250\"}", false },
		{ "a loser then has none", "{\"includebidderkeys\":false}", NULL, "{}", true },
		{ "deals always", "{\"includebidderkeys\":false,\"alwaysincludedeals\":true}",
		  "{\"id\":\"b\",\"impid\":\"1\",\"price\":1,\"dealid\":\"d\",\"w\":1}",
		  "{\"hb_pb_acme\":\"1.00\",\"hb_bidder_acme\":\"acme\",\"hb_deal_acme\":\"d\"}", true },
		{ "deals alone do nothing",
		  "{\"includewinners\":false,\"includebidderkeys\":false,\"alwaysincludedeals\":true}",
		  "{\"id\":\"b\",\"impid\":\"1\",\"price\":1,\"dealid\":\"d\"}", "", false },
		{ "format", "{\"includebidderkeys\":false,\"includeformat\":true}",
		  "{\"id\":\"b\",\"impid\":\"1\",\"price\":1}",
		  "{\"hb_pb\":\"1.00\",\"hb_bidder\":\"acme\",\"hb_format\":\"banner\"}", false },
		{ "granularity per type",
		  "{\"includebidderkeys\":false,\"pricegranularity\":\"low\",\"mediatypepricegranularity\":{"
		  "\"banner\":\"high\"}}",
		  "{\"id\":\"b\",\"impid\":\"1\",\"price\":1.87}",
		  "{\"hb_pb\":\"1.87\",\"hb_bidder\":\"acme\"}", false },
		{ "granularity of another type",
		  "{\"includebidderkeys\":false,\"pricegranularity\":\"low\",\"mediatypepricegranularity\":{"
		  "\"video\":\"high\"}}",
		  "{\"id\":\"b\",\"impid\":\"1\",\"price\":1.87}",
		  "{\"hb_pb\":\"1.50\",\"hb_bidder\":\"acme\"}", false },
		{ "own prefix", "{\"includebidderkeys\":false,\"prefix\":\"px\"}",
		  "{\"id\":\"b\",\"impid\":\"1\",\"price\":1}", "{\"px_pb\":\"1.00\",\"px_bidder\":\"acme\"}",
		  false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *a = arena_new();
		const struct multibid none = { 0 };
		const struct targeting_account account = { 0 };
		struct ranking ranking;
		struct targeting t;
		struct seats seats;
		struct errtext why;
		struct bid *b = bid_new(a, parse(a, rows[i].bid ? rows[i].bid : one_bid), BID_BANNER);

		seats_init(&seats, a);
		seat_add(&seats, seats_get(&seats, STR("acme"), STR("acme"), STR("acme")), b);
		if (rows[i].loses)
			add_bid(&seats, "zorro", "1", 9, NULL);
		CHECK(rows[i].why, targeting_parse(parse(a, rows[i].targeting), a, &t, &why) == 0);
		targeting_use_account(&t, parse(a, rows[i].targeting), &account, NULL);
		winners_choose(&seats, t.prefer_deals, 0, a, &ranking);
		targeting_set(&t, &ranking, &none, NULL, a);
		check_json(rows[i].why, b->targeting, rows[i].want);
		arena_free(a);
	}
}

static void host_keys_and_cutting(void **state)
{
	struct arena *a = arena_new();
	const struct multibid none = { 0 };
	struct ranking ranking;
	struct targeting t;
	struct seats seats;
	struct errtext why;
	struct bid *b = bid_new(a, parse(a, "{\"id\":\"b\",\"impid\":\"1\",\"price\":1}"), BID_VIDEO);

	(void)state;
	seats_init(&seats, a);
	seat_add(&seats, seats_get(&seats, STR("longname"), STR("longname"), STR("longname")), b);
	b->cache_bid_id = STR("u1");
	b->cache_vast_id = STR("u2");
	b->cat_dur = STR("1.00_x_30s");
	CHECK("parses", targeting_parse(parse(a, "{\"includewinners\":false}"), a, &t, &why) == 0);
	t.cache_host = STR("c.example");
	t.cache_path = STR("/cache");
	t.env = STR("mobile-app");
	winners_choose(&seats, false, 0, a, &ranking);
	targeting_set(&t, &ranking, &none, NULL, a);
	check_json("every suffix, cut to 20 bytes", b->targeting,
		   "{\"hb_pb_longname\":\"1.00\",\"hb_bidder_longname\":\"longname\",\"hb_cache_id_"
		   "longname\":\"u1\","
		   "\"hb_uuid_longname\":\"u2\",\"hb_cache_host_longna\":\"c.example\",\"hb_cache_path_"
		   "longna\":\"/cache\","
		   "\"hb_env_longname\":\"mobile-app\",\"hb_pb_cat_dur_longna\":\"1.00_x_30s\"}");
	arena_free(a);
}

static void a_cut_keeps_utf8(void **state)
{
	json_t *j = json_object();

	(void)state;
	targeting_put(j, STR("ab\xc3\xa9"), 3, STR("v"));
	check_json("no half character", j, "{\"ab\":\"v\"}");
	json_decref(j);
}

static void ranks(void **state)
{
	static const struct {
		const char *why, *multibid, *want_second, *want_code;
	} rows[] = {
		{ "a prefix gives the second its own code",
		  "[{\"bidder\":\"acme\",\"maxbids\":2,\"targetbiddercodeprefix\":\"ac\"}]",
		  "{\"hb_pb_ac2\":\"1.00\",\"hb_bidder_ac2\":\"ac2\"}", "ac2" },
		{ "names in any case",
		  "[{\"bidder\":\"ACME\",\"maxbids\":2,\"targetbiddercodeprefix\":\"ac\"}]",
		  "{\"hb_pb_ac2\":\"1.00\",\"hb_bidder_ac2\":\"ac2\"}", "ac2" },
		{ "no prefix, no second", "[{\"bidder\":\"acme\",\"maxbids\":2}]", "", "" },
		{ "no room", "[{\"bidder\":\"acme\",\"maxbids\":1,\"targetbiddercodeprefix\":\"ac\"}]", "",
		  "" },
		{ "no entry", "[]", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *a = arena_new();
		struct multibid mb;
		struct ranking ranking;
		struct targeting t;
		struct seats seats;
		struct errtext why;
		struct bid *second, *first;

		seats_init(&seats, a);
		second = add_bid(&seats, "acme", "1", 1, NULL);
		first = add_bid(&seats, "acme", "1", 2, NULL);
		multibid_read(parse(a, rows[i].multibid), a, &mb);
		CHECK(rows[i].why, targeting_parse(parse(a, "{}"), a, &t, &why) == 0);
		winners_choose(&seats, false, 0, a, &ranking);
		targeting_set(&t, &ranking, &mb, NULL, a);
		CHECK(rows[i].why, json_object_get(first->targeting, "hb_pb_acme"));
		check_json(rows[i].why, second->targeting, rows[i].want_second);
		CHECK_STR(rows[i].why, second->target_code, rows[i].want_code);
		arena_free(a);
	}
}

static void prefixes(void **state)
{
	static const struct {
		const char *why, *request, *account;
		int64_t limit;
		const char *want;
		int code; /* 0: no warning */
	} rows[] = {
		{ "default", "{}", "", 0, "hb", 0 },
		{ "request before account", "{\"prefix\":\"rq\"}", "ac", 0, "rq", 0 },
		{ "account", "{}", "ac", 0, "ac", 0 },
		{ "eight bytes fit", "{\"prefix\":\"12345678\"}", "", 0, "12345678", 0 },
		{ "nine do not", "{\"prefix\":\"123456789\"}", "", 0, "hb", WARN_PREFIX_TOO_LONG },
		{ "a higher limit", "{\"prefix\":\"123456789\"}", "", 21, "123456789", 0 },
		{ "a limit below zero is none", "{\"prefix\":\"123456789\"}", "", -5, "hb",
		  WARN_PREFIX_TOO_LONG },
		{ "a limit below any key", "{\"prefix\":\"a\"}", "", 11, "hb", WARN_LIMIT_TOO_SHORT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *a = arena_new();
		const struct targeting_account account = { .prefix = str_of(rows[i].account),
							   .truncate_attr = rows[i].limit };
		struct targeting t = { 0 };
		struct messages m;

		messages_init(&m, a);
		targeting_use_account(&t, parse(a, rows[i].request), &account, &m);
		CHECK_STR(rows[i].why, t.prefix, rows[i].want);
		CHECK(rows[i].why, (m.buckets ? m.buckets->first->code : 0) == rows[i].code);
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(winners),
		cmocka_unit_test(bid_limit),
		cmocka_unit_test(multibid_entries),
		cmocka_unit_test(keys),
		cmocka_unit_test(host_keys_and_cutting),
		cmocka_unit_test(a_cut_keeps_utf8),
		cmocka_unit_test(ranks),
		cmocka_unit_test(prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
