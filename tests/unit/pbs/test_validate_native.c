#include "pbs/openrtb/validate_native.h"

#include "tests/unit/pbs/request_fixture.h"

#define SPEC                                                                                                 \
	"https://iabtechlab.com/wp-content/uploads/2016/07/OpenRTB-Native-Ads-Specification-Final-1.2.pdf"
#define SPEC_25                                                                                              \
	"https://www.iab.com/wp-content/uploads/2016/03/OpenRTB-API-Specification-Version-2-5-FINAL.pdf"
#define TITLE "'assets':[{'title':{'len':9}}]"
#define R     "request.imp[2].native.request."

static const struct {
	const char *why, *native, *body; /* body NULL: accepted */
} rows[] = {
	{ "no request", "{'request':''}", "request.imp[2].native missing required property \"request\"" },
	{ "context", "{'request':'{`context`:4," TITLE "}'}", R "context is invalid. See " SPEC "#page=39" },
	{ "private context", "{'request':'{`context`:500,`contextsubtype`:11," TITLE "}'}", NULL },
	{ "no context, any subtype", "{'request':'{`contextsubtype`:99," TITLE "}'}", NULL },
	{ "subtype below zero", "{'request':'{`context`:1,`contextsubtype`:-1," TITLE "}'}",
	  R "contextsubtype value can't be less than 0. See " SPEC "#page=39" },
	{ "subtype of another context", "{'request':'{`context`:1,`contextsubtype`:20," TITLE "}'}",
	  R "context is 1, but contextsubtype is 20. This is an invalid combination. See " SPEC "#page=39" },
	{ "subtype of no context", "{'request':'{`context`:1,`contextsubtype`:16," TITLE "}'}",
	  R "contextsubtype is invalid. See " SPEC "#page=39" },
	{ "placement", "{'request':'{`plcmttype`:5," TITLE "}'}",
	  R "plcmttype is invalid. See " SPEC "#page=40" },
	{ "no assets", "{'request':'{}'}", R "assets must be an array containing at least one object" },
	{ "empty asset", "{'request':'{`assets`:[{}]}'}",
	  R "assets[0] must define exactly one of {title, img, video, data}" },
	{ "two kinds", "{'request':'{`assets`:[{`title`:{`len`:1},`data`:{`type`:0}}]}'}",
	  R "assets[0] must define exactly one of {title, img, video, data}" },
	{ "the first kind is judged first", "{'request':'{`assets`:[{`title`:{},`data`:{}}]}'}",
	  R "assets[0].title.len must be a positive number" },
	{ "repeated id", "{'request':'{`assets`:[{`id`:1,`title`:{`len`:1}},{`id`:1,`title`:{`len`:1}}]}'}",
	  R "assets[1].id is already being used by another asset. Each asset ID must be unique." },
	{ "img", "{'request':'{`assets`:[{`img`:{`hmin`:-1}}]}'}",
	  R "assets[0].img.hmin must be a positive integer" },
	{ "video.mimes", "{'request':'{`assets`:[{`video`:{}}]}'}",
	  R "assets[0].video.mimes must be an array with at least one MIME type" },
	{ "video.minduration", "{'request':'{`assets`:[{`video`:{`mimes`:[`a`]}}]}'}",
	  R "assets[0].video.minduration must be a positive integer" },
	{ "video.maxduration", "{'request':'{`assets`:[{`video`:{`mimes`:[`a`],`minduration`:1}}]}'}",
	  R "assets[0].video.maxduration must be a positive integer" },
	{ "video.protocols",
	  "{'request':'{`assets`:[{`video`:{`mimes`:[`a`],`minduration`:1,`maxduration`:2}}]}'}",
	  R "assets[0].video.protocols must be an array with at least one element" },
	{ "video.protocols range",
	  "{'request':'{`assets`:[{`video`:{`mimes`:[`a`],`minduration`:1,`maxduration`:2,`protocols`:[1,11]}"
	  "}]}'}",
	  R "assets[0].video.protocols[1] is invalid. See Section 5.8: " SPEC_25 "#page=52" },
	{ "data.type", "{'request':'{`assets`:[{`data`:{`type`:13}}]}'}",
	  R "assets[0].data.type is invalid. See section 7.4: " SPEC "#page=40" },
	{ "tracker event", "{'request':'{" TITLE ",`eventtrackers`:[{`event`:5}]}'}",
	  R "eventtrackers[0].event is invalid. See section 7.6: " SPEC "#page=43" },
	{ "tracker without method", "{'request':'{" TITLE ",`eventtrackers`:[{`event`:1}]}'}",
	  R "eventtrackers[0].method is required. See section 7.7: " SPEC "#page=43" },
	{ "tracker method", "{'request':'{" TITLE ",`eventtrackers`:[{`event`:1,`methods`:[1,3]}]}'}",
	  R "eventtrackers[0].methods[1] is invalid. See section 7.7: " SPEC "#page=43" },
	{ "not JSON", "{'request':'{'}",
	  "request.imp[2].native.request is invalid: line 1 column 2: expected a member name" },
	{ "a list", "{'request':'[]'}",
	  "request.imp[2].native.request is invalid: expect { or n, but found [" },
	{ "a text for a number", "{'request':'{`ver`:1}'}",
	  "request.imp[2].native.request is invalid: cannot unmarshal native.request.ver: expects \" or n, "
	  "but "
	  "found 1" },
	{ "the old wrapper is not opened", "{'request':'{`native`:{" TITLE "}}'}",
	  R "assets must be an array containing at least one object" },
};

