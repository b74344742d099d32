/* Bidders that split a request into several calls: every rule, edge and error text of their fact sheets. */
#include "tests/unit/pbs/adapter_rig.h"

#define H1                 "'headers':{'Content-Type':'application/json;charset=utf-8'}"
#define H2                 "'headers':{'Content-Type':'application/json;charset=utf-8','Accept':'application/json'}"
#define EUR_RATES          "'ext':{'prebid':{'currency':{'rates':{'EUR':{'USD':1.5}}}}}"
#define ONE_BANNER(params) "{'id':'r','imp':[{'id':'1','banner':{'w':1,'h':1},'ext':{'bidder':" params "}}]}"

/* What 33across makes of request.ext when there is none. */
#define CALLER     "'ext':{'ttx':{'caller':[{'name':'Prebid-Server','version':'n/a'}]}}"
#define FULL_VIDEO "'mimes':['v'],'w':1,'h':2,'protocols':[1],'playbackmethod':[2]"
#define BAD_VIDEO  "2 One or more invalid or missing video field(s) w, h, protocols, mimes, playbackmethod"
#define ONE_VIDEO(members)                                                                                   \
	"{'id':'r','imp':[{'id':'1','video':{" members "},'ext':{'bidder':{'productId':'p'}}}]}"

static void across(void **state)
{
	static const struct adapter_row rows[] = {
		{ "other media are told before bad params; both go, others stay",
		  "{'id':'r','imp':[{'id':'n','native':{'request':'x'},'ext':'x'},"
		  "{'id':'2','banner':{},'ext':'x'},{'id':'3','banner':{},'ext':{'bidder':{'productId':1}}},"
		  "{'id':'4','banner':{},'tagid':'t','ext':{'bidder':{'productId':'p','siteId':'s'},'x':1}}]"
		  "}",
		  .calls = "[{'uri':'http://b.example'," H1 ",'body':{'id':'r'," CALLER
			   ",'imp':[{'id':'4','tagid':'t',"
			   "'banner':{},'ext':{'ttx':{'prod':'p','zoneid':'s'}}}]}}]",
		  .errors = "2 Imp ID n must have at least one of [Banner, Video] defined | 2 expect { or n, "
			    "but found "
			    "\" | 2 cannot unmarshal openrtb_ext.ExtImp33across.ProductId: expects \" or n, "
			    "but found "
			    "1" },
		{ "nothing left, no call", ONE_BANNER("'x'"), .calls = "[]",
		  .errors = "2 expect { or n, but found \"" },
		{ "grouped by product and zone, a zone before a site, neither left out; in the order of the "
		  "imps",
		  "{'id':'r','imp':[{'id':'1','banner':{},'ext':{'bidder':{'productId':'p','siteId':'s'}}},"
		  "{'id':'2','banner':{},'ext':{'bidder':{'productId':'p'}}},"
		  "{'id':'3','banner':{},'ext':{'bidder':{'productId':'p','siteId':'x','zoneId':'s'}}},"
		  "{'id':'4','banner':{},'ext':{'bidder':{'productId':'p','zoneId':'','siteId':''}}}]}",
		  .calls = "[{'body':{'id':'r'," CALLER ",'imp':["
			   "{'id':'1','banner':{},'ext':{'ttx':{'prod':'p','zoneid':'s'}}},"
			   "{'id':'3','banner':{},'ext':{'ttx':{'prod':'p','zoneid':'s'}}}]}},"
			   "{'body':{'id':'r'," CALLER
			   ",'imp':[{'id':'2','banner':{},'ext':{'ttx':{'prod':'p'}}},"
			   "{'id':'4','banner':{},'ext':{'ttx':{'prod':'p'}}}]}}]" },
		{ "known callers stay in front, the rest of request.ext goes",
		  "{'id':'r','ext':{'x':1,'ttx':{'y':1,'caller':[{'name':'w','version':'3','z':1}]}},'imp':[{"
		  "'id':'1',"
		  "'banner':{},'ext':{'bidder':{'productId':'p'}}}]}",
		  .calls = "[{'body':{'id':'r','ext':{'ttx':{'caller':[{'name':'w','version':'3'},{'name':'"
			   "Prebid-Server'"
			   ",'version':'n/"
			   "a'}]}},'imp':[{'id':'1','banner':{},'ext':{'ttx':{'prod':'p'}}}]}}]" },
		{ "a request.ext that does not decode goes, the call does not",
		  "{'id':'r','ext':{'ttx':'x'},'imp':[{'id':'1','banner':{},'ext':{'bidder':{'productId':'p'}"
		  "}}]}",
		  .calls = "[{'body':{'id':'r','imp':[{'id':'1','banner':{},'ext':{'ttx':{'prod':'p'}}}]}}]",
		  .errors = "14 cannot unmarshal _33across.reqExt.Ttx: expect { or n, but found \"" },
		{ "a complete video; instream starts at 0",
		  "{'id':'r','imp':[{'id':'1','video':{" FULL_VIDEO
		  "},'ext':{'bidder':{'productId':'instream'}}},"
		  "{'id':'2','video':{" FULL_VIDEO
		  ",'startdelay':-1},'ext':{'bidder':{'productId':'instream'}}},"
		  "{'id':'3','video':{" FULL_VIDEO "},'ext':{'bidder':{'productId':'siab'}}}]}",
		  .calls =
			  "[{'body':{'id':'r'," CALLER ",'imp':[{'id':'1','video':{" FULL_VIDEO
			  ",'startdelay':0},'ext':{'ttx':{'prod':'instream'}}},{'id':'2','video':{" FULL_VIDEO
			  ",'startdelay':-1},'ext':{'ttx':{'prod':'instream'}}}]}},{'body':{'id':'r'," CALLER
			  ",'imp':[{'id':'3','video':{" FULL_VIDEO "},'ext':{'ttx':{'prod':'siab'}}}]}}]" },
		{ "no w", ONE_VIDEO("'mimes':['v'],'h':2,'protocols':[1],'playbackmethod':[2]"),
		  .calls = "[]", .errors = BAD_VIDEO },
		{ "h of 0", ONE_VIDEO("'mimes':['v'],'w':2,'h':0,'protocols':[1],'playbackmethod':[2]"),
		  .calls = "[]", .errors = BAD_VIDEO },
		{ "no protocols", ONE_VIDEO("'mimes':['v'],'w':2,'h':1,'playbackmethod':[2]"), .calls = "[]",
		  .errors = BAD_VIDEO },
		{ "no mimes", ONE_VIDEO("'w':2,'h':1,'protocols':[1],'playbackmethod':[2]"), .calls = "[]",
		  .errors = BAD_VIDEO },
		{ "no playbackmethod", ONE_VIDEO("'mimes':['v'],'w':2,'h':1,'protocols':[1]"), .calls = "[]",
		  .errors = BAD_VIDEO },
		{ "bids: video when they say so, else banner", ONE_BANNER("{'productId':'p'}"), .status = 200,
		  .body = "{'cur':'EUR','seatbid':[{'bid':["
			  "{'id':'a','impid':'1','price':1,'ext':{'ttx':{'mediaType':'video'}}},"
			  "{'id':'b','impid':'z','price':1,'ext':{'ttx':{'mediaType':'native'}}},"
			  "{'id':'c','impid':'1','price':1,'ext':{'ttx':'video'}},{'id':'d','impid':'1','"
			  "price':1}]}]}",
		  .currency = "USD",
		  .bids = "[{'type':'video','meta':null,'video':null},{'type':'banner'},{'type':'banner'},{'"
			  "type':"
			  "'banner'}]" },
	};

	(void)state;
	RIG_RUN_ALL("33across", "http://b.example", NULL, rows);
}

