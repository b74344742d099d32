/* One auction, from the parsed HTTP request to its answer.
 *
 * It walks the stages of auction.c's table. The fields are grouped by the stage that fills them; later stages
 * read the earlier groups and do not write them. Everything lives in the request's arena.
 *
 * AMP and video are the same auction with another front: they build the request and shape the answer.
 */
#ifndef PBS_EXCHANGE_AUCTION_H
#define PBS_EXCHANGE_AUCTION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/idr_wire.h"
#include "common/loop.h"
#include "common/str.h"
#include "common/trace.h"
#include "common/user_agent.h"
#include "pbs/adapters/registry.h"
#include "pbs/cache/cache.h"
#include "pbs/exchange/adserver_targeting.h"
#include "pbs/exchange/bid.h"
#include "pbs/exchange/cache_build.h"
#include "pbs/exchange/events.h"
#include "pbs/exchange/exchange.h"
#include "pbs/exchange/floors.h"
#include "pbs/exchange/messages.h"
#include "pbs/exchange/nonbid.h"
#include "pbs/exchange/split.h"
#include "pbs/exchange/targeting.h"
#include "pbs/idr_client.h"
#include "pbs/openrtb/enrich.h"
#include "pbs/openrtb/stored.h"
#include "pbs/openrtb/stored_responses.h"
#include "pbs/openrtb/validate.h"
#include "pbs/price/currency.h"
#include "pbs/privacy/gpp.h"
#include "pbs/stored/stored.h"

enum stage {
	STAGE_NEW,
	STAGE_RESOLVE,
	STAGE_ENRICH,
	STAGE_CHECK,
	STAGE_PRIVACY,
	STAGE_ROUTE,
	STAGE_BID,
	STAGE_JUDGE,
	STAGE_CACHE,
	STAGE_REPLY,
	STAGE_DONE,
	STAGES,
	STAGE_WAIT, /* the stage goes on when its callback comes */
};

struct auction;
struct bidder_set;
struct live_config;
struct privacy;
struct privacy_account;
struct scrub_cache;

/* Where the request came from and how its answer is sent. */
struct auction_front {
	const char *name; /* metric label */
	enum adapter_entry entry;
	/* Sends a->status with a->answer (JSON) or a->refusal (text); called exactly once. */
	void (*answer)(struct auction *a);
};

/* A bidder that imps name, and what became of it before anything was sent. */
struct candidate {
	struct str name;                      /* as the request spells it: the seat */
	const struct registry_bidder *bidder; /* its core bidder */
	bool blocked;                         /* by its limits or by privacy; never called */
	bool selected;                        /* the router, or fail-open, chose it */
	struct bidder_run *run;               /* NULL unless it was called */
};

/* One HTTP call to a bidder. */
struct bidder_call {
	struct http_call http;
	struct bidder_run *run;
	struct adapter_call *sent;
	struct buf bytes; /* owned; given back when the call ends, unless debug shows it */
	struct str body;  /* as serialised */
	const char *url;
	struct http_header *headers;
	size_t n_headers;
	bool open;
	uint64_t span, ended_us; /* of a trace that is exported */
	/* for debug */
	int status;
	struct str reply; /* a copy, only when debug is on */
};

enum bidder_outcome { OUTCOME_NO_BID, OUTCOME_BID, OUTCOME_TIMEOUT, OUTCOME_ERROR, BIDDER_OUTCOMES };
extern const char *const bidder_outcomes[BIDDER_OUTCOMES];

/* Everything about one called bidder. */
struct bidder_run {
	struct auction *a;
	struct candidate *candidate;
	struct bidder_request split; /* its own request and the imps it is asked about */
	struct adapter_request request;
	struct adapter_calls made;
	struct bidder_call *calls;
	size_t n_calls, open;
	size_t n_spared; /* calls that were never sent because of throttling or limits */
	size_t n_late;   /* … because no time was left */
	uint64_t started_us;
	uint32_t response_ms;
	enum bidder_outcome outcome;
	bool secondary;   /* not waited for once every other bidder has answered */
	bool left_behind; /* … which has happened */
	struct bidder_reply *replies, **replies_tail; /* parsed, in order of arrival */
	struct bidder_call *stored;                   /* answers that were stored, never sent */
	size_t n_stored;
};

/* The typed bids of one parsed reply. */
struct bidder_reply {
	struct bidder_reply *next;
	struct adapter_bids bids;
};

/* When an auction entered each of its stages, on the clock of clock_mono_us(); 0: it did not. */
struct auction_times {
	uint64_t entered_us[STAGES];
};

struct auction {
	/* set by auction_start() */
	struct exchange *x;
	const struct pbs_config *config;         /* as it was when the auction began */
	const struct privacy_host *privacy_host; /* likewise */
	const struct bidder_set *bidders;        /* the host's, as they were when the auction began */
	const struct auction_front *front;
	void *front_ctx;
	struct arena *arena;
	struct str body;
	struct enrich_http http;    /* what the HTTP request says beside its body */
	struct str bound_publisher; /* of the API key; empty = any */
	const struct uids *uids;    /* ids of the browser's cookie; NULL = none */
	const json_t *query;        /* query parameters of an AMP request, strings; NULL elsewhere */
	int64_t started_ms;         /* wall clock */
	uint64_t started_us;        /* the loop's clock */
	/* When bidders' requests began to be made, when the last one was sent, when bids began to be judged, by
	 * clock_mono_us(); 0 = never */
	uint64_t bid_us, sent_us, judge_us;
	enum stage stage;
	struct str request_id, trace_id; /* for log lines; trace_id is empty without a trace */
	const struct trace *trace;       /* NULL = none */
	struct auction_times *times;     /* NULL unless its spans are exported */
	struct messages messages;

