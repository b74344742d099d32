#include "pbs/exchange/split.h"

#include "pbs/openrtb/convert.h"
#include "tests/unit/pbs/request_fixture.h"

static struct str fake_uid(const void *ctx, struct str core)
{
	(void)ctx;
	return str_eq(core, STR("rubicon")) ? STR("cookie-uid") : STR("");
}

/* Splits a whole request; the arena owns what comes out. */
static int run(const char *why, const char *text, struct split_rules *rules, struct arena *a,
	       struct messages *m, struct bidder_request **ret_list, size_t *ret_n)
{
	json_t *req = arena_own_json(a, request_of(why, text, "{}"));
	struct bidder_names *names = ARENA_NEW(a, struct bidder_names);
	struct split_bidder *bidders;
	size_t n;

	CHECK(why, ext_decode(req, m) == 0);
	*names = (struct bidder_names){ fake_find, NULL, json_at(req, "ext.prebid.aliases") };
	rules->names = names;
	rules->buyer_uid = fake_uid;
	n = split_list(req, names, a, &bidders);
	return split(req, rules, bidders, n, a, m, ret_list, ret_n);
}

static const struct bidder_request *find(const char *why, const struct bidder_request *list, size_t n,
					 const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(list[i].bidder.name, str_of(name)))
			return &list[i];
	fail_msg("%s: no request for %s", why, name);
	return NULL;
}

#define TWO "{'imp':[{'id':'1','ext':{'prebid':{'bidder':{'rubicon':{'a':1},'appnexus':{'b':2}}}}}]"

