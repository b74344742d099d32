/* Events from bytes: what is taken, what is refused and how it is named. */
#include "tests/check.h"

#include <stdlib.h>

#include "common/buf.h"
#include "common/err.h"
#include "idr/intake/batch.h"
#include "idr/intake/settings_docs.h"

#define GOOD                                                                                                 \
	"{\"auction_id\":\"a\",\"ts\":1767225600.4,\"publisher_id\":\"p\",\"bidders\":[{\"bidder_code\":"    \
	"\"x\","                                                                                             \
	"\"status\":\"bid\",\"bids\":[{\"imp\":\"1\",\"cpm\":2,\"won\":true}]}]}"
#define EVENT(more) "{\"auction_id\":\"a\",\"ts\":1767225600,\"publisher_id\":\"p\"," more "}"

static struct rates rates = { .row = { { "EUR", 1.5 } }, .n = 1 };
static const struct event_limits limits = { .min_ts_ms = 946684800000,
					    .max_ts_ms = 4102444800000,
					    .rates = &rates };

static void bodies(void **state)
{
	static const struct {
		const char *why, *body;
		bool lines;
		int err;
		size_t good, bad, bad_index;
		const char *text; /* of the first refusal, or of the body's */
	} rows[] = {
		{ "one event", GOOD, false, 0, 1, 0, 0, "" },
		{ "an array", "[" GOOD "," GOOD "]", false, 0, 2, 0, 0, "" },
		{ "an empty array", "[]", false, 0, 0, 0, 0, "" },
		{ "lines, declared", GOOD "\n" GOOD "\n", true, 0, 2, 0, 0, "" },
		{ "lines, not declared", GOOD "\r\n\n" GOOD, false, 0, 2, 0, 0, "" },
		{ "one line, declared", GOOD, true, 0, 1, 0, 0, "" },
		{ "a bad one between", "[" GOOD ",{}," GOOD "]", false, 0, 2, 1, 1, "auction_id must be" },
		{ "the first bad one is named", "[1,2]", false, 0, 0, 2, 0, "an event must be" },
		{ "a bad line", GOOD "\nx\n" GOOD, true, 0, 2, 1, 1, "line 1" },
		{ "no JSON at all", "x", false, ERR_INPUT, 0, 0, 0, "line 1" },
		{ "nothing", "", false, ERR_INPUT, 0, 0, 0, "" },
		{ "ts is required", "{\"auction_id\":\"a\",\"bidders\":[]}", false, 0, 0, 1, 0,
		  "ts must be" },
		{ "ts in the range", "{\"auction_id\":\"a\",\"ts\":5}", false, 0, 0, 1, 0, "ts must be" },
		{ "ts infinite", "{\"auction_id\":\"a\",\"ts\":1e999}", false, ERR_INPUT, 0, 0, 0, "line 1" },
		{ "a price beyond all reason",
		  EVENT("\"bidders\":[{\"bidder_code\":\"x\",\"status\":\"bid\","
			"\"bids\":[{\"cpm\":1e300}]}]"),
		  false, 0, 0, 1, 0, "bidders[0].bids[0].cpm must" },
		{ "a time beyond all reason",
		  EVENT("\"bidders\":[{\"bidder_code\":\"x\",\"status\":\"bid\","
			"\"response_time_ms\":1e300}]"),
		  false, 0, 0, 1, 0, "bidders[0].response_time_ms must" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct errtext why = { "" };
		struct batch *b = NULL;
		int err = batch_parse(str_of(rows[i].body), rows[i].lines, &limits, &b, &why);

		CHECK(rows[i].why, err == rows[i].err);
		if (b) {
			CHECK(rows[i].why, b->n == rows[i].good && b->n_bad == rows[i].bad);
			CHECK(rows[i].why, b->n_bad == 0 || b->bad_index == rows[i].bad_index);
		}
		if (!str_starts(str_of(b ? b->bad.text : why.text), str_of(rows[i].text)))
			fail_msg("%s: %s", rows[i].why, b ? b->bad.text : why.text);
		batch_free(b);
	}
}

static void too_many(void **state)
{
	struct buf body;
	struct errtext why;
	struct batch *b;

	(void)state;
	buf_init(&body, 1 << 20);
	buf_add_c(&body, '[');
	for (int i = 0; i <= BATCH_EVENTS; i++)
		buf_add_z(&body, i ? ",1" : "1");
	buf_add_c(&body, ']');
	assert_int_equal(batch_parse(buf_str(&body), false, &limits, &b, &why), ERR_LIMIT);
	for (size_t i = 0; i < body.n; i++)
		if (body.p[i] == ',')
			body.p[i] = '\n';
	assert_int_equal(batch_parse(buf_str(&body), true, &limits, &b, &why), ERR_LIMIT);
	buf_deinit(&body);
}

static void reduced(void **state)
{
	static const char text[] = EVENT(
		"\"total_configured\":9,\"imps\":[{\"id\":\"1\",\"ad_format\":\"banner\",\"ad_size\":"
		"\"300x250\",\"floor\":2,\"floor_cur\":\"EUR\"},{\"id\":\"2\"}],\"bidders\":["
		"{\"bidder_code\":\"x\",\"status\":\"bid\",\"response_time_ms\":80,\"routing_score\":50,"
		"\"was_selected\":true,\"bids\":[{\"imp\":\"1\",\"cpm\":1,\"cur\":\"EUR\"},"
		"{\"imp\":\"1\",\"cpm\":2,\"cur\":\"USD\",\"won\":true},"
		"{\"imp\":\"2\",\"cpm\":7,\"won\":true},{\"imp\":\"1\",\"cpm\":9,\"cur\":\"JPY\"}]},"
		"{\"bidder_code\":\"y\",\"status\":\"not_called\"}]");
	struct errtext why = { "" };
	struct batch *b = NULL;
	const struct event *e;

	(void)state;
	assert_int_equal(batch_parse(str_of(text), false, &limits, &b, &why), 0);
	CHECK(b->bad.text, b->n == 1 && b->rows == 2);
	e = &b->events[0];
	CHECK("time in ms", e->ts_ms == 1767225600000);
	CHECK("more were configured than are told", e->total_configured == 9);
	CHECK("the floor in dollars", e->ctx.floor_usd == 3.0f);
	CHECK("highest bid on the first imp, converted", e->bidders[0].cpm_usd == 2.0f);
	CHECK("revenue over all imps", e->bidders[0].revenue_usd == 9.0f);
	CHECK("bids and wins", e->bidders[0].bids == 4 && e->bidders[0].wins == 2);
	CHECK("a currency without a rate is counted", b->unpriced == 1);
	CHECK("not called: no time", e->bidders[1].latency_ms < 0 && e->bidders[1].score < 0);
	CHECK_STR("format", e->format, "banner");
	batch_free(b);
}

static void settings_keys(void **state)
{
	static const struct {
		const char *why, *key;
		bool ok, publisher, site, unit;
	} rows[] = {
		{ "global", "*", true, false, false, false },
		{ "publisher", "p1", true, true, false, false },
		{ "site", "p1/site/s", true, true, true, false },
		{ "unit of any site", "p1/unit/u", true, true, false, true },
		{ "unit of a site", "p1/site/s/unit/u", true, true, true, true },
		{ "a slash in a name", "p%2F1/site/a%2Fb", true, true, true, false },
		{ "wrong order", "p1/unit/u/site/s", false, false, false, false },
		{ "twice", "p1/site/a/site/b", false, false, false, false },
		{ "no name", "p1/site/", false, false, false, false },
		{ "unknown level", "p1/page/x", false, false, false, false },
		{ "nothing", "", false, false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct settings_place p = { 0 };

		CHECK(rows[i].why, settings_docs_place(str_of(rows[i].key), &p) == rows[i].ok);
		CHECK(rows[i].why, (p.publisher != 0) == rows[i].publisher && (p.site != 0) == rows[i].site &&
					   (p.unit != 0) == rows[i].unit);
	}
}

static void rate_tables(void **state)
{
	static const struct {
		const char *why, *json;
		int err;
	} rows[] = {
		{ "none", "{}", 0 },
		{ "two", "{\"EUR\":1.1,\"GBP\":1.3}", 0 },
		{ "not a code", "{\"euro\":1}", ERR_INPUT },
		{ "no price", "{\"EUR\":\"1\"}", ERR_INPUT },
		{ "zero", "{\"EUR\":0}", ERR_INPUT },
		{ "negative", "{\"EUR\":-1}", ERR_INPUT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *j = json_loads(rows[i].json, 0, NULL);
		struct rates r;

		CHECK(rows[i].why, rates_parse(j, &r, NULL) == rows[i].err);
		json_decref(j);
	}
	CHECK("dollars need no rate", rates_usd(&rates, STR("USD")) == 1 && rates_usd(&rates, STR("")) == 1);
	CHECK("case does not matter", rates_usd(&rates, STR("eur")) == 1.5);
	CHECK("unknown", rates_usd(&rates, STR("JPY")) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies),        cmocka_unit_test(too_many),    cmocka_unit_test(reduced),
		cmocka_unit_test(settings_keys), cmocka_unit_test(rate_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
