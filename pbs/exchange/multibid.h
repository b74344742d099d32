/* How many bids per imp a bidder may have in the ad server's targeting: `ext.prebid.multibid`, which validation
 * (pbs/openrtb/multibid.h) has put in order.
 *
 * It never limits how many bids are returned.
 *
 * Source  Prebid Server's multibid. Repaired: request aliases are honoured.
 */
#ifndef PBS_EXCHANGE_MULTIBID_H
#define PBS_EXCHANGE_MULTIBID_H

#include <jansson.h>

#include "common/arena.h"
#include "common/str.h"

struct multibid_entry {
	struct str bidder;
	unsigned max_bids; /* 1..9 */
	struct str prefix; /* empty: only the first bid gets targeting */
};

struct multibid {
	const struct multibid_entry *entries;
	size_t n;
};

/* One entry per bidder that the array names. `list` may be NULL and is borrowed. */
void multibid_read(const json_t *list, struct arena *a, struct multibid *ret_mb);

/* The entry of a bidder, any case; NULL when there is none (one bid). */
const struct multibid_entry *multibid_find(const struct multibid *mb, struct str bidder);

#endif
