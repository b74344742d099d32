/* Index Exchange: what its vectors do not show. */
#include "tests/unit/pbs/adapter_rig.h"

#define IMP(params)   "{'id':'1','banner':{},'ext':{'bidder':" params "}}"
#define ONE(params)   "{'id':'r','imp':[" IMP(params) "]}"
#define ONE_EXT(ext)  "{'id':'r','ext':" ext ",'imp':[" IMP("{'siteId':'s'}") "]}"
#define BODY_EXT(ext) "[{'body':{'id':'r','imp':[" IMP("{'siteId':'s'}") "],'ext':" ext "}}]"
#define DIAG          "'pbsv':'unknown','pbsp':'go'"
#define EXT           "'ext':{'ixdiag':{" DIAG "}}"
#define BID(more)     "{'id':'x','seatbid':[{'bid':[{'id':'b','impid':'1','price':1" more "}]}]}"

static void requests(void **state)
{
	static const struct adapter_row rows[] = {
		{ "no ext", "{'id':'r','imp':[{'id':'1'}]}", .calls = "[]",
		  .errors = "14 expect { or n, but found " },
		{ "parameters that are no object", ONE("[]"), .calls = "[]",
		  .errors = "14 expect { or n, but found [" },
		{ "a slot that is no text", ONE("{'siteId':'s','sid':1}"), .calls = "[]",
		  .errors = "14 cannot unmarshal openrtb_ext.ExtImpIx.Sid: expects \" or n, but found 1" },
		{ "a site that is no text, in any spelling", ONE("{'siteID':1}"), .calls = "[]",
		  .errors = "14 cannot unmarshal openrtb_ext.ExtImpIx.SiteId: expects \" or n, but found 1" },
		{ "sizes of texts", ONE("{'size':['1']}"), .calls = "[]",
		  .errors = "14 cannot unmarshal openrtb_ext.ExtImpIx.Size: unexpected character: "
			    "\xef\xbf\xbd" },
		{ "a failing imp goes, its site does not count; imp.ext stays and gets the slot",
		  "{'id':'r','site':{},'imp':[" IMP(
			  "{'siteId':'bad','sid':5}") ",{'id':'2','native':{},'ext':{'tid':'t','bidder':"
						      "{'siteid':'s','sid':'slot'}}}]}",
		  .calls = "[{'uri':'http://b.example','headers':{'Content-Type':'application/"
			   "json;charset=utf-8','Accept':"
			   "'application/"
			   "json'},'body':{'id':'r','site':{'publisher':{'id':'s'}},'imp':[{'id':'2','native'"
			   ":{"
			   "'request':''},'ext':{'tid':'t','bidder':{'siteid':'s','sid':'slot'},'sid':'slot'}"
			   "}]," EXT "}}]",
		  .errors = "14 cannot unmarshal openrtb_ext.ExtImpIx.Sid: expects \" or n, but found 5" },
		{ "banners: a size becomes a format, one format becomes the size, two stay",
		  "{'id':'r','imp':[{'id':'1','banner':{'w':1,'h':0},'ext':{'bidder':{}}},{'id':'2','banner':"
		  "{'w':9,'format':"
		  "[{'w':3,'h':4}]},'ext':{'bidder':{}}},{'id':'3','banner':{'format':[{'w':3},{'w':4}]},'"
		  "ext':{'bidder':{}}},"
		  "{'id':'4','banner':{'w':9},'ext':{'bidder':{}}}]}",
		  .calls = "[{'body':{'id':'r','imp':[{'id':'1','banner':{'w':1,'h':0,'format':[{'w':1}]},'"
			   "ext':{'bidder':{}}},{'id':"
			   "'2','banner':{'w':3,'h':4,'format':[{'w':3,'h':4}]},'ext':{'bidder':{}}},{'id':'"
			   "3','banner':"
			   "{'format':[{'w':3},{'w':4}]},'ext':{'bidder':{}}},{'id':'4','banner':{'w':9},'"
			   "ext':{'bidder':{}}}]," EXT "}}]" },
		{ "a banner's whole size becomes a format",
		  "{'id':'r','imp':[{'id':'1','banner':{'w':1,'h':2},'ext':{'bidder':{}}}]}",
		  .calls = "[{'body':{'id':'r','imp':[{'id':'1','banner':{'w':1,'h':2,'format':[{'w':1,'h':2}"
			   "]},'"
			   "ext':{'bidder':{}}}]," EXT "}}]" },
		{ "an empty site is none, an empty slot neither",
		  "{'id':'r','site':{},'imp':[" IMP("{'siteId':'','sid':''}") "," IMP("{'siteId':'s'}") "]}",
		  .calls = "[{'body':{'id':'r','site':{'publisher':{'id':'s'}},'imp':[" IMP(
			  "{'siteId':'','sid':''}") "," IMP("{'siteId':'s'}") "]," EXT "}}]" },
		{ "one site in two imps is one; both site and app get it",
		  "{'id':'r','site':{'publisher':{'id':'o','name':'n'}},'app':{},'imp':[" IMP(
			  "{'siteId':'s'}") "," IMP("{'siteId':'s'}") "]}",
		  .calls = "[{'body':{'id':'r','site':{'publisher':{'id':'s','name':'n'}},'app':{'publisher':"
			   "{'id':'s'}},'imp':[" IMP("{'siteId':'s'}") "," IMP("{'siteId':'s'}") "]," EXT
												 "}}]" },
		{ "several sites are told in order, the publisher stays",
		  "{'id':'r','site':{'publisher':{'id':'o'}},'app':{},'imp':[" IMP("{'siteId':'9'}") "," IMP(
			  "{'siteId':'10'}") "]}",
		  .calls = "[{'body':{'id':'r','site':{'publisher':{'id':'o'}},'app':{'publisher':{}},'imp':"
			   "[" IMP("{'siteId':'9'}") "," IMP(
				   "{'siteId':'10'}") "],'ext':{'ixdiag':{" DIAG
						      ",'multipleSiteIds':'10, 9'}}}}]" },
		{ "ext: of the rest only prebid and the chain stay",
		  ONE_EXT("{'o':1,'schain':{'nodes':[{'asi':'a'}]},'ixdiag':{'x':[1],'pbsp':'no'},'prebid':{'"
			  "channel':{'name':'c'},"
			  "'debug':false,'other':1}}"),
		  .calls = BODY_EXT("{'schain':{'complete':0,'nodes':[{'asi':'a','sid':''}],'ver':''},'"
				    "ixdiag':{'x':[1],'pbjsv':''," DIAG
				    "},'prebid':{'channel':{'name':'c','version':''}}}") },
		{ "ext.prebid: what is always written is, on copies",
		  ONE_EXT("{'prebid':{'currency':{'rates':{'USD':{'EUR':1.5}}},'server':{'gvlid':1},'"
			  "alternatebiddercodes':{'enabled':true,'bidders':{'x':{}}}}}"),
		  .calls =
			  BODY_EXT("{'ixdiag':{" DIAG "},'prebid':{'currency':{'rates':{'USD':{'EUR':1.5}},'"
				   "usepbsrates':null},'server':{'gvlid':1,'externalurl':'','datacenter':''},"
				   "'alternatebiddercodes':{'enabled':true,'bidders':{'x':{'enabled':false,'"
				   "allowedbiddercodes':null}}}}}") },
		{ "an ext that is no object is left alone", ONE_EXT("[1]"), .calls = BODY_EXT("[1]"),
		  .errors = "14 expect { or n, but found [" },
		{ "so is one with a diag that is none", ONE_EXT("{'ixdiag':'x','o':1}"),
		  .calls = BODY_EXT("{'ixdiag':'x','o':1}"), .errors = "14 expect { or n, but found \"" },
	};

	(void)state;
	RIG_RUN_ALL("ix", "http://b.example", NULL, rows);
}

