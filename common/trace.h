/* Which trace a request belongs to: the header `traceparent`, read from callers and written to whom we call.
 *
 * Shapes  "00-" 32 hex digits "-" 16 hex digits "-" 2 hex digits, in lower case; ids of nothing but zeros are invalid. A
 *         later version is read as far as it looks like this one. Ids are numbers here, most significant first.
 * Never   tracestate: it holds what other parties tell each other, and we pass on nothing that we do not understand.
 * Source  W3C Trace Context, Level 1.
 */
#ifndef COMMON_TRACE_H
#define COMMON_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/str.h"

enum { TRACEPARENT_TEXT = 55, TRACE_ID_TEXT = 32, TRACE_SPAN_TEXT = 16 };

struct trace {
	uint64_t id[2];  /* both 0: this request belongs to no trace */
	uint64_t span;   /* our own part of it; 0 until trace_begin() */
	uint64_t parent; /* the caller's part; 0: the trace begins here */
	bool sampled;    /* somebody keeps it */
};

static inline bool trace_is_set(const struct trace *t)
{
	return t->id[0] || t->id[1];
}

/* True and *ret_t written when `s` is a traceparent. */
bool trace_parse(struct str s, struct trace *ret_t);

/* Goes on with the caller's trace, or begins one where there is none (or what was sent is none). */
void trace_begin(struct trace *t, struct str traceparent, struct rng *rng);
uint64_t trace_new_span(struct rng *rng); /* never 0 */

/* For whom we call as `span`. NUL-terminated, as are the following. */
void trace_write_parent(const struct trace *t, uint64_t span, char ret_text[TRACEPARENT_TEXT + 1]);
void trace_write_id(const struct trace *t, char ret_text[TRACE_ID_TEXT + 1]);
void trace_write_span(uint64_t span, char ret_text[TRACE_SPAN_TEXT + 1]);

#endif
