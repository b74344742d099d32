#include "pbs/price/adjust.h"

#include <math.h>

#include "common/json.h"
#include "tests/check.h"

static json_t *parse(struct arena *a, const char *text)
{
	struct errtext why;

	return text ? arena_own_json(a, json_parse(str_of(text), &why)) : NULL;
}

static void factors(void **state)
{
	static const struct {
		const char *why, *factors, *seat, *bidder;
		double want;
	} rows[] = {
		{ "none", NULL, "acme", "acme", 1 },
		{ "by bidder, any case", "{\"ACME\":0.5}", "other", "acme", 0.5 },
		{ "the seat goes first, whatever the order", "{\"acme\":0.5,\"Other\":0.25}", "other", "acme",
		  0.25 },
		{ "somebody else's", "{\"x\":0.5}", "acme", "acme", 1 },
		{ "mistyped is none", "{\"acme\":\"0.5\"}", "acme", "acme", 1 },
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		CHECK(rows[i].why, adjust_factor(parse(a, rows[i].factors), str_of(rows[i].seat),
						 str_of(rows[i].bidder)) == rows[i].want);
	arena_free(a);
}

static void validity(void **state)
{
	static const struct {
		const char *why, *json;
		bool want;
	} rows[] = {
		{ "null", "null", true },
		{ "empty", "{}", true },
		{ "cpm", "[{\"adjtype\":\"cpm\",\"value\":1,\"currency\":\"USD\"}]", true },
		{ "cpm without currency", "[{\"adjtype\":\"cpm\",\"value\":1}]", false },
		{ "negative cpm", "[{\"adjtype\":\"cpm\",\"value\":-1,\"currency\":\"USD\"}]", false },
		{ "static", "[{\"adjtype\":\"static\",\"value\":0,\"currency\":\"USD\"}]", true },
		{ "static without currency", "[{\"adjtype\":\"static\",\"value\":0,\"currency\":\"\"}]",
		  false },
		{ "multiplier needs no currency", "[{\"adjtype\":\"multiplier\",\"value\":99.9}]", true },
		{ "multiplier 100", "[{\"adjtype\":\"multiplier\",\"value\":100}]", false },
		{ "multiplier below 0", "[{\"adjtype\":\"multiplier\",\"value\":-0.1}]", false },
		{ "no value is 0", "[{\"adjtype\":\"multiplier\"}]", true },
		{ "unknown type", "[{\"adjtype\":\"bonus\",\"value\":1}]", false },
		{ "null list", "null", false },
		{ "empty list", "[]", true },
		{ "value of another type", "[{\"adjtype\":\"multiplier\",\"value\":\"1\"}]", false },
		{ "entry of another type", "[1]", false },
		{ "one bad entry spoils all", "[{\"adjtype\":\"multiplier\",\"value\":1},{}]", false },
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *text = i < 2 ? rows[i].json
					 : arena_printf(a, "{\"mediatype\":{\"banner\":{\"b\":{\"d\":%s}}}}",
							rows[i].json);
		json_t *wrapped = parse(a, arena_printf(a, "[%s]", text));

		CHECK(rows[i].why, adjust_rules_are_valid(json_array_get(wrapped, 0)) == rows[i].want);
	}
	CHECK("null bidder", !adjust_rules_are_valid(parse(a, "{\"mediatype\":{\"*\":{\"b\":null}}}")));
	CHECK("null medium is absent", adjust_rules_are_valid(parse(a, "{\"mediatype\":{\"*\":null}}")));
	CHECK("unknown media are dropped", adjust_rules_are_valid(parse(a, "{\"mediatype\":{\"video\":7}}")));
	CHECK("no object", !adjust_rules_are_valid(parse(a, "[]")));
	arena_free(a);
}

#define MULTIPLY(x) "[{\"adjtype\":\"multiplier\",\"value\":" x "}]"

/* Each of the eight keys has its own multiplier; the bid starts at 1. */
static void lookup_order(void **state)
{
	static const char all[] =
		"{\"mediatype\":{"
		"\"banner\":{\"b\":{\"d\":" MULTIPLY("11") ",\"*\":" MULTIPLY(
			"12") "},"
			      "\"*\":{\"d\":" MULTIPLY("13") ",\"*\":" MULTIPLY(
				      "15") "}},"
					    "\"*\":{\"b\":{\"d\":" MULTIPLY("14") ",\"*\":" MULTIPLY(
						    "16") "},"
							  "\"*\":{\"d\":" MULTIPLY("17") ",\"*\":" MULTIPLY(
								  "18") "}}}}";
	static const struct {
		const char *why, *gone; /* media|bidder|deal taken out before this row, cumulative */
		double with_deal, without;
	} rows[] = {
		{ "medium, bidder, deal", NULL, 11, 12 },
		{ "then any deal", "banner|b|d", 12, 12 },
		{ "then any bidder with the deal; without: any bidder", "banner|b|*", 13, 15 },
		{ "then any medium", "banner|*|d", 14, 15 },
		{ "then the medium alone", "*|b|d", 15, 15 },
		{ "then the bidder alone", "banner|*|*", 16, 16 },
		{ "then the deal alone", "*|b|*", 17, 18 },
		{ "then anything", "*|*|d", 18, 18 },
		{ "then nothing", "*|*|*", 1, 1 },
	};
	struct arena *a = arena_new();
	json_t *tree = parse(a, all);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct adjust_rules rules;
		struct currency_rates none = { 0 };

		if (rows[i].gone) {
			struct str rest = str_of(rows[i].gone), m = str_cut(&rest, '|'),
				   b = str_cut(&rest, '|');
			json_t *media = json_object_getn(json_object_get(tree, "mediatype"), m.p, m.n);

			json_object_del(json_object_getn(media, b.p, b.n), rest.p);
		}
		adjust_rules_merge(tree, NULL, a, &rules);
		CHECK(rows[i].why, adjust_apply(&rules, STR("banner"), STR("b"), STR("d"), 1, STR("USD"),
						&none) == rows[i].with_deal);
		CHECK(rows[i].why, adjust_apply(&rules, STR("banner"), STR("b"), STR(""), 1, STR("USD"),
						&none) == rows[i].without);
	}
	arena_free(a);
}

