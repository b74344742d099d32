/* Which bids may take part: the seat they name, the currency they come in, the members they must have.
 *
 * Source  Prebid Server's bid validation. An unknown imp is no reason to refuse a bid here, as there. Added:
 * an optional highest price, against bids that are mistakes.
 */
#ifndef PBS_EXCHANGE_VALIDATE_BID_H
#define PBS_EXCHANGE_VALIDATE_BID_H

#include <jansson.h>
#include <stdbool.h>

#include "common/errtext.h"
#include "pbs/exchange/bid.h"
#include "pbs/exchange/messages.h"

/* Whether `bidder` may bid as `seat`. `codes` is `alternatebiddercodes` of the request, else of the account,
 * and may be NULL. When not, `why` is the text for a WARN_ALTERNATE_CODE under the bidder. */
bool validate_bid_seat(const json_t *codes, struct str bidder, struct str seat, struct errtext *why);

/* Whether a seat's currency is one that the request takes; `cur` may be NULL (USD). */
bool validate_bid_currency(const json_t *cur, struct str seat_cur, struct errtext *why);

struct bid_limits {
	double max_price; /* 0: none; in the currency of the auction */
};

/* Drops the bid and files the message under its bidder when it may not take part. Returns whether it may. The
 * price is judged after adjustments; those messages are shown only in debug. */
bool validate_bid(struct bid *b, const struct bid_limits *limits, struct messages *m);

/* Both for a whole seat: wrong currency drops every bid. Sweeps the seat. */
void validate_bid_sweep_seat(struct seat *seat, const json_t *cur, const struct bid_limits *limits,
			     struct nonbids *nonbids, struct messages *m);

#endif
