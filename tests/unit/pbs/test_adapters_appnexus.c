/* AppNexus: what its vectors do not show. */
#include "tests/unit/pbs/adapter_rig.h"

#define IMP(params)    "{'id':'1','banner':{'w':1,'h':1},'ext':{'bidder':" params "}}"
#define ONE(params)    "{'id':'r','imp':[" IMP(params) "]}"
#define ONE_WITH(more) "{'id':'r'," more ",'imp':[" IMP("{'placement_id':5}") "]}"
#define OWN_EXT(ext)                                                                                         \
	"[{'body':{'id':'r','imp':[{'id':'1','banner':{'w':1,'h':1},'ext':" ext "}]," HB_SOURCE "}}]"
#define HB_SOURCE "'ext':{'appnexus':{'hb_source':5}}"
#define REPLY(ext)                                                                                           \
	"{'id':'x','seatbid':[{'bid':[{'id':'b','impid':'1','price':1,'cat':['IAB1','IAB2'],'ext':" ext      \
	"}]}]}"
#define NOT_AN_INT "unexpected character: \xef\xbf\xbd"

static void parameters(void **state)
{
	static const struct adapter_row rows[] = {
		{ "no ext", "{'id':'r','imp':[{'id':'1'}]}", .calls = "[]",
		  .errors = "14 expect { or n, but found " },
		{ "parameters that are no object", ONE("5"), .calls = "[]",
		  .errors =
			  "14 cannot unmarshal appnexus.impExtIncoming.Bidder: expect { or n, but found 5" },
		{ "a gpid that is no text",
		  "{'id':'r','imp':[{'id':'1','ext':{'bidder':{'placement_id':1},'gpid':1}}]}", .calls = "[]",
		  .errors =
			  "14 cannot unmarshal appnexus.impExtIncoming.GPID: expects \" or n, but found 1" },
		{ "a placement that is no integer", ONE("{'placement_id':'x1'}"), .calls = "[]",
		  .errors =
			  "14 cannot unmarshal openrtb_ext.ExtImpAppnexus.PlacementId: strconv.Atoi: parsing "
			  "\"x1\": invalid syntax" },
		{ "nothing to place", ONE("{}"), .calls = "[]",
		  .errors = "2 No placement or member+invcode provided" },
		{ "placements of 0 and empty ones do not count", ONE("{'placement_id':0,'placementId':''}"),
		  .calls = "[]", .errors = "2 No placement or member+invcode provided" },
		{ "a member without a code", ONE("{'member':'7'}"), .calls = "[]",
		  .errors = "2 No placement or member+invcode provided" },
		{ "a code without a member", ONE("{'inv_code':'c'}"), .calls = "[]",
		  .errors = "2 No placement or member+invcode provided" },
		{ "keywords of the wrong kind inside", ONE("{'placement_id':1,'keywords':{'a':'b'}}"),
		  .calls = "[]",
		  .errors = "14 cannot unmarshal openrtb_ext.ExtImpAppnexus.Keywords: expect [ or n, but "
			    "found \"" },
		{ "a keyword's name of the wrong kind", ONE("{'placement_id':1,'keywords':[{'key':1}]}"),
		  .calls = "[]",
		  .errors = "14 cannot unmarshal openrtb_ext.extImpAppnexusKeyVal.Key: expects \" or n, but "
			    "found 1" },
		{ "a placement may be text", ONE("{'placement_id':'12'}"),
		  .calls = OWN_EXT("{'appnexus':{'placement_id':12}}") },
		{ "deprecated names count when the preferred ones are unset",
		  ONE("{'placement_id':0,'placementId':3,'invCode':'c','trafficSourceCode':'t','use_payment_"
		      "rule':false}"),
		  .calls = "[{'uri':'http://"
			   "b.example?x=1','body':{'id':'r','imp':[{'id':'1','banner':{'w':1,'h':1},"
			   "'tagid':'c','ext':{'appnexus':{'placement_id':3,'traffic_source_code':'t','use_"
			   "pmt_rule':"
			   "false}}}]," HB_SOURCE "}}]" },
		{ "preferred names win",
		  ONE("{'placement_id':4,'placementId':3,'traffic_source_code':'p','trafficSourceCode':'t',"
		      "'use_pmt_rule':false,'use_payment_rule':true}"),
		  .calls = OWN_EXT(
			  "{'appnexus':{'placement_id':4,'traffic_source_code':'p','use_pmt_rule':false}}") },
		{ "what is empty is left out",
		  "{'id':'r','imp':[{'id':'1','banner':{'w':1,'h':1},'ext':{'gpid':'','bidder':{'placement_"
		  "id':1,'"
		  "ext_inv_code':'','external_imp_id':'','traffic_source_code':'','keywords':'','inv_code':''"
		  "}}"
		  "}]}",
		  .calls = OWN_EXT("{'appnexus':{'placement_id':1}}") },
		{ "keywords as text are kept", ONE("{'placement_id':4,'keywords':'a=b,,c'}"),
		  .calls = OWN_EXT("{'appnexus':{'placement_id':4,'keywords':'a=b,,c'}}") },
		{ "keywords as a list",
		  ONE("{'placement_id':4,'keywords':[{'key':'a','value':['1','2']},{'key':'b'}]}"),
		  .calls = OWN_EXT("{'appnexus':{'placement_id':4,'keywords':'a=1,a=2,b'}}") },
		{ "keywords as an object",
		  ONE("{'placement_id':4,'keywords':{'b':[],'a':['1','2'],'c':null}}"),
		  .calls = OWN_EXT("{'appnexus':{'placement_id':4,'keywords':'b,a=1,a=2,c'}}") },
		{ "a member as a number, and nothing left to say", ONE("{'invCode':'c','member':77}"),
		  .calls = "[{'uri':'http://b.example?member_id=77&x=1','headers':{'Content-Type':"
			   "'application/json;charset=utf-8','Accept':'application/"
			   "json'},'body':{'id':'r','imp':"
			   "[{'id':'1','banner':{'w':1,'h':1},'tagid':'c','ext':{'appnexus':{}}}]," HB_SOURCE
			   "}}]" },
		{ "nothing else of imp.ext survives",
		  "{'id':'r','imp':[{'id':'1','banner':{'w':1,'h':1},'ext':{'prebid':{},'tid':'t','gpid':'g',"
		  "'data':{},"
		  "'bidder':{'placement_id':1,'private_sizes':[{'w':1}],'ext_inv_code':'e','external_imp_id':"
		  "'i'}}}]}",
		  .calls = OWN_EXT(
			  "{'appnexus':{'placement_id':1,'private_sizes':[{'w':1}],'ext_inv_code':'e',"
			  "'external_imp_id':'i'},'gpid':'g'}") },
	};

	(void)state;
	RIG_RUN_ALL("appnexus", "http://b.example?x=1", NULL, rows);
}

