#include "pbs/openrtb/stored.h"

#include "pbs/openrtb/stored_responses.h"
#include "tests/unit/pbs/request_fixture.h"

/* Merges `incoming` with documents taken from one object {"requests":{…},"imps":{…}}. */
struct world {
	json_t *incoming, *store, *fallback;
	struct arena *a;
	struct messages m;
	struct stored_ids ids;
	struct stored_found found;
	struct rng rng;
};

static int world_init(struct world *w, const char *why, const char *incoming, const char *store)
{
	const json_t **imps;
	int err;

	*w = (struct world){ .incoming = json_of(why, incoming),
			     .store = json_of(why, store),
			     .a = arena_new() };
	messages_init(&w->m, w->a);
	rng_seed(&w->rng, 1);
	err = stored_collect(w->incoming, w->a, &w->m, &w->ids);
	if (err)
		return err;
	imps = ARENA_ARRAY(w->a, const json_t *, w->ids.n_imps + 1);
	for (size_t i = 0; i < w->ids.n_imps; i++)
		imps[i] = json_object_getn(json_object_get(w->store, "imps"), w->ids.imps[i].p,
					   w->ids.imps[i].n);
	w->found.imps = imps;
	w->found.request =
		json_object_getn(json_object_get(w->store, "requests"), w->ids.request.p, w->ids.request.n);
	w->fallback = json_object_get(w->store, "default");
	return stored_check(&w->ids, &w->found, &w->m);
}

static void world_deinit(struct world *w)
{
	json_decref(w->incoming);
	json_decref(w->store);
	arena_free(w->a);
}

static int merge(struct world *w, bool generate, bool stored_wins, json_t **ret_req,
		 struct stored_imps *ret_imps)
{
	struct stored_merge sm = {
		.incoming = w->incoming,
		.ids = &w->ids,
		.found = &w->found,
		.default_request = w->fallback,
		.generate_request_id = generate,
		.stored_wins = stored_wins,
		.rng = &w->rng,
	};

	return stored_merge(&sm, w->a, &w->m, ret_req, ret_imps);
}

#define USES(id) "'ext':{'prebid':{'storedrequest':{'id':'" id "'}}}"

static const struct {
	const char *why, *incoming, *store, *path, *want;
} rows[] = {
	{ "nothing stored", "{'id':'x','imp':[]}", "{}", "id", "'x'" },
	{ "the client wins, null deletes",
	  "{'id':'x','ext':{'b':null,'c':3,'prebid':{'storedrequest':{'id':'s'}}}}",
	  "{'requests':{'s':{'tmax':100,'ext':{'a':1,'b':2}}}}", "ext",
	  "{'a':1,'c':3,'prebid':{'storedrequest':{'id':'s'}}}" },
	{ "the stored members", "{'id':'x'," USES("s") "}", "{'requests':{'s':{'tmax':100,'id':'y'}}}",
	  "tmax", "100" },
	{ "the client's id", "{'id':'x'," USES("s") "}", "{'requests':{'s':{'tmax':100,'id':'y'}}}", "id",
	  "'x'" },
	{ "arrays are replaced whole", "{'cur':['EUR']," USES("s") "}",
	  "{'requests':{'s':{'cur':['USD','GBP']}}}", "cur", "['EUR']" },
	{ "the default lies lowest", "{'id':'x'," USES("s") "}",
	  "{'requests':{'s':{'tmax':2}},'default':{'tmax':1,'at':2}}", "tmax", "2" },
	{ "the default alone", "{'id':'x'}", "{'default':{'tmax':1}}", "tmax", "1" },
	{ "a stored request's imps, as they are", "{" USES("s") "}",
	  "{'requests':{'s':{'imp':[{'id':'1'," USES("i") "}]}}}", "imp", "[{'id':'1'," USES("i") "}]" },
	{ "a stored imp under the client's", "{'imp':[{'id':'1','secure':0," USES("i") "}]}",
	  "{'imps':{'i':{'id':'9','secure':1,'instl':1}}}", "imp",
	  "[{'id':'1','secure':0,'instl':1," USES("i") "}]" },
	{ "a stored imp brings the id", "{'imp':[{" USES("i") "}]}", "{'imps':{'i':{'id':'9'}}}", "imp",
	  "[{'id':'9'," USES("i") "}]" },
	{ "what is no imp, for decoding to describe", "{'imp':[3,{'id':4}]}", "{}", "imp", "[3,{'id':4}]" },
	{ "an empty stored imp id is none", "{'imp':[{'id':'1'," USES("") "}]}", "{}", "imp",
	  "[{'id':'1'," USES("") "}]" },
};

