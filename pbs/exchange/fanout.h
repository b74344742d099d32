/* Calling the bidders of one auction, all at once, until the deadline.
 *
 * Fan-out keeps one counter (auction.calls_open) and one function that settles a call, whether it answered,
 * failed or ran out of time; the last settle enters JUDGE. A reply is parsed when it arrives, while the
 * others are still awaited.
 *
 * Source  Prebid Server's exchange: outcomes per call and their codes.
 */
#ifndef PBS_EXCHANGE_FANOUT_H
#define PBS_EXCHANGE_FANOUT_H

#include <stdbool.h>

struct auction;
struct bidder_run;
struct bidder_call;
struct bidder_reply;
struct adapter_reply;

/* Builds the run's HTTP calls from its request; messages and non-bids are filed. */
void fanout_prepare(struct bidder_run *run);

/* Sends the calls of all runs. True when at least one is under way: JUDGE is entered by the last one settled.
 */
bool fanout_start(struct auction *a);

/* Lets the bidder's adapter read a reply; its errors and non-bids are filed. */
const struct bidder_reply *fanout_parse(struct bidder_call *call, struct adapter_reply *reply);

#endif
