/* Rubicon: what its vectors do not show. */
#include "tests/unit/pbs/adapter_rig.h"

#define INFO                     "{'xapi':{'username':'u','password':'p','tracker':'t'}}"
#define IDS                      "'accountId':1,'siteId':'2','zoneId':3"
#define TRACK                    "'track':{'mint':'','mint_version':''}"
#define HOST                     "'pbs_login':'u','pbs_version':'','pbs_url':'http://hosturl.com'"
#define IMP(media, params, more) "{'id':'1'," media ",'ext':{'bidder':{" IDS params "}" more "}}"
#define BANNER                   "'banner':{'w':1,'h':2}"
#define VIDEO                    "'video':{'mimes':['m'],'protocols':[1],'maxduration':9,'linearity':1}"
#define ONE(params)              "{'id':'r','app':{},'imp':[" IMP(BANNER, params, "") "]}"
#define WITH(more)               "{'id':'r'," more ",'imp':[" IMP(BANNER, "", "") "]}"
#define EXT(target, more)        "'ext':{'rp':{'zone_id':3,'target':{" target HOST "}," TRACK "}" more "}"
#define SENT_BANNER              "'banner':{'w':1,'h':2,'ext':{'rp':{'mime':'text/html'}}}"
#define SENT_IMP(target, more)   "'imp':[{'id':'1'," SENT_BANNER ",'secure':1," EXT(target, more) "}]"
#define SENT_APP                 "'app':{'ext':{'rp':{'site_id':2}},'publisher':{'ext':{'rp':{'account_id':1}}}}"
#define SENT_SITE                "'site':{'ext':{'rp':{'site_id':2}},'publisher':{'ext':{'rp':{'account_id':1}}}}"
#define SENT(more)               "[{'body':{'id':'r'," SENT_IMP("", "") more "}}]"
#define SENT_MEDIA(media)                                                                                    \
	"[{'body':{'id':'r'," SENT_APP ",'imp':[{'id':'1'," media ",'secure':1," EXT("", "") "}]}}]"
#define REPLY(seat, bid) "{'id':'x','bidid':'y','seatbid':[{" seat "'bid':[{'id':'b','impid':'1'" bid "}]}]}"
#define FPD                                                                                                  \
	"{'s':'a','i':5,'whole':7.0,'part':1.5,'t':true,'l':['x'],'b':[true,false],'e':[],'n':[1],'o':{},'"  \
	"z':null}"
#define ATTRIBUTES "'s':['a'],'i':['5'],'whole':['7'],'t':['true'],'l':['x'],'b':['true','false'],'e':null"

static void upconversion(void **state)
{
	static const struct adapter_row rows[] = {
		{ "request.ext", WITH("'app':{},'ext':1"), .calls = "[]",
		  .errors = "999 req.ext is invalid: expect { or n, but found 1" },
		{ "source.ext", WITH("'app':{},'source':{'ext':'x'}"), .calls = "[]",
		  .errors = "999 req.source.ext is invalid: expect { or n, but found \"" },
		{ "regs.ext", WITH("'app':{},'regs':{'ext':[]}"), .calls = "[]",
		  .errors = "999 req.regs.ext is invalid: expect { or n, but found [" },
		{ "user.ext", WITH("'app':{},'user':{'ext':true}"), .calls = "[]",
		  .errors = "999 req.user.ext is invalid: expect { or n, but found t" },
		{ "imp.ext",
		  "{'id':'r','app':{},'imp':[" IMP(BANNER, "", "") ",{'id':'2','banner':{},'ext':5}]}",
		  .calls = "[]", .errors = "999 imp[1].imp.ext is invalid: expect { or n, but found 5" },
		{ "what stands in an ext is read, too",
		  "{'id':'r','app':{},'imp':[" IMP(BANNER, "",
						   ",'prebid':{'is_rewarded_inventory':'1'}") "]}",
		  .calls = "[]",
		  .errors = "999 imp[0].imp.ext is invalid: cannot unmarshal "
			    "openrtb_ext.ExtImpPrebid.IsRewardedInventory: unexpected character: "
			    "\xef\xbf\xbd" },
		{ "old places are used and emptied, the bidder's own are filled from the new ones",
		  WITH("'app':{},'ext':{'schain':{'ver':'24'},'x':1},'source':{'ext':{'y':1}},'regs':{'gpp':'"
		       "g','ext':{'gdpr':1,"
		       "'us_privacy':'1---','x':1,'dsa':{'dsarequired':0,'x':1}}},'user':{'yob':1,'gender':'"
		       "f','geo':{},'id':'i',"
		       "'ext':{'consent':'c','eids':[{'source':'s'}],'z':1}}"),
		  .calls = SENT("," SENT_APP ",'source':{'ext':{'schain':{'complete':0,'nodes':null,'ver':'"
				"24'}}},'regs':{'gpp':'g',"
				"'ext':{'gdpr':1,'us_privacy':'1---','dsa':{'dsarequired':0}}},'user':{'id':'"
				"i','ext':{'rp':{'target':"
				"{}},'consent':'c','eids':[{'source':'s'}]}}") },
		{ "new places win",
		  WITH("'app':{},'regs':{'gdpr':0,'ext':{'gdpr':1}},'user':{'consent':'new','ext':{'consent':"
		       "'old'}}"),
		  .calls = SENT(
			  "," SENT_APP
			  ",'regs':{'ext':{'gdpr':0}},'user':{'ext':{'rp':{'target':{}},'consent':'new'}}") },
		{ "regs without either keep their ext", WITH("'app':{},'regs':{'coppa':1,'ext':{'x':1}}"),
		  .calls = SENT("," SENT_APP ",'regs':{'coppa':1,'ext':{'x':1}}") },
		{ "rewarded inventory, for video",
		  "{'id':'r','app':{},'imp':[" IMP(VIDEO, "", ",'prebid':{'is_rewarded_inventory':1}") "]}",
		  .calls = SENT_MEDIA("'video':{'mimes':['m'],'protocols':[1],'maxduration':9,'linearity':1,'"
				      "ext':{'videotype':"
				      "'rewarded','rp':{}}}") },
	};

	(void)state;
	RIG_RUN_ALL("rubicon", "http://b.example", INFO, rows);
}

