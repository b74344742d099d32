#include "pbs/price/floors_rules.h"

#include "common/json.h"
#include "pbs/price/floors_data.h"
#include "tests/check.h"

static json_t *parse(struct arena *a, const char *text)
{
	struct errtext why;

	return text ? json_array_get(
			      arena_own_json(a, json_parse(str_of(arena_printf(a, "[%s]", text)), &why)), 0)
		    : NULL;
}

/* Every rule is there at first; each row takes the winner of the row before away. */
static void precedence(void **state)
{
	static const char *const order[] = { "banner|300x250|a.example",
					     "banner|300x250|*",
					     "banner|*|a.example",
					     "*|300x250|a.example",
					     "banner|*|*",
					     "*|300x250|*",
					     "*|*|a.example",
					     "*|*|*" };
	struct arena *a = arena_new();
	json_t *values = json_object();
	json_t *group = parse(a, "{\"schema\":{\"fields\":[\"mediaType\",\"size\",\"domain\"]}}");
	json_t *imp = parse(a, "{\"banner\":{\"w\":300,\"h\":250}}");
	struct floor_facts facts;

	(void)state;
	for (size_t i = 0; i < 8; i++)
		json_set_real(values, order[7 - i], (double)(8 - i));
	json_object_set_new(group, "values", values);
	floors_request_facts(parse(a, "{\"site\":{\"domain\":\"A.example\"}}"), a, &facts);
	floors_imp_facts(imp, a, &facts);
	for (size_t i = 0; i < 8; i++) {
		const struct floor_rule *rule = floors_match(floors_index_group(group, a), &facts, a);

		CHECK(order[i], rule);
		CHECK_STR(order[i], rule->key, order[i]);
		json_object_del(values, order[i]);
	}
	CHECK("nothing left", !floors_match(floors_index_group(group, a), &facts, a));
	arena_free(a);
}

static void facts(void **state)
{
	static const struct {
		const char *why, *field, *request, *imp, *want;
	} rows[] = {
		{ "banner", "mediaType", NULL, "{\"banner\":{}}", "banner" },
		{ "two types", "mediaType", NULL, "{\"banner\":{},\"native\":{}}", "*" },
		{ "in-stream", "mediaType", NULL, "{\"video\":{\"placement\":1}}", "video" },
		{ "other placement", "mediaType", NULL, "{\"video\":{\"placement\":3}}", "video-outstream" },
		{ "no placement", "mediaType", NULL, "{\"video\":{}}", "video-outstream" },
		{ "audio", "mediaType", NULL, "{\"audio\":{}}", "audio" },
		{ "native", "mediaType", NULL, "{\"native\":{}}", "native" },
		{ "the single format", "size", NULL,
		  "{\"banner\":{\"w\":1,\"h\":1,\"format\":[{\"w\":300,\"h\":250}]}}", "300x250" },
		{ "several formats", "size", NULL,
		  "{\"banner\":{\"w\":1,\"h\":1,\"format\":[{\"w\":3,\"h\":2},{\"w\":1,\"h\":1}]}}", "*" },
		{ "no format", "size", NULL, "{\"banner\":{\"w\":1,\"h\":2}}", "1x2" },
		{ "video", "size", NULL, "{\"video\":{\"w\":640,\"h\":480}}", "640x480" },
		{ "half a size", "size", NULL, "{\"video\":{\"w\":640}}", "*" },
		{ "site domain", "domain", "{\"site\":{\"domain\":\"S\",\"publisher\":{\"domain\":\"p\"}}}",
		  NULL, "s" },
		{ "publisher's instead", "domain", "{\"app\":{\"publisher\":{\"domain\":\"P\"}}}", NULL,
		  "p" },
		{ "siteDomain has no such substitute", "siteDomain",
		  "{\"app\":{\"publisher\":{\"domain\":\"P\"}}}", NULL, "*" },
		{ "pubDomain", "pubDomain", "{\"site\":{\"publisher\":{\"domain\":\"P\"}}}", NULL, "p" },
		{ "bundle", "bundle", "{\"app\":{\"bundle\":\"com.X\"}}", NULL, "com.x" },
		{ "channel", "channel", "{\"ext\":{\"prebid\":{\"channel\":{\"name\":\"web\"}}}}", NULL,
		  "web" },
		{ "gam slot", "gptSlot", NULL,
		  "{\"ext\":{\"data\":{\"pbadslot\":\"P\",\"adserver\":{\"name\":\"gam\",\"adslot\":\"/"
		  "S\"}}}}",
		  "/s" },
		{ "other ad server", "gptSlot", NULL,
		  "{\"ext\":{\"data\":{\"pbadslot\":\"P\",\"adserver\":{\"name\":\"x\",\"adslot\":\"/S\"}}}}",
		  "p" },
		{ "gpid", "adUnitCode", NULL, "{\"tagid\":\"t\",\"ext\":{\"gpid\":\"G\"}}", "g" },
		{ "tagid", "adUnitCode", NULL, "{\"tagid\":\"T\",\"ext\":{\"data\":{\"pbadslot\":\"p\"}}}",
		  "t" },
		{ "pbadslot", "adUnitCode", NULL,
		  "{\"ext\":{\"data\":{\"pbadslot\":\"p\"},\"prebid\":{\"storedrequest\":{\"id\":\"s\"}}}}",
		  "p" },
		{ "stored imp", "adUnitCode", NULL,
		  "{\"ext\":{\"prebid\":{\"storedrequest\":{\"id\":\"s\"}}}}", "s" },
		{ "country", "country", "{\"device\":{\"geo\":{\"country\":\"USA\"}}}", NULL, "usa" },
		{ "geo without country", "country", "{\"device\":{\"geo\":{}}}", NULL, "" },
		{ "no geo", "country", "{\"device\":{}}", NULL, "*" },
		{ "iPhone", "deviceType", "{\"device\":{\"ua\":\"Mozilla (iPhone)\"}}", NULL, "phone" },
		{ "Android phone", "deviceType", "{\"device\":{\"ua\":\"Linux; Android 10 Mobile\"}}", NULL,
		  "phone" },
		{ "Android tablet", "deviceType", "{\"device\":{\"ua\":\"Linux; android 10\"}}", NULL,
		  "tablet" },
		{ "iPad", "deviceType", "{\"device\":{\"ua\":\"iPad\"}}", NULL, "tablet" },
		{ "Windows touch", "deviceType", "{\"device\":{\"ua\":\"Windows NT 10; Touch\"}}", NULL,
		  "tablet" },
		{ "Windows", "deviceType", "{\"device\":{\"ua\":\"Windows NT 10\"}}", NULL, "desktop" },
		{ "no user agent", "deviceType", "{}", NULL, "*" },
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		json_t *group =
			parse(a, arena_printf(a, "{\"schema\":{\"fields\":[\"%s\"]}}", rows[i].field));
		struct floor_group *g = floors_index_group(group, a);
		struct floor_facts f;

		floors_request_facts(parse(a, rows[i].request), a, &f);
		floors_imp_facts(parse(a, rows[i].imp), a, &f);
		CHECK_STR(rows[i].why, f.values[g->fields[0]], rows[i].want);
	}
	arena_free(a);
}

