#include "pbs/exchange/floors.h"

#include <math.h>
#include <stdlib.h>

#include "tests/unit/pbs/json_kit.h"

struct fixture {
	struct arena *a;
	struct rng rng;
	struct currency_table *table;
	struct currency_rates rates;
	struct messages m;
	struct floors_account account;
	struct floors_input in;
	struct floors_state state;
};

static void fixture_init(struct fixture *f)
{
	*f = (struct fixture){ .a = arena_new() };
	rng_seed(&f->rng, 3);
	f->table = currency_table_from_json(parse(f->a, "{\"EUR\":{\"USD\":2}}"));
	f->rates.server = f->table;
	messages_init(&f->m, f->a);
	f->account = (struct floors_account){ .enabled = true, .enforce_rate = 100, .limits = { 100, 3 } };
	f->in = (struct floors_input){ true, &f->account, NULL, &f->rates, &f->rng, f->a, &f->m };
}

static void fixture_deinit(struct fixture *f)
{
	currency_table_free(f->table);
	arena_free(f->a);
}

static const char *messages_text(const struct fixture *f)
{
	const char *text = "";

	for (const struct message *m = f->m.buckets ? f->m.buckets->first : NULL; m; m = m->next)
		text = arena_printf(f->a, "%s%d " STR_FMT "\n", text, (int)m->kind, STR_ARG(m->text));
	return text;
}

#define GROUP(more) "{\"schema\":{\"fields\":[\"mediaType\"]}" more "}"
#define RULES       ",\"values\":{\"banner\":1.5}"

