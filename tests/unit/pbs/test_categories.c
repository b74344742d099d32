#include "pbs/exchange/categories.h"

#include "common/json.h"
#include "tests/check.h"

static json_t *parse(struct arena *a, const char *text)
{
	struct errtext why;

	return text ? json_array_get(
			      arena_own_json(a, json_parse(str_of(arena_printf(a, "[%s]", text)), &why)), 0)
		    : NULL;
}

static void settings(void **state)
{
	static const struct {
		const char *why, *json, *ad_server, *want; /* want: the refusal */
	} rows[] = {
		{ "freewheel", "{\"withcategory\":true,\"primaryadserver\":1}", "freewheel", NULL },
		{ "dfp", "{\"withcategory\":true,\"primaryadserver\":2}", "dfp", NULL },
		{ "unknown", "{\"withcategory\":true,\"primaryadserver\":3}", "",
		  "Primary ad server 3 not recognized" },
		{ "missing", "{\"withcategory\":true}", "", "Primary ad server 0 not recognized" },
		{ "not needed without translation", "{\"withcategory\":true,\"translatecategories\":false}",
		  "", NULL },
		{ "not needed without category", "{}", "", NULL },
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct categories c = { 0 };
		struct errtext why = { "" };
		int rc = categories_parse(parse(a, rows[i].json), &c, &why);

		CHECK(rows[i].why, (rc == 0) == !rows[i].want);
		CHECK_STR(rows[i].why, c.ad_server, rows[i].ad_server);
		if (rows[i].want)
			CHECK_STR(rows[i].why, str_of(why.text), rows[i].want);
	}
	arena_free(a);
}

#define FILE_MISSING                                                                                         \
	"bid rejected [bid ID: b0] reason: Category mapping file for primary ad server: 'dfp', publisher: "  \
	"'p' not found"

