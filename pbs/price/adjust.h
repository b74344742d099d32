/* Changes to bid prices that the publisher asked for: a factor per bidder, and rules per media type, bidder
 * and deal.
 *
 * Shapes  rules are {"mediatype":{"banner":{"acme":{"deal1":[{"adjtype":…,"value":…,"currency":…}]}}}} with
 * "*" as the wildcard of each level. Source  Prebid Server's bidadjustment package. Two repairs: only a bid
 * that a rule changed is lifted to the smallest price, and a static price in another currency is converted to
 * the seat's.
 */
#ifndef PBS_PRICE_ADJUST_H
#define PBS_PRICE_ADJUST_H

#include <jansson.h>
#include <stdbool.h>

#include "common/arena.h"
#include "common/str.h"
#include "pbs/price/currency.h"

/* The factor for a seat, else for its bidder, else 1. Keys are compared ignoring case. */
double adjust_factor(const json_t *factors, struct str seat, struct str bidder);

/* Whether the object `bidadjustments` may be used at all; NULL is fine. */
bool adjust_rules_are_valid(const json_t *bidadjustments);

struct adjust_rules {
	const json_t *by_media; /* NULL: no rules */
};

/* Request rules, and the account's where the request has no entry for the bidder and deal. Both must be
 * valid; the result lives in the arena. */
void adjust_rules_merge(const json_t *request, const json_t *account, struct arena *a,
			struct adjust_rules *ret_rules);

/* "banner", "audio", "native", "video-instream" or "video-outstream". `imp` is the bid's imp. */
struct str adjust_media_key(struct str bid_type, const json_t *imp);

/* The price in `cur` after the most specific rule. `bidder` is the name that was called, exact case; `dealid`
 * may be empty. */
double adjust_apply(const struct adjust_rules *rules, struct str media, struct str bidder, struct str dealid,
		    double price, struct str cur, const struct currency_rates *rates);

#endif