#define STR_SOURCE "'source':{'ext':{'str':'10.0','version':''}}"

static void sharethrough(void **state)
{
	static const struct adapter_row rows[] = {
		{ "one call per kind of ad, without audio; ext and source stay",
		  "{'id':'r','source':{'tid':'t','ext':{'x':1,'str':'old'}},'imp':[{'id':'1','native':{'"
		  "request':'x'},"
		  "'audio':{'mimes':['a']},'video':{'mimes':['v']},'banner':{},'ext':{'bidder':{'pkey':'p'},'"
		  "g':1}}]}",
		  .calls = "[{'uri':'http://b.example'," H2
			   ",'body':{'id':'r','source':{'tid':'t','ext':{'x':1,'str':"
			   "'10.0','version':''}},'imp':[{'id':'1','banner':{},'tagid':'p','ext':{'bidder':{'"
			   "pkey':'p'}"
			   ",'g':1}}]}},{" H2
			   ",'body':{'id':'r','source':{'tid':'t','ext':{'x':1,'str':'10.0',"
			   "'version':''}},'imp':[{'id':'1','video':{'mimes':['v']},'tagid':'p','ext':{'"
			   "bidder':{'pkey':"
			   "'p'},'g':1}}]}},{'body':{'id':'r','source':{'tid':'t','ext':{'x':1,'str':'10.0','"
			   "version':''"
			   "}},'imp':[{'id':'1','native':{'request':'x'},'tagid':'p','ext':{'bidder':{'pkey':"
			   "'p'},'g':1"
			   "}}]}}]" },
		{ "lists grow from imp to imp, also past imps that have no call; a source.ext that is null "
		  "is none",
		  "{'id':'r','bcat':['c0'],'source':{'ext':null},'imp':["
		  "{'id':'1','banner':{},'ext':{'bidder':{'pkey':'p','bcat':['c1']}}},"
		  "{'id':'2','audio':{'mimes':['a']},'ext':{'bidder':{'pkey':'p','badv':['a2']}}},"
		  "{'id':'3','banner':{},'ext':'x'},"
		  "{'id':'4','banner':{},'tagid':'t','ext':{'bidder':{'badv':['a4'],'bcat':[]}}}]}",
		  .calls = "[{'body':{'id':'r','bcat':['c0','c1']," STR_SOURCE
			   ",'imp':[{'id':'1','banner':{},'tagid':'p',"
			   "'ext':{'bidder':{'pkey':'p','bcat':['c1']}}}]}},"
			   "{'body':{'id':'r','bcat':['c0','c1'],'badv':['a2','a4']," STR_SOURCE
			   ",'imp':[{'id':'4',"
			   "'banner':{},'ext':{'bidder':{'badv':['a4'],'bcat':[]}}}]}}]",
		  .errors = "2 Invalid MediaType. Sharethrough only supports Banner, Video and Native. | 14 "
			    "expect { or "
			    "n, but found \"" },
		{ "params that do not decode", ONE_BANNER("{'badv':'x'}"), .calls = "[]",
		  .errors = "14 cannot unmarshal openrtb_ext.ExtImpSharethrough.BAdv: expect [ or n, but "
			    "found \"" },
		{ "floors are converted",
		  "{'id':'r'," EUR_RATES
		  ",'imp':[{'id':'1','banner':{},'bidfloor':2,'bidfloorcur':'EUR','ext':{'bidder':"
		  "{'pkey':'p'}}}]}",
		  .calls = "[{'body':{'id':'r'," EUR_RATES "," STR_SOURCE
			   ",'imp':[{'id':'1','banner':{},'bidfloor':3.0,'bidfloorcur':'USD','tagid':'p','"
			   "ext':{'bidder':"
			   "{'pkey':'p'}}}]}}]" },
		{ "an unknown rate leaves nothing but itself",
		  "{'id':'r'," EUR_RATES ",'imp':[{'id':'1','banner':{},'ext':{'bidder':{'pkey':'p'}}},"
		  "{'id':'2','banner':{},'ext':'x'},{'id':'3','banner':{},'bidfloor':2,'bidfloorcur':'GBP','"
		  "ext':{"
		  "'bidder':{'pkey':'p'}}}]}",
		  .calls = "[]", .errors = "999 Currency conversion rate not found: 'GBP' => 'USD'" },
		{ "bids are kept whatever their type is", ONE_BANNER("{'pkey':'p'}"), .status = 200,
		  .body = "{'cur':'EUR','seatbid':[{'bid':["
			  "{'id':'a','impid':'1','price':1,'ext':{'prebid':{'type':'native'}}},"
			  "{'id':'b','impid':'2','price':1},{'id':'c','impid':'3','price':1,'ext':[]},"
			  "{'id':'d','impid':'4','price':1,'ext':{'prebid':null}},"
			  "{'id':'e','impid':'5','price':1,'ext':{'prebid':{'type':'poster'}}}]}]}",
		  .currency = "USD",
		  .bids = "[{'type':'native','meta':null},{'type':'','bid':{'id':'b','impid':'2','price':1}},"
			  "{'type':''},"
			  "{'type':''},{'type':''}]",
		  .bid_errors =
			  "4 Failed to parse bid mediatype for impression \"2\" | 4 Failed to parse bid "
			  "mediatype "
			  "for impression \"3\" | 4 Failed to parse bid mediatype for impression \"4\" | 999 "
			  "invalid BidType: poster" },
	};

	(void)state;
	RIG_RUN_ALL("sharethrough", "http://b.example", NULL, rows);
}

