/* criteo, openx, sovrn and the bidder without code: what their vectors do not show. */
#include "tests/unit/pbs/adapter_rig.h"

#define ONE_BANNER(params) "{'id':'r','imp':[{'id':'1','banner':{'w':1,'h':1},'ext':{'bidder':" params "}}]}"

static void statuses(void **state)
{
	static const struct {
		const char *adapter;
		struct adapter_row row;
	} rows[] = {
		{ "sovrn",
		  { "no content is nothing", ONE_BANNER("{'tagid':'1'}"), .status = 204, .bids = "[]" } },
		{ "sovrn",
		  { "400 blames the request", ONE_BANNER("{'tagid':'1'}"), .status = 400,
		    .bid_errors =
			    "2 Unexpected status code: 400. Run with request.debug = 1 for more info" } },
		{ "openx",
		  { "500 blames the server", ONE_BANNER("{'unit':1}"), .status = 500,
		    .bid_errors =
			    "4 Unexpected status code: 500. Run with request.debug = 1 for more info" } },
		{ "criteo",
		  { "criteo ends with a full stop", ONE_BANNER("{}"), .status = 400,
		    .bid_errors =
			    "2 Unexpected status code: 400. Run with request.debug = 1 for more info." } },
		{ "criteo",
		  { "criteo, other status", ONE_BANNER("{}"), .status = 302,
		    .bid_errors =
			    "4 Unexpected status code: 302. Run with request.debug = 1 for more info." } },
		{ "criteo", { "criteo, no content", ONE_BANNER("{}"), .status = 204, .bids = "[]" } },
		{ "openx", { "openx, no content", ONE_BANNER("{'unit':1}"), .status = 204, .bids = "[]" } },
		{ "openx",
		  { "openx, a bad request", ONE_BANNER("{'unit':1}"), .status = 400,
		    .bid_errors =
			    "2 Unexpected status code: 400. Run with request.debug = 1 for more info" } },
		{ "criteo",
		  { "a body of the wrong kind", ONE_BANNER("{}"), .status = 200, .body = "'text'",
		    .bid_errors = "14 expect { or n, but found \"" } },
		{ "sovrn",
		  { "sovrn blames the server for it", ONE_BANNER("{'tagid':'1'}"), .status = 200,
		    .body = "{'id':5}",
		    .bid_errors =
			    "4 cannot unmarshal openrtb2.BidResponse.ID: expects \" or n, but found 5" } },
		{ "openx",
		  { "no bytes at all", ONE_BANNER("{'unit':1}"), .status = 200,
		    .bid_errors = "14 expect { or n, but found " } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		rig_run(rows[i].adapter, "http://b.example", NULL, &rows[i].row);
}

static void sovrn(void **state)
{
	static const struct adapter_row rows[] = {
		{ "no ext at all", "{'id':'r','imp':[{'id':'1','banner':{}}]}", .calls = "[]",
		  .errors = "2 expect { or n, but found " },
		{ "params that are no object", ONE_BANNER("5"), .calls = "[]",
		  .errors = "2 expect { or n, but found 5" },
		{ "a tag that is no text", ONE_BANNER("{'tagid':5}"), .calls = "[]",
		  .errors =
			  "2 cannot unmarshal openrtb_ext.ExtImpSovrn.Tagid: expects \" or n, but found 5" },
		{ "the server's part of ext is checked too",
		  "{'id':'r','imp':[{'id':'1','banner':{},'ext':{'prebid':[],'bidder':{}}}]}", .calls = "[]",
		  .errors = "2 cannot unmarshal adapters.ExtImpBidder.Prebid: expect { or n, but found [" },
		{ "no tag", ONE_BANNER("{'tagid':''}"), .calls = "[]",
		  .errors = "2 Missing required parameter 'tagid'" },
		{ "the tag is asked for before the video",
		  "{'id':'r','imp':[{'id':'1','video':{'mimes':['a']},'ext':{'bidder':{}}}]}", .calls = "[]",
		  .errors = "2 Missing required parameter 'tagid'" },
		{ "an incomplete video takes its banner along",
		  "{'id':'r','imp':[{'id':'1','banner':{},'video':{'mimes':['a'],'protocols':[1]},"
		  "'ext':{'bidder':{'tagid':'1'}}}]}",
		  .calls = "[]", .errors = "2 Missing required video parameter" },
		{ "bad imps go, good ones stay",
		  "{'id':'r','imp':[{'id':'1','banner':{},'ext':{'bidder':{}}},"
		  "{'id':'2','banner':{},'ext':{'bidder':{'tagId':'t'}}}]}",
		  .calls = "[{'uri':'http://b.example','headers':{'Content-Type':'application/json'},"
			   "'body':{'id':'r','imp':[{'id':'2','banner':{},'tagid':'t','ext':{'bidder':{'"
			   "tagId':'t'}}}]}}]",
		  .errors = "2 Missing required parameter 'tagid'" },
		{ "a floor of the imp's own wins, a text that is no number is 0",
		  "{'id':'r','imp':[{'id':'1','banner':{},'bidfloor':2,'ext':{'bidder':{'tagid':'1','"
		  "bidfloor':3}}},"
		  "{'id':'2','banner':{},'ext':{'bidder':{'tagid':'1','bidfloor':'x'}}}]}",
		  .calls = "[{'body':{'id':'r','imp':[{'id':'1','banner':{},'bidfloor':2,'tagid':'1',"
			   "'ext':{'bidder':{'tagid':'1','bidfloor':3}}},{'id':'2','banner':{},'tagid':'1',"
			   "'ext':{'bidder':{'tagid':'1','bidfloor':'x'}}}]}}]" },
		{ "a floor as a text; one of 0 or less is none; the older tag only without the newer",
		  "{'id':'r','imp':[{'id':'1','banner':{},'ext':{'bidder':{'tagid':'1','tagId':'2','bidfloor'"
		  ":"
		  "'0.25'}}},{'id':'2','banner':{},'ext':{'bidder':{'tagid':'','tagId':'2','bidfloor':-1}}}]"
		  "}",
		  .calls = "[{'body':{'id':'r','imp':[{'id':'1','banner':{},'bidfloor':0.25,'tagid':'1','ext'"
			   ":{"
			   "'bidder':{'tagid':'1','tagId':'2','bidfloor':'0.25'}}},{'id':'2','banner':{},'"
			   "tagid':"
			   "'2','ext':{'bidder':{'tagid':'','tagId':'2','bidfloor':-1}}}]}}]" },
		{ "the device in headers",
		  "{'id':'r','imp':[{'id':'1','banner':{},'ext':{'bidder':{'tagid':'1'}}}],'user':{'buyeruid'"
		  ":' u '},"
		  "'device':{'ua':'UA','ip':'192.0.2.1','language':'en','dnt':0}}",
		  .calls = "[{'headers':{'Content-Type':'application/json','User-Agent':'UA',"
			   "'X-Forwarded-For':'192.0.2.1','Accept-Language':'en','Dnt':'0','Cookie':'ljt_"
			   "reader=u'}}]" },
		{ "bids: adm unescaped, broken escapes dropped silently, unknown imps with an error",
		  ONE_BANNER("{'tagid':'1'}"), .status = 200,
		  .body = "{'id':'r','cur':'EUR','seatbid':[{'bid':["
			  "{'id':'a','impid':'1','price':1,'adm':'%3Ca%3E+b','mtype':4},"
			  "{'id':'b','impid':'1','price':1,'adm':'100%'},{'id':'c','impid':'z','price':1,'"
			  "adm':'%FF'}]}]}",
		  .currency = "USD",
		  .bids = "[{'type':'banner','bid':{'id':'a','impid':'1','price':1,'adm':'<a> "
			  "b','mtype':4}}]",
		  .bid_errors = "2 Imp ID z in bid didn't match with any imp in the original request" },
		{ "bytes that are no UTF-8 are replaced", ONE_BANNER("{'tagid':'1'}"), .status = 200,
		  .body = "{'seatbid':[{'bid':[{'id':'a','impid':'1','price':1,'adm':'a%FF%00'}]}]}",
		  .bids = "[{'bid':{'id':'a','impid':'1','price':1,'adm':'a\xef\xbf\xbd\xef\xbf\xbd'}}]" },
	};

	(void)state;
	RIG_RUN_ALL("sovrn", "http://b.example", NULL, rows);
}

static void criteo(void **state)
{
	static const struct adapter_row rows[] = {
		{ "the request goes out unchanged, without headers", ONE_BANNER("{'zoneId':1}"),
		  .calls = "[{'uri':'http://b.example','headers':{},'body':{'id':'r','imp':[{'id':'1',"
			   "'banner':{'w':1,'h':1},'ext':{'bidder':{'zoneId':1}}}]}}]" },
		{ "types are passed on in the bidder's words, an empty currency too", ONE_BANNER("{}"),
		  .status = 200,
		  .body = "{'seatbid':[{'bid':[{'id':'a','impid':'1','price':1,'ext':{'prebid':{'type':'"
			  "sticker',"
			  "'networkName':'net'}}},{'id':'b','impid':'1','price':1,'ext':{}}]}]}",
		  .currency = "",
		  .bids = "[{'type':'sticker','meta':{'networkName':'net'}},{'type':'','meta':null}]" },
		{ "a bid without ext discards the response", ONE_BANNER("{}"), .status = 200,
		  .body = "{'seatbid':[{'bid':[{'id':'a','impid':'1','price':1,'ext':{}},"
			  "{'id':'b','impid':'7','price':1}]}]}",
		  .bids = "[]", .bid_errors = "4 Missing ext.prebid.type in bid for impression : 7." },
		{ "so does one whose ext does not decode", ONE_BANNER("{}"), .status = 200,
		  .body = "{'seatbid':[{'bid':[{'id':'a','impid':'7','price':1,'ext':{'prebid':{'type':1}}}]}"
			  "]}",
		  .bids = "[]", .bid_errors = "4 Missing ext.prebid.type in bid for impression : 7." },
		{ "only the first config of an imp counts, holes are skipped", ONE_BANNER("{}"),
		  .status = 200,
		  .body = "{'ext':{'igi':[null,{'impid':'1','igs':[{'config':{'a':1}},{'config':{'a':2}}]},"
			  "{'impid':'2','igs':[{},{'config':{'a':3}}]},{'impid':'3','igs':[null]}]}}",
		  .bids = "[]", .configs = "[{'impid':'1','bidder':'criteo','config':{'a':1}}]" },
		{ "an ext that does not decode gives no configs", ONE_BANNER("{}"), .status = 200,
		  .body = "{'ext':{'igi':{}}}", .bids = "[]", .configs = "[]" },
	};

	(void)state;
	RIG_RUN_ALL("criteo", "http://b.example", NULL, rows);
}

static void openx(void **state)
{
	static const struct adapter_row rows[] = {
		{ "each video alone, banner and native together, audio nowhere, native with video as video",
		  "{'id':'r','imp':[{'id':'v','video':{},'ext':{'bidder':{'unit':1,'delDomain':'d'}}},"
		  "{'id':'n','native':{'request':'x'},'ext':{'bidder':{'unit':2,'platform':'p'}}},"
		  "{'id':'a','audio':{},'ext':{'bidder':{'unit':3}}},"
		  "{'id':'b','banner':{},'video':{},'ext':{'bidder':{'unit':'4','platform':''}}},"
		  "{'id':'w','native':{'request':'x'},'video':{},'ext':{'bidder':{'unit':5}}}]}",
		  .calls = "[{'body':{'id':'r','ext':{'bc':'hb_pbs_1.0.0'},'imp':["
			   "{'id':'n','native':{'request':'x'},'tagid':'2'},"
			   "{'id':'b','banner':{},'video':{'mimes':null},'tagid':'4'}]}},"
			   "{'body':{'id':'r','ext':{'bc':'hb_pbs_1.0.0','delDomain':'d'},"
			   "'imp':[{'id':'v','video':{'mimes':null},'tagid':'1'}]}},"
			   "{'body':{'id':'r','ext':{'bc':'hb_pbs_1.0.0'},"
			   "'imp':[{'id':'w','native':{'request':'x'},'video':{'mimes':null},'tagid':'5'}]}}"
			   "]" },
		{ "a group whose imps all fail gives no call", ONE_BANNER("{'unit':true}"), .calls = "[]",
		  .errors = "2 cannot unmarshal openrtb_ext.ExtImpOpenx.Unit: invalid number" },
		{ "video.ext says rewarded or goes",
		  "{'id':'r','imp':[{'id':'1','rwdd':1,'video':{'ext':{'x':1}},'ext':{'bidder':{'unit':1}}},"
		  "{'id':'2','video':{'ext':{'x':1}},'ext':{'bidder':{'unit':1}}}]}",
		  .calls = "[{'body':{'id':'r','ext':{'bc':'hb_pbs_1.0.0'},'imp':[{'id':'1','rwdd':1,"
			   "'video':{'mimes':null,'ext':{'rewarded':1}},'tagid':'1'}]}},"
			   "{'body':{'id':'r','ext':{'bc':'hb_pbs_1.0.0'},"
			   "'imp':[{'id':'2','video':{'mimes':null},'tagid':'1'}]}}]" },
		{ "floors: only for an imp without one, only above 0",
		  "{'id':'r','imp':[{'id':'1','banner':{},'bidfloor':2,'ext':{'bidder':{'unit':1,'"
		  "customFloor':3}}},"
		  "{'id':'2','banner':{},'ext':{'bidder':{'unit':1,'customFloor':'0'}}}]}",
		  .calls = "[{'body':{'id':'r','ext':{'bc':'hb_pbs_1.0.0'},'imp':["
			   "{'id':'1','banner':{},'bidfloor':2,'tagid':'1'},{'id':'2','banner':{},'tagid':'1'"
			   "}]}}]" },
		{ "of imp.ext the server's members go, the rest stays; the last imp names the place",
		  "{'id':'r','ext':{'prebid':{}},'imp':[{'id':'1','banner':{},'tagid':'old','ext':{'prebid':{"
		  "},'"
		  "gpid':'g','bidder':{'unit':1,'delDomain':'d','customFloor':'0.5','customParams':{}}}},"
		  "{'id':'2','banner':{},'tagid':'old','ext':{'bidder':{'platform':'p','customFloor':'x'}}},{"
		  "'id':'3','"
		  "banner':{},'ext':{'bidder':{'unit':[]}}}]}",
		  .calls = "[{'uri':'http://b.example','headers':{'Content-Type':'application/json;charset="
			   "utf-8','Accept':'application/json'},'body':{'id':'r','ext':{'bc':'hb_pbs_1.0.0','"
			   "platform':'p'},'imp':[{'id':'1','banner':{},'tagid':'1','bidfloor':0.5,'ext':{'"
			   "gpid':'g','customParams':{}}},{'id':'2','banner':{}}]}}]",
		  .errors = "2 cannot unmarshal openrtb_ext.ExtImpOpenx.Unit: invalid number" },
		{ "parameters that are no object", ONE_BANNER("'x'"), .calls = "[]",
		  .errors = "2 expect { or n, but found \"" },
		{ "a domain that is no text", ONE_BANNER("{'unit':1,'delDomain':5}"), .calls = "[]",
		  .errors = "2 cannot unmarshal openrtb_ext.ExtImpOpenx.DelDomain: expects \" or n, but "
			    "found 5" },
		{ "custom parameters that are no object", ONE_BANNER("{'unit':1,'customParams':'x'}"),
		  .calls = "[]",
		  .errors =
			  "2 cannot unmarshal openrtb_ext.ExtImpOpenx.CustomParams: expect { or n, but found "
			  "\"" },
		{ "types: mtype, but for audio; then the imp: banner, video, native",
		  "{'id':'r','imp':[{'id':'b','banner':{},'video':{},'native':{},'ext':{'bidder':{}}},{'id':'"
		  "v'"
		  ",'video':{},'native':{},'ext':{'bidder':{}}},{'id':'n','native':{},'ext':{'bidder':{}}},{'"
		  "id':'a','audio':{},'ext':{'bidder':{}}}]}",
		  .status = 200,
		  .body = "{'cur':'EUR','seatbid':[{'bid':[{'id':'1','impid':'v','price':1,'mtype':1},{'id':'"
			  "2','"
			  "impid':'n','price':1,'mtype':2},{'id':'3','impid':'b','price':1,'mtype':4},{'id':'"
			  "4','"
			  "impid':'v','price':1,'mtype':3},{'id':'5','impid':'b','price':1},{'id':'6','impid'"
			  ":'n"
			  "','price':1,'mtype':9},{'id':'7','impid':'a','price':1}]}]}",
		  .currency = "EUR",
		  .bids = "[{'type':'banner'},{'type':'video'},{'type':'native'},{'type':'video'},{'type':'"
			  "banner'},{'type':'native'},{'type':'banner'}]" },
		{ "meta: each id alone, and negative ones beside one that counts", ONE_BANNER("{'unit':1}"),
		  .status = 200,
		  .body = "{'seatbid':[{'bid':[{'id':'a','impid':'1','price':1,'ext':{'brand_id':'6'}},{'id':"
			  "'b'"
			  ",'impid':'1','price':1,'ext':{'buyer_id':'7'}},{'id':'c','impid':'1','price':1,'"
			  "ext':"
			  "{'dsp_id':'-4','brand_id':'-6','buyer_id':'7'}},{'id':'d','impid':'1','price':1,'"
			  "ext'"
			  ":{'dsp_id':'4','brand_id':6}},{'id':'e','impid':'1','price':1,'ext':{'dsp_id':'4',"
			  "'"
			  "brand_id':''}},{'id':'f','impid':'1','price':1,'ext':{'dsp_id':'-4'}}]}]}",
		  .bids = "[{'meta':{'brandId':6}},{'meta':{'advertiserId':7}},{'meta':{'networkId':-4,'"
			  "brandId':"
			  "-6,'advertiserId':7}},{'meta':null},{'meta':null},{'meta':null}]" },
		{ "configs name the bidder", ONE_BANNER("{'unit':1}"), .status = 200,
		  .body = "{'ext':{'fledge_auction_configs':{'1':{'a':1},'2':{}}}}", .bids = "[]",
		  .configs =
			  "[{'impid':'1','bidder':'openx','config':{'a':1}},{'impid':'2','bidder':'openx','"
			  "config':{}}]" },
		{ "configs of the wrong kind are none", ONE_BANNER("{'unit':1}"), .status = 200,
		  .body = "{'ext':{'fledge_auction_configs':[1]}}", .bids = "[]", .configs = "[]" },
		{ "meta from quoted ids; none of one that is no number; a buyer that is none counts as 0",
		  ONE_BANNER("{'unit':1}"), .status = 200,
		  .body = "{'seatbid':[{'bid':["
			  "{'id':'a','impid':'1','price':1,'dur':5,'cat':['c','d'],'ext':{'dsp_id':'4','"
			  "buyer_id':'x'}},"
			  "{'id':'b','impid':'1','price':1,'ext':{'dsp_id':'q','buyer_id':'7'}},"
			  "{'id':'c','impid':'1','price':1,'ext':{'dsp_id':'0','brand_id':'0'}},"
			  "{'id':'d','impid':'1','price':1,'ext':null},"
			  "{'id':'e','impid':'z','price':1,'mtype':3},{'id':'f','impid':'1','price':1,'mtype'"
			  ":4}]}]}",
		  .currency = "USD",
		  .bids = "[{'type':'banner','meta':{'networkId':4},'video':{'duration':5,'primary_category':"
			  "'c'}},"
			  "{'meta':null,'video':{'duration':0,'primary_category':''}},{'meta':null},{'meta':"
			  "null},"
			  "{'type':'banner'},{'type':'native'}]" },
	};

	(void)state;
	RIG_RUN_ALL("openx", "http://b.example", NULL, rows);
}

static void generic(void **state)
{
	static const struct adapter_row rows[] = {
		{ "posted unchanged as JSON", ONE_BANNER("{'any':1}"),
		  .calls = "[{'uri':'http://b.example','headers':{'Content-Type':'application/"
			   "json;charset=utf-8',"
			   "'Accept':'application/"
			   "json'},'body':{'id':'r','imp':[{'id':'1','banner':{'w':1,'h':1},"
			   "'ext':{'bidder':{'any':1}}}]}}]" },
		{ "the type: mtype, the bid's word, the imp, banner",
		  "{'id':'r','imp':[{'id':'1','video':{}},{'id':'2','audio':{}}]}", .status = 200,
		  .body = "{'cur':'EUR','seatbid':[{'bid':[{'id':'a','impid':'1','price':1,'mtype':1},"
			  "{'id':'b','impid':'1','price':1,'ext':{'prebid':{'type':'native'}}},"
			  "{'id':'c','impid':'1','price':1,'ext':{'prebid':{'type':'poster'}}},"
			  "{'id':'d','impid':'2','price':1},{'id':'e','impid':'3','price':1}]}]}",
		  .currency = "EUR",
		  .bids = "[{'type':'banner'},{'type':'native'},{'type':'video'},{'type':'audio'},"
			  "{'type':'banner'}]" },
		{ "no imps, no call", "{'id':'r'}", .calls = "[]" },
	};

	(void)state;
	RIG_RUN_ALL("generic", "http://b.example", NULL, rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses), cmocka_unit_test(sovrn),   cmocka_unit_test(criteo),
		cmocka_unit_test(openx),    cmocka_unit_test(generic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
