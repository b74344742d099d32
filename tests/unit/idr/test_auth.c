#include <stdio.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"
#include "idr/auth/commands.h"
#include "idr/auth/password.h"
#include "idr/auth/totp.h"
#include "idr/auth/users.h"
#include "tests/check.h"

/* "correct horse battery" at cost 10, made once: 12 rounds would make every run of this file slow. */
#define HASH "$2b$10$abcdefghijklmnopqrstuu0r1dvQKFXuA7rEmvDrgBdGXY/1p4BxW"

static void hashes(void **state)
{
	char hash[PASSWORD_HASH_TEXT + 1], other[PASSWORD_HASH_TEXT + 1];
	struct errtext why = { "" };

	(void)state;
	CHECK("made", password_hash(STR("correct horse battery"), hash, &why) == 0);
	CHECK("ours", password_is_hash(str_of(hash)) && str_starts(str_of(hash), STR("$2b$12$")));
	CHECK("right", password_matches(STR("correct horse battery"), hash));
	CHECK("wrong", !password_matches(STR("correct horse batterz"), hash));
	CHECK("made again", password_hash(STR("correct horse battery"), other, &why) == 0);
	CHECK("another salt", strcmp(hash, other) != 0);
}

static void odd_passwords(void **state)
{
	static const char long_one[] =
		"123456789012345678901234567890123456789012345678901234567890123456789012x";
	static const struct {
		const char *why;
		struct str password;
		const char *want;
	} rows[] = {
		{ "short", STR("12345678901"), "a password has 12 to 72 bytes, not 11" },
		{ "empty", STR(""), "a password has 12 to 72 bytes, not 0" },
		{ "bcrypt would pass over the rest",
		  { long_one, 73 },
		  "a password has 12 to 72 bytes, not 73" },
		{ "a NUL", STR("0123456789\0ab"), "a control character in a password" },
		{ "a key that gives up", STR("0123456789\x03zz"), "a control character in a password" },
	};
	char hash[PASSWORD_HASH_TEXT + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct errtext why = { "" };

		CHECK(rows[i].why, password_hash(rows[i].password, hash, &why) < 0);
		CHECK_STR(rows[i].why, str_of(why.text), rows[i].want);
	}
	CHECK("72 bytes are no 73", !password_matches((struct str){ long_one, 73 }, HASH));
	CHECK("a NUL is no end", !password_matches(STR("x\0y"), HASH));
}

