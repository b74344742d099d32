#include "pbs/openrtb/enrich.h"

#include "tests/unit/pbs/request_fixture.h"

#define NONE                                                                                                 \
	{                                                                                                    \
		.dnt = { NULL, 0 }                                                                           \
	}
#define BASE "{'id':'r','imp':[{'id':'1','banner':{'w':300,'h':250}}]}"

static const struct enrich_rules defaults = { .auto_gen_source_tid = false };

static json_t *run(const char *why, const char *patch, const struct enrich_http *http,
		   const struct enrich_rules *rules, struct messages *m, int *ret_err)
{
	json_t *req = request_of(why, BASE, patch);
	struct rng rng;

	rng_seed(&rng, 1);
	CHECK(why, ext_decode(req, m) == 0);
	*ret_err = enrich(req, http, rules, &rng, m);
	return req;
}

static const struct {
	const char *why, *patch;
	struct enrich_http http;
	const char *path, *want;
} rows[] = {
	{ "a site is assumed", "{}", NONE, "site", "{'ext':{'amp':0}}" },
	{ "not beside an app", "{'app':{}}", NONE, "site", "-" },
	{ "not beside dooh", "{'dooh':{'id':'1'}}", NONE, "site", "-" },
	{ "referer fills the page",
	  "{}",
	  { .referer = STR("http://www.a.co.uk:81/p?q") },
	  "site",
	  "{'page':'http://www.a.co.uk:81/p?q','domain':'www.a.co.uk:81','publisher':{'domain':'a.co.uk'},"
	  "'ext':{'amp':0}}" },
	{ "the page itself", "{'site':{'page':'https://user@B.Example.com'}}", NONE, "site",
	  "{'page':'https://"
	  "user@B.Example.com','domain':'B.Example.com','publisher':{'domain':'Example.com'},"
	  "'ext':{'amp':0}}" },
	{ "what is given stays",
	  "{'site':{'page':'p','domain':'d','publisher':{'domain':'e'},'ext':{'amp':1}}}",
	  { .referer = STR("http://x.example/") },
	  "site",
	  "{'page':'p','domain':'d','publisher':{'domain':'e'},'ext':{'amp':1}}" },
	{ "a page without scheme has no host", "{'site':{'page':'a.com/x'}}", NONE, "site.domain", "-" },
	{ "an address has no registrable domain",
	  "{}",
	  { .referer = STR("http://192.0.2.1/") },
	  "site.publisher",
	  "-" },
	{ "bytes that are no text", "{}", { .user_agent = STR("a\xff") }, "device.ua", "'a?'" },
	{ "user agent", "{}", { .user_agent = STR("UA") }, "device.ua", "'UA'" },
	{ "user agent given", "{'device':{'ua':'x'}}", { .user_agent = STR("UA") }, "device.ua", "'x'" },
	{ "dnt", "{}", { .dnt = STR("1") }, "device.dnt", "1" },
	{ "dnt given", "{'device':{'dnt':0}}", { .dnt = STR("1") }, "device.dnt", "0" },
	{ "dnt of another kind", "{}", { .dnt = STR("null") }, "device", "-" },
	{ "forwarded-for, left to right",
	  "{}",
	  { .x_forwarded_for = STR("10.0.0.1, 8.8.8.8"), .peer_ip = STR("127.0.0.1") },
	  "device.ip",
	  "'8.8.8.8'" },
	{ "true client wins",
	  "{}",
	  { .true_client_ip = STR("2a00::1"), .x_forwarded_for = STR("8.8.8.8") },
	  "device",
	  "{'ipv6':'2a00::1'}" },
	{ "real ip, then the peer",
	  "{}",
	  { .x_real_ip = STR("nonsense"), .peer_ip = STR("9.9.9.9") },
	  "device.ip",
	  "'9.9.9.9'" },
	{ "a given public address stays",
	  "{'device':{'ip':'1.2.3.4'}}",
	  { .peer_ip = STR("9.9.9.9") },
	  "device",
	  "{'ip':'1.2.3.4'}" },
	{ "a private one is replaced",
	  "{'device':{'ip':'192.168.1.1','ipv6':'fe80::1'}}",
	  { .peer_ip = STR("9.9.9.9") },
	  "device",
	  "{'ip':'9.9.9.9'}" },
	{ "v6 in the v4 field is nothing", "{'device':{'ip':'2a00::1'}}", NONE, "device", "{}" },
	{ "documentation v6 is private", "{'device':{'ipv6':'2001:db8::1'}}", NONE, "device", "{}" },
	{ "at", "{}", NONE, "at", "1" },
	{ "at given", "{'at':2}", NONE, "at", "2" },
	{ "gpc", "{}", { .sec_gpc = STR("1") }, "regs.ext.gpc", "'1'" },
	{ "gpc off", "{}", { .sec_gpc = STR("0") }, "regs", "-" },
	{ "gpc given", "{'regs':{'ext':{'gpc':'0'}}}", { .sec_gpc = STR("1") }, "regs.ext.gpc", "'0'" },
	{ "channel of an app", "{'app':{}}", NONE, "ext.prebid.channel", "{'name':'app','version':''}" },
	{ "channel of a site", "{}", NONE, "ext", "-" },
	{ "channel given", "{'app':{},'ext':{'prebid':{'channel':{'name':'x'}}}}", NONE,
	  "ext.prebid.channel.name", "'x'" },
	{ "targeting defaults", "{'ext':{'prebid':{'targeting':{'includewinners':false}}}}", NONE,
	  "ext.prebid.targeting",
	  "{'includewinners':false,'includebidderkeys':true,'pricegranularity':{'precision':2,'ranges':[{'"
	  "min':0,"
	  "'max':20,'increment':0.1}]}}" },
	{ "no targeting, no defaults", "{'ext':{'prebid':{'debug':true}}}", NONE, "ext.prebid",
	  "{'debug':true}" },
	{ "named granularity", "{'ext':{'prebid':{'targeting':{'pricegranularity':'auto'}}}}", NONE,
	  "ext.prebid.targeting.pricegranularity.ranges",
	  "[{'min':0,'max':5,'increment':0.05},{'min':5,'max':10,'increment':0.1},{'min':10,'max':20,"
	  "'increment':0.5}]" },
	{ "the lower ends follow the upper ones",
	  "{'ext':{'prebid':{'targeting':{'pricegranularity':{'precision':1,'ranges':[{'min':3,'max':4,"
	  "'increment':1},{'max':8,'increment':2}]}}}}}",
	  NONE, "ext.prebid.targeting.pricegranularity",
	  "{'precision':1,'ranges':[{'min':0,'max':4,'increment':1},{'min':4,'max':8,'increment':2}]}" },
	{ "a media type of its own",
	  "{'ext':{'prebid':{'targeting':{'mediatypepricegranularity':{'video':'low'}}}}}", NONE,
	  "ext.prebid.targeting.mediatypepricegranularity",
	  "{'video':{'precision':2,'ranges':[{'min':0,'max':5,'increment':0.5}]}}" },
	{ "topics without a domain", "{}", { .browsing_topics = STR("(1);v=chrome.1:1:2") }, "user", "-" },
	{ "ios 14.0, zero id",
	  "{'app':{},'device':{'os':'iOS','osv':'14.0','ifa':'00000000-0000-0000-0000-000000000000'}}", NONE,
	  "device.lmt", "1" },
	{ "ios 14.1 with an id", "{'app':{},'device':{'os':'ios','osv':'14.1.1','ifa':'x','lmt':1}}", NONE,
	  "device.lmt", "0" },
	{ "ios 14.2 denied", "{'app':{},'device':{'os':'ios','osv':'14.2','ext':{'atts':2}}}", NONE,
	  "device.lmt", "1" },
	{ "ios 15 allowed", "{'app':{},'device':{'os':'ios','osv':'15.0','ext':{'atts':3}}}", NONE,
	  "device.lmt", "0" },
	{ "ios 15 silent", "{'app':{},'device':{'os':'ios','osv':'15.0','lmt':1}}", NONE, "device.lmt", "1" },
	{ "ios 13", "{'app':{},'device':{'os':'ios','osv':'13.9'}}", NONE, "device.lmt", "-" },
	{ "ios in a browser", "{'device':{'os':'ios','osv':'14.0'}}", NONE, "device.lmt", "-" },
};