#define THREE_IMPS                                                                                           \
	"{'id':'r','imp':[{'id':'1','banner':{},'ext':{}},{'id':'2','banner':{},'video':{'mimes':['v']},'"   \
	"ext':{}},"                                                                                          \
	"{'id':'3','ext':{}}]}"
#define DEAL(id, type)                                                                                       \
	"{'id':'a','impid':'1','price':1,'dealid':'d','ext':{'improvedigital':{'line_item_id':" id           \
	",'buying_type':'" type "'}}}"

static void improvedigital(void **state)
{
	static const struct adapter_row rows[] = {
		{ "a call per imp, the publisher in the path",
		  "{'id':'r','site':{'id':'s'},'imp':[{'id':'1','banner':{},'ext':{'bidder':{'publisherId':9}"
		  ",'x':1}},"
		  "{'id':'2','native':{'request':'x'},'ext':{'bidder':{'publisherId':0}}},"
		  "{'id':'3','banner':{},'ext':{'bidder':{'publisherId':'9'}}},{'id':'4','banner':{},'ext':{}"
		  "},"
		  "{'id':'5','banner':{},'ext':{'bidder':'x'}}]}",
		  .calls = "[{'uri':'http://b.example/9/pbs?9/'," H1
			   ",'body':{'id':'r','site':{'id':'s'},'imp':[{'id':'1',"
			   "'banner':{},'ext':{'bidder':{'publisherId':9},'x':1}}]}},"
			   "{'uri':'http://b.example/"
			   "pbs?','body':{'id':'r','site':{'id':'s'},'imp':[{'id':'2','native':{"
			   "'request':'x'},'ext':{'bidder':{'publisherId':0}}}]}},"
			   "{'uri':'http://b.example/pbs?'},{'uri':'http://b.example/pbs?'},"
			   "{'uri':'http://b.example/pbs?'}]" },
		{ "imps without ext, or with one that is no object, go; so do bad server parts",
		  "{'id':'r','imp':[{'id':'1','banner':{}},{'id':'2','banner':{},'ext':'x'},"
		  "{'id':'3','banner':{},'ext':{'prebid':[]}},{'id':'4','banner':{},'ext':{'prebid':null}}]}",
		  .calls = "[{'body':{'id':'r','imp':[{'id':'4','banner':{},'ext':{'prebid':null}}]}}]",
		  .errors = "14 expect { or n, but found  | 14 expect { or n, but found \" | 14 expect { or "
			    "n, but found "
			    "[" },
		{ "rewarded only as the integer 1",
		  "{'id':'r','imp':[{'id':'1','banner':{},'ext':{'prebid':{'is_rewarded_inventory':1},'"
		  "bidder':{}}},"
		  "{'id':'2','banner':{},'ext':{'prebid':{'is_rewarded_inventory':true}}},"
		  "{'id':'3','banner':{},'ext':{'prebid':{'is_rewarded_inventory':1.0}}},"
		  "{'id':'4','banner':{},'ext':{'prebid':{'is_rewarded_inventory':'1'}}},"
		  "{'id':'5','banner':{},'ext':{'prebid':{'is_rewarded_inventory':2}}}]}",
		  .calls = "[{'body':{'id':'r','imp':[{'id':'1','banner':{},'ext':{'prebid':{'is_rewarded_"
			   "inventory':1},"
			   "'bidder':{},'is_rewarded_inventory':true}}]}},"
			   "{'body':{'id':'r','imp':[{'id':'2','banner':{},'ext':{'prebid':{'is_rewarded_"
			   "inventory':true}}}"
			   "]}},{'body':{'id':'r','imp':[{'id':'3','banner':{},'ext':{'prebid':{'is_rewarded_"
			   "inventory':1.0"
			   "}}}]}},{'body':{'id':'r','imp':[{'id':'4','banner':{},'ext':{'prebid':{"
			   "'is_rewarded_inventory':'1'}}}]}},{'body':{'id':'r','imp':[{'id':'5','banner':{},"
			   "'ext':{'"
			   "prebid':{'is_rewarded_inventory':2}}}]}}]" },
		{ "no seats are no response", THREE_IMPS, .status = 200, .body = "{'cur':'EUR'}",
		  .currency = "USD", .bids = "[]" },
		{ "nor is a seat without bids", THREE_IMPS, .status = 200,
		  .body = "{'cur':'EUR','seatbid':[{'bid':[]}]}", .currency = "USD", .bids = "[]" },
		{ "two seats are one too many", THREE_IMPS, .status = 200,
		  .body = "{'seatbid':[{'bid':[{'id':'a','impid':'1','price':1}]},{'bid':[]}]}", .bids = "[]",
		  .bid_errors = "4 Unexpected SeatBid! Must be only one but have: 2" },
		{ "the currency is passed on; mtype, or the only kind of the imp",
		  "{'id':'r','imp':[{'id':'b','banner':{},'ext':{}},{'id':'v','video':{'mimes':['v']},'ext':{"
		  "}},"
		  "{'id':'a','audio':{'mimes':['a']},'ext':{}},{'id':'n','native':{'request':'x'},'ext':{}}]"
		  "}",
		  .status = 200,
		  .body = "{'seatbid':[{'bid':[{'id':'1','impid':'b','price':1},{'id':'2','impid':'v','price'"
			  ":1},"
			  "{'id':'3','impid':'a','price':1},{'id':'4','impid':'n','price':1},"
			  "{'id':'5','impid':'b','price':1,'mtype':1},{'id':'6','impid':'b','price':1,'mtype'"
			  ":2},"
			  "{'id':'7','impid':'b','price':1,'mtype':3},{'id':'8','impid':'b','price':1,'mtype'"
			  ":4}]}]}",
		  .currency = "",
		  .bids = "[{'type':'banner','bid':{'id':'1','impid':'b','price':1},'meta':null,'video':null}"
			  ","
			  "{'type':'video'},{'type':'audio'},{'type':'native'},{'type':'banner'},{'type':'"
			  "video'},"
			  "{'type':'audio'},{'type':'native'}]" },
		{ "the first bad bid discards the response", THREE_IMPS, .status = 200,
		  .body = "{'cur':'EUR','seatbid':[{'bid':[{'id':'a','impid':'1','price':1},"
			  "{'id':'b','impid':'z','price':1,'mtype':9},{'id':'c','impid':'y','price':1}]}]}",
		  .currency = "USD", .bids = "[]",
		  .bid_errors = "4 Failed to find impression for ID: \"z\"" },
		{ "several formats need an mtype", THREE_IMPS, .status = 200,
		  .body = "{'seatbid':[{'bid':[{'id':'b','impid':'2','price':1,'mtype':0}]}]}", .bids = "[]",
		  .bid_errors = "4 Bid must have non-zero MType for multi format impression with ID: \"2\"" },
		{ "an imp without media", THREE_IMPS, .status = 200,
		  .body = "{'seatbid':[{'bid':[{'id':'b','impid':'3','price':1}]}]}", .bids = "[]",
		  .bid_errors = "4 Could not determine MType from impression with ID: \"3\"" },
		{ "another mtype", THREE_IMPS, .status = 200,
		  .body = "{'seatbid':[{'bid':[{'id':'b','impid':'1','price':1,'mtype':5}]}]}", .bids = "[]",
		  .bid_errors = "4 Unsupported MType 5 for impression with ID: \"1\"" },
		{ "a negative mtype", THREE_IMPS, .status = 200,
		  .body = "{'seatbid':[{'bid':[{'id':'b','impid':'1','price':1,'mtype':-1}]}]}", .bids = "[]",
		  .bid_errors = "4 Unsupported MType -1 for impression with ID: \"1\"" },
		{ "an ext that does not decode discards the response, too", THREE_IMPS, .status = 200,
		  .body = "{'seatbid':[{'bid':[{'id':'a','impid':'1','price':1},{'id':'b','impid':'1','price'"
			  ":1,'ext':'x'}]}]}",
		  .bids = "[]", .bid_errors = "14 expect { or n, but found \"" },
		{ "a classic line item is a deal", THREE_IMPS, .status = 200,
		  .body = "{'seatbid':[{'bid':[" DEAL("77", "x_classic") "]}]}",
		  .bids = "[{'deal':0,'bid':{'id':'a','impid':'1','price':1,'dealid':'77','ext':{'"
			  "improvedigital':{"
			  "'line_item_id':77,'buying_type':'x_classic'}}}}]" },
		{ "so is one of a deal", THREE_IMPS, .status = 200,
		  .body = "{'seatbid':[{'bid':[" DEAL("77", "deal") "]}]}",
		  .bids = "[{'bid':{'id':'a','impid':'1','price':1,'dealid':'77','ext':{'improvedigital':{"
			  "'line_item_id':77,'buying_type':'deal'}}}}]" },
		{ "open market is none", THREE_IMPS, .status = 200,
		  .body = "{'seatbid':[{'bid':[" DEAL("77", "rtb") "]}]}",
		  .bids = "[{'bid':" DEAL("77", "rtb") "}]" },
		{ "line item 0 is none", THREE_IMPS, .status = 200,
		  .body = "{'seatbid':[{'bid':[" DEAL("0", "deal") "]}]}",
		  .bids = "[{'bid':" DEAL("0", "deal") "}]" },
	};

	(void)state;
	RIG_RUN_ALL("improvedigital", "http://b.example/{PublisherId}pbs?{PublisherId}", NULL, rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(across),
		cmocka_unit_test(sharethrough),
		cmocka_unit_test(improvedigital),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
