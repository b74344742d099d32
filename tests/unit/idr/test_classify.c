#include "idr/core/context.h"

#include "common/mem.h"
#include "tests/check.h"

static struct context request(const char *text)
{
	struct context c;
	json_t *j = json_loads(text, 0, NULL);

	assert_non_null(j);
	classify_request(j, 1767225600000, &c);
	json_decref(j);
	return c;
}

static struct context event(const char *text)
{
	struct context c;
	json_t *j = json_loads(text, 0, NULL);

	assert_non_null(j);
	classify_event(j, 1767225600000, &c);
	json_decref(j);
	return c;
}

#define ROUTE(imp, device, user)                                                                             \
	"{\"publisher_id\":\"p1\",\"ts\":1767229200.5,\"bid_request\":{\"imp\":[" imp                        \
	"],\"site\":{\"publisher\":"                                                                         \
	"{\"id\":\"p1\"}},\"device\":" device ",\"user\":" user "}}"
#define EVENT(imp, flat)                                                                                     \
	"{\"publisher_id\":\"p1\",\"ts\":1767229200.9," flat ",\"os\":\"unknown\",\"browser\":\"unknown\","  \
	"\"imps\":[" imp "]}"

static void both_ways(void **state)
{
	static const struct {
		const char *why, *route, *event;
	} rows[] = {
		{ "banner on a phone",
		  ROUTE("{\"id\":\"1\",\"banner\":{\"format\":[{\"w\":300,\"h\":250}]},\"bidfloor\":0.5,"
			"\"bidfloorcur\":\"USD\"}",
			"{\"devicetype\":4,\"geo\":{\"country\":\"GBR\"}}",
			"{\"eids\":[{\"source\":\"uidapi.com\"}]}"),
		  EVENT("{\"id\":\"1\",\"ad_format\":\"banner\",\"ad_size\":\"300x250\",\"floor\":0.5,"
			"\"floor_cur\":"
			"\"USD\"}",
			"\"country\":\"GBR\",\"device_type\":\"mobile\",\"ids\":[\"uid2\"]") },
		{ "alpha-2 and alpha-3 are one country",
		  ROUTE("{\"video\":{\"w\":640,\"h\":360}}",
			"{\"devicetype\":3,\"geo\":{\"country\":\"us\"}}", "{}"),
		  EVENT("{\"ad_format\":\"video\",\"ad_size\":\"640x360\"}",
			"\"country\":\"USA\",\"device_type\":\"ctv\",\"ids\":[]") },
		{ "native has no size, whatever the event calls it",
		  ROUTE("{\"native\":{\"request\":\"{}\"}}", "{\"devicetype\":2}",
			"{\"eids\":[{\"source\":\"a.example\"}]}"),
		  EVENT("{\"ad_format\":\"native\",\"ad_size\":\"1x1\",\"floor\":null}",
			"\"country\":null,\"device_type\":\"desktop\",\"ids\":[\"some-id\"]") },
		{ "position in both vocabularies",
		  ROUTE("{\"banner\":{\"w\":1,\"h\":2,\"pos\":1}}", "{\"devicetype\":5}", "{}"),
		  EVENT("{\"ad_format\":\"banner\",\"ad_size\":\"1x2\",\"position\":\"atf\"}",
			"\"country\":\"\",\"device_type\":\"tablet\",\"ids\":[]") },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct context a = request(rows[i].route), b = event(rows[i].event);

		CHECK(rows[i].why, a.publisher == b.publisher && a.publisher != 0);
		CHECK(rows[i].why, a.country == b.country);
		CHECK(rows[i].why, a.device == b.device && a.device != DEVICE_UNKNOWN);
		CHECK(rows[i].why, a.format == b.format);
		CHECK(rows[i].why, a.width == b.width && a.height == b.height);
		CHECK(rows[i].why, a.ids == b.ids && a.ids_unknown == b.ids_unknown);
		CHECK(rows[i].why, a.position == b.position);
		CHECK(rows[i].why, a.os == b.os && a.browser == b.browser);
		CHECK(rows[i].why, a.hour == 1 && b.hour == 1);
		CHECK(rows[i].why, a.floor_usd == b.floor_usd);
	}
}

static void agents(void **state)
{
	static const struct {
		const char *why, *device;
		uint8_t want_device, want_os, want_browser;
	} rows[] = {
		{ "iPhone",
		  "{\"ua\":\"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 "
		  "Mobile/15E148 "
		  "Safari/604.1\"}",
		  DEVICE_MOBILE, OS_IOS, BROWSER_SAFARI },
		{ "Edge says Chrome too",
		  "{\"ua\":\"Mozilla/5.0 (Windows NT 10.0) Chrome/120.0 Safari/537.36 Edg/120.0\"}",
		  DEVICE_DESKTOP, OS_WINDOWS, BROWSER_EDGE },
		{ "type 1 may be a tablet: the agent decides",
		  "{\"devicetype\":1,\"ua\":\"Mozilla/5.0 (iPad; OS)\"}", DEVICE_TABLET, OS_IOS,
		  BROWSER_OTHER },
		{ "a name instead of a number", "{\"devicetype\":\"ctv\",\"os\":\"tvOS\"}", DEVICE_CTV, OS_TV,
		  BROWSER_UNKNOWN },
		{ "a type beyond the list is unknown", "{\"devicetype\":99}", DEVICE_UNKNOWN, OS_UNKNOWN,
		  BROWSER_UNKNOWN },
		{ "a negative type too", "{\"devicetype\":-4}", DEVICE_UNKNOWN, OS_UNKNOWN, BROWSER_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[1024];
		struct context c;

		(void)snprintf(text, sizeof text, "{\"bid_request\":{\"site\":{},\"device\":%s}}",
			       rows[i].device);
		c = request(text);
		CHECK(rows[i].why, c.device == rows[i].want_device);
		CHECK(rows[i].why, c.os == rows[i].want_os);
		CHECK(rows[i].why, c.browser == rows[i].want_browser);
	}
}

static void hostile(void **state)
{
	static const char *const rows[] = {
		"{}",
		"[]",
		"{\"bid_request\":7}",
		"{\"bid_request\":{\"imp\":{}}}",
		"{\"bid_request\":{\"imp\":[null]}}",
		"{\"bid_request\":{\"imp\":[{\"bidfloor\":-1e300,\"banner\":{\"w\":-5,\"h\":1e300}}]}}",
		"{\"ts\":-1e300,\"bid_request\":{\"device\":{\"geo\":{\"country\":\"\\u00fc\\u00fc\"}}}}",
		"{\"ts\":1e308}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct context a = request(rows[i]), b = event(rows[i]);

		CHECK(rows[i], a.hour < 24 && b.hour < 24);
		CHECK(rows[i], a.country == 0 && a.floor_usd == 0 && a.width == 0);
	}
}

static void countries(void **state)
{
	(void)state;
	CHECK("pair", classify_country(STR("de")) == ('D' << 8 | 'E'));
	CHECK("triple", classify_country(STR("DEU")) == ('D' << 8 | 'E'));
	CHECK("first of the list", classify_country(STR("ABW")) == ('A' << 8 | 'W'));
	CHECK("last of the list", classify_country(STR("zwe")) == ('Z' << 8 | 'W'));
	CHECK("no such triple", classify_country(STR("QQQ")) == 0);
	CHECK("too long", classify_country(STR("Germany")) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways),
		cmocka_unit_test(agents),
		cmocka_unit_test(hostile),
		cmocka_unit_test(countries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
