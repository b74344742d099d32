#include "pbs/exchange/account_keys.h"

#include "common/json.h"
#include "tests/check.h"

static void unknown(void **state)
{
	static const struct {
		const char *why, *account, *want;
	} rows[] = {
		{ "nothing", "{}", "" },
		{ "all known", "{\"id\":\"a\",\"events\":{\"enabled\":true},\"cache_ttl\":{\"banner\":1}}",
		  "" },
		{ "a slip", "{\"debug_alow\":true}", "debug_alow" },
		{ "below", "{\"cookie_sync\":{\"limit\":3,\"max_limit\":4}}", "cookie_sync.limit" },
		{ "several", "{\"a\":1,\"events\":{\"enabeld\":true},\"cache_ttl\":{\"x\":1}}",
		  "a, events.enabeld, cache_ttl.x" },
		{ "checked where it is parsed", "{\"privacy\":{\"x\":{}},\"gdpr\":{\"y\":1}}", "" },
		{ "a known name of another place", "{\"banner\":1}", "banner" },
		{ "the beginning of a known name", "{\"event\":{},\"cache\":{}}", "event, cache" },
		{ "case matters", "{\"Disabled\":true}", "Disabled" },
		{ "the wrong type is said elsewhere", "{\"events\":true}", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct errtext why;
		json_auto_t *account = json_parse(str_of(rows[i].account), &why);
		struct buf names;

		buf_init(&names, 512);
		CHECK(rows[i].why, (account_keys_unknown(account, &names) > 0) == (*rows[i].want != '\0'));
		CHECK_STR(rows[i].why, buf_str(&names), rows[i].want);
		buf_deinit(&names);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(unknown) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