static const struct {
	const char *why, *request, *bidder, *path, *want;
} rows[] = {
	{ "an imp's ext: own parameters, nobody else's",
	  "{'imp':[{'id':'1','ext':{'gpid':'/x','prebid':{'bidder':{'rubicon':{'p':1},'appnexus':{'q':2}},"
	  "'passthrough':{'k':1}}}}]}",
	  "appnexus", "imp", "[{'id':'1','ext':{'gpid':'/x','bidder':{'q':2}}}]" },
	{ "only imps that name the bidder",
	  "{'imp':[{'id':'1','ext':{'prebid':{'bidder':{'rubicon':{}}}}},{'id':'2','ext':{'prebid':{'bidder':"
	  "{"
	  "'appnexus':{}}}}}]}",
	  "appnexus", "imp", "[{'id':'2','ext':{'bidder':{}}}]" },
	{ "options stay",
	  "{'imp':[{'id':'1','ext':{'prebid':{'bidder':{'rubicon':{}},'options':{'echovideoattrs':true}}}}]}",
	  "rubicon", "imp", "[{'id':'1','ext':{'prebid':{'options':{'echovideoattrs':true}},'bidder':{}}}]" },
	{ "ext: the allowed list and the own alias",
	  "{'imp':[{'id':'1','ext':{'prebid':{'bidder':{'b':{}}}}}],'ext':{'mine':1,'prebid':{'debug':true,"
	  "'aliases':{'b':'rubicon','c':'appnexus'},'cache':{'bids':{}},'storedrequest':{'id':'x'}}}}",
	  "b", "ext", "{'mine':1,'prebid':{'debug':true,'aliases':{'b':'rubicon'}}}" },
	{ "ext disappears when nothing is left", TWO ",'ext':{'prebid':{'cache':{'bids':{}}}}}", "rubicon",
	  "ext", "-" },
	{ "ext: of targeting, only brand categories",
	  TWO ",'ext':{'prebid':{'targeting':{'prefix':'x','includebrandcategory':{'publisher':'p'}}}}}",
	  "rubicon", "ext.prebid.targeting",
	  "{'includebrandcategory':{'publisher':'p','primaryadserver':0,'withcategory':false}}" },
	{ "ext: bidder parameters come un-nested",
	  TWO ",'ext':{'prebid':{'bidderparams':{'rubicon':{'x':1},'appnexus':{'y':2}}}}}", "rubicon",
	  "ext.prebid.bidderparams", "{'x':1}" },
	{ "ext: own alternate codes",
	  TWO
	  ",'ext':{'prebid':{'alternatebiddercodes':{'enabled':true,'bidders':{'rubicon':{'enabled':true},"
	  "'appnexus':{}}}}}}",
	  "rubicon", "ext.prebid.alternatebiddercodes",
	  "{'enabled':true,'bidders':{'rubicon':{'enabled':true}}}" },
	{ "ext: multibid by name, by group, by alternate code",
	  TWO
	  ",'ext':{'prebid':{'multibid':[{'bidder':'RUBICON','maxbids':2},{'bidders':['appnexus','rubicon'],"
	  "'maxbids':3},{'bidder':'other','maxbids':4},{'bidder':'x','maxbids':5}],'alternatebiddercodes':{"
	  "'enabled':true,'bidders':{'rubicon':{'enabled':true,'allowedbiddercodes':['other']}}}}}}",
	  "rubicon", "ext.prebid.multibid",
	  "[{'bidder':'RUBICON','maxbids':2},{'bidders':['rubicon'],'maxbids':3},{'bidder':'other','maxbids':"
	  "4}]" },
	{ "buyer id from the request, any case",
	  TWO ",'user':{'ext':{'prebid':{'buyeruids':{'RUBICON':'u'}}}}}", "rubicon", "user",
	  "{'buyeruid':'u'}" },
	{ "buyer ids of others are not told",
	  TWO ",'user':{'yob':1980,'ext':{'x':1,'prebid':{'buyeruids':{'rubicon':'u'}}}}}", "appnexus",
	  "user", "{'yob':1980,'ext':{'x':1}}" },
	{ "buyer id from the cookie makes a user", TWO "}", "rubicon", "user", "{'buyeruid':'cookie-uid'}" },
	{ "a given buyer id stays", TWO ",'user':{'buyeruid':'own'}}", "rubicon", "user",
	  "{'buyeruid':'own'}" },
	{ "no id, no user", TWO "}", "appnexus", "user", "-" },
	{ "eids by permission, any case",
	  TWO
	  ",'user':{'eids':[{'source':'a'},{'source':'b'},{'source':'c'}]},'ext':{'prebid':{'data':{"
	  "'eidpermissions':[{'source':'a','bidders':['APPNEXUS']},{'source':'b','bidders':['rubicon']}]}}}}",
	  "appnexus", "user.eids", "[{'source':'a'},{'source':'c'}]" },
	{ "no eids left",
	  TWO ",'user':{'eids':[{'source':'a'}]},'ext':{'prebid':{'data':{'eidpermissions':[{'source':'a',"
	      "'bidders':['rubicon']}]}}}}",
	  "appnexus", "user", "{}" },
	{ "eids for all",
	  TWO ",'user':{'eids':[{'source':'a'}]},'ext':{'prebid':{'data':{'eidpermissions':[{'source':'a',"
	      "'bidders':['*']}]}}}}",
	  "appnexus", "user.eids", "[{'source':'a'}]" },
	{ "the bidder's chain wins over the one for all",
	  TWO ",'ext':{'prebid':{'schains':[{'bidders':['rubicon'],'schain':{'complete':1,'nodes':[],'ver':'"
	      "1.0'}},"
	      "{'bidders':['*'],'schain':{'complete':0,'nodes':[],'ver':'2.0'}}]}}}",
	  "rubicon", "source.schain", "{'complete':1,'nodes':[],'ver':'1.0'}" },
	{ "the chain for all",
	  TWO ",'ext':{'prebid':{'schains':[{'bidders':['rubicon'],'schain':{'complete':1,'nodes':[],'ver':'"
	      "1.0'}},"
	      "{'bidders':['*'],'schain':{'complete':0,'nodes':[],'ver':'2.0'}}]}}}",
	  "appnexus", "source.schain.ver", "'2.0'" },
	{ "without chains the publisher's passes",
	  TWO ",'source':{'schain':{'complete':1,'nodes':[],'ver':'1.0'}}}", "rubicon",
	  "source.schain.complete", "1" },
	{ "global data for the listed",
	  TWO
	  ",'site':{'id':'s','ext':{'data':{'g':1}},'content':{'data':[{'id':'d'}]}},'user':{'data':[{'id':"
	  "'u'}]},'ext':{'prebid':{'data':{'bidders':['Appnexus']}}}}",
	  "appnexus", "site", "{'id':'s','ext':{'data':{'g':1}},'content':{'data':[{'id':'d'}]}}" },
	{ "no global data for others",
	  TWO
	  ",'site':{'id':'s','ext':{'data':{'g':1}},'content':{'data':[{'id':'d'}]}},'user':{'data':[{'id':"
	  "'u'}]},'ext':{'prebid':{'data':{'bidders':['appnexus']}}}}",
	  "rubicon", "site", "{'id':'s','content':{}}" },
	{ "no user data for others",
	  TWO
	  ",'user':{'yob':1,'data':[{'id':'u'}],'ext':{'data':{},'x':1}},'ext':{'prebid':{'data':{'bidders':"
	  "[]}}}}",
	  "appnexus", "user", "{'yob':1,'ext':{'x':1}}" },
	{ "a bidder's own data",
	  TWO
	  ",'site':{'id':'s','cat':['A'],'name':'n','publisher':{'id':'p'},'ext':{'a':1,'b':{'c':1}}},'ext':{"
	  "'prebid':{'bidderconfig':[{'bidders':['Appnexus'],'config':{'ortb2':{'site':{'cat':null,'name':"
	  "null,"
	  "'publisher':{'domain':'d'},'ext':{'a':null,'b':{'d':2}}}}}}]}}}",
	  "appnexus", "site",
	  "{'id':'s','name':'n','publisher':{'id':'p','domain':'d'},'ext':{'b':{'c':1,'d':2}}}" },
	{ "configured but not listed",
	  TWO
	  ",'site':{'id':'s'},'ext':{'prebid':{'data':{'bidders':['rubicon']},'bidderconfig':[{'bidders':["
	  "'appnexus'],'config':{'ortb2':{'site':{'name':'secret'}}}}]}}}",
	  "appnexus", "site", "{'id':'s'}" },
	{ "configured eids need no permission",
	  TWO
	  ",'ext':{'prebid':{'data':{'eidpermissions':[{'source':'a','bidders':['rubicon']}]},'bidderconfig':"
	  "[{'bidders':['appnexus'],'config':{'ortb2':{'user':{'eids':[{'source':'a'}]}}}}]}}}",
	  "appnexus", "user.eids", "[{'source':'a'}]" },
	{ "those of OpenRTB 2.5 replace the user's, which need it",
	  TWO ",'user':{'eids':[{'source':'a'}]},'ext':{'prebid':{'data':{'eidpermissions':[{'source':'a','"
	      "bidders':["
	      "'rubicon']}]},'bidderconfig':[{'bidders':['appnexus'],'config':{'ortb2':{'user':{'ext':{'x':1,"
	      "'eids':["
	      "{'source':'b'}]}}}}}]}}}",
	  "appnexus", "user", "{'eids':[{'source':'b'}],'ext':{'x':1}}" },
	{ "data for one imp",
	  "{'imp':[{'id':'1','banner':{'w':1,'h':1},'ext':{'a':1,'prebid':{'bidder':{'rubicon':{}},'imp':{'"
	  "rubicon'"
	  ":{'id':'2','bidfloor':2,'ext':{'b':2}}}}}}]}",
	  "rubicon", "imp",
	  "[{'id':'2','banner':{'w':1,'h':1},'ext':{'a':1,'bidder':{},'b':2},'bidfloor':2}]" },
};

