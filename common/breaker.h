/* A circuit breaker: stops asking somebody who does not answer, and finds out gently when it does again.
 *
 *   CLOSED     calls pass. `failures` in a row, or `failure_share` of at least `min_calls` in a window, open
 * it. OPEN       calls are refused for open_ms; that doubles, up to max_open_ms, each time a probe fails.
 *   HALF_OPEN  up to `probes` calls pass at a time; as many successes close it, one failure opens it again.
 *
 * Shapes  a call that may pass gets a ticket and hands it back exactly once, to _report or _abandon. Tickets
 * of an earlier state are recognised and ignored: a late answer of the closed days proves nothing. Threads
 * the owner's only.
 */
#ifndef COMMON_BREAKER_H
#define COMMON_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

struct breaker_rule {
	uint32_t failures;    /* in a row; 0 = never by this */
	double failure_share; /* 0..1; 0 = never by this */
	uint32_t min_calls;
	uint64_t window_ms;
	uint64_t open_ms, max_open_ms;
	uint32_t probes;
};

struct breaker {
	const struct breaker_rule *rule;
	enum breaker_state state;
	uint32_t era; /* changes with every change of state */
	uint32_t failures_in_row, calls, failed, probes_out, probes_ok;
	uint64_t window_start_ms, open_until_ms, open_ms;
	uint64_t opened, refused; /* totals, for metrics */
};

void breaker_init(struct breaker *b, const struct breaker_rule *rule); /* rule must outlive b */
bool breaker_allow(struct breaker *b, uint64_t now_ms, uint32_t *ret_ticket);
void breaker_report(struct breaker *b, uint32_t ticket, bool ok, uint64_t now_ms);
void breaker_abandon(struct breaker *b, uint32_t ticket); /* the call ended without a verdict */
const char *breaker_state_name(enum breaker_state s);     /* "closed", "open", "half_open" */

#endif
