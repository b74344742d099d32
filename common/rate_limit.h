/* How often somebody may do something: a token bucket per key, in one bounded table for all threads.
 *
 * Shapes  a key is any 64-bit hash (str_hash of an API key's name or an address). A rule's rate may differ
 *         from call to call, as after a reload; 0 per second means no limit.
 * Units   now_us is monotonic microseconds.
 * Threads any; no locks. Calls that race for a slot may count one event too few, never crash or stall.
 */
#ifndef COMMON_RATE_LIMIT_H
#define COMMON_RATE_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rate_limit;

struct rate_limit_rule {
	double per_second;
	double burst; /* how many at once after a pause; below 1 counts as 1 */
};

struct rate_limit *rate_limit_new(size_t max_keys, uint64_t seed);
struct rate_limit *rate_limit_free(struct rate_limit *t);

/* True when the event may happen, and it is counted; else *ret_wait_ms says when to come back (at least 1),
 * and nothing is counted. */
bool rate_limit_take(struct rate_limit *t, uint64_t key, const struct rate_limit_rule *rule, uint64_t now_us,
		     uint32_t *ret_wait_ms);

#endif
