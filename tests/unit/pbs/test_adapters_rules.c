/* Bidders that send one call by a table of rules: every rule, edge and error text of their fact sheets. */
#include "pbs/adapters/ortb_text.h"
#include "tests/unit/pbs/adapter_rig.h"

#define H1                 "'headers':{'Content-Type':'application/json;charset=utf-8'}"
#define H2                 "'headers':{'Content-Type':'application/json;charset=utf-8','Accept':'application/json'}"
#define EUR_RATES          "'ext':{'prebid':{'currency':{'rates':{'EUR':{'USD':1.5}}}}}"
#define ONE_BANNER(params) "{'id':'r','imp':[{'id':'1','banner':{'w':1,'h':1},'ext':{'bidder':" params "}}]}"
#define ONE_BID(ext)       "{'id':'r','seatbid':[{'bid':[{'id':'a','impid':'1','price':1" ext "}]}]}"
#define MORE_INFO          " Run with request.debug = 1 for more info"

static void statuses(void **state)
{
	static const struct {
		const char *adapter, *params;
		int status;
		const char *errors;
	} rows[] = {
		{ "triplelift", "{'inventoryCode':'c'}", 204, NULL },
		{ "triplelift", "{'inventoryCode':'c'}", 400, "2 Unexpected status code: 400." MORE_INFO },
		{ "triplelift", "{'inventoryCode':'c'}", 503, "999 Unexpected status code: 503." MORE_INFO },
		{ "gumgum", "{'zone':'z'}", 204, NULL },
		{ "gumgum", "{'zone':'z'}", 400, "2 Bad user input: HTTP status 400" },
		{ "gumgum", "{'zone':'z'}", 500, "4 Bad server response: HTTP status 500" },
		{ "smartadserver", "{'networkId':1}", 204, NULL },
		{ "smartadserver", "{'networkId':1}", 400, "2 Unexpected status code: 400." MORE_INFO },
		{ "smartadserver", "{'networkId':1}", 401, "4 Unexpected status code: 401." MORE_INFO },
		{ "adf", "{'mid':1}", 204, NULL },
		{ "adf", "{'mid':1}", 400, "2 Unexpected status code: 400. Bad request from publisher." },
		{ "adf", "{'mid':1}", 500, "4 Unexpected status code: 500." },
		{ "teads", "{'placementId':1}", 204, NULL },
		{ "teads", "{'placementId':1}", 400, "2 Unexpected status code: 400." MORE_INFO },
		{ "teads", "{'placementId':1}", 500, "4 Unexpected status code: 500." MORE_INFO },
		{ "unruly", "{'siteId':1}", 204, NULL },
		{ "unruly", "{'siteId':1}", 400, "2 unexpected status code: 400." MORE_INFO },
		{ "unruly", "{'siteId':1}", 302, "4 unexpected status code: 302." MORE_INFO },
		{ "yieldmo", "{'placementId':'p'}", 204, NULL },
		{ "yieldmo", "{'placementId':'p'}", 400, "2 Unexpected status code: 400." MORE_INFO },
		{ "yieldmo", "{'placementId':'p'}", 500, "4 Unexpected status code: 500." MORE_INFO },
		{ "33across", "{'productId':'p'}", 204, NULL },
		{ "33across", "{'productId':'p'}", 400, "2 Unexpected status code: 400." MORE_INFO },
		{ "33across", "{'productId':'p'}", 500, "4 Unexpected status code: 500." MORE_INFO },
		{ "sharethrough", "{'pkey':'p'}", 204, NULL },
		{ "sharethrough", "{'pkey':'p'}", 400, "2 Unexpected status code: 400." MORE_INFO },
		{ "sharethrough", "{'pkey':'p'}", 500, "999 unexpected status code: 500." MORE_INFO },
		{ "improvedigital", "{'placementId':1}", 204, NULL },
		{ "improvedigital", "{'placementId':1}", 400, "2 Unexpected status code: 400." MORE_INFO },
		{ "improvedigital", "{'placementId':1}", 500, "4 Unexpected status code: 500." MORE_INFO },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char request[256];
		struct adapter_row row = { rows[i].adapter, request, .status = rows[i].status,
					   .bid_errors = rows[i].errors, .bids = "[]" };

		(void)snprintf(request, sizeof request,
			       "{'id':'r','imp':[{'id':'1','banner':{},'ext':{'bidder':%s}}]}",
			       rows[i].params);
		rig_run(rows[i].adapter, "http://b.example", NULL, &row);
	}
}

