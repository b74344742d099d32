#include "pbs/openrtb/model.h"

#include "tests/check.h"

static json_t *parse(const char *text)
{
	json_error_t err;
	json_t *j = json_loads(text, JSON_DECODE_ANY, &err);

	if (!j)
		fail_msg("bad row: %s in %s", err.text, text);
	return j;
}

static void what_survives(void **state)
{
	static const struct {
		const char *why;
		enum ortb_type type;
		const char *in, *want;
	} rows[] = {
		{ "unknown members go", ORTB_BID, "{'id':'1','impid':'2','price':1,'foo':1}",
		  "{'id':'1','impid':'2','price':1}" },
		{ "keys match without case and are written as listed", ORTB_BID,
		  "{'ID':'1','ImpId':'2','PRICE':1.5}", "{'id':'1','impid':'2','price':1.5}" },
		{ "required members appear", ORTB_BID, "{}", "{'id':'','impid':'','price':0}" },
		{ "required lists are null", ORTB_VIDEO, "{}", "{'mimes':null}" },
		{ "a required list may be empty", ORTB_VIDEO, "{'mimes':[]}", "{'mimes':[]}" },
		{ "a required list given as null stays null", ORTB_VIDEO, "{'mimes':null}",
		  "{'mimes':null}" },
		{ "zero is left out", ORTB_BID, "{'id':'1','impid':'2','price':0,'w':0,'cat':[],'crid':''}",
		  "{'id':'1','impid':'2','price':0}" },
		{ "a given zero stays where a pointer is behind it", ORTB_BANNER, "{'w':0,'h':0,'wmax':0}",
		  "{'w':0,'h':0}" },
		{ "null is absent", ORTB_BANNER, "{'w':null,'format':null}", "{}" },
		{ "raw null stays", ORTB_BANNER, "{'ext':null}", "{'ext':null}" },
		{ "ext is kept verbatim", ORTB_BANNER, "{'ext':{'A':0,'b':[],'c':null}}",
		  "{'ext':{'A':0,'b':[],'c':null}}" },
		{ "given empty objects stay", ORTB_IMP, "{'id':'1','banner':{}}", "{'id':'1','banner':{}}" },
		{ "deep members too", ORTB_BID_REQUEST,
		  "{'id':'r','imp':[{'id':'1'},{'id':'2','Banner':{'format':[{'w':1,'h':0}]}}],'x':1}",
		  "{'id':'r','imp':[{'id':'1'},{'id':'2','banner':{'format':[{'w':1}]}}]}" },
		{ "null elements are empty values", ORTB_SITE, "{'cat':['a',null]}", "{'cat':['a','']}" },
		{ "null objects in lists too", ORTB_BID_REQUEST, "{'id':'r','imp':[null]}",
		  "{'id':'r','imp':[{'id':''}]}" },
		{ "the later spelling wins", ORTB_SITE, "{'id':'a','ID':'b'}", "{'id':'b'}" },
		{ "a null does not undo a text", ORTB_SITE, "{'id':'a','ID':null}", "{'id':'a'}" },
		{ "it does undo what a pointer holds", ORTB_BANNER, "{'w':1,'W':null}", "{}" },
		{ "null as a whole is an object without members", ORTB_SITE, "null", "{}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[512], expect[512];
		struct errtext why = { "" };
		json_t *in, *want, *before, *got;

		(void)snprintf(text, sizeof text, "%s", rows[i].in);
		(void)snprintf(expect, sizeof expect, "%s", rows[i].want);
		for (char *p = text; (p = strchr(p, '\''));)
			*p = '"';
		for (char *p = expect; (p = strchr(p, '\''));)
			*p = '"';
		in = parse(text);
		want = parse(expect);
		before = json_deep_copy(in);
		got = ortb_decode(in, rows[i].type, &why, NULL);
		if (!got)
			fail_msg("%s: refused: %s", rows[i].why, why.text);
		CHECK(rows[i].why, json_equal(got, want));
		CHECK("the input is never changed", json_equal(in, before));
		json_decref(got);
		json_decref(before);
		json_decref(want);
		json_decref(in);
	}
}

static void what_is_refused(void **state)
{
	static const struct {
		const char *why;
		enum ortb_type type;
		const char *in, *text, *where;
	} rows[] = {
		{ "a number for a string", ORTB_BID_RESPONSE, "{\"id\":1}",
		  "cannot unmarshal openrtb2.BidResponse.ID: expects \" or n, but found 1",
		  "id: expected a string" },
		{ "a string for an object", ORTB_BID_REQUEST, "{\"site\":\"x\"}",
		  "cannot unmarshal openrtb2.BidRequest.Site: expect { or n, but found \"",
		  "site: expected an object" },
		{ "the innermost field is named", ORTB_BID_RESPONSE,
		  "{\"seatbid\":[{\"bid\":[{},{\"price\":\"1\"}]}]}",
		  "cannot unmarshal openrtb2.Bid.Price: invalid number",
		  "seatbid[0].bid[1].price: expected a number" },
		{ "an element that is no object belongs to the list's field", ORTB_BID_RESPONSE,
		  "{\"seatbid\":[true]}",
		  "cannot unmarshal openrtb2.BidResponse.SeatBid: expect { or n, but found t",
		  "seatbid[0]: expected an object" },
		{ "an element that is no string", ORTB_SITE, "{\"cat\":[\"a\",-1]}",
		  "cannot unmarshal openrtb2.Site.Cat: expects \" or n, but found -",
		  "cat[1]: expected a string" },
		{ "an object for a list", ORTB_BID_REQUEST, "{\"imp\":{}}",
		  "cannot unmarshal openrtb2.BidRequest.Imp: expect [ or n, but found {",
		  "imp: expected an array" },
		{ "a fraction for an integer", ORTB_BANNER, "{\"w\":1.5}",
		  "cannot unmarshal openrtb2.Banner.W: can not decode float as int",
		  "w: expected an integer" },
		{ "a string for an integer", ORTB_BANNER, "{\"W\":\"1\"}",
		  "cannot unmarshal openrtb2.Banner.W: unexpected character: \xef\xbf\xbd",
		  "w: expected an integer" },
		{ "the whole has the wrong kind", ORTB_BID_RESPONSE, "[]", "expect { or n, but found [",
		  "(root): expected an object" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct errtext why = { "" }, where = { "" };
		json_t *in = parse(rows[i].in);

		CHECK(rows[i].why, ortb_decode(in, rows[i].type, &why, &where) == NULL);
		CHECK_STR(rows[i].why, str_of(why.text), rows[i].text);
		CHECK_STR(rows[i].why, str_of(where.text), rows[i].where);
		json_decref(in);
	}
}

static void canonical_is_shared(void **state)
{
	json_t *in =
		parse("{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{\"w\":1}}],\"site\":{\"test\":1}}");
	json_t *once = ortb_decode(in, ORTB_BID_REQUEST, NULL, NULL);
	json_t *twice = ortb_decode(once, ORTB_BID_REQUEST, NULL, NULL);

	(void)state;
	CHECK("a canonical subtree is shared", json_object_get(once, "imp") == json_object_get(in, "imp"));
	CHECK("what is not is made new", json_object_get(once, "site") != json_object_get(in, "site"));
	CHECK("a canonical tree comes back as itself", once == twice);
	json_decref(twice);
	json_decref(once);
	json_decref(in);
}

static void nothing_at_all(void **state)
{
	struct errtext why = { "" };

	(void)state;
	CHECK("no bytes", ortb_decode(NULL, ORTB_BID_RESPONSE, &why, NULL) == NULL);
	CHECK_STR("no bytes", str_of(why.text), "expect { or n, but found ");
}

static void every_type_has_a_table(void **state)
{
	(void)state;
	for (int t = 0; t < ORTB_TYPES; t++) {
		const struct typed_struct *s = ortb_struct((enum ortb_type)t);

		CHECK("listed", s != NULL);
		CHECK("the bits of one walk suffice", s->n_fields <= 64);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_survives),          cmocka_unit_test(what_is_refused),
		cmocka_unit_test(canonical_is_shared),    cmocka_unit_test(nothing_at_all),
		cmocka_unit_test(every_type_has_a_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
