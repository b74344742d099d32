/* Sparing bidders that are down: the worse a bidder did lately, the more of its calls are left out.
 *
 * Shapes  health is a moving average of failures over `window` calls, 0 (well) to 1; up to 0.2 nothing is left
 *         out, at 1 nine calls in ten.
 * Threads one per worker; pure but for the random draw.
 * Source  Prebid Server's bidder throttling. A call that ends in 5xx counts as one failure, where the
 *         reference counts it as a success too.
 */
#ifndef PBS_EXCHANGE_THROTTLE_H
#define PBS_EXCHANGE_THROTTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"

struct throttle;

struct throttle *throttle_new(size_t n_bidders, uint32_t window);
void throttle_free(struct throttle *t); /* NULL is fine */

/* How a call to the bidder of that index ended. */
void throttle_note(struct throttle *t, size_t bidder, bool failed);
bool throttle_skips(const struct throttle *t, size_t bidder, struct rng *rng);
double throttle_health(const struct throttle *t, size_t bidder);

#endif
