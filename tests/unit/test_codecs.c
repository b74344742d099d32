/* base64, uuid, url and cookie: small enough to share a program. */
#include "common/base64.h"
#include "common/cookie.h"
#include "common/err.h"
#include "common/mem.h"
#include "common/url.h"
#include "common/uuid.h"
#include "tests/check.h"

static struct buf out;

static int set_up(void **state)
{
	(void)state;
	buf_init(&out, 4096);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	buf_deinit(&out);
	return 0;
}

static void base64_both_ways(void **state)
{
	static const struct {
		const char *why;
		struct str bytes;
		const char *standard, *url;
	} rows[] = {
		{ "nothing", { "", 0 }, "", "" },
		{ "one byte", { "f", 1 }, "Zg==", "Zg" },
		{ "two bytes", { "fo", 2 }, "Zm8=", "Zm8" },
		{ "three bytes", { "foo", 3 }, "Zm9v", "Zm9v" },
		{ "where the alphabets differ", { "\xff\xef\xbe", 3 }, "/+++", "_---" },
		{ "NUL inside", { "a\0b", 3 }, "YQBi", "YQBi" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_clear(&out);
		base64_write(&out, rows[i].bytes);
		CHECK_STR(rows[i].why, buf_str(&out), rows[i].standard);
		buf_clear(&out);
		CHECK(rows[i].why, base64_parse(str_of(rows[i].standard), &out));
		CHECK(rows[i].why, str_eq(buf_str(&out), rows[i].bytes));
		buf_clear(&out);
		base64url_write(&out, rows[i].bytes);
		CHECK_STR(rows[i].why, buf_str(&out), rows[i].url);
		buf_clear(&out);
		CHECK(rows[i].why, base64url_parse(str_of(rows[i].url), &out));
		CHECK(rows[i].why, str_eq(buf_str(&out), rows[i].bytes));
	}
}

static void base64_refusals(void **state)
{
	static const struct {
		const char *why, *text;
		bool ok;
	} rows[] = {
		{ "missing padding is fine", "Zg", true },
		{ "bits left over are ignored", "Zh==", true },
		{ "half the padding", "Zg=", false },
		{ "padding inside", "Zg==Zg==", false },
		{ "too much padding", "Zm8==", false },
		{ "three pads", "Z===", false },
		{ "one character", "Z", false },
		{ "the other alphabet", "_---", false },
		{ "blanks", "Zm 9v", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_clear(&out);
		CHECK(rows[i].why, base64_parse(str_of(rows[i].text), &out) == rows[i].ok);
		CHECK(rows[i].why, rows[i].ok || out.n == 0);
	}
}

static void uuids(void **state)
{
	struct rng r;
	char a[UUID_TEXT + 1], b[UUID_TEXT + 1];

	(void)state;
	rng_seed(&r, 1);
	uuid_v4(&r, a);
	uuid_v4(&r, b);
	CHECK("well formed", uuid_is_valid(str_of(a)));
	CHECK("version and variant", a[14] == '4' && strchr("89ab", a[19]));
	CHECK("different", strcmp(a, b) != 0);
	CHECK("too short", !uuid_is_valid(STR("123e4567-e89b-42d3-a456-42661417400")));
	CHECK("a dash out of place", !uuid_is_valid(STR("123e4567e-89b-42d3-a456-426614174000")));
	CHECK("not hex", !uuid_is_valid(STR("123e4567-e89b-42d3-a456-42661417400g")));
}

static void url_pieces(void **state)
{
	static const struct {
		const char *why, *text;
		int err;
		const char *host;
		unsigned port;
		const char *path, *query, *fragment;
	} rows[] = {
		{ "plain", "http://a.b/c", 0, "a.b", 80, "/c", "", "" },
		{ "all parts", "https://u:p@h.x:8443/p/q?a=1&b=2#f?g", 0, "h.x", 8443, "/p/q", "a=1&b=2",
		  "f?g" },
		{ "no path", "HTTPS://h?x", 0, "h", 443, "", "x", "" },
		{ "IPv6", "http://[::1]:81/", 0, "::1", 81, "/", "", "" },
		{ "other scheme", "postgres://h/db", 0, "h", 0, "/db", "", "" },
		{ "two at signs", "http://a@b@c/", 0, "c", 80, "/", "", "" },
		{ "empty port", "http://h:/", 0, "h", 80, "/", "", "" },
		{ "no scheme", "//h/p", ERR_INPUT, "", 0, "", "", "" },
		{ "relative", "/p", ERR_INPUT, "", 0, "", "", "" },
		{ "no host", "http:///p", ERR_INPUT, "", 0, "", "", "" },
		{ "port too large", "http://h:65536/", ERR_INPUT, "", 0, "", "", "" },
		{ "port is no number", "http://h:x/", ERR_INPUT, "", 0, "", "", "" },
		{ "blank", "http://h/a b", ERR_INPUT, "", 0, "", "", "" },
		{ "line end", "http://h/\r\nX: y", ERR_INPUT, "", 0, "", "", "" },
		{ "open bracket", "http://[::1/", ERR_INPUT, "", 0, "", "", "" },
		{ "backslash in the host", "http://a\\b/", ERR_INPUT, "", 0, "", "", "" },
		{ "empty", "", ERR_INPUT, "", 0, "", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct url u = { .host = STR(""), .path = STR(""), .query = STR(""), .fragment = STR("") };

		CHECK(rows[i].why, url_parse(str_of(rows[i].text), &u, NULL) == rows[i].err);
		CHECK_STR(rows[i].why, u.host, rows[i].host);
		CHECK(rows[i].why, u.port == rows[i].port);
		CHECK_STR(rows[i].why, u.path, rows[i].path);
		CHECK_STR(rows[i].why, u.query, rows[i].query);
		CHECK_STR(rows[i].why, u.fragment, rows[i].fragment);
	}
	CHECK("http", url_is_http(STR("http://x")));
	CHECK("not http", !url_is_http(STR("javascript://x")));
}

static void percent_encoding(void **state)
{
	(void)state;
	url_encode(&out, STR("a-_.~ /+\xc3\xa9"));
	CHECK_STR("component", buf_str(&out), "a-_.~%20%2F%2B%C3%A9");
	buf_clear(&out);
	url_encode_query(&out, STR("a b+c"));
	CHECK_STR("query", buf_str(&out), "a+b%2Bc");
	buf_clear(&out);
	CHECK("decodes", url_decode(STR("a%2fb+%41"), &out));
	CHECK_STR("a plus is a plus", buf_str(&out), "a/b+A");
	buf_clear(&out);
	CHECK("decodes", url_decode_query(STR("a+b%2B"), &out));
	CHECK_STR("a plus is a blank", buf_str(&out), "a b+");
	buf_clear(&out);
	CHECK("cut off", !url_decode(STR("ab%4"), &out) && out.n == 0);
	CHECK("not hex", !url_decode(STR("%zz"), &out) && out.n == 0);
	CHECK("at the very end", url_decode(STR("%41"), &out));
	CHECK_STR("whole", buf_str(&out), "A");
}

static void queries(void **state)
{
	struct str q = STR("a=1&&b&c=&=d&a=2&e%20f=g%26h&bad=%z"), n, v;

	(void)state;
	buf_clear(&out);
	while (url_query_next(&q, &n, &v))
		buf_addf(&out, "[" STR_FMT ":" STR_FMT "]", STR_ARG(n), STR_ARG(v));
	CHECK_STR("in order", buf_str(&out), "[a:1][b:][c:][:d][a:2][e%20f:g%26h][bad:%z]");
	q = STR("a=1&a=2&e%20f=g%26h&bad=%z");
	buf_clear(&out);
	CHECK("found", url_query_find(q, STR("a"), &out));
	CHECK_STR("the first", buf_str(&out), "1");
	buf_clear(&out);
	CHECK("found", url_query_find(q, STR("e f"), &out));
	CHECK_STR("decoded", buf_str(&out), "g&h");
	CHECK("missing", !url_query_find(q, STR("z"), &out));
	CHECK("undecodable is absent", !url_query_find(q, STR("bad"), &out));
}

static void cookies_in(void **state)
{
	struct str header = STR("a=1; b=\"two\" ;c; =x; d=e=f; bad name=1; q=\"; uids=eyJ9; a=2"), n, v;

	(void)state;
	buf_clear(&out);
	while (cookie_next(&header, &n, &v))
		buf_addf(&out, "[" STR_FMT ":" STR_FMT "]", STR_ARG(n), STR_ARG(v));
	CHECK_STR("in order", buf_str(&out), "[a:1][b:two][d:e=f][uids:eyJ9][a:2]");
	CHECK("found", cookie_find(STR("x=1; uids=abc"), STR("uids"), &v));
	CHECK_STR("value", v, "abc");
	CHECK("names are case-sensitive", !cookie_find(STR("Uids=abc"), STR("uids"), &v));
}

static void cookies_out(void **state)
{
	struct cookie c = { .name = STR("uids"),
			    .value = STR("abc="),
			    .path = STR("/"),
			    .domain = STR("x.com"),
			    .max_age_s = 86400,
			    .now_ms = 1767225600123,
			    .secure = true,
			    .same_site = COOKIE_SAMESITE_NONE };

	(void)state;
	buf_clear(&out);
	CHECK("writes", cookie_write(&out, &c));
	CHECK_STR("whole", buf_str(&out),
		  "uids=abc=; Path=/; Domain=x.com; Expires=Fri, 02 Jan 2026 00:00:00 GMT; Max-Age=86400; "
		  "Secure; SameSite=None");
	c = (struct cookie){ .name = STR("s"),
			     .value = STR("v"),
			     .domain = STR(""),
			     .path = STR(""),
			     .max_age_s = -1,
			     .http_only = true };
	buf_clear(&out);
	CHECK("writes", cookie_write(&out, &c));
	CHECK_STR("session", buf_str(&out), "s=v; HttpOnly");
	c.max_age_s = 0;
	buf_clear(&out);
	CHECK("writes", cookie_write(&out, &c));
	CHECK_STR("deleted", buf_str(&out),
		  "s=v; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly");
	c.value = STR("v; Domain=evil");
	CHECK("a value that breaks out", !cookie_write(&out, &c));
	c.value = STR("v");
	c.domain = STR("x\r\nSet-Cookie: y");
	CHECK("a domain that breaks out", !cookie_write(&out, &c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_both_ways),
		cmocka_unit_test(base64_refusals),
		cmocka_unit_test(uuids),
		cmocka_unit_test(url_pieces),
		cmocka_unit_test(percent_encoding),
		cmocka_unit_test(queries),
		cmocka_unit_test(cookies_in),
		cmocka_unit_test(cookies_out),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
