/* What nexus-idr counts. One row a metric; the names come out under the namespace nexus_idr. */
#ifndef IDR_METRICS_H
#define IDR_METRICS_H

#include "common/metrics.h"

enum idr_label {
	LABEL_NONE,
	LABEL_ROUTE,
	LABEL_STATUS,
	LABEL_MODE,
	LABEL_REASON,
	LABEL_FATE,
	LABEL_LOGIN,
	IDR_LABELS
};

extern const double idr_metric_times[16]; /* seconds, from 5 microseconds on */

#define IDR_METRICS(X)                                                                                       \
	X(M_REQUESTS, METRIC_COUNTER, "requests_total", "HTTP requests answered", LABEL_ROUTE, LABEL_STATUS) \
	X(M_REQUEST_TIME, METRIC_HISTOGRAM(idr_metric_times), "request_time_seconds",                        \
	  "From the headers' arrival to the reply", LABEL_ROUTE)                                             \
	X(M_DECISIONS, METRIC_COUNTER, "decisions_total", "Auctions routed, by mode", LABEL_MODE)            \
	X(M_DECISION_TIME, METRIC_HISTOGRAM(idr_metric_times), "decision_time_seconds",                      \
	  "Time of the decision itself")                                                                     \
	X(M_CONFIGURED, METRIC_COUNTER, "bidders_configured_total", "Bidders that could have been called")   \
	X(M_SELECTED, METRIC_COUNTER, "bidders_selected_total", "Bidders that were named to be called")      \
	X(M_VERDICTS, METRIC_COUNTER, "verdicts_total", "Bidders judged, by reason", LABEL_REASON)           \
	X(M_EVENTS, METRIC_COUNTER, "events_total", "Events accepted, duplicates included")                  \
	X(M_DUPLICATES, METRIC_COUNTER, "events_duplicate_total", "Events that were recorded before")        \
	X(M_BAD_EVENTS, METRIC_COUNTER, "events_bad_total", "Events refused for what they said")             \
	X(M_SHED, METRIC_COUNTER, "events_shed_total", "Bodies of events refused with 503")                  \
	X(M_SPANS, METRIC_COUNTER, "spans_total", "Spans for the collector, by fate", LABEL_FATE)            \
	X(M_UNPRICED, METRIC_COUNTER, "bids_unpriced_total", "Bids in a currency that has no rate")          \
	X(M_LOGINS, METRIC_COUNTER, "logins_total", "Attempts to log in, by what became of them", LABEL_LOGIN)

enum idr_metric { IDR_METRICS(METRIC_ENUM) IDR_METRIC_COUNT };

enum idr_status_class { STATUS_2XX, STATUS_3XX, STATUS_4XX, STATUS_5XX, STATUS_CLIENT_LEFT, STATUS_VALUES };
enum idr_login { LOGIN_OK, LOGIN_WRONG, LOGIN_LIMITED, LOGIN_BUSY, LOGIN_VALUES };

struct metrics_set *idr_metrics_new(void);
void idr_metrics_free(struct metrics_set *set);

#endif
