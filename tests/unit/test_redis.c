#include "tests/check.h"

#include "common/mem.h"
#include "common/redis.h"

static void addresses_are_read(void **state)
{
	static const struct {
		const char *why, *url, *host, *user, *password;
		uint16_t port;
		uint32_t db;
		bool tls, bad;
	} rows[] = {
		{ "only a host", "redis://cache", "cache", "", "", 6379, 0, false, false },
		{ "all parts", "redis://me:p%40ss@cache.internal:7000/3", "cache.internal", "me", "p@ss",
		  7000, 3, false, false },
		{ "password only", "rediss://:secret@[::1]:1/0", "::1", "", "secret", 1, 0, true, false },
		{ "a slash says nothing", "redis://cache/", "cache", "", "", 6379, 0, false, false },
		{ "user without password", "redis://me@cache", NULL, NULL, NULL, 0, 0, false, true },
		{ "another scheme", "http://cache", NULL, NULL, NULL, 0, 0, false, true },
		{ "no number", "redis://cache/x", NULL, NULL, NULL, 0, 0, false, true },
		{ "a query", "redis://cache/0?x=1", NULL, NULL, NULL, 0, 0, false, true },
		{ "a NUL in the password", "redis://:a%00b@cache", NULL, NULL, NULL, 0, 0, false, true },
		{ "nothing", "", NULL, NULL, NULL, 0, 0, false, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct redis_address a = { 0 };
		struct errtext why = { "" };
		int err = redis_address_parse(str_of(rows[i].url), &a, &why);

		CHECK(rows[i].why, (err != 0) == rows[i].bad);
		if (err) {
			CHECK(rows[i].why, why.text[0]);
			continue;
		}
		CHECK_STR(rows[i].why, str_of(a.host), rows[i].host);
		CHECK_STR(rows[i].why, str_of(a.user), rows[i].user);
		CHECK_STR(rows[i].why, str_of(a.password), rows[i].password);
		CHECK(rows[i].why, a.port == rows[i].port && a.db == rows[i].db && a.tls == rows[i].tls);
		redis_address_deinit(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(addresses_are_read) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
