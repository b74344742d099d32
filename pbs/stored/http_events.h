/* Stored data that a server of the host's tells us of: everything at the start, then what has changed since.
 *
 * Shapes  GET <endpoint>, afterwards with last-modified=<RFC 3339, UTC, of the last success>; the answer is a document
 *         of pbs/stored/updates.h.
 * Errors  a failure is logged and counted, and tried again after the interval; what is there stays.
 * Threads one worker's; the cache is shared.
 * Source  Prebid Server's http_events.
 */
#ifndef PBS_STORED_HTTP_EVENTS_H
#define PBS_STORED_HTTP_EVENTS_H

#include "common/http_client.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "pbs/stored/cache.h"

struct http_events;

struct http_events_options {
	const char *endpoint;
	uint32_t refresh_ms, timeout_ms;
	struct stored_cache *cache;
	struct metrics *metrics;
};

struct http_events *http_events_new(struct loop *loop, struct http_client *http,
				    const struct http_events_options *opt);
void http_events_free(struct http_events *e); /* NULL is fine */

#endif
