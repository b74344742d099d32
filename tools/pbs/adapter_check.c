/* Runs test vectors of bidder adapters: adapter-check BIDDER FILE…, or the parameter schema of a bidder on
 * files of parameters: adapter-check --params BIDDER FILE…
 *
 * One line per file, then "N passed, N failed"; the exit status is 1 when a file failed. A vector's directory
 * decides the entry point and whether it may expect errors. The request is frozen while the adapter runs: an
 * adapter that changes what it shares with other bidders fails.
 */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/mem.h"
#include "pbs/adapters/ortb_common.h"
#include "pbs/adapters/registry.h"
#include "pbs/adapters/schema_regex.h"
#include "pbs/price/currency.h"

enum { FILE_MAX = 8 << 20 };

/* Stands for the NUL byte while a vector is in memory: the reference puts one into the text about missing
 * input, where ours ends, and trees hold none. A character for private use, which no vector has. */
static const char NUL_MARK[] = "\xee\x80\x80";

/* What the vectors' constructors were given. */
static const struct setup {
	const char *bidder, *adapter, *endpoint, *info;
} setups[] = {
	{ "33across", "33across", "http://ssc.33across.com", NULL },
	{ "adf", "adf", "https://adx.adform.net/adx/openrtb", NULL },
	{ "adform", "adf", "https://adx.adform.net/adx/openrtb", NULL },
	{ "appnexus", "appnexus", "http://ib.adnxs.com/openrtb2", NULL },
	{ "criteo", "criteo", "https://ssp-bidder.criteo.com/openrtb/pbs/auction/request?profile=230", NULL },
	{ "equativ", "smartadserver", "https://ssb.smartadserver.com", NULL },
	{ "gumgum", "gumgum", "https://g2.gumgum.com/providers/prbds2s/bid", NULL },
	{ "improvedigital", "improvedigital", "http://localhost/{PublisherId}pbs", NULL },
	{ "ix", "ix", "http://host/endpoint", NULL },
	{ "magnite", "rubicon", "uri",
	  "{\"xapi\":{\"username\":\"xuser\",\"password\":\"xpass\",\"tracker\":\"pbs-test-tracker\"}}" },
	{ "openx", "openx", "http://rtb.openx.net/prebid", NULL },
	{ "pubmatic", "pubmatic", "https://hbopenbid.pubmatic.com/translator?source=prebid-server", NULL },
	{ "rubicon", "rubicon", "uri",
	  "{\"xapi\":{\"username\":\"xuser\",\"password\":\"xpass\",\"tracker\":\"pbs-test-tracker\"}}" },
	{ "sharethrough", "sharethrough", "http://whatever.url", NULL },
	{ "smartadserver", "smartadserver", "https://ssb.smartadserver.com", NULL },
	{ "sovrn", "sovrn", "http://sovrn.com/test/endpoint", NULL },
	{ "teads", "teads", "https://psrv.teads.tv/prebid-server/bid-request", NULL },
	{ "triplelift", "triplelift", "http://tlx.3lift.net/s2s/auction?sra=1&supplier_id=20", NULL },
	{ "unruly", "unruly", "http://targeting.unrulymedia.com/unruly_prebid_server", NULL },
	{ "yieldmo", "yieldmo", "https://ads.yieldmo.com/openrtb2", NULL },
};

static const struct adapter_host host = { "http://hosturl.com", "2", "", 1 };

static const struct mode {
	const char *directory;
	enum adapter_entry entry;
	bool errors_allowed;
} modes[] = {
	{ "exemplary", ADAPTER_AUCTION, false },
	{ "supplemental", ADAPTER_AUCTION, true },
	{ "amp", ADAPTER_AMP, true },
	{ "video", ADAPTER_VIDEO, false },
	{ "videosupplemental", ADAPTER_VIDEO, true },
};

static uint64_t constant_chance(void *chance)
{
	(void)chance;
	return 10;
}