static void imps(void **state)
{
	static const struct adapter_row rows[] = {
		{ "the reserve replaces a floor that is not positive; position and size of banners",
		  "{'id':'r','imp':[{'id':'1','bidfloor':-1,'banner':{'format':[{'w':3,'h':2}]},'ext':{'"
		  "bidder':"
		  "{'placement_id':1,'reserve':2,'position':'above'}}},{'id':'2','bidfloor':3,'bidfloorcur':'"
		  "EUR',"
		  "'banner':{'w':9,'format':[{'w':3,'h':2}]},'ext':{'bidder':{'placement_id':1,'reserve':2,"
		  "'position':'below'}}}]}",
		  .calls = "[{'body':{'id':'r','imp':[{'id':'1','bidfloor':2.0,'banner':{'format':[{'w':3,'h'"
			   ":2}],'w':3,"
			   "'h':2,'pos':1},'ext':{'appnexus':{'placement_id':1}}},{'id':'2','bidfloor':3,"
			   "'bidfloorcur':'EUR','banner':{'w':9,'format':[{'w':3,'h':2}],'pos':3},'ext':"
			   "{'appnexus':{'placement_id':1}}}]," HB_SOURCE "}}]" },
		{ "an app's SDK is the display manager where the imp has none",
		  "{'id':'r','app':{'ext':{'prebid':{'source':'s','version':'v'}}},'imp':[" IMP(
			  "{'placement_id':5}") ",{'id':'2','displaymanagerver':'own','ext':{'bidder':{'"
						"placement_id':5}}}]}",
		  .calls = "[{'body':{'id':'r','app':{'ext':{'prebid':{'source':'s','version':'v'}}},'imp':[{"
			   "'id':'1',"
			   "'banner':{'w':1,'h':1},'displaymanagerver':'s-v','ext':{'appnexus':{'placement_"
			   "id':5}}},"
			   "{'id':'2','displaymanagerver':'own','ext':{'appnexus':{'placement_id':5}}}]"
			   "," HB_SOURCE "}}]" },
		{ "an SDK without a version is none",
		  "{'id':'r','app':{'ext':{'prebid':{'source':'s','version':2}}},"
		  "'imp':[" IMP("{'placement_id':5}") "]}",
		  .calls =
			  "[{'body':{'id':'r','app':{'ext':{'prebid':{'source':'s','version':2}}},'imp':[{'"
			  "id':'1',"
			  "'banner':{'w':1,'h':1},'ext':{'appnexus':{'placement_id':5}}}]," HB_SOURCE "}}]" },
		{ "members must be the same; errors so far stay",
		  "{'id':'r','imp':[" IMP("{}") "," IMP("{'placement_id':1,'member':'7'}") "," IMP(
			  "{'placement_id':1}") "," IMP("{'placement_id':1,'member':8}") "]}",
		  .calls = "[]",
		  .errors = "2 No placement or member+invcode provided | 999 all "
			    "request.imp[i].ext.prebid.bidder.appnexus.member params must match. Request "
			    "contained member "
			    "IDs 7 and 8" },
		{ "a member of an imp that failed does not count",
		  "{'id':'r','imp':[" IMP("{'member':'9'}") "," IMP("{'placement_id':1,'member':'7'}") "]}",
		  .calls = "[{'uri':'http://b.example?member_id=7'}]",
		  .errors = "2 No placement or member+invcode provided" },
		{ "pods for all or none",
		  "{'id':'r','imp':[" IMP("{'placement_id':1,'generate_ad_pod_id':true}") "," IMP(
			  "{'placement_id':1}") "]}",
		  .calls = "[]",
		  .errors = "999 generate ad pod option should be same for all pods in request" },
	};

	(void)state;
	RIG_RUN_ALL("appnexus", "http://b.example", NULL, rows);
}

