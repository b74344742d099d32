/* What an auction that has ended adds to the metrics.
 *
 * Pure but for the counters, which are the worker's own. Nothing is counted twice: network facts are counted where they
 * are known (fanout.c), what goes into a cache by the cache, and everything else here.
 */
#ifndef PBS_EXCHANGE_TALLY_H
#define PBS_EXCHANGE_TALLY_H

#include "pbs/exchange/auction.h"
#include "pbs/exchange/creative_checks.h"

void tally_auction(const struct auction *a);             /* also one that was refused */
void tally_refused(const struct auction *a, int status); /* before it began */

/* For creative_policy.found; `auction` is a struct auction. */
void tally_creative(void *auction, const struct bid *bid, enum creative_finding what);

struct http_call_reply;
/* One call to a bidder: how its connection came to be, and how long the bidder took. */
void tally_call(const struct bidder_call *call, const struct http_call_reply *reply);

#endif
