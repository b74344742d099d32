#include "idr/core/settings.h"

#include <math.h>

#include "common/mem.h"
#include "tests/check.h"

static struct settings parse(const char *text)
{
	struct settings s;
	struct errtext why = { "" };
	json_t *j = json_loads(text, 0, NULL);

	assert_non_null(j);
	if (settings_parse(j, &s, &why) < 0)
		fail_msg("%s: %s", text, why.text);
	json_decref(j);
	return s;
}

static void refusals(void **state)
{
	static const struct {
		const char *why, *text, *want;
	} rows[] = {
		{ "unknown key", "{\"max_bidder\":3}", "unknown setting \"max_bidder\"" },
		{ "not a whole number", "{\"max_bidders\":1.5}",
		  "max_bidders: expected a whole number in 0..256" },
		{ "two budgets", "{\"budget\":{\"calls\":1,\"share\":0.5}}",
		  "budget: expected an object with one of calls, share, price, kept" },
		{ "share over one", "{\"budget\":{\"share\":30}}", "budget: expected a number in 0.01..1" },
		{ "mode", "{\"mode\":\"off\"}", "mode: expected \"normal\", \"shadow\" or \"bypass\"" },
		{ "code list", "{\"never_include_bidders\":[\"a\",1]}",
		  "never_include_bidders: [1]: expected a bidder code" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct errtext why = { "" };
		struct settings s;
		json_t *j = json_loads(rows[i].text, 0, NULL);

		CHECK(rows[i].why, settings_parse(j, &s, &why) < 0);
		CHECK_STR(rows[i].why, str_of(why.text), rows[i].want);
		json_decref(j);
	}
}

static void hierarchy(void **state)
{
	struct settings_tree *t = settings_tree_new();
	struct settings global = parse("{\"anchors\":1,\"exploration_rate\":0.2}");
	struct settings pub = parse("{\"max_bidders\":7}");
	struct settings site = parse("{\"anchors\":5,\"mode\":\"shadow\"}");
	struct settings unit = parse("{\"max_bidders\":2}");
	struct settings scratch;
	struct context ctx = { .publisher = 11, .site = 22, .unit = 33 };
	const struct settings *s = settings_find(t, &ctx, &scratch);

	(void)state;
	CHECK("nothing set: the defaults", s->max_bidders == 15 && s->anchors == 3 && s->min_score == 25);
	settings_tree_set(t, 11, 0, 0, &pub);
	settings_tree_set(t, 0, 0, 0, &global);
	settings_tree_set(t, 11, 22, 0, &site);
	settings_tree_set(t, 11, 0, 33, &unit);
	s = settings_find(t, &ctx, &scratch);
	CHECK("ad unit over publisher", s->max_bidders == 2);
	CHECK("site over global", s->anchors == 5 && s->mode == ROUTE_SHADOW);
	CHECK("global over default", fabsf(s->exploration_rate - 0.2f) < 1e-6f);
	ctx.unit = 34;
	s = settings_find(t, &ctx, &scratch);
	CHECK("another ad unit of the site", s->max_bidders == 7 && s->anchors == 5);
	ctx.site = 0;
	s = settings_find(t, &ctx, &scratch);
	CHECK("no site named", s->max_bidders == 7 && s->anchors == 1 && s->mode == ROUTE_NORMAL);
	ctx.publisher = 12;
	s = settings_find(t, &ctx, &scratch);
	CHECK("another publisher", s->max_bidders == 15);
	settings_tree_free(t);
}

static void budgets(void **state)
{
	struct settings s, over = parse("{\"budget\":{\"share\":0.25}}");

	(void)state;
	settings_default(&s);
	settings_overlay(&s, &over, 77);
	CHECK("a budget lifts the rules of thumb", s.max_bidders > 256 && s.min_score == 0 && s.anchors == 0);
	CHECK("its price belongs to the level that set it", s.budget.scope == 77);
	settings_default(&s);
	over = parse("{\"max_bidders\":9}");
	settings_overlay(&s, &over, 0);
	over = parse("{\"budget\":{\"calls\":4},\"min_score_threshold\":30}");
	settings_overlay(&s, &over, 77);
	CHECK("but not a ceiling that was set", s.max_bidders == 9);
	CHECK("nor a threshold beside it", fabsf(s.min_score - 30) < 1e-6f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals),
		cmocka_unit_test(hierarchy),
		cmocka_unit_test(budgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