static void request_ext(void **state)
{
	static const struct adapter_row rows[] = {
		{ "a request.ext that is no object", ONE_WITH("'ext':'x'"), .calls = "[]",
		  .errors = "14 expect { or n, but found \"" },
		{ "an own part that does not decode", ONE_WITH("'ext':{'appnexus':{'adpod_id':1}}"),
		  .calls = "[]",
		  .errors = "14 cannot unmarshal appnexus.bidReqExtAppnexus.AdPodID: expects \" or n, but "
			    "found 1" },
		{ "an unreadable source.ext", ONE_WITH("'source':{'ext':[]}"), .calls = "[]",
		  .errors = "14 expect { or n, but found [" },
		{ "the own part is filtered, the rest of ext stays",
		  ONE_WITH("'ext':{'o':1,'appnexus':{'include_brand_category':false,'brand_category_"
			   "uniqueness':true,"
			   "'is_amp':1,'hb_source':9,'adpod_id':'p','other':1}}"),
		  .calls = "[{'body':{'id':'r','imp':[{'id':'1','banner':{'w':1,'h':1},'ext':{'appnexus':{'"
			   "placement_id':"
			   "5}}}],'ext':{'o':1,'appnexus':{'include_brand_category':false,"
			   "'brand_category_uniqueness':true,'hb_source':5,'adpod_id':'p'}}}}]" },
		{ "brand categories that are asked for",
		  ONE_WITH("'ext':{'prebid':{'targeting':{'includebrandcategory':{}}},'appnexus':"
			   "{'include_brand_category':false}}"),
		  .calls = "[{'body':{'id':'r','imp':[{'id':'1','banner':{'w':1,'h':1},'ext':{'appnexus':{'"
			   "placement_id':"
			   "5}}}],'ext':{'prebid':{'targeting':{'includebrandcategory':{}}},'appnexus':"
			   "{'include_brand_category':true,'brand_category_uniqueness':true,'hb_source':5}}}}"
			   "]" },
		{ "anything but an object asks for none, and is no error",
		  ONE_WITH("'ext':{'prebid':{'targeting':{'includebrandcategory':true}}}"),
		  .calls = "[{'body':{'id':'r','imp':[{'id':'1','banner':{'w':1,'h':1},'ext':{'appnexus':{'"
			   "placement_id':"
			   "5}}}],'ext':{'prebid':{'targeting':{'includebrandcategory':true}},'appnexus':"
			   "{'hb_source':5}}}}]" },
		{ "AMP", ONE_WITH("'ext':{}"), .entry = ADAPTER_AMP,
		  .calls = "[{'body':{'id':'r','imp':[{'id':'1','banner':{'w':1,'h':1},'ext':{'appnexus':{'"
			   "placement_id':"
			   "5}}}],'ext':{'appnexus':{'is_amp':1,'hb_source':5}}}}]" },
		{ "video", ONE_WITH("'ext':{}"), .entry = ADAPTER_VIDEO,
		  .calls = "[{'body':{'id':'r','imp':[{'id':'1','banner':{'w':1,'h':1},'ext':{'appnexus':{'"
			   "placement_id':"
			   "5}}}],'ext':{'appnexus':{'hb_source':6}}}}]" },
		{ "the supply chain moves and wins; an empty source.ext goes, the source stays",
		  ONE_WITH("'source':{'ext':{'schain':{'a':1}}},'ext':{'schain':{'b':1}}"),
		  .calls = "[{'body':{'id':'r','imp':[{'id':'1','banner':{'w':1,'h':1},'ext':{'appnexus':{'"
			   "placement_id':"
			   "5}}}],'source':{},'ext':{'appnexus':{'hb_source':5},'schain':{'a':1}}}}]" },
	};
	static const struct adapter_row own_platform = {
		"the host's platform",
		ONE_WITH("'ext':{}"),
		.calls = "[{'body':{'id':'r','imp':[{'id':'1','banner':{'w':1,'h':1},'ext':{'appnexus':{'"
			 "placement_id':5}}}"
			 "],'ext':{'appnexus':{'hb_source':8}}}}]",
	};

	(void)state;
	RIG_RUN_ALL("appnexus", "http://b.example", NULL, rows);
	rig_run("appnexus", "http://b.example", "{'platform_id':'8'}", &own_platform);
}