static void hash_forms(void **state)
{
	static const struct {
		const char *why, *text;
		bool want;
	} rows[] = {
		{ "ours", HASH, true },
		{ "of PHP", "$2y$10$abcdefghijklmnopqrstuu0r1dvQKFXuA7rEmvDrgBdGXY/1p4BxW", true },
		{ "too cheap", "$2b$09$abcdefghijklmnopqrstuu0r1dvQKFXuA7rEmvDrgBdGXY/1p4BxW", false },
		{ "minutes of work", "$2b$31$abcdefghijklmnopqrstuu0r1dvQKFXuA7rEmvDrgBdGXY/1p4BxW", false },
		{ "SHA-512", "$6$rounds=5000$abcdefghijkl$abcdefghijklmnopqrstuvwxyz0123456789", false },
		{ "cut", "$2b$10$abcdefghijklmnopqrstuu0r1dvQKFXuA7rEmvDrgBdGXY/1p4Bx", false },
		{ "a blank", "$2b$10$abcdefghijklmnopqrstuu0r1dvQKFXuA7rEmvDrgBdGXY/1p4 xW", false },
		{ "clear text", "hunter2", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(rows[i].why, password_is_hash(str_of(rows[i].text)) == rows[i].want);
}

/* RFC 6238, appendix B, SHA-1: eight digits of the key "12345678901234567890". */
static void totp_vectors(void **state)
{
	static const struct {
		int64_t at_s;
		uint32_t code;
	} rows[] = {
		{ 59, 94287082 },         { 1111111109, 7081804 },  { 1111111111, 14050471 },
		{ 1234567890, 89005924 }, { 2000000000, 69279037 }, { 20000000000, 65353130 },
	};
	struct totp_key key;

	(void)state;
	CHECK("its base32", totp_key_parse(STR("GEZDGNBVGY3TQOJQ gezdgnbvgy3tqojq===="), &key));
	CHECK("its bytes", key.n == 20 && memcmp(key.bytes, "12345678901234567890", 20) == 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char six[16];
		uint64_t step = (uint64_t)rows[i].at_s / TOTP_STEP_S;

		CHECK("the RFC's code", totp_code(&key, step, 8) == rows[i].code);
		snprintf(six, sizeof six, "%06u", (unsigned)(rows[i].code % 1000000));
		CHECK("in time", totp_check(&key, str_of(six), rows[i].at_s, 0) == step);
		CHECK("a step late", totp_check(&key, str_of(six), rows[i].at_s + 30, 0) == step);
		CHECK("a step early", totp_check(&key, str_of(six), rows[i].at_s - 30, 0) == step);
		CHECK("two late", totp_check(&key, str_of(six), rows[i].at_s + 60, 0) == 0);
		CHECK("used already", totp_check(&key, str_of(six), rows[i].at_s, step) == 0);
		CHECK("an earlier one was used",
		      totp_check(&key, str_of(six), rows[i].at_s, step - 1) == step);
		CHECK("five digits", totp_check(&key, (struct str){ six, 5 }, rows[i].at_s, 0) == 0);
	}
	CHECK("no digits", totp_check(&key, STR("-87082"), 59, 0) == 0);
}

static void totp_keys(void **state)
{
	static const struct {
		const char *why, *text;
	} rows[] = {
		{ "none", "" },
		{ "short", "GEZDGNBVGY3TQOJQGEZDGNB" },
		{ "no base32", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1" },
		{ "long", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
			  "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" },
	};
	char text[TOTP_NEW_KEY_TEXT + 1], again[TOTP_NEW_KEY_TEXT + 1];
	struct totp_key key;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(rows[i].why, !totp_key_parse(str_of(rows[i].text), &key));
	CHECK("made", totp_key_generate(text) && totp_key_generate(again));
	CHECK("readable", totp_key_parse(str_of(text), &key) && key.n == 20);
	CHECK("new each time", strcmp(text, again) != 0);
}

static void lists_of_users(void **state)
{
	struct users us = { 0 };
	struct errtext why = { "" };

	(void)state;
	CHECK("none", users_parse(STR("# nobody yet\n\n , \n"), &us, &why) == 0 && us.n == 0);
	users_deinit(&us);
	CHECK("parses", users_parse(STR("ada:" HASH ", bob@x.org:" HASH ":viewer # reads\r\n"
					"eve:" HASH ":admin:GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n"),
				    &us, &why) == 0);
	CHECK("three", us.n == 3 && us.totp);
	CHECK("admin unless said", users_find(&us, STR("ada"))->role == ROLE_ADMIN);
	CHECK("said", users_find(&us, STR("bob@x.org"))->role == ROLE_VIEWER);
	CHECK("with codes", users_find(&us, STR("eve"))->totp.n == 20);
	CHECK("another secret is another mark",
	      memcmp(us.v[0].mark, us.v[2].mark, USER_MARK_BYTES) != 0 &&
		      memcmp(us.v[0].mark, us.v[1].mark, USER_MARK_BYTES) == 0);
	CHECK("nobody", !users_find(&us, STR("ad")) && !users_find(&us, STR("")));
	users_deinit(&us);
}

static void refused_users(void **state)
{
#define FORM                                                                                                 \
	": not name:hash[:role[:totp]] with a bcrypt hash of cost 10 to 15, as `nexus-idr hash-password` "   \
	"prints it"
	static const struct {
		const char *why, *text, *want;
	} rows[] = {
		{ "clear text", "\nada:hunter2", "line 2: user ada" FORM },
		{ "no hash", "ada", "line 1: user ada" FORM },
		{ "role", "ada:" HASH ":root", "line 1: user ada: the role is admin or viewer" },
		{ "twice", "ada:" HASH ",ada:" HASH, "line 1: user ada is listed twice" },
		{ "name", "a b:" HASH, "line 1: a user's name has 1 to 64 letters, digits or ._@+-" },
		{ "no name", ":" HASH, "line 1: a user's name has 1 to 64 letters, digits or ._@+-" },
		{ "secret", "ada:" HASH ":admin:123",
		  "line 1: user ada: the fourth part is no base32 secret of 16 to 64 bytes" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct users us = { 0 };
		struct errtext why = { "" };

		CHECK(rows[i].why, users_parse(str_of(rows[i].text), &us, &why) < 0);
		CHECK_STR(rows[i].why, str_of(why.text), rows[i].want);
		CHECK(rows[i].why, us.v == NULL);
	}
}

/* `input` comes through a pipe, as from a script. */
static int run(const char *name, const char *input, char out_text[200], char err_text[200])
{
	FILE *out = fmemopen(out_text, 200, "w"), *err = fmemopen(err_text, 200, "w"), *in;
	int fds[2], status = -1;

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], input, strlen(input)), strlen(input));
	close(fds[1]);
	in = fdopen(fds[0], "r");
	CHECK(name, auth_command(name, in, out, err, &status));
	fclose(in);
	fclose(out);
	fclose(err);
	return status;
}

static void commands(void **state)
{
	char out[200], err[200];
	int status;
	struct totp_key key;

	(void)state;
	CHECK("hashes", run("hash-password", "correct horse battery\nmore\n", out, err) == 0);
	out[strcspn(out, "\n")] = '\0';
	CHECK("the line", password_matches(STR("correct horse battery"), out));
	CHECK("too short", run("hash-password", "short\n", out, err) == 1);
	CHECK_STR("says so", str_of(err), "nexus-idr: a password has 12 to 72 bytes, not 5\n");
	CHECK("nothing", run("hash-password", "", out, err) == 1);
	CHECK_STR("says so", str_of(err), "nexus-idr: no password was given\n");
	CHECK("makes a secret", run("totp-secret", "", out, err) == 0);
	out[strcspn(out, "\n")] = '\0';
	CHECK("that can be read", totp_key_parse(str_of(out), &key));
	CHECK("and what apps read", str_starts(str_of(err), STR("otpauth://totp/nexus-idr?secret=")));
	CHECK("no other", !auth_command("hash", stdin, stdout, stderr, &status));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes),        cmocka_unit_test(odd_passwords),
		cmocka_unit_test(hash_forms),    cmocka_unit_test(totp_vectors),
		cmocka_unit_test(totp_keys),     cmocka_unit_test(lists_of_users),
		cmocka_unit_test(refused_users), cmocka_unit_test(commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