static void imps(void **state)
{
	static const struct adapter_row rows[] = {
		{ "no ext", "{'id':'r','app':{},'imp':[{'id':'1','banner':{}}]}", .calls = "[]",
		  .errors = "2 expect { or n, but found " },
		{ "parameters that are no object",
		  "{'id':'r','app':{},'imp':[{'id':'1','banner':{},'ext':{'bidder':'x'}}]}", .calls = "[]",
		  .errors = "2 cannot unmarshal rubicon.rubiconExtImpBidder.Bidder: expect { or n, "
			    "but found \"" },
		{ "an account of the wrong kind",
		  "{'id':'r','app':{},'imp':[{'id':'1','banner':{},'ext':{'bidder':{'accountId':true}"
		  "}}]}",
		  .calls = "[]",
		  .errors = "2 cannot unmarshal openrtb_ext.ExtImpRubicon.AccountId: invalid number" },
		{ "errors of decoding come before those of building",
		  "{'id':'r','app':{},'imp':[{'id':'1','banner':{'w':1,'h':1},'ext':{'bidder':{'"
		  "siteId':'x'}}},"
		  "{'id':'2','banner':{},'ext':{'bidder':1}}]}",
		  .calls = "[]",
		  .errors = "2 cannot unmarshal rubicon.rubiconExtImpBidder.Bidder: expect { or n, "
			    "but found 1 | "
			    "999 strconv.ParseInt: parsing \"x\": invalid syntax" },
		{ "a zone that is no integer",
		  "{'id':'r','app':{},'imp':[{'id':'1'," BANNER
		  ",'ext':{'bidder':{'siteId':1,'zoneId':1.5}}}]}",
		  .calls = "[]", .errors = "999 strconv.ParseInt: parsing \"1.5\": invalid syntax" },
		{ "a site beyond all integers",
		  "{'id':'r','app':{},'imp':[{'id':'1'," BANNER
		  ",'ext':{'bidder':{'siteId':'9223372036854775808','zoneId':1}}}]}",
		  .calls = "[]",
		  .errors = "999 strconv.ParseInt: parsing \"9223372036854775808\": value out of range" },
		{ "no account",
		  "{'id':'r','app':{},'imp':[{'id':'1'," BANNER
		  ",'ext':{'bidder':{'siteId':1,'zoneId':1}}}]}",
		  .calls = "[]", .errors = "999 strconv.ParseInt: parsing \"\": invalid syntax" },
		{ "headers and tracker", ONE(""),
		  .calls = "[{'uri':'http://"
			   "b.example?tk_xint=t','headers':{'Content-Type':'application/"
			   "json;charset=utf-8','Accept':"
			   "'application/json','User-Agent':'prebid-server/"
			   "1.0','Authorization':'Basic dTpw'}}]" },
		{ "one call for each imp",
		  "{'id':'r','app':{},'imp':[" IMP(BANNER, "", "") ",{'id':'2'," BANNER
								   ",'ext':{'bidder':{" IDS "}}}]}",
		  .calls = "[{'body':{'id':'r'," SENT_IMP(
			  "", "") "," SENT_APP "}},{'body':{'id':'r'," SENT_APP
				  ",'imp':[{'id':'2'," SENT_BANNER ",'secure':1," EXT("", "") "}]}}]" },
		{ "one call for each format, when asked for; audio alone cannot be sent",
		  "{'id':'r','app':{},'imp':[" IMP(BANNER "," VIDEO ",'audio':{'mimes':['a']}",
						   ",'bidonmultiformat':true", "") "]}",
		  .calls = "[{'body':{'id':'r'," SENT_IMP(
			  "", "") "," SENT_APP "}},{'body':{'id':'r'," SENT_APP ",'imp':[{'id':'1',"
				  "'video':{'mimes':['m'],'protocols':[1],'maxduration':9,'linearity'"
				  ":1,'ext':{'rp':{}}},'secure':1," EXT("", "") "}]}}]",
		  .errors = "999 Native object is not present for request" },
		{ "what else imp.ext keeps",
		  "{'id':'r','app':{},'ext':{'prebid':{'multibid':[{'maxbids':3}]}},'imp':[" IMP(
			  BANNER, "",
			  ",'gpid':'g','tid':'t','skadn':{'v':1},'other':1,'rp':{'target':{'own':1},'"
			  "x':1}") "]}",
		  .calls = "[{'body':{'id':'r'," SENT_IMP(
			  "'own':1,", ",'gpid':'g','tid':'t','skadn':{'v':1},'maxbids':3") "," SENT_APP
											   "}}]" },
		{ "targeting: every kind of attribute, and the keywords",
		  ONE(",'keywords':['k'],'inventory':" FPD),
		  .calls = "[{'body':{'id':'r'," SENT_IMP(ATTRIBUTES ",'keywords':['k'],", "") "," SENT_APP
											       "}}]" },
		{ "targeting: later sources win",
		  "{'id':'r','site':{'page':'p','ext':{'data':{'a':'site','b':'site'}}},'app':{'ext':"
		  "{'data':{'n':'no'}}},'imp':[" IMP(
			  BANNER, ",'inventory':{'a':['inv'],'c':['inv']}",
			  ",'data':{'b':'imp','page':'imp'},'rp':{'target':{'c':'in','d':1}}") "]}",
		  .calls = "[{'body':{'id':'r'," SENT_IMP(
			  "'c':['inv'],'d':1,'a':['site'],'b':['imp'],'page':['imp'],",
			  "") ",'app':{'ext':{'data':{'n':'no'}}},'site':{'page':'p','ext':{'rp':{'"
			      "site_id':2}},'publisher':{'ext':"
			      "{'rp':{'account_id':1}}}}}}]" },
		{ "targeting: the page", WITH("'site':{'page':'p'}"),
		  .calls = "[{'body':{'id':'r'," SENT_IMP(
			  "'page':['p'],",
			  "") ",'site':{'page':'p','ext':{'rp':{'"
			      "site_id':2}},'publisher':{'ext':{'rp':{'account_id':1}}}}}}]" },
		{ "targeting: the slot as plain text",
		  "{'id':'r','app':{},'imp':[" IMP(
			  BANNER, "", ",'data':{'pbadslot':'s','adserver':{'name':'gam','adslot':'g'}}") "]}",
		  .calls = "[{'body':{'id':'r'," SENT_IMP("'pbadslot':'s',", "") "," SENT_APP "}}]" },
		{ "targeting: the ad server's slot",
		  "{'id':'r','app':{},'imp':[" IMP(BANNER, "",
						   ",'data':{'adserver':{'name':'gam','adslot':'g'}}") "]}",
		  .calls = "[{'body':{'id':'r'," SENT_IMP("'dfp_ad_unit_code':'g',", "") "," SENT_APP "}}]" },
		{ "targeting: another ad server's is none",
		  "{'id':'r','app':{},'imp':[" IMP(BANNER, "",
						   ",'data':{'adserver':{'name':'x','adslot':'g'}}") "]}",
		  .calls = SENT("," SENT_APP) },
		{ "targeting: an inventory that is no object", ONE(",'inventory':[]"), .calls = "[]",
		  .errors = "14 expect { or n, but found [" },
		{ "targeting: one that came is no object",
		  "{'id':'r','app':{},'imp':[" IMP(BANNER, "", ",'rp':{'target':1}") "]}", .calls = "[]",
		  .errors = "14 expect { or n, but found 1" },
		{ "targeting: an app's data that is no object", WITH("'app':{'ext':{'data':'x'}}"),
		  .calls = "[]", .errors = "14 expect { or n, but found \"" },
		{ "targeting: what is empty is not told",
		  "{'id':'r','app':{},'imp':[" IMP(
			  BANNER, ",'keywords':[]",
			  ",'gpid':'','tid':'','data':{'pbadslot':'','adserver':{'name':'"
			  "gam','adslot':''}}") "]}",
		  .calls = "[{'body':{'id':'r'," SENT_IMP("'pbadslot':[''],", "") "," SENT_APP "}}]" },
		{ "a floor in another currency",
		  "{'id':'r','app':{},'ext':{'prebid':{'currency':{'rates':{'EUR':{'USD':1.5}}}}},'imp':"
		  "[" IMP(BANNER ",'bidfloor':2,'bidfloorcur':'EUR'", "", "") "]}",
		  .calls = SENT_MEDIA(SENT_BANNER ",'bidfloor':3.0,'bidfloorcur':'USD'") },
		{ "a floor that cannot be converted",
		  "{'id':'r','app':{},'imp':[" IMP(BANNER ",'bidfloor':1,'bidfloorcur':'EUR'", "", "") "]}",
		  .calls = "[]",
		  .errors = "2 Unable to convert provided bid floor currency from EUR to USD" },
		{ "a floor of nothing needs no rate, dollars none either, negative ones stay",
		  "{'id':'r','app':{},'imp':[" IMP(BANNER ",'bidfloorcur':'EUR'", "", "") "," IMP(
			  BANNER ",'bidfloor':2,'bidfloorcur':'usd'", "",
			  "") "," IMP(BANNER ",'bidfloor':-2,'bidfloorcur':'EUR'", "", "") "]}",
		  .calls = "[{'body':{'id':'r'," SENT_APP ",'imp':[{'id':'1'," SENT_BANNER
			   ",'bidfloorcur':'USD','secure':1," EXT(
				   "", "") "}]}},{'body':{'id':'r'," SENT_APP ",'imp':[{'id':'1'," SENT_BANNER
					   ",'bidfloor':2,'bidfloorcur':'USD',"
					   "'secure':1," EXT("", "") "}]}},{'body':{'id':'r'," SENT_APP
								     ",'imp':[{'id':'1'," SENT_BANNER
								     ",'bidfloor':-2,'bidfloorcur':'EUR',"
								     "'secure':1," EXT("", "") "}]}}]" },
	};

	(void)state;
	RIG_RUN_ALL("rubicon", "http://b.example", INFO, rows);
}