static void requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena *a = arena_new();
		struct split_rules rules = { 0 };
		struct bidder_request *list;
		struct messages m;
		size_t n;

		messages_init(&m, a);
		CHECK(rows[i].why, run(rows[i].why, rows[i].request, &rules, a, &m, &list, &n) == 0);
		check_json(rows[i].why, find(rows[i].why, list, n, rows[i].bidder)->request, rows[i].path,
			   rows[i].want);
		arena_free(a);
	}
}

static const struct {
	const char *why, *request, *body;
} bad_rows[] = {
	{ "two configurations for one bidder",
	  TWO ",'ext':{'prebid':{'bidderconfig':[{'bidders':['rubicon']},{'bidders':['rubicon']}]}}}",
	  "multiple First Party Data bidder configs provided for bidder: rubicon" },
	{ "a site and an app that are not there",
	  TWO
	  ",'ext':{'prebid':{'bidderconfig':[{'bidders':['rubicon'],'config':{'ortb2':{'site':{'a':1},'app':{"
	  "'a':1}}}}]}}}",
	  "incorrect First Party Data for bidder rubicon: Site object is not defined in request, but defined "
	  "in "
	  "FPD config,incorrect First Party Data for bidder rubicon: App object is not defined in request, "
	  "but "
	  "defined in FPD config" },
	{ "an empty page",
	  TWO
	  ",'site':{'page':'p'},'ext':{'prebid':{'bidderconfig':[{'bidders':['rubicon'],'config':{'ortb2':{"
	  "'site':{'page':''}}}}]}}}",
	  "incorrect First Party Data for bidder rubicon: Site object cannot set empty page if req.site.id "
	  "is "
	  "empty" },
	{ "wrong types",
	  TWO
	  ",'site':{'page':'p'},'ext':{'prebid':{'bidderconfig':[{'bidders':['rubicon'],'config':{'ortb2':{"
	  "'site':{'page':1}}}}]}}}",
	  "invalid first party data ext" },
	{ "negative device",
	  TWO ",'ext':{'prebid':{'bidderconfig':[{'bidders':['rubicon'],'config':{'ortb2':{'device':{'w':-1}}"
	      "}}]}}}",
	  "request.device.w must be a positive number" },
	{ "an imp that is no imp",
	  "{'imp':[{'id':'1','ext':{'prebid':{'bidder':{'rubicon':{}},'imp':{'rubicon':{'banner':7}}}}}]}",
	  "invalid first party data for imp[0]" },
	{ "an imp that is invalid",
	  "{'imp':[{'id':'1','banner':{'w':1,'h':1},'ext':{'prebid':{'bidder':{'rubicon':{}},'imp':{'rubicon'"
	  ":{"
	  "'banner':{'w':-1}}}}}}]}",
	  "merging bidder imp first party data for imp 1 results in an invalid imp: [request.imp[0].banner.w "
	  "must "
	  "be a positive number]" },
};

