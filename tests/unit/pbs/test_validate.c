#include "pbs/openrtb/validate.h"

#include "tests/unit/pbs/request_fixture.h"

#define IMP  "{'id':'1','banner':{'w':300,'h':250},'ext':{'prebid':{'bidder':{'appnexus':{}}}}}"
#define BASE "{'id':'r','site':{'page':'http://a.example/'},'imp':[" IMP "]}"
#define I    "Invalid request: "

static int fake_params(const void *ctx, struct str core, const json_t *params, struct errtext *why)
{
	(void)ctx;
	(void)core;
	if (json_is_object(params) && !json_object_get(params, "bad"))
		return 0;
	errtext_set(why, "bad: is bad");
	return ERR_INPUT;
}

static bool fake_currency(struct str code)
{
	return str_eq_nocase(code, STR("USD")) || str_eq_nocase(code, STR("EUR"));
}

static bool fake_adjustments(const json_t *j)
{
	return !json_object_get(j, "bad");
}

static int fake_gpp(const void *ctx, struct str text, struct arena *a, struct gpp_sections *ret,
		    struct errtext *why)
{
	(void)ctx;
	(void)a;
	if (str_eq(text, STR("BAD"))) {
		errtext_set(why, "unreadable");
		return ERR_INPUT;
	}
	*ret = (struct gpp_sections){ STR("TCF"), STR("1YNN") };
	return 0;
}

static int fake_us_privacy(struct str text, struct errtext *why)
{
	errtext_set(why, "must contain 4 characters");
	return text.n == 4 ? 0 : ERR_INPUT;
}

static const struct str blocked[] = { STR("spam_app") };
static const struct validate_rules rules = {
	.find_bidder = fake_find,
	.check_params = fake_params,
	.is_currency = fake_currency,
	.is_adjustments = fake_adjustments,
	.parse_gpp = fake_gpp,
	.check_us_privacy = fake_us_privacy,
	.blocked_apps = blocked,
	.n_blocked_apps = ARRAY_LEN(blocked),
	.cookie_deprecation = true,
	.cookie_deprecation_label = STR("label_1"),
};

/* Validates base ⊕ patch; the caller drops the request. */
static json_t *run(const char *why, const char *patch, const struct validate_rules *vr, struct messages *m,
		   int *ret_err)
{
	json_t *req = request_of(why, BASE, patch);
	int err = ext_decode(req, m);

	*ret_err = err ? err : validate(req, vr, m);
	return req;
}