#define MEDIA(media, params) "{'id':'r','app':{},'imp':[" IMP(media, params, "") "]}"
#define NATIVE(request)      MEDIA("'native':{'request':'" request "'}", "")

static void media(void **state)
{
	static const struct adapter_row rows[] = {
		{ "a complete video goes before the banner",
		  MEDIA(BANNER "," VIDEO ",'native':{'request':''}",
			",'video':{'skip':1,'skipdelay':5,'size_id':7,'language':'l'}"),
		  .calls = SENT_MEDIA("'video':{'mimes':['m'],'protocols':[1],'maxduration':9,'linearity':1,'"
				      "ext':{'skip':1,"
				      "'skipdelay':5,'rp':{'size_id':7}}}") },
		{ "a banner goes before native", MEDIA(BANNER ",'native':{'request':'x'}", ""),
		  .calls = SENT_MEDIA(SENT_BANNER) },
		{ "audio beside a banner stays", MEDIA(BANNER ",'audio':{'mimes':['a']}", ""),
		  .calls = SENT_MEDIA(SENT_BANNER ",'audio':{'mimes':['a']}") },
		{ "an incomplete one does not",
		  MEDIA(BANNER ",'video':{'mimes':['m'],'protocols':[1],'maxduration':9}", ""),
		  .calls = SENT_MEDIA(SENT_BANNER) },
		{ "alone it does; ext is replaced",
		  MEDIA("'video':{'mimes':['m'],'ext':{'x':1}},'rwdd':2,'native':{}", ""),
		  .calls = SENT_MEDIA("'video':{'mimes':['m'],'ext':{'rp':{}}},'rwdd':2") },
		{ "a banner's height may be of a format",
		  MEDIA("'banner':{'format':[{'w':1}],'ext':{'x':1}}", ""),
		  .calls = SENT_MEDIA("'banner':{'format':[{'w':1}],'ext':{'rp':{'mime':'text/html'}}}") },
		{ "a width of 0 will do", MEDIA("'banner':{'w':0,'h':1}", ""),
		  .calls = SENT_MEDIA("'banner':{'w':0,'h':1,'ext':{'rp':{'mime':'text/html'}}}") },
		{ "no width", MEDIA("'banner':{'h':1}", ""), .calls = "[]",
		  .errors = "2 rubicon imps must have at least one imp.format element" },
		{ "a height of 0", MEDIA("'banner':{'w':1,'h':0}", ""), .calls = "[]",
		  .errors = "2 rubicon imps must have at least one imp.format element" },
		{ "no height", MEDIA("'banner':{'w':1}", ""), .calls = "[]",
		  .errors = "2 rubicon imps must have at least one imp.format element" },
		{ "neither", MEDIA("'audio':{'mimes':[]}", ""), .calls = "[]",
		  .errors = "999 Native object is not present for request" },
		{ "native 1.1 is not looked at", MEDIA("'native':{'request':'x','ver':'1.1'}", ""),
		  .calls = SENT_MEDIA("'native':{'request':'x','ver':'1.1'}") },
		{ "native that is no JSON", NATIVE("x"), .calls = "[]",
		  .errors = "14 expect { or n, but found x" },
		{ "native without a request", NATIVE(""), .calls = "[]",
		  .errors = "14 expect { or n, but found " },
		{ "native without trackers", NATIVE("{}"), .calls = "[]",
		  .errors = "999 Eventtrackers are not present or not of array type" },
		{ "native null", NATIVE("null"), .calls = "[]",
		  .errors = "999 Eventtrackers are not present or not of array type" },
		{ "native with a context that is none",
		  NATIVE("{\\'eventtrackers\\':[],\\'context\\':\\'1\\'}"), .calls = "[]",
		  .errors = "999 Context is not of int type" },
		{ "native without a placement", NATIVE("{\\'eventtrackers\\':[],\\'context\\':null}"),
		  .calls = "[]", .errors = "999 Plcmttype is not present or not of int type" },
		{ "native", NATIVE("{\\'eventtrackers\\':[],\\'plcmttype\\':1}"),
		  .calls = SENT_MEDIA(
			  "'native':{'request':'{\\'eventtrackers\\':[],\\'plcmttype\\':1}','request_native':"
			  "{'eventtrackers':[],'plcmttype':1}}") },
	};

	(void)state;
	RIG_RUN_ALL("rubicon", "http://b.example", INFO, rows);
}

