/* What an auction needs of the worker that runs it. One per worker; everything reached from here is the
 * worker's own or immutable.
 */
#ifndef PBS_EXCHANGE_EXCHANGE_H
#define PBS_EXCHANGE_EXCHANGE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/snapshot.h"
#include "pbs/analytics/sink.h"

struct exchange {
	struct loop *loop;
	struct http_client *http;
	struct snapshot_view bidders;    /* struct bidder_set; auctions hold the one they began with */
	struct floors_fetch *floors;     /* fetched floors */
	struct throttle *throttle;       /* how bidders did lately; NULL = nobody is spared */
	struct rate_limit *bidder_rates; /* calls by bidder, shared by all workers */
	struct rates *rates;             /* the host's exchange rates */
	const json_t *default_request;   /* laid under every request; NULL = none */
	struct cache *cache;             /* our own Prebid Cache; NULL = we keep none */
	struct stored *stored;
	struct privacy_accounts *privacy_accounts;
	struct vendor_lists *vendor_lists; /* shared by all workers */
	struct idr_client *idr;            /* NULL = routing is off */
	struct analytics_sinks sinks;      /* who is told of what has happened */
	struct otlp *spans;                /* NULL = no collector gets any */
	struct metrics *metrics;
	struct rng rng;
	size_t open_auctions;
};

#endif
