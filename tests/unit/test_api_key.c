#include "common/api_key.h"

#include "common/json.h"
#include "common/mem.h"
#include "tests/check.h"

#define K1 "abcdefghijklmnop1"
#define K2 "abcdefghijklmnop2"
/* SHA-256 of "abcdefghijklmnop" */
#define H3 "f39dac6cbaba535e2c207cd0cd8f154974223c848f727f98b3564cea569b41cf"

static void lists(void **state)
{
	struct api_keys *ks = api_keys_new();
	struct errtext why = { "" };
	const struct api_key *k;

	(void)state;
	CHECK("parses",
	      api_keys_add_list(ks, STR("# our keys\n" K1 ", " K2 ":pub-1 # site\r\n\nsha256:" H3 ":p:2\n"),
				&why) == 0);
	CHECK("three", api_keys_count(ks) == 3);
	k = api_keys_find(ks, STR(K1));
	CHECK("good for all", k && api_key_allows_publisher(k, STR("any")));
	k = api_keys_find(ks, STR(K2));
	CHECK("its publisher", k && api_key_allows_publisher(k, STR("pub-1")));
	CHECK("nobody else's", !api_key_allows_publisher(k, STR("pub-2")));
	CHECK("nor nobody's", !api_key_allows_publisher(k, STR("")));
	k = api_keys_find(ks, STR("abcdefghijklmnop"));
	CHECK("by its hash", k && api_key_allows_publisher(k, STR("p:2")));
	CHECK_STR("a name that gives nothing away", str_of(k->name), "key-f39dac6c");
	CHECK("unknown", !api_keys_find(ks, STR("abcdefghijklmnop3")));
	CHECK("empty", !api_keys_find(ks, STR("")));
	CHECK("a prefix", !api_keys_find(ks, STR("abcdefghijklmno")));
	api_keys_free(ks);
}

static void refusals(void **state)
{
	static const struct {
		const char *why, *list, *want;
	} rows[] = {
		{ "short", "# x\nsecret\n", "line 2: an API key has 16 to 256 characters, not 6" },
		{ "no key before the publisher", ":p1",
		  "line 1: an API key has 16 to 256 characters, not 0" },
		{ "twice", K1 "\n" K1 ":p\n", "line 2: an API key is listed twice" },
		{ "bad hash", "sha256:12", "line 1: sha256: is not followed by 64 hex digits" },
		{ "not ASCII", "abcdefghijklmnop\xc3\xa9",
		  "line 1: a blank, control or non-ASCII character in an API key" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct api_keys *ks = api_keys_new();
		struct errtext why = { "" };

		CHECK(rows[i].why, api_keys_add_list(ks, str_of(rows[i].list), &why) < 0);
		CHECK_STR(rows[i].why, str_of(why.text), rows[i].want);
		api_keys_free(ks);
	}
}

static void json_forms(void **state)
{
	static const struct {
		const char *why, *json, *want; /* NULL = accepted */
	} rows[] = {
		{ "text", "\"" K1 ":p\"", NULL },
		{ "list of both", "[\"" K1 "\",{\"key\":\"" K2 "\",\"publisher\":\"p\"}]", NULL },
		{ "neither", "3", "must be a list of API keys" },
		{ "nested list", "[[]]", "[0]: must be a text or a mapping" },
		{ "no key", "[{\"publisher\":\"p\"}]", "[0]: an API key has 16 to 256 characters, not 0" },
		{ "unknown member", "[{\"kee\":\"x\"}]", "[0]: kee: unknown member" },
		{ "wrong type", "[{\"key\":1}]", "[0]: key: must be a text" },
		{ "origin that is no text", "[{\"key\":\"" K1 "\",\"origins\":[1]}]",
		  "[0]: origins[0] is not a text" },
	};
	struct errtext why = { "" };
	struct api_keys *ks;
	const struct api_key *k;
	json_t *j;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ks = api_keys_new();
		j = json_parse(str_of(rows[i].json), &why);
		CHECK(rows[i].why, (api_keys_add_json(ks, j, &why) < 0) == (rows[i].want != NULL));
		if (rows[i].want)
			CHECK_STR(rows[i].why, str_of(why.text), rows[i].want);
		json_decref(j);
		api_keys_free(ks);
	}
	ks = api_keys_new();
	j = json_parse(STR("{\"key\":\"" K1 "\",\"name\":\"site\",\"origins\":[\"https://a.com\"]}"), &why);
	assert_int_equal(api_keys_add_json(ks, j, &why), 0);
	json_decref(j);
	k = api_keys_find(ks, STR(K1));
	CHECK_STR("name", str_of(k->name), "site");
	CHECK("its origin", api_key_allows_origin(k, STR("https://A.com")));
	CHECK("another", !api_key_allows_origin(k, STR("https://b.com")));
	CHECK("none at all", api_key_allows_origin(k, STR("")));
	api_keys_free(ks);
}

static void headers(void **state)
{
	static const struct {
		const char *why, *x_api_key, *authorization, *want;
	} rows[] = {
		{ "neither", "", "", "" },
		{ "X-API-Key", " k ", "", "k" },
		{ "X-API-Key wins", "k", "Bearer b", "k" },
		{ "bearer", "", "bEARER  b ", "b" },
		{ "bearer without a token", "", "Bearer ", "" },
		{ "another scheme", "", "Basic b", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK_STR(rows[i].why,
			  api_key_from_headers(str_of(rows[i].x_api_key), str_of(rows[i].authorization)),
			  rows[i].want);
}

static void generating(void **state)
{
	char a[API_KEY_TEXT + 1], b[API_KEY_TEXT + 1];
	struct api_keys *ks = api_keys_new();

	(void)state;
	assert_true(api_key_generate(a) && api_key_generate(b));
	CHECK("length", strlen(a) == API_KEY_TEXT);
	CHECK("differ", strcmp(a, b) != 0);
	CHECK("is accepted", api_keys_add_list(ks, str_of(a), NULL) == 0);
	CHECK("is found", api_keys_find(ks, str_of(a)) && !api_keys_find(ks, str_of(b)));
	api_keys_free(ks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),   cmocka_unit_test(refusals),   cmocka_unit_test(json_forms),
		cmocka_unit_test(headers), cmocka_unit_test(generating),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
