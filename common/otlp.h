/* Spans on their way to a collector: OTLP over HTTP in JSON, in batches, one at a time, and never in anybody's way. What
 * the collector does not take in time is dropped and counted; nothing waits for it.
 *
 * Shapes  POST {url}/v1/traces. Ids are hex, times are nanoseconds as text.
 * Units   start_us and end_us are microseconds since 1970; flush_ms is the longest wait for a batch to fill.
 * Errors  none to the caller. A batch is tried three times when the collector is away or says "later" (429, 502, 503, 504),
 *         any other refusal is final.
 * Owns    texts of a span are read inside otlp_add() only; those of the options must outlive it.
 * Threads the worker's own.
 * Source  OpenTelemetry protocol 1.x, and its mapping to JSON.
 */
#ifndef COMMON_OTLP_H
#define COMMON_OTLP_H

#include <stddef.h>

#include "common/buf.h"
#include "common/http_client.h"
#include "common/trace.h"

enum otlp_fate { OTLP_SENT, OTLP_REFUSED, OTLP_DROPPED, OTLP_FATES };
extern const char *const otlp_fate_names[OTLP_FATES];

struct otlp_options {
	const char *url;     /* of the collector, without a path */
	const char *headers; /* "name=value,name=value": what it asks for beside; "" = none */
	const char *service, *version;
	uint32_t flush_ms;
	size_t max_bytes; /* of what waits, and of the batch under way likewise */
	void (*count)(void *arg, size_t spans, enum otlp_fate fate);
	void *arg;
};

/* As the protocol numbers them. */
enum otlp_kind { OTLP_INTERNAL = 1, OTLP_SERVER = 2, OTLP_CLIENT = 3 };

struct otlp_attribute {
	const char *key;
	struct str text; /* p NULL: `number` counts */
	int64_t number;
};

struct otlp_span {
	const struct trace *trace;
	uint64_t id, parent; /* parent 0: the trace begins with it */
	struct str name;
	enum otlp_kind kind;
	uint64_t start_us, end_us;
	const struct otlp_attribute *attributes;
	size_t n_attributes;
	bool failed;
};

struct otlp;

/* Whether `url` may be that of a collector. */
int otlp_check_url(const char *url, struct errtext *why);
struct otlp *otlp_new(struct loop *loop, struct http_client *http, const struct otlp_options *opt);
void otlp_free(struct otlp *o);
void otlp_add(struct otlp *o, const struct otlp_span *s);
void otlp_flush(
	struct otlp *o); /* from now on nothing waits for a batch to fill, and every batch has one try */
bool otlp_is_idle(const struct otlp *o);

/* One span, as it stands in a batch. */
void otlp_write_span(struct buf *b, const struct otlp_span *s);

#endif