/* As structural comparison asks: numbers as doubles, texts after unescaping, order of members irrelevant. */
static bool same_json(const json_t *a, const json_t *b)
{
	const char *key;
	json_t *v;

	if (!a || !b)
		return a == b;
	if (json_is_number(a) && json_is_number(b))
		return json_number_value(a) == json_number_value(b);
	if (json_typeof(a) != json_typeof(b))
		return false;
	if (json_is_array(a)) {
		if (json_array_size(a) != json_array_size(b))
			return false;
		for (size_t i = 0; i < json_array_size(a); i++)
			if (!same_json(json_array_get(a, i), json_array_get(b, i)))
				return false;
		return true;
	}
	if (!json_is_object(a))
		return json_equal(a, b);
	if (json_object_size(a) != json_object_size(b))
		return false;
	json_object_foreach ((json_t *)a, key, v) {
		const json_t *other = json_object_get(b, key);

		if (!other || !same_json(v, other))
			return false;
	}
	return true;
}

static void drop_table(void *table)
{
	currency_table_free(table);
}

/* The request's own rates, which need not be there. */
static void set_rates(struct adapter_request *r, const json_t *request)
{
	struct currency_table *table =
		currency_table_from_json(json_at(request, "ext.prebid.currency.rates"));
	struct currency_rates *rates = ARENA_NEW(r->arena, struct currency_rates);

	if (!table)
		return;
	arena_defer(r->arena, drop_table, table);
	rates->request = table;
	rates->request_only = true;
	r->convert = currency_convert;
	r->rates = rates;
}

/* Whether the text quotes a JSON object. */
static bool quotes_json(struct str s)
{
	for (size_t i = 0; i + 1 < s.n; i++) {
		size_t k = i + 1;

		while (s.p[i] == '{' && k + 1 < s.n && isspace((unsigned char)s.p[k]))
			k++;
		if (s.p[i] == '{' && s.p[k] == '"')
			return true;
	}
	return false;
}

/* The same but for white space. */
static bool same_but_blanks(struct str a, struct str b)
{
	size_t i = 0, k = 0;

	for (;;) {
		while (i < a.n && isspace((unsigned char)a.p[i]))
			i++;
		while (k < b.n && isspace((unsigned char)b.p[k]))
			k++;
		if (i == a.n || k == b.n)
			return i == a.n && k == b.n;
		if (a.p[i++] != b.p[k++])
			return false;
	}
}

/* A message that quotes JSON of the request has it as the tree is written, which is without the blanks that
 * the vector's author put there. */
static bool same_message(struct str want, struct str got)
{
	return str_eq(want, got) || (quotes_json(want) && same_but_blanks(want, got));
}

static bool message_matches(struct str comparison, struct str want, const char *got, struct errtext *why)
{
	const char *nul = memmem(want.p, want.n, NUL_MARK, strlen(NUL_MARK));
	char *pattern;
	regex_t regex;
	bool found;

	if (nul)
		want.n = (size_t)(nul - want.p);
	if (comparison.n == 0 || str_eq(comparison, STR("literal")))
		return same_message(want, str_of(got));
	if (str_eq(comparison, STR("startswith")))
		return str_starts(str_of(got), want);
	pattern = xstrndup(want.p, want.n);
	if (!str_eq(comparison, STR("regex")) || !schema_regex(pattern, &regex)) {
		errtext_set(why, "the vector is broken: comparison " STR_FMT, STR_ARG(comparison));
		free(pattern);
		return false;
	}
	free(pattern);
	found = regexec(&regex, got, 0, NULL, 0) == 0;
	regfree(&regex);
	return found;
}

static bool check_errors(const char *step, const json_t *want, const struct adapter_errors *got,
			 struct errtext *why)
{
	const struct adapter_error *e = got->first;