static void application(void **state)
{
	static const struct {
		const char *why, *list;
		double price;
		const char *deal;
		double want;
	} rows[] = {
		{ "in order",
		  "[{\"adjtype\":\"multiplier\",\"value\":0.5},{\"adjtype\":\"cpm\",\"value\":0.2,"
		  "\"currency\":\"USD\"}]",
		  2.0, "", 0.8 },
		{ "static", "[{\"adjtype\":\"static\",\"value\":3,\"currency\":\"USD\"}]", 2, "", 3 },
		{ "static in another currency is converted",
		  "[{\"adjtype\":\"static\",\"value\":3,\"currency\":\"EUR\"}]", 2, "", 6 },
		{ "below zero without a deal", "[{\"adjtype\":\"cpm\",\"value\":5,\"currency\":\"USD\"}]", 2,
		  "", 0.1 },
		{ "below zero with a deal", "[{\"adjtype\":\"cpm\",\"value\":5,\"currency\":\"USD\"}]", 2,
		  "d", 0 },
		{ "cpm converted", "[{\"adjtype\":\"cpm\",\"value\":0.5,\"currency\":\"EUR\"}]", 2, "", 1 },
		{ "no rate undoes the whole list",
		  "[{\"adjtype\":\"multiplier\",\"value\":0.5},{\"adjtype\":\"cpm\",\"value\":1,\"currency\":"
		  "\"JPY\"}]",
		  2, "", 2 },
		{ "a zero bid that could not be changed stays",
		  "[{\"adjtype\":\"cpm\",\"value\":1,\"currency\":\"JPY\"}]", 0, "", 0 },
		{ "rounded to four decimals", "[{\"adjtype\":\"multiplier\",\"value\":0.33333}]", 1, "",
		  0.3333 },
		{ "an empty list changes nothing", "[]", 0, "", 0 },
	};
	struct arena *a = arena_new();
	struct currency_table *t = currency_table_from_json(parse(a, "{\"EUR\":{\"USD\":2}}"));
	struct currency_rates rates = { .server = t };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct adjust_rules rules;
		double got;

		adjust_rules_merge(
			parse(a, arena_printf(a, "{\"mediatype\":{\"*\":{\"*\":{\"*\":%s}}}}", rows[i].list)),
			NULL, a, &rules);
		got = adjust_apply(&rules, STR("native"), STR("b"), str_of(rows[i].deal), rows[i].price,
				   STR("USD"), &rates);
		CHECK(rows[i].why, fabs(got - rows[i].want) < 1e-12);
	}
	currency_table_free(t);
	arena_free(a);
}

static void request_over_account(void **state)
{
	struct arena *a = arena_new();
	json_t *request = parse(a, "{\"mediatype\":{\"banner\":{\"b\":{\"d\":" MULTIPLY("2") "}}}}");
	json_t *account =
		parse(a, "{\"mediatype\":{\"banner\":{\"b\":{\"d\":" MULTIPLY("3") ",\"*\":" MULTIPLY(
				 "4") "},\"c\":{\"*\":" MULTIPLY("5") "}},\"native\":{\"*\":{\"*"
								      "\":" MULTIPLY("6") "}}}}");
	static const struct {
		const char *why, *media, *bidder, *deal;
		double want;
	} rows[] = {
		{ "the request wins", "banner", "b", "d", 2 },
		{ "missing deal from the account", "banner", "b", "other", 4 },
		{ "missing bidder from the account", "banner", "c", "", 5 },
		{ "missing medium from the account", "native", "x", "", 6 },
		{ "bidder names keep their case", "banner", "B", "d", 1 },
	};
	struct currency_rates none = { 0 };
	struct adjust_rules rules;

	(void)state;
	adjust_rules_merge(request, account, a, &rules);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		CHECK(rows[i].why, adjust_apply(&rules, str_of(rows[i].media), str_of(rows[i].bidder),
						str_of(rows[i].deal), 1, STR("USD"), &none) == rows[i].want);
	CHECK("the request is not changed",
	      !json_at(request, "mediatype.banner.c") &&
		      json_object_size(json_at(request, "mediatype.banner.b")) == 1);
	adjust_rules_merge(NULL, NULL, a, &rules);
	CHECK("no rules", adjust_apply(&rules, STR("banner"), STR("b"), STR(""), 0, STR("USD"), &none) == 0);
	arena_free(a);
}

static void media_keys(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	CHECK_STR("banner", adjust_media_key(STR("banner"), NULL), "banner");
	CHECK_STR("video without placement", adjust_media_key(STR("video"), parse(a, "{\"video\":{}}")),
		  "video-instream");
	CHECK_STR("plcmt 2", adjust_media_key(STR("video"), parse(a, "{\"video\":{\"plcmt\":2}}")),
		  "video-outstream");
	CHECK_STR("plcmt 3", adjust_media_key(STR("video"), parse(a, "{\"video\":{\"plcmt\":3}}")),
		  "video-instream");
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(factors),
		cmocka_unit_test(validity),
		cmocka_unit_test(lookup_order),
		cmocka_unit_test(application),
		cmocka_unit_test(request_over_account),
		cmocka_unit_test(media_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
