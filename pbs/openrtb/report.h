/* What is wrong with a request: shorthands for filing it, and the answer to a request that is refused.
 *
 * Everything found before the auction starts is filed in the "general" bucket in the order in which it was
 * found. An error there is fatal: the request is refused and the client is told everything, warnings too.
 *
 * Source  Prebid Server's auction endpoint: one "Invalid request: …" line per finding; 503 for a blocked app
 *         or account, 500 for an account the host has broken, otherwise 400.
 */
#ifndef PBS_OPENRTB_REPORT_H
#define PBS_OPENRTB_REPORT_H

#include "common/buf.h"
#include "common/err.h"
#include "pbs/exchange/messages.h"

/* Files a fatal error and is ERR_INPUT, so that a check can end with `return refuse(…)`. */
#define refuse_as(m, code, ...)                                                                              \
	(messages_add((m), MESSAGE_ERROR, BUCKET_GENERAL, (code), __VA_ARGS__), (int)ERR_INPUT)
#define refuse(m, ...)           refuse_as((m), ERROR_PLAIN, __VA_ARGS__)
#define warn(m, code, ...)       messages_add((m), MESSAGE_WARNING, BUCKET_GENERAL, (code), __VA_ARGS__)
#define warn_debug(m, code, ...) messages_add((m), MESSAGE_DEBUG_WARNING, BUCKET_GENERAL, (code), __VA_ARGS__)

bool report_is_fatal(const struct messages *m);
int report_status(const struct messages *m);
void report_body(const struct messages *m, struct buf *b);

#endif
