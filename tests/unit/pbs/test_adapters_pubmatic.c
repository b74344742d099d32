/* PubMatic: what its vectors do not show. */
#include "tests/unit/pbs/adapter_rig.h"

#define IMP(params)  "{'id':'1','banner':{'w':1,'h':2},'ext':{'bidder':" params "}}"
#define ONE(params)  "{'id':'r','imp':[" IMP(params) "]}"
#define ONE_EXT(ext) "{'id':'r','ext':" ext ",'imp':[" IMP("{'publisherId':'p'}") "]}"
#define PLAIN_IMP    "{'id':'1','banner':{'w':1,'h':2}}"
#define BODY(ext)    "[{'body':{'id':'r','imp':[" PLAIN_IMP "],'ext':" ext "}}]"
#define IMP_EXT(ext) "[{'body':{'id':'r','imp':[{'id':'1','banner':{'w':1,'h':2},'ext':" ext "}],'ext':{}}}]"
#define SLOT(slot)   ONE("{'publisherId':'p','adSlot':'" slot "'}")
#define DATA(data, more)                                                                                     \
	"{'id':'r','imp':[{'id':'1','banner':{'w':1,'h':2},'ext':{'data':" data ",'bidder':{" more "}}}]}"
#define REPLY(bid) "{'id':'x','seatbid':[{'bid':[{'id':'b','impid':'1','price':1," bid "}]}]}"
#define NOT_AN_INT "unexpected character: \xef\xbf\xbd"