	for (size_t i = 0; i < json_array_size(want) && e; i++, e = e->next) {
		const json_t *row = json_array_get(want, i);
		struct str value = json_str(typed_get(row, "value"));
		struct errtext broken = { "" };

		if (!message_matches(json_str(typed_get(row, "comparison")), value, e->text, &broken)) {
			errtext_set(why, "%s error %zu: got \"%s\", want \"" STR_FMT "\" %s", step, i,
				    e->text, STR_ARG(value), broken.text);
			return false;
		}
	}
	if (json_array_size(want) != got->n) {
		errtext_set(why, "%s: got %zu errors, want %zu; first: %s", step, got->n,
			    json_array_size(want), got->first ? got->first->text : "none");
		return false;
	}
	return true;
}

static json_t *headers_json(const struct adapter_call *call)
{
	json_t *all = json_object();

	for (const struct adapter_header *h = call->headers; h; h = h->next) {
		json_t *values = json_object_get(all, h->name);

		if (!values) {
			values = json_array();
			json_object_set_new(all, h->name, values);
		}
		json_array_append_new(values, json_new_str(h->value));
	}
	return all;
}

static json_t *call_body(const struct adapter_call *call)
{
	return call->body ? json_incref(call->body) : json_parse(call->bytes, NULL);
}

/* The same texts in any order. */
static bool same_ids(const struct adapter_call *call, const json_t *want)
{
	bool taken[1000] = { false };
	size_t n = json_array_size(want);

	if (n != call->n_imp_ids || n > ARRAY_LEN(taken))
		return false;
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (k < n && (taken[k] || !str_eq(json_str(json_array_get(want, k)), call->imp_ids[i])))
			k++;
		if (k == n)
			return false;
		taken[k] = true;
	}
	return true;
}

/* NULL for a complete match, else what differs; `text` holds it. */
static const char *call_differs(const struct adapter_call *call, const json_t *want, struct errtext *text)
{
	const json_t *headers = typed_get(want, "headers");
	json_t *got;
	char *got_text;
	bool same;

	if (!str_eq(call->uri, json_str(typed_get(want, "uri")))) {
		errtext_set(text, "uri " STR_FMT, STR_ARG(call->uri));
		return text->text;
	}
	if (!same_ids(call, typed_get(want, "impIDs")))
		return "imp ids";
	got = headers_json(call);
	same = !headers || same_json(got, headers);
	got_text = json_text(got);
	errtext_set(text, "headers %s", got_text);
	free(got_text);
	json_decref(got);
	if (!same)
		return text->text;
	got = call_body(call);
	same = same_json(got, typed_get(want, "body"));
	got_text = got ? json_text(got) : xstrdup("");
	errtext_set(text, "body %s", got_text);
	free(got_text);
	json_decref(got);
	return same ? NULL : text->text;
}

static bool check_calls(const json_t *want, const struct adapter_calls *got, struct errtext *why)
{
	size_t n = json_array_size(want), n_seen = 0;
	bool seen[1000] = { false };

	if (n != got->n || n > ARRAY_LEN(seen)) {
		errtext_set(why, "got %zu calls, want %zu", got->n, n);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		const json_t *request = typed_get(json_array_get(want, i), "expectedRequest");
		const char *differs = "no call";
		struct errtext text;
		size_t k = 0;

		if (json_array_size(typed_get(request, "impIDs")) == 0) {
			errtext_set(why, "the vector is broken: call %zu has no impIDs", i);
			return false;
		}
		for (const struct adapter_call *c = got->first; c && differs; c = c->next, k++) {
			differs = call_differs(c, request, &text);
			if (!differs) {
				n_seen += !seen[k];
				seen[k] = true;
			}
		}
		if (differs) {
			errtext_set(why, "expected call %zu matches none; last tried: %s", i, differs);
			return false;
		}
	}
	if (n_seen != n)
		errtext_set(why, "a call matches nothing that is expected");
	return n_seen == n;
}

static bool check_video(const struct adapter_bid *got, const json_t *want)
{
	return !want ||
	       (got->has_video && got->video.duration == json_integer_value(typed_get(want, "duration")) &&
		str_eq(got->video.primary_category, json_str(typed_get(want, "primary_category"))));
}

