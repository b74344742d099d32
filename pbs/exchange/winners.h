/* Who wins each imp, and in which order a seat's bids for an imp count.
 *
 * Ranking is one sort over all bids; imps, seats and ranks are then neighbours in one array.
 *
 * Source  Prebid Server: the higher converted price wins, the raw price and not its bucket; with preferdeals
 * a deal beats any bid without. Equal prices: the first arrival wins, where the reference tosses a coin.
 */
#ifndef PBS_EXCHANGE_WINNERS_H
#define PBS_EXCHANGE_WINNERS_H

#include <stdbool.h>

#include "pbs/exchange/bid.h"

struct ranked {
	struct bid *bid;
	unsigned rank; /* 1 = the seat's best for this imp */
};

struct ranking {
	const struct ranked *bids; /* grouped by imp, then by seat, then by rank */
	size_t n;
};

/* Sets `winner` of every bid. With bid_limit > 0 each seat keeps its best bids per imp; the others are
 * dropped silently and swept out of their seats. Bids compete by impid, whether or not the request has such
 * an imp. */
void winners_choose(struct seats *seats, bool prefer_deals, unsigned bid_limit, struct arena *a,
		    struct ranking *ret_ranking);

#endif