static void versions(void **state)
{
	static const struct {
		const char *why, *version, *want;
	} rows[] = {
		{ "a release", "1.2.0", "1.2.0" },
		{ "a build between releases", "1.2.0-4-gabc", "1.2.0" },
		{ "none", "", "unknown" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena *a = arena_new();
		struct adapter_host host = { .version = rows[i].version };
		struct bidder b = {
			.name = "ix", .endpoint = "e", .adapter = adapter_find(STR("ix")), .host = &host
		};
		struct adapter_request r = { .arena = a, .bidder = &b };
		struct adapter_calls calls;

		r.root = arena_own_json(a, rig_json(rows[i].why, ONE("{}")));
		adapter_calls_init(&calls, a);
		b.adapter->make_requests(&r, &calls);
		CHECK_STR(rows[i].why, json_str_at(calls.first->body, "ext.ixdiag.pbsv"), rows[i].want);
		arena_free(a);
	}
}

static void replies(void **state)
{
	static const struct adapter_row rows[] = {
		{ "no content", ONE("{}"), .status = 204, .bids = "[]" },
		{ "a bad request", ONE("{}"), .status = 400,
		  .bid_errors = "2 Unexpected status code: 400. Run with request.debug = 1 for more info" },
		{ "another status", ONE("{}"), .status = 404,
		  .bid_errors = "4 Unexpected status code: 404. Run with request.debug = 1 for more info" },
		{ "a body that does not decode", ONE("{}"), .status = 200, .body = "[]",
		  .bid_errors = "4 JSON parsing error: expect { or n, but found [" },
		{ "mtype first", ONE("{}"), .status = 200,
		  .body = BID(",'mtype':3,'ext':{'prebid':{'type':'video'}}"), .currency = "",
		  .bids = "[{'type':'audio','video':null}]" },
		{ "then ext.prebid.type", ONE("{}"), .status = 200,
		  .body = BID(",'mtype':9,'ext':{'prebid':{'type':'native'}}"),
		  .bids = "[{'type':'native'}]" },
		{ "one that is none", ONE("{}"), .status = 200,
		  .body = BID(",'ext':{'prebid':{'type':'sticker'}}"), .bids = "[]",
		  .bid_errors = "999 invalid BidType: sticker" },
		{ "then the imp", ONE("{}"), .status = 200, .body = BID(",'ext':{'prebid':1}"),
		  .bids = "[{'type':'banner'}]" },
		{ "the imp's formats in order",
		  "{'id':'r','imp':[{'id':'1','native':{},'audio':{'mimes':[]},'ext':{'bidder':{}}},{'id':'2'"
		  ",'audio':{'mimes':[]},"
		  "'ext':{'bidder':{}}},{'id':'3','native':{},'video':{'mimes':[]},'ext':{'bidder':{}}}]}",
		  .status = 200,
		  .body = "{'seatbid':[{'bid':[{'id':'a','impid':'1'},{'id':'b','impid':'2'},{'id':'c','"
			  "impid':'3'}]}]}",
		  .bids = "[{'type':'native'},{'type':'audio'},{'type':'video'}]" },
		{ "an imp that was not sent has a type still",
		  "{'id':'r','imp':[{'id':'1','video':{'mimes':[]},'ext':1},{'id':'2','banner':{},'ext':{'"
		  "bidder':{}}}]}",
		  .errors = "14 expect { or n, but found 1", .status = 200, .body = BID(""),
		  .bids = "[{'type':'video'}]" },
		{ "no such imp", "{'id':'r','imp':[" IMP("{}") "]}", .status = 200,
		  .body = "{'cur':'EUR','seatbid':[{'bid':[{'id':'a','impid':'z'}]}]}", .currency = "EUR",
		  .bids = "[]", .bid_errors = "999 unmatched impression id: z" },
		{ "video: the duration, and a category where there is none", ONE("{}"), .status = 200,
		  .body = BID(",'mtype':2,'ext':{'prebid':{'video':{'duration':5}}}"),
		  .bids = "[{'video':{'duration':5,'primary_category':''},'bid':{'id':'b','impid':'1','price'"
			  ":1,'mtype':2,'cat':[''],"
			  "'ext':{'prebid':{'video':{'duration':5}}}}}]" },
		{ "video: a category that is there stays", ONE("{}"), .status = 200,
		  .body = BID(",'mtype':2,'cat':['a'],'ext':{'prebid':{'video':{'primary_category':'b'}}}"),
		  .bids = "[{'video':{'duration':0,'primary_category':''},'bid':{'id':'b','impid':'1','price'"
			  ":1,'mtype':2,'cat':['a'],"
			  "'ext':{'prebid':{'video':{'primary_category':'b'}}}}}]" },
		{ "a banner has none", ONE("{}"), .status = 200,
		  .body = BID(",'mtype':1,'ext':{'prebid':{'video':{'duration':5}}}"),
		  .bids = "[{'video':null}]" },
		{ "configs: those without a config are skipped", ONE("{}"), .status = 200,
		  .body = "{'ext':{'protectedAudienceAuctionConfigs':[{'bidId':'1','config':{'a':1}},{'bidId'"
			  ":'2'}]}}",
		  .bids = "[]", .configs = "[{'impid':'1','config':{'a':1}}]" },
		{ "configs that do not decode discard the response", ONE("{}"), .status = 200,
		  .body = "{'seatbid':[{'bid':[{'id':'a','impid':'1'},{'id':'a','impid':'z'}]}],'ext':"
			  "{'protectedAudienceAuctionConfigs':[{'bidId':1}]}}",
		  .bids = "[]",
		  .bid_errors = "999 unmatched impression id: z | 14 cannot unmarshal "
				"ix.auctionConfig.BidId: expects \" or n, but "
				"found 1" },
	};

	(void)state;
	RIG_RUN_ALL("ix", "http://b.example", NULL, rows);
}

static void native(void **state)
{
	static const struct {
		const char *why, *adm, *want; /* with ' for " */
	} rows[] = {
		{ "not JSON", "x", "x" },
		{ "null", "null", "null" },
		{ "no event trackers: not touched", "{'link': {'url':'u'}, 'x':1}",
		  "{'link': {'url':'u'}, 'x':1}" },
		{ "trackers that do not decode: not touched", "{'eventtrackers': [{'event':'1'}]}",
		  "{'eventtrackers': [{'event':'1'}]}" },
		{ "bare; what is always written is there",
		  "{'eventtrackers':[{'event':2,'method':1,'url':'b'}],'x':1}",
		  "{'link':{'url':''},'eventtrackers':[{'event':2,'method':1,'url':'b'}]}" },
		{ "wrapped", "{'native': {'eventtrackers':[{'event':1,'method':1,'url':'b'}]}}",
		  "{'native':{'link':{'url':''},'imptrackers':['b'],'eventtrackers':[{'event':1,'method':1,'"
		  "url':'b'}]}}" },
		{ "only impression pixels count, each once, in order",
		  "{'imptrackers':['c','a','c'],'eventtrackers':[{'event':1,'method':1,'url':'b'},{'event':1,"
		  "'method':2,'url':'d'},"
		  "{'event':1,'method':1,'url':'a'}]}",
		  "{'link':{'url':''},'imptrackers':['a','b','c'],'eventtrackers':[{'event':1,'method':1,'"
		  "url':'b'},{'event':1,"
		  "'method':2,'url':'d'},{'event':1,'method':1,'url':'a'}]}" },
		{ "every member in its place, empty ones gone, nothing escaped",
		  "{'ext':{'b':1, "
		  "'a':'<&'},'privacy':'p','eventtrackers':[{'ext':{},'customdata':{'k':'v'},'url':'','"
		  "method':1,"
		  "'event':2}],'jstracker':'<j>','link':{'ext':1,'fallback':'f','clicktrackers':['c'],'url':'"
		  "u'},'dcourl':'d',"
		  "'assetsurl':'a','assets':[{'ext':{},'link':{'url':'l'},'data':{'value':'v','label':'l','"
		  "len':2,'type':1},'id':0},"
		  "{'video':{},'img':{'h':1,'w':2,'url':'i','type':3},'title':{'len':0,'text':'t'},'required'"
		  ":1}],'ver':'1.2'}",
		  "{'ver':'1.2','assets':[{'id':0,'data':{'type':1,'len':2,'label':'l','value':'v'},'link':{'"
		  "url':'l'},'ext':{}},"
		  "{'required':1,'title':{'text':'t'},'img':{'type':3,'url':'i','w':2,'h':1},'video':{'"
		  "vasttag':''}}],'assetsurl':'a',"
		  "'dcourl':'d','link':{'url':'u','clicktrackers':['c'],'fallback':'f','ext':1},'jstracker':'"
		  "<j>','eventtrackers':"
		  "[{'event':2,'method':1,'customdata':{'k':'v'},'ext':{}}],'privacy':'p','ext':{'b':1,'a':'<"
		  "&'}}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena *a = arena_new();
		struct bidder b = { .name = "ix", .adapter = adapter_find(STR("ix")) };
		struct adapter_request r = { .arena = a, .bidder = &b };
		char *adm = arena_strdup(a, rows[i].adm), *want = arena_strdup(a, rows[i].want);
		struct adapter_reply reply = { .status = 200 };
		struct adapter_bids out;

		for (char *p = adm; (p = strchr(p, '\''));)
			*p = '"';
		for (char *p = want; (p = strchr(p, '\''));)
			*p = '"';
		reply.json = arena_own_json(a, json_pack("{s:[{s:[{s:s, s:i, s:s}]}]}", "seatbid", "bid",
							 "impid", "1", "mtype", 4, "adm", adm));
		adapter_bids_init(&out, a);
		b.adapter->parse_bids(&r, NULL, &reply, &out);
		CHECK(rows[i].why, out.n == 1 && out.errors.n == 0);
		CHECK_STR(rows[i].why, json_str_at(out.first->bid, "adm"), want);
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests),
		cmocka_unit_test(versions),
		cmocka_unit_test(replies),
		cmocka_unit_test(native),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