static void matching(void **state)
{
	static const struct {
		const char *why, *schema, *values, *want; /* for a 300x250 banner of unknown domain */
	} rows[] = {
		{ "keys in any case", "{\"fields\":[\"mediaType\"]}", "{\"BANNER\":1}", "banner" },
		{ "another delimiter", "{\"fields\":[\"mediaType\",\"size\"],\"delimiter\":\"::\"}",
		  "{\"banner::300x250\":1}", "banner::300x250" },
		{ "an unknown fact matches only a wildcard", "{\"fields\":[\"mediaType\",\"domain\"]}",
		  "{\"banner|a\":1,\"*|*\":2}", "*|*" },
		{ "and costs nothing in precedence", "{\"fields\":[\"domain\",\"size\",\"mediaType\"]}",
		  "{\"*|300x250|*\":1,\"*|*|banner\":2}", "*|300x250|*" },
		{ "wrong number of parts", "{\"fields\":[\"mediaType\"]}", "{\"banner|300x250\":1}", NULL },
		{ "values that are no numbers", "{\"fields\":[\"mediaType\"]}", "{\"banner\":\"1\"}", NULL },
		{ "no values", "{\"fields\":[\"mediaType\"]}", "{}", NULL },
		{ "members in any case", "{\"Fields\":[\"mediaType\"]}", "{\"banner\":1}", "banner" },
		{ "seven fields",
		  "{\"fields\":[\"mediaType\",\"size\",\"domain\",\"bundle\",\"channel\",\"country\","
		  "\"deviceType\"]}",
		  "{\"*|*|*|*|*|*|*\":1,\"*|300x250|*|*|*|*|*\":2,\"banner|*|*|*|*|*|*\":3}",
		  "banner|*|*|*|*|*|*" },
	};
	struct arena *a = arena_new();
	struct floor_facts f;

	(void)state;
	floors_request_facts(parse(a, "{}"), a, &f);
	floors_imp_facts(parse(a, "{\"banner\":{\"w\":300,\"h\":250}}"), a, &f);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		json_t *group = parse(
			a, arena_printf(a, "{\"schema\":%s,\"values\":%s}", rows[i].schema, rows[i].values));
		const struct floor_rule *rule = floors_match(floors_index_group(group, a), &f, a);

		CHECK(rows[i].why, !rule == !rows[i].want);
		if (rule)
			CHECK_STR(rows[i].why, rule->key, rows[i].want);
	}
	arena_free(a);
}

