/* What one call of a bidder costs, in CPU microseconds of one thread: make (from the shared request to the
 * bytes of every body) and parse (from the bytes of the first reply to typed bids).
 *
 *   adapter-bench [--check] [VECTORS]   a 2 KB request with two imps, or each bidder's first exemplary vector
 *                                       below VECTORS/<bidder>/exemplary
 *
 * A row is the fastest of some rounds. The last line is the median of the sums; with --check the exit status
 * is 1 when it is over the budget. Serialising is that of whole bodies: the exchange writes what bidders share
 * only once, so that its own figure is lower.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/mem.h"
#include "pbs/adapters/ortb_common.h"
#include "pbs/adapters/registry.h"

enum { ROUNDS = 7, CALLS_PER_ROUND = 300, BODY_MAX = 1 << 20, FILE_MAX = 8 << 20, BUDGET_US = 40 };

/* Parameters as publishers set them. A bidder without code of its own takes anything. */
static const struct {
	const char *adapter, *params;
} params[] = {
	{ "33across", "{\"productId\":\"inview\",\"siteId\":\"abc123\"}" },
	{ "adf", "{\"mid\":\"828782\",\"priceType\":\"gross\"}" },
	{ "appnexus", "{\"placementId\":10433394,\"reserve\":0.2,\"keywords\":\"a=b,c=d\"}" },
	{ "criteo", "{\"zoneid\":123456,\"networkid\":78910}" },
	{ "generic", "{\"placement\":\"p\"}" },
	{ "gumgum", "{\"zone\":\"dc9d6be1\",\"slot\":3}" },
	{ "improvedigital", "{\"placementId\":13245,\"publisherId\":432}" },
	{ "ix", "{\"siteId\":\"569749\"}" },
	{ "openx", "{\"unit\":\"539439964\",\"delDomain\":\"se-demo-d.openx.net\"}" },
	{ "pubmatic", "{\"adSlot\":\"AdTag_Div1@300x250\",\"publisherId\":\"999\",\"kadfloor\":\"0.12\"}" },
	{ "rubicon", "{\"accountId\":1001,\"siteId\":113932,\"zoneId\":535510}" },
	{ "sharethrough", "{\"pkey\":\"pkey\",\"bcat\":[\"IAB-1\"]}" },
	{ "smartadserver", "{\"siteId\":1,\"pageId\":2,\"formatId\":3,\"networkId\":73}" },
	{ "sovrn", "{\"tagid\":\"123456\",\"bidfloor\":0.2}" },
	{ "teads", "{\"placementId\":125}" },
	{ "triplelift", "{\"inventoryCode\":\"foo\",\"floor\":0.2}" },
	{ "unruly", "{\"siteId\":72721}" },
	{ "yieldmo", "{\"placementId\":\"123\"}" },
};

static const char request_text[] =
	"{\"id\":\"8a4cb8a0-7e4c-4f2f-9a55-7a3d1d5b9f60\",\"at\":1,\"tmax\":900,\"cur\":[\"USD\"],\"imp\":["
	"{\"id\":\"1\",\"tagid\":\"/1234567/homepage/"
	"top\",\"secure\":1,\"bidfloor\":0.1,\"bidfloorcur\":\"USD\","
	"\"banner\":{\"pos\":1,\"format\":[{\"w\":300,\"h\":250},{\"w\":300,\"h\":600},{\"w\":320,\"h\":50}]}"
	","
	"\"ext\":{\"gpid\":\"/1234567/homepage/top\",\"tid\":\"0b8e0a6c-31e1-4c54-8d0d-8c31c06c1d10\"}},"
	"{\"id\":\"2\",\"tagid\":\"/1234567/homepage/player\",\"secure\":1,\"video\":{\"mimes\":[\"video/"
	"mp4\"],"
	"\"minduration\":5,\"maxduration\":30,\"protocols\":[2,3,5,6],\"w\":640,\"h\":360,\"startdelay\":0,"
	"\"plcmt\":1,\"linearity\":1,\"playbackmethod\":[2],\"api\":[1,2]},"
	"\"ext\":{\"gpid\":\"/1234567/homepage/player\",\"tid\":\"0b8e0a6c-31e1-4c54-8d0d-8c31c06c1d11\"}}],"
	"\"site\":{\"id\":\"102855\",\"domain\":\"news.example\",\"cat\":[\"IAB12\",\"IAB12-1\"],"
	"\"page\":\"https://news.example/2024/05/a-rather-long-headline-that-ends-up-in-the-address.html\","
	"\"ref\":\"https://search.example/\",\"publisher\":{\"id\":\"8953\",\"name\":\"News\",\"domain\":"
	"\"news.example\"},\"content\":{\"language\":\"en\",\"keywords\":\"news,politics\"}},"
	"\"device\":{\"ua\":\"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like "
	"Gecko) "
	"Chrome/124.0.0.0 Safari/537.36\",\"ip\":\"192.0.2.17\",\"language\":\"en\",\"dnt\":0,\"lmt\":0,"
	"\"devicetype\":2,\"os\":\"Windows\",\"osv\":\"10\",\"w\":1920,\"h\":1080,\"js\":1,"
	"\"geo\":{\"country\":\"USA\",\"region\":\"CA\",\"city\":\"Los Angeles\",\"zip\":\"90001\"}},"
	"\"user\":{\"id\":\"u-4711\",\"buyeruid\":\"7a2d6f8c0b\",\"ext\":{\"eids\":[{\"source\":\"id."
	"example\","
	"\"uids\":[{\"id\":\"AAAABBBBCCCCDDDDEEEE\",\"atype\":1}]},{\"source\":\"graph.example\",\"uids\":["
	"{\"id\":\"Y2FmZWJhYmUtZGVhZGJlZWYtMDEyMzQ1Njc4OQ\",\"atype\":3}]}]},\"data\":[{\"name\":\"data."
	"example\","
	"\"segment\":[{\"id\":\"602\"},{\"id\":\"617\"},{\"id\":\"1041\"}],\"ext\":{\"segtax\":4}}]},"
	"\"source\":{\"tid\":\"3f1b8c6e\",\"ext\":{\"schain\":{\"complete\":1,\"ver\":\"1.0\",\"nodes\":["
	"{\"asi\":\"exchange.example\",\"sid\":\"1234\",\"hp\":1}]}}},"
	"\"regs\":{\"ext\":{\"gdpr\":0,\"us_privacy\":\"1YNN\"}},"
	"\"ext\":{\"prebid\":{\"channel\":{\"name\":\"pbjs\",\"version\":\"8.1.0\"}}}}";

