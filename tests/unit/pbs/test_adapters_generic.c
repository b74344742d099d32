/* What a bidder-info file can say about a bidder without code. */
#include "pbs/adapters/generic.h"
#include "tests/unit/pbs/adapter_rig.h"

#define IMP(id, params) "{'id':'" id "','banner':{},'ext':{'bidder':" params "}}"
#define ONE(params)     "{'id':'r','site':{},'imp':[" IMP("1", params) "]}"
#define REPLY(bid)      "{'seatbid':[{'seat':'s','bid':[{'id':'b','impid':'1'" bid "}]}]}"

static void refused(void **state)
{
	static const struct {
		const char *why, *endpoint, *generic, *want;
	} rows[] = {
		{ "a wrong kind", "e", "{'split':1}", "generic.split: expected a string" },
		{ "a key that is none", "e", "{'splitt':'imp'}", "generic.splitt: there is no such key" },
		{ "one inside", "e", "{'auth':{'typ':'basic'}}", "generic.auth.typ: there is no such key" },
		{ "a choice that is none", "e", "{'split':'pod'}",
		  "generic.split: \"pod\" is none of together, imp, mediaType" },
		{ "a type rule that is none", "e", "{'type':['x']}",
		  "generic.type: \"x\" is none of mtype, prebid, imp" },
		{ "too many of them", "e", "{'type':['imp','imp','imp','imp']}",
		  "generic.type: expected at most 3" },
		{ "a media type that is none", "e", "{'defaultType':'x'}",
		  "generic.defaultType: \"x\" is none of banner, video, audio, native, none" },
		{ "a currency rule that is none", "e", "{'currency':'EUR'}",
		  "generic.currency: \"EUR\" is none of response, verbatim, usd" },
		{ "a parameter without a place", "e", "{'params':{'a':1}}",
		  "generic.params.a: expected a path, or {to: path, as: text|number|raw}" },
		{ "a parameter in a form that is none", "e", "{'params':{'a':{'to':'imp.x','as':'date'}}}",
		  "generic.params.a.as: \"date\" is none of text, number, raw" },
		{ "no path", "e", "{'set':{'imp..a':1}}",
		  "generic.set: \"imp..a\" is no path of names and dots" },
		{ "a path that is too deep", "e", "{'remove':['a.b.c.d.e.f.g.h.i']}",
		  "generic.remove: \"a.b.c.d.e.f.g.h.i\" is no path of names and dots" },
		{ "the id of an imp", "e", "{'set':{'imp.id':'1'}}",
		  "generic.set: imp.id cannot be changed" },
		{ "a template that does not end", "e", "{'set':{'imp.ext':{'a':['{{.b']}}}",
		  "generic.set: imp.ext: a placeholder is {{.Name}}, with the name of a parameter" },
		{ "no kind of authorisation", "e", "{'auth':{'token':'t'}}",
		  "generic.auth.type: expected bearer, basic or header" },
		{ "a secret that is not there", "e", "{'auth':{'type':'bearer','token':''}}",
		  "generic.auth.token is not configured" },
		{ "half of one", "e", "{'auth':{'type':'basic','username':'u'}}",
		  "generic.auth.password is not configured" },
		{ "a header that cannot be sent", "e", "{'extraHeaders':{'X y':'v'}}",
		  "generic.extraHeaders: \"X y\" or its value cannot be sent" },
		{ "a value with a line break", "e", "{'extraHeaders':{'X':'a\\nb'}}",
		  "generic.extraHeaders: \"X\" or its value cannot be sent" },
		{ "a header that is no text", "e", "{'extraHeaders':{'X':1}}",
		  "generic.extraHeaders.X: expected a text" },
		{ "a placeholder that does not end", "http://b/{{.a}", "{}",
		  "endpoint: a placeholder is {{.Name}}, with the name of a parameter" },
		{ "a placeholder without a dot", "http://b/{{a}}", "{}",
		  "endpoint: a placeholder is {{.Name}}, with the name of a parameter" },
		{ "an empty one", "http://b/{{.}}", "{}",
		  "endpoint: a placeholder is {{.Name}}, with the name of a parameter" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena *a = arena_new();
		struct bidder_info info = { .name = "x" };
		struct bidder b = { .name = "x", .endpoint = rows[i].endpoint, .info = &info };
		struct errtext why = { "" };

		info.root = arena_own_json(
			a, json_pack("{s:o}", "generic", rig_json(rows[i].why, rows[i].generic)));
		CHECK(rows[i].why, generic_build(&b, a, &why) < 0);
		CHECK_STR(rows[i].why, str_of(why.text), rows[i].want);
		arena_free(a);
	}
}

/* Where requests choose the host, it must not be a private one. */
static void hosts_of_requests(void **state)
{
	static const struct {
		const char *endpoint;
		bool public_only;
	} rows[] = {
		{ "http://b.example/bid", false },
		{ "http://b.example/{{.a}}", false },
		{ "http://b.example?a={{.a}}", false },
		{ "http://b.example#{{.a}}", false },
		{ "http://{{.a}}.b.example/bid", true },
		{ "http://{{.a}}", true },
		{ "http://b.example:{{.port}}/{{.a}}", true },
		{ "http://{{.user}}@b.example/", true },
		{ "{{.scheme}}://b.example/", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena *a = arena_new();
		struct bidder_info info = { .name = "x", .root = arena_own_json(a, json_object()) };
		struct bidder b = { .name = "x", .endpoint = rows[i].endpoint, .info = &info };

		CHECK(rows[i].endpoint, generic_build(&b, a, NULL) == 0);
		CHECK(rows[i].endpoint, b.public_only == rows[i].public_only);
		arena_free(a);
	}
}

static void run(const char *endpoint, const char *generic, const struct adapter_row *row)
{
	char info[2048];

	(void)snprintf(info, sizeof info, "{'generic':%s}", generic);
	rig_run("generic", endpoint, info, row);
}

static void requests(void **state)
{
	static const struct {
		const char *endpoint, *generic;
		struct adapter_row row;
	} rows[] = {
		{ "http://b.example",
		  "{}",
		  { "nothing said: unchanged, and no parameters needed",
		    "{'id':'r','imp':[{'id':'1','banner':{}}]}",
		    .calls = "[{'uri':'http://b.example','headers':{'Content-Type':'application/"
			     "json;charset=utf-8','Accept':"
			     "'application/json'},'body':{'id':'r','imp':[{'id':'1','banner':{}}]}}]" } },
		{ "http://b.example",
		  "{'params':{'p':'imp.tagid'}}",
		  { "parameters that are no object", ONE("7"), .calls = "[]",
		    .errors = "2 expect { or n, but found 7" } },
		{ "http://b.example",
		  "{'params':{'tag':'imp.tagid','floor':'imp.bidfloor','list':'imp.ext.acme.list','acc':'"
		  "site.publisher.id','n':{'to':"
		  "'ext.n','as':'number'},'pos':{'to':'imp.video.pos','as':'raw'},'bad':'imp.displaymanager'}"
		  "}",
		  { "parameters go to their places, each in the form that is wanted there; formats are not "
		    "invented",
		    ONE("{'tag':5,'floor':'0.5','list':[1],'acc':'a','n':'7','pos':1,'bad':[1],'other':1}"),
		    .calls = "[{'body':{'id':'r','site':{'publisher':{'id':'a'}},'ext':{'n':7.0},'imp':[{'id'"
			     ":'1','banner':{},'tagid':"
			     "'5','bidfloor':0.5,'ext':{'acme':{'list':[1]},'bidder':{'tag':5,'floor':'0.5','"
			     "list':[1],'acc':"
			     "'a','n':'7','pos':1,'bad':[1],'other':1}}}]}}]" } },
		{ "http://b.example",
		  "{'params':{'a':'ext.a'},'set':{'imp.secure':1,'ext.s':{'x':[1]},'ext.a':'later','user.x':"
		  "1},"
		  "'remove':['imp.ext.bidder','site.page','ext.s.y','app.id']}",
		  { "additions come after parameters, removals last",
		    "{'id':'r','site':{'page':'p','id':'i'},'imp':[" IMP("1", "{'a':1}") "]}",
		    .calls = "[{'body':{'id':'r','site':{'id':'i'},'ext':{'a':'later','s':{'x':[1]}},'imp':[{"
			     "'id':'1','banner':{},"
			     "'secure':1,'ext':{}}]}}]" } },
		{ "http://b.example",
		  "{'set':{'imp.ext':{'acme':{'zone':'{{.zone}}','key':'{{.acc}}/{{.zone}}','none':'{{.no}}',"
		  "'list':['{{.list}}','x{{.no}}','x'],'n':1}},'ext.of':'{{.acc}}'}}",
		  { "templates: a placeholder alone keeps its kind, one among others becomes text, without "
		    "its "
		    "parameter nothing is written; of the request, the first imp's count",
		    "{'id':'r','imp':[" IMP("1", "{'zone':7,'acc':'a','list':[1]}") "," IMP("2", "5") "]}",
		    .calls = "[{'body':{'id':'r','ext':{'of':'a'},'imp':[{'id':'1','banner':{},'ext':{'acme':"
			     "{'"
			     "zone':7,'key':'a/"
			     "7','list':[[1],'x'],'n':1}}},{'id':'2','banner':{},'ext':{'acme':"
			     "{'list':['x'],'n':1}}}]}}]" } },
		{ "http://{{.host}}.example/{{.acc}}?z={{.zone}}",
		  "{}",
		  { "placeholders are filled and escaped; imps with the same endpoint go together",
		    "{'id':'r','imp':[" IMP("1", "{'host':'a','acc':'x/y','zone':7}") "," IMP(
			    "2",
			    "{'host':'b','acc':'x','zone':7}") "," IMP("3",
								       "{'host':'a','Acc':'x/"
								       "y','zone':'7'}") "," IMP("4",
												 "{'"
												 "host':"
												 "'a','"
												 "zone':"
												 "7}") "]}",
		    .calls = "[{'uri':'http://a.example/x%2Fy?z=7','body':{'id':'r','imp':[" IMP(
			    "1",
			    "{'host':'a','acc':'x/y','zone':7}") "," IMP("3",
									 "{'host':'a','Acc':'x/"
									 "y','zone':'7'}") "]}},{'uri':'http:"
											   "//b.example/"
											   "x?z=7'}]",
		    .errors = "2 The endpoint needs the parameter acc" } },
		{ "http://b.example",
		  "{'split':'imp','headers':'none'}",
		  { "a call for each imp", "{'id':'r','imp':[" IMP("1", "{}") "," IMP("2", "{}") "]}",
		    .calls = "[{'headers':{},'body':{'id':'r','imp':[" IMP(
			    "1", "{}") "]}},{'body':{'id':'r','imp':[" IMP("2", "{}") "]}}]" } },
		{ "http://b.example",
		  "{'split':'mediaType','headers':'content'}",
		  { "a call for each format",
		    "{'id':'r','imp':[{'id':'1','banner':{},'native':{}},{'id':'2','banner':{}},{'id':'3'}]}",
		    .calls = "[{'headers':{'Content-Type':'application/"
			     "json;charset=utf-8'},'body':{'id':'r','imp':[{'id':'1','banner':"
			     "{}},{'id':'2','banner':{}}]}},{'body':{'id':'r','imp':[{'id':'1','native':{'"
			     "request':''}}]}}]" } },
		{ "http://b.example",
		  "{'headers':'none','extraHeaders':{'X-Acme':'1'},'auth':{'type':'bearer','token':'t'}}",
		  { "a bearer", ONE("{}"),
		    .calls = "[{'headers':{'X-Acme':'1','Authorization':'Bearer t'}}]" } },
		{ "http://b.example",
		  "{'headers':'none','auth':{'type':'basic','username':'u','password':'p'}}",
		  { "basic", ONE("{}"), .calls = "[{'headers':{'Authorization':'Basic dTpw'}}]" } },
		{ "http://b.example",
		  "{'headers':'none','auth':{'type':'header','name':'X-Key','value':'k'}}",
		  { "a header", ONE("{}"), .calls = "[{'headers':{'X-Key':'k'}}]" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		run(rows[i].endpoint, rows[i].generic, &rows[i].row);
}

static void replies(void **state)
{
	static const struct {
		const char *generic;
		struct adapter_row row;
	} rows[] = {
		{ "{'noBid':[404]}",
		  { "a status that means nothing", ONE("{}"), .status = 404, .bids = "[]" } },
		{ "{'status':{'badRequest':'100% of {status} is {status}','other':'no'}}",
		  { "a text for bad requests", ONE("{}"), .status = 400,
		    .bid_errors = "2 100% of 400 is {status}" } },
		{ "{'status':{'other':'no'}}",
		  { "another", ONE("{}"), .status = 500, .bid_errors = "4 no" } },
		{ "{'currency':'usd'}",
		  { "the currency is dollars", ONE("{}"), .status = 200, .body = "{'cur':'EUR'}",
		    .currency = "USD", .bids = "[]" } },
		{ "{'currency':'verbatim'}",
		  { "the currency as it is", ONE("{}"), .status = 200, .body = "{}", .currency = "",
		    .bids = "[]" } },
		{ "{}",
		  { "types in the usual order", ONE("{}"), .status = 200,
		    .body = REPLY(",'mtype':2,'ext':{'prebid':{'type':'native'}}"),
		    .bids = "[{'type':'video','seat':''}]" } },
		{ "{'type':['prebid','mtype']}",
		  { "in another order", ONE("{}"), .status = 200,
		    .body = REPLY(",'mtype':2,'ext':{'prebid':{'type':'native'}}"),
		    .bids = "[{'type':'native'}]" } },
		{ "{'type':['imp']}",
		  { "by the imp alone", ONE("{}"), .status = 200, .body = REPLY(",'mtype':2"),
		    .bids = "[{'type':'banner'}]" } },
		{ "{'type':['mtype'],'defaultType':'audio'}",
		  { "or by default", ONE("{}"), .status = 200, .body = REPLY(""),
		    .bids = "[{'type':'audio'}]" } },
		{ "{'type':['mtype'],'defaultType':'none'}",
		  { "or not at all", ONE("{}"), .status = 200, .body = REPLY(""), .bids = "[]",
		    .bid_errors = "4 The bid for impression id 1 has no type" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		run("http://b.example", rows[i].generic, &rows[i].row);
}

/* The schema may stand in the bidder's own file, and the host may supply the secret. */
static void in_a_registry(void **state)
{
	static const struct adapter_host host = { "", "", "", 0 };
	struct registry *r = registry_new(&host);
	json_t *file =
		rig_json("file", "{'endpoint':'http://b','generic':{'auth':{'type':'bearer','token':''},"
				 "'schema':{'type':'object','required':['a']}}}");
	json_t *secret = rig_json("host", "{'generic':{'auth':{'token':'t'}}}");
	struct errtext why = { "" };

	(void)state;
	assert_int_equal(registry_add(r, "acme", file, NULL, secret, &why), 0);
	assert_int_equal(registry_add(r, "other", file, NULL, NULL, &why), 0);
	CHECK("a secret of the host's", !registry_find(r, STR("acme"))->disabled);
	CHECK("a schema of its own", registry_find(r, STR("acme"))->params != NULL);
	CHECK("no secret", registry_find(r, STR("other"))->disabled);
	CHECK_STR("says why", str_of(registry_find(r, STR("other"))->why_disabled),
		  "generic.auth.token is not configured");
	json_decref(file);
	json_decref(secret);
	registry_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused), cmocka_unit_test(hosts_of_requests), cmocka_unit_test(requests),
		cmocka_unit_test(replies), cmocka_unit_test(in_a_registry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
