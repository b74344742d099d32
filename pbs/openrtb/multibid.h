/* ext.prebid.multibid: how many bids of a bidder get targeting. Entries that cannot be used are dropped or
 * repaired, each with a warning.
 *
 * Source  Prebid's multibid validation; 1 to 9 bids, one entry per bidder.
 */
#ifndef PBS_OPENRTB_MULTIBID_H
#define PBS_OPENRTB_MULTIBID_H

#include <jansson.h>

#include "pbs/exchange/messages.h"

/* `prebid` must be the caller's own and decoded (ext.h). */
void multibid_normalise(json_t *prebid, struct messages *m);

#endif