#define SENT_REST(target)                                                                                    \
	"'device':{'pxratio':2.0,'ext':{'rp':{'pixelratio':2.0}}},'user':{'ext':{'rp':{'target':{" target    \
	"}},'consent':'c'}},'regs':{'ext':{'gdpr':1}},'source':{'ext':{'schain':{'complete':1,'nodes':[],'"  \
	"ver'"                                                                                               \
	":'1.0'}}}"

static void body(void **state)
{
	static const struct adapter_row rows[] = {
		{ "neither site nor app", "{'id':'r','imp':[" IMP(BANNER, "", "") "]}", .calls = "[]",
		  .errors = "2 The request has neither site nor app" },
		{ "with both only the site changes; segments of its content",
		  WITH("'site':{'publisher':{'id':'old'},'content':{'data':[{'segment':[{'id':'a'},{'id':'b'}"
		       "],'ext':{'segtax':5}},"
		       "{'segment':[{'id':'c'}],'ext':{'segtax':4}},{'segment':[{'id':'d'}],'ext':{'segtax':'"
		       "1'}},{'segment':"
		       "[{'id':'e'}]}]}},'app':{'id':'a'}"),
		  .calls = SENT(",'app':{'id':'a'},'site':{'publisher':{'ext':{'rp':{'account_id':1}}},'ext':"
				"{'rp':{'site_id':2,"
				"'target':{'iab':['a','b']}}},'content':{'data':[{'segment':[{'id':'a'},{'id'"
				":'b'}],'ext':{'segtax':5}},"
				"{'segment':[{'id':'c'}],'ext':{'segtax':4}},{'segment':[{'id':'d'}],'ext':{'"
				"segtax':'1'}},"
				"{'segment':[{'id':'e'}]}]}}") },
		{ "the user's targeting",
		  "{'id':'r','app':{},'user':{'ext':{'rp':{'target':{'own':1,'v':1}},'data':{'d':'x','v':'"
		  "data'}},"
		  "'data':[{'segment':[{'id':'a'}],'ext':{'segtax':4}}]},'imp':[" IMP(
			  BANNER, ",'visitor':{'v':['visitor'],'w':['x']}", "") "]}",
		  .calls = SENT("," SENT_APP ",'user':{'data':[{'segment':[{'id':'a'}],'ext':{'segtax':4}}],'"
				"ext':{'rp':{'target':{"
				"'own':1,'v':['data'],'w':['x'],'d':['x'],'iab':['a']}}}}") },
		{ "a visitor that is no object",
		  "{'id':'r','app':{},'user':{},'imp':[" IMP(BANNER, ",'visitor':'x'", "") "]}",
		  .calls = "[]", .errors = "14 expect { or n, but found \"" },
		{ "matters only where there is a user", ONE(",'visitor':'x'"), .calls = SENT("," SENT_APP) },
		{ "user data that is no object", WITH("'app':{},'user':{'ext':{'data':7}}"), .calls = "[]",
		  .errors = "14 expect { or n, but found 7" },
		{ "the device", WITH("'app':{},'device':{'pxratio':1.5,'ext':{'x':1}}"),
		  .calls = SENT("," SENT_APP ",'device':{'pxratio':1.5,'ext':{'rp':{'pixelratio':1.5}}}") },
		{ "a device of an unknown ratio",
		  WITH("'site':{},'device':{},'cur':['EUR'],'ext':{'prebid':{}}"),
		  .calls = SENT("," SENT_SITE ",'device':{'ext':{'rp':{'pixelratio':0}}}") },
		{ "every call begins with the request as it came",
		  "{'id':'r','app':{'ext':{'data':{'k':'v'}}},'device':{'pxratio':2.0},'user':{'yob':1,'"
		  "consent':'c'},'regs':{'gdpr':1},'source':{'schain':{'complete':1,'nodes':[],'ver':'1.0'}},"
		  "'imp':[" IMP(BANNER, ",'visitor':{'a':'1'}", "") "," IMP(BANNER, ",'visitor':{'b':'2'}",
									    "") "]}",
		  .calls = "[{'body':{'id':'r'," SENT_IMP(
			  "'k':['v'],", "") "," SENT_APP
					    "," SENT_REST("'a':['1']") "}},{'body':{'id':'r'," SENT_IMP(
						    "'k':['v'],", "") "," SENT_APP
								      "," SENT_REST("'b':['2']") "}}]" },
		{ "a source without a chain stays", WITH("'app':{},'source':{'tid':'t','ext':{'x':1}}"),
		  .calls = SENT("," SENT_APP ",'source':{'tid':'t','ext':{'x':1}}") },
	};
	static const struct {
		size_t given, sent;
	} badv[] = { { 1, 1 }, { 50, 50 }, { 51, 50 } };

	(void)state;
	RIG_RUN_ALL("rubicon", "http://b.example", INFO, rows);
	for (size_t i = 0; i < ARRAY_LEN(badv); i++) {
		struct buf text, want;
		struct adapter_row row = { .why = "blocked advertisers are cut" };

		buf_init(&text, 64 << 10);
		buf_init(&want, 64 << 10);
		buf_add_z(&text, "{'id':'r','app':{},'imp':[" IMP(BANNER, "", "") "],'badv':['0'");
		buf_add_z(&want, "[{'body':{'id':'r'," SENT_IMP("", "") "," SENT_APP ",'badv':['0'");
		for (size_t k = 1; k < badv[i].given; k++) {
			buf_addf(&text, ",'%zu'", k);
			if (k < badv[i].sent)
				buf_addf(&want, ",'%zu'", k);
		}
		buf_add_z(&text, "]}");
		buf_add_z(&want, "]}}]");
		row.request = buf_cstr(&text);
		row.calls = buf_cstr(&want);
		rig_run("rubicon", "http://b.example", INFO, &row);
		buf_deinit(&text);
		buf_deinit(&want);
	}
}

