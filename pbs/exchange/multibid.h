/* How many bids per imp a bidder may have in the ad server's targeting: `ext.prebid.multibid`.
 *
 * It never limits how many bids are returned.
 *
 * Source  Prebid Server's multibid validation, texts included. Repaired: request aliases are honoured.
 */
#ifndef PBS_EXCHANGE_MULTIBID_H
#define PBS_EXCHANGE_MULTIBID_H

#include <jansson.h>

#include "common/arena.h"
#include "common/str.h"
#include "pbs/exchange/messages.h"

enum { MULTIBID_MAX_BIDS = 9 };

struct multibid_entry {
	struct str bidder;
	unsigned max_bids; /* 1..9 */
	struct str prefix; /* empty: only the first bid gets targeting */
};

struct multibid {
	const struct multibid_entry *entries;
	size_t n;
};

/* What remains of the array after validation; complaints go to "general". `list` may be NULL and is borrowed.
 */
void multibid_parse(const json_t *list, struct arena *a, struct messages *m, struct multibid *ret_mb);

/* The entry of a bidder, any case; NULL when there is none (one bid). */
const struct multibid_entry *multibid_find(const struct multibid *mb, struct str bidder);

/* What a bidder is told: its own entries as [{"bidder":…,"maxbids":…,"targetbiddercodeprefix":…}], also those
 * of names that it may bid as (`alternatebiddercodes`, may be NULL); NULL when there is none. The caller
 * takes the reference. */
json_t *multibid_render_for(const struct multibid *mb, struct str bidder, const json_t *alternate_codes);

#endif
