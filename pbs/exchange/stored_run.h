/* Stored responses in an auction: answers that take the place of bidders'.
 *
 * A stored auction response fills the seats by itself and no bidder is called; its bids are not judged or
 * adjusted, since a test of an ad setup wants them as they are. A stored bid response goes through the
 * bidder's own adapter as if it had come from the network.
 *
 * Source  Prebid's stored responses. Repaired: stored answers survive when the live imps of the same bidder
 *         produce no call; bids without a currency are compared with floors in the auction's.
 */
#ifndef PBS_EXCHANGE_STORED_RUN_H
#define PBS_EXCHANGE_STORED_RUN_H

struct auction;
struct bidder_run;

/* Reads the run's stored answers and takes their imps out of its request. Before fanout_prepare(). */
void stored_run_take(struct bidder_run *run);

/* Fills the seats from the auction responses. Negative, with the refusal set, when one cannot be read. */
int stored_run_auction(struct auction *a);

#endif