static void merging(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct stored_imps imps;
		struct world w;
		json_t *req = NULL;

		CHECK(rows[i].why, world_init(&w, rows[i].why, rows[i].incoming, rows[i].store) == 0);
		CHECK(rows[i].why, merge(&w, false, false, &req, &imps) == 0);
		check_json(rows[i].why, req, rows[i].path, rows[i].want);
		json_decref(req);
		world_deinit(&w);
	}
}

static const struct {
	const char *why, *incoming, *store, *body;
} bad_rows[] = {
	{ "id of a wrong type", "{'ext':{'prebid':{'storedrequest':{'id':4}}}}", "{}",
	  "ext.prebid.storedrequest.id must be a string" },
	{ "an empty id is no id", "{" USES("") "}", "{}", "Stored Request with ID=\"\" not found." },
	{ "request not there", "{" USES("s") "}", "{}", "Stored Request with ID=\"s\" not found." },
	{ "imps not there, each once",
	  "{'imp':[{'id':'1'," USES("i") "},{'id':'2'," USES("i") "},{'id':'3'," USES("k") "}]}", "{}",
	  "Stored Imp with ID=\"i\" not found.\nInvalid request: Stored Imp with ID=\"k\" not found." },
	{ "imp.ext.prebid of a wrong type", "{'imp':[{'id':'1','ext':{'prebid':{'storedrequest':7}}}]}", "{}",
	  "cannot unmarshal openrtb_ext.ExtImpPrebid.storedrequest: expect { or n, but found 7" },
	{ "a request that is a text", "{" USES("s") "}", "{'requests':{'s':'text'}}",
	  "ext.prebid.storedrequest.id refers to Stored Request s which contains Invalid JSON: not an "
	  "object" },
	{ "an imp that is a list", "{'imp':[{'id':'1'," USES("i") "}]}", "{'imps':{'i':[]}}",
	  "Invalid JSON Document: imp.ext.prebid.storedrequest.id i: Stored Imp has Invalid JSON: not an "
	  "object" },
	{ "no id on either side", "{'imp':[{" USES("i") "}]}", "{'imps':{'i':{}}}", "Key path not found" },
	{ "no id without stored imp", "{'imp':[{}]}", "{}",
	  "request.imp[0] missing required field: \"id\"\n" },
	{ "a null id is none", "{'imp':[{'id':'1'},{'id':null}]}", "{}",
	  "request.imp[1] missing required field: \"id\"\n" },
	{ "prebid of a wrong type", "{'imp':[{'id':'1','ext':{'prebid':'x'}}]}", "{}",
	  "expect { or n, but found \"" },
	{ "default of a wrong type", "{}", "{'default':[]}",
	  "Invalid JSON in Default Request Settings: not an object" },
};

static void refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_rows); i++) {
		char *body = xasprintf("Invalid request: %s\n", bad_rows[i].body);
		struct stored_imps imps;
		struct world w;
		json_t *req = NULL;
		int err = world_init(&w, bad_rows[i].why, bad_rows[i].incoming, bad_rows[i].store);

		if (!err)
			err = merge(&w, false, false, &req, &imps);
		CHECK(bad_rows[i].why, err < 0 && !req);
		check_body(bad_rows[i].why, &w.m, body);
		free(body);
		world_deinit(&w);
	}
}