static void refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_rows); i++) {
		char *body = xasprintf("Invalid request: %s\n", bad_rows[i].body);
		struct arena *a = arena_new();
		struct split_rules rules = { 0 };
		struct bidder_request *list;
		struct messages m;
		size_t n;

		messages_init(&m, a);
		CHECK(bad_rows[i].why,
		      run(bad_rows[i].why, bad_rows[i].request, &rules, a, &m, &list, &n) < 0);
		check_body(bad_rows[i].why, &m, body);
		free(body);
		arena_free(a);
	}
}

static void host_settings(void **state)
{
	static const char own_chain[] =
		TWO ",'source':{'schain':{'complete':1,'nodes':[{'asi':'p','sid':'1'}],'ver':'1.0'}}}";
	json_t *node = json_of("node", "{'asi':'h','sid':'2'}");
	struct split_rules rules = { .host_schain_node = node,
				     .external_url = STR("http://h"),
				     .host_vendor_id = 7 };
	struct arena *a = arena_new();
	struct bidder_request *list;
	struct messages m;
	size_t n;

	(void)state;
	messages_init(&m, a);
	CHECK("split", run("host", own_chain, &rules, a, &m, &list, &n) == 0);
	check_json("appended to the publisher's", list[0].request, "source.schain.nodes",
		   "[{'asi':'p','sid':'1'},{'asi':'h','sid':'2'}]");
	check_json("server", list[0].request, "ext.prebid.server",
		   "{'externalurl':'http://h','gvlid':7,'datacenter':''}");
	CHECK("split", run("host", TWO "}", &rules, a, &m, &list, &n) == 0);
	check_json("alone", list[1].request, "source.schain",
		   "{'complete':0,'ver':'1.0','nodes':[{'asi':'h','sid':'2'}]}");
	arena_free(a);
	json_decref(node);
}