static void request_ext(void **state)
{
	static const struct adapter_row rows[] = {
		{ "no ext: no bidder code", ONE("{}"), .calls = BODY("{}") },
		{ "any ext: the bidder's name", ONE_EXT("{'other':1}"),
		  .calls = BODY("{'wrapper':{'biddercode':'pubmatic'}}") },
		{ "no object", ONE_EXT("[]"), .calls = "[]",
		  .errors = "999 error decoding Request.ext : expect { or n, but found [" },
		{ "a wrong kind inside", ONE_EXT("{'prebid':{'aliases':1}}"), .calls = "[]",
		  .errors = "999 error decoding Request.ext : cannot unmarshal "
			    "openrtb_ext.ExtRequestPrebid.Aliases: "
			    "expect { or n, but found 1" },
		{ "bidder parameters of the wrong kind", ONE_EXT("{'prebid':{'bidderparams':1}}"),
		  .calls = "[]", .errors = "14 expect { or n, but found 1" },
		{ "a wrapper of the wrong kind", ONE_EXT("{'prebid':{'bidderparams':{'wrapper':'w'}}}"),
		  .calls = "[]", .errors = "14 expect { or n, but found \"" },
		{ "a profile of the wrong kind",
		  ONE_EXT("{'prebid':{'bidderparams':{'wrapper':{'profile':'w'}}}}"), .calls = "[]",
		  .errors = "14 cannot unmarshal pubmatic.pubmaticWrapperExt.ProfileID: " NOT_AN_INT },
		{ "categories that are no list", ONE_EXT("{'prebid':{'bidderparams':{'acat':'a'}}}"),
		  .calls = "[]", .errors = "14 expect [ or n, but found \"" },
		{ "categories that are no texts", ONE_EXT("{'prebid':{'bidderparams':{'acat':['a',7]}}}"),
		  .calls = "[]", .errors = "14 expects \" or n, but found 7" },
		{ "categories are trimmed, an alias is the code",
		  ONE_EXT("{'prebid':{'bidderparams':{'acat':[' a ','b']},'aliases':{'other':'pubmatic'}}}"),
		  .calls = BODY("{'acat':['a','b'],'wrapper':{'biddercode':'other'}}") },
		{ "no categories", ONE_EXT("{'prebid':{'bidderparams':{'acat':[],'wrapper':null}}}"),
		  .calls = BODY("{'wrapper':{'biddercode':'pubmatic'}}") },
		{ "the wrapper of the request comes first, imps fill it up",
		  "{'id':'r','ext':{'prebid':{'bidderparams':{'wrapper':{'version':9,'biddercode':'x'}}}},'"
		  "imp':[" IMP("{'wrapper':{'profile':0,'version':3}}") "," IMP(
			  "{'wrapper':{'profile':5,'version':4}}") "," IMP("{'wrapper':'not looked at any "
									   "more'}") "]}",
		  .calls = "[{'body':{'id':'r','imp':[" PLAIN_IMP "," PLAIN_IMP "," PLAIN_IMP
			   "],'ext':{'wrapper':{'profile':5,"
			   "'version':9,'biddercode':'pubmatic'}}}}]" },
		{ "a wrapper of an imp that is dropped does not count",
		  "{'id':'r','imp':[" IMP(
			  "{'publisherId':'a','wrapper':{'profile':1,'version':1},'adSlot':'@"
			  "'}") "," IMP("{'publisherId':'b','wrapper':{'profile':2}}") "],'site':{}}",
		  .calls = "[{'body':{'id':'r','imp':[" PLAIN_IMP
			   "],'site':{'publisher':{'id':'b'}},'ext':{'wrapper':{'profile':"
			   "2}}}}]",
		  .errors = "999 Invalid adSlot @" },
		{ "a malformed wrapper", ONE("{'wrapper':{'profile':'5'}}"), .calls = "[]",
		  .errors = "999 Error in Wrapper Parameters = cannot unmarshal "
			    "pubmatic.pubmaticWrapperExt.ProfileID: " NOT_AN_INT
			    "  for ImpID = 1 WrapperExt = {\"profile\":\"5\"}" },
		{ "marketplace: switched off",
		  ONE_EXT("{'prebid':{'alternatebiddercodes':{'enabled':false,'bidders':{'pubmatic':"
			  "{'enabled':true}}}}}"),
		  .calls = BODY("{'marketplace':{'allowedbidders':['pubmatic']},'wrapper':{'biddercode':'"
				"pubmatic'}}") },
		{ "marketplace: not for this bidder",
		  ONE_EXT("{'prebid':{'alternatebiddercodes':{'enabled':true}}}"),
		  .calls = BODY("{'marketplace':{'allowedbidders':['pubmatic']},'wrapper':{'biddercode':'"
				"pubmatic'}}") },
		{ "marketplace: switched off for this bidder",
		  ONE_EXT("{'prebid':{'alternatebiddercodes':{'enabled':true,'bidders':{'pubmatic':{'enabled'"
			  ":false,"
			  "'allowedbiddercodes':['a']}}}}}"),
		  .calls = BODY("{'marketplace':{'allowedbidders':['pubmatic']},'wrapper':{'biddercode':'"
				"pubmatic'}}") },
		{ "marketplace: no list means all",
		  ONE_EXT("{'prebid':{'alternatebiddercodes':{'enabled':true,'bidders':{'pubmatic':{'enabled'"
			  ":true}}}}}"),
		  .calls = BODY(
			  "{'marketplace':{'allowedbidders':['all']},'wrapper':{'biddercode':'pubmatic'}}") },
		{ "marketplace: a star means all",
		  ONE_EXT("{'prebid':{'alternatebiddercodes':{'enabled':true,'bidders':{'pubmatic':{'enabled'"
			  ":true,"
			  "'allowedbiddercodes':['*']}}}}}"),
		  .calls = BODY(
			  "{'marketplace':{'allowedbidders':['all']},'wrapper':{'biddercode':'pubmatic'}}") },
		{ "marketplace: one that is no star",
		  ONE_EXT("{'prebid':{'alternatebiddercodes':{'enabled':true,'bidders':{'pubmatic':{'enabled'"
			  ":true,"
			  "'allowedbiddercodes':['a']}}}}}"),
		  .calls = BODY("{'marketplace':{'allowedbidders':['pubmatic','a']},'wrapper':{'biddercode':'"
				"pubmatic'}}") },
		{ "marketplace: an empty list",
		  ONE_EXT("{'prebid':{'alternatebiddercodes':{'enabled':true,'bidders':{'pubmatic':{'enabled'"
			  ":true,"
			  "'allowedbiddercodes':[]}}}}}"),
		  .calls = BODY("{'marketplace':{'allowedbidders':['pubmatic']},'wrapper':{'biddercode':'"
				"pubmatic'}}") },
		{ "marketplace: a list",
		  ONE_EXT("{'prebid':{'alternatebiddercodes':{'enabled':true,'bidders':{'pubmatic':{'enabled'"
			  ":true,"
			  "'allowedbiddercodes':['a','*']}}}}}"),
		  .calls = BODY("{'marketplace':{'allowedbidders':['pubmatic','a','*']},'wrapper':{'"
				"biddercode':'pubmatic'}}") },
	};

	(void)state;
	RIG_RUN_ALL("pubmatic", "http://b.example", NULL, rows);
}

