/* How an operator wants auctions routed: one block of settings per level (global, publisher, site, ad unit).
 * A level overrides only what it sets.
 *
 * When nobody set anything, the router aims at 40 % of the configured calls, never fewer than 3 and never
 * more than 15 (the aim is then at most three quarters of 15, so that rich auctions can take more than poor
 * ones). Setting a budget lifts the two rules of thumb that stand in for it, the ceiling of 15 bidders and
 * the score threshold of 25, unless they are set on the same level or below.
 */
#ifndef IDR_CORE_SETTINGS_H
#define IDR_CORE_SETTINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/errtext.h"
#include "common/str.h"
#include "idr/core/context.h"

enum route_mode {
	ROUTE_NORMAL,
	ROUTE_SHADOW,   /* decide and explain, but answer with everybody */
	ROUTE_BYPASS,   /* answer with everybody, decide nothing */
	ROUTE_LEARNING, /* too little data: answer with everybody */
};
const char *route_mode_name(enum route_mode mode);

enum budget_kind {
	BUDGET_CALLS, /* value = calls per auction, on average */
	BUDGET_SHARE, /* value = share of the configured calls, 0..1 */
	BUDGET_PRICE, /* value = US dollars CPM that a call must be worth */
	BUDGET_KEPT,  /* value = share of the revenue to keep, 0..1, measured by audits */
};

enum { SETTINGS_CODES = 64, SETTINGS_CODE_BYTES = 64, SETTINGS_CATEGORIES = 8, SETTINGS_QPS = 64 };

struct code_list {
	uint16_t n;
	uint64_t hash[SETTINGS_CODES]; /* classify_name() of the bidder codes */
};

struct category {
	char name[32];
	uint8_t formats; /* 1 << format it is asked for; 0 = all */
	struct code_list codes;
};

/* X(field bit, JSON key) */
#define SETTINGS_FIELDS(X)                                                                                   \
	X(SET_MODE, "mode")                                                                                  \
	X(SET_MAX_BIDDERS, "max_bidders")                                                                    \
	X(SET_MIN_BIDDERS, "min_bidders")                                                                    \
	X(SET_MIN_SCORE, "min_score_threshold")                                                              \
	X(SET_ANCHORS, "anchors")                                                                            \
	X(SET_EXPLORATION_RATE, "exploration_rate")                                                          \
	X(SET_EXPLORATION_SLOTS, "exploration_slots")                                                        \
	X(SET_CONTROL_SHARE, "control_share")                                                                \
	X(SET_AUDIT_SHARE, "audit_share")                                                                    \
	X(SET_TRAFFIC_SHARE, "traffic_share")                                                                \
	X(SET_BUDGET, "budget")                                                                              \
	X(SET_ALWAYS, "always_include_bidders")                                                              \
	X(SET_NEVER, "never_include_bidders")                                                                \
	X(SET_DIVERSITY, "diversity")                                                                        \
	X(SET_QPS, "qps_limits")                                                                             \
	X(SET_SLOW_MS, "slow_ms")
#define X(bit, key) bit,
enum settings_field { SETTINGS_FIELDS(X) SETTINGS_FIELD_COUNT };
#undef X

struct settings {
	uint32_t set; /* 1 << enum settings_field, of what this block sets */
	enum route_mode mode;
	uint16_t max_bidders, min_bidders, anchors, exploration_slots;
	float min_score;        /* 0..100, on total_score */
	float exploration_rate; /* 0..1; 0.10 is the model's own amount, 0 turns exploring off */
	float control_share;    /* 0..1 of auctions in which everybody is called, to measure lift */
	float audit_share;      /* 0..1 of auctions in which everybody is called, to learn */
	float traffic_share;    /* 0..1 of auctions that are routed at all; the others are shadow */
	float slow_ms;          /* answers beyond this count as slow; 0 = latency has no price */
	struct {
		enum budget_kind kind;
		float value;
		uint64_t scope; /* filled by settings_overlay: whose price per call this is, 0 = global */
	} budget;
	struct code_list always, never;
	uint16_t n_categories;
	struct category category[SETTINGS_CATEGORIES];
	uint16_t n_qps;
	struct {
		uint64_t hash;
		float per_second;
	} qps[SETTINGS_QPS];
};

/* What holds when nothing is set; every field's bit is off. */
void settings_default(struct settings *ret_s);

/* Reads the JSON form (keys above; budget is {"calls":10} | {"share":0.3} | {"price":0.01} | {"kept":0.98};
 * diversity is [{"name":"premium","bidders":[…],"formats":["video"]}]; qps_limits is {"code":100}).
 * ERR_INPUT with `why` naming the key. Unknown keys are refused. */
int settings_parse(const json_t *j, struct settings *ret_s, struct errtext *why);

/* Lays `over` on `base`: what `over` sets wins. `scope` names the level (a hash, 0 = global). */
void settings_overlay(struct settings *base, const struct settings *over, uint64_t scope);

/* All blocks of all levels. Immutable once built: readers share it by pointer. */
struct settings_tree;
struct settings_tree *settings_tree_new(void);
struct settings_tree *settings_tree_free(struct settings_tree *t);
/* Hashes as in struct context, 0 = this level is not named: (0,0,0) global, (p,0,0) publisher, (p,s,0) site,
 * (p,s,u) ad unit (s may be 0 for an ad unit of any site). Copies *s, replacing what was there. */
void settings_tree_set(struct settings_tree *t, uint64_t publisher, uint64_t site, uint64_t unit,
		       const struct settings *s);
/* The settings that hold for an auction: default < global < publisher < site < ad unit. Points into the tree,
 * or to *scratch when levels had to be laid on each other for this auction. */
const struct settings *settings_find(const struct settings_tree *t, const struct context *ctx,
				     struct settings *scratch);

bool code_list_has(const struct code_list *l, uint64_t hash);

#endif