/* Bidders share what they have in common, and changing one request does not reach another. */
static void sharing(void **state)
{
	static const char text[] =
		"{'imp':[{'id':'1','rwdd':1,'banner':{'w':1,'h':1},'ext':{'prebid':{'bidder':{'rubicon':{},"
		"'appnexus':{}}}}}],'user':{'consent':'C','eids':[{'source':'s'}]},'regs':{'gdpr':1},'site':{"
		"'id':'s'}"
		",'ext':{'x':{'y':1}}}";
	struct split_rules rules = { 0 };
	struct arena *a = arena_new();
	struct bidder_request *list;
	struct messages m;
	size_t n;

	(void)state;
	messages_init(&m, a);
	CHECK("split", run("sharing", text, &rules, a, &m, &list, &n) == 0);
	CHECK("two", n == 2);
	CHECK("site shared", json_at(list[0].request, "site") == json_at(list[1].request, "site"));
	CHECK("ext shared", json_at(list[0].request, "ext") == json_at(list[1].request, "ext"));
	split_finish(&list[0], &(struct split_dialect){ .gpp = true }, NULL);
	split_finish(&list[1], &(struct split_dialect){ .ortb_26 = true, .gpp = true }, NULL);
	check_json("2.5 user", list[0].request, "user",
		   "{'buyeruid':'cookie-uid','ext':{'consent':'C','eids':[{'source':'s'}]}}");
	check_json("2.5 regs", list[0].request, "regs", "{'ext':{'gdpr':1}}");
	check_json("2.5 imp", list[0].request, "imp",
		   "[{'id':'1','banner':{'w':1,'h':1},'ext':{'bidder':{},'prebid':{'is_rewarded_inventory':1}"
		   "}}]");
	check_json("2.6 user", list[1].request, "user", "{'consent':'C','eids':[{'source':'s'}]}");
	check_json("2.6 regs", list[1].request, "regs", "{'gdpr':1}");
	check_json("2.6 imp", list[1].request, "imp",
		   "[{'id':'1','rwdd':1,'banner':{'w':1,'h':1},'ext':{'bidder':{}}}]");
	arena_free(a);
}

static void dropping_imps(void **state)
{
	static const char text[] =
		"{'imp':[{'id':'1','ext':{'prebid':{'bidder':{'rubicon':{}}}}},{'id':'2','ext':{"
		"'prebid':{'bidder':{'rubicon':{}}}}}]}";
	static const struct str ids[] = { STR("1") };
	struct split_rules rules = { 0 };
	struct arena *a = arena_new();
	struct bidder_request *list;
	struct messages m;
	size_t n;

	(void)state;
	messages_init(&m, a);
	CHECK("split", run("dropping", text, &rules, a, &m, &list, &n) == 0);
	split_drop_imps(&list[0], ids, ARRAY_LEN(ids), a);
	check_json("the other imp", list[0].request, "imp", "[{'id':'2','ext':{'bidder':{}}}]");
	CHECK("ids", list[0].n_imps == 1);
	CHECK_STR("id", list[0].imp_ids[0], "2");
	arena_free(a);
}