static void imps(void **state)
{
	static const struct adapter_row rows[] = {
		{ "audio alone is no format",
		  "{'id':'r','imp':[{'id':'7','audio':{'mimes':['a']},'ext':{}}]}", .calls = "[]",
		  .errors = "999 invalid MediaType. PubMatic only supports Banner, Video and Native. "
			    "Ignoring ImpID=7" },
		{ "audio beside another goes",
		  "{'id':'r','imp':[{'id':'7','audio':{'mimes':['a']},'native':{'request':'n'},'ext':{'"
		  "bidder':{}}}]}",
		  .calls =
			  "[{'uri':'http://b.example','headers':{'Content-Type':'application/"
			  "json;charset=utf-8','Accept':"
			  "'application/"
			  "json'},'body':{'id':'r','imp':[{'id':'7','native':{'request':'n'}}],'ext':{}}}]" },
		{ "no ext", "{'id':'r','imp':[{'id':'1','banner':{}}]}", .calls = "[]",
		  .errors = "14 expect { or n, but found " },
		{ "parameters that are no object", ONE("'x'"), .calls = "[]",
		  .errors = "14 expect { or n, but found \"" },
		{ "a publisher that is no text", ONE("{'publisherId':1}"), .calls = "[]",
		  .errors = "14 cannot unmarshal openrtb_ext.ExtImpPubmatic.PublisherId: expects \" or n, "
			    "but found 1" },
		{ "a gpid that is no text",
		  "{'id':'r','imp':[{'id':'1','banner':{},'ext':{'gpid':1,'bidder':{}}}]}", .calls = "[]",
		  .errors = "14 cannot unmarshal pubmatic.ExtImpBidderPubmatic.GPID: expects \" or n, but "
			    "found 1" },
		{ "a keyword's values of the wrong kind", ONE("{'keywords':[{'key':'a','value':'b'}]}"),
		  .calls = "[]",
		  .errors = "14 cannot unmarshal openrtb_ext.ExtImpPubmaticKeyVal.Values: expect [ or n, but "
			    "found \"" },
		{ "a slot without a size", SLOT(" tag "),
		  .calls = "[{'body':{'id':'r','imp':[{'id':'1','banner':{'w':1,'h':2},'tagid':'tag'}],'ext':"
			   "{}}}]" },
		{ "a slot's size wins over the banner's", SLOT("tag @ 30X +40:1:2"),
		  .calls = "[{'body':{'id':'r','imp':[{'id':'1','banner':{'w':30,'h':40},'tagid':'tag'}],'"
			   "ext':{}}}]" },
		{ "two ats", SLOT("a@b@c"), .calls = "[]", .errors = "999 Invalid adSlot a@b@c" },
		{ "nothing behind the at", SLOT(" a@ "), .calls = "[]", .errors = "999 Invalid adSlot a@" },
		{ "no size", SLOT("a@300"), .calls = "[]",
		  .errors = "999 Invalid size provided in adSlot a@300" },
		{ "too many sizes", SLOT("a@1x2x3"), .calls = "[]",
		  .errors = "999 Invalid size provided in adSlot a@1x2x3" },
		{ "no width", SLOT("a@ox2"), .calls = "[]",
		  .errors = "999 Invalid width provided in adSlot a@ox2" },
		{ "no height", SLOT("a@1x:2"), .calls = "[]",
		  .errors = "999 Invalid height provided in adSlot a@1x:2" },
		{ "one size is missing: both from the first format",
		  "{'id':'r','imp':[{'id':'1','banner':{'w':5,'format':[{'w':3,'h':4}]},'ext':{'bidder':{}}}]"
		  "}",
		  .calls = "[{'body':{'id':'r','imp':[{'id':'1','banner':{'w':3,'h':4,'format':[{'w':3,'h':4}"
			   "]}}],'ext':{}}}]" },
		{ "no size at all", "{'id':'r','imp':[{'id':'1','banner':{},'ext':{'bidder':{}}}]}",
		  .calls = "[]", .errors = "999 No sizes provided for Banner" },
		{ "half a size and no format",
		  "{'id':'r','imp':[{'id':'1','banner':{'h':2},'ext':{'bidder':{}}}]}", .calls = "[]",
		  .errors = "999 No sizes provided for Banner" },
		{ "the greater floor",
		  "{'id':'r','imp':[{'id':'1','bidfloor':0.5,'native':{},'ext':{'bidder':{'kadfloor':' 0.7 "
		  "'}}},"
		  "{'id':'2','bidfloor':2,'native':{},'ext':{'bidder':{'kadfloor':'0.7'}}},{'id':'3',"
		  "'bidfloor':2,'native':{},'ext':{'bidder':{'kadfloor':'x'}}}]}",
		  .calls = "[{'body':{'id':'r','imp':[{'id':'1','bidfloor':0.7,'native':{'request':''}},{'id'"
			   ":'2','bidfloor':2,"
			   "'native':{'request':''}},{'id':'3','bidfloor':2,'native':{'request':''}}],'ext':{"
			   "}}}]" },
		{ "the SDK of an app",
		  "{'id':'r','app':{'ext':{'source':'s','version':'v','prebid':{'source':'x'}}},'imp':[" IMP(
			  "{}") ",{'id':'2','native':{},'displaymanagerver':'2','ext':{'bidder':{}}}]}",
		  .calls = "[{'body':{'id':'r','app':{'ext':{'source':'s','version':'v','prebid':{'source':'"
			   "x'}},'publisher':{}},"
			   "'imp':[{'id':'1','banner':{'w':1,'h':2},'displaymanager':'s','displaymanagerver':"
			   "'v'},{'id':'2',"
			   "'native':{'request':''},'displaymanagerver':'2'}],'ext':{}}}]" },
		{ "an SDK without a name is none",
		  "{'id':'r','app':{'ext':{'source':'','version':'v','prebid':{'source':'','version':'x'}}},'"
		  "imp':[" IMP("{}") "]}",
		  .calls =
			  "[{'body':{'id':'r','app':{'ext':{'source':'','version':'v','prebid':{'source':'','"
			  "version':'x'}},'publisher':{}},'imp':[" PLAIN_IMP "],'ext':{}}}]" },
		{ "the first publisher, over what was there",
		  "{'id':'r','site':{'publisher':{'id':'o','name':'n'}},'app':{},'imp':[" IMP(
			  "{'publisherId':' '}") "," IMP("{'publisherId':' 5 '}") "," IMP("{'publisherId':'6'"
											  "}") "]}",
		  .calls = "[{'body':{'id':'r','site':{'publisher':{'id':'5','name':'n'}},'app':{},'imp':"
			   "[" PLAIN_IMP "," PLAIN_IMP "," PLAIN_IMP "],'ext':{}}}]" },
		{ "no publisher overwrites too",
		  "{'id':'r','site':{'publisher':{'id':'o'}},'imp':[" IMP("{}") "]}",
		  .calls = "[{'body':{'id':'r','site':{'publisher':{}},'imp':[" PLAIN_IMP "],'ext':{}}}]" },
	};

	(void)state;
	RIG_RUN_ALL("pubmatic", "http://b.example", NULL, rows);
}