static const struct {
	const char *why, *patch, *body;
	int status; /* 0: accepted */
} rows[] = {
	{ "a good request", "{}", "", 0 },
	{ "id", "{'id':null}", I "request missing required field: \"id\"\n", 400 },
	{ "tmax", "{'tmax':-2}", I "request.tmax must be nonnegative. Got -2\n", 400 },
	{ "no imp", "{'imp':[]}", I "request.imp must contain at least one element.\n", 400 },
	{ "null imp", "{'imp':null}", I "request.imp must contain at least one element.\n", 400 },
	{ "two currencies", "{'cur':['EUR','USD']}",
	  I "A prebid request can only process one currency. Taking the first currency in the list, EUR, as "
	    "the "
	    "active currency\n",
	  0 },
	{ "ext of a wrong type", "{'ext':[]}", I "req.ext is invalid: expected an object\n", 400 },
	{ "prebid of a wrong type", "{'ext':{'prebid':{'debug':1}}}",
	  I "req.ext is invalid: prebid.debug: expected a boolean\n", 400 },
	{ "floors of a wrong type", "{'ext':{'prebid':{'floors':5}}}",
	  I "req.ext is invalid: prebid.floors: expected an object\n", 400 },
	{ "a least floor that is a text", "{'ext':{'prebid':{'floors':{'floorMin':'1'}}}}",
	  I "req.ext is invalid: prebid.floors.floormin: expected a number\n", 400 },
	{ "a default floor that is a text",
	  "{'ext':{'prebid':{'floors':{'data':{'modelGroups':[{'default':1},{'default':'1'}]}}}}}",
	  I "req.ext is invalid: prebid.floors.data.modelgroups[1].default: expected a number\n", 400 },
	{ "floors of every member",
	  "{'ext':{'prebid':{'floors':{'enabled':true,'floorMin':1,'skipRate':1,'enforcement':{'floorDeals':"
	  "true,"
	  "'enforceRate':5},'data':{'floorsSchemaVersion':'2','modelTimestamp':'x','modelGroups':[{'"
	  "modelWeight':"
	  "1,'schema':{'fields':['size'],'delimiter':'|'},'values':{'*':1}}]}}}}}",
	  "", 0 },
	{ "alias disabled", "{'ext':{'prebid':{'aliases':{'x':'sleepy'}}}}",
	  I "request.ext.prebid.aliases.x refers to disabled bidder: sleepy\n", 400 },
	{ "alias retired", "{'ext':{'prebid':{'aliases':{'x':'lifestreet'}}}}",
	  I "request.ext.prebid.aliases.x refers to disabled bidder: lifestreet\n", 400 },
	{ "alias white label", "{'ext':{'prebid':{'aliases':{'x':'labelonly'}}}}",
	  I "request.ext.prebid.aliases.x refers to a bidder that cannot be aliased: labelonly\n", 400 },
	{ "alias unknown", "{'ext':{'prebid':{'aliases':{'x':'what'}}}}",
	  I "request.ext.prebid.aliases.x refers to unknown bidder: what\n", 400 },
	{ "alias to itself", "{'ext':{'prebid':{'aliases':{'appnexus':'APPNEXUS'}}}}",
	  I "request.ext.prebid.aliases.appnexus defines a no-op alias. Choose a different alias, or remove "
	    "this entry.\n",
	  400 },
	{ "alias of no text", "{'ext':{'prebid':{'aliases':{'x':{}}}}}",
	  I "req.ext is invalid: ext.prebid.aliases.x must be a string\n", 400 },
	{ "alias in any case", "{'ext':{'prebid':{'aliases':{'x':'AppNexus'}}}}", "", 0 },
	{ "gvl id without alias", "{'ext':{'prebid':{'aliasgvlids':{'x':5}}}}",
	  I "request.ext.prebid.aliasgvlids. vendorId 5 refers to unknown bidder alias: x\n", 400 },
	{ "gvl id zero", "{'ext':{'prebid':{'aliases':{'x':'rubicon'},'aliasgvlids':{'x':0}}}}",
	  I
	  "request.ext.prebid.aliasgvlids. Invalid vendorId 0 for alias: x. Choose a different vendorId, or "
	  "remove this entry.\n",
	  400 },
	{ "factor", "{'ext':{'prebid':{'bidadjustmentfactors':{'appnexus':-2}}}}",
	  I "request.ext.prebid.bidadjustmentfactors.appnexus must be a positive number. Got -2.000000\n",
	  400 },
	{ "factor in two cases", "{'ext':{'prebid':{'bidadjustmentfactors':{'appnexus':1,'APPnexus':2}}}}",
	  I "cannot have multiple bidders that differ only in case style\n", 400 },
	{ "factor for nobody", "{'ext':{'prebid':{'bidadjustmentfactors':{'who':1}}}}",
	  I "request.ext.prebid.bidadjustmentfactors.who is not a known bidder or alias\n", 400 },
	{ "factor for an alias",
	  "{'ext':{'prebid':{'aliases':{'who':'rubicon'},'bidadjustmentfactors':{'who':1.1}}}}", "", 0 },
	{ "schains", "{'ext':{'prebid':{'schains':[{'bidders':['a','b'],'schain':{}},{'bidders':['b']}]}}}",
	  I "request.ext.prebid.schains contains multiple schains for bidder b; it must contain no more than "
	    "one "
	    "per bidder.\n",
	  400 },
	{ "permission source", "{'ext':{'prebid':{'data':{'eidpermissions':[{'bidders':['*']}]}}}}",
	  I "request.ext.prebid.data.eidpermissions[0] missing required field: \"source\"\n", 400 },
	{ "permission twice",
	  "{'ext':{'prebid':{'data':{'eidpermissions':[{'source':'a','bidders':['*']},{'source':'a'}]}}}}",
	  I "request.ext.prebid.data.eidpermissions[1] duplicate entry with field: \"source\"\n", 400 },
	{ "permission for nobody", "{'ext':{'prebid':{'data':{'eidpermissions':[{'source':'a'}]}}}}",
	  I "request.ext.prebid.data.eidpermissions[0] missing or empty required field: \"bidders\"\n", 400 },
	{ "permission for a stranger only warns",
	  "{'ext':{'prebid':{'data':{'eidpermissions':[{'source':'a','bidders':['who']}]}}}}",
	  I "request.ext.prebid.data.eidpermissions[0] contains unrecognized bidder \"who\"\n", 0 },
	{ "permission mixed",
	  "{'ext':{'prebid':{'data':{'eidpermissions':[{'source':'a','bidders':['*','rubicon']}]}}}}",
	  I "request.ext.prebid.data.eidpermissions[0] contains bidder wildcard \"*\" mixed with specific "
	    "bidders\n",
	  400 },
	{ "rates", "{'ext':{'prebid':{'currency':{'rates':{'USD':{'XQQ':1}}}}}}",
	  I "currency code XQQ is not recognized or malformed\n", 400 },
	{ "channel", "{'ext':{'prebid':{'channel':{'version':'1'}}}}",
	  I "ext.prebid.channel.name can't be empty\n", 400 },
	{ "no inventory", "{'site':null}",
	  I "One of request.site or request.app or request.dooh must be defined\n", 400 },
	{ "two inventories", "{'app':{'id':'1'}}",
	  I "No more than one of request.site or request.app or request.dooh can be defined\n", 400 },
	{ "cache of nothing", "{'ext':{'prebid':{'cache':{}}}}",
	  I "request.ext is invalid: request.ext.prebid.cache requires one of the \"bids\" or \"vastxml\" "
	    "properties\n",
	  400 },
	{ "precision missing", "{'ext':{'prebid':{'targeting':{'pricegranularity':{'ranges':[]}}}}}",
	  I "Price granularity error: precision is required\n", 400 },
	{ "precision negative", "{'ext':{'prebid':{'targeting':{'pricegranularity':{'precision':-1}}}}}",
	  I "Price granularity error: precision must be non-negative\n", 400 },
	{ "precision of a media type",
	  "{'ext':{'prebid':{'targeting':{'mediatypepricegranularity':{'video':{'precision':16}}}}}}",
	  I "Price granularity error: precision of more than 15 significant figures is not supported\n",
	  400 },
	{ "ranges out of order",
	  "{'ext':{'prebid':{'targeting':{'pricegranularity':{'precision':2,'ranges':[{'max':5,'increment':1}"
	  ","
	  "{'max':5,'increment':1}]}}}}}",
	  I "Price granularity error: range list must be ordered with increasing \"max\"\n", 400 },
	{ "increment",
	  "{'ext':{'prebid':{'targeting':{'pricegranularity':{'precision':2,'ranges':[{'max':5}]}}}}}",
	  I "Price granularity error: increment must be a nonzero positive number\n", 400 },
	{ "multibid without maxbids", "{'ext':{'prebid':{'multibid':[{'bidder':'rubicon'}]}}}",
	  I "maxBids not defined for {Bidder:rubicon, Bidders:[], MaxBids:<nil>, TargetBidderCodePrefix:}\n",
	  0 },
	{ "multibid range",
	  "{'ext':{'prebid':{'multibid':[{'bidder':'rubicon','maxbids':0},{'bidders':['a','b'],'maxbids':10}]"
	  "}}}",
	  I "invalid maxBids value, using minimum 1 limit for {Bidder:rubicon, Bidders:[], MaxBids:0, "
	    "TargetBidderCodePrefix:}\n" I
	    "invalid maxBids value, using maximum 9 limit for {Bidder:, Bidders:[a b], MaxBids:10, "
	    "TargetBidderCodePrefix:}\n",
	  0 },
	{ "multibid both", "{'ext':{'prebid':{'multibid':[{'bidder':'a','bidders':['b'],'maxbids':2}]}}}",
	  I "ignoring bidders from {Bidder:a, Bidders:[b], MaxBids:2, TargetBidderCodePrefix:}\n", 0 },
	{ "multibid twice",
	  "{'ext':{'prebid':{'multibid':[{'bidder':'a','maxbids':2},{'bidder':'a','maxbids':3}]}}}",
	  I "multiBid already defined for a, ignoring this instance {Bidder:a, Bidders:[], MaxBids:3, "
	    "TargetBidderCodePrefix:}\n",
	  0 },
	{ "multibid prefix of many",
	  "{'ext':{'prebid':{'multibid':[{'bidders':['a'],'maxbids':2,'targetbiddercodeprefix':'p'}]}}}",
	  I
	  "ignoring targetbiddercodeprefix for {Bidder:, Bidders:[a], MaxBids:2, TargetBidderCodePrefix:p}\n",
	  0 },
	{ "multibid of nobody", "{'ext':{'prebid':{'multibid':[{'maxbids':2}]}}}",
	  I "bidder(s) not specified for {Bidder:, Bidders:[], MaxBids:2, TargetBidderCodePrefix:}\n", 0 },
	{ "adjustments", "{'ext':{'prebid':{'bidadjustments':{'bad':1}}}}",
	  I "bid adjustment from request was invalid\n", 0 },
	{ "site", "{'site':{'page':null,'domain':'a'}}",
	  I "request.site should include at least one of request.site.id or request.site.page.\n", 400 },
	{ "site.ext.amp", "{'site':{'ext':{'amp':2}}}",
	  I "request.site.ext.amp must be either 1, 0, or undefined\n", 400 },
	{ "blocked app", "{'site':null,'app':{'id':'spam_app'}}",
	  I "Prebid-server does not process requests from App ID: spam_app\n", 503 },
	{ "dooh", "{'site':null,'dooh':{}}",
	  I "request.dooh should include at least one of request.dooh.id or request.dooh.venuetype.\n", 400 },
	{ "gpp", "{'regs':{'gpp':'BAD'}}",
	  I "GPP consent string is invalid and will be ignored. (unreadable)\n", 0 },
	{ "user.geo.accuracy", "{'user':{'geo':{'accuracy':-1}}}",
	  I "request.user.geo.accuracy must be a positive number\n", 400 },
	{ "consent against gpp", "{'regs':{'gpp':'G'},'user':{'consent':'other'}}",
	  I "user.consent GDPR string conflicts with GPP (regs.gpp) GDPR string, using regs.gpp\n", 0 },
	{ "user.ext.prebid empty", "{'user':{'ext':{'prebid':{}}}}",
	  I "request.user.ext.prebid requires a \"buyeruids\" property with at least one ID defined. If none "
	    "exist, then request.user.ext.prebid should not be defined.\n",
	  400 },
	{ "buyeruids of a stranger", "{'user':{'ext':{'prebid':{'buyeruids':{'who':'1'}}}}}",
	  I
	  "request.user.ext.who is neither a known bidder name nor an alias in request.ext.prebid.aliases\n",
	  400 },
	{ "buyeruids in any case", "{'user':{'ext':{'prebid':{'buyeruids':{'APPNEXUS':'1'}}}}}", "", 0 },
	{ "eids",
	  "{'user':{'eids':[{'uids':[{'id':'1'}]},{'source':'s'},{'source':'t','uids':[{'id':''},"
	  "{'id':'2'}]}]}}",
	  I "request.user.eids[0] removed due to missing source\n" I
	    "request.user.eids[1] (source: s) removed due to empty uids\n" I
	    "request.user.eids[2].uids[0] removed due to empty ids\n",
	  0 },
	{ "gdpr against gpp_sid", "{'regs':{'gdpr':1,'gpp_sid':[6]}}",
	  I "regs.gdpr signal conflicts with GPP (regs.gpp_sid) and will be ignored\n", 0 },
	{ "gdpr range", "{'regs':{'gdpr':2}}", I "request.regs.gdpr must be either 0 or 1\n", 400 },
	{ "device.w", "{'device':{'w':-1}}", I "request.device.w must be a positive number\n", 400 },
	{ "device.geo", "{'device':{'geo':{'accuracy':-1}}}",
	  I "request.device.geo.accuracy must be a positive number\n", 400 },
	{ "us_privacy against gpp", "{'regs':{'gpp':'G','us_privacy':'1NNN'}}",
	  I "regs.us_privacy consent does not match uspv1 in GPP, using regs.gpp\n", 0 },
	{ "us_privacy", "{'regs':{'us_privacy':'x'}}",
	  I "CCPA consent is invalid and will be ignored. (request.regs.ext.us_privacy must contain 4 "
	    "characters)\n",
	  0 },
	{ "nosale wildcard", "{'ext':{'prebid':{'nosale':['*','rubicon']}}}",
	  I "request.ext.prebid.nosale is invalid: can only specify all bidders if no other bidders are "
	    "provided\n",
	  400 },
	{ "nosale stranger", "{'ext':{'prebid':{'nosale':['who']}}}",
	  I "request.ext.prebid.nosale is invalid: unrecognized bidder 'who'\n", 400 },
	{ "warnings are shown with the error that follows", "{'cur':['EUR','USD'],'site':null}",
	  I "A prebid request can only process one currency. Taking the first currency in the list, EUR, as "
	    "the "
	    "active currency\n" I "One of request.site or request.app or request.dooh must be defined\n",
	  400 },
};

