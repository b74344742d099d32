/* Price floors in an auction: choose the data, write floors into the imps, reject bids below them.
 *
 * Active when host, account and request all agree. Fetching is somebody else's; what was fetched comes in.
 *
 * Source  Prebid Server's floors. Repaired: an imp without bidfloorcur is in USD; a group with only a default
 *         applies it; complaints about groups that were left out are shown; the notice that floors are off is
 * for debug only; the adjustment per bidder ignores case. The request cannot name a URL to fetch.
 */
#ifndef PBS_EXCHANGE_FLOORS_H
#define PBS_EXCHANGE_FLOORS_H

#include <jansson.h>
#include <stdbool.h>

#include "common/clock.h"
#include "pbs/exchange/bid.h"
#include "pbs/exchange/messages.h"
#include "pbs/price/currency.h"
#include "pbs/price/floors_data.h"

struct floors_account {
	bool enabled, use_dynamic_data, enforce_deal_floors;
	bool adjust_for_bid_adjustment; /* default true */
	int enforce_rate;               /* enforce_floors_rate, default 100 */
	struct floors_limits limits;    /* max_rules 100, max_schema_dims 3 */
};

/* From the account's `price_floors` (NULL: all defaults, which is off). */
void floors_account_parse(const json_t *price_floors, struct floors_account *ret_account);

struct floors_input {
	bool host_enabled;
	const struct floors_account *account;
	const struct floors_data *fetched; /* NULL: nothing is cached */
	const struct currency_rates *rates;
	struct rng *rng;
	struct arena *arena;
	struct messages *messages;
};

struct floors_state {
	bool active;
	bool skipped;     /* by skip rate: no floors, no enforcement */
	bool fetched_lot; /* fetched data with a skip rate: the lot decided, whichever way it fell */
};

/* Writes floors into the request, which must be the caller's own at the top; what lies below is unshared as
 * needed. Also writes ext.prebid.floors back, as chosen. */
void floors_signal(const struct floors_input *in, json_t *request, struct floors_state *ret_state);

/* What one bidder is told: every bidfloor divided by its factor. `request` is that bidder's own. */
void floors_adjust_for_bidder(json_t *request, double factor);

/* Notes the floor on every bid and drops those below, or whose floor cannot be compared; sweeps the seats.
 * `request` as after floors_signal(); its ext.prebid.floors.enforcement.enforcepbs is written. */
void floors_enforce(const struct floors_input *in, const struct floors_state *state, json_t *request,
		    struct seats *seats, struct nonbids *nb);

/* bid.ext.prebid.floors; NULL when there is nothing to say. The caller takes the reference. */
json_t *floors_render(const struct bid_floor *floor);

#endif