static void signalling(void **state)
{
	static const struct {
		const char *why, *floors, *imp;
		double floor;
		const char *cur, *note, *messages;
	} rows[] = {
		{ "a rule", "{\"data\":{\"modelgroups\":[" GROUP(RULES) "]}}", "{\"banner\":{}}", 1.5, "USD",
		  "{\"floorrule\":\"banner\",\"floorrulevalue\":1.5,\"floorvalue\":1.5}", "" },
		{ "a default",
		  "{\"data\":{\"currency\":\"EUR\",\"modelgroups\":[" GROUP(RULES ",\"default\":0.75") "]}}",
		  "{\"native\":{}}", 0.75, "EUR", "", "" },
		{ "only a default", "{\"data\":{\"modelgroups\":[{\"default\":0.75}]}}", "{\"native\":{}}",
		  0.75, "USD", "", "" },
		{ "nothing matches", "{\"data\":{\"modelgroups\":[" GROUP(RULES) "]}}",
		  "{\"native\":{},\"bidfloor\":9}", 9, "", "", "" },
		{ "the group's currency first",
		  "{\"data\":{\"currency\":\"EUR\",\"modelgroups\":[" GROUP(RULES
									    ",\"currency\":\"GBP\"") "]}}",
		  "{\"banner\":{}}", 1.5, "GBP",
		  "{\"floorrule\":\"banner\",\"floorrulevalue\":1.5,\"floorvalue\":1.5}", "" },
		{ "a higher minimum",
		  "{\"floormin\":2,\"floormincur\":\"EUR\",\"data\":{\"modelgroups\":[" GROUP(RULES) "]}}",
		  "{\"banner\":{}}", 4, "USD",
		  "{\"floorrule\":\"banner\",\"floorrulevalue\":1.5,\"floorvalue\":4}", "" },
		{ "the imp's minimum",
		  "{\"floormin\":2,\"floormincur\":\"EUR\",\"data\":{\"modelgroups\":[" GROUP(RULES) "]}}",
		  "{\"banner\":{},\"ext\":{\"prebid\":{\"floors\":{\"floormin\":3,\"floormincur\":\"USD\"},"
		  "\"x\":1}}}",
		  3, "USD", "{\"floorrule\":\"banner\",\"floorrulevalue\":1.5,\"floorvalue\":3}", "" },
		{ "a minimum without rate",
		  "{\"floormin\":2,\"floormincur\":\"JPY\",\"data\":{\"modelgroups\":[" GROUP(RULES) "]}}",
		  "{\"banner\":{}}", 0, "", "",
		  "0 Error in getting FloorMin value : 'Currency conversion rate not found: 'JPY' => "
		  "'USD''\n" },
		{ "no data", NULL, "{\"banner\":{}}", 0, "", "", "" },
		{ "no groups", "{\"data\":{}}", "{\"banner\":{}}", 0, "", "",
		  "0 No model group present in floors.data\n" },
		{ "bad schema version",
		  "{\"data\":{\"floorsschemaversion\":1,\"modelgroups\":[" GROUP(RULES) "]}}",
		  "{\"banner\":{}}", 0, "", "",
		  "0 Invalid FloorsSchemaVersion = '1', supported version 2\n" },
		{ "bad skip rate of data", "{\"data\":{\"skiprate\":-1,\"modelgroups\":[" GROUP(RULES) "]}}",
		  "{\"banner\":{}}", 0, "", "",
		  "0 Invalid SkipRate = '-1' at ext.prebid.floors.data.skiprate\n" },
		{ "bad skip rate", "{\"skiprate\":101,\"data\":{\"modelgroups\":[" GROUP(RULES) "]}}",
		  "{\"banner\":{}}", 0, "", "",
		  "0 Invalid SkipRate = '101' at ext.prebid.floors.skiprate\n" },
		{ "bad minimum", "{\"floormin\":-1.5}", "{\"banner\":{}}", 0, "", "",
		  "0 Invalid FloorMin = '-1.5', value should be >= 0\n" },
		{ "only bad groups", "{\"data\":{\"modelgroups\":[" GROUP(",\"default\":-1") "]}}",
		  "{\"banner\":{}}", 0, "", "",
		  "0 Invalid Floor Model = '' due to Default = '-1' is less than 0\n" },
		{ "a bad group beside a good one",
		  "{\"data\":{\"modelgroups\":[" GROUP(",\"default\":-1") "," GROUP(RULES) "]}}",
		  "{\"banner\":{}}", 1.5, "USD",
		  "{\"floorrule\":\"banner\",\"floorrulevalue\":1.5,\"floorvalue\":1.5}",
		  "1 Invalid Floor Model = '' due to Default = '-1' is less than 0\n" },
		{ "a bad rule",
		  "{\"data\":{\"modelgroups\":[" GROUP(",\"values\":{\"a|b\":1,\"banner\":2}") "]}}",
		  "{\"banner\":{}}", 2, "USD",
		  "{\"floorrule\":\"banner\",\"floorrulevalue\":2,\"floorvalue\":2}",
		  "0 Invalid Floor Rule = 'a|b' for Schema Fields = '[mediaType]'\n" },
		{ "a bad rule is not looked at when floors are skipped",
		  "{\"skiprate\":100,\"data\":{\"modelgroups\":[" GROUP(
			  ",\"values\":{\"a|b\":1,\"banner\":2}") "]}}",
		  "{\"banner\":{}}", 0, "", "", "" },
		{ "always skipped", "{\"skiprate\":100,\"data\":{\"modelgroups\":[" GROUP(RULES) "]}}",
		  "{\"banner\":{}}", 0, "", "", "" },
		{ "off in the request", "{\"enabled\":false,\"data\":{\"modelgroups\":[" GROUP(RULES) "]}}",
		  "{\"banner\":{}}", 0, "", "",
		  "2 Floors feature is disabled at account or in the request\n" },
		{ "four decimals", "{\"data\":{\"modelgroups\":[" GROUP(",\"values\":{\"*\":0.123456}") "]}}",
		  "{\"banner\":{}}", 0.1235, "USD",
		  "{\"floorrule\":\"*\",\"floorrulevalue\":0.1235,\"floorvalue\":0.1235}", "" },
		{ "hostile shapes", "{\"data\":{\"modelgroups\":[7,{\"schema\":7,\"values\":[]}]}}",
		  "{\"banner\":{}}", 0, "", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fixture f;
		json_t *request, *shared, *imp;

		fixture_init(&f);
		shared = parse(f.a, arena_printf(f.a, "{\"imp\":[%s],\"ext\":{\"prebid\":{%s%s}}}",
						 rows[i].imp, rows[i].floors ? "\"floors\":" : "",
						 rows[i].floors ? rows[i].floors : ""));
		request = arena_own_json(f.a, json_copy(shared));
		floors_signal(&f.in, request, &f.state);
		imp = json_array_get(json_object_get(request, "imp"), 0);
		CHECK(rows[i].why, fabs(json_num_at(imp, "bidfloor", 0) - rows[i].floor) < 1e-9);
		CHECK_STR(rows[i].why, json_str_at(imp, "bidfloorcur"), rows[i].cur);
		if (rows[i].note[0])
			check_json(rows[i].why, json_at(imp, "ext.prebid.floors"), rows[i].note);
		CHECK_STR(rows[i].why, str_of(messages_text(&f)), rows[i].messages);
		CHECK(rows[i].why,
		      json_equal(json_array_get(json_object_get(shared, "imp"), 0), parse(f.a, rows[i].imp)));
		fixture_deinit(&f);
	}
}

static void written_back(void **state)
{
	static const struct {
		const char *why, *floors, *want;
	} rows[] = {
		{ "no data", NULL, "{\"enforcement\":{},\"fetchstatus\":\"none\",\"location\":\"noData\"}" },
		{ "request, one group kept",
		  "{\"data\":{\"modelGroups\":[{\"default\":1}]},\"enforcement\":{\"enforcerate\":5}}",
		  "{\"data\":{\"modelgroups\":[{\"default\":1}]},\"enforcement\":{\"enforcerate\":5},"
		  "\"fetchstatus\":\"none\","
		  "\"location\":\"request\",\"skipped\":false}" },
		{ "refused", "{\"floormin\":-1,\"enforcement\":{}}",
		  "{\"fetchstatus\":\"none\",\"location\":\"request\"}" },
		{ "no valid group", "{\"data\":{\"modelgroups\":[]},\"floorprovider\":\"p\"}",
		  "{\"floorprovider\":\"p\",\"enforcement\":{},\"fetchstatus\":\"none\",\"location\":"
		  "\"request\"}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fixture f;
		json_t *request;

		fixture_init(&f);
		request = parse(f.a, "{\"imp\":[{\"banner\":{}}],\"ext\":{\"prebid\":{}}}");
		if (rows[i].floors)
			json_object_set(json_at(request, "ext.prebid"), "floors", parse(f.a, rows[i].floors));
		floors_signal(&f.in, request, &f.state);
		check_json(rows[i].why, json_at(request, "ext.prebid.floors"), rows[i].want);
		fixture_deinit(&f);
	}
}

static void fetched_data(void **state)
{
	static const struct {
		const char *why, *data, *floors;
		bool dynamic;
		double floor;
		const char *location;
	} rows[] = {
		{ "fetched before the request's", "{\"modelgroups\":[{\"values\":{\"x\":1},\"default\":3}]}",
		  "{\"data\":{\"modelgroups\":[{\"default\":1}]}}", true, 3, "fetch" },
		{ "not allowed", "{\"modelgroups\":[{\"values\":{\"x\":1},\"default\":3}]}",
		  "{\"data\":{\"modelgroups\":[{\"default\":1}]}}", false, 1, "request" },
		{ "never used",
		  "{\"usefetchdatarate\":0,\"modelgroups\":[{\"values\":{\"x\":1},\"default\":3}]}",
		  "{\"data\":{\"modelgroups\":[{\"default\":1}]}}", true, 1, "request" },
		{ "request's minimum",
		  "{\"floormin\":5,\"modelgroups\":[{\"values\":{\"x\":1},\"default\":3}]}",
		  "{\"floormin\":4,\"floormincur\":\"EUR\"}", true, 8, "fetch" },
		{ "provider's minimum, in the request's currency",
		  "{\"floorMin\":5,\"currency\":\"USD\",\"modelGroups\":[{\"values\":{\"x\":1},\"default\":3}"
		  "]}",
		  "{\"floormincur\":\"EUR\"}", true, 5, "fetch" },
		{ "no floors in the request", "{\"modelgroups\":[{\"values\":{\"x\":1},\"default\":3}]}",
		  NULL, true, 3, "fetch" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fixture f;
		struct errtext why;
		struct floors_data *d = floors_data_parse(str_of(rows[i].data), 10, &why);
		json_t *request;

		fixture_init(&f);
		f.in.fetched = d;
		f.account.use_dynamic_data = rows[i].dynamic;
		request = parse(f.a, "{\"imp\":[{\"banner\":{}}],\"ext\":{\"prebid\":{}}}");
		if (rows[i].floors)
			json_object_set(json_at(request, "ext.prebid"), "floors", parse(f.a, rows[i].floors));
		floors_signal(&f.in, request, &f.state);
		CHECK(rows[i].why,
		      fabs(json_num_at(json_array_get(json_object_get(request, "imp"), 0), "bidfloor", 0) -
			   rows[i].floor) < 1e-9);
		CHECK_STR(rows[i].why, json_str_at(request, "ext.prebid.floors.location"), rows[i].location);
		fixture_deinit(&f);
		floors_data_free(d);
	}
}

static void weights(void **state)
{
	struct fixture f;
	int n_heavy = 0, n_skipped = 0;

	(void)state;
	fixture_init(&f);
	for (int i = 0; i < 400; i++) {
		json_t *request = parse(
			f.a, "{\"imp\":[{}],\"ext\":{\"prebid\":{\"floors\":{\"data\":{\"modelgroups\":["
			     "{\"modelweight\":75,\"default\":2,\"skiprate\":50},"
			     "{\"modelweight\":25,\"default\":1,\"skiprate\":50}]}}}}}");

		floors_signal(&f.in, request, &f.state);
		n_skipped += f.state.skipped;
		n_heavy +=
			json_num_at(json_array_get(json_at(request, "ext.prebid.floors.data.modelgroups"), 0),
				    "default", 0) == 2;
	}
	CHECK("three quarters", n_heavy > 260 && n_heavy < 340);
	CHECK("one half", n_skipped > 160 && n_skipped < 240);
	fixture_deinit(&f);
}

static void enforcement(void **state)
{
	static const struct {
		const char *why, *imp, *enforcement;
		double price;
		const char *deal, *cur;
		int imp_index;
		bool deal_floors;
		int nonbid; /* 0: kept */
		const char *messages;
	} rows[] = {
		{ "above", "{\"bidfloor\":1}", "{}", 1.1, "", "USD", 0, false, 0, "" },
		{ "within a cent", "{\"bidfloor\":1}", "{}", 0.99, "", "USD", 0, false, 0, "" },
		{ "below", "{\"bidfloor\":1,\"bidfloorcur\":\"USD\"}", "{}", 0.98, "", "USD", 0, false, 301,
		  "1 acme bid id b rejected - bid price 0.9800 USD is less than bid floor 1.0000 USD for imp "
		  "1\n" },
		{ "no currency is USD", "{\"bidfloor\":1}", "{}", 0.5, "", "", 0, false, 301,
		  "1 acme bid id b rejected - bid price 0.5000 USD is less than bid floor 1.0000 USD for imp "
		  "1\n" },
		{ "converted", "{\"bidfloor\":1,\"bidfloorcur\":\"USD\"}", "{}", 0.5, "", "EUR", 0, false, 0,
		  "" },
		{ "no rate", "{\"bidfloor\":1,\"bidfloorcur\":\"JPY\"}", "{}", 5, "", "USD", 0, false, 300,
		  "0 error in rate conversion from = USD to JPY with bidder acme for impression id 1 and bid "
		  "id b error = "
		  "Currency conversion rate not found: 'USD' => 'JPY'\n" },
		{ "deals pass", "{\"bidfloor\":1}", "{\"floordeals\":true}", 0.5, "d", "USD", 0, false, 0,
		  "" },
		{ "deals pass unless the request agrees", "{\"bidfloor\":1}", "{}", 0.5, "d", "USD", 0, true,
		  0, "" },
		{ "deals too", "{\"bidfloor\":1}", "{\"floordeals\":true}", 0.5, "d", "USD", 0, true, 304,
		  "1 acme bid id b rejected - bid price 0.5000 USD is less than bid floor 1.0000 USD for imp "
		  "1\n" },
		{ "the request says no", "{\"bidfloor\":1}", "{\"enforcepbs\":false}", 0.5, "", "USD", 0,
		  false, 0, "" },
		{ "unknown imp", "{\"bidfloor\":1}", "{}", 5, "", "USD", -1, false, 300, "" },
		{ "no floors anywhere", "{\"bidfloor\":0}", "{}", 5, "", "USD", -1, false, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		static const struct str imp_ids[] = { { "1", 1 } };
		struct fixture f;
		struct seats seats;
		struct seat *seat;
		struct nonbids nb;
		struct bid *b;
		json_t *request;

		fixture_init(&f);
		f.state.active = true;
		f.account.enforce_deal_floors = rows[i].deal_floors;
		request = parse(
			f.a,
			arena_printf(f.a,
				     "{\"imp\":[%s],\"ext\":{\"prebid\":{\"floors\":{\"enforcement\":%s}}}}",
				     rows[i].imp, rows[i].enforcement));
		nonbids_init(&nb, f.a, imp_ids, 1);
		seats_init(&seats, f.a);
		seat = seats_get(&seats, STR("acme"), STR("acme"), STR("acme"));
		b = bid_new(f.a, parse(f.a, "{\"id\":\"b\",\"impid\":\"1\"}"), BID_BANNER);
		b->price = rows[i].price;
		b->cur = str_of(rows[i].cur);
		b->dealid = str_of(rows[i].deal);
		b->imp = rows[i].imp_index;
		seat_add(&seats, seat, b);
		floors_enforce(&f.in, &f.state, request, &seats, &nb);
		CHECK(rows[i].why, (b->dropped ? b->nonbid : 0) == rows[i].nonbid);
		CHECK(rows[i].why, seat->n_bids == (rows[i].nonbid == 0));
		CHECK_STR(rows[i].why, str_of(messages_text(&f)), rows[i].messages);
		fixture_deinit(&f);
	}
}

static void rates_of_enforcement(void **state)
{
	int n = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct fixture f;
		struct seats none;
		json_t *request;

		fixture_init(&f);
		rng_seed(&f.rng, (uint64_t)i);
		f.state.active = true;
		request = parse(f.a, "{\"imp\":[{\"bidfloor\":1}],\"ext\":{\"prebid\":{\"floors\":{"
				     "\"enforcement\":{\"enforcerate\":30}}}}}");
		seats_init(&none, f.a);
		floors_enforce(&f.in, &f.state, request, &none, NULL);
		n += json_bool_at(request, "ext.prebid.floors.enforcement.enforcepbs", false);
		fixture_deinit(&f);
	}
	CHECK("about 30 of 100", n > 35 && n < 85);
}

static void account_settings(void **state)
{
	struct arena *a = arena_new();
	struct floors_account got;

	(void)state;
	floors_account_parse(NULL, &got);
	CHECK("off by default", !got.enabled && !got.use_dynamic_data && !got.enforce_deal_floors);
	CHECK("defaults", got.adjust_for_bid_adjustment && got.enforce_rate == 100 &&
				  got.limits.max_rules == 100 && got.limits.max_dims == 3);
	floors_account_parse(
		parse(a, "{\"enabled\":true,\"enforce_floors_rate\":50,\"max_rules\":0,\"max_schema_dims\":5,"
			 "\"adjust_for_bid_adjustment\":false}"),
		&got);
	CHECK("set", got.enabled && got.enforce_rate == 50 && got.limits.max_rules == 0 &&
			     got.limits.max_dims == 5 && !got.adjust_for_bid_adjustment);
	arena_free(a);
}

static void notes_and_adjustment(void **state)
{
	struct fixture f;
	json_t *shared, *request;
	struct bid_floor floor = { true, STR("banner"), 1, 2, STR("USD") };

	(void)state;
	fixture_init(&f);
	shared = parse(f.a, "{\"imp\":[{\"bidfloor\":1},{\"bidfloor\":0},{}]}");
	request = arena_own_json(f.a, json_copy(shared));
	floors_adjust_for_bidder(request, 0.8);
	check_json("divided", request, "{\"imp\":[{\"bidfloor\":1.25},{\"bidfloor\":0},{}]}");
	check_json("others see the old one", shared, "{\"imp\":[{\"bidfloor\":1},{\"bidfloor\":0},{}]}");
	check_json(
		"rule", arena_own_json(f.a, floors_render(&floor)),
		"{\"floorRule\":\"banner\",\"floorRuleValue\":1,\"floorValue\":2,\"floorCurrency\":\"USD\"}");
	floor.rule = STR("");
	check_json("no rule", arena_own_json(f.a, floors_render(&floor)),
		   "{\"floorValue\":2,\"floorCurrency\":\"USD\"}");
	floor.present = false;
	CHECK("no floor", !floors_render(&floor));
	fixture_deinit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signalling),           cmocka_unit_test(written_back),
		cmocka_unit_test(fetched_data),         cmocka_unit_test(weights),
		cmocka_unit_test(enforcement),          cmocka_unit_test(rates_of_enforcement),
		cmocka_unit_test(notes_and_adjustment), cmocka_unit_test(account_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
