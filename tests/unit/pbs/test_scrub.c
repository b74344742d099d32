/* What is removed, from where, and what stays. */
#include "pbs/privacy/scrub.h"

#include <stdlib.h>

#include "common/json.h"
#include "common/mem.h"
#include "pbs/privacy/lmt.h"
#include "tests/check.h"

static void rounds_coordinates(void **state)
{
	static const struct {
		const char *why;
		double in, want;
	} rows[] = {
		{ "down", 40.71283, 40.71 },
		{ "a half goes up", 12.345, 12.35 },
		{ "below zero the half counts the other way", -73.98765, -73.98 },
		{ "towards zero", -0.001, 0 },
		{ "whole degrees", 51, 51 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(rows[i].why, scrub_coordinate(rows[i].in) == rows[i].want);
}

static void masks_addresses(void **state)
{
	static const struct {
		const char *why, *in;
		bool v6;
		unsigned keep;
		const char *want;
	} rows[] = {
		{ "a /24", "203.0.113.77", false, 24, "203.0.113.0" },
		{ "inside a byte", "203.0.113.255", false, 28, "203.0.113.240" },
		{ "nothing kept", "203.0.113.77", false, 0, "0.0.0.0" },
		{ "all kept", "203.0.113.77", false, 32, "203.0.113.77" },
		{ "a /56", "2001:db8:1234:5678:9abc::1", true, 56, "2001:db8:1234:5600::" },
		{ "all of v6", "2001:db8::1", true, 128, "2001:db8::1" },
		{ "v6 where v4 belongs", "2001:db8::1", false, 24, "" },
		{ "no address", "localhost", false, 24, "" },
		{ "nothing", "", true, 56, "" },
		{ "too long for any address", "1234567890123456789012345678901234567890123456", true, 56,
		  "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[46];

		CHECK_STR(rows[i].why, scrub_ip(str_of(rows[i].in), rows[i].v6, rows[i].keep, text),
			  rows[i].want);
	}
}

struct row {
	const char *why;
	unsigned scrub;
	const char *in, *want;
};

static void removes_from_every_place(void **state)
{
	static const struct row rows[] = {
		{ "what the exchange's cookie said", SCRUB_USER_IDS,
		  "{\"user\":{\"customdata\":\"c\",\"keywords\":\"k\"}}", "{\"user\":{\"keywords\":\"k\"}}" },
		{ "the vendor's id of a device", SCRUB_DEVICE_IDS,
		  "{\"device\":{\"ext\":{\"ifv\":\"i\",\"idfv\":\"i\",\"atts\":2}}}",
		  "{\"device\":{\"ext\":{\"atts\":2}}}" },
		{ "eids in all the places that were ever used", SCRUB_EIDS,
		  "{\"user\":{\"eids\":[1],\"ext\":{\"eids\":[1],\"data\":{\"eids\":[1]},\"prebid\":{"
		  "\"eids\":[1],\"x\":1}}}}",
		  "{\"user\":{\"ext\":{\"prebid\":{\"x\":1}}}}" },
		{ "an extension that held nothing else goes too", SCRUB_EIDS,
		  "{\"user\":{\"ext\":{\"eids\":[1]}}}", "{\"user\":{}}" },
		{ "buyer ids of other bidders", SCRUB_USER_IDS,
		  "{\"user\":{\"buyeruid\":\"b\",\"ext\":{\"prebid\":{\"buyeruids\":{\"x\":\"y\"}}}}}",
		  "{\"user\":{}}" },
		{ "no user: nothing to do", SCRUB_SET_UFPD, "{\"id\":\"1\"}", "{\"id\":\"1\"}" },
		{ "no device either", SCRUB_SET_CHILD | SCRUB_TID, "{\"id\":\"1\",\"user\":null}",
		  "{\"id\":\"1\",\"user\":null}" },
		{ "all device ids", SCRUB_DEVICE_IDS,
		  "{\"device\":{\"ifa\":\"1\",\"didsha1\":\"1\",\"didmd5\":\"1\",\"dpidsha1\":\"1\","
		  "\"dpidmd5\":\"1\","
		  "\"macsha1\":\"1\",\"macmd5\":\"1\",\"os\":\"x\"}}",
		  "{\"device\":{\"os\":\"x\"}}" },
		{ "empty places stay as empty objects", SCRUB_GEO_ALL,
		  "{\"device\":{\"geo\":{\"lat\":1.5}},\"user\":{\"geo\":{}}}",
		  "{\"device\":{\"geo\":{}},\"user\":{\"geo\":{}}}" },
		{ "the rest of a place stays when it is rounded", SCRUB_GEO,
		  "{\"device\":{\"geo\":{\"lat\":1.239,\"zip\":\"1\",\"accuracy\":5}}}",
		  "{\"device\":{\"geo\":{\"lat\":1.24,\"zip\":\"1\",\"accuracy\":5}}}" },
		{ "an address that is none goes", SCRUB_IP, "{\"device\":{\"ip\":\"x\",\"ipv6\":\"::1\"}}",
		  "{\"device\":{\"ipv6\":\"::\"}}" },
		{ "transaction ids", SCRUB_TID,
		  "{\"source\":{\"tid\":\"t\"},\"imp\":[{\"ext\":{\"tid\":\"1\"}},{\"id\":\"2\"},{\"ext\":{"
		  "\"tid\":\"1\",\"a\":1}}]}",
		  "{\"source\":{},\"imp\":[{\"ext\":{}},{\"id\":\"2\"},{\"ext\":{\"a\":1}}]}" },
		{ "us_privacy in both places", SCRUB_US_PRIVACY,
		  "{\"regs\":{\"us_privacy\":\"x\",\"ext\":{\"us_privacy\":\"x\",\"gpc\":\"1\"}}}",
		  "{\"regs\":{\"ext\":{\"gpc\":\"1\"}}}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *in = json_parse(str_of(rows[i].in), NULL),
		       *want = json_parse(str_of(rows[i].want), NULL);
		json_t *before = json_deep_copy(in), *out = json_copy(in);

		scrub_request(out, rows[i].scrub, 24, 56, NULL);
		if (!json_equal(out, want)) {
			char *text = json_text(out);

			fail_msg("%s: got %s", rows[i].why, text);
		}
		CHECK(rows[i].why, json_equal(in, before));
		json_decref(in);
		json_decref(before);
		json_decref(out);
		json_decref(want);
	}
}

static void same_object_same_loss_one_copy(void **state)
{
	json_t *shared =
		json_parse(STR("{\"user\":{\"id\":\"1\",\"yob\":1},\"device\":{\"ip\":\"1.2.3.4\"}}"), NULL);
	json_t *a = json_copy(shared), *b = json_copy(shared), *c = json_copy(shared);
	struct arena *arena = arena_new();
	struct scrub_cache *cache = scrub_cache_new(arena);

	(void)state;
	scrub_request(a, SCRUB_SET_OPT_OUT, 24, 56, cache);
	scrub_request(b, SCRUB_SET_OPT_OUT, 24, 56, cache);
	scrub_request(c, SCRUB_SET_GEO, 24, 56, cache);
	assert_ptr_equal(json_object_get(a, "user"), json_object_get(b, "user"));
	assert_ptr_equal(json_object_get(a, "device"), json_object_get(b, "device"));
	assert_ptr_not_equal(json_object_get(a, "user"), json_object_get(c, "user"));
	CHECK_STR("only the place goes", json_str_at(c, "user.id"), "1");
	json_decref(a);
	json_decref(b);
	json_decref(c);
	json_decref(shared);
	arena_free(arena);
}

static void ios_decides_about_tracking(void **state)
{
	static const struct {
		const char *why, *device;
		int want; /* -1: left alone */
	} rows[] = {
		{ "not iOS", "{\"os\":\"android\",\"osv\":\"14.0\"}", -1 },
		{ "before the prompt existed", "{\"os\":\"iOS\",\"osv\":\"13.7\"}", -1 },
		{ "14.0 without an advertising id", "{\"os\":\"iOS\",\"osv\":\"14.0\"}", 1 },
		{ "14.1 with the id of nobody",
		  "{\"os\":\"ios\",\"osv\":\"14.1.2\",\"ifa\":\"00000000-0000-0000-0000-000000000000\"}", 1 },
		{ "14.1 with an id", "{\"os\":\"ios\",\"osv\":\"14.1\",\"ifa\":\"x\"}", 0 },
		{ "14.2, not asked", "{\"os\":\"ios\",\"osv\":\"14.2\",\"ext\":{\"atts\":0}}", 1 },
		{ "17, denied", "{\"os\":\"ios\",\"osv\":\"17.0\",\"ext\":{\"atts\":2}}", 1 },
		{ "17, allowed", "{\"os\":\"ios\",\"osv\":\"17.0\",\"ext\":{\"atts\":3}}", 0 },
		{ "an answer that does not exist", "{\"os\":\"ios\",\"osv\":\"17.0\",\"ext\":{\"atts\":4}}",
		  -1 },
		{ "no answer", "{\"os\":\"ios\",\"osv\":\"17.0\"}", -1 },
		{ "no minor version", "{\"os\":\"ios\",\"osv\":\"17\",\"ext\":{\"atts\":2}}", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *request = json_object();
		int lmt = -1;

		json_object_set_new(request, "app", json_object());
		json_object_set_new(request, "device", json_parse(str_of(rows[i].device), NULL));
		CHECK(rows[i].why, lmt_ios(request, &lmt) == (rows[i].want >= 0));
		CHECK(rows[i].why, lmt == rows[i].want);
		json_object_del(request, "app");
		CHECK("only in apps", !lmt_ios(request, &lmt));
		json_decref(request);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rounds_coordinates),
		cmocka_unit_test(masks_addresses),
		cmocka_unit_test(removes_from_every_place),
		cmocka_unit_test(same_object_same_loss_one_copy),
		cmocka_unit_test(ios_decides_about_tracking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