static void requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena *a = arena_new();
		struct messages m;
		int err;
		json_t *req;

		messages_init(&m, a);
		req = run(rows[i].why, rows[i].patch, &rules, &m, &err);
		check_body(rows[i].why, &m, rows[i].body);
		CHECK(rows[i].why, (err < 0) == (rows[i].status != 0));
		CHECK(rows[i].why, report_is_fatal(&m) == (err < 0));
		if (err)
			CHECK(rows[i].why, report_status(&m) == rows[i].status);
		json_decref(req);
		arena_free(a);
	}
}

#define EXT "'ext':{'appnexus':{}}"

static const struct {
	const char *why, *imp, *body;
} imp_rows[] = {
	{ "legacy parameters", "{'id':'1','banner':{'w':1,'h':1}," EXT "}", "" },
	{ "id", "{}", "request.imp[0] missing required field: \"id\"" },
	{ "metric", "{'id':'1','metric':[{}]}",
	  "request.imp[0].metric is not yet supported by prebid-server. Support may be added in the future" },
	{ "no media", "{'id':'1'}",
	  "request.imp[0] must contain at least one of \"banner\", \"video\", \"audio\", or \"native\"" },
	{ "banner.h", "{'id':'1','banner':{'w':1,'h':-1}}",
	  "request.imp[0].banner.h must be a positive number" },
	{ "banner.wmax", "{'id':'1','banner':{'wmax':1,'hmin':2}}",
	  "request.imp[0].banner uses unsupported property: \"wmax\". Use the \"format\" array instead." },
	{ "no size", "{'id':'1','banner':{'w':300}}",
	  "request.imp[0].banner has no sizes. Define \"w\" and \"h\", or include \"format\" elements." },
	{ "full screen needs none", "{'id':'1','instl':1,'banner':{}," EXT "}", "" },
	{ "format.hratio", "{'id':'1','banner':{'format':[{'hratio':-1}]}}",
	  "request.imp[0].banner.format[0].hratio must be a positive number" },
	{ "both styles", "{'id':'1','banner':{'format':[{'w':1,'wmin':1}]}}",
	  "Request imp[0].banner.format[0] should define *either* {w, h} *or* {wmin, wratio, hratio}, but "
	  "not "
	  "both. If both are valid, send two \"format\" objects in the request." },
	{ "no style", "{'id':'1','banner':{'format':[{}]}}",
	  "Request imp[0].banner.format[0] should define *either* {w, h} (for static size requirements) *or* "
	  "{wmin, wratio, hratio} (for flexible sizes) to be non-zero." },
	{ "half a size", "{'id':'1','banner':{'format':[{'w':1,'h':1},{'w':1}]}}",
	  "Request imp[0].banner.format[1] must define non-zero \"h\" and \"w\" properties." },
	{ "half a ratio", "{'id':'1','banner':{'format':[{'wmin':1}]}}",
	  "Request imp[0].banner.format[0] must define non-zero \"wmin\", \"wratio\", and \"hratio\" "
	  "properties." },
	{ "video.mimes", "{'id':'1','video':{}}",
	  "request.imp[0].video.mimes must contain at least one supported MIME type" },
	{ "video.maxbitrate", "{'id':'1','video':{'mimes':['a'],'maxbitrate':-1}}",
	  "request.imp[0].video.maxbitrate must be a positive number" },
	{ "audio.mimes", "{'id':'1','audio':{'mimes':null}}",
	  "request.imp[0].audio.mimes must contain at least one supported MIME type" },
	{ "audio.sequence", "{'id':'1','audio':{'mimes':['a'],'sequence':-1}}",
	  "request.imp[0].audio.sequence must be a positive number" },
	{ "deal", "{'id':'1','banner':{'w':1,'h':1},'pmp':{'deals':[{'id':'a'},{}]}}",
	  "request.imp[0].pmp.deals[1] missing required field: \"id\"" },
	{ "no ext", "{'id':'1','banner':{'w':1,'h':1}}", "request.imp[0].ext is required" },
	{ "empty ext", "{'id':'1','banner':{'w':1,'h':1},'ext':{}}",
	  "request.imp[0].ext.prebid.bidder must contain at least one bidder" },
	{ "stored bids of others",
	  "{'id':'x','banner':{'w':1,'h':1},'ext':{'appnexus':{},'prebid':{'storedbidresponse':[{'id':'1',"
	  "'bidder':'rubicon'}]}}}",
	  "request validation failed. Stored bid responses are specified for imp x. Bidders specified in "
	  "imp.ext "
	  "should match with bidders specified in imp.ext.prebid.storedbidresponse" },
	{ "stored bids in any case",
	  "{'id':'x','banner':{'w':1,'h':1},'ext':{'appnexus':{},'prebid':{'storedbidresponse':[{'id':'1',"
	  "'bidder':'APPNEXUS'}]}}}",
	  "" },
	{ "stored bids of a stranger",
	  "{'id':'x','banner':{'w':1,'h':1},'ext':{'appnexus':{},'prebid':{'storedbidresponse':[{'id':'1',"
	  "'bidder':'who'}]}}}",
	  "unrecognized bidder \"who\"" },
	{ "stored bids of one bidder, named twice, are not those of two",
	  "{'id':'x','banner':{'w':1,'h':1},'ext':{'appnexus':{},'rubicon':{},'prebid':{'storedbidresponse':["
	  "{'id':'1','bidder':'appnexus'},{'id':'2','bidder':'appnexus'}]}}}",
	  "request validation failed. Stored bid responses are specified for imp x. Bidders specified in "
	  "imp.ext "
	  "should match with bidders specified in imp.ext.prebid.storedbidresponse" },
	{ "stored bids of the only bidder, named twice",
	  "{'id':'x','banner':{'w':1,'h':1},'ext':{'appnexus':{},'prebid':{'storedbidresponse':["
	  "{'id':'1','bidder':'appnexus'},{'id':'2','bidder':'APPNEXUS'}]}}}",
	  "" },
	{ "parameters", "{'id':'1','banner':{'w':1,'h':1},'ext':{'appnexus':{'bad':1}}}",
	  "request.imp[0].ext.prebid.bidder.appnexus failed validation.\nbad: is bad" },
	{ "parameters of a wrong type", "{'id':'1','banner':{'w':1,'h':1},'ext':{'appnexus':'x'}}",
	  "request.imp[0].ext.prebid.bidder.appnexus failed validation.\nbad: is bad" },
	{ "disabled, nobody left", "{'id':'1','banner':{'w':1,'h':1},'ext':{'SLEEPY':{}}}",
	  "Bidder \"sleepy\" has been disabled on this instance of Prebid Server. Please work with the PBS "
	  "host "
	  "to enable this bidder again.\nInvalid request: request.imp[0].ext.prebid.bidder must contain at "
	  "least "
	  "one bidder" },
	{ "white label", "{'id':'1','banner':{'w':1,'h':1},'ext':{'labelonly':{},'rubicon':{}}}",
	  "Bidder \"labelonly\" can only be aliased and cannot be used directly." },
	{ "retired", "{'id':'1','banner':{'w':1,'h':1},'ext':{'yssp':{},'rubicon':{}}}",
	  "Bidder \"yssp\" is no longer available in Prebid Server. If you're looking to use the Yahoo SSP "
	  "adapter, please rename it to \"yahooAds\" in your configuration." },
	{ "unknown", "{'id':'1','banner':{'w':1,'h':1},'ext':{'prebid':{'bidder':{'who':{}}}}}",
	  "request.imp[0].ext.prebid.bidder contains unknown bidder: who. Did you forget an alias in "
	  "request.ext.prebid.aliases?" },
	{ "unknown legacy", "{'id':'1','banner':{'w':1,'h':1},'ext':{'who':{},'rubicon':{}}}",
	  "request.imp[0].ext contains unknown bidder: 'who', ignoring" },
	{ "native without request", "{'id':'1','native':{}}",
	  "request.imp[0].native missing required property \"request\"" },
};