/* The same rule where nothing is stored and nothing has to be merged. */
static void imp_ids(void **state)
{
	static const struct {
		const char *why, *incoming;
		bool fine;
	} cases[] = {
		{ "no imps", "{}", true },
		{ "imps of another kind", "{'imp':7}", true },
		{ "an id", "{'imp':[{'id':'1'}]}", true },
		{ "an empty id, for validation to refuse", "{'imp':[{'id':''}]}", true },
		{ "none", "{'imp':[{'id':'1'},{}]}", false },
		{ "null is an imp without one", "{'imp':[{'id':'1'},null]}", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *incoming = json_of(cases[i].why, cases[i].incoming);
		struct arena *a = arena_new();
		struct messages m;

		messages_init(&m, a);
		CHECK(cases[i].why, (stored_check_imp_ids(incoming, &m) == 0) == cases[i].fine);
		if (!cases[i].fine)
			check_body(cases[i].why, &m,
				   "Invalid request: request.imp[1] missing required field: \"id\"\n\n");
		json_decref(incoming);
		arena_free(a);
	}
}

static void generated_ids(void **state)
{
	static const char incoming[] = "{'id':'x','app':{},'tmax':1," USES("s") "}";
	static const struct {
		const char *why, *store;
		bool generate, stored_wins, new_id;
		int64_t tmax;
	} cases[] = {
		{ "not asked for", "{'requests':{'s':{'tmax':2}}}", false, false, false, 1 },
		{ "by the host", "{'requests':{'s':{'tmax':2}}}", true, false, true, 1 },
		{ "by the stored request", "{'requests':{'s':{'id':'{{UUID}}','tmax':2}}}", false, false,
		  true, 1 },
		{ "as the reference does it", "{'requests':{'s':{'tmax':2}}}", true, true, true, 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct stored_imps imps;
		struct world w;
		json_t *req = NULL;

		CHECK(cases[i].why, world_init(&w, cases[i].why, incoming, cases[i].store) == 0);
		CHECK(cases[i].why, merge(&w, cases[i].generate, cases[i].stored_wins, &req, &imps) == 0);
		CHECK(cases[i].why, (json_str_at(req, "id").n == 36) == cases[i].new_id);
		CHECK(cases[i].why, json_int_at(req, "tmax", 0) == cases[i].tmax);
		json_decref(req);
		world_deinit(&w);
	}
}

static void what_the_response_needs(void **state)
{
	struct stored_imps imps;
	struct world w;
	json_t *req = NULL;

	(void)state;
	CHECK("collected",
	      world_init(&w, "imps",
			 "{'imp':[{'id':'1','ext':{'prebid':{'storedrequest':{'id':'i'},'options':{'"
			 "echovideoattrs':"
			 "true}}}},{'id':'2'}]}",
			 "{'imps':{'i':{'video':{'w':1}}}}") == 0);
	CHECK("merged", merge(&w, false, false, &req, &imps) == 0);
	CHECK("one", imps.n == 1 && stored_imps_find(&imps, STR("1")) == imps.list);
	CHECK("echo", imps.list[0].echo_video);
	check_json("stored imp", imps.list[0].doc, "video", "{'w':1}");
	CHECK("none", !stored_imps_find(&imps, STR("2")));
	json_decref(req);
	world_deinit(&w);
}

static void account_ids(void **state)
{
	static const struct {
		const char *why, *stored, *incoming, *want; /* want NULL: refused */
	} cases[] = {
		{ "nowhere", "{}", "{}", "unknown" },
		{ "site", "{}", "{'site':{'publisher':{'id':'s'}}}", "s" },
		{ "a parent account wins", "{}",
		  "{'site':{'publisher':{'id':'s','ext':{'prebid':{'parentAccount':'p'}}}}}", "p" },
		{ "app before site", "{}", "{'site':{'publisher':{'id':'s'}},'app':{'publisher':{'id':'a'}}}",
		  "a" },
		{ "dooh", "{}", "{'dooh':{'publisher':{'id':'d'}}}", "d" },
		{ "the stored request first", "{'site':{'publisher':{'id':'t'}}}",
		  "{'app':{'publisher':{'id':'a'}}}", "t" },
		{ "an empty one is none", "{'app':{'publisher':{'id':''}}}",
		  "{'site':{'publisher':{'id':'s'}}}", "s" },
		{ "a number", "{}", "{'app':{'publisher':{'id':5}}}", NULL },
		{ "a body of another kind", "[]", "7", "unknown" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *stored = json_of(cases[i].why, cases[i].stored);
		json_t *incoming = json_of(cases[i].why, cases[i].incoming);
		struct arena *a = arena_new();
		struct messages m;
		struct str id;
		int err;

		messages_init(&m, a);
		err = stored_account_id(stored, incoming, &m, &id);
		CHECK(cases[i].why, (err == 0) == (cases[i].want != NULL));
		if (err)
			check_body(cases[i].why, &m, "Invalid request: app.publisher.id must be a string\n");
		else
			CHECK_STR(cases[i].why, id, cases[i].want);
		json_decref(stored);
		json_decref(incoming);
		arena_free(a);
	}
}

static const struct {
	const char *why, *prebid, *stored, *body; /* body NULL: found and read; stored: what every id has */
} response_rows[] = {
	{ "auction response without id", "{'storedauctionresponse':{}}", "[]",
	  "request.imp[0] has ext.prebid.storedauctionresponse specified, but \"id\" field is missing " },
	{ "bid response without bidder", "{'storedbidresponse':[{'id':'1'}]}", "[]",
	  "request.imp[0] has ext.prebid.storedbidresponse specified, but \"id\" or/and \"bidder\" fields "
	  "are "
	  "missing " },
	{ "auction response not found", "{'storedauctionresponse':{'id':'r'}}", NULL,
	  "Stored Response with ID=\"r\" not found." },
	{ "bid responses not found, each once",
	  "{'storedbidresponse':[{'id':'r','bidder':'b'},{'id':'s','bidder':'c'},{'id':'r','bidder':'d'}]}",
	  NULL,
	  "Stored Response with ID=\"r\" not found.\nInvalid request: Stored Response with ID=\"s\" not "
	  "found." },
	{ "found", "{'storedbidresponse':[{'id':'r','bidder':'b'}]}", "{}", NULL },
};

static void stored_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(response_rows); i++) {
		const char *why = response_rows[i].why;
		char *text = xasprintf("{'id':'r','imp':[{'id':'1','ext':{'prebid':%s}}]}",
				       response_rows[i].prebid);
		json_t *req = request_of(why, text, "{}");
		json_t *doc = response_rows[i].stored ? json_of(why, response_rows[i].stored) : NULL;
		struct stored_responses sr;
		struct arena *a = arena_new();
		struct messages m;
		int err;

		messages_init(&m, a);
		CHECK(why, ext_decode(req, &m) == 0);
		err = stored_responses_collect(req, a, &m, &sr);
		if (!err) {
			for (size_t k = 0; k < sr.n; k++)
				sr.list[k].body = doc;
			err = stored_responses_check(&sr, &m);
		}
		CHECK(why, (err < 0) == (response_rows[i].body != NULL));
		if (response_rows[i].body) {
			char *body = xasprintf("Invalid request: %s\n", response_rows[i].body);

			check_body(why, &m, body);
			free(body);
		}
		json_decref(doc);
		json_decref(req);
		free(text);
		arena_free(a);
	}
}

static void stored_seats(void **state)
{
	static const struct {
		const char *why, *body, *wrong; /* wrong NULL: two bids come out */
	} cases[] = {
		{ "two seats",
		  "[{'seat':'a','bid':[{'id':'1','impid':'x','mtype':2}]},{'seat':'b','BID':[{'id':'2',"
		  "'ext':{'prebid':{'type':'video'}}}],'ext':{'prebid':{'fledge':{'auctionconfigs':[{'config'"
		  ":1},2]}}}}]",
		  NULL },
		{ "not a list", "{}", "stored response r is not an array of seats" },
		{ "no type", "[{'seat':'a','bid':[{'id':'1','impid':'x'}]}]",
		  "Failed to parse bid mediatype for impression \"1\"" },
		{ "unknown mtype", "[{'seat':'a','bid':[{'id':'1','impid':'x','mtype':9}]}]",
		  "Failed to parse bid mType for impression \"1\"" },
		{ "not a seat", "[5]", "expect { or n, but found 5" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *body = json_of(cases[i].why, cases[i].body);
		struct stored_response one = { .imp_id = STR("1"), .id = STR("r"), .body = body };
		struct stored_responses sr = { .list = &one, .n = 1, .is_auction = true };
		struct arena *a = arena_new();
		struct errtext why = { "" };
		struct stored_bids bids;
		int err = stored_responses_bids(&sr, a, &why, &bids);

		CHECK(cases[i].why, (err < 0) == (cases[i].wrong != NULL));
		if (err) {
			CHECK_STR(cases[i].why, str_of(why.text), cases[i].wrong);
		} else {
			CHECK(cases[i].why, bids.n == 2 && bids.list[1].media == MEDIA_VIDEO);
			CHECK_STR(cases[i].why, json_str_at(bids.list[0].bid, "impid"), "1");
			CHECK_STR(cases[i].why, bids.list[1].seat, "b");
			CHECK(cases[i].why, json_array_size(bids.fledge) == 1);
		}
		arena_free(a);
		json_decref(body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merging),       cmocka_unit_test(refusals),
		cmocka_unit_test(generated_ids), cmocka_unit_test(what_the_response_needs),
		cmocka_unit_test(account_ids),   cmocka_unit_test(stored_answers),
		cmocka_unit_test(stored_seats),  cmocka_unit_test(imp_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
