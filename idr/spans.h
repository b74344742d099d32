/* What the router does with a request, as a span for the collector: a part of the trace that the caller named, exported when
 * the caller's flags say that somebody keeps it.
 *
 * Shapes  the route's name, the HTTP status and a few counts; never names of people, addresses or prices.
 * Never   for callers that are not let in: they could fill the collector.
 * Owns    nothing; without a collector nothing is done.
 */
#ifndef IDR_SPANS_H
#define IDR_SPANS_H

#include "common/http_server.h"
#include "common/otlp.h"

struct idr_worker;

/* The worker's way to the collector, where one is configured. */
int spans_start(struct idr_worker *w, struct errtext *why);
/* False while some are under way: at the end nothing waits for a batch to fill, and each is tried once. */
bool spans_are_sent(struct idr_worker *w);
void spans_stop(struct idr_worker *w);

/* Once the caller is let in. */
void spans_begin(struct http_request *req);
/* Before the answer is sent: the span with what is known of it. */
void spans_add(struct http_request *req, int status, const struct otlp_attribute *attributes, size_t n);
/* When the request has ended: its span, unless it was added. */
void spans_end(struct http_request *req);

#endif
