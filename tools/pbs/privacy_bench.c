/* privacy-bench: what the privacy stage costs, against its budgets.
 *
 *   decode    one TC string of today's size (core, LI, disclosed vendors), in ns; budget 2 us
 *   stage     signals, verdicts and scrubbed requests for 15 bidders under GDPR, in us; budget 60 us
 *
 * CPU time of this thread, the fastest of several rounds: a busy neighbour only adds. Prints one JSON object; exits with 1 when a budget is exceeded and --check was given.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/arena.h"
#include "common/json.h"
#include "common/mem.h"
#include "pbs/privacy/gpp.h"
#include "pbs/privacy/gvl.h"
#include "pbs/privacy/tcf.h"
#include "pbs/privacy/verdict.h"

enum { VENDORS = 1100, BIDDERS = 15, DECODE_BUDGET_NS = 2000, STAGE_BUDGET_US = 60, ROUNDS = 7 };

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- a typical string ---- */

struct writer {
	char bit[8192];
	size_t n;
};

static void put(struct writer *w, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		w->bit[w->n++] = (char)(v >> (n - 1 - i) & 1);
}

/* Two in three vendors have consent, as after "accept all" with some vendors gone. */
static void put_vendors(struct writer *w)
{
	put(w, VENDORS, 16);
	put(w, 0, 1);
	for (unsigned v = 1; v <= VENDORS; v++)
		put(w, v % 3 != 0 || v < 30, 1);
}

static void put_text(struct writer *w, struct buf *b)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	while (w->n % 24)
		put(w, 0, 1);
	for (size_t i = 0; i < w->n; i += 6) {
		unsigned v = 0;

		for (size_t k = 0; k < 6; k++)
			v = v << 1 | (unsigned)w->bit[i + k];
		buf_add_c(b, digits[v]);
	}
	w->n = 0;
}

static char *typical_string(void)
{
	struct writer w = { .n = 0 };
	struct buf b;

	buf_init(&b, 8192);
	put(&w, 2, 6);
	put(&w, 17800000000, 36);
	put(&w, 17800000000, 36);
	put(&w, 0x123456, 30);
	put(&w, 0, 12);
	put(&w, 1, 12);
	put(&w, 5, 6);
	put(&w, 2, 2);
	put(&w, 0x800, 12);
	put(&w, 0xfff000, 24);
	put(&w, 0x7ff000, 24);
	put(&w, 0, 13);
	put_vendors(&w);
	put_vendors(&w);
	put(&w, 2, 12);
	for (unsigned purpose = 3; purpose < 5; purpose++) { /* two restrictions with three ranges each */
		put(&w, purpose, 6);
		put(&w, 1, 2);
		put(&w, 3, 12);
		for (unsigned i = 0; i < 3; i++) {
			put(&w, 1, 1);
			put(&w, 100 * i + 1, 16);
			put(&w, 100 * i + 50, 16);
		}
	}
	put_text(&w, &b);
	buf_add_c(&b, '.');
	put(&w, 1, 3);
	put_vendors(&w);
	put_text(&w, &b);
	return buf_take(&b);
}

/* ---- measuring ---- */

static double measure_decode(struct str text, int rounds)
{
	enum { PER_ARENA = 8 };
	double start = now_s();

	for (int i = 0; i < rounds; i += PER_ARENA) {
		struct arena *a = arena_new();

		for (int k = 0; k < PER_ARENA; k++) {
			struct errtext why;
			struct tcf *t;

			if (tcf_parse(text, a, &why, &t) < 0 || !id_set_has(&t->vendors_li, 1))
				abort();
		}
		arena_free(a);
	}
	return (now_s() - start) * 1e9 / rounds;
}

static struct gvl *typical_list(void)
{
	struct errtext why;
	struct gvl *g;
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_add_z(&b, "{\"gvlSpecificationVersion\":3,\"vendorListVersion\":1,\"vendors\":{");
	for (unsigned v = 1; v <= VENDORS; v++)
		buf_addf(&b,
			 "%s\"%u\":{\"id\":%u,\"purposes\":[1,3,4],\"legIntPurposes\":[2,7,9,10],"
			 "\"flexiblePurposes\":[2],"
			 "\"specialFeatures\":[%s]}",
			 v > 1 ? "," : "", v, v, v % 2 ? "1" : "");
	buf_add_z(&b, "}}");
	g = gvl_parse(buf_str(&b), &why);
	buf_deinit(&b);
	return g;
}

static const struct gvl *find_gvl(void *ctx, unsigned specification, unsigned version)
{
	(void)specification;
	(void)version;
	return ctx;
}