static bool check_bid(const struct adapter_bid *got, const json_t *want, struct errtext *why)
{
	json_t *encoded = ortb_decode(got->bid, ORTB_BID, why, NULL);
	char *text;
	bool same;

	if (!encoded)
		return false;
	same = same_json(encoded, typed_get(want, "bid"));
	text = json_text(encoded);
	json_decref(encoded);
	if (!same)
		errtext_set(why, "got bid %s", text);
	else if (!(same = str_eq(got->type, json_str(typed_get(want, "type")))))
		errtext_set(why, "got type \"" STR_FMT "\"", STR_ARG(got->type));
	else if (!(same = str_eq(got->seat, json_str(typed_get(want, "seat")))))
		errtext_set(why, "got seat \"" STR_FMT "\"", STR_ARG(got->seat));
	else if (!(same = check_video(got, typed_get(want, "video"))))
		errtext_set(why, "got video %d: %lld \"" STR_FMT "\"", got->has_video,
			    (long long)got->video.duration, STR_ARG(got->video.primary_category));
	free(text);
	return same;
}

static bool check_response(const struct adapter_bids *got, const json_t *want, struct errtext *why)
{
	const json_t *bids = typed_get(want, "bids"), *configs = typed_get(want, "fledgeauctionconfigs");
	struct str currency = json_str(typed_get(want, "currency"));
	const struct adapter_bid *b = got->first;

	if (currency.n > 0 && !str_eq(currency, got->currency)) {
		errtext_set(why, "got currency \"" STR_FMT "\"", STR_ARG(got->currency));
		return false;
	}
	if (got->n != json_array_size(bids)) {
		errtext_set(why, "got %zu bids, want %zu", got->n, json_array_size(bids));
		return false;
	}
	for (size_t i = 0; b; i++, b = b->next) {
		if (!check_bid(b, json_array_get(bids, i), why)) {
			errtext_prefix(why, "bid %zu: ", i);
			return false;
		}
	}
	if (configs ? !same_json(got->configs, configs) : got->configs != NULL) {
		errtext_set(why, "got other auction configs");
		return false;
	}
	return true;
}

static void answer(const struct adapter_request *r, const json_t *vector_call, struct adapter_bids *out)
{
	const json_t *request = typed_get(vector_call, "expectedRequest");
	const json_t *mock = typed_get(vector_call, "mockResponse"), *body = json_object_get(mock, "body");
	struct adapter_call sent = { .uri = json_str(typed_get(request, "uri")) };
	struct adapter_reply reply = { .status = (int)json_integer_value(typed_get(mock, "status")) };

	if (!body)
		body = typed_get(mock, "body");
	sent.body = json_deep_copy(typed_get(request, "body"));
	sent.body = sent.body ? arena_own_json(r->arena, sent.body) : NULL;
	if (body) {
		char *text = json_text(body);

		reply.bytes = str_of(arena_strdup(r->arena, text));
		reply.json = arena_own_json(r->arena, json_deep_copy(body));
		free(text);
	}
	adapter_bids_init(out, r->arena);
	r->bidder->adapter->parse_bids(r, &sent, &reply, out);
}

static bool check_replies(const struct adapter_request *r, const json_t *vector, struct errtext *why)
{
	const json_t *calls = typed_get(vector, "httpCalls"),
		     *want = typed_get(vector, "expectedBidResponses");
	struct adapter_errors all = { .arena = r->arena };
	size_t answered = 0;

	all.tail = &all.first;
	for (size_t i = 0; i < json_array_size(calls); i++) {
		struct adapter_bids *out = ARENA_NEW(r->arena, struct adapter_bids);

		answer(r, json_array_get(calls, i), out);
		for (const struct adapter_error *e = out->errors.first; e; e = e->next)
			adapter_error(&all, e->code, "%s", e->text);
		if (!out->answered)
			continue;
		if (answered < json_array_size(want) &&
		    !check_response(out, json_array_get(want, answered), why)) {
			errtext_prefix(why, "response %zu: ", answered);
			return false;
		}
		answered++;
	}
	if (!check_errors("MakeBids", typed_get(vector, "expectedMakeBidsErrors"), &all, why))
		return false;
	if (answered != json_array_size(want))
		errtext_set(why, "got %zu bidder responses, want %zu", answered, json_array_size(want));
	return answered == json_array_size(want);
}