/* Two bids that say their type in every bidder's way. */
#define BID_EXT                                                                                              \
	"\"ext\":{\"prebid\":{\"type\":\"banner\",\"meta\":{\"rendererName\":\"r\",\"rendererVersion\":"     \
	"\"1\"}},"                                                                                           \
	"\"appnexus\":{\"bid_ad_type\":0},\"mediatype\":\"banner\",\"triplelift_pb\":{\"format\":10}}"
#define BID(id)                                                                                              \
	"{\"id\":\"" id                                                                                      \
	"\",\"impid\":\"1\",\"price\":1.25,\"mtype\":1,\"crid\":\"c-1\",\"cid\":\"17\",\"adomain\":["        \
	"\"shop.example\"],\"w\":300,\"h\":250,\"nurl\":\"https://win.example/"                              \
	"?p=${AUCTION_PRICE}\",\"adm\":\""                                                                   \
	"<a href=\\\"https://shop.example/?c=1\\\" target=\\\"_blank\\\"><img "                              \
	"src=\\\"https://img.example/300x250"                                                                \
	".png\\\" width=\\\"300\\\" height=\\\"250\\\"></a><script>(function(){var i=new "                   \
	"Image();i.src='https://"                                                                            \
	"seen.example/?b=1';})();</script>\"," BID_EXT "}"
static const char reply_text[] =
	"{\"id\":\"8a4cb8a0\",\"cur\":\"USD\",\"seatbid\":[{\"seat\":\"s\",\"bid\":[" BID("b-1") "," BID(
		"b-2") "]}]}";

struct sample {
	json_t *request; /* decoded, as bidders share it */
	char *reply;     /* NULL: the vector has none */
	int status;
};

struct cost {
	const char *name;
	size_t calls, bytes, bids;
	double make_us, parse_us;
};

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static uint64_t no_chance(void *chance)
{
	(void)chance;
	return 10;
}

static bool plain_sample(const char *adapter, struct sample *ret_s)
{
	json_t *in = json_parse(str_of(request_text), NULL), *bidder = NULL;
	const json_t *imps = json_object_get(in, "imp");

	for (size_t i = 0; i < ARRAY_LEN(params); i++)
		if (strcmp(params[i].adapter, adapter) == 0)
			bidder = json_parse(str_of(params[i].params), NULL);
	for (size_t i = 0; bidder && i < json_array_size(imps); i++)
		json_object_set(json_object_get(json_array_get(imps, i), "ext"), "bidder", bidder);
	*ret_s = (struct sample){ ortb_decode(in, ORTB_BID_REQUEST, NULL, NULL), xstrdup(reply_text), 200 };
	json_decref(in);
	json_decref(bidder);
	return bidder != NULL;
}

static bool vector_sample(const char *vectors, const char *adapter, struct sample *ret_s)
{
	char pattern[1024];
	glob_t found = { 0 };
	json_t *vector = NULL;
	const json_t *reply, *body;

	(void)snprintf(pattern, sizeof pattern, "%s/%s/exemplary/*.json", vectors, adapter);
	if (glob(pattern, 0, NULL, &found) == 0)
		vector = json_parse_file(found.gl_pathv[0], FILE_MAX, NULL);
	globfree(&found);
	if (!vector)
		return false;
	reply = typed_get(json_array_get(typed_get(vector, "httpCalls"), 0), "mockResponse");
	body = typed_get(reply, "body");
	*ret_s = (struct sample){
		ortb_decode(typed_get(vector, "mockBidRequest"), ORTB_BID_REQUEST, NULL, NULL),
		body ? json_text(body) : NULL, (int)json_integer_value(typed_get(reply, "status"))
	};
	json_decref(vector);
	return ret_s->request != NULL;
}

