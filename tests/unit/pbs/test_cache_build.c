#include "pbs/exchange/cache_build.h"

#include <stdlib.h>

#include "common/json.h"
#include "tests/check.h"

static json_t *parse(struct arena *a, const char *text)
{
	struct errtext why;

	return text ? json_array_get(
			      arena_own_json(a, json_parse(str_of(arena_printf(a, "[%s]", text)), &why)), 0)
		    : NULL;
}

static void ttls(void **state)
{
	static const struct {
		const char *why;
		int64_t imp, bid, fallback, want;
	} rows[] = {
		{ "the smaller", 300, 120, 0, 180 },
		{ "only the imp's", 300, 0, 600, 360 },
		{ "only the bid's", 0, 30, 600, 90 },
		{ "neither: the default", 0, 0, 600, 660 },
		{ "the default does not cut a longer one", 900, 0, 600, 960 },
		{ "nothing", 0, 0, 0, 0 },
		{ "negative is nothing", -5, -1, 0, 0 },
		{ "absurd is bounded", INT64_MAX, 0, 0, INT32_MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		CHECK(rows[i].why, cache_ttl(rows[i].imp, rows[i].bid, rows[i].fallback) == rows[i].want);
}

static void creatives(void **state)
{
	static const struct {
		const char *why, *cache;
		bool want;
	} rows[] = {
		{ "default", "{\"bids\":{}}", true },
		{ "bids false, vast true",
		  "{\"bids\":{\"returnCreative\":false},\"vastxml\":{\"returnCreative\":true}}", true },
		{ "bids false only", "{\"bids\":{\"returnCreative\":false}}", false },
		{ "vast false only", "{\"bids\":{},\"vastxml\":{\"returnCreative\":false}}", false },
		{ "both false",
		  "{\"bids\":{\"returnCreative\":false},\"vastxml\":{\"returnCreative\":false}}", false },
		{ "no cache", NULL, true },
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct cache_plan p;

		cache_plan_parse(parse(a, rows[i].cache), &p);
		CHECK(rows[i].why, p.keep_creative == rows[i].want);
	}
	arena_free(a);
}

/* One banner that wins imp 1, one video that loses it. */
struct fixture {
	struct arena *a;
	struct seats seats;
	struct bid *banner, *video;
	struct ranking ranking;
	struct messages m;
	struct targeting t;
	struct cache_plan plan;
};

static void fixture_init(struct fixture *f)
{
	struct errtext why;
	struct str acme = STR("acme");

	f->a = arena_new();
	messages_init(&f->m, f->a);
	seats_init(&f->seats, f->a);
	f->banner = bid_new(f->a, parse(f->a, "{\"id\":\"b1\",\"impid\":\"1\",\"price\":2,\"adm\":\"x\"}"),
			    BID_BANNER);
	f->video = bid_new(
		f->a, parse(f->a, "{\"id\":\"b2\",\"impid\":\"1\",\"price\":1,\"nurl\":\"//n\",\"exp\":30}"),
		BID_VIDEO);
	f->banner->imp = f->video->imp = 0;
	f->banner->price = 2.5;
	seat_add(&f->seats, seats_get(&f->seats, acme, acme, acme), f->banner);
	seat_add(&f->seats, seats_get(&f->seats, acme, acme, acme), f->video);
	winners_choose(&f->seats, false, 0, f->a, &f->ranking);
	CHECK("targeting", targeting_parse(parse(f->a, "{}"), f->a, &f->t, &why) == 0);
	cache_plan_parse(parse(f->a, "{\"bids\":{},\"vastxml\":{}}"), &f->plan);
}

#define WRAPPER(nurl, imp)                                                                                   \
	"<VAST version=\"3.0\"><Ad><Wrapper><AdSystem>prebid.org "                                           \
	"wrapper</AdSystem><VASTAdTagURI><![CDATA[" nurl "]]></VASTAdTagURI><Impression>" imp                \
	"</Impression><Creatives></Creatives></Wrapper></Ad></VAST>"
#define JSON_WRAPPER                                                                                         \
	"<VAST version=\\\"3.0\\\"><Ad><Wrapper><AdSystem>prebid.org "                                       \
	"wrapper</AdSystem><VASTAdTagURI><![CDATA[//n"                                                       \
	"]]></VASTAdTagURI><Impression></Impression><Creatives></Creatives></Wrapper></Ad></VAST>"

static void bodies(void **state)
{
	static const char banner[] = "{\"type\":\"json\",\"ttlseconds\":560,\"value\":{\"id\":\"b1\","
				     "\"impid\":\"1\",\"price\":2.5,"
				     "\"adm\":\"x\"}}";
	static const char banner_wurl[] = "{\"type\":\"json\",\"ttlseconds\":560,\"value\":{\"id\":\"b1\","
					  "\"impid\":\"1\",\"price\":2.5,\"adm\":\"x\","
					  "\"wurl\":\"http://e/event?t=win&b=b1&a=acc&bidder=acme\"}}";
	static const char video[] =
		"{\"type\":\"json\",\"ttlseconds\":90,\"value\":{\"id\":\"b2\",\"impid\":\"1\",\"price\":1,"
		"\"nurl\":\"//n\",\"exp\":30}}";
	static const char vast[] = "{\"type\":\"xml\",\"ttlseconds\":90,\"value\":\"" JSON_WRAPPER "\"}";
	static const char vast_key[] = "{\"type\":\"xml\",\"ttlseconds\":90,\"value\":\"" JSON_WRAPPER
				       "\",\"key\":\"1.00_x_30s_uu\"}";
	static const struct {
		const char *why;
		bool bids, vast, winners_only, events;
		const char *cat_dur;
		const char *want[4];
		size_t n_messages;
	} rows[] = {
		{ "both kinds", true, true, false, false, "", { banner, video, vast }, 0 },
		{ "winners", true, true, true, false, "", { banner }, 0 },
		{ "vast of video bids", false, true, false, false, "", { vast }, 0 },
		{ "win url", true, false, true, true, "", { banner_wurl }, 0 },
		{ "category key", false, true, false, false, "1.00_x_30s", { vast_key }, 0 },
		{ "category key on a bid",
		  true,
		  true,
		  false,
		  false,
		  "1.00_x_30s",
		  { banner, video, vast_key },
		  1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fixture f;
		struct events ev = { .active = rows[i].events,
				     .external_url = STR("http://e"),
				     .account = STR("acc") };
		struct cache_job job;
		const char *want = "{\"puts\":[";

		fixture_init(&f);
		f.plan.bids = rows[i].bids;
		f.plan.vast = rows[i].vast;
		f.plan.account_ttl[BID_BANNER] = 500;
		f.plan.host_ttl[BID_BANNER] = 700;
		f.t.include_bidder_keys = !rows[i].winners_only;
		f.video->cat_dur = str_of(rows[i].cat_dur);
		cache_build(&job, &f.plan, &f.t, &f.ranking, parse(f.a, "[{\"id\":\"1\"}]"), &ev, STR("uu"),
			    f.a, &f.m);
		for (size_t k = 0; rows[i].want[k]; k++)
			want = arena_printf(f.a, "%s%s%s", want, k ? "," : "", rows[i].want[k]);
		CHECK_STR(rows[i].why, buf_str(&job.body), arena_printf(f.a, "%s]}", want));
		CHECK(rows[i].why, f.m.n == rows[i].n_messages);
		cache_job_deinit(&job);
		arena_free(f.a);
	}
}

static void nothing_to_cache(void **state)
{
	struct fixture f;
	struct events off = { 0 };
	struct cache_job job;

	(void)state;
	fixture_init(&f);
	f.t.include_winners = f.t.include_bidder_keys = false;
	cache_build(&job, &f.plan, &f.t, &f.ranking, NULL, &off, STR("uu"), f.a, &f.m);
	CHECK("without targeting keys nobody could find it", job.n_items == 0 && job.body.n == 0);
	cache_job_deinit(&job);
	arena_free(f.a);
}

static void answers(void **state)
{
	static const struct {
		const char *why;
		int status;
		const char *body, *bid_id, *vast_id, *message;
	} rows[] = {
		{ "in order", 200, "{\"responses\":[{\"uuid\":\"a\"},{\"uuid\":\"b\"},{\"uuid\":\"c\"}]}",
		  "a", "c", "" },
		{ "category uuid", 200,
		  "{\"responses\":[{\"uuid\":\"a\"},{\"uuid\":\"b\"},{\"uuid\":\"1.00_x_uu\"}]}", "a", "uu",
		  "" },
		{ "refused", 503, "busy", "", "", "Prebid Cache call to http://c/cache returned 503: busy" },
		{ "no JSON", 200, "oops", "", "",
		  "Error interpreting Prebid Cache response: line 1 column 1: expected a value\nResponse "
		  "was: oops" },
		{ "no list", 200, "{}", "", "",
		  "Error interpreting Prebid Cache response: Key path not found\nResponse was: {}" },
		{ "one bad value", 200, "{\"responses\":[{\"uuid\":1},{\"uuid\":\"b\"},{\"uuid\":\"c\"}]}",
		  "", "c",
		  "Prebid Cache returned a bad value at index 0. Error was: Key path not found. Response "
		  "body was: "
		  "{\"responses\":[{\"uuid\":1},{\"uuid\":\"b\"},{\"uuid\":\"c\"}]}" },
		{ "too few", 200, "{\"responses\":[{\"uuid\":\"a\"},{\"uuid\":\"b\"}]}", "a", "",
		  "Prebid Cache returned a bad value at index 2. Error was: Key path not found. Response "
		  "body was: "
		  "{\"responses\":[{\"uuid\":\"a\"},{\"uuid\":\"b\"}]}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fixture f;
		struct events off = { 0 };
		struct cache_job job;
		struct str message;

		fixture_init(&f);
		f.video->cat_dur = STR("1.00_x");
		cache_build(&job, &f.plan, &f.t, &f.ranking, NULL, &off, STR("uu"), f.a, NULL);
		cache_read_answer(&job, STR("http://c/cache"), rows[i].status, str_of(rows[i].body), f.a,
				  &f.m);
		message = f.m.buckets ? f.m.buckets->first->text : STR("");
		CHECK_STR(rows[i].why, f.banner->cache_bid_id, rows[i].bid_id);
		CHECK_STR(rows[i].why, f.video->cache_vast_id, rows[i].vast_id);
		CHECK(rows[i].why, f.banner->uncached == !rows[i].bid_id[0]);
		if (strcmp(rows[i].why, "no JSON") != 0) /* its wording is the JSON reader's */
			CHECK_STR(rows[i].why, message, rows[i].message);
		cache_job_deinit(&job);
		arena_free(f.a);
	}
}

static void failure_and_rendering(void **state)
{
	static const struct {
		const char *why, *scheme, *host, *path, *want;
	} rows[] = {
		{ "full", "https", "c.example", "/cache", "https://c.example/cache?uuid=u" },
		{ "no scheme", "", "c.example", "/cache", "c.example/cache?uuid=u" },
		{ "no host", "https", "", "/cache", "" },
	};
	struct fixture f;
	struct cache_job job = { .n_items = 3, .body = { .n = 77 } };

	(void)state;
	fixture_init(&f);
	cache_report_failure(&job, "timeout", 12, &f.m);
	CHECK_STR("failure", f.m.buckets->first->text,
		  "Error sending the request to Prebid Cache: timeout; Duration=12ms, Items=3, Payload "
		  "Size=77");
	CHECK("not cached", !cache_render(&f.plan, f.banner, f.a));
	f.banner->cache_vast_id = STR("u");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		json_t *j;

		f.plan.external_scheme = str_of(rows[i].scheme);
		f.plan.external_host = str_of(rows[i].host);
		f.plan.external_path = str_of(rows[i].path);
		j = arena_own_json(f.a, cache_render(&f.plan, f.banner, f.a));
		CHECK_STR(rows[i].why, json_str_at(j, "bids.url"), rows[i].want);
		CHECK_STR(rows[i].why, json_str_at(j, "bids.cacheId"), "u");
		CHECK(rows[i].why, json_object_size(j) == 3);
	}
	arena_free(f.a);
}

static void event_urls(void **state)
{
	struct fixture f;
	struct events ev = { .active = true,
			     .external_url = STR("http://e"),
			     .account = STR("acc"),
			     .integration = STR("p b/js"),
			     .auction_start_ms = 17 };
	char *text;
	json_t *j;

	(void)state;
	fixture_init(&f);
	f.banner->generated_id = STR("g&1");
	j = arena_own_json(f.a, events_render(&ev, f.banner, f.a));
	text = json_text(j);
	CHECK_STR("win and imp", str_of(text),
		  "{\"win\":\"http://e/event?t=win&b=g&1&a=acc&bidder=acme&int=p+b%2Fjs&ts=17\","
		  "\"imp\":\"http://e/event?t=imp&b=g&1&a=acc&bidder=acme&int=p+b%2Fjs&ts=17\"}");
	free(text);
	CHECK("video bids have none", !events_render(&ev, f.video, f.a));
	ev.active = false;
	CHECK("off", !events_render(&ev, f.banner, f.a));
	arena_free(f.a);
}

#define URL "http://e/event?t=imp&b=v&a=acc&bidder=acme&f=b"

static void vast_injection(void **state)
{
	static const struct {
		const char *why, *adm, *nurl;
		bool may_modify;
		const char *want; /* empty: untouched */
	} rows[] = {
		{ "an empty one is filled", "<V><Impression></Impression></V>", "", true,
		  "<V><Impression><![CDATA[" URL "]]></Impression></V>" },
		{ "a new one follows the first",
		  "<V><Impression>x</Impression><Impression>y</Impression></V>", "", true,
		  "<V><Impression>x</Impression><Impression><![CDATA[" URL
		  "]]></Impression><Impression>y</Impression></V>" },
		{ "with attributes", "<V><Impression id=\\\"1\\\">x</Impression></V>", "", true,
		  "<V><Impression id=\"1\">x</Impression><Impression><![CDATA[" URL "]]></Impression></V>" },
		{ "none, none", "<V></V>", "", true, "" },
		{ "not allowed", "<V><Impression></Impression></V>", "", false, "" },
		{ "from nurl", "", "//n", true, WRAPPER("//n", "<![CDATA[" URL "]]>") },
		{ "no creative at all", "", "", true, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *a = arena_new();
		struct events ev = { .active = true, .external_url = STR("http://e"), .account = STR("acc") };
		struct bid *b =
			bid_new(a,
				parse(a, arena_printf(a, "{\"id\":\"v\",\"adm\":\"%s\",\"nurl\":\"%s\"}",
						      rows[i].adm, rows[i].nurl)),
				BID_VIDEO);

		b->seat = STR("acme");
		events_inject_vast(&ev, b, rows[i].may_modify, a);
		CHECK_STR(rows[i].why, b->vast_adm, rows[i].want);
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ttls),       cmocka_unit_test(creatives),
		cmocka_unit_test(bodies),     cmocka_unit_test(nothing_to_cache),
		cmocka_unit_test(answers),    cmocka_unit_test(failure_and_rendering),
		cmocka_unit_test(event_urls), cmocka_unit_test(vast_injection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
