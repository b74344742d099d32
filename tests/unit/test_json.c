#include "common/json.h"

#include <stdlib.h>

#include "tests/check.h"

static char *round_trip(struct str text, struct errtext *why)
{
	json_t *j = json_parse(text, why);
	char *out = j ? json_text(j) : NULL;

	json_decref(j);
	return out;
}

static void reads_and_writes(void **state)
{
	static const struct {
		const char *why, *text, *want;
	} rows[] = {
		{ "white space goes", " { \"a\" : [ 1 , true , null ] } ", "{\"a\":[1,true,null]}" },
		{ "member order stays", "{\"b\":1,\"a\":2}", "{\"b\":1,\"a\":2}" },
		{ "a repeated key keeps its last value", "{\"a\":1,\"a\":2}", "{\"a\":2}" },
		{ "int64 stays exact", "[9223372036854775807,-9223372036854775808]",
		  "[9223372036854775807,-9223372036854775808]" },
		{ "an integer beyond int64 becomes a real", "[18446744073709551616]",
		  "[1.8446744073709552e+19]" },
		{ "shortest reals", "[0.5,1.0098,1.0,0.1,1e3,1.10,123456.789]",
		  "[0.5,1.0098,1,0.1,1000,1.1,123456.789]" },
		{ "reals that need all digits", "[0.30000000000000004,1e-12,2.2250738585072014e-308]",
		  "[0.30000000000000004,1e-12,2.2250738585072014e-308]" },
		{ "negative real", "[-0.25]", "[-0.25]" },
		{ "escapes", "[\"\\u0041\\n\\/\\\"\\\\\\u20ac\\ud83d\\ude00\"]", "[\"A\\n/\\\"\\\\€😀\"]" },
		{ "half a surrogate pair",
		  "[\"a\\ud83d\",\"\\udc00b\",\"\\ud83d\\u0041\",\"\\ud83d\\ud83d\\ude00\"]",
		  "[\"a\uFFFD\",\"\uFFFDb\",\"\uFFFDA\",\"\uFFFD😀\"]" },
		{ "an escaped NUL", "{\"\\u0000\":1}", "{\"\uFFFD\":1}" },
		{ "a letter of another code, overlong UTF-8, a character cut short",
		  "[\"caf\xe9 x\",\"\xc0\xaf\",\"\xf0\x9f\x98\"]",
		  "[\"caf\uFFFD x\",\"\uFFFD\uFFFD\",\"\uFFFD\uFFFD\uFFFD\"]" },
		{ "nothing but bytes that are no characters", "\"\xff\xff\xff\xff\xff\xff\xff\xff\"",
		  "\"\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\"" },
		{ "markup is not escaped", "[\"<a href='x'>&</a>\"]", "[\"<a href='x'>&</a>\"]" },
		{ "DEL is a plain character", "[\"\x7f\"]", "[\"\x7f\"]" },
		{ "escaped key longer than the small buffer",
		  "{\"\\u0061aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":"
		  "\"\\t\"}",
		  "{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":"
		  "\"\\t\"}" },
		{ "an escape at every place of a word",
		  "[\"\\n1234567\\t1234567\\\"89012345678\\\\0123456\\u00011234567é\\b\"]",
		  "[\"\\n1234567\\t1234567\\\"89012345678\\\\0123456\\u00011234567é\\b\"]" },
		{ "a lone scalar", "3", "3" },
		{ "empties", "[{},[],\"\"]", "[{},[],\"\"]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct errtext why = { "" };
		char *out = round_trip(str_of(rows[i].text), &why);

		CHECK_STR(rows[i].why, str_of(out ? out : why.text), rows[i].want);
		free(out);
	}
}

static void refuses(void **state)
{
	static const struct {
		const char *why, *text, *want;
	} rows[] = {
		{ "nothing", "", "line 1 column 1: unexpected end of input" },
		{ "truncated object", "{\"a\":1", "line 1 column 7: expected ',' or '}'" },
		{ "truncated string", "\"abc", "line 1 column 5: unterminated string" },
		{ "trailing comma", "[1,]", "line 1 column 4: expected a value" },
		{ "missing colon", "{\"a\" 1}", "line 1 column 6: expected ':'" },
		{ "two values", "{}{}", "line 1 column 3: text behind the JSON value" },
		{ "NaN", "[NaN]", "line 1 column 2: expected a value" },
		{ "leading zero", "[01]", "line 1 column 4: number has a leading zero" },
		{ "no digits after the point", "[1.]",
		  "line 1 column 4: expected digits behind the decimal point" },
		{ "out of range", "[1e999]", "line 1 column 7: number is out of range" },
		{ "raw control character", "[\"\x01\"]",
		  "line 1 column 3: string holds a control character" },
		{ "half an escape", "[\"\\ud83d\\ud\"]", "line 1 column 11: invalid escape in string" },
		{ "malformed UTF-8 outside of strings", "[\xe9]", "line 1 column 2: expected a value" },
		{ "unquoted key", "{a:1}", "line 1 column 2: expected a member name" },
		{ "lines are counted", "{\n\"a\":\n x}", "line 3 column 2: expected a value" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct errtext why = { "accepted" };
		json_t *j = json_parse(str_of(rows[i].text), &why);

		CHECK(rows[i].why, j == NULL);
		CHECK_STR(rows[i].why, str_of(why.text), rows[i].want);
	}
}

static void depth_is_bounded(void **state)
{
	struct errtext why;
	char deep[20000];

	(void)state;
	memset(deep, '[', sizeof deep);
	CHECK("10,000 levels are refused, not a crash", !json_parse((struct str){ deep, sizeof deep }, &why));
	CHECK("the reason says so", strstr(why.text, "nested too deeply"));
}

static void merges(void **state)
{
	static const struct {
		const char *why, *target, *patch, *want;
	} rows[] = {
		{ "RFC 7396 example: nested delete and add", "{\"a\":\"b\",\"c\":{\"d\":\"e\",\"f\":\"g\"}}",
		  "{\"a\":\"z\",\"c\":{\"f\":null}}", "{\"a\":\"z\",\"c\":{\"d\":\"e\"}}" },
		{ "nulls in a new object vanish", "{}", "{\"a\":{\"b\":null,\"c\":1}}", "{\"a\":{\"c\":1}}" },
		{ "arrays are replaced", "{\"a\":[1,2]}", "{\"a\":[3]}", "{\"a\":[3]}" },
		{ "an object replaces a scalar", "{\"a\":1}", "{\"a\":{\"b\":2}}", "{\"a\":{\"b\":2}}" },
		{ "stored request and incoming request", "{\"tmax\":100,\"ext\":{\"a\":1,\"b\":2}}",
		  "{\"id\":\"x\",\"ext\":{\"b\":null,\"c\":3}}",
		  "{\"tmax\":100,\"ext\":{\"a\":1,\"c\":3},\"id\":\"x\"}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		json_t *target = json_parse(str_of(rows[i].target), NULL);
		json_t *patch = json_parse(str_of(rows[i].patch), NULL);
		json_t *merged = json_merge_patch(target, patch);
		char *before = json_text(target), *out = json_text(merged);

		CHECK_STR(rows[i].why, str_of(out), rows[i].want);
		CHECK_STR("the target is not changed", str_of(before), rows[i].target);
		free(before);
		free(out);
		json_decref(target);
		json_decref(patch);
		json_decref(merged);
	}
}

static void copies_on_write(void **state)
{
	json_t *original =
		json_parse(STR("{\"user\":{\"id\":\"u\",\"geo\":{}},\"imp\":[{\"id\":\"1\"}]}"), NULL);
	json_t *mine = json_copy(original);
	char *out;

	(void)state;
	json_object_del(json_own(mine, "user"), "id");
	json_set_int(json_own_element(json_own(mine, "imp"), 0), "secure", 1);
	CHECK("an unshared subtree is handed out as it is",
	      json_own(mine, "user") == json_object_get(mine, "user"));
	CHECK("a missing object is made", json_is_object(json_own_object(mine, "regs")));
	out = json_text(original);
	CHECK_STR("the shared tree is untouched", str_of(out),
		  "{\"user\":{\"id\":\"u\",\"geo\":{}},\"imp\":[{\"id\":\"1\"}]}");
	free(out);
	out = json_text(mine);
	CHECK_STR("the copy has the changes", str_of(out),
		  "{\"user\":{\"geo\":{}},\"imp\":[{\"id\":\"1\",\"secure\":1}],\"regs\":{}}");
	free(out);
	json_decref(mine);
	json_decref(original);
}

static void splices(void **state)
{
	json_t *j = json_parse(STR("{\"a\":{\"big\":1},\"b\":2}"), NULL);
	struct json_piece piece = { json_object_get(j, "a"), STR("{\"big\":\"once\"}") };
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	json_write_spliced(&b, j, &piece, 1);
	CHECK_STR("the prepared text stands for its node", buf_str(&b), "{\"a\":{\"big\":\"once\"},\"b\":2}");
	buf_deinit(&b);
	json_decref(j);
}

static void getters(void **state)
{
	json_t *j = json_parse(
		STR("{\"device\":{\"geo\":{\"country\":\"GBR\"},\"w\":320,\"r\":1.5,\"t\":true}}"), NULL);

	(void)state;
	CHECK_STR("path", json_str_at(j, "device.geo.country"), "GBR");
	CHECK_STR("wrong type is empty", json_str_at(j, "device.w"), "");
	CHECK("int", json_int_at(j, "device.w", -1) == 320);
	CHECK("a real is not an integer", json_int_at(j, "device.r", -1) == -1);
	CHECK("integers count as numbers", json_num_at(j, "device.w", -1) == 320);
	CHECK("bool", json_bool_at(j, "device.t", false));
	CHECK("NULL is fine", json_at(NULL, "a") == NULL);
	CHECK("a path through a scalar", json_at(j, "device.w.x") == NULL);
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes), cmocka_unit_test(refuses),
		cmocka_unit_test(depth_is_bounded), cmocka_unit_test(merges),
		cmocka_unit_test(copies_on_write),  cmocka_unit_test(splices),
		cmocka_unit_test(getters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
