/* What nexus-pbs counts. One row a metric; the names are in metrics.c's output under the namespace nexus_pbs.
 */
#ifndef PBS_METRICS_H
#define PBS_METRICS_H

#include "common/metrics.h"
#include "common/str.h"
#include "pbs/metrics_prebid.h"

enum pbs_label {
	LABEL_NONE,
	LABEL_ROUTE,
	LABEL_STATUS,
	LABEL_BIDDER,
	LABEL_OUTCOME,
	LABEL_ROUTED,
	LABEL_EVENT,
	LABEL_SPAN,
	LABEL_RULE,
	LABEL_GVL,
	LABEL_LIMIT,
	LABEL_NOTIFICATION,
	LABEL_SYNC_STATUS,
	LABEL_SYNCER,
	LABEL_SYNCER_FATE,
	LABEL_SYNCER_SET,
	LABEL_SUCCESS,
	LABEL_CACHE_OP,
	LABEL_CACHE_RESULT,
	LABEL_CACHE_FATE,
	LABEL_FETCH_TYPE,
	LABEL_STORED_ERROR,
	LABEL_FILE_LINE,
	LABEL_ADAPTER, /* bidders again, as Prebid calls them */
	LABEL_ACCOUNT,
#define X(id, ...) LABEL_##id,
	PREBID_LABELS(X)
#undef X
		PBS_LABELS
};

extern const double pbs_metric_times[16]; /* seconds, for anything that waits on the network */
extern const double pbs_metric_std_times[10];
extern const double pbs_metric_cache_times[12], pbs_metric_prices[10], pbs_metric_queue_times[9];
extern const double pbs_metric_overheads[15], pbs_metric_sizes[12], pbs_metric_dial_times[13];

#define PBS_METRICS(X)                                                                                       \
	X(M_REQUESTS, METRIC_COUNTER, "requests_total", "HTTP requests answered", LABEL_ROUTE, LABEL_STATUS) \
	X(M_REQUEST_TIME, METRIC_HISTOGRAM(pbs_metric_times), "http_request_time_seconds",                   \
	  "From the headers' arrival to the reply", LABEL_ROUTE)                                             \
	X(M_IN_FLIGHT, METRIC_GAUGE, "auctions_in_flight", "Auctions not yet answered")                      \
	X(M_SHED, METRIC_COUNTER, "auctions_shed_total", "Auctions refused because too many were in flight") \
	X(M_IMPS, METRIC_COUNTER, "imps_total", "Impressions offered")                                       \
	X(M_BIDDER_CALLS, METRIC_COUNTER, "bidder_calls_total", "Bidders' part in auctions, by outcome",     \
	  LABEL_BIDDER, LABEL_OUTCOME)                                                                       \
	X(M_BIDDER_TIME, METRIC_HISTOGRAM(pbs_metric_times), "bidder_time_seconds",                          \
	  "From sending to the last reply of a bidder", LABEL_BIDDER)                                        \
	X(M_BIDS, METRIC_COUNTER, "bids_total", "Bids that reached the response", LABEL_BIDDER)              \
	X(M_ROUTER_CALLS, METRIC_COUNTER, "router_calls_total", "Routing of auctions, by result",            \
	  LABEL_ROUTED)                                                                                      \
	X(M_ROUTER_TIME, METRIC_HISTOGRAM(pbs_metric_times), "router_time_seconds", "Wait for the router")   \
	X(M_THROTTLED, METRIC_COUNTER, "bidder_calls_throttled_total",                                       \
	  "Calls left out because the bidder kept failing")                                                  \
	X(M_LIMITED, METRIC_COUNTER, "bidder_limited_total",                                                 \
	  "Calls (qps) and auctions (country, publisher) that a bidder's limits left out", LABEL_BIDDER,     \
	  LABEL_LIMIT)                                                                                       \
	X(M_CALLS_SAVED, METRIC_COUNTER, "bidder_calls_saved_total", "Bidders the router left out")          \
	X(M_PRIVACY_RULES, METRIC_COUNTER, "privacy_rules_total",                                            \
	  "Bidders to which a privacy rule applied, by rule", LABEL_RULE)                                    \
	X(M_PRIVACY_REFUSED, METRIC_COUNTER, "privacy_refused_total",                                        \
	  "Requests refused because of their privacy signals")                                               \
	X(M_GVL_MISSING, METRIC_COUNTER, "vendor_list_missing_total",                                        \
	  "Auctions whose consent was made for a vendor list that is not at hand")                           \
	X(M_GVL_FETCHES, METRIC_COUNTER, "vendor_list_fetches_total", "Vendor lists asked for, by result",   \
	  LABEL_GVL)                                                                                         \
	X(M_GVL_LISTS, METRIC_GAUGE, "vendor_lists", "Versions of the vendor list at hand")                  \
	X(M_EVENTS, METRIC_COUNTER, "events_total", "Auction events for the router, by fate", LABEL_EVENT)   \
	X(M_SPANS, METRIC_COUNTER, "spans_total", "Spans for the collector, by fate", LABEL_SPAN)            \
	X(M_NOTIFICATIONS, METRIC_COUNTER, "notifications_total", "Calls of /event that counted, by type",   \
	  LABEL_NOTIFICATION)                                                                                \
	X(M_CACHE_CALLS, METRIC_COUNTER, "cache_calls_total", "Calls of the built-in Prebid Cache",          \
	  LABEL_CACHE_OP, LABEL_CACHE_RESULT)                                                                \
	X(M_FILE_LINES, METRIC_COUNTER, "analytics_file_lines_total",                                        \
	  "Lines for analytics.file, by fate: dropped = too many waited, failed = the disk did not take "    \
	  "them",                                                                                            \
	  LABEL_FILE_LINE)                                                                                   \
	X(M_EVENTS_WAITING, METRIC_GAUGE, "events_waiting", "Auction events not yet delivered")              \
	PREBID_METRICS(X)

