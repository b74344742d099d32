#include "pbs/adapters/schema.h"

#include "common/json.h"
#include "pbs/adapters/schema_regex.h"
#include "tests/check.h"

static void violations(void **state)
{
	static const struct {
		const char *why, *schema, *value, *want; /* want empty: valid */
	} rows[] = {
		{ "a required member", "{\"type\":\"object\",\"required\":[\"a\"]}", "{}",
		  "(root): a is required" },
		{ "null is not absent", "{\"required\":[\"a\"]}", "{\"a\":null}", "" },
		{ "the wrong type ends the checks of that place",
		  "{\"type\":\"object\",\"required\":[\"a\"]}", "[]",
		  "(root): Invalid type. Expected: object, given: array" },
		{ "several types are listed", "{\"properties\":{\"a\":{\"type\":[\"integer\",\"string\"]}}}",
		  "{\"a\":1.5}", "a: Invalid type. Expected: [integer,string], given: number" },
		{ "an integral real is an integer", "{\"type\":\"integer\"}", "2.0", "" },
		{ "an integer is a number", "{\"type\":\"number\"}", "2", "" },
		{ "violations follow each other without a separator",
		  "{\"required\":[\"a\"],\"properties\":{\"b\":{\"type\":\"string\"}}}", "{\"b\":1}",
		  "(root): a is requiredb: Invalid type. Expected: string, given: integer" },
		{ "places are dotted, elements by index",
		  "{\"properties\":{\"a\":{\"items\":{\"properties\":{\"b\":{\"minimum\":1}}}}}}",
		  "{\"a\":[{\"b\":1},{\"b\":0}]}", "a.1.b: Must be greater than or equal to 1" },
		{ "an exclusive bound", "{\"minimum\":0,\"exclusiveMinimum\":true}", "0",
		  "(root): Must be greater than 0" },
		{ "bounds are for numbers only", "{\"minimum\":5}", "\"1\"", "" },
		{ "length counts characters", "{\"minLength\":2}", "\"\xc3\xa4\"",
		  "(root): String length must be greater than or equal to 2" },
		{ "patterns search", "{\"pattern\":\"gross|net\"}", "\"the net price\"", "" },
		{ "digits are understood", "{\"pattern\":\"^\\\\d+$\"}", "\"12x\"",
		  "(root): Does not match pattern '^\\d+$'" },
		{ "patterns are for texts only", "{\"pattern\":\"^a$\"}", "7", "" },
		{ "enum", "{\"properties\":{\"p\":{\"enum\":[\"above\",\"below\"]}}}", "{\"p\":\"x\"}",
		  "p: p must be one of the following: \"above\", \"below\"" },
		{ "minItems", "{\"minItems\":2}", "[1]", "(root): Array must have at least 2 items" },
		{ "closed objects", "{\"properties\":{\"a\":{}},\"additionalProperties\":false}",
		  "{\"a\":1,\"b\":2}", "(root): Additional property b is not allowed" },
		{ "additional members with a schema", "{\"additionalProperties\":{\"type\":\"array\"}}",
		  "{\"b\":2}", "b: Invalid type. Expected: array, given: integer" },
		{ "anyOf reports the closest alternative",
		  "{\"anyOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\",\"c\"]}]}", "{\"b\":1}",
		  "(root): Must validate at least one schema (anyOf)(root): c is required" },
		{ "oneOf with none", "{\"oneOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}", "{}",
		  "(root): Must validate one and only one schema (oneOf)(root): a is required" },
		{ "oneOf with two", "{\"oneOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}",
		  "{\"a\":1,\"b\":1}", "(root): Must validate one and only one schema (oneOf)" },
		{ "not", "{\"not\":{\"required\":[\"a\"]}}", "{\"a\":1}",
		  "(root): Must not validate the schema (not)" },
		{ "dependencies on names", "{\"dependencies\":{\"a\":[\"b\"]}}", "{\"a\":1}",
		  "(root): Has a dependency on b" },
		{ "host names", "{\"format\":\"hostname\"}", "\"-a.example\"",
		  "(root): Does not match format 'hostname'" },
		{ "uuids", "{\"format\":\"uuid\"}", "\"b5d1a7a6-0000-4000-8000-000000000001\"", "" },
		{ "short uuids", "{\"format\":\"uuid\"}", "\"b5d1a7a6-0000-4000-8000-00000000000\"",
		  "(root): Does not match format 'uuid'" },
		{ "a multiple", "{\"multipleOf\":0.1}", "0.3", "" },
		{ "none", "{\"multipleOf\":5}", "12", "(root): Must be a multiple of 5" },
		{ "elements once each", "{\"uniqueItems\":true}",
		  "[1,\"a\",{\"b\":1,\"c\":2},{\"c\":2,\"b\":1},1]",
		  "(root): array items[2,3] must be unique" },
		{ "a list of schemas with nothing behind",
		  "{\"items\":[{\"type\":\"string\"}],\"additionalItems\":false}", "[\"a\",1]",
		  "(root): No additional items allowed on array" },
		{ "a list of schemas, and one for what is behind",
		  "{\"items\":[{\"type\":\"string\"}],\"additionalItems\":{\"minimum\":2}}", "[\"a\",3,1]",
		  "2: Must be greater than or equal to 2" },
		{ "one schema for all leaves nothing behind", "{\"items\":{},\"additionalItems\":false}",
		  "[1,2]", "" },
		{ "too few members", "{\"minProperties\":1}", "{}",
		  "(root): Must have at least 1 properties" },
		{ "too many members", "{\"maxProperties\":1}", "{\"a\":1,\"b\":2}",
		  "(root): Must have at most 1 properties" },
		{ "members by the look of their names",
		  "{\"patternProperties\":{\"^x\":{\"type\":\"string\"},\"y$\":{\"maxLength\":1}}}",
		  "{\"xy\":\"ab\",\"x\":1,\"z\":2}",
		  "xy: String length must be less than or equal to 1"
		  "x: Invalid type. Expected: string, given: integer" },
		{ "they are not additional",
		  "{\"patternProperties\":{\"^x\":{}},\"additionalProperties\":false}", "{\"xy\":1,\"z\":2}",
		  "(root): Additional property z is not allowed" },
		{ "unknown formats pass", "{\"format\":\"colour\"}", "\"x\"", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct errtext why = { "" };
		json_t *json = json_parse(str_of(rows[i].schema), &why);
		json_t *value = json_parse(str_of(rows[i].value), &why);
		struct schema *schema = schema_new(json, &why);
		struct buf text;
		bool ok;

		if (!schema || !value)
			fail_msg("%s: %s", rows[i].why, why.text);
		buf_init(&text, 4096);
		ok = schema_check(schema, value, &text);
		CHECK_STR(rows[i].why, buf_str(&text), rows[i].want);
		CHECK(rows[i].why, ok == (rows[i].want[0] == '\0'));
		buf_deinit(&text);
		schema_free(schema);
		json_decref(value);
		json_decref(json);
	}
}

static void bad_schemas(void **state)
{
	static const struct {
		const char *why, *schema, *want;
	} rows[] = {
		{ "the place is named", "{\"properties\":{\"a\":{\"type\":\"text\"}}}",
		  "properties.a.type: not a type of JSON Schema" },
		{ "references", "{\"$ref\":\"#/x\"}", "$ref: references are not supported" },
		{ "a broken pattern", "{\"pattern\":\"(\"}",
		  "pattern: not a regular expression that is understood here" },
		{ "a broken pattern of names", "{\"patternProperties\":{\"[\":{}}}",
		  "patternProperties: not a regular expression that is understood here" },
		{ "multiples of nothing", "{\"multipleOf\":0}", "multipleOf: expected a number above 0" },
		{ "alternatives are a list", "{\"anyOf\":{}}",
		  "anyOf: expected a non-empty array of schemas" },
		{ "bounds are numbers", "{\"minimum\":\"1\"}", "minimum: expected a number" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct errtext why = { "" };
		json_t *json = json_parse(str_of(rows[i].schema), NULL);

		CHECK(rows[i].why, schema_new(json, &why) == NULL);
		CHECK_STR(rows[i].why, str_of(why.text), rows[i].want);
		json_decref(json);
	}
}

enum outcome { NO, YES, REFUSED };

static void expressions(void **state)
{
	static const struct {
		const char *why, *expression, *text;
		enum outcome want;
	} rows[] = {
		{ "searched anywhere", "b+c", "abbcd", YES },
		{ "a brace that begins no repetition is itself", "expect { or n", "x: expect { or n, but",
		  YES },
		{ "at the start, too", "{", "a{", YES },
		{ "half a repetition is none", "a{2", "xa{2", YES },
		{ "nor is one without a lower bound", "a{,2}", "a{,2}", YES },
		{ "a repetition", "^a{2,3}$", "aaaa", NO },
		{ "its upper bound may be open", "^a{2,}$", "aaaa", YES },
		{ "braces and brackets that close nothing", "}]", "x}]", YES },
		{ "lazy quantifiers match what greedy ones do", "^a+?b*?c??$", "aab", YES },
		{ "a group that does not capture", "^(?:ab)+$", "abab", YES },
		{ "a group with a name", "^(?P<x>ab)(?<y>c)$", "abc", YES },
		{ "case may be ignored", "(?i)ABC", "xabcx", YES },
		{ "digits", "^\\d+$", "12", YES },
		{ "no digits", "^\\D$", "1", NO },
		{ "words", "^\\w+\\W\\s\\S$", "a_9- x", YES },
		{ "classes in sets", "^[\\d\\s-]+$", "1 -2", YES },
		{ "inverted classes in sets", "^[\\D]$", "1", NO },
		{ "named classes", "^[[:alpha:]_]+$", "a_B", YES },
		{ "a bracket escaped in a set", "^[a\\]b]+$", "a]b", YES },
		{ "a bracket first in a set", "^[]a]+$", "]a", YES },
		{ "not first in an inverted one", "^[^]a]+$", "b]", NO },
		{ "a dash last in a set", "^[a-]+$", "a-", YES },
		{ "a roof alone in a set", "^[\\^]$", "^", YES },
		{ "a roof and a dash", "^[\\^\\-]+$", "-^", YES },
		{ "a bracket that opens no class", "^[[:]+$", "[:", REFUSED },
		{ "an opening bracket in a set", "^[[.]+$", "[.", YES },
		{ "a range", "^[a-c\\x41-\\x43]+$", "bB", YES },
		{ "escapes", "^\\n\\t\\x41\\x{42}\\.\\{$", "\n\tAB.{", YES },
		{ "quoted", "^\\Qa.b(\\Ec$", "a.b(c", YES },
		{ "quoted to the end", "\\Qa.b", "aXb", NO },
		{ "begin and end", "\\Aab\\z", "abc", NO },
		{ "borders of words", "\\bor\\b", "for or", YES },
		{ "a dot is one character", "^.$", "\xc3\xa4", YES },
		{ "but no line end", "^.$", "\n", NO },
		{ "an inverted set takes one character", "^[^a]$", "\xe2\x82\xac", YES },
		{ "a character of several bytes holds together", "^\xc3\xa4+$", "\xc3\xa4\xc3\xa4", YES },
		{ "an end is not that of a line", "^a$", "a\nb", NO },
		{ "a group that may be left out", "^(a|b|){2}x(c)?$", "ax", YES },
		{ "repetitions of repetitions", "a++", "a", REFUSED },
		{ "lazy ones, too", "a+?*", "a", REFUSED },
		{ "nothing to repeat", "*a", "*a", REFUSED },
		{ "nothing to repeat in an alternative", "a|+", "a", REFUSED },
		{ "many repetitions", "^a{1000}$", "a", NO },
		{ "too many", "(a{200}){200}", "a", REFUSED },
		{ "far too many", "a{99999999999999999999}", "a", REFUSED },
		{ "doubled at every level", "((((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+)+)+", "a", REFUSED },
		{ "a group that was not begun", "a)", "a)", REFUSED },
		{ "look-ahead", "(?=a)", "a", REFUSED },
		{ "Unicode classes", "\\pL", "a", REFUSED },
		{ "an escape that is none", "\\y", "y", REFUSED },
		{ "a set that does not end", "[a", "a", REFUSED },
		{ "a range the wrong way", "[b-a]", "a", REFUSED },
		{ "a group that does not end", "(", "(", REFUSED },
		{ "nothing behind a backslash", "a\\", "a", REFUSED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		enum outcome got = REFUSED;
		regex_t regex;

		if (schema_regex(rows[i].expression, &regex)) {
			got = regexec(&regex, rows[i].text, 0, NULL, 0) == 0 ? YES : NO;
			regfree(&regex);
		}
		CHECK(rows[i].why, got == rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(violations), cmocka_unit_test(bad_schemas),
					    cmocka_unit_test(expressions) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
