/* The router's brain: an index of what was learned, decisions from it, and learning into it. No I/O, no
 * threads of its own, no clock: time and seeds are arguments.
 *
 * Threads  one learner owns the index: everything that takes a `struct router *` without const is called from
 *          that thread only. router_decide(), router_explain() and the router_* readers take a const pointer
 *          and may run on any number of threads at the same time as the learner, without locks: what they
 *          read is aligned words, written and read whole (rows.h says how); a row that is half old and half
 *          new is a valid row. router_free() and router_load() need the readers gone.
 * Units    money is US dollars CPM, latency milliseconds, time milliseconds since 1970.
 * Owns     nothing is kept of what is passed in.
 * Source   additive Bayesian probit and log-normal models per bidder (adPredictor, Graepel et al., ICML
 * 2010), greedy choice by expected marginal revenue, a price per call, posterior sampling, audits.
 */
#ifndef IDR_CORE_ROUTER_H
#define IDR_CORE_ROUTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/errtext.h"
#include "common/str.h"
#include "idr/core/context.h"
#include "idr/core/settings.h"

enum {
	ROUTER_CANDIDATES = 64, /* distinct bidders of one decision; further ones are always called */
	ROUTER_SLOTS = 256,     /* bidder codes the index models; further ones are always called */
	ROUTER_CODE_BYTES = 64, /* longest bidder code, with its NUL */
};

struct router;

struct router_conf {
	size_t memory_bytes; /* ceiling of the row tables, default 112 MiB; the rest takes under 12 MiB */
	uint64_t seed;       /* salts audits, control groups and exploration */
	uint32_t learning_auctions; /* `learning` until so many events were learned in all, default 800 */
};
void router_conf_default(struct router_conf *ret_conf);

struct router *router_new(const struct router_conf *conf);
struct router *router_free(struct router *r);

/* ---- deciding ---- */

enum reason {
	REASON_NONE,
	/* selected because */
	REASON_ALWAYS,      /* on the always list, or not modelled */
	REASON_ANCHOR,      /* among the strongest on its own */
	REASON_HIGH_SCORE,  /* its marginal value pays its call at least twice */
	REASON_MARGINAL,    /* its marginal value pays its call */
	REASON_EXPLORATION, /* an audit, a probe, or uncertain enough to be worth a look */
	REASON_DIVERSITY,   /* its category would be missing */
	REASON_EVERYBODY,   /* shadow, bypass, learning, control: all are called */
	/* not selected because */
	REASON_BELOW_THRESHOLD,
	REASON_MAX_BIDDERS,
	REASON_NEVER,
	REASON_NO_MARGINAL_VALUE,
	REASON_QPS_LIMIT,
	REASONS
};
const char *reason_name(enum reason reason); /* "high_score", …; a metric label */

enum component {
	COMPONENT_WIN_RATE,
	COMPONENT_BID_RATE,
	COMPONENT_CPM,
	COMPONENT_FLOOR_CLEARANCE,
	COMPONENT_LATENCY,
	COMPONENT_RECENCY,
	COMPONENT_ID_MATCH,
	COMPONENTS
};
const char *component_name(enum component c);

/* The most specific part of the model that has data on this bidder. */
enum level {
	LEVEL_PRIOR,
	LEVEL_GLOBAL,
	LEVEL_FORMAT,
	LEVEL_COUNTRY,
	LEVEL_PUBLISHER,
	LEVEL_PUBLISHER_CONTEXT,
	LEVELS
};
const char *level_name(enum level level);

struct verdict {
	bool selected;  /* is to be called: what the caller acts on */
	bool chosen;    /* the router would have called it; differs from `selected` when everybody is */
	uint8_t reason; /* enum reason; in shadow, control and audits: why it was (not) chosen */
	uint8_t rank;   /* 1 = first choice; 0 when the choice did not reach it */
	/* the rest is filled when scores are asked for */
	uint8_t level; /* enum level */
	float total;   /* 0..100, weighted components */
	float component[COMPONENTS];
	float value_score;  /* 100 g/(g + price per call); 50 is just worth its call */
	float probability;  /* of a valid bid */
	float price_usd;    /* expected CPM of such a bid */
	float marginal_usd; /* expected revenue added, per auction, over those ranked before it */
	float samples;      /* effective observations at `level` */
	float confidence;   /* 0..1 */
	float alive;        /* 0..1, chance that it is not in an outage */
};

struct decision {
	enum route_mode mode; /* what was done: settings' mode, or learning */
	bool audit, control;  /* everybody is called to learn / to measure lift */
	uint16_t n_selected, n_chosen;
	float price_per_call; /* US dollars CPM, the price that was applied */
	uint64_t budget_scope;
	struct verdict v[ROUTER_CANDIDATES]; /* one per candidate, same order */
};