static void imps(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(imp_rows); i++) {
		struct arena *a = arena_new();
		char *patch = xasprintf("{'imp':[%s]}", imp_rows[i].imp);
		char *body = *imp_rows[i].body ? xasprintf(I "%s\n", imp_rows[i].body) : xstrdup("");
		struct messages m;
		json_t *req;
		int err;

		messages_init(&m, a);
		req = run(imp_rows[i].why, patch, &rules, &m, &err);
		check_body(imp_rows[i].why, &m, body);
		json_decref(req);
		free(patch);
		free(body);
		arena_free(a);
	}
}

/* What validation leaves behind. */
static const struct {
	const char *why, *patch, *path, *want;
} effects[] = {
	{ "one currency", "{'cur':['EUR','USD']}", "cur", "['EUR']" },
	{ "an alias is told in the registry's spelling", "{'ext':{'prebid':{'aliases':{'x':'AppNexus'}}}}",
	  "ext.prebid.aliases", "{'x':'appnexus'}" },
	{ "bad adjustments go", "{'ext':{'prebid':{'bidadjustments':{'bad':1}}}}",
	  "ext.prebid.bidadjustments", "-" },
	{ "good adjustments stay", "{'ext':{'prebid':{'bidadjustments':{'a':1}}}}",
	  "ext.prebid.bidadjustments", "{'a':1}" },
	{ "multibid is repaired",
	  "{'ext':{'prebid':{'multibid':[{'bidder':'a','maxbids':99},{'maxbids':1},{'bidders':['a','b'],"
	  "'maxbids':2}]}}}",
	  "ext.prebid.multibid", "[{'bidder':'a','maxbids':9},{'bidders':['b'],'maxbids':2}]" },
	{ "eids are cleaned",
	  "{'user':{'eids':[{'source':''},{'source':'t','uids':[{'id':''},{'id':'2'}]}]}}", "user.eids",
	  "[{'source':'t','uids':[{'id':'2'}]}]" },
	{ "no eids left", "{'user':{'eids':[{'source':'t'}]}}", "user.eids", "-" },
	{ "bad us_privacy goes", "{'regs':{'us_privacy':'x'}}", "regs.us_privacy", "-" },
	{ "cookie deprecation", "{}", "device.ext.cdep", "'label_1'" },
	{ "cookie deprecation given", "{'device':{'ext':{'cdep':'own'}}}", "device.ext.cdep", "'own'" },
};