static void fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena *a = arena_new();
		struct messages m;
		json_t *req;
		int err;

		messages_init(&m, a);
		req = run(rows[i].why, rows[i].patch, &rows[i].http, &defaults, &m, &err);
		CHECK(rows[i].why, err == 0);
		check_json(rows[i].why, req, rows[i].path, rows[i].want);
		json_decref(req);
		arena_free(a);
	}
}

static const struct {
	const char *why, *imp, *patch, *want;
} imp_rows[] = {
	{ "secure", "{'id':'1'}", "{}", "{'id':'1','secure':1}" },
	{ "secure given", "{'id':'1','secure':0}", "{}", "{'id':'1','secure':0}" },
	{ "request-wide parameters complete an imp's own",
	  "{'id':'1','secure':1,'ext':{'a':{'p':1},'prebid':{'bidder':{'b':{}}}}}",
	  "{'ext':{'prebid':{'bidderparams':{'a':{'p':2,'q':3},'b':{'r':4},'c':{'s':5},'d':6}}}}",
	  "{'id':'1','secure':1,'ext':{'a':{'p':1,'q':3},'prebid':{'bidder':{'b':{'r':4}}}}}" },
	{ "request-wide parameters touch no member that is no bidder's",
	  "{'id':'1','secure':1,'ext':{'data':{'pbadslot':'s'},'prebid':{'bidder':{'b':{}}}}}",
	  "{'ext':{'prebid':{'bidderparams':{'data':{'x':1},'prebid':{'passthrough':1}}}}}",
	  "{'id':'1','secure':1,'ext':{'data':{'pbadslot':'s'},'prebid':{'bidder':{'b':{}}}}}" },
	{ "unreadable request-wide parameters", "{'id':'1','secure':1,'ext':{'a':{}}}",
	  "{'ext':{'prebid':{'bidderparams':[1]}}}", "{'id':'1','secure':1,'ext':{'a':{}}}" },
	{ "full screen: sizes between half and all of the screen",
	  "{'id':'1','secure':1,'instl':1,'banner':{}}",
	  "{'device':{'w':320,'h':480,'ext':{'prebid':{'interstitial':{'minwidthperc':90,'minheightperc':80}}"
	  "}}}",
	  "{'id':'1','banner':{'format':[{'w':320,'h':480},{'w':300,'h':400},{'w':300,'h':480},{'w':320,"
	  "'h':400}]},'instl':1,'secure':1}" },
	{ "full screen: the first format wins over the screen",
	  "{'id':'1','secure':1,'instl':1,'banner':{'format':[{'w':300,'h':250}]}}",
	  "{'device':{'w':320,'h':480,'ext':{'prebid':{'interstitial':{'minwidthperc':100,'minheightperc':"
	  "100}}}}}",
	  "{'id':'1','banner':{'format':[{'w':300,'h':250}]},'instl':1,'secure':1}" },
	{ "full screen without a device", "{'id':'1','banner':{},'instl':1,'secure':1}", "{}",
	  "{'id':'1','banner':{},'instl':1,'secure':1}" },
};

