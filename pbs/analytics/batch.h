/* Events on their way to the router: kept in order, sent in batches, retried with back-off, dropped only when
 * the buffer is full, and flushed at shutdown.
 *
 * Shapes  an event is one line of JSON (idr_wire_write_event); a batch is NDJSON.
 * Units   flush_ms is the longest wait for a batch to fill; max_bytes bounds what waits, the batch under way
 * included. Errors  a batch that the router refuses (4xx other than 429) is dropped and counted, since it
 * would be refused again; any other failure is retried after 100 ms, doubling up to 10 s. Threads the
 * worker's own.
 */
#ifndef PBS_ANALYTICS_BATCH_H
#define PBS_ANALYTICS_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/http_client.h"
#include "common/metrics.h"
#include "pbs/analytics/sink.h"

struct analytics;

struct analytics_options {
	const char *url; /* of the service, without a path */
	const char *api_key;
	uint32_t batch_events, flush_ms;
	size_t max_bytes;
	struct metrics *metrics;
};

struct analytics *analytics_new(struct loop *loop, struct http_client *http,
				const struct analytics_options *opt);
void analytics_free(struct analytics *a);

/* As one of those who are told; the sink is the batch and frees it. */
struct analytics_sink *analytics_sink_of(struct analytics *a);

struct idr_event;
void analytics_add(struct analytics *a, const struct idr_event *e);

/* From now on nothing waits for a batch to fill, and failures are retried at once, a few times. */
void analytics_flush(struct analytics *a);
bool analytics_is_idle(const struct analytics *a); /* nothing waits and nothing is under way */

#endif