static bool run_vector(struct arena *a, const struct bidder *bidder, const struct mode *mode,
		       const json_t *vector, struct errtext *why)
{
	const json_t *errors = typed_get(vector, "expectedMakeRequestsErrors");
	json_t *shared, *frozen;
	struct adapter_request r = {
		.arena = a, .bidder = bidder, .entry = mode->entry, .random = constant_chance
	};
	struct adapter_calls calls;

	if (!mode->errors_allowed && (json_array_size(errors) > 0 ||
				      json_array_size(typed_get(vector, "expectedMakeBidsErrors")) > 0)) {
		errtext_set(why, "the vector is broken: it must not expect errors");
		return false;
	}
	shared = ortb_decode(typed_get(vector, "mockBidRequest"), ORTB_BID_REQUEST, why, NULL);
	if (!shared)
		return false;
	arena_own_json(a, shared);
	frozen = arena_own_json(a, json_deep_copy(shared));
	r.root = arena_own_json(a, adapter_request_copy(shared));
	set_rates(&r, shared);
	adapter_calls_init(&calls, a);
	bidder->adapter->make_requests(&r, &calls);
	if (!check_errors("MakeRequests", errors, &calls.errors, why) ||
	    !check_calls(typed_get(vector, "httpCalls"), &calls, why) || !check_replies(&r, vector, why))
		return false;
	if (!json_equal(shared, frozen))
		errtext_set(why, "the adapter changed what it shares with other bidders");
	return json_equal(shared, frozen);
}

/* By the name of the directory that holds the file, of which `real` is the path without symbolic links. */
static const struct mode *find_mode(char *real)
{
	char *end = strrchr(real, '/'), *start;

	if (end == real)
		return NULL;
	*end = '\0';
	start = strrchr(real, '/') + 1;
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (strcmp(start, modes[i].directory) == 0)
			return &modes[i];
	return NULL;
}

/* Escapes that mean the NUL byte become NUL_MARK, whose escape is as long. */
static void mark_nul(struct buf *text)
{
	for (size_t i = 0; i + 6 <= text->n; i++) {
		if (text->p[i] != '\\')
			continue;
		if (memcmp(text->p + i, "\\u0000", 6) == 0)
			memcpy(text->p + i, "\\ue000", 6);
		i++; /* what is escaped begins no escape */
	}
}

static json_t *read_vector(const char *path, struct errtext *why)
{
	struct buf text;
	json_t *vector = NULL;

	buf_init(&text, FILE_MAX);
	if (buf_add_file(&text, path, why)) {
		mark_nul(&text);
		vector = json_parse(buf_str(&text), why);
	}
	buf_deinit(&text);
	return vector;
}

/* 1 passed, 0 failed, -1 not a vector. */
static int check_vector(const struct bidder *bidder, const char *path, struct errtext *why)
{
	const struct mode *mode;
	char real[PATH_MAX];
	struct arena *a;
	json_t *vector;
	bool ok;

	if (!realpath(path, real)) {
		errtext_set(why, "%m");
		return 0;
	}
	mode = find_mode(real);
	if (!mode)
		return -1;
	vector = read_vector(path, why);
	if (!vector)
		return 0;
	a = arena_new();
	ok = run_vector(a, bidder, mode, vector, why);
	arena_free(a);
	json_decref(vector);
	return ok;
}

