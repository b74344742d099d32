#include "common/user_agent.h"

#include "tests/check.h"

static void reads(void **state)
{
	static const struct {
		const char *why, *ua, *browser, *os, *device;
	} rows[] = {
		{ "Edge also says Chrome and Safari",
		  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 "
		  "Edg/126.0",
		  "edge", "windows", "desktop" },
		{ "Chrome also says Safari",
		  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Chrome/126.0 Safari/537.36", "chrome",
		  "macos", "desktop" },
		{ "an iPhone also says Mac OS X",
		  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Mobile/15E148 "
		  "Safari/604.1",
		  "safari", "ios", "mobile" },
		{ "Android with Mobile is a phone",
		  "Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/126.0 Mobile Safari/537.36", "chrome",
		  "android", "mobile" },
		{ "Android without it is a tablet",
		  "Mozilla/5.0 (Linux; Android 14; SM-X710) Chrome/126.0 Safari/537.36", "chrome", "android",
		  "tablet" },
		{ "a television", "Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36", "", "tv",
		  "ctv" },
		{ "nothing", "", "", "", "" },
		{ "something else", "curl/7.88.1", "", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct user_agent ua = user_agent_read(str_of(rows[i].ua));

		CHECK_STR(rows[i].why, str_of(ua.browser), rows[i].browser);
		CHECK_STR(rows[i].why, str_of(ua.os), rows[i].os);
		CHECK_STR(rows[i].why, str_of(ua.device), rows[i].device);
	}
}

static void long_ones_are_cut(void **state)
{
	char big[100000];

	(void)state;
	memset(big, 'x', sizeof big);
	memcpy(big + sizeof big - 6, "Chrome", 6);
	CHECK_STR("what stands far behind tells nothing",
		  str_of(user_agent_read((struct str){ big, sizeof big }).browser), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(reads), cmocka_unit_test(long_ones_are_cut) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