static void effects_on_the_tree(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(effects); i++) {
		struct arena *a = arena_new();
		struct messages m;
		json_t *req;
		int err;

		messages_init(&m, a);
		req = run(effects[i].why, effects[i].patch, &rules, &m, &err);
		CHECK(effects[i].why, err == 0);
		check_json(effects[i].why, req, effects[i].path, effects[i].want);
		json_decref(req);
		arena_free(a);
	}
}

static void check_imp_ext(const char *why, const char *ext, bool tolerant, const char *want)
{
	char *patch = xasprintf("{'imp':[{'id':'1','banner':{'w':1,'h':1},'ext':%s}]}", ext);
	struct validate_rules vr = rules;
	struct arena *a = arena_new();
	struct messages m;
	json_t *req;
	int err;

	vr.tolerant = tolerant;
	messages_init(&m, a);
	req = run(why, patch, &vr, &m, &err);
	CHECK(why, err == 0);
	check_json(why, json_array_get(json_object_get(req, "imp"), 0), "ext", want);
	json_decref(req);
	free(patch);
	arena_free(a);
}

static void bidders_of_an_imp(void **state)
{
	(void)state;
	check_imp_ext("legacy parameters move", "{'appnexus':{'p':1},'gpid':'g'}", false,
		      "{'gpid':'g','prebid':{'bidder':{'appnexus':{'p':1}}}}");
	check_imp_ext("an unknown key goes back", "{'rubicon':{},'mine':{'a':1}}", false,
		      "{'prebid':{'bidder':{'rubicon':{}}},'mine':{'a':1}}");
	check_imp_ext("a stray bidder is not told to the others",
		      "{'prebid':{'bidder':{'rubicon':{}}},'appnexus':{'secret':1},'mine':2}", false,
		      "{'prebid':{'bidder':{'rubicon':{}}},'mine':2}");
	check_imp_ext("the disabled leave", "{'prebid':{'bidder':{'rubicon':{},'sleepy':{}}}}", false,
		      "{'prebid':{'bidder':{'rubicon':{}}}}");
	check_imp_ext("tolerant: an unknown name costs nobody else",
		      "{'prebid':{'bidder':{'rubicon':{},'who':{}}}}", true,
		      "{'prebid':{'bidder':{'rubicon':{}}}}");
	check_imp_ext("tolerant: bad parameters cost one bidder",
		      "{'prebid':{'bidder':{'rubicon':{},'appnexus':{'bad':1}}}}", true,
		      "{'prebid':{'bidder':{'rubicon':{}}}}");
}