static json_t *typical_request(const char *consent)
{
	struct errtext why;
	json_t *request = json_parse(
		STR("{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{\"format\":[{\"w\":300,\"h\":250}]}}],"
		    "\"site\":{\"page\":\"https://page.example/a\",\"publisher\":{\"id\":\"p1\"}},"
		    "\"device\":{\"ua\":\"Mozilla/"
		    "5.0\",\"ip\":\"203.0.113.77\",\"ipv6\":\"2001:4860:4860::8888\",\"os\":\"ios\","
		    "\"ifa\":\"x\",\"geo\":{\"country\":\"DEU\",\"lat\":52.5200123,\"lon\":13.4050456}},"
		    "\"user\":{\"id\":\"u\",\"yob\":1980,\"geo\":{\"lat\":52.5200123,\"lon\":13.4050456},"
		    "\"data\":[{\"id\":\"1\"}],\"eids\":[{\"source\":\"a\",\"uids\":[{\"id\":\"1\"}]}],"
		    "\"ext\":{\"data\":{\"k\":1}}},"
		    "\"regs\":{\"gdpr\":1,\"gpp\":\"DBABL~BVQlAAAAAa.YA\"},\"source\":{\"tid\":\"t\"}}"),
		&why);

	json_set_str(json_object_get(request, "user"), "consent", str_of(consent));
	return request;
}

/* Every third bidder has a buyer id of its own, so its user is no shared one. */
static void run_stage(const struct privacy_input *in)
{
	struct arena *a = arena_new();
	struct scrub_cache *cache = scrub_cache_new(a);
	struct errtext why;
	struct privacy *p;

	if (privacy_judge(in, a, &why, &p) < 0)
		abort();
	for (size_t i = 0; i < BIDDERS; i++) {
		json_t *request = json_copy((json_t *)(uintptr_t)in->request);

		if (i % 3 == 0)
			json_set_str(json_own(request, "user"), "buyeruid", STR("buyer"));
		if (!p->bidders[i].blocked)
			privacy_apply(p, i, request, cache);
		json_decref(request);
	}
	arena_free(a);
}

static double measure_stage(const char *consent, int rounds)
{
	struct privacy_bidder bidders[BIDDERS];
	char names[BIDDERS][16];
	struct gvl *gvl = typical_list();
	json_t *account_tree =
		json_pack("{s:{s:{s:{s:b}}}}", "privacy", "allowactivities", "transmitEids", "default", 0);
	struct privacy_input in = {
		.bidders = bidders, .n_bidders = BIDDERS, .find_gvl = find_gvl, .ctx = gvl
	};
	json_t *request = typical_request(consent);
	struct privacy_account *account;
	struct privacy_host *host;
	struct errtext why;
	double fastest = 1e9;

	if (privacy_host_parse(NULL, &why, &host) < 0 ||
	    privacy_account_parse(account_tree, &why, &account) < 0)
		abort();
	for (unsigned i = 0; i < BIDDERS; i++) {
		snprintf(names[i], sizeof names[i], "bidder%u", i);
		bidders[i] = (struct privacy_bidder){ str_of(names[i]), str_of(names[i]),
						      (uint16_t)(20 + i * 7), i % 2 };
	}
	in.request = request;
	in.host = host;
	in.account = account;
	for (int round = 0; round < ROUNDS; round++) {
		double start = now_s(), us;

		for (int i = 0; i < rounds; i++)
			run_stage(&in);
		us = (now_s() - start) * 1e6 / rounds;
		fastest = us < fastest ? us : fastest;
	}
	json_decref(request);
	privacy_account_free(account);
	privacy_host_free(host);
	json_decref(account_tree);
	gvl_free(gvl);
	return fastest;
}

int main(int argc, char **argv)
{
	bool must_hold = argc > 1 && strcmp(argv[1], "--check") == 0;
	char *text = typical_string();
	double decode_ns = 1e9, stage_us;

	for (int round = 0; round < ROUNDS; round++) {
		double ns = measure_decode(str_of(text), 40000);

		decode_ns = ns < decode_ns ? ns : decode_ns;
	}
	stage_us = measure_stage(text, 2000);
	printf("{\"string_chars\":%zu,\"decode_ns\":%.0f,\"decode_budget_ns\":%d,\"stage_us\":%.1f,\"stage_"
	       "budget_us\":%d}\n",
	       strlen(text), decode_ns, DECODE_BUDGET_NS, stage_us, STAGE_BUDGET_US);
	free(text);
	return must_hold && (decode_ns > DECODE_BUDGET_NS || stage_us > STAGE_BUDGET_US) ? EXIT_FAILURE
											 : EXIT_SUCCESS;
}