static void keys_and_twins(void **state)
{
	static const char translated[] = "{\"withcategory\":true,\"primaryadserver\":2,\"publisher\":\"p\"}";
	static const char plain[] = "{\"withcategory\":true,\"translatecategories\":false}";
	static const struct {
		const char *why, *brand, *targeting;
		struct {
			const char *cat;
			double price;
			int duration;
			const char *video_category;
		} bids[2];
		const char *want[2], *message;
		int nonbid; /* of the rejected one */
	} rows[] = {
		{ "translated",
		  translated,
		  "{}",
		  { { "[\"IAB1-1\"]", 10.55, 20, "" } },
		  { "10.50_Sports_20s" },
		  "",
		  0 },
		{ "not in the file",
		  translated,
		  "{}",
		  { { "[\"IAB9\"]", 10, 20, "" } },
		  { NULL },
		  FILE_MISSING,
		  303 },
		{ "no translation",
		  plain,
		  "{}",
		  { { "[\"IAB9\"]", 10, 20, "" } },
		  { "10.00_IAB9_20s" },
		  "",
		  0 },
		{ "no category",
		  plain,
		  "{}",
		  { { "[]", 10, 20, "" } },
		  { NULL },
		  "bid rejected [bid ID: b0] reason: Bid did not contain a category",
		  303 },
		{ "two categories",
		  plain,
		  "{}",
		  { { "[\"a\",\"b\"]", 10, 20, "" } },
		  { NULL },
		  "bid rejected [bid ID: b0] reason: Bid did not contain a category",
		  303 },
		{ "the adapter's own category",
		  translated,
		  "{}",
		  { { "[]", 10, 20, "Cars" } },
		  { "10.00_Cars_20s" },
		  "",
		  0 },
		{ "without category", "{}", "{}", { { "[]", 10, 20, "" } }, { "10.00_20s" }, "", 0 },
		{ "bidder names",
		  "{}",
		  "{\"appendbiddernames\":true}",
		  { { "[]", 10, 20, "" } },
		  { "10.00_20s_acme" },
		  "",
		  0 },
		{ "smallest slot that fits",
		  "{}",
		  "{\"durationrangesec\":[60,30,15]}",
		  { { "[]", 10, 20, "" } },
		  { "10.00_30s" },
		  "",
		  0 },
		{ "too long",
		  "{}",
		  "{\"durationrangesec\":[15,30]}",
		  { { "[]", 10, 31, "" } },
		  { NULL },
		  "bid rejected [bid ID: b0] reason: bid duration exceeds maximum allowed",
		  300 },
		{ "the newer twin is worth more",
		  plain,
		  "{}",
		  { { "[\"c\"]", 1, 20, "" }, { "[\"c\"]", 2, 30, "" } },
		  { NULL, "2.00_c_30s" },
		  "bid rejected [bid ID: b0] reason: Bid was deduplicated",
		  302 },
		{ "the older twin is worth more",
		  plain,
		  "{}",
		  { { "[\"c\"]", 2, 20, "" }, { "[\"c\"]", 1, 30, "" } },
		  { "2.00_c_20s", NULL },
		  "bid rejected [bid ID: b1] reason: Bid was deduplicated",
		  302 },
		{ "without category another duration is no twin",
		  "{}",
		  "{}",
		  { { "[]", 2, 20, "" }, { "[]", 2, 30, "" } },
		  { "2.00_20s", "2.00_30s" },
		  "",
		  0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *a = arena_new();
		struct str acme = STR("acme");
		struct bid *bids[2] = { NULL, NULL };
		struct categories c;
		struct targeting t;
		struct seats seats;
		struct messages m;
		struct nonbids nb;
		struct errtext why;
		struct rng rng;
		size_t n_kept = 0;

		rng_seed(&rng, 1);
		messages_init(&m, a);
		nonbids_init(&nb, a, NULL, 0);
		seats_init(&seats, a);
		for (size_t k = 0; k < 2 && rows[i].bids[k].cat; k++) {
			bids[k] = bid_new(a,
					  parse(a, arena_printf(a, "{\"id\":\"b%zu\",\"cat\":%s}", k,
								rows[i].bids[k].cat)),
					  BID_VIDEO);
			bids[k]->price = rows[i].bids[k].price;
			bids[k]->video_duration = rows[i].bids[k].duration;
			bids[k]->video_category = str_of(rows[i].bids[k].video_category);
			seat_add(&seats, seats_get(&seats, acme, acme, acme), bids[k]);
		}
		CHECK(rows[i].why, targeting_parse(parse(a, rows[i].targeting), a, &t, &why) == 0);
		CHECK(rows[i].why, categories_parse(parse(a, rows[i].brand), &c, &why) == 0);
		categories_apply(&c, parse(a, "{\"IAB1-1\":{\"id\":\"Sports\"}}"), &t, &seats, &rng, &nb, &m,
				 a);
		for (size_t k = 0; k < 2 && bids[k]; k++) {
			CHECK(rows[i].why, bids[k]->dropped == !rows[i].want[k]);
			CHECK_STR(rows[i].why, bids[k]->cat_dur, rows[i].want[k] ? rows[i].want[k] : "");
			CHECK(rows[i].why, !bids[k]->dropped || bids[k]->nonbid == rows[i].nonbid);
			n_kept += !bids[k]->dropped;
		}
		CHECK(rows[i].why, seats.seats[0]->n_bids == n_kept);
		CHECK_STR(rows[i].why, m.buckets ? m.buckets->first->text : STR(""), rows[i].message);
		arena_free(a);
	}
}

static void tiers(void **state)
{
	static const struct {
		const char *why, *tier, *multibid;
		int priority;
		unsigned rank;
		bool want;
		const char *cat_dur, *message;
	} rows[] = {
		{ "reached", "{\"prefix\":\"tier\",\"minDealTier\":5}", "[]", 7, 1, true, "tier7_Sports_30s",
		  "" },
		{ "exactly", "{\"prefix\":\"tier\",\"minDealTier\":5}", "[]", 5, 1, true, "tier5_Sports_30s",
		  "" },
		{ "not reached", "{\"prefix\":\"tier\",\"minDealTier\":5}", "[]", 4, 1, false,
		  "10.00_Sports_30s", "" },
		{ "no priority", "{\"prefix\":\"tier\",\"minDealTier\":5}", "[]", 0, 1, false,
		  "10.00_Sports_30s", "" },
		{ "no prefix", "{\"minDealTier\":5}", "[]", 7, 1, false, "10.00_Sports_30s",
		  "dealTier configuration invalid for bidder 'acme', imp ID '1'" },
		{ "no tier", "{\"prefix\":\"tier\"}", "[]", 7, 1, false, "10.00_Sports_30s",
		  "dealTier configuration invalid for bidder 'acme', imp ID '1'" },
		{ "no configuration", "null", "[]", 7, 1, false, "10.00_Sports_30s",
		  "dealTier configuration invalid for bidder 'acme', imp ID '1'" },
		{ "only the best bid", "{\"prefix\":\"tier\",\"minDealTier\":5}", "[]", 7, 2, false,
		  "10.00_Sports_30s", "" },
		{ "multibid with a prefix", "{\"prefix\":\"tier\",\"minDealTier\":5}",
		  "[{\"bidder\":\"acme\",\"maxbids\":2,\"targetbiddercodeprefix\":\"x\"}]", 7, 2, true,
		  "tier7_Sports_30s", "" },
		{ "multibid without", "{\"prefix\":\"tier\",\"minDealTier\":5}",
		  "[{\"bidder\":\"acme\",\"maxbids\":2}]", 7, 2, false, "10.00_Sports_30s", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *a = arena_new();
		struct bid *b = bid_new(a, parse(a, "{\"id\":\"b\",\"impid\":\"1\"}"), BID_VIDEO);
		struct ranked ranked = { b, rows[i].rank };
		struct ranking ranking = { &ranked, 1 };
		struct multibid mb;
		struct messages m;
		json_t *imps = parse(
			a,
			arena_printf(a, "[{\"ext\":{\"prebid\":{\"bidder\":{\"acme\":{\"dealTier\":%s}}}}}]",
				     rows[i].tier));

		messages_init(&m, a);
		multibid_read(parse(a, rows[i].multibid), a, &mb);
		b->imp = 0;
		b->bidder = b->seat = STR("acme");
		b->deal_priority = rows[i].priority;
		b->cat_dur = STR("10.00_Sports_30s");
		deal_tiers_apply(&ranking, &mb, imps, &m, a);
		CHECK(rows[i].why, b->deal_tier_satisfied == rows[i].want);
		CHECK_STR(rows[i].why, b->cat_dur, rows[i].cat_dur);
		CHECK_STR(rows[i].why, m.buckets ? m.buckets->first->text : STR(""), rows[i].message);
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings),
		cmocka_unit_test(keys_and_twins),
		cmocka_unit_test(tiers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
