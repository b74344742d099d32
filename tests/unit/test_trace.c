#include "common/json.h"
#include "common/otlp.h"
#include "tests/check.h"

#define ID     "7d1c0a5be34f48d2962b0c8e1fa35d60"
#define PARENT "1a9e42c07b6d5f83"

static void reading(void **state)
{
	static const struct {
		const char *why, *text;
		bool ok, sampled;
	} rows[] = {
		{ "sampled", "00-" ID "-" PARENT "-01", true, true },
		{ "not sampled", "00-" ID "-" PARENT "-00", true, false },
		{ "flags that are not known yet are ignored", "00-" ID "-" PARENT "-fe", true, false },
		{ "a later version of the same length", "01-" ID "-" PARENT "-01", true, true },
		{ "a later version with more behind it", "cc-" ID "-" PARENT "-01-more", true, true },
		{ "a later version that goes on without a dash", "cc-" ID "-" PARENT "-01more", false,
		  false },
		{ "this version has an end", "00-" ID "-" PARENT "-01-more", false, false },
		{ "version ff is none", "ff-" ID "-" PARENT "-01", false, false },
		{ "no trace", "00-00000000000000000000000000000000-" PARENT "-01", false, false },
		{ "no parent", "00-" ID "-0000000000000000-01", false, false },
		{ "half an id of zeros is an id", "00-0000000000000000962b0c8e1fa35d60-" PARENT "-01", true,
		  true },
		{ "upper case", "00-7D1C0A5BE34F48D2962B0C8E1FA35D60-" PARENT "-01", false, false },
		{ "no hex", "00-7g1c0a5be34f48d2962b0c8e1fa35d60-" PARENT "-01", false, false },
		{ "a digit short", "00-" ID "-" PARENT "-0", false, false },
		{ "another separator", "00_" ID "-" PARENT "-01", false, false },
		{ "blanks are not skipped", " 00-" ID "-" PARENT "-01", false, false },
		{ "nothing", "", false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct trace t = { .parent = 7 };

		CHECK(rows[i].why, trace_parse(str_of(rows[i].text), &t) == rows[i].ok);
		CHECK(rows[i].why, t.sampled == rows[i].sampled);
		CHECK(rows[i].why, t.parent == (rows[i].ok ? 0x1a9e42c07b6d5f83u : 7));
	}
}

static void beginning(void **state)
{
	struct rng rng;
	struct trace t, own;
	char text[TRACEPARENT_TEXT + 1], id[TRACE_ID_TEXT + 1];

	(void)state;
	rng_seed(&rng, 1);
	trace_begin(&t, STR("00-" ID "-" PARENT "-01"), &rng);
	trace_write_id(&t, id);
	CHECK_STR("the caller's trace goes on", str_of(id), ID);
	CHECK("with a part of our own", t.span && t.span != t.parent);
	trace_write_parent(&t, 0x1a9e42c07b6d5f83u, text);
	CHECK_STR("what those are told whom we call", str_of(text), "00-" ID "-" PARENT "-01");
	trace_begin(&own, STR("nonsense"), &rng);
	CHECK("a trace of our own", trace_is_set(&own) && own.span && !own.parent && !own.sampled);
	CHECK("and not the same one", own.id[0] != t.id[0] || own.id[1] != t.id[1]);
}

static void writing(void **state)
{
	const struct trace t = { .id = { 0x7d1c0a5be34f48d2u, 0x962b0c8e1fa35d60u }, .span = 1 };
	const struct otlp_attribute attributes[] = {
		{ .key = "text", .text = STR("a \"quoted\" one") },
		{ .key = "number", .number = -5 },
		{ .key = "empty", .text = STR("") },
	};
	struct otlp_span s = {
		.trace = &t,
		.id = 0xabcu,
		.parent = 0x1a9e42c07b6d5f83u,
		.name = STR("line\nbreak"),
		.kind = OTLP_CLIENT,
		.start_us = 1700000000000001u,
		.end_us = 1700000000000002u,
		.attributes = attributes,
		.n_attributes = 3,
		.failed = true,
	};
	struct buf b;
	json_t *j;

	(void)state;
	buf_init(&b, 4096);
	otlp_write_span(&b, &s);
	j = json_parse(buf_str(&b), NULL);
	CHECK("JSON", j != NULL);
	CHECK_STR("trace", json_str_at(j, "traceId"), ID);
	CHECK_STR("ids have all their zeros", json_str_at(j, "spanId"), "0000000000000abc");
	CHECK_STR("parent", json_str_at(j, "parentSpanId"), PARENT);
	CHECK_STR("escaped", json_str_at(j, "name"), "line\nbreak");
	CHECK("kind", json_int_at(j, "kind", 0) == 3);
	CHECK_STR("nanoseconds as text", json_str_at(j, "startTimeUnixNano"), "1700000000000001000");
	CHECK("failed", json_int_at(j, "status.code", 0) == 2);
	CHECK_STR("text", json_str_at(json_array_get(json_at(j, "attributes"), 0), "value.stringValue"),
		  "a \"quoted\" one");
	CHECK_STR("number as text",
		  json_str_at(json_array_get(json_at(j, "attributes"), 1), "value.intValue"), "-5");
	CHECK("an empty text is a text",
	      json_at(json_array_get(json_at(j, "attributes"), 2), "value.stringValue"));
	json_decref(j);
	buf_clear(&b);
	s.parent = 0;
	s.failed = false;
	s.n_attributes = 0;
	otlp_write_span(&b, &s);
	j = json_parse(buf_str(&b), NULL);
	CHECK("what is not there is left out", j && json_object_size(j) == 6);
	json_decref(j);
	buf_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reading),
		cmocka_unit_test(beginning),
		cmocka_unit_test(writing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