enum pbs_metric { PBS_METRICS(METRIC_ENUM) PBS_METRIC_COUNT };

/* Values of LABEL_STATUS, LABEL_EVENT and LABEL_GVL; LABEL_OUTCOME is enum bidder_outcome, LABEL_ROUTED enum
 * unrouted, LABEL_RULE enum privacy_rule, LABEL_SPAN enum otlp_fate. */
enum pbs_status { STATUS_2XX, STATUS_3XX, STATUS_4XX, STATUS_5XX, STATUS_CLIENT_LEFT, STATUS_VALUES };
enum pbs_event { EVENT_SENT, EVENT_RETRIED, EVENT_REFUSED, EVENT_DROPPED, EVENT_VALUES };
enum pbs_limit { LIMIT_QPS, LIMIT_COUNTRY, LIMIT_PUBLISHER, LIMIT_VALUES };
enum pbs_gvl { GVL_FETCHED, GVL_NOT_MODIFIED, GVL_FAILED, GVL_VALUES };

enum { NOTIFICATION_TYPES = 3 }; /* imp, win, vast */

#define PBS_SYNC_STATUSES(X)                                                                                 \
	X(OK, "ok")                                                                                          \
	X(BAD_REQUEST, "bad_request")                                                                        \
	X(OPT_OUT, "opt_out")                                                                                \
	X(GDPR_HOST, "gdpr_blocked_host_cookie")                                                             \
	X(ACCT_BLOCKED, "acct_blocked")                                                                      \
	X(ACCT_MALFORMED, "acct_config_malformed")                                                           \
	X(ACCT_INVALID, "acct_invalid")                                                                      \
	X(SYNCER_UNKNOWN, "syncer_unknown")

enum pbs_sync_status {
#define X(id, text) SYNC_STATUS_##id,
	PBS_SYNC_STATUSES(X)
#undef X
		SYNC_STATUS_VALUES
};

enum pbs_syncer_fate {
	SYNCER_OK,
	SYNCER_PRIVACY_BLOCKED,
	SYNCER_ALREADY_SYNCED,
	SYNCER_REJECTED_BY_FILTER,
	SYNCER_FATES
};
enum { SUCCESS_TRUE, SUCCESS_FALSE, SUCCESS_VALUES };
enum { FILE_LINE_WRITTEN, FILE_LINE_DROPPED, FILE_LINE_FAILED, FILE_LINE_FATES };
enum { CACHE_HIT, CACHE_MISS, CACHE_FATES };
enum { FETCH_ALL, FETCH_DELTA, FETCH_TYPES };
enum { STORED_ERROR_NETWORK, STORED_ERROR_UNDEFINED, STORED_ERRORS };
enum { CACHE_OP_PUT, CACHE_OP_GET, CACHE_OPS };
enum {
	CACHE_RESULT_OK,
	CACHE_RESULT_TIMEOUT,
	CACHE_RESULT_UNREACHABLE,
	CACHE_RESULT_BUSY,
	CACHE_RESULT_ERROR,
	CACHE_RESULTS
};
enum pbs_syncer_set { SYNCER_SET_OK, SYNCER_SET_CLEARED, SYNCER_SETS };

struct bidder_set;
struct http_route;
struct pbs_config;
struct syncer;

/* `routes` names label values and must outlive the set. There is room for more bidders than `n_bidders`, which
 * a reload may bring. */
struct metrics_set *pbs_metrics_new(const struct http_route *routes, size_t n_routes, size_t n_bidders,
				    size_t max_accounts);
/* Leaves out of /metrics the families that the host's metrics.disabled_metrics names. */
void pbs_metrics_hide(struct metrics_set *set, const struct pbs_config *config);
/* Numbers the set's bidders, each as it was numbered before, and knows their syncers' keys. Beyond
 * pbs_metrics_max_bidders() names, "other" stands for the rest. Before the set is published. */
void pbs_metrics_name_bidders(struct bidder_set *set);
size_t pbs_metrics_max_bidders(void);
unsigned pbs_metrics_syncer(const struct syncer *s); /* value of LABEL_SYNCER: its key */
/* Value of LABEL_ACCOUNT; from any thread. The first accounts get their own, the rest and those that nobody knows (the
 * empty text) share one. */
unsigned pbs_metrics_account(struct str id);
void pbs_metrics_free(struct metrics_set *set);

#endif