static void tmax(void **state)
{
	static const struct {
		const char *why;
		struct split_tmax t;
		int64_t request, left, want;
		bool too_short;
	} cases[] = {
		{ "what is left", { .mode = SPLIT_TMAX_REDUCE }, 500, 480, 480, false },
		{ "never more than asked", { .mode = SPLIT_TMAX_REDUCE }, 500, 900, 500, false },
		{ "less the reserves",
		  { .mode = SPLIT_TMAX_REDUCE, .network_buffer_ms = 20, .preparation_ms = 10 },
		  500,
		  480,
		  450,
		  false },
		{ "no deadline", { .mode = SPLIT_TMAX_REDUCE }, 500, -1, 500, false },
		{ "late already", { .mode = SPLIT_TMAX_REDUCE, .network_buffer_ms = 20 }, 500, 5, 1, false },
		{ "reference, not configured",
		  { .mode = SPLIT_TMAX_REFERENCE, .adjustments_enabled = true },
		  500,
		  100,
		  500,
		  false },
		{ "reference, configured",
		  { .mode = SPLIT_TMAX_REFERENCE,
		    .adjustments_enabled = true,
		    .bidder_min_ms = 50,
		    .network_buffer_ms = 30 },
		  500,
		  700,
		  670,
		  false },
		{ "too short",
		  { .mode = SPLIT_TMAX_REFERENCE,
		    .adjustments_enabled = true,
		    .bidder_min_ms = 50,
		    .network_buffer_ms = 30 },
		  500,
		  70,
		  40,
		  true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CHECK(cases[i].why,
		      split_tmax_ms(&cases[i].t, cases[i].request, cases[i].left) == cases[i].want);
		CHECK(cases[i].why,
		      split_tmax_is_too_short(&cases[i].t, cases[i].left) == cases[i].too_short);
	}
}

static const struct {
	const char *why, *old, *want;
} conversions[] = {
	{ "2.4 chain", "{'ext':{'schain':{'complete':1,'nodes':[],'ver':'1.0'}}}",
	  "{'id':'','imp':null,'source':{'schain':{'complete':1,'nodes':[],'ver':'1.0'}}}" },
	{ "2.5 chain", "{'source':{'ext':{'schain':{'complete':1,'nodes':[],'ver':'1.0'},'x':1}}}",
	  "{'id':'','imp':null,'source':{'schain':{'complete':1,'nodes':[],'ver':'1.0'},'ext':{'x':1}}}" },
	{ "a 2.6 chain wins",
	  "{'source':{'schain':{'complete':0,'nodes':[],'ver':'2'},'ext':{'schain':{'ver':'1.0'}}},'ext':{'"
	  "schain':{}}"
	  "}",
	  "{'id':'','imp':null,'source':{'schain':{'complete':0,'nodes':[],'ver':'2'}}}" },
	{ "regs", "{'regs':{'ext':{'gdpr':1,'us_privacy':'1YNN','gpc':'1'}}}",
	  "{'id':'','imp':null,'regs':{'gdpr':1,'us_privacy':'1YNN','ext':{'gpc':'1'}}}" },
	{ "regs given", "{'regs':{'gdpr':0,'ext':{'gdpr':1}}}", "{'id':'','imp':null,'regs':{'gdpr':0}}" },
	{ "user", "{'user':{'ext':{'consent':'C','eids':[{'source':'s','junk':1}]}}}",
	  "{'id':'','imp':null,'user':{'eids':[{'source':'s'}],'consent':'C'}}" },
	{ "rewarded", "{'imp':[{'id':'1','ext':{'prebid':{'is_rewarded_inventory':1,'adunitcode':'a'}}}]}",
	  "{'id':'','imp':[{'id':'1','ext':{'prebid':{'adunitcode':'a'}},'rwdd':1}]}" },
	{ "nulls mean nothing", "{'regs':{'ext':{'gdpr':null}},'user':{'ext':null}}",
	  "{'id':'','imp':null,'regs':{},'user':{}}" },
};

static void up_conversion(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(conversions); i++) {
		json_t *req = request_of(conversions[i].why, conversions[i].old, "{}");
		json_t *want = json_of(conversions[i].why, conversions[i].want);
		struct arena *a = arena_new();
		struct messages m;

		messages_init(&m, a);
		CHECK(conversions[i].why, convert_up(req, &m) == 0);
		if (!json_equal(req, want))
			fail_msg("%s: got %s", conversions[i].why, json_text(req));
		json_decref(want);
		json_decref(req);
		arena_free(a);
	}
}