static void groups(void **state)
{
	static const struct {
		const char *group, *want;
	} rows[] = {
		{ "{\"schema\":{\"fields\":[\"mediaType\"]},\"values\":{\"a\":1,\"b\":1}}", NULL },
		{ "{\"schema\":{\"fields\":[\"mediaType\",\"colour\"]}}",
		  "Invalid schema dimension provided = 'colour' in Schema Fields = '[mediaType colour]'" },
		{ "{\"modelversion\":\"m\",\"schema\":{\"fields\":[\"size\",\"domain\",\"bundle\","
		  "\"channel\"]}}",
		  "Invalid Floor Model = 'm' due to number of schema fields = '4' are greater than limit 3" },
		{ "{\"modelversion\":\"m\",\"values\":{\"a\":1,\"b\":1,\"c\":1}}",
		  "Invalid Floor Model = 'm' due to number of rules = '3' are greater than limit 2" },
		{ "{\"modelversion\":\"m\",\"skiprate\":101}",
		  "Invalid Floor Model = 'm' due to SkipRate = '101' is out of range (1-100)" },
		{ "{\"modelVersion\":\"m\",\"modelWeight\":0}",
		  "Invalid Floor Model = 'm' due to ModelWeight = '0' is out of range (1-100)" },
		{ "{\"modelversion\":\"m\",\"modelweight\":101}",
		  "Invalid Floor Model = 'm' due to ModelWeight = '101' is out of range (1-100)" },
		{ "{\"modelversion\":\"m\",\"default\":-0.5}",
		  "Invalid Floor Model = 'm' due to Default = '-0.5' is less than 0" },
		{ "{}", NULL },
		{ "7", NULL },
	};
	const struct floors_limits limits = { .max_rules = 2, .max_dims = 3 };
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct errtext why = { "" };
		int rc = floors_check_group(parse(a, rows[i].group), &limits, &why);

		CHECK(rows[i].group, (rc == 0) == !rows[i].want);
		if (rows[i].want)
			CHECK_STR(rows[i].group, str_of(why.text), rows[i].want);
	}
	arena_free(a);
}

static void bad_keys(void **state)
{
	struct arena *a = arena_new();
	struct floor_group *g = floors_index_group(parse(a, "{\"schema\":{\"fields\":[\"mediaType\",\"size\"]"
							    "},\"values\":{\"Banner\":1,\"a|b\":1}}"),
						   a);

	(void)state;
	CHECK("one is bad", g->n_bad_keys == 1 && g->n_rules == 1);
	CHECK_STR("as it was written", str_of(floors_bad_key_text(g, g->bad_keys[0], a)),
		  "Invalid Floor Rule = 'Banner' for Schema Fields = '[mediaType size]'");
	arena_free(a);
}

static void fetched(void **state)
{
	static const struct {
		const char *why, *text;
		bool ok;
		int use_rate;
	} rows[] = {
		{ "plain", "{\"modelgroups\":[{\"schema\":{\"fields\":[\"size\"]},\"values\":{\"*\":1}}]}",
		  true, 100 },
		{ "camel case", "{\"useFetchDataRate\":30,\"modelGroups\":[{\"values\":{\"*\":1}}]}", true,
		  30 },
		{ "no groups", "{\"modelgroups\":[]}", false, 0 },
		{ "wrapped is not it", "{\"data\":{\"modelgroups\":[{\"values\":{\"*\":1}}]}}", false, 0 },
		{ "a group without rules", "{\"modelgroups\":[{\"values\":{\"*\":1}},{\"default\":1}]}",
		  false, 0 },
		{ "too many rules", "{\"modelgroups\":[{\"values\":{\"a\":1,\"b\":1,\"c\":1}}]}", false, 0 },
		{ "skip rate", "{\"skiprate\":101,\"modelgroups\":[{\"values\":{\"*\":1}}]}", false, 0 },
		{ "rate of use", "{\"usefetchdatarate\":-1,\"modelgroups\":[{\"values\":{\"*\":1}}]}", false,
		  0 },
		{ "rate of another type",
		  "{\"usefetchdatarate\":\"1\",\"modelgroups\":[{\"values\":{\"*\":1}}]}", false, 0 },
		{ "weight", "{\"modelgroups\":[{\"modelweight\":0,\"values\":{\"*\":1}}]}", false, 0 },
		{ "array", "[]", false, 0 },
		{ "not JSON", "<html>", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct errtext why = { "" };
		struct floors_data *d = floors_data_parse(str_of(rows[i].text), 2, &why);

		CHECK(rows[i].why, (d != NULL) == rows[i].ok);
		CHECK(rows[i].why, d ? d->use_rate == rows[i].use_rate : why.text[0] != 0);
		floors_data_free(d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(precedence), cmocka_unit_test(facts),    cmocka_unit_test(matching),
		cmocka_unit_test(groups),     cmocka_unit_test(bad_keys), cmocka_unit_test(fetched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
