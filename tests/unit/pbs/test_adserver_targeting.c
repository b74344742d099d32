#include "pbs/exchange/adserver_targeting.h"

#include <stdlib.h>

#include "common/json.h"
#include "tests/check.h"

static json_t *parse(struct arena *a, const char *text)
{
	struct errtext why;

	return text ? json_array_get(
			      arena_own_json(a, json_parse(str_of(arena_printf(a, "[%s]", text)), &why)), 0)
		    : NULL;
}

static void entries(void **state)
{
	static const char request[] =
		"{\"site\":{\"page\":\"p\",\"content\":{\"season\":\"s3\"}},\"tmax\":500,"
		"\"imp\":[{\"id\":\"1\",\"video\":{\"w\":640}},{\"id\":\"2\",\"video\":{\"w\":320,\"h\":7}}]"
		"}";
	static const struct {
		const char *why, *list, *want, *message;
	} rows[] = {
		{ "static", "[{\"key\":\"k\",\"source\":\"static\",\"value\":\"v\"}]",
		  "{\"hb_pb\":\"1.00\",\"k\":\"v\"}", "" },
		{ "source in any case", "[{\"key\":\"k\",\"source\":\" STATIC \",\"value\":\"v\"}]",
		  "{\"hb_pb\":\"1.00\",\"k\":\"v\"}", "" },
		{ "overwrites", "[{\"key\":\"hb_pb\",\"source\":\"static\",\"value\":\"v\"}]",
		  "{\"hb_pb\":\"v\"}", "" },
		{ "keys are cut",
		  "[{\"key\":\"abcdefghijklmnopqrstuvwxyz\",\"source\":\"static\",\"value\":\"v\"}]",
		  "{\"hb_pb\":\"1.00\",\"abcdefghijklmnopqrst\":\"v\"}", "" },
		{ "from the request",
		  "[{\"key\":\"k\",\"source\":\"bidrequest\",\"value\":\"site.content.season\"}]",
		  "{\"hb_pb\":\"1.00\",\"k\":\"s3\"}", "" },
		{ "a number", "[{\"key\":\"k\",\"source\":\"bidrequest\",\"value\":\"tmax\"}]",
		  "{\"hb_pb\":\"1.00\",\"k\":\"500\"}", "" },
		{ "from the bid's own imp",
		  "[{\"key\":\"k\",\"source\":\"bidrequest\",\"value\":\"imp.video.w\"}]",
		  "{\"hb_pb\":\"1.00\",\"k\":\"320\"}", "" },
		{ "one imp without it cancels",
		  "[{\"key\":\"k\",\"source\":\"bidrequest\",\"value\":\"imp.video.h\"}]",
		  "{\"hb_pb\":\"1.00\"}", "value not found for path: imp.video.h" },
		{ "objects do not qualify",
		  "[{\"key\":\"k\",\"source\":\"bidrequest\",\"value\":\"site.content\"}]",
		  "{\"hb_pb\":\"1.00\"}",
		  "incorrect value type for path: site.content, value can only be string or number" },
		{ "arrays have no index", "[{\"key\":\"k\",\"source\":\"bidrequest\",\"value\":\"imp.0\"}]",
		  "{\"hb_pb\":\"1.00\"}", "value not found for path: imp.0" },
		{ "query parameter",
		  "[{\"key\":\"k\",\"source\":\"bidrequest\",\"value\":\"ext.prebid.amp.data.curl\"}]",
		  "{\"hb_pb\":\"1.00\",\"k\":\"https://c\"}", "" },
		{ "no such parameter",
		  "[{\"key\":\"k\",\"source\":\"bidrequest\",\"value\":\"ext.prebid.amp.data.x\"}]",
		  "{\"hb_pb\":\"1.00\"}", "value not found for path: ext.prebid.amp.data.x" },
		{ "from the bid",
		  "[{\"key\":\"k_{{BIDDER}}\",\"source\":\"bidresponse\",\"value\":\"seatbid.bid.price\"}]",
		  "{\"hb_pb\":\"1.00\",\"k_acme\":\"1.01\"}", "" },
		{ "below the bid",
		  "[{\"key\":\"k\",\"source\":\"bidresponse\",\"value\":\"seatbid.bid.ext.a\"}]",
		  "{\"hb_pb\":\"1.00\",\"k\":\"x\"}", "" },
		{ "the macro is for responses",
		  "[{\"key\":\"{{BIDDER}}\",\"source\":\"static\",\"value\":\"v\"}]",
		  "{\"hb_pb\":\"1.00\",\"{{BIDDER}}\":\"v\"}", "" },
		{ "response id", "[{\"key\":\"k\",\"source\":\"bidresponse\",\"value\":\"id\"}]",
		  "{\"hb_pb\":\"1.00\",\"k\":\"rid\"}", "" },
		{ "response currency", "[{\"key\":\"k\",\"source\":\"bidresponse\",\"value\":\"cur\"}]",
		  "{\"hb_pb\":\"1.00\",\"k\":\"USD\"}", "" },
		{ "not in the bid",
		  "[{\"key\":\"k\",\"source\":\"bidresponse\",\"value\":\"seatbid.bid.q\"}]",
		  "{\"hb_pb\":\"1.00\"}",
		  "value not found for path: seatbid.bid.q for bidder: acme, bid id: b" },
		{ "unknown field", "[{\"key\":\"k\",\"source\":\"bidresponse\",\"value\":\"incorrect\"}]",
		  "{\"hb_pb\":\"1.00\"}",
		  "key not found for field in bid response: incorrect for bidder: acme, bid id: b" },
		{ "seatbid alone", "[{\"key\":\"k\",\"source\":\"bidresponse\",\"value\":\"seatbid\"}]",
		  "{\"hb_pb\":\"1.00\"}",
		  "key not found for field in bid response: seatbid for bidder: acme, bid id: b" },
		{ "seat ext is not written yet",
		  "[{\"key\":\"k\",\"source\":\"bidresponse\",\"value\":\"seatbid.ext.a\"}]",
		  "{\"hb_pb\":\"1.00\"}",
		  "value not found for path: seatbid.ext.a for bidder: acme, bid id: b" },
		{ "no key", "[{\"source\":\"static\",\"value\":\"v\"}]", "{\"hb_pb\":\"1.00\"}",
		  "Key is empty for the ad server targeting object at index 0" },
		{ "no value", "[{\"key\":\"k\",\"source\":\"static\"}]", "{\"hb_pb\":\"1.00\"}",
		  "Value is empty for the ad server targeting object at index 0" },
		{ "no source", "[{\"key\":\"k\",\"value\":\"v\"}]", "{\"hb_pb\":\"1.00\"}",
		  "Incorrect source for the ad server targeting object at index 0" },
		{ "not an array", "{}", "{\"hb_pb\":\"1.00\"}", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *a = arena_new();
		struct adserver_bid b = { .bid = parse(a,
						       "{\"id\":\"b\",\"price\":1.01,\"ext\":{\"a\":\"x\"}}"),
					  .seat = STR("acme"),
					  .bid_id = STR("b"),
					  .response_id = STR("rid"),
					  .cur = STR("USD"),
					  .imp = 1 };
		json_t *targets = parse(a, "{\"hb_pb\":\"1.00\"}");
		struct adserver_targeting at;
		struct messages m;
		char *text;

		messages_init(&m, a);
		adserver_targeting_parse(parse(a, rows[i].list), parse(a, request),
					 parse(a, "{\"curl\":\"https://c\"}"), a, &m, &at);
		adserver_targeting_apply(&at, &b, targets, 20, a, &m);
		text = json_text(targets);
		CHECK_STR(rows[i].why, str_of(text), rows[i].want);
		CHECK_STR(rows[i].why, m.buckets ? m.buckets->first->text : STR(""), rows[i].message);
		CHECK(rows[i].why, m.n == (rows[i].message[0] != 0));
		free(text);
		arena_free(a);
	}
}

/* Each bid gets each key: their number must have a ceiling. */
static void only_the_first_hundred(void **state)
{
	struct arena *a = arena_new();
	json_t *list = arena_own_json(a, json_array());
	struct adserver_targeting t;
	struct messages m;

	(void)state;
	messages_init(&m, a);
	for (int i = 0; i < 101; i++)
		json_array_append(list, parse(a, "{\"key\":\"k\",\"source\":\"static\",\"value\":\"v\"}"));
	adserver_targeting_parse(list, NULL, NULL, a, &m, &t);
	CHECK("used", t.n == 100);
	CHECK_STR("told", m.buckets->first->text,
		  "ext.prebid.adservertargeting has 101 objects, the first 100 are used");
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(entries),
					    cmocka_unit_test(only_the_first_hundred) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