	/* RESOLVE */
	json_t *incoming; /* the body as it came */
	json_t *request;  /* merged; from ENRICH on decoded, normalised and never changed again */
	struct stored_ids stored_ids;
	struct stored_found stored_found;
	struct stored_imps stored_imps;
	struct stored_lookup lookup;
	struct str account_id;
	bool account_is_known;                         /* the host has it, or fetched it */
	const json_t *account;                         /* settings merged over the host's defaults */
	const struct privacy_account *privacy_account; /* … and what they say about privacy; may be NULL */

	/* ENRICH */
	struct stored_responses stored_responses;
	const json_t *category_mapping; /* of the ad server; NULL: not asked for, or nobody has it */

	/* CHECK */
	bool debug;
	struct str *imp_ids;
	size_t n_imps;
	struct bidder_names names;
	struct candidate *candidates;
	size_t n_candidates;
	struct user_agent user_agent;
	uint32_t timeout_ms;  /* tmax within the host's bounds */
	uint64_t deadline_ms; /* the loop's clock */
	struct currency_rates rates;
	struct gpp_reading gpp_reading; /* regs.gpp */
	struct gpp_sections gpp;        /* … for bidders that read no GPP */
	struct str us_privacy;          /* the string that counts, as it was given; may be malformed */
	struct str x_prebid;            /* header of every bidder call */
	struct nonbids nonbids;
	struct floors_account floors_account;
	struct floors_input floors_in;
	struct floors_state floors;

	/* PRIVACY */
	struct privacy *privacy;      /* NULL until then; its bidders are those of `candidates`, in order */
	struct scrub_cache *scrubbed; /* what bidders that lose the same things share */

	/* ROUTE */
	struct idr_route_request route_request;
	struct idr_call route_call;
	uint64_t route_started_us, route_span;
	const struct idr_route_reply *routing; /* NULL when unrouted */
	enum unrouted unrouted;
	uint32_t route_us;

	/* BID */
	struct bidder_run *runs;
	size_t n_runs;
	size_t calls_open;        /* over all runs; the last settle enters JUDGE */
	size_t primaries_open;    /* those of them that are waited for in any case */
	uint64_t bid_deadline_ms; /* what is left for bidders after later stages had their share */
	struct loop_timer deadline;

	/* JUDGE */
	struct seats seats;
	json_t *auction_configs; /* of on-device auctions; NULL = none */
	struct ranking ranking;
	struct targeting targeting;
	bool has_targeting; /* ext.prebid.targeting is there */
	struct multibid multibid;
	struct events events;
	struct cache_plan cache_plan;
	struct adserver_targeting adserver_targeting;

	/* CACHE */
	struct http_call cache_call;      /* to another server's cache */
	struct cache_call own_cache_call; /* to this one's */
	struct cache_job cache_job;
	uint64_t cache_started_ms;

	/* REPLY */
	int status;
	int nbr; /* -1 = none */
	json_t *answer;
	struct str refusal; /* plain text, instead of answer */
};

/* Starts the walk. `a` comes from auction_new() with the front's fields set; it ends with front->answer(). `live` stays
 * valid as long as the arena. */
struct auction *auction_new(struct exchange *x, const struct auction_front *front,
			    const struct live_config *live, struct arena *arena);
void auction_start(struct auction *a);

/* The only way to change stage; for callbacks that end a wait. */
void auction_enter(struct auction *a, enum stage to);

const char *auction_stage_name(enum stage s);

/* The header for a call on behalf of this auction, and the call's part of the trace; the empty text and 0 without one. */
struct str auction_traceparent(struct auction *a, uint64_t *ret_span);

/* Position of the imp with that id, -1 when there is none. */
int auction_imp_index(const struct auction *a, struct str id);
struct candidate *auction_find_candidate(struct auction *a, struct str name); /* NULL when there is none */

/* The stages, in files of their own. */
enum stage auction_resolve(struct auction *a);
enum stage auction_enrich(struct auction *a);
enum stage auction_check(struct auction *a);
enum stage auction_privacy(struct auction *a);
enum stage auction_route(struct auction *a);
enum stage auction_bid(struct auction *a);
enum stage auction_judge(struct auction *a);
enum stage auction_cache(struct auction *a);
enum stage auction_reply(struct auction *a);

/* How long stored data is waited for: the client's own tmax, within the host's bounds, else the host's word. */
uint32_t auction_stored_timeout_ms(const struct auction *a);
/* Of a request that is not decoded yet: before anything is looked up or made for each of its imps. ERR_INPUT, filed. */
int auction_check_imp_count(struct auction *a, json_t *request);

/* Refuses the request with what the messages say: the stage to return. */
enum stage auction_refuse(struct auction *a);

#endif