/* A body that is a JSON text, and one that has no bytes. */
static void bodies(void **state)
{
	static const struct {
		const char *adapter, *params, *prefix;
	} rows[] = {
		{ "triplelift", "{'inventoryCode':'c'}", "14 " },
		{ "gumgum", "{'zone':'z'}", "4 Bad server response: " },
		{ "smartadserver", "{'networkId':1}", "14 " },
		{ "adf", "{'mid':1}", "14 " },
		{ "teads", "{'placementId':1}", "14 " },
		{ "unruly", "{'siteId':1}", "4 bad server response: " },
		{ "yieldmo", "{'placementId':'p'}", "14 " },
		{ "33across", "{'productId':'p'}", "14 " },
		{ "sharethrough", "{'pkey':'p'}", "14 " },
		{ "improvedigital", "{'placementId':1}", "14 " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char request[256], errors[128];
		struct adapter_row row = { rows[i].adapter,      request,     .status = 200, .body = "'text'",
					   .bid_errors = errors, .bids = "[]" };

		(void)snprintf(request, sizeof request,
			       "{'id':'r','imp':[{'id':'1','banner':{},'ext':{'bidder':%s}}]}",
			       rows[i].params);
		(void)snprintf(errors, sizeof errors, "%sexpect { or n, but found \"", rows[i].prefix);
		rig_run(rows[i].adapter, "http://b.example", NULL, &row);
		(void)snprintf(errors, sizeof errors, "%sexpect { or n, but found ", rows[i].prefix);
		row.body = NULL;
		rig_run(rows[i].adapter, "http://b.example", NULL, &row);
	}
}

static void triplelift(void **state)
{
	static const struct adapter_row rows[] = {
		{ "params that are no object", ONE_BANNER("'x'"), .calls = "[]",
		  .errors = "14 expect { or n, but found \" | 999 No valid impressions for triplelift" },
		{ "no ext", "{'id':'r','imp':[{'id':'1','banner':{}}]}", .calls = "[]",
		  .errors = "14 expect { or n, but found  | 999 No valid impressions for triplelift" },
		{ "a code that is no text", ONE_BANNER("{'inventoryCode':1}"), .calls = "[]",
		  .errors = "14 cannot unmarshal openrtb_ext.ExtImpTriplelift.InvCode: expects \" or n, but "
			    "found 1 | 999 No valid impressions for triplelift" },
		{ "params are read before the media",
		  "{'id':'r','imp':[{'id':'1','native':{'request':'x'},'ext':{'bidder':5}}]}", .calls = "[]",
		  .errors = "14 expect { or n, but found 5 | 999 No valid impressions for triplelift" },
		{ "neither banner nor video; good imps stay; a null floor is none",
		  "{'id':'r','imp':[{'id':'1','native':{'request':'x'},'ext':{'bidder':{'inventoryCode':'c'}}"
		  "},"
		  "{'id':'2','video':{'mimes':['v']},'bidfloor':0.5,'ext':{'bidder':{'inventoryCode':'d',"
		  "'floor':null},'x':1}}]}",
		  .calls = "[{'uri':'http://b.example'," H2
			   ",'body':{'id':'r','imp':[{'id':'2','video':{'mimes':"
			   "['v']},'bidfloor':0.5,'bidfloorcur':'USD','tagid':'d','ext':{'bidder':{"
			   "'inventoryCode':'d','floor':null},'x':1}}]}}]",
		  .errors = "999 neither Banner nor Video object specified" },
		{ "a floor of 0 overrides and leaves the currency alone",
		  "{'id':'r','imp':[{'id':'1','banner':{},'bidfloor':2,'bidfloorcur':'EUR',"
		  "'ext':{'bidder':{'inventoryCode':'c','floor':0}}}]}",
		  .calls = "[{'body':{'id':'r','imp':[{'id':'1','banner':{},'bidfloorcur':'EUR','tagid':'c',"
			   "'ext':{'bidder':{'inventoryCode':'c','floor':0}}}]}}]" },
		{ "a negative floor too",
		  "{'id':'r','imp':[{'id':'1','banner':{},'bidfloor':2,"
		  "'ext':{'bidder':{'inventoryCode':'c','floor':-1}}}]}",
		  .calls = "[{'body':{'id':'r','imp':[{'id':'1','banner':{},'bidfloor':-1,'tagid':'c',"
			   "'ext':{'bidder':{'inventoryCode':'c','floor':-1}}}]}}]" },
		{ "floors are converted after they were overridden; usd in any case is USD",
		  "{'id':'r'," EUR_RATES ",'imp':[{'id':'1','banner':{},'bidfloor':1,'bidfloorcur':'EUR',"
		  "'ext':{'bidder':{'inventoryCode':'c','floor':2}}},{'id':'2','banner':{},'bidfloor':1,"
		  "'bidfloorcur':'usd','ext':{'bidder':{'inventoryCode':'c'}}}]}",
		  .calls =
			  "[{'body':{'id':'r'," EUR_RATES ",'imp':[{'id':'1','banner':{},'bidfloor':3.0,"
			  "'bidfloorcur':'USD','tagid':'c','ext':{'bidder':{'inventoryCode':'c','floor':2}}},"
			  "{'id':'2','banner':{},'bidfloor':1,'bidfloorcur':'USD','tagid':'c',"
			  "'ext':{'bidder':{'inventoryCode':'c'}}}]}}]" },
		{ "without a rate the imp goes",
		  "{'id':'r'," EUR_RATES ",'imp':[{'id':'1','banner':{},'bidfloor':1,'bidfloorcur':'GBP',"
		  "'ext':{'bidder':{'inventoryCode':'c'}}}]}",
		  .calls = "[]",
		  .errors = "2 Unable to convert bid floor from GBP to USD: Currency conversion rate not "
			    "found: "
			    "'GBP' => 'USD' | 999 No valid impressions for triplelift" },
		{ "bids: formats 11, 12, 17 are video, others and none banner, the currency is ours",
		  ONE_BANNER("{'inventoryCode':'c'}"), .status = 200,
		  .body = "{'cur':'EUR','seatbid':[{'bid':["
			  "{'id':'a','impid':'1','price':1,'mtype':4,'ext':{'triplelift_pb':{'format':11}}},"
			  "{'id':'b','impid':'1','price':1,'ext':{'triplelift_pb':{'format':12}}},"
			  "{'id':'c','impid':'1','price':1,'ext':{'triplelift_pb':{'format':17}}},"
			  "{'id':'d','impid':'1','price':1,'ext':{'triplelift_pb':{'format':10}}},"
			  "{'id':'e','impid':'1','price':1,'ext':{}}]}]}",
		  .currency = "USD",
		  .bids = "[{'type':'video','meta':null,'video':null,'deal':0},{'type':'video'},{'type':'"
			  "video'},"
			  "{'type':'banner'},{'type':'banner'}]" },
		{ "bids whose ext does not decode go, others stay", ONE_BANNER("{'inventoryCode':'c'}"),
		  .status = 200,
		  .body = "{'seatbid':[{'bid':[{'id':'a','impid':'1','price':1},"
			  "{'id':'b','impid':'1','price':1,'ext':'x'},"
			  "{'id':'c','impid':'1','price':1,'ext':{'triplelift_pb':{'format':'x'}}},"
			  "{'id':'d','impid':'1','price':1,'ext':{}}]}]}",
		  .bids = "[{'bid':{'id':'d','impid':'1','price':1,'ext':{}}}]",
		  .bid_errors = "14 expect { or n, but found  | 14 expect { or n, but found \" | 14 cannot "
				"unmarshal triplelift.TripleliftInnerExt.Format: unexpected character: "
				"\xef\xbf\xbd" },
	};

	(void)state;
	RIG_RUN_ALL("triplelift", "http://b.example", NULL, rows);
}

static void gumgum(void **state)
{
	static const struct adapter_row rows[] = {
		{ "params that are no object", ONE_BANNER("[]"), .calls = "[]",
		  .errors = "2 expect { or n, but found [" },
		{ "a zone that is no text", ONE_BANNER("{'zone':7}"), .calls = "[]",
		  .errors =
			  "2 cannot unmarshal openrtb_ext.ExtImpGumGum.Zone: expects \" or n, but found 7" },
		{ "a publisher that is no number", ONE_BANNER("{'pubId':'7'}"), .calls = "[]",
		  .errors = "2 cannot unmarshal openrtb_ext.ExtImpGumGum.PubID: invalid number" },
		{ "the server's part is checked",
		  "{'id':'r','imp':[{'id':'1','banner':{},'ext':{'bidder':{},'prebid':{'adunitcode':1}}}]}",
		  .calls = "[]",
		  .errors = "2 cannot unmarshal openrtb_ext.ExtImpPrebid.AdUnitCode: expects \" or n, but "
			    "found "
			    "1" },
		{ "the last zone and the last publisher win; imps that fail name none",
		  "{'id':'r','site':{'id':'s','publisher':{'id':'o','name':'n'}},'imp':["
		  "{'id':'1','banner':{},'ext':{'bidder':{'zone':'z1','pubId':5}}},"
		  "{'id':'2','banner':{},'ext':{'bidder':{'zone':'z2'}}},"
		  "{'id':'3','banner':{},'ext':{'bidder':{'zone':'z3','slot':'x'}}}]}",
		  .calls = "[{'uri':'http://b.example'," H2
			   ",'body':{'id':'r','site':{'id':'z2','publisher':{'id':"
			   "'5','name':'n'}},'imp':[{'id':'1','banner':{},'ext':{'bidder':{'zone':'z1','"
			   "pubId':"
			   "5}}},{'id':'2','banner':{},'ext':{'bidder':{'zone':'z2'}}}]}}]",
		  .errors = "2 cannot unmarshal openrtb_ext.ExtImpGumGum.Slot: invalid number" },
		{ "a publisher is made, its id without an exponent",
		  "{'id':'r','site':{'id':'s'},'imp':[{'id':'1','banner':{},'ext':{'bidder':{'pubId':1e21}}}]"
		  "}",
		  .calls = "[{'body':{'id':'r','site':{'id':'s','publisher':{'id':'1000000000000000000000'}},"
			   "'imp':[{'id':'1','banner':{},'ext':{'bidder':{'pubId':1e21}}}]}}]" },
		{ "an app gets no site",
		  "{'id':'r','app':{'id':'s'},'imp':[{'id':'1','banner':{},"
		  "'ext':{'bidder':{'zone':'z','pubId':5}}}]}",
		  .calls =
			  "[{'body':{'id':'r','app':{'id':'s'},'imp':[{'id':'1','banner':{},'ext':{'bidder':{"
			  "'zone':'z','pubId':5}}}]}}]" },
		{ "the unit's code, if there is one",
		  "{'id':'r','imp':[{'id':'1','banner':{},'tagid':'t','ext':{'bidder':{'zone':'z'},'prebid':{"
		  "'adunitcode':'u'}}},{'id':'2','banner':{},'tagid':'t','ext':{'bidder':{'zone':'z'},'"
		  "prebid':{"
		  "'adunitcode':''}}}]}",
		  .calls = "[{'body':{'id':'r','imp':[{'id':'1','banner':{},'tagid':'u','ext':{'bidder':{'"
			   "zone':'z'"
			   "},'prebid':{'adunitcode':'u'}}},{'id':'2','banner':{},'tagid':'t','ext':{'bidder'"
			   ":{"
			   "'zone':'z'},'prebid':{'adunitcode':''}}}]}}]" },
		{ "sizes from the first format only where there are none; with a slot, the longest format",
		  "{'id':'r','imp':[{'id':'1','banner':{'format':[{'w':300,'h':250},{'w':300,'h':200},{'w':"
		  "300,"
		  "'h':300},{'w':20,'h':300}]},'ext':{'bidder':{'zone':'z','slot':9}}},"
		  "{'id':'2','banner':{'w':1,'format':[{'w':3,'h':2}]},'ext':{'bidder':{'zone':'z','slot':9}}"
		  "},"
		  "{'id':'3','banner':{'format':[{'w':3,'h':2}]},'ext':{'bidder':{'zone':'z','slot':0}}},"
		  "{'id':'4','banner':{},'ext':{'bidder':{'zone':'z','slot':9}}}]}",
		  .calls =
			  "[{'body':{'id':'r','imp':[{'id':'1','banner':{'format':[{'w':300,'h':250},{'w':"
			  "300,'h':"
			  "200},{'w':300,'h':300},{'w':20,'h':300}],'w':300,'h':250,'ext':{'si':9,'maxw':300,"
			  "'maxh':300}},'ext':{'bidder':{'zone':'z','slot':9}}},"
			  "{'id':'2','banner':{'w':1,'format':[{'w':3,'h':2}]},'ext':{'bidder':{'zone':'z','"
			  "slot'"
			  ":9}}},"
			  "{'id':'3','banner':{'format':[{'w':3,'h':2}],'w':3,'h':2},'ext':{'bidder':{'zone':"
			  "'z',"
			  "'slot':0}}},"
			  "{'id':'4','banner':{},'ext':{'bidder':{'zone':'z','slot':9}}}]}}]" },
		{ "formats without pixels give no largest",
		  "{'id':'r','imp':[{'id':'1','banner':{'format':[{'wratio':1}]},'ext':{'bidder':{'zone':'z',"
		  "'slot':9}}}]}",
		  .calls = "[{'body':{'id':'r','imp':[{'id':'1','banner':{'format':[{'wratio':1}],'w':0,'h':"
			   "0,'ext':"
			   "{'si':9}},'ext':{'bidder':{'zone':'z','slot':9}}}]}}]" },
		{ "IRIS.TV's id replaces video.ext, a product imp.ext",
		  "{'id':'r','imp':[{'id':'1','video':{'mimes':['v'],'ext':{'x':1}},'ext':{'bidder':{'zone':'"
		  "z',"
		  "'irisid':'i','product':'skins'},'gpid':'g'}},"
		  "{'id':'2','video':{'mimes':['v'],'ext':{'x':1}},'ext':{'bidder':{'zone':'z','irisid':'',"
		  "'product':''}}}]}",
		  .calls = "[{'body':{'id':'r','imp':[{'id':'1','video':{'mimes':['v'],'ext':{'irisid':'i'}},"
			   "'ext':{"
			   "'product':'skins'}},{'id':'2','video':{'mimes':['v'],'ext':{'x':1}},'ext':{'"
			   "bidder':{"
			   "'zone':'z','irisid':'','product':''}}}]}}]" },
		{ "bids: banner if the imp has one, else video, also for unknown imps; prices in video "
		  "markup",
		  "{'id':'r','imp':[{'id':'1','banner':{},'video':{'mimes':['v']},'ext':{'bidder':{}}},"
		  "{'id':'2','video':{'mimes':['v']},'ext':{'bidder':{}}}]}",
		  .status = 200,
		  .body = "{'cur':'EUR','seatbid':[{'bid':["
			  "{'id':'a','impid':'1','price':1,'adm':'${AUCTION_PRICE}'},"
			  "{'id':'b','impid':'2','price':0.00001,'adm':'${AUCTION_PRICE}-${AUCTION_PRICE}'},"
			  "{'id':'c','impid':'z','price':2.50,'adm':'$'},{'id':'d','impid':'2','price':3}]}]"
			  "}",
		  .currency = "EUR",
		  .bids = "[{'type':'banner','bid':{'id':'a','impid':'1','price':1,'adm':'${AUCTION_PRICE}'}}"
			  ","
			  "{'type':'video','bid':{'id':'b','impid':'2','price':0.00001,'adm':'0.00001-0."
			  "00001'}},"
			  "{'type':'video','bid':{'id':'c','impid':'z','price':2.5,'adm':'$'}},{'type':'"
			  "video'}]" },
		{ "no currency is USD", ONE_BANNER("{'zone':'z'}"), .status = 200, .body = ONE_BID(""),
		  .currency = "USD", .bids = "[{'type':'banner','meta':null,'video':null}]" },
	};

	(void)state;
	RIG_RUN_ALL("gumgum", "http://b.example", NULL, rows);
}

#define IDS(site, page, format, network)                                                                     \
	"{'siteId':" #site ",'pageId':" #page ",'formatId':" #format ",'networkId':" #network "}"

static void smartadserver(void **state)
{
	static const struct adapter_row rows[] = {
		{ "no imps", "{'id':'r'}", .calls = "[]", .errors = "2 No impression in the bid request" },
		{ "no ext", "{'id':'r','imp':[{'id':'1','banner':{}}]}", .calls = "[]",
		  .errors = "2 Error parsing bidderExt object" },
		{ "an ext that is no object", "{'id':'r','imp':[{'id':'1','banner':{},'ext':'x'}]}",
		  .calls = "[]", .errors = "2 Error parsing bidderExt object" },
		{ "no params", "{'id':'r','imp':[{'id':'1','banner':{},'ext':{}}]}", .calls = "[]",
		  .errors = "2 Error parsing smartadserverExt parameters" },
		{ "an imp without ext goes, a good one stays",
		  "{'id':'r','imp':[{'id':'1','banner':{}},{'id':'2','banner':{},'ext':{'bidder':{'networkId'"
		  ":7}}}]}",
		  .calls = "[{'body':{'id':'r','site':{'publisher':{'id':'7'}},'imp':[{'id':'2','banner':{},'"
			   "ext':{"
			   "'bidder':" IDS(0, 0, 0, 7) "}}]}}]",
		  .errors = "2 Error parsing bidderExt object" },
		{ "params that do not decode; good imps stay; the site and publisher are made",
		  "{'id':'r','app':{'bundle':'b'},'imp':[{'id':'1','banner':{},'ext':{'bidder':{'networkId':'"
		  "x'}}},"
		  "{'id':'2','banner':{},'ext':{'bidder':{'networkId':7},'gpid':'g'}}]}",
		  .calls = "[{'uri':'https://b.example/p/api/bid?callerId=5'," H2
			   ",'body':{'id':'r','app':{'bundle'"
			   ":'b'},'site':{'publisher':{'id':'7'}},'imp':[{'id':'2','banner':{},'ext':{'"
			   "bidder':" IDS(0, 0, 0, 7) ",'gpid':'g'}}]}}]",
		  .errors = "2 Error parsing smartadserverExt parameters" },
		{ "the last network wins; a site keeps the rest; no network is 0",
		  "{'id':'r','site':{'page':'p','publisher':{'id':'o','name':'n'}},'imp':["
		  "{'id':'1','banner':{},'ext':{'bidder':{'networkId':7,'siteId':1,'pageId':2,'formatId':3}}}"
		  ","
		  "{'id':'2','banner':{},'ext':{'bidder':{}}}]}",
		  .calls = "[{'body':{'id':'r','site':{'page':'p','publisher':{'id':'0','name':'n'}},'imp':[{"
			   "'id':'1'"
			   ",'banner':{},'ext':{'bidder':" IDS(1, 2, 3, 7) "}},{'id':'2','banner':{},'ext':{"
									   "'bidder':" IDS(0, 0, 0,
											   0) "}}]}}]" },
		{ "one guaranteed imp moves all to the other host and key",
		  "{'id':'r','imp':[{'id':'1','banner':{},'ext':{'bidder':{'networkId':7}}},{'id':'2','"
		  "banner':{},"
		  "'ext':{'bidder':{'networkId':8,'programmaticGuaranteed':true},'smartadserver':1}}]}",
		  .calls = "[{'uri':'https://prebid-global.smartadserver.com/ortb'," H2
			   ",'body':{'id':'r','site':{"
			   "'publisher':{'id':'8'}},'imp':[{'id':'1','banner':{},'ext':{'smartadserver':" IDS(
				   0, 0, 0,
				   7) "}},{'id':'2','banner':{},'ext':{'smartadserver':" IDS(0, 0, 0,
											     8) "}"
												"}]}}]" },
		{ "bids by mtype, banner for anything else", ONE_BANNER("{'networkId':1}"), .status = 200,
		  .body = "{'cur':'EUR','seatbid':[{'bid':[{'id':'a','impid':'1','price':1,'mtype':1},"
			  "{'id':'b','impid':'z','price':1,'mtype':2},{'id':'c','impid':'1','price':1,'mtype'"
			  ":3},"
			  "{'id':'d','impid':'1','price':1,'mtype':4},{'id':'e','impid':'1','price':1,'mtype'"
			  ":5},"
			  "{'id':'f','impid':'1','price':1,'ext':7}]}]}",
		  .currency = "USD",
		  .bids = "[{'type':'banner'},{'type':'video'},{'type':'audio'},{'type':'native'},{'type':'"
			  "banner'},"
			  "{'type':'banner'}]" },
	};
	static const struct {
		const char *why, *endpoint;
		struct adapter_row row;
	} endpoints[] = {
		{ "double slashes and a query go",
		  "https://b.example//p//q/?a=b#c",
		  { "uri", ONE_BANNER("{'networkId':1}"),
		    .calls = "[{'uri':'https://b.example/p/q/api/bid?callerId=5'}]" } },
		{ "no path",
		  "http://b.example:80",
		  { "uri", ONE_BANNER("{'networkId':1}"),
		    .calls = "[{'uri':'http://b.example:80/api/bid?callerId=5'}]" } },
		{ "no scheme",
		  "b.example/p",
		  { "uri", ONE_BANNER("{'networkId':1}"), .calls = "[]",
		    .errors = "2 Malformed URL: b.example/p." } },
		{ "an empty scheme",
		  "://b.example/p",
		  { "uri", ONE_BANNER("{'networkId':1}"), .calls = "[]",
		    .errors = "2 Malformed URL: ://b.example/p." } },
		{ "a scheme without a host behind",
		  "https:b.example",
		  { "uri", ONE_BANNER("{'networkId':1}"), .calls = "[]",
		    .errors = "2 Malformed URL: https:b.example." } },
		{ "no host",
		  "https:///p",
		  { "uri", ONE_BANNER("{'networkId':1}"), .calls = "[]",
		    .errors = "2 Malformed URL: https:///p." } },
		{ "guaranteed imps do not need it",
		  "x",
		  { "uri", ONE_BANNER("{'networkId':1,'programmaticGuaranteed':true}"),
		    .calls = "[{'uri':'https://prebid-global.smartadserver.com/ortb'}]" } },
	};

	(void)state;
	RIG_RUN_ALL("smartadserver", "https://b.example/p", NULL, rows);
	for (size_t i = 0; i < ARRAY_LEN(endpoints); i++)
		rig_run("smartadserver", endpoints[i].endpoint, NULL, &endpoints[i].row);
}

static void adf(void **state)
{
	static const struct adapter_row rows[] = {
		{ "a call even when no imp is left, and no headers", ONE_BANNER("'x'"),
		  .calls = "[{'uri':'http://b.example','headers':{},'body':{'id':'r','imp':[]}}]",
		  .errors = "2 expect { or n, but found \"" },
		{ "a placement that is no number", ONE_BANNER("{'mid':true}"),
		  .calls = "[{'body':{'id':'r','imp':[]}}]",
		  .errors = "2 cannot unmarshal openrtb_ext.ExtImpAdf.MasterTagID: invalid number" },
		{ "tags are numbers or texts; without one the old tag goes; ext is kept",
		  "{'id':'r','ext':{'x':1},'imp':[{'id':'1','banner':{},'ext':{'bidder':{'mid':12}}},"
		  "{'id':'2','banner':{},'ext':{'bidder':{'mid':'0034'}}},"
		  "{'id':'3','banner':{},'tagid':'t','ext':{'bidder':{'inv':1,'mname':'m'},'x':1}}]}",
		  .calls = "[{'body':{'id':'r','ext':{'x':1},'imp':[{'id':'1','banner':{},'tagid':'12','ext':"
			   "{'bidder'"
			   ":{'mid':12}}},{'id':'2','banner':{},'tagid':'0034','ext':{'bidder':{'mid':'0034'}"
			   "}},"
			   "{'id':'3','banner':{},'ext':{'bidder':{'inv':1,'mname':'m'},'x':1}}]}}]" },
		{ "the first price type; imps that fail name none; request.ext becomes typed",
		  "{'id':'r','ext':{'x':1,'pt':'old','prebid':{'channel':{'name':'n'},'unknown':1,'debug':"
		  "true,"
		  "'server':{'gvlid':1},'currency':{},'alternatebiddercodes':{'bidders':{'b':{}}}},"
		  "'schain':{'nodes':[{'asi':'a'}]}},'imp':["
		  "{'id':'1','banner':{},'ext':{'bidder':{'mid':[],'priceType':'bad'}}},"
		  "{'id':'2','banner':{},'ext':{'bidder':{'mid':1,'priceType':''}}},"
		  "{'id':'3','banner':{},'ext':{'bidder':{'mid':1,'priceType':'gross'}}},"
		  "{'id':'4','banner':{},'ext':{'bidder':{'mid':1,'priceType':'net'}}}]}",
		  .calls =
			  "[{'body':{'id':'r','ext':{'pt':'gross','prebid':{'channel':{'name':'n','version':'"
			  "'},"
			  "'debug':true,'server':{'externalurl':'','gvlid':1,'datacenter':''},'currency':{'"
			  "rates':"
			  "null,'usepbsrates':null},'alternatebiddercodes':{'enabled':false,'bidders':{'b':{"
			  "'enabled':false,'allowedbiddercodes':null}}}},'schain':{'complete':0,'nodes':[{'"
			  "asi':"
			  "'a','sid':''}],'ver':''}},'imp':["
			  "{'id':'2','banner':{},'tagid':'1','ext':{'bidder':{'mid':1,'priceType':''}}},"
			  "{'id':'3','banner':{},'tagid':'1','ext':{'bidder':{'mid':1,'priceType':'gross'}}},"
			  "{'id':'4','banner':{},'tagid':'1','ext':{'bidder':{'mid':1,'priceType':'net'}}}]}}"
			  "]",
		  .errors = "2 cannot unmarshal openrtb_ext.ExtImpAdf.MasterTagID: invalid number" },
		{ "without a request.ext one is made", ONE_BANNER("{'mid':1,'priceType':'net'}"),
		  .calls = "[{'body':{'id':'r','ext':{'pt':'net','prebid':{}},'imp':[{'id':'1','banner':{'w':"
			   "1,'h':"
			   "1},'tagid':'1','ext':{'bidder':{'mid':1,'priceType':'net'}}}]}}]" },
		{ "a request.ext that does not decode is kept",
		  "{'id':'r','ext':{'prebid':'x'},'imp':[{'id':'1','banner':{},'ext':{'bidder':{'mid':1,'"
		  "priceType':"
		  "'net'}}}]}",
		  .calls = "[{'body':{'id':'r','ext':{'prebid':'x'},'imp':[{'id':'1','banner':{},'tagid':'1',"
			   "'ext':{"
			   "'bidder':{'mid':1,'priceType':'net'}}}]}}]",
		  .errors = "14 cannot unmarshal adf.adfRequestExt.Prebid: expect { or n, but found \"" },
		{ "and one whose supply chain does not",
		  "{'id':'r','ext':{'schain':{'nodes':{}}},'imp':[{'id':'1','banner':{},'ext':{'bidder':{'"
		  "mid':1,"
		  "'priceType':'net'}}}]}",
		  .calls = "[{'body':{'id':'r','ext':{'schain':{'nodes':{}}},'imp':[{'id':'1','banner':{},'"
			   "tagid':'1',"
			   "'ext':{'bidder':{'mid':1,'priceType':'net'}}}]}}]",
		  .errors = "14 cannot unmarshal openrtb2.SupplyChain.Nodes: expect [ or n, but found {" },
		{ "bids: types by their word; without prebid, or with another word, they go",
		  ONE_BANNER("{'mid':1}"), .status = 200,
		  .body = "{'cur':'EUR','seatbid':[{'bid':["
			  "{'id':'a','impid':'1','price':1,'ext':{'prebid':{'type':'native'}}},"
			  "{'id':'b','impid':'2','price':1},{'id':'c','impid':'3','price':1,'ext':'x'},"
			  "{'id':'d','impid':'4','price':1,'ext':{}},"
			  "{'id':'e','impid':'5','price':1,'ext':{'prebid':{'type':7}}},"
			  "{'id':'f','impid':'6','price':1,'ext':{'prebid':{'type':'poster'}}},"
			  "{'id':'g','impid':'7','price':1,'ext':{'prebid':{}}},"
			  "{'id':'h','impid':'z','price':1,'ext':{'prebid':{'type':'video'}}}]}]}",
		  .currency = "EUR", .bids = "[{'type':'native','meta':null},{'type':'video'}]",
		  .bid_errors =
			  "4 Failed to parse impression \"2\" mediatype | 4 Failed to parse impression \"3\" "
			  "mediatype | 4 Failed to parse impression \"4\" mediatype | 4 Failed to parse "
			  "impression \"5\" mediatype | 999 invalid BidType: poster | 999 invalid "
			  "BidType: " },
		{ "all of prebid must decode, not only the type", ONE_BANNER("{'mid':1}"), .status = 200,
		  .body = "{'seatbid':[{'bid':[{'id':'a','impid':'1','price':1,'ext':{'prebid':{'type':'"
			  "banner','meta':"
			  "{'networkId':'x'}}}},{'id':'b','impid':'1','price':1,'ext':{'prebid':{'type':'"
			  "banner','meta':"
			  "{'networkId':7}},'x':1}}]}]}",
		  .bids = "[{'type':'banner'}]",
		  .bid_errors = "4 Failed to parse impression \"1\" mediatype" },
		{ "an empty currency is passed on", ONE_BANNER("{'mid':1}"), .status = 200,
		  .body = "{'id':'r'}", .currency = "", .bids = "[]" },
	};

	(void)state;
	RIG_RUN_ALL("adf", "http://b.example", NULL, rows);
}

#define RENDERER "'ext':{'prebid':{'meta':{'rendererName':'n','rendererVersion':'2','rendererData':{'x':1}}}}"

static void teads(void **state)
{
	static const struct adapter_row rows[] = {
		{ "no imps", "{'id':'r'}", .calls = "[]", .errors = "2 No impression in the bid request" },
		{ "the first failure ends it",
		  "{'id':'r','imp':[{'id':'1','banner':{},'ext':{'bidder':{'placementId':1}}},"
		  "{'id':'2','banner':{},'ext':'x'},{'id':'3','banner':{}}]}",
		  .calls = "[]", .errors = "2 Error parsing Imp.Ext object" },
		{ "no ext", "{'id':'r','imp':[{'id':'1','banner':{}}]}", .calls = "[]",
		  .errors = "2 Error parsing Imp.Ext object" },
		{ "a placement that is no integer", ONE_BANNER("{'placementId':'1'}"), .calls = "[]",
		  .errors = "2 Error parsing Imp.Ext object" },
		{ "no placement", "{'id':'r','imp':[{'id':'1','banner':{},'ext':{}}]}", .calls = "[]",
		  .errors = "2 placementId should not be 0." },
		{ "placement 0", ONE_BANNER("{'placementId':0}"), .calls = "[]",
		  .errors = "2 placementId should not be 0." },
		{ "sizes are always those of the first format; ext is replaced",
		  "{'id':'r','app':{'id':'a'},'imp':[{'id':'1','tagid':'t','banner':{'w':9,'h':9,'format':[{'"
		  "w':3,'h'"
		  ":2}]},'ext':{'bidder':{'placementId':5},'gpid':'g'}},{'id':'2','banner':{'w':9},'ext':{'"
		  "bidder':{"
		  "'placementId':6}}}]}",
		  .calls = "[{'uri':'http://b.example'," H1
			   ",'body':{'id':'r','app':{'id':'a'},'imp':[{'id':'1','tagid'"
			   ":'5','banner':{'w':3,'h':2,'format':[{'w':3,'h':2}]},'ext':{'kv':{'placementId':"
			   "5}}},"
			   "{'id':'2','tagid':'6','banner':{'w':9},'ext':{'kv':{'placementId':6}}}]}}]" },
		{ "bids: video before banner, the renderer as meta",
		  "{'id':'r','imp':[{'id':'1','banner':{},'video':{'mimes':['v']},'ext':{'bidder':{'"
		  "placementId':1}}},"
		  "{'id':'2','banner':{},'ext':{'bidder':{'placementId':1}}}]}",
		  .status = 200,
		  .body = "{'cur':'EUR','tagid':'t','seatbid':[{'bid':[{'id':'a','impid':'1','price':"
			  "1," RENDERER "},"
			  "{'id':'b','impid':'2','price':1," RENDERER "}]}]}",
		  .currency = "EUR",
		  .bids = "[{'type':'video','meta':{'rendererName':'n','rendererVersion':'2'},'bid':{'id':'a'"
			  ",'impid':"
			  "'1','price':1," RENDERER "}},{'type':'banner'}]" },
		{ "no currency is USD", ONE_BANNER("{'placementId':1}"), .status = 200,
		  .body = "{'seatbid':[]}", .currency = "USD", .bids = "[]" },
		{ "one bad bid discards the response", ONE_BANNER("{'placementId':1}"), .status = 200,
		  .body = "{'cur':'EUR','seatbid':[{'bid':[{'id':'a','impid':'1','price':1," RENDERER "},"
			  "{'id':'b','impid':'z','price':1," RENDERER
			  "},{'id':'c','impid':'1','price':1}]}]}",
		  .currency = "USD", .bids = "[]", .bid_errors = "2 Imp ids were not equals" },
		{ "no ext", ONE_BANNER("{'placementId':1}"), .status = 200, .body = ONE_BID(""), .bids = "[]",
		  .bid_errors = "14 expect { or n, but found " },
		{ "an ext that is no object", ONE_BANNER("{'placementId':1}"), .status = 200,
		  .body = ONE_BID(",'ext':'x'"), .bids = "[]",
		  .bid_errors = "14 expect { or n, but found \"" },
		{ "no renderer", ONE_BANNER("{'placementId':1}"), .status = 200,
		  .body = ONE_BID(",'ext':{'prebid':{}}"), .bids = "[]",
		  .bid_errors = "2 RendererName should not be empty if present" },
		{ "an empty name", ONE_BANNER("{'placementId':1}"), .status = 200,
		  .body = ONE_BID(",'ext':{'prebid':{'meta':{'rendererName':'','rendererVersion':'2'}}}"),
		  .bids = "[]", .bid_errors = "2 RendererName should not be empty if present" },
		{ "no version", ONE_BANNER("{'placementId':1}"), .status = 200,
		  .body = ONE_BID(",'ext':{'prebid':{'meta':{'rendererName':'n'}}}"), .bids = "[]",
		  .bid_errors = "2 RendererVersion should not be empty if present" },
	};

	static const struct adapter_row resolved = { "placeholders of the endpoint stand for nothing",
						     ONE_BANNER("{'placementId':1}"),
						     .calls = "[{'uri':'http://b.example/x'}]" };
	struct bidder_info info = { .name = "teads" };
	struct bidder b = { .name = "teads", .endpoint = "http://b.example/{{.Host", .info = &info };
	struct errtext why;
	struct arena *a = arena_new();

	(void)state;
	RIG_RUN_ALL("teads", "http://b.example", NULL, rows);
	rig_run("teads", "http://b.example/{{.Host}}x", NULL, &resolved);
	CHECK("one that does not end", adapter_find(STR("teads"))->build(&b, a, &why) < 0);
	CHECK_STR("is told", str_of(why.text),
		  "endpoint: unable to parse the template http://b.example/{{.Host");
	arena_free(a);
}

static void unruly(void **state)
{
	static const struct adapter_row rows[] = {
		{ "no ext ends it all",
		  "{'id':'r','imp':[{'id':'1','banner':{},'ext':{'bidder':{'siteId':1}}},"
		  "{'id':'i2','banner':{}}]}",
		  .calls = "[]", .errors = "2 ext data not provided in imp id=i2. Abort all Request" },
		{ "an ext that is no object", "{'id':'r','imp':[{'id':'i1','banner':{},'ext':[]}]}",
		  .calls = "[]", .errors = "2 ext data not provided in imp id=i1. Abort all Request" },
		{ "no params", "{'id':'r','imp':[{'id':'i1','banner':{},'ext':{}}]}", .calls = "[]",
		  .errors = "2 siteid not provided in imp id=i1. Abort all Request" },
		{ "params that do not decode", ONE_BANNER("{'siteId':'1'}"), .calls = "[]",
		  .errors = "2 siteid not provided in imp id=1. Abort all Request" },
		{ "ext is rebuilt with both spellings",
		  "{'id':'r','imp':[{'id':'1','banner':{},'ext':{'bidder':{'siteId':5},'gpid':'g'}},"
		  "{'id':'2','banner':{},'ext':{'bidder':{'siteid':6}}}]}",
		  .calls = "[{'uri':'http://b.example'," H2
			   ",'body':{'id':'r','imp':[{'id':'1','banner':{},'ext':{"
			   "'bidder':{'siteid':0,'siteId':5}}},{'id':'2','banner':{},'ext':{'bidder':{'"
			   "siteid':6,"
			   "'siteId':0}}}]}}]" },
		{ "bids by the imp; unknown ids and other media go, others stay",
		  "{'id':'r','imp':[{'id':'1','banner':{},'video':{'mimes':['v']},'ext':{'bidder':{'siteId':"
		  "1}}},"
		  "{'id':'2','video':{'mimes':['v']},'ext':{'bidder':{'siteId':1}}},"
		  "{'id':'3','native':{'request':'x'},'ext':{'bidder':{'siteId':1}}}]}",
		  .status = 200,
		  .body = "{'cur':'EUR','seatbid':[{'bid':[{'id':'a','impid':'1','price':1,'dur':5},"
			  "{'id':'b','impid':'z','price':1},{'id':'c','impid':'3','price':1},"
			  "{'id':'d','impid':'2','price':1,'dur':5,'cat':['c']},{'id':'e','impid':'2','price'"
			  ":1}]}]}",
		  .currency = "USD",
		  .bids = "[{'type':'banner','video':null,'meta':null},"
			  "{'type':'video','video':{'duration':5,'primary_category':''}},"
			  "{'type':'video','video':null}]",
		  .bid_errors = "999 Bid response imp ID z not found in bid request containing imps [1 2 "
				"3]\n | 999 "
				"bid responses mediaType didn't match supported mediaTypes" },
	};
	static const struct adapter_row no_endpoint = { "no endpoint, no call", ONE_BANNER("{'siteId':1}"),
							.calls = "[]" };

	(void)state;
	RIG_RUN_ALL("unruly", "http://b.example", NULL, rows);
	rig_run("unruly", "", NULL, &no_endpoint);
}

static void yieldmo(void **state)
{
	static const struct adapter_row rows[] = {
		{ "what does not decode counts as absent, with an error for each part; the imp stays",
		  "{'id':'r','imp':[{'id':'1','banner':{}},{'id':'2','banner':{},'ext':{'bidder':'x'}},"
		  "{'id':'3','banner':{},'ext':{'bidder':{'placementId':1},'data':{'pbadslot':'s'}}},"
		  "{'id':'4','banner':{},'ext':{'bidder':{'placementId':'p'},'data':'x'}},"
		  "{'id':'5','banner':{},'ext':{'bidder':{'placementId':'p'},'data':{'pbadslot':'s'},'x':1}}]"
		  "}",
		  .calls = "[{'uri':'http://b.example'," H1
			   ",'body':{'id':'r','imp':[{'id':'1','banner':{},'ext':{'placement_id':''}},"
			   "{'id':'2','banner':{},'ext':{'placement_id':''}},"
			   "{'id':'3','banner':{},'ext':{'placement_id':'','gpid':'s'}},"
			   "{'id':'4','banner':{},'ext':{'placement_id':'p'}},"
			   "{'id':'5','banner':{},'ext':{'placement_id':'p','gpid':'s'}}]}}]",
		  .errors = "2 expect { or n, but found  | 2 expect { or n, but found  | 2 expect { or n, "
			    "but found \" | "
			    "2 cannot unmarshal openrtb_ext.ExtImpYieldmo.PlacementId: expects \" or n, but "
			    "found 1 "
			    "| 2 cannot unmarshal yieldmo.ExtImpBidderYieldmo.Data: expect { or n, but found "
			    "\"" },
		{ "of a wrapper that does not decode, what stands in front counts",
		  "{'id':'r','imp':[{'id':'1','banner':{},'ext':{'data':'x','bidder':{'placementId':'p'}}},"
		  "{'id':'2','banner':{},'ext':{'data':{'pbadslot':'s'},'bidder':{'placementId':'p'},'prebid'"
		  ":[]}}]}",
		  .calls = "[{'body':{'id':'r','imp':[{'id':'1','banner':{},'ext':{'placement_id':''}},"
			   "{'id':'2','banner':{},'ext':{'placement_id':'p','gpid':'s'}}]}}]",
		  .errors =
			  "2 cannot unmarshal yieldmo.ExtImpBidderYieldmo.Data: expect { or n, but found \" "
			  "| 2 expect { or n, but found  | 2 cannot unmarshal "
			  "yieldmo.ExtImpBidderYieldmo.Prebid: expect { or n, but found [" },
		{ "a placement is always written, a slot when there is one",
		  "{'id':'r','imp':[{'id':'1','banner':{},'ext':{'bidder':{},'data':{'pbadslot':''}}}]}",
		  .calls = "[{'body':{'id':'r','imp':[{'id':'1','banner':{},'ext':{'placement_id':''}}]}}]" },
		{ "a call even without imps", "{'id':'r'}", .calls = "[{'uri':'http://b.example'}]" },
		{ "floors are converted, or stay with an error",
		  "{'id':'r'," EUR_RATES ",'imp':[{'id':'1','banner':{},'bidfloor':2,'bidfloorcur':'EUR',"
		  "'ext':{'bidder':{'placementId':'p'}}},{'id':'2','banner':{},'bidfloor':2,'bidfloorcur':'"
		  "GBP',"
		  "'ext':{'bidder':{'placementId':'p'}}},{'id':'3','banner':{},'bidfloor':2,"
		  "'ext':{'bidder':{'placementId':'p'}}},{'id':'4','banner':{},'bidfloorcur':'GBP',"
		  "'ext':{'bidder':{'placementId':'p'}}}]}",
		  .calls = "[{'body':{'id':'r'," EUR_RATES
			   ",'imp':[{'id':'1','banner':{},'bidfloor':3.0,'bidfloorcur':"
			   "'USD','ext':{'placement_id':'p'}},{'id':'2','banner':{},'bidfloor':2,'"
			   "bidfloorcur':'GBP',"
			   "'ext':{'placement_id':'p'}},{'id':'3','banner':{},'bidfloor':2,'ext':{'placement_"
			   "id':'p'"
			   "}},{'id':'4','banner':{},'bidfloorcur':'GBP','ext':{'placement_id':'p'}}]}}]",
		  .errors = "2 Unable to convert provided bid floor currency from GBP to USD" },
		{ "bids that do not say a type go without a word", ONE_BANNER("{'placementId':'p'}"),
		  .status = 200,
		  .body = "{'cur':'EUR','seatbid':[{'bid':[{'id':'a','impid':'1','price':1,'ext':{'mediatype'"
			  ":'banner'}}"
			  ",{'id':'b','impid':'1','price':1,'ext':{'mediatype':'video'}},"
			  "{'id':'c','impid':'z','price':1,'ext':{'mediatype':'native'}},"
			  "{'id':'d','impid':'1','price':1,'ext':{'mediatype':'audio'}},"
			  "{'id':'e','impid':'1','price':1,'ext':{'mediatype':1}},{'id':'f','impid':'1','"
			  "price':1},"
			  "{'id':'g','impid':'1','price':1,'mtype':1,'ext':{}}]}]}",
		  .currency = "USD", .bids = "[{'type':'banner'},{'type':'video'},{'type':'native'}]" },
	};

	(void)state;
	RIG_RUN_ALL("yieldmo", "http://b.example", NULL, rows);
}

static void decimals(void **state)
{
	static const struct {
		double v;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ 1, "1" },
		{ 2.5, "2.5" },
		{ -0.25, "-0.25" },
		{ 0.1, "0.1" },
		{ 1e-7, "0.0000001" },
		{ 1e21, "1000000000000000000000" },
		{ 123456789.125, "123456789.125" },
		{ 0.30000000000000004, "0.30000000000000004" },
		{ 1.5e18, "1500000000000000000" },
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK_STR("shortest, without an exponent", ortb_decimal(a, rows[i].v), rows[i].text);
	CHECK("the longest fit", ortb_decimal(a, 1.7976931348623157e308).n == 309 &&
					 ortb_decimal(a, -2.2250738585072014e-308).n == 327);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses), cmocka_unit_test(bodies),        cmocka_unit_test(triplelift),
		cmocka_unit_test(gumgum),   cmocka_unit_test(smartadserver), cmocka_unit_test(adf),
		cmocka_unit_test(teads),    cmocka_unit_test(unruly),        cmocka_unit_test(yieldmo),
		cmocka_unit_test(decimals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