static const struct {
	const char *why, *old, *body;
} unreadable[] = {
	{ "req.ext", "{'ext':{'schain':1}}", "req.ext is invalid: expect { or n, but found 1" },
	{ "req.ext itself", "{'ext':'x'}", "req.ext is invalid: expect { or n, but found \"" },
	{ "source.ext", "{'source':{'ext':[]}}", "req.source.ext is invalid: expect { or n, but found [" },
	{ "a chain in source.ext", "{'source':{'ext':{'schain':{'ver':1}}}}",
	  "req.source.ext is invalid: cannot unmarshal openrtb2.SupplyChain.Ver: expects \" or n, but found "
	  "1" },
	{ "regs.ext", "{'regs':{'ext':7}}", "req.regs.ext is invalid: expect { or n, but found 7" },
	{ "gdpr in regs.ext", "{'regs':{'ext':{'gdpr':'1'}}}",
	  "req.regs.ext is invalid: gdpr must be an integer" },
	{ "us_privacy in regs.ext", "{'regs':{'ext':{'us_privacy':1}}}",
	  "req.regs.ext is invalid: us_privacy must be a string" },
	{ "consent in user.ext", "{'user':{'ext':{'consent':2}}}",
	  "req.user.ext is invalid: expects \" or n, but found 2" },
	{ "uids in user.ext", "{'user':{'ext':{'prebid':{'buyeruids':1}}}}",
	  "req.user.ext is invalid: cannot unmarshal openrtb_ext.ExtUserPrebid.BuyerUIDs: expect { or n, but "
	  "found 1" },
	{ "eids in user.ext", "{'user':{'ext':{'eids':{}}}}",
	  "req.user.ext is invalid: expect [ or n, but found {" },
	{ "an eid in user.ext", "{'user':{'ext':{'eids':[{'source':1}]}}}",
	  "req.user.ext is invalid: cannot unmarshal openrtb2.EID.Source: expects \" or n, but found 1" },
	{ "gpid in imp.ext", "{'imp':[{'id':'1','ext':{'gpid':5}}]}",
	  "imp[0].imp.ext is invalid: expects \" or n, but found 5" },
	{ "prebid in imp.ext", "{'imp':[{'id':'1','ext':{'prebid':5}}]}",
	  "imp[0].imp.ext is invalid: expect { or n, but found 5" },
	{ "rewarded inventory", "{'imp':[{'id':'1','ext':{'prebid':{'is_rewarded_inventory':true}}}]}",
	  "imp[0].imp.ext is invalid: cannot unmarshal openrtb_ext.ExtImpPrebid.IsRewardedInventory: "
	  "unexpected character: \xef\xbf\xbd" },
	{ "first party data in imp.ext", "{'imp':[{'id':'1','ext':{'data':{'adserver':{'adslot':[]}}}}]}",
	  "imp[0].imp.ext is invalid: cannot unmarshal openrtb_ext.ExtImpDataAdServer.AdSlot: expects \" or "
	  "n, "
	  "but found [" },
};

static void unreadable_extensions(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(unreadable); i++) {
		json_t *req = request_of(unreadable[i].why, unreadable[i].old, "{}");
		char *body = xasprintf("Invalid request: %s\n", unreadable[i].body);
		struct arena *a = arena_new();
		struct messages m;

		messages_init(&m, a);
		CHECK(unreadable[i].why, convert_up(req, &m) < 0);
		check_body(unreadable[i].why, &m, body);
		json_decref(req);
		free(body);
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests),      cmocka_unit_test(refusals),
		cmocka_unit_test(host_settings), cmocka_unit_test(sharing),
		cmocka_unit_test(dropping_imps), cmocka_unit_test(tmax),
		cmocka_unit_test(up_conversion), cmocka_unit_test(unreadable_extensions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
