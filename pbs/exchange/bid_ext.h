/* What a bid brought along in its `ext`: it must be an object that ours can be added to, and the metadata in it
 * are read into their types.
 *
 * Runs before winners are chosen, like the creative checks and for the same reason.
 *
 * Source  Prebid Server's making of bid.ext. An adapter's own metadata go before those that the bidder put into
 * ext.prebid.meta.
 */
#ifndef PBS_EXCHANGE_BID_EXT_H
#define PBS_EXCHANGE_BID_EXT_H

#include "pbs/exchange/bid.h"
#include "pbs/exchange/messages.h"

/* Sets `meta`, or drops the bid with a message under its seat. Sweeps the seats. */
void bid_ext_check_seats(struct seats *seats, struct nonbids *nb, struct messages *m);

#endif