static int check_params(const struct schema *schema, const char *path, struct errtext *why)
{
	json_t *params = json_parse_file(path, FILE_MAX, why);
	struct buf text;
	bool ok;

	if (!params)
		return 0;
	buf_init(&text, 64 << 10);
	ok = schema_check(schema, params, &text);
	if (!ok)
		errtext_set(why, "%s", buf_cstr(&text));
	buf_deinit(&text);
	json_decref(params);
	return ok;
}

/* pbs/config below the working directory, else beside the build tree that this program stands in. */
static struct schema *load_schema(const char *bidder, struct errtext *why)
{
	char path[4096], exe[2048];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
	json_t *json;
	struct schema *schema;

	(void)snprintf(path, sizeof path, "pbs/config/bidder-params/%s.json", bidder);
	json = json_parse_file(path, FILE_MAX, why);
	if (!json && n > 0) {
		exe[n] = '\0';
		for (int up = 0; up < 4 && strrchr(exe, '/'); up++)
			*strrchr(exe, '/') = '\0';
		(void)snprintf(path, sizeof path, "%s/pbs/config/bidder-params/%s.json", exe, bidder);
		json = json_parse_file(path, FILE_MAX, why);
	}
	if (!json)
		return NULL;
	schema = schema_new(json, why);
	json_decref(json);
	return schema;
}

static const struct setup *find_setup(const char *bidder)
{
	for (size_t i = 0; i < ARRAY_LEN(setups); i++)
		if (strcmp(setups[i].bidder, bidder) == 0)
			return &setups[i];
	return NULL;
}

/* The bidder as the vectors' constructors make it, in the arena. */
static const struct bidder *make_bidder(struct arena *a, const struct setup *setup, struct errtext *why)
{
	struct bidder_info *info = ARENA_NEW(a, struct bidder_info);
	struct bidder *bidder = ARENA_NEW(a, struct bidder);
	json_t *file = arena_own_json(a, setup->info ? json_parse(str_of(setup->info), why) : json_object());

	if (bidder_info_parse(a, setup->bidder, file, NULL, NULL, info, why) < 0)
		return NULL;
	*bidder = (struct bidder){
		.name = info->name, .endpoint = setup->endpoint, .info = info, .host = &host
	};
	bidder->adapter = adapter_find(str_of(setup->adapter));
	if (!bidder->adapter) {
		errtext_set(why, "there is no adapter %s", setup->adapter);
		return NULL;
	}
	return bidder->adapter->build && bidder->adapter->build(bidder, a, why) < 0 ? NULL : bidder;
}

static int run(int n_files, char **files, const struct bidder *bidder, const struct schema *schema)
{
	int passed = 0, failed = 0;

	for (int i = 0; i < n_files; i++) {
		struct errtext why = { "" };
		int ok = schema ? check_params(schema, files[i], &why) : check_vector(bidder, files[i], &why);

		if (ok < 0) {
			printf("skip %s: no directory of vectors\n", files[i]);
			continue;
		}
		printf("%s %s%s%s\n", ok ? "ok  " : "FAIL", files[i], ok ? "" : ": ", why.text);
		passed += ok;
		failed += !ok;
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed > 0;
}

int main(int argc, char **argv)
{
	bool params = argc > 1 && strcmp(argv[1], "--params") == 0;
	struct errtext why = { "" };
	const struct bidder *bidder = NULL;
	const struct setup *setup;
	struct schema *schema = NULL;
	struct arena *a;
	int status = 2;

	argv += params;
	argc -= params;
	if (argc < 3) {
		fprintf(stderr, "usage: adapter-check [--params] BIDDER FILE...\n");
		return 2;
	}
	a = arena_new();
	setup = find_setup(argv[1]);
	if (!setup)
		errtext_set(&why, "unknown bidder");
	else if (params)
		schema = load_schema(setup->adapter, &why);
	else
		bidder = make_bidder(a, setup, &why);
	if (schema || bidder)
		status = run(argc - 2, argv + 2, bidder, schema);
	else
		fprintf(stderr, "%s: %s\n", argv[1], why.text);
	schema_free(schema);
	arena_free(a);
	return status;
}