static void imps(void **state)
{
	static const struct enrich_http none;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(imp_rows); i++) {
		char *base = xasprintf("{'imp':[%s]}", imp_rows[i].imp);
		struct arena *a = arena_new();
		json_t *req, *patch = json_of(imp_rows[i].why, imp_rows[i].patch);
		json_t *first = json_of(imp_rows[i].why, base);
		struct messages m;
		char *text;
		int err;

		messages_init(&m, a);
		json_object_update(first, patch);
		text = json_text(first);
		req = run(imp_rows[i].why, text, &none, &defaults, &m, &err);
		CHECK(imp_rows[i].why, err == 0);
		first = (json_decref(first), json_array_get(json_object_get(req, "imp"), 0));
		patch = (json_decref(patch), json_of(imp_rows[i].why, imp_rows[i].want));
		CHECK(imp_rows[i].why, json_equal(first, patch));
		json_decref(patch);
		json_decref(req);
		free(text);
		free(base);
		arena_free(a);
	}
}

static const struct {
	const char *why, *patch, *body;
} bad_rows[] = {
	{ "percentage",
	  "{'device':{'ext':{'prebid':{'interstitial':{'minwidthperc':120,'minheightperc':10}}}}}",
	  "request.device.ext.prebid.interstitial.minwidthperc must be a number between 0 and 100" },
	{ "percentage missing", "{'device':{'ext':{'prebid':{'interstitial':{'minwidthperc':20}}}}}",
	  "request.device.ext.prebid.interstitial.minheightperc must be a number between 0 and 100" },
	{ "no size at all",
	  "{'device':{'ext':{'prebid':{'interstitial':{'minwidthperc':20,'minheightperc':10}}}}}",
	  "Unable to read max interstitial size for Imp id=1 (No Device and no Format objects)" },
	{ "nothing fits",
	  "{'device':{'w':10,'h':20,'ext':{'prebid':{'interstitial':{'minwidthperc':50,'minheightperc':50}}}}"
	  "}",
	  "Unable to set interstitial size list for Imp id=1 (No valid sizes between 5x10 and 10x20)" },
	{ "granularity of no name", "{'ext':{'prebid':{'targeting':{'pricegranularity':'fine'}}}}",
	  "req.ext is invalid: ext.prebid.targeting.pricegranularity is not a price granularity" },
	{ "ranges of a wrong type",
	  "{'ext':{'prebid':{'targeting':{'pricegranularity':{'ranges':[{'max':'1'}]}}}}}",
	  "req.ext is invalid: ext.prebid.targeting.pricegranularity.ranges holds something that is not "
	  "a "
	  "range" },
};

