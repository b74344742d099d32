/* From the price in a bidder's answer to the price that competes: rate, factor, rules.
 *
 * Source  Prebid Server's bidder layer: price = bid.price x factor x rate, then the adjustment rules. A rate
 * is chosen once per answer; when there is none, all bids of that answer are lost.
 */
#ifndef PBS_EXCHANGE_BID_PRICE_H
#define PBS_EXCHANGE_BID_PRICE_H

#include "common/errtext.h"
#include "pbs/exchange/bid.h"
#include "pbs/price/adjust.h"
#include "pbs/price/currency.h"

/* The first of the request's `cur` (array, may be NULL: USD) into which `bid_cur` (may be empty: USD) can be
 * converted. Otherwise ERR_NOTFOUND or ERR_INPUT and the message for `ext.errors`. */
int bid_price_target(const struct currency_rates *rates, struct str bid_cur, const json_t *cur,
		     struct str *ret_cur, double *ret_rate, struct errtext *why)
	__attribute__((warn_unused_result));

struct bid_price_rules {
	const struct currency_rates *rates;
	const json_t *factors;            /* ext.prebid.bidadjustmentfactors, may be NULL */
	const struct adjust_rules *rules; /* request and account merged */
};

/* Sets price, cur and their originals; b->seat and b->bidder must be set. `imp` is the bid's imp or NULL. */
void bid_price_apply(struct bid *b, const struct bid_price_rules *rules, struct str bid_cur, struct str cur,
		     double rate, const json_t *imp);

#endif