static void sample_free(struct sample *s)
{
	json_decref(s->request);
	free(s->reply);
}

/* One auction's worth of one bidder; the times are added to `sum`. */
static void once(const struct bidder *b, const struct sample *s, struct buf *bytes, struct cost *sum)
{
	double start = cpu_us(), made;
	struct arena *a = arena_new();
	struct adapter_request r = { .arena = a, .bidder = b, .random = no_chance };
	struct adapter_reply reply = { .status = s->status, .bytes = str_of(s->reply) };
	struct adapter_calls calls;
	struct adapter_bids bids;

	r.root = arena_own_json(a, adapter_request_copy(s->request));
	adapter_calls_init(&calls, a);
	b->adapter->make_requests(&r, &calls);
	sum->bytes = 0;
	for (const struct adapter_call *c = calls.first; c; c = c->next) {
		buf_clear(bytes);
		if (c->body)
			json_write(bytes, c->body);
		else
			buf_add_str(bytes, c->bytes);
		sum->bytes += bytes->n;
	}
	made = cpu_us();
	adapter_bids_init(&bids, a);
	if (calls.first)
		b->adapter->parse_bids(&r, calls.first, &reply, &bids);
	sum->calls = calls.n;
	sum->bids = bids.n;
	arena_free(a);
	sum->make_us += made - start;
	sum->parse_us += cpu_us() - made;
}

static struct cost measure(const struct bidder *b, const struct sample *s)
{
	struct cost best = { .name = b->name, .make_us = 1e9, .parse_us = 1e9 };
	struct buf bytes;

	buf_init(&bytes, BODY_MAX);
	for (int i = 0; i < ROUNDS; i++) {
		struct cost sum = { .name = b->name };

		for (int k = 0; k < CALLS_PER_ROUND; k++)
			once(b, s, &bytes, &sum);
		if (sum.make_us + sum.parse_us < (best.make_us + best.parse_us) * CALLS_PER_ROUND) {
			best = sum;
			best.make_us /= CALLS_PER_ROUND;
			best.parse_us /= CALLS_PER_ROUND;
		}
	}
	buf_deinit(&bytes);
	return best;
}

/* False when the bidder cannot be built or has no sample. */
static bool measure_adapter(const struct adapter *adapter, const char *vectors, struct cost *ret_cost)
{
	static const struct adapter_host host = { "http://pbs.example", "2", "1.0", 1 };
	struct arena *a = arena_new();
	struct bidder_info info;
	struct bidder bidder = { .name = adapter->name,
				 .endpoint = "http://b.example/{PublisherId}bid",
				 .adapter = adapter,
				 .info = &info,
				 .host = &host };
	json_t *file =
		json_pack("{s:{s:s,s:s,s:s}}", "xapi", "username", "u", "password", "p", "tracker", "t");
	struct errtext why = { "" };
	struct sample s;
	bool ok;

	ok = bidder_info_parse(a, adapter->name, arena_own_json(a, file), NULL, NULL, &info, &why) == 0 &&
	     (!adapter->build || adapter->build(&bidder, a, &why) == 0);
	if (!ok)
		fprintf(stderr, "%s: %s\n", adapter->name, why.text);
	if (ok) {
		ok = vectors ? vector_sample(vectors, adapter->name, &s) : plain_sample(adapter->name, &s);
		if (ok) {
			*ret_cost = measure(&bidder, &s);
			sample_free(&s);
		}
	}
	arena_free(a);
	return ok;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int main(int argc, char **argv)
{
	bool check = argc > 1 && strcmp(argv[1], "--check") == 0;
	const char *vectors = argc > 1 + check ? argv[1 + check] : NULL;
	double *sums = xcalloc(adapter_count(), sizeof *sums), median;
	size_t n = 0;

	printf("%-16s %5s %6s %5s %9s %9s %9s\n", "bidder", "calls", "bytes", "bids", "make us", "parse us",
	       "sum us");
	for (size_t i = 0; i < adapter_count(); i++) {
		struct cost c;

		if (!measure_adapter(adapter_at(i), vectors, &c))
			continue;
		printf("%-16s %5zu %6zu %5zu %9.1f %9.1f %9.1f\n", c.name, c.calls, c.bytes, c.bids,
		       c.make_us, c.parse_us, c.make_us + c.parse_us);
		sums[n++] = c.make_us + c.parse_us;
	}
	qsort(sums, n, sizeof *sums, by_value);
	median = n > 0 ? sums[n / 2] : 0;
	free(sums);
	printf("median %.1f us, budget %d us\n", median, BUDGET_US);
	return n == 0 || (check && median > BUDGET_US);
}