static void replies(void **state)
{
	static const struct adapter_row rows[] = {
		{ "no content", ONE(""), .status = 204, .bids = "[]" },
		{ "a bad request", ONE(""), .status = 400,
		  .bid_errors = "2 Unexpected status code: 400. Run with request.debug = 1 for more info" },
		{ "another status", ONE(""), .status = 503,
		  .bid_errors = "4 Unexpected status code: 503. Run with request.debug = 1 for more info" },
		{ "a body that does not decode", ONE(""), .status = 200, .body = "5",
		  .bid_errors = "4 expect { or n, but found 5" },
		{ "a buyer that is no text", ONE(""), .status = 200, .body = REPLY("'buyer':1,", ""),
		  .bid_errors =
			  "4 cannot unmarshal rubicon.rubiconSeatBid.Buyer: expects \" or n, but found 1" },
		{ "an answer to nothing that was sent", "{'id':'r','app':{},'imp':[]}", .status = 200,
		  .body = REPLY("", ""), .bid_errors = "999 The request that was answered has no imp" },
		{ "no buyer, no seat: ext stays; no markup is null", ONE(""), .status = 200,
		  .body = REPLY("", ",'price':1,'ext':{'x':1}"), .currency = "USD",
		  .bids = "[{'type':'banner','seat':'','meta':null,'deal':0,'video':null,'bid':{'id':'b','"
			  "impid':'1','price':1,'adm':"
			  "'null','ext':{'x':1}}}]" },
		{ "a price of 0 is no bid", ONE(""), .status = 200,
		  .body = REPLY("'seat':'s',", ",'price':0"), .bids = "[]" },
		{ "an id of 0 is the response's", ONE(""), .status = 200,
		  .body = "{'cur':'EUR','bidid':'y','seatbid':[{'bid':[{'id':'0','impid':'1','price':1,'adm':"
			  "'a'}]}]}",
		  .currency = "EUR", .bids = "[{'bid':{'id':'y','impid':'1','price':1,'adm':'a'}}]" },
		{ "native markup, escaped", ONE(""), .status = 200,
		  .body = REPLY("", ",'price':1,'adm_native':{'a': '<b>&', 'n':[1]}"),
		  .bids = "[{'bid':{'id':'b','impid':'1','price':1,'adm':'{\\'a\\':\\'"
			  "\\\\u003cb\\\\u003e\\\\u0026\\',\\'n\\':[1]}'}}]" },
		{ "native markup, line ends of scripts escaped", ONE(""), .status = 200,
		  .body = REPLY("", ",'price':1,'adm_native':['\xe2\x80\xa8\xe2\x80\xa9']"),
		  .bids = "[{'bid':{'id':'b','impid':'1','price':1,'adm':'[\\'\\\\u2028\\\\u2029\\']'}}]" },
		{ "markup as text goes first", ONE(""), .status = 200,
		  .body = REPLY("", ",'price':1,'adm':'a','adm_native':{}"),
		  .bids = "[{'bid':{'id':'b','impid':'1','price':1,'adm':'a'}}]" },
		{ "buyer and seat go into ext, which is rebuilt", ONE(""), .status = 200,
		  .body = REPLY(
			  "'buyer':'12','seat':'s',",
			  ",'price':1,'adm':'a','ext':{'x':1,'bidder':{'y':1},'prebid':{'type':'banner',"
			  "'bad':1,'dealpriority':0,'video':{},'meta':{'networkId':5,'seat':'o','brandId':3,'"
			  "bad':1}}}"),
		  .bids = "[{'bid':{'id':'b','impid':'1','price':1,'adm':'a','ext':{'bidder':{'y':1},'prebid'"
			  ":{'type':'banner','video':"
			  "{'duration':0,'primary_category':''},'meta':{'networkId':12,'seat':'s','brandId':"
			  "3}}}}}]" },
		{ "a buyer that is no number is 0", ONE(""), .status = 200,
		  .body = REPLY("'buyer':'x','seat':'s',", ",'price':1,'adm':'a'"),
		  .bids = "[{'bid':{'id':'b','impid':'1','price':1,'adm':'a','ext':{'prebid':{'meta':{'seat':"
			  "'s'}}}}}]" },
		{ "without a buyer the network that was there goes", ONE(""), .status = 200,
		  .body = REPLY("'seat':'s',",
				",'price':1,'adm':'a','ext':{'prebid':{'meta':{'networkId':5,'seat':'o'}}}"),
		  .bids = "[{'bid':{'id':'b','impid':'1','price':1,'adm':'a','ext':{'prebid':{'meta':{'seat':"
			  "'s'}}}}}]" },
		{ "without a seat the seat that was there goes", ONE(""), .status = 200,
		  .body = REPLY("'buyer':'7',",
				",'price':1,'adm':'a','ext':{'prebid':{'meta':{'networkId':5,'seat':'o'}}}"),
		  .bids = "[{'bid':{'id':'b','impid':'1','price':1,'adm':'a','ext':{'prebid':{'meta':{'"
			  "networkId':7}"
			  "}}}}]" },
		{ "a buyer alone", ONE(""), .status = 200,
		  .body = REPLY("'buyer':'7',", ",'price':1,'adm':'a'"),
		  .bids = "[{'bid':{'id':'b','impid':'1','price':1,'adm':'a','ext':{'prebid':{'meta':{'"
			  "networkId':7}}}}}]" },
		{ "an ext that does not decode stays", ONE(""), .status = 200,
		  .body = REPLY("'seat':'s',", ",'price':1,'adm':'a','ext':{'prebid':7}"),
		  .bids = "[{'bid':{'id':'b','impid':'1','price':1,'adm':'a','ext':{'prebid':7}}}]" },
		{ "the imp's price goes before the request's",
		  "{'id':'r','app':{},'ext':{'prebid':{'bidders':{'rubicon':{'debug':{"
		  "'cpmoverride':4}}}}},'imp':[" IMP(BANNER, ",'debug':{'cpmoverride':9.5}", "") "]}",
		  .status = 200,
		  .body = "{'seatbid':[{'bid':[{'id':'b','impid':'1','price':0,'adm':'a'},{'id':'c','impid':'"
			  "z','price':1,'adm':'a'}]}]}",
		  .bids = "[{'bid':{'id':'b','impid':'1','price':9.5,'adm':'a'}},{'bid':{'id':'c','impid':'z'"
			  ",'price':4.0,'adm':'a'}}]" },
		{ "an override below 0 is none", ONE(",'debug':{'cpmoverride':-1}"), .status = 200,
		  .body = REPLY("", ",'price':1,'adm':'a'"),
		  .bids = "[{'bid':{'id':'b','impid':'1','price':1,'adm':'a'}}]" },
		{ "the type is that of the imp that was sent", MEDIA("'video':{'mimes':['m']}", ""),
		  .status = 200, .body = REPLY("", ",'price':1,'adm':'a'"), .bids = "[{'type':'video'}]" },
		{ "native", MEDIA("'native':{'request':'x','ver':'1.0'}", ""), .status = 200,
		  .body = REPLY("", ",'price':1,'mtype':1,'adm':'a'"), .bids = "[{'type':'native'}]" },
	};

	(void)state;
	RIG_RUN_ALL("rubicon", "http://b.example", INFO, rows);
}

