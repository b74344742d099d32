/* Runs the router in process on a simulated market: the same fields as over HTTP, in seconds instead of
 * minutes.
 *
 * usage: sim-core SCENARIO [--oracle F] [--auctions N] [--batch N] [--calls X | --share X | --price X] [--defaults] [--wire]
 *                 [--tune NAME=VALUE]...
 *
 * The simulator is not part of this project; it is compiled from where SIM_DIR points (tests/sim/sim.mk).
 * Prints the simulator's metrics as one line of JSON. With --wire every context is read from the JSON that
 * the HTTP driver would send; without, contexts are read from JSON once per distinct audience and then reused
 * with the hour and the floor of the auction, which gives the same decisions.
 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "idr/core/model.h"
#include "tests/sim/market.h"

static const char *const devices[] = { "desktop", "mobile", "tablet", "ctv" };
static const int device_type[] = { 2, 4, 5, 3 };
static const char *const formats[] = { "banner", "video", "native" };
static const char *const ids[] = { "uid2", "id5", "liveramp" };
static const char *const id_source[] = { "uidapi.com", "id5-sync.com", "liveramp.com" };
static const char *const alpha3[][2] = {
	{ "US", "USA" }, { "GB", "GBR" }, { "DE", "DEU" }, { "FR", "FRA" }, { "CA", "CAN" }, { "AU", "AUS" },
	{ "ES", "ESP" }, { "IT", "ITA" }, { "JP", "JPN" }, { "BR", "BRA" }, { "MX", "MEX" }, { "IN", "IND" },
	{ "NL", "NLD" }, { "SE", "SWE" }, { "PL", "POL" }, { "TR", "TUR" }, { "ID", "IDN" }, { "ZA", "ZAF" },
	{ "KR", "KOR" }, { "AR", "ARG" }, { "CH", "CHE" }, { "AT", "AUT" }, { "PT", "PRT" }, { "SG", "SGP" },
};

struct run {
	struct market *m;
	struct router *r;
	struct settings_tree *tree;
	int batch;
	bool wire;
	struct {
		uint64_t key;
		struct context ctx;
	} seen[1 << 16];
	struct candidate cand[64];
	double decide_ns, learn_ns;
	uint64_t outcomes;
};

static const char *country3(const char *two)
{
	for (size_t i = 0; i < sizeof alpha3 / sizeof *alpha3; i++)
		if (strcmp(alpha3[i][0], two) == 0)
			return alpha3[i][1];
	return two;
}

uint64_t market_hash_of(const char *code);
uint64_t market_hash_of(const char *code)
{
	return classify_name(str_of(code));
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double round4(float x)
{
	return round((double)x * 1e4) / 1e4;
}

static struct context from_request(const struct market *m, const struct market_auction *x)
{
	int w = 0, h = 0;
	struct context ctx;
	json_t *eids = json_array(), *imp = json_pack("{s:s}", "id", "1"), *route;

	(void)sscanf(market_size(x->size), "%dx%d", &w, &h);
	if (x->fmt == 0)
		json_object_set_new(imp, "banner", json_pack("{s:[{s:i,s:i}]}", "format", "w", w, "h", h));
	else if (x->fmt == 1)
		json_object_set_new(imp, "video",
				    json_pack("{s:[s],s:i,s:i}", "mimes", "video/mp4", "w", w, "h", h));
	else
		json_object_set_new(imp, "native", json_pack("{s:s}", "request", "{}"));
	if (x->floor > 0) {
		json_object_set_new(imp, "bidfloor", json_real(round4(x->floor)));
		json_object_set_new(imp, "bidfloorcur", json_string("USD"));
	}
	for (int i = 0; i < 3; i++)
		if (x->idmask >> i & 1)
			json_array_append_new(eids, json_pack("{s:s,s:[{s:s}]}", "source", id_source[i],
							      "uids", "id", "x"));
	route = json_pack("{s:s,s:f,s:{s:[o],s:{s:{s:s}},s:{s:i,s:{s:s}},s:{s:o},s:i}}", "publisher_id",
			  market_publisher(m, x->pub), "ts", floor(x->ts_ms) / 1000, "bid_request", "imp",
			  imp, "site", "publisher", "id", market_publisher(m, x->pub), "device", "devicetype",
			  device_type[x->dev], "geo", "country", country3(market_country(m, x->country)),
			  "user", "eids", eids, "tmax", (int)market_timeout(m));
	classify_request(route, 0, &ctx);
	json_decref(route);
	return ctx;
}

static struct context from_event(const struct market *m, const struct market_auction *x)
{
	struct context ctx;
	json_t *list = json_array(), *imp, *event;

	for (int i = 0; i < 3; i++)
		if (x->idmask >> i & 1)
			json_array_append_new(list, json_string(ids[i]));
	imp = json_pack("{s:s,s:s,s:s,s:s}", "id", "1", "ad_format", formats[x->fmt], "ad_size",
			market_size(x->size), "floor_cur", "USD");
	if (x->floor > 0)
		json_object_set_new(imp, "floor", json_real(round4(x->floor)));
	event = json_pack("{s:f,s:s,s:s,s:s,s:s,s:s,s:o,s:[o]}", "ts", floor(x->ts_ms) / 1000, "publisher_id",
			  market_publisher(m, x->pub), "country", country3(market_country(m, x->country)),
			  "device_type", devices[x->dev], "os", "unknown", "browser", "unknown", "ids", list,
			  "imps", imp);
	classify_event(event, 0, &ctx);
	json_decref(event);
	return ctx;
}

static struct context context_of(struct run *u, const struct market_auction *x, bool event)
{
	uint64_t key = (uint64_t)x->pub << 40 | (uint64_t)x->country << 32 | (uint64_t)x->dev << 24 |
		       (uint64_t)x->fmt << 20 | (uint64_t)x->size << 12 | (uint64_t)x->idmask << 4 |
		       (uint64_t)event << 2 | 1;
	size_t at = (key * 0x9e3779b97f4a7c15ULL) >> 48;

	if (u->wire)
		return event ? from_event(u->m, x) : from_request(u->m, x);
	if (u->seen[at].key != key) {
		u->seen[at].key = key;
		u->seen[at].ctx = event ? from_event(u->m, x) : from_request(u->m, x);
	}
	struct context c = u->seen[at].ctx;

	c.hour = (uint8_t)((int64_t)(x->ts_ms / 3600e3) % 24);
	c.floor_usd = x->floor > 0 ? (float)round4(x->floor) : 0;
	return c;
}

static uint64_t auction_hash(const struct market_auction *x)
{
	char id[32];
	int n = snprintf(id, sizeof id, "a%llu", (unsigned long long)x->auction);

	return classify_name((struct str){ id, (size_t)n });
}

static uint64_t decide(struct run *u, const struct market_auction *x)
{
	struct context ctx = context_of(u, x, false);
	struct settings scratch;
	struct decision d;
	uint64_t mask = 0;
	double t = now_ns();

	for (int i = 0; i < x->ncand; i++)
		u->cand[i].slot =
			bidders_find(&u->r->bidders, u->cand[i].hash = market_code_hash(u->m, x->cand[i]));
	router_decide(u->r,
		      &(struct decide_in){ .ctx = &ctx,
					   .settings = settings_find(u->tree, &ctx, &scratch),
					   .cand = u->cand,
					   .n = (size_t)x->ncand,
					   .auction = auction_hash(x),
					   .now_ms = (int64_t)x->ts_ms },
		      &d);
	u->decide_ns += now_ns() - t;
	for (int i = 0; i < x->ncand; i++)
		mask |= (uint64_t)d.v[i].selected << x->cand[i];
	return mask;
}

static void learn(struct run *u, const struct market_feedback *f)
{
	struct context ctx = context_of(u, &f->x, true);
	struct settings scratch;
	struct outcome o[64];
	double t;

	for (int i = 0; i < f->n; i++)
		o[i] = (struct outcome){ .code = str_of(market_code(u->m, f->bidder[i])),
					 .status = f->timed_out[i] ? OUTCOME_TIMEOUT
						   : f->did_bid[i] ? OUTCOME_BID
								   : OUTCOME_NO_BID,
					 .won = f->winner == f->bidder[i],
					 .cpm_usd = f->did_bid[i] ? (float)round4(f->cpm[i]) : 0,
					 .latency_ms = (float)(int)f->lat[i] };
	t = now_ns();
	router_learn(u->r, &(struct learn_event){ .ctx = &ctx,
						  .outcome = o,
						  .n = (size_t)f->n,
						  .auction = auction_hash(&f->x),
						  .now_ms = (int64_t)f->x.ts_ms,
						  .settings = settings_find(u->tree, &ctx, &scratch) });
	u->learn_ns += now_ns() - t;
	u->outcomes += (uint64_t)f->n;
}

static void play(struct run *u)
{
	struct market_feedback *queue = calloc((size_t)u->batch, sizeof *queue);
	int n = 0;

	while (market_next(u->m)) {
		uint64_t mask = decide(u, market_current(u->m));

		market_settle(u->m, mask, 0, &queue[n++]);
		if (n < u->batch)
			continue;
		for (int i = 0; i < n; i++)
			learn(u, &queue[i]);
		router_tick(u->r, (int64_t)queue[n - 1].x.ts_ms);
		n = 0;
	}
	free(queue);
}

static const struct {
	const char *name;
	size_t at;
} knobs[] = {
#define KNOB(f)                                                                                              \
	{                                                                                                    \
#f, offsetof(struct tuning, f)                                                               \
	}
	KNOB(bid_floor),        KNOB(price_floor),  KNOB(excess),
	KNOB(explore),          KNOB(probe),        KNOB(population_bid),
	KNOB(population_price), KNOB(damping_min),  KNOB(pair_memory),
	KNOB(price_var_memory), KNOB(control_gain), KNOB(price_start),
	KNOB(population_start), KNOB(revenue_rate), KNOB(lead),
	KNOB(lead_auctions),
};

static void tune(struct router *r, const char *text)
{
	for (size_t i = 0; i < sizeof knobs / sizeof *knobs; i++) {
		size_t n = strlen(knobs[i].name);

		if (strncmp(text, knobs[i].name, n) == 0 && text[n] == '=') {
			*(float *)((char *)&r->tune + knobs[i].at) = strtof(text + n + 1, NULL);
			return;
		}
	}
	fprintf(stderr, "unknown knob in %s\n", text);
	exit(2);
}

int main(int argc, char **argv)
{
	static struct run u = { .batch = 20 };
	struct router_conf conf;
	struct settings s = { .set = 1u << SET_BUDGET, .budget = { BUDGET_SHARE, 0.25f, 0 } };
	const char *oracle = "";
	long auctions = 0;
	bool quiet = false, defaults = false;

	router_conf_default(&conf);
	for (int i = 2; i < argc; i++)
		defaults |= strcmp(argv[i], "--defaults") == 0;
	for (int i = 2; i + 1 < argc; i++) {
		if (strcmp(argv[i], "--oracle") == 0)
			oracle = argv[++i];
		else if (strcmp(argv[i], "--auctions") == 0)
			auctions = strtol(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--batch") == 0)
			u.batch = (int)strtol(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--audit") == 0) {
			s.set |= 1u << SET_AUDIT_SHARE;
			s.audit_share = strtof(argv[++i], NULL);
		} else if (strcmp(argv[i], "--learning") == 0)
			conf.learning_auctions = (uint32_t)strtoul(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--seed") == 0)
			conf.seed = strtoull(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--price") == 0) {
			s.budget.kind = BUDGET_PRICE;
			s.budget.value = strtof(argv[++i], NULL);
		} else if (strcmp(argv[i], "--calls") == 0 || strcmp(argv[i], "--share") == 0) {
			s.budget.kind = argv[i][2] == 'c' ? BUDGET_CALLS : BUDGET_SHARE;
			s.budget.value = strtof(argv[++i], NULL);
		}
	}
	if (argc < 2 || !(u.m = market_open(argv[1], oracle, auctions)) || u.batch < 1) {
		fprintf(stderr,
			"usage: sim-core SCENARIO [--oracle F] [--auctions N] [--batch N] [--calls X | "
			"--share X | --price X] [--audit SHARE] [--learning N] [--seed N] [--defaults] "
			"[--wire] [--tune "
			"NAME=VALUE]...\n");
		return 2;
	}
	u.r = router_new(&conf);
	u.tree = settings_tree_new();
	if (!defaults)
		settings_tree_set(u.tree, 0, 0, 0, &s);
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--tune") == 0 && i + 1 < argc)
			tune(u.r, argv[++i]);
		u.wire |= strcmp(argv[i], "--wire") == 0;
		quiet |= strcmp(argv[i], "--quiet") == 0;
	}
	play(&u);
	char *text = market_metrics(u.m, "nexus", "");
	struct router_stats st;

	router_stats(u.r, &st);
	puts(text);
	if (!quiet)
		fprintf(stderr,
			"rows %zu of %zu, evicted %llu refused %llu; price %.5f of %.3f; kept by audits %.2f "
			"+- %.2f %%; decide %.2f us, learn %.3f us per outcome\n",
			st.rows, st.rows_max, (unsigned long long)st.rows_evicted,
			(unsigned long long)st.rows_refused, (double)st.price_per_call, (double)st.revenue,
			100 * (double)st.kept_estimate, 100 * (double)st.kept_error,
			u.decide_ns / (double)st.events / 1e3, u.learn_ns / (double)u.outcomes / 1e3);
	free(text);
	settings_tree_free(u.tree);
	router_free(u.r);
	return 0;
}