static void imp_ext(void **state)
{
	static const struct adapter_row rows[] = {
		{ "keywords; parameters of their own win",
		  ONE("{'dctr':'d=1','pmzoneid':'z','keywords':[{'key':'pmZoneID','value':['a','b']},{'key':'"
		      "k','value':['c']},"
		      "{'key':'none','value':[]},{'key':'key_val','value':['v']}]}"),
		  .calls = IMP_EXT("{'pmZoneId':'z','k':'c','key_val':'d=1'}") },
		{ "what is kept of imp.ext",
		  "{'id':'r','imp':[{'id':'1','banner':{'w':1,'h':2},'ext':{'ae':1,'gpid':'g','skadn':{'a':1}"
		  ",'tid':'t',"
		  "'prebid':{},'bidder':{}}}]}",
		  .calls = IMP_EXT("{'ae':1,'gpid':'g','skadn':{'a':1}}") },
		{ "what is empty is not",
		  "{'id':'r','imp':[{'id':'1','banner':{'w':1,'h':2},'ext':{'ae':0,'gpid':'','data':'x','"
		  "bidder':{}}}]}",
		  .calls = BODY("{}") },
		{ "the ad server's slot", DATA("{'pbadslot':'p','adserver':{'name':'gam','adslot':'s'}}", ""),
		  .calls = IMP_EXT("{'dfp_ad_unit_code':'s'}") },
		{ "another ad server's slot",
		  DATA("{'pbadslot':'p','adserver':{'name':'x','adslot':'s'}}", ""),
		  .calls = IMP_EXT("{'dfp_ad_unit_code':'p'}") },
		{ "empty parameters and slots do not count",
		  DATA("{'pbadslot':'p','adserver':{'name':'gam','adslot':''}}",
		       "'dctr':'','pmzoneid':'','keywords':[{'key':'key_val','value':['v']},{'key':'pmZoneId'"
		       ",'value'"
		       ":['z']}]"),
		  .calls = IMP_EXT("{'dfp_ad_unit_code':'p','key_val':'v','pmZoneId':'z'}") },
		{ "a slot that is no text", DATA("{'pbadslot':5}", ""), .calls = BODY("{}") },
		{ "pairs of every kind",
		  DATA("{' a ':' x ','b':25,'c':0.15,'d':1000000,'e':true,'f':['1',' 2 "
		       "'],'g':1.5e-7,'h':false}",
		       "'dctr':'q=1'"),
		  .calls = IMP_EXT(
			  "{'key_val':'q=1|a=x|b=25|c=0.15|d=1e+06|e=true|f=1,2|g=1.5e-07|h=false'}") },
		{ "pairs without a text leave their separator",
		  DATA("{'a':{},'b':'1','c':[1],'d':'2','e':null,'f':[]}", ""),
		  .calls = IMP_EXT("{'key_val':'b=1||d=2|'}") },
	};

	(void)state;
	RIG_RUN_ALL("pubmatic", "http://b.example", NULL, rows);
}