static void several_imps(void **state)
{
	static const struct {
		const char *why, *second, *body;
		bool tolerant;
	} many[] = {
		{ "same id", IMP,
		  I "request.imp[0].id and request.imp[1].id are both \"1\". Imp IDs must be unique.\n",
		  false },
		{ "stored auction responses are all or nothing",
		  "{'id':'2','banner':{'w':1,'h':1},'ext':{'rubicon':{},'prebid':{'storedauctionresponse':{'"
		  "id':"
		  "'x'}}}}",
		  I
		  "request validation failed. The StoredAuctionResponse.ID field must be completely present "
		  "with, or completely absent from, all impressions in request. No StoredAuctionResponse "
		  "data "
		  "found for request.imp[0].ext.prebid \n\n",
		  false },
		{ "tolerant: an imp without bidders is only warned about",
		  "{'id':'2','banner':{'w':1,'h':1},'ext':{'rubicon':{'bad':1}}}",
		  I "request.imp[1].ext.prebid.bidder.rubicon failed validation.\nbad: is bad\n" I
		    "request.imp[1].ext.prebid.bidder must contain at least one bidder\n",
		  true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		char *patch = xasprintf("{'imp':[%s,%s]}", IMP, many[i].second);
		struct validate_rules vr = rules;
		struct arena *a = arena_new();
		struct messages m;
		json_t *req;
		int err;

		vr.tolerant = many[i].tolerant;
		messages_init(&m, a);
		req = run(many[i].why, patch, &vr, &m, &err);
		check_body(many[i].why, &m, many[i].body);
		CHECK(many[i].why, (err == 0) == many[i].tolerant);
		json_decref(req);
		free(patch);
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests),
		cmocka_unit_test(imps),
		cmocka_unit_test(effects_on_the_tree),
		cmocka_unit_test(bidders_of_an_imp),
		cmocka_unit_test(several_imps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