/* A bidder by code, resolved to its slot once (router_resolve): -1 = the index does not know it yet. */
struct candidate {
	uint64_t hash; /* classify_name(code) */
	int slot;
};
void router_resolve(const struct router *r, const struct str *codes, size_t n, struct candidate *ret_c);

struct decide_in {
	const struct context *ctx;
	const struct settings *settings; /* resolved */
	const struct candidate *cand;
	size_t n;         /* only the first ROUTER_CANDIDATES are looked at */
	uint64_t auction; /* classify_name(auction_id): makes audits, control and exploration repeatable */
	int64_t now_ms;
	bool scores; /* fill the explanation */
};

/* Chooses whom to call. Never fails. Duplicated candidates are each judged; drop them before. */
void router_decide(const struct router *r, const struct decide_in *in, struct decision *ret_d);

/* True when this auction is an audit or in the control group, without deciding anything. */
bool router_is_audit(const struct router *r, const struct settings *s, uint64_t auction);
bool router_is_control(const struct router *r, const struct settings *s, uint64_t auction);

/* ---- learning ---- */

enum outcome_status { OUTCOME_BID, OUTCOME_NO_BID, OUTCOME_TIMEOUT, OUTCOME_ERROR, OUTCOME_NOT_CALLED };

struct outcome {
	struct str code;
	uint8_t status;   /* enum outcome_status */
	bool won;         /* reported winner; the router itself goes by the highest valid bid */
	float cpm_usd;    /* highest bid of the main imp, for OUTCOME_BID */
	float latency_ms; /* negative = not told */
};

struct learn_event {
	const struct context *ctx;
	const struct outcome *outcome;
	size_t n;
	uint64_t auction;                /* as in struct decide_in */
	int64_t now_ms;                  /* the event's time */
	const struct settings *settings; /* resolved; NULL = defaults */
};
void router_learn(struct router *r, const struct learn_event *e);

/* Periodic work (prices per call follow the calls made): call it about once a second and after each batch of
 * events; cheap when there is nothing to do. */
void router_tick(struct router *r, int64_t now_ms);

/* ---- reading what was learned ---- */

struct router_stats {
	uint64_t events, outcomes, decisions;
	size_t rows, rows_max, bytes;
	uint64_t rows_evicted, rows_refused;
	unsigned bidders;
	float price_per_call; /* global, US dollars CPM */
	float revenue;        /* moving average per auction, US dollars CPM */
	float kept_estimate;  /* from audits, 0..1; negative while there are none */
	float kept_error;     /* one standard error of it */
	uint32_t audits;
};
void router_stats(const struct router *r, struct router_stats *ret_s);

struct bidder_stats {
	char code[ROUTER_CODE_BYTES];
	float calls, bids, wins, revenue_usd; /* discounted sums */
	float alive, latency_p50_ms, latency_p95_ms, slow_share, price_sd;
	int64_t last_seen_ms;
	int redundant_with; /* slot of the bidder that brings most of the same demand, -1 */
	float redundancy;   /* 0..1: share of its bids that this one makes worthless, beyond chance */
};
unsigned router_bidders(const struct router *r);
bool router_bidder_stats(const struct router *r, unsigned slot, struct bidder_stats *ret_s);

/* A timeout that loses under 1 % of the revenue that arrives, from what this publisher's bids took (of all
 * publishers while it has few); 0 when unknown. Rounded up to 10 ms. */
unsigned router_suggest_timeout(const struct router *r, uint64_t publisher);

/* ---- keeping ---- */

/* The index as bytes: header with version, then records, then a checksum. The callbacks return 0 or a
 * negative enum err, which ends the work and is returned. Save runs on the learner's thread. */
typedef int router_write_fn(void *arg, const void *p, size_t n);
typedef int router_read_fn(void *arg, void *p, size_t n); /* exactly n bytes */
int router_save(const struct router *r, router_write_fn *write, void *arg);
/* Into a router that has learned nothing. ERR_INPUT for bytes that are damaged or of another version: the
 * router is then empty again. */
int router_load(struct router *r, router_read_fn *read, void *arg, struct errtext *why);

/* The prices per call alone. They follow the decisions that were made, so unlike the rest they cannot be learned again
 * from history; a few bytes per budget. Loading replaces those it names; ERR_INPUT for damaged bytes, which change
 * nothing. */
int router_save_prices(const struct router *r, router_write_fn *write, void *arg);
int router_load_prices(struct router *r, router_read_fn *read, void *arg);

#endif