/* Backticks are the quotes of the inner document; plain single quotes inside it are meant so too. */
static json_t *native_of(const char *why, const char *text)
{
	const char *open = strstr(text, ":'"), *close = strrchr(text, '\'');
	json_t *native = json_object();
	char *inner = xstrndup(open + 2, (size_t)(close - open - 2));

	(void)why;
	for (char *p = inner; *p; p++)
		if (*p == '`' || *p == '\'')
			*p = '"';
	json_set_str(native, "request", str_of(inner));
	free(inner);
	return native;
}

static void rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *native = native_of(rows[i].why, rows[i].native);
		char *body = rows[i].body ? xasprintf("Invalid request: %s\n", rows[i].body) : xstrdup("");
		struct arena *a = arena_new();
		struct messages m;
		int err;

		messages_init(&m, a);
		err = validate_native(native, 2, &m);
		check_body(rows[i].why, &m, body);
		CHECK(rows[i].why, (err < 0) == (rows[i].body != NULL));
		json_decref(native);
		free(body);
		arena_free(a);
	}
}

static void rewriting(void **state)
{
	static const struct {
		const char *why, *native, *want;
	} cases[] = {
		{ "ids are given when none is",
		  "{'request':'{`assets`:[{`title`:{`len`:1}},{`data`:{`type`:1}}]}'}",
		  "{'assets':[{'title':{'len':1},'id':0},{'data':{'type':1},'id':1}]}" },
		{ "ids are kept when one is",
		  "{'request':'{`assets`:[{`id`:5,`title`:{`len`:1}},{`data`:{`type`:1}}]}'}",
		  "{'assets':[{'id':5,'title':{'len':1}},{'data':{'type':1},'id':0}]}" },
		{ "unknown members go",
		  "{'request':'{`x`:1,`ver`:`1.2`,`assets`:[{`id`:1,`y`:2,`title`:{`len`:1}}]}'}",
		  "{'ver':'1.2','assets':[{'id':1,'title':{'len':1}}]}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *native = native_of(cases[i].why, cases[i].native), *got, *want;
		struct arena *a = arena_new();
		struct messages m;

		messages_init(&m, a);
		CHECK(cases[i].why, validate_native(native, 0, &m) == 0);
		got = json_of(cases[i].why, json_string_value(json_object_get(native, "request")));
		want = json_of(cases[i].why, cases[i].want);
		CHECK(cases[i].why, json_equal(got, want));
		json_decref(got);
		json_decref(want);
		json_decref(native);
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules),
		cmocka_unit_test(rewriting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
