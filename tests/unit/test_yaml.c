#include "common/yaml.h"

#include <stdlib.h>

#include "common/json.h"
#include "common/mem.h"
#include "tests/check.h"

static void values(void **state)
{
	static const struct {
		const char *why, *yaml, *json;
	} rows[] = {
		{ "an empty file is null", "", "null" },
		{ "comments only are null", "# nothing\n", "null" },
		{ "block mapping", "a: 1\nb:\n  c: two\n", "{\"a\":1,\"b\":{\"c\":\"two\"}}" },
		{ "sequences", "a: [1, x]\nb:\n  - c: 1\n  - d\n",
		  "{\"a\":[1,\"x\"],\"b\":[{\"c\":1},\"d\"]}" },
		{ "quoted is text", "a: \"1\"\nb: 'true'\n", "{\"a\":\"1\",\"b\":\"true\"}" },
		{ "core booleans and null", "[true, False, ~, null]", "[true,false,null,null]" },
		{ "Norway is no boolean", "[no, yes, on, off]", "[\"no\",\"yes\",\"on\",\"off\"]" },
		{ "numbers", "[0, -5, +7, 0x1F, 0o17, 1.5, -2e3, .5]", "[0,-5,7,31,15,1.5,-2000,0.5]" },
		{ "a leading zero makes a name", "[007, 1.2.3, 1-2]", "[\"007\",\"1.2.3\",\"1-2\"]" },
		{ "beyond int64 is a real", "[18446744073709551616]", "[1.8446744073709552e+19]" },
		{ "explicit text", "a: !!str 12\n", "{\"a\":\"12\"}" },
		{ "block text keeps lines", "a: |\n  x\n  y\n", "{\"a\":\"x\\ny\\n\"}" },
		{ "alias is a copy", "a: &x {k: 1}\nb: *x\n", "{\"a\":{\"k\":1},\"b\":{\"k\":1}}" },
		{ "merge keeps own members", "a: &x {k: 1, l: 2}\nb:\n  <<: *x\n  k: 3\n",
		  "{\"a\":{\"k\":1,\"l\":2},\"b\":{\"k\":3,\"l\":2}}" },
		{ "number keys are text", "1: a\ntrue: b\n", "{\"1\":\"a\",\"true\":\"b\"}" },
		{ "JSON is YAML", "{\"a\": [1, {\"b\": null}]}", "{\"a\":[1,{\"b\":null}]}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct errtext why = { "" };
		json_t *j = yaml_parse(str_of(rows[i].yaml), "t.yaml", &why);
		FREE_ON_EXIT char *got = NULL;

		CHECK(why.text[0] ? why.text : rows[i].why, j != NULL);
		got = json_text(j);
		CHECK_STR(rows[i].why, str_of(got), rows[i].json);
		json_decref(j);
	}
}

static void refusals(void **state)
{
	static const struct {
		const char *why, *yaml, *want;
	} rows[] = {
		{ "repeated key", "a: 1\nb: 2\na: 3\n", "t.yaml line 3: repeated key a" },
		{ "syntax", "a: 1\nb: [1,\n", "t.yaml line 3: did not find expected node content" },
		{ "second document", "a: 1\n---\nb: 2\n", "t.yaml line 2: a second document" },
		{ "unknown alias", "a: *x\n", "t.yaml line 1: unknown alias *x" },
		{ "an alias inside its own anchor", "a: &x [*x]\n", "t.yaml line 1: unknown alias *x" },
		{ "custom tag", "a: !ruby/object {}\nb: !x 1\n", "t.yaml line 2: unknown tag !x" },
		{ "key that is a list", "? [a]\n: 1\n", "t.yaml line 1: a key must be plain text" },
		{ "NUL", "a: \"x\\0y\"\n", "t.yaml line 1: NUL in a text" },
		{ "merge of a scalar", "a:\n  <<: 1\n",
		  "t.yaml line 2: << needs a mapping or a list of mappings" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct errtext why = { "" };
		json_t *j = yaml_parse(str_of(rows[i].yaml), "t.yaml", &why);

		CHECK(rows[i].why, j == NULL);
		CHECK_STR(rows[i].why, str_of(why.text), rows[i].want);
	}
}

static void hostile_sizes(void **state)
{
	struct buf b;
	struct errtext why;

	(void)state;
	buf_init(&b, 1 << 20);
	buf_add_z(&b, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 12; i++)
		buf_addf(&b, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1, i - 1,
			 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	CHECK("a billion laughs stay unlaughed", yaml_parse(buf_str(&b), "t", &why) == NULL);
	CHECK("and the text says why", strstr(why.text, "too large") != NULL);
	buf_clear(&b);
	for (int i = 0; i < 5000; i++)
		buf_add_c(&b, '[');
	CHECK("deep nesting", yaml_parse(buf_str(&b), "t", &why) == NULL);
	buf_clear(&b);
	buf_add_z(&b, "a0: &a0 {k: 1}\n");
	for (int i = 1; i < 100; i++)
		buf_addf(&b, "a%d: &a%d {k: *a%d}\n", i, i, i - 1);
	CHECK("deep nesting through aliases", yaml_parse(buf_str(&b), "t", &why) == NULL);
	CHECK("says so", strstr(why.text, "nested too deeply") != NULL);
	buf_deinit(&b);
}

static void lines(void **state)
{
	struct errtext why = { "" };
	json_t *at = NULL;
	json_t *j = yaml_parse_lines(STR("a:\n  b: 1\n  c:\n    - x\n    - d: 2\n"), "t.yaml", &at, &why);

	(void)state;
	CHECK("parses", j != NULL);
	CHECK("member", yaml_line(at, "a.b") == 2);
	CHECK("element", yaml_line(at, "a.c[1]") == 5);
	CHECK("member of an element", yaml_line(at, "a.c[1].d") == 5);
	CHECK("the nearest node around a missing one", yaml_line(at, "a.c[0].zz") == 4);
	CHECK("nothing known", yaml_line(at, "q") == 0);
	json_decref(j);
	json_decref(at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(refusals),
		cmocka_unit_test(hostile_sizes),
		cmocka_unit_test(lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