static void replies(void **state)
{
	static const struct adapter_row rows[] = {
		{ "no content", ONE("{}"), .status = 204, .bids = "[]" },
		{ "a bad request", ONE("{}"), .status = 400,
		  .bid_errors = "2 Unexpected status code: 400. Run with request.debug = 1 for more info" },
		{ "another status is a plain error", ONE("{}"), .status = 500,
		  .bid_errors = "999 Unexpected status code: 500. Run with request.debug = 1 for more info" },
		{ "a body that does not decode", ONE("{}"), .status = 200, .body = "{'seatbid':{}}",
		  .bid_errors =
			  "14 cannot unmarshal openrtb2.BidResponse.SeatBid: expect [ or n, but found {" },
		{ "a type that is none", ONE("{}"), .status = 200, .body = REPLY("'mtype':7"), .bids = "[]",
		  .bid_errors = "4 failed to parse bid mtype (7) for impression id 1" },
		{ "no type", ONE("{}"), .status = 200, .body = REPLY("'ext':{}"), .bids = "[]",
		  .bid_errors = "4 failed to parse bid mtype (0) for impression id 1" },
		{ "without an ext the bid is kept", ONE("{}"), .status = 200,
		  .body = REPLY("'mtype':1,'cat':['a','b']"), .currency = "USD",
		  .bids = "[{'type':'banner','seat':'','meta':null,'deal':0,'video':{'duration':0,'primary_"
			  "category':''},'bid':"
			  "{'id':'b','impid':'1','price':1,'mtype':1,'cat':['a']}}]",
		  .bid_errors = "14 expect { or n, but found " },
		{ "with a malformed one too", ONE("{}"), .status = 200,
		  .body = REPLY("'mtype':3,'ext':{'marketplace':1}"),
		  .bids = "[{'type':'audio','meta':null}]",
		  .bid_errors = "14 cannot unmarshal pubmatic.pubmaticBidExt.Marketplace: expects \" or n, "
				"but found 1" },
		{ "what ext says", ONE("{}"), .status = 200,
		  .body = "{'cur':'EUR','seatbid':[{'bid':[{'id':'b','impid':'1','price':1,'mtype':1,'ext':{'"
			  "marketplace':'m',"
			  "'prebiddealpriority':3,'ibv':true,'video':{'duration':7}}},{'id':'c','impid':'1','"
			  "price':1,'mtype':2,"
			  "'ext':{'prebiddealpriority':-3}}]}]}",
		  .currency = "EUR",
		  .bids = "[{'type':'banner','seat':'m','meta':{'mediaType':'video'},'deal':3,'video':{'"
			  "duration':7,"
			  "'primary_category':''}},{'type':'video','seat':'','meta':{'mediaType':'video'},'"
			  "deal':0}]" },
		{ "configs, and those that are none", ONE("{}"), .status = 200,
		  .body = "{'ext':{'fledge_auction_configs':{'1':{'a':1},'2':null}}}", .bids = "[]",
		  .configs = "[{'impid':'1','config':{'a':1}},{'impid':'2','config':null}]" },
		{ "configs of the wrong kind are ignored", ONE("{}"), .status = 200,
		  .body = "{'ext':{'fledge_auction_configs':[1]}}", .bids = "[]", .configs = "[]" },
	};
	static const struct {
		const char *why, *adm, *want, *errors;
	} natives[] = {
		{ "not JSON", "x", "x", "999 unable to unmarshal native adm" },
		{ "not an object", "[1]", "[1]", "999 unable to unmarshal native adm" },
		{ "nothing", "", "", "999 unable to unmarshal native adm" },
		{ "null is fine", "null", "null", NULL },
		{ "not wrapped", "{\"assets\": []}", "{\"assets\": []}", NULL },
		{ "wrapped: the text as it stands",
		  " { \"a\\\"}\" : [\"{\", 1] ,\"native\" : { \"x\" : \"<\\/b>\" } , \"c\":1 } ",
		  "{ \"x\" : \"<\\/b>\" }", NULL },
		{ "wrapped: objects inside",
		  "{\"a\":{\"b\":[{}]},\"native\":{\"x\":{\"y\":[[1],{}]},\"z\":2}}",
		  "{\"x\":{\"y\":[[1],{}]},\"z\":2}", NULL },
		{ "wrapped, of another kind", "{\"native\":12}", "12", NULL },
	};

	(void)state;
	RIG_RUN_ALL("pubmatic", "http://b.example", NULL, rows);
	for (size_t i = 0; i < ARRAY_LEN(natives); i++) {
		struct arena *a = arena_new();
		struct bidder b = { .name = "pubmatic", .adapter = adapter_find(STR("pubmatic")) };
		struct adapter_request r = { .arena = a, .bidder = &b, .root = NULL };
		json_t *body =
			arena_own_json(a, json_pack("{s:[{s:[{s:s, s:i, s:s, s:{}}]}]}", "seatbid", "bid",
						    "impid", "1", "mtype", 4, "adm", natives[i].adm, "ext"));
		struct adapter_reply reply = { .status = 200, .json = body };
		struct adapter_bids out;

		adapter_bids_init(&out, a);
		b.adapter->parse_bids(&r, NULL, &reply, &out);
		rig_errors(natives[i].why, &out.errors, natives[i].errors);
		CHECK(natives[i].why, out.n == 1);
		CHECK_STR(natives[i].why, json_str_at(out.first->bid, "adm"), natives[i].want);
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_ext),
		cmocka_unit_test(imps),
		cmocka_unit_test(imp_ext),
		cmocka_unit_test(replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
