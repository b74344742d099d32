#include <stdio.h>
#include <stdlib.h>

#include "common/mem.h"
#include "idr/auth/auth.h"
#include "idr/auth/session.h"
#include "tests/check.h"

#define KEY   STR("0123456789abcdef0123456789abcdef")
#define OTHER STR("0123456789abcdef0123456789abcdeg")

static const int64_t t0 = 1767225600;
static struct user ada = { .name = "ada", .mark = "twelve bytes" };

static struct str text_of(struct str key, const struct session *s, struct buf *b)
{
	buf_init(b, SESSION_TEXT_MAX);
	session_write(b, key, s);
	return buf_str(b);
}

static void written_and_read(void **state)
{
	struct session s, got;
	struct buf b;
	struct str text;

	(void)state;
	assert_true(session_begin(&ada, t0, &s));
	text = text_of(KEY, &s, &b);
	CHECK("is taken", session_parse(KEY, text, t0 + 1, &got));
	CHECK_STR("whose", str_of(got.user), "ada");
	CHECK("which", strcmp(got.id, s.id) == 0 && got.began_s == t0 && got.seen_s == t0);
	CHECK("of which password", memcmp(got.mark, ada.mark, sizeof got.mark) == 0);
	CHECK("a cookie holds it", text.n < 300 && !memchr(text.p, ';', text.n));
	CHECK("another key", !session_parse(OTHER, text, t0, &got));
	CHECK("a key that is too short is none", !session_parse(STR("short"), text, t0, &got));
	buf_deinit(&b);
}

static void tampered(void **state)
{
	struct session s, got;
	struct buf b;
	struct str text;

	(void)state;
	assert_true(session_begin(&ada, t0, &s));
	text = text_of(KEY, &s, &b);
	/* The last character has bits that are no part of the signature. */
	for (size_t i = 0; i + 1 < text.n; i++) {
		char was = b.p[i];

		b.p[i] = was == 'A' ? 'B' : 'A';
		CHECK("one character changed", !session_parse(KEY, text, t0, &got));
		b.p[i] = was;
	}
	for (size_t n = 0; n + 1 < text.n; n++)
		CHECK("cut", !session_parse(KEY, (struct str){ text.p, n }, t0, &got));
	buf_deinit(&b);
}

static void over(void **state)
{
	static const struct {
		const char *why;
		int64_t seen, now;
		bool want;
	} rows[] = {
		{ "fresh", 0, 0, true },
		{ "just not idle for too long", 100, 100 + SESSION_IDLE_S - 1, true },
		{ "idle for too long", 100, 100 + SESSION_IDLE_S, false },
		{ "in use to the end", SESSION_LIFE_S - 10, SESSION_LIFE_S - 1, true },
		{ "and then it ends", SESSION_LIFE_S - 10, SESSION_LIFE_S, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct session s, got;
		struct buf b;

		assert_true(session_begin(&ada, t0, &s));
		s.seen_s = t0 + rows[i].seen;
		CHECK(rows[i].why,
		      session_parse(KEY, text_of(KEY, &s, &b), t0 + rows[i].now, &got) == rows[i].want);
		buf_deinit(&b);
	}
}

static void csrf(void **state)
{
	char one[SESSION_CSRF_TEXT + 1], two[SESSION_CSRF_TEXT + 1];
	struct session s, other;
	struct buf b;

	(void)state;
	assert_true(session_begin(&ada, t0, &s) && session_begin(&ada, t0, &other));
	session_csrf(KEY, &s, one);
	session_csrf(KEY, &other, two);
	CHECK("its own", session_csrf_matches(KEY, &s, str_of(one)));
	s.seen_s += 100;
	CHECK("stays when the cookie is renewed", session_csrf_matches(KEY, &s, str_of(one)));
	CHECK("another session's", !session_csrf_matches(KEY, &s, str_of(two)));
	CHECK("none", !session_csrf_matches(KEY, &s, STR("")));
	CHECK("not the cookie's signature", !str_contains(text_of(KEY, &s, &b), str_of(one)));
	buf_deinit(&b);
}

static void limits(void **state)
{
	struct errtext why = { "" };
	struct auth *a = auth_new(&why);
	uint32_t wait_ms = 0;
	uint64_t now_us = 1000000000;
	int n = 0;

	(void)state;
	for (; auth_may_try(a, STR("10.0.0.1"), STR("ada"), now_us, &wait_ms); n++)
		;
	CHECK("five of one name", n == 5 && wait_ms == 30000);
	CHECK("from elsewhere too", !auth_may_try(a, STR("10.0.0.2"), STR("ada"), now_us, &wait_ms));
	CHECK("others may", auth_may_try(a, STR("10.0.0.2"), STR("bob"), now_us, &wait_ms));
	now_us += 30000000;
	CHECK("later again", auth_may_try(a, STR("10.0.0.1"), STR("ada"), now_us, &wait_ms));
	for (n = 0; n < 100; n++) {
		char name[16];

		snprintf(name, sizeof name, "user%d", n);
		if (!auth_may_try(a, STR("10.0.0.3"), str_of(name), now_us, &wait_ms))
			break;
	}
	CHECK("twenty of one address, whatever the name", n == 20 && wait_ms == 6000);
	auth_free(a);
}

static void ended(void **state)
{
	struct errtext why = { "" };
	struct auth *a = auth_new(&why);
	struct session s, one;

	(void)state;
	assert_true(session_begin(&ada, t0, &s));
	CHECK("goes on", !auth_session_ended(a, str_of(s.id)));
	auth_end_session(a, str_of(s.id), t0 + SESSION_LIFE_S);
	CHECK("ended", auth_session_ended(a, str_of(s.id)));
	auth_end_session(a, STR("no session's id"), t0);
	for (int i = 0; i < 5000; i++) {
		assert_true(session_begin(&ada, t0, &one));
		auth_end_session(a, str_of(one.id), t0 + i);
	}
	CHECK("those that end first make room", auth_session_ended(a, str_of(s.id)));
	CHECK("the newest is there", auth_session_ended(a, str_of(one.id)));
	auth_free(a);
}

static void codes(void **state)
{
	struct errtext why = { "" };
	struct auth *a = auth_new(&why);
	struct user eve = { .name = "eve" };
	char code[16];

	(void)state;
	CHECK("nobody asks for one",
	      auth_take_code(a, &ada, STR(""), t0) && auth_take_code(a, &ada, STR("x"), t0));
	assert_true(totp_key_parse(STR("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), &eve.totp));
	snprintf(code, sizeof code, "%06u",
		 (unsigned)totp_code(&eve.totp, (uint64_t)t0 / TOTP_STEP_S, TOTP_DIGITS));
	CHECK("missing", !auth_take_code(a, &eve, STR(""), t0));
	CHECK("good", auth_take_code(a, &eve, str_of(code), t0));
	CHECK("once", !auth_take_code(a, &eve, str_of(code), t0));
	auth_free(a);
	a = auth_new(&why);
	auth_note_login(a, STR("eve"), t0 - 5);
	CHECK("not after a restart either", !auth_take_code(a, &eve, str_of(code), t0));
	auth_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_and_read),
		cmocka_unit_test(tampered),
		cmocka_unit_test(over),
		cmocka_unit_test(csrf),
		cmocka_unit_test(limits),
		cmocka_unit_test(ended),
		cmocka_unit_test(codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