static void credentials(void **state)
{
	static const struct {
		const char *why, *endpoint, *username, *password, *want; /* NULL: it is built */
	} rows[] = {
		{ "all there", "http://b.example", "u", "p", NULL },
		{ "no user", "http://b.example", NULL, "p",
		  "xapi.username and xapi.password are not configured" },
		{ "no password", "http://b.example", "u", NULL,
		  "xapi.username and xapi.password are not configured" },
		{ "no region", "https://REGION.rubiconproject.com/a", "u", "p",
		  "endpoint still has REGION where the region belongs: exapi-us-east, exapi-us-west, "
		  "exapi-apac or exapi-eu" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena *a = arena_new();
		struct bidder_info info = { .name = "rubicon",
					    .xapi_username = rows[i].username,
					    .xapi_password = rows[i].password };
		struct bidder b = { .name = "rubicon", .endpoint = rows[i].endpoint, .info = &info };
		struct errtext why = { "" };
		int err = adapter_find(STR("rubicon"))->build(&b, a, &why);

		CHECK(rows[i].why, (err == 0) == (rows[i].want == NULL));
		CHECK_STR(rows[i].why, str_of(why.text), rows[i].want ? rows[i].want : "");
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(upconversion), cmocka_unit_test(imps),    cmocka_unit_test(media),
		cmocka_unit_test(body),         cmocka_unit_test(replies), cmocka_unit_test(credentials),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