static void refusals(void **state)
{
	static const struct enrich_http none;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_rows); i++) {
		json_t *full = json_of("imp", "{'imp':[{'id':'1','instl':1,'banner':{}}]}");
		json_t *patch = json_of(bad_rows[i].why, bad_rows[i].patch), *req;
		char *text = (json_object_update(full, patch), json_text(full));
		char *body = xasprintf("Invalid request: %s\n", bad_rows[i].body);
		struct arena *a = arena_new();
		struct messages m;
		int err;

		messages_init(&m, a);
		req = run(bad_rows[i].why, text, &none, &defaults, &m, &err);
		CHECK(bad_rows[i].why, err < 0);
		check_body(bad_rows[i].why, &m, body);
		json_decref(req);
		json_decref(patch);
		json_decref(full);
		free(text);
		free(body);
		arena_free(a);
	}
}

static void account_settings(void **state)
{
	static const struct enrich_http http = {
		.browsing_topics =
			STR("(1 2);v=chrome.1:1:2, (3);v=chrome.1:1:2, ();p=P0000, (4);v=chrome.1:2:5, "
			    "(x);v=chrome.1:1:2"),
	};
	static const struct enrich_rules rules = {
		.topics_domain = STR("t.example"),
		.default_integration = STR("amp1"),
		.tmax_default_ms = 700,
		.auto_gen_source_tid = true,
	};
	struct arena *a = arena_new();
	struct messages m;
	json_t *req, *tid;
	int err;

	(void)state;
	messages_init(&m, a);
	req = run("account", "{'source':{'tid':'{{UUID}}'}}", &http, &rules, &m, &err);
	CHECK("accepted", err == 0);
	check_json("tmax", req, "tmax", "700");
	check_json("integration", req, "ext.prebid.integration", "'amp1'");
	check_json(
		"topics", req, "user.data",
		"[{'name':'t.example','ext':{'segtax':600,'segclass':'2'},'segment':[{'id':'1'},{'id':'2'},"
		"{'id':'3'}]},{'name':'t.example','ext':{'segtax':601,'segclass':'5'},'segment':[{'id':'4'}]}"
		"]");
	CHECK("one bad topic", m.buckets && m.buckets->first->kind == MESSAGE_DEBUG_WARNING);
	CHECK_STR("bad topic", m.buckets->first->text,
		  "Invalid field in Sec-Browsing-Topics header: (x);v=chrome.1:1:2");
	tid = json_at(req, "source.tid");
	CHECK("transaction id", json_string_length(tid) == 36 && json_string_value(tid)[14] == '4');
	tid = json_at(json_array_get(json_object_get(req, "imp"), 0), "ext.tid");
	CHECK("imp's transaction id", json_string_length(tid) == 36);
	json_decref(req);

	req = run("given ids stay", "{'source':{'tid':'mine'}}", &http, &rules, &m, &err);
	check_json("given", req, "source.tid", "'mine'");
	json_decref(req);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields),
		cmocka_unit_test(imps),
		cmocka_unit_test(refusals),
		cmocka_unit_test(account_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