/* `n` imps with ids p<pod>_<i>, one pod after the other in turn. */
static json_t *many_imps(int n, int pods, bool generate)
{
	json_t *imps = json_array();

	for (int i = 0; i < n; i++)
		json_array_append_new(imps, json_pack("{s:o, s:{s:{s:i, s:b}}}", "id",
						      json_sprintf("p%d_%d", i % pods, i), "ext", "bidder",
						      "placement_id", 1, "generate_ad_pod_id", generate));
	return json_pack("{s:s, s:o}", "id", "r", "imp", imps);
}

static void calls_of_ten(void **state)
{
	static const struct {
		const char *why;
		int imps, pods;
		bool generate;
		enum adapter_entry entry;
		int calls;
		const char *first_id;
	} rows[] = {
		{ "ten fit", 10, 2, false, ADAPTER_VIDEO, 1, NULL },
		{ "eleven do not", 11, 2, false, ADAPTER_AUCTION, 2, NULL },
		{ "pods only come with the video entry point", 4, 2, true, ADAPTER_AUCTION, 1, NULL },
		{ "a call for each pod", 4, 2, true, ADAPTER_VIDEO, 2, "10" },
		{ "a pod of more than ten is split and keeps its id", 24, 2, true, ADAPTER_VIDEO, 4, "10" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena *a = arena_new();
		struct bidder_info info = { .name = "appnexus" };
		struct bidder b = { .name = "appnexus",
				    .endpoint = "http://b.example",
				    .adapter = adapter_find(STR("appnexus")),
				    .info = &info };
		struct adapter_request r = {
			.arena = a, .bidder = &b, .entry = rows[i].entry, .random = rig_chance
		};
		struct adapter_calls calls;
		int n = 0;

		assert_int_equal(b.adapter->build(&b, a, NULL), 0);
		r.root = arena_own_json(a, many_imps(rows[i].imps, rows[i].pods, rows[i].generate));
		adapter_calls_init(&calls, a);
		b.adapter->make_requests(&r, &calls);
		for (const struct adapter_call *c = calls.first; c; c = c->next, n++) {
			CHECK(rows[i].why, c->n_imp_ids <= 10 && c->n_imp_ids > 0);
			CHECK_STR(rows[i].why, json_str_at(c->body, "ext.appnexus.adpod_id"),
				  rows[i].first_id ? rows[i].first_id : "");
			for (size_t k = 1; rows[i].first_id && k < c->n_imp_ids; k++)
				CHECK(rows[i].why, c->imp_ids[k].p[1] == c->imp_ids[0].p[1]);
		}
		CHECK(rows[i].why, n == rows[i].calls);
		CHECK("the request's own ext has no pod", !json_at(r.root, "ext.appnexus.adpod_id"));
		arena_free(a);
	}
}

static void replies(void **state)
{
	static const struct adapter_row rows[] = {
		{ "no content", ONE("{'placement_id':1}"), .status = 204, .bids = "[]" },
		{ "a bad request", ONE("{'placement_id':1}"), .status = 400,
		  .bid_errors = "2 Unexpected status code: 400. Run with request.debug = 1 for more info" },
		{ "another status", ONE("{'placement_id':1}"), .status = 500,
		  .bid_errors = "4 Unexpected status code: 500. Run with request.debug = 1 for more info" },
		{ "a body that does not decode", ONE("{'placement_id':1}"), .status = 200, .body = "'x'",
		  .bid_errors = "14 expect { or n, but found \"" },
		{ "a bid without ext", ONE("{'placement_id':1}"), .status = 200,
		  .body = "{'seatbid':[{'bid':[{'id':'b','impid':'1','price':1},{'id':'c','impid':'1','price'"
			  ":1,'ext':{}}]}]}",
		  .bids = "[{'type':'banner','video':{'duration':0,'primary_category':''},'deal':0}]",
		  .currency = "USD", .bid_errors = "14 expect { or n, but found " },
		{ "an ext of the wrong kind inside", ONE("{'placement_id':1}"), .status = 200,
		  .body = REPLY("{'appnexus':{'bid_ad_type':'1'}}"), .bids = "[]",
		  .bid_errors = "14 cannot unmarshal appnexus.bidExtAppnexus.BidType: " NOT_AN_INT },
		{ "a type that is none", ONE("{'placement_id':1}"), .status = 200,
		  .body = REPLY("{'appnexus':{'bid_ad_type':2}}"), .bids = "[]",
		  .bid_errors = "999 Unrecognized bid_ad_type in response from appnexus: 2" },
		{ "a type beyond all", ONE("{'placement_id':1}"), .status = 200,
		  .body = REPLY("{'appnexus':{'bid_ad_type':20}}"), .bids = "[]",
		  .bid_errors = "999 Unrecognized bid_ad_type in response from appnexus: 20" },
		{ "a type below all", ONE("{'placement_id':1}"), .status = 200,
		  .body = REPLY("{'appnexus':{'bid_ad_type':-1}}"), .bids = "[]",
		  .bid_errors = "999 Unrecognized bid_ad_type in response from appnexus: -1" },
		{ "categories at both ends of the table and behind it", ONE("{'placement_id':1}"),
		  .status = 200,
		  .body = "{'seatbid':[{'bid':[{'id':'b','impid':'1','price':1,'ext':{'appnexus':{'brand_"
			  "category_"
			  "id':1}}},{'id':'c','impid':'1','price':1,'ext':{'appnexus':{'brand_category_id':"
			  "183}}},{"
			  "'id':'d','impid':'1','price':1,'cat':['X'],'ext':{'appnexus':{'brand_category_id':"
			  "184}}}"
			  "]}]}",
		  .bids = "[{'bid':{'id':'b','impid':'1','price':1,'cat':['IAB20-3'],'ext':{'appnexus':{'"
			  "brand_"
			  "category_id':1}}}},{'bid':{'id':'c','impid':'1','price':1,'cat':['IAB3-5'],'ext':{"
			  "'"
			  "appnexus':{'brand_category_id':183}}}},{'bid':{'id':'d','impid':'1','price':1,'"
			  "cat':['X'"
			  "],'ext':{'appnexus':{'brand_category_id':184}}}}]" },
		{ "a category that is known is the only one", ONE("{'placement_id':1}"), .status = 200,
		  .body = REPLY("{'appnexus':{'bid_ad_type':1,'brand_category_id':126,'deal_priority':4,'"
				"creative_info':"
				"{'video':{'duration':9}}}}"),
		  .bids = "[{'type':'video','deal':4,'video':{'duration':9,'primary_category':''},'bid':{'id'"
			  ":'b','impid':'1',"
			  "'price':1,'cat':['IAB9-5'],'ext':{'appnexus':{'bid_ad_type':1,'brand_category_id':"
			  "126,"
			  "'deal_priority':4,'creative_info':{'video':{'duration':9}}}}}}]" },
		{ "several categories and none that is known", ONE("{'placement_id':1}"), .status = 200,
		  .body = REPLY("{'appnexus':{'bid_ad_type':3,'brand_category_id':40}}"),
		  .bids = "[{'type':'native','bid':{'id':'b','impid':'1','price':1,'ext':{'appnexus':{'bid_"
			  "ad_type':3,"
			  "'brand_category_id':40}}}}]" },
		{ "one category is kept", ONE("{'placement_id':1}"), .status = 200,
		  .body = "{'cur':'EUR','seatbid':[{'bid':[{'id':'b','impid':'1','price':1,'cat':['X'],'ext':"
			  "{'appnexus':"
			  "{'brand_category_id':-1}}}]}]}",
		  .currency = "EUR",
		  .bids = "[{'bid':{'id':'b','impid':'1','price':1,'cat':['X'],'ext':{'appnexus':{'brand_"
			  "category_id':-1}}}}]" },
	};

	(void)state;
	RIG_RUN_ALL("appnexus", "http://b.example", NULL, rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters),   cmocka_unit_test(imps),    cmocka_unit_test(request_ext),
		cmocka_unit_test(calls_of_ten), cmocka_unit_test(replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
