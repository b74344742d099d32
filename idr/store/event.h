/* One auction's outcome, as it is kept: what /analytics was told, reduced to what is learned and counted.
 *
 * Units   money is US dollars CPM, converted when the event came in; ts_ms is milliseconds since 1970.
 * Owns    nothing: texts and the bidder array belong to the batch (or the store's replay) that lends the
 * event.
 */
#ifndef IDR_STORE_EVENT_H
#define IDR_STORE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"
#include "idr/core/context.h"
#include "idr/core/router.h"

enum { EVENT_BIDDERS = 512 /* of one auction */ };

/* Which side of an experiment an auction was on; decided by its id, so that every machine agrees. */
enum event_group {
	GROUP_ROUTED,
	GROUP_CONTROL,  /* held out to measure lift: everybody was called */
	GROUP_AUDIT,    /* everybody was called to learn */
	GROUP_UNROUTED, /* shadow, bypass, learning, or PBS did without us */
	EVENT_GROUPS
};
const char *event_group_name(enum event_group g);

/* The other experiment: floors that we computed, and the share of requests that goes without them. PBS draws the lot. */
enum event_floors { FLOORS_NO_LOT, FLOORS_APPLIED, FLOORS_SKIPPED, EVENT_FLOORS };
const char *event_floors_name(enum event_floors f); /* as on the wire; "" = no lot was drawn */
enum event_floors event_floors_find(struct str name);

struct event_bidder {
	struct str code;
	uint8_t status; /* enum outcome_status */
	bool selected;
	uint16_t bids, wins; /* over all imps */
	float cpm_usd;       /* highest bid on the main imp; 0 when it did not bid there */
	float revenue_usd;   /* sum of the winning bids' CPM, over all imps */
	float latency_ms;    /* negative = not told */
	float score;         /* routing_score; negative = not told */
};

struct event {
	int64_t seq; /* the journal's number; 0 before it is recorded */
	int64_t ts_ms;
	struct str auction_id, publisher;
	struct str country, device, format, size, os, browser, mode; /* for reports; "" = not told */
	uint8_t group, floors;                                       /* enum event_group, event_floors */
	uint16_t total_configured;
	struct context ctx;
	const struct event_bidder *bidders;
	size_t n_bidders;
	bool duplicate; /* written by store_append */
};

#endif
