/* Full-screen banners: the concrete sizes a bidder may answer with.
 *
 * An app says how much of the screen an interstitial must cover at least; the banner's formats become the ten
 * most useful common sizes between that and the screen.
 *
 * Errors  ERR_INPUT, filed in `m`.
 * Source  Prebid Server's interstitial support (device.ext.prebid.interstitial).
 */
#ifndef PBS_OPENRTB_INTERSTITIAL_H
#define PBS_OPENRTB_INTERSTITIAL_H

#include <jansson.h>

#include "pbs/exchange/messages.h"

/* `req` must be the caller's own. */
int interstitial_fill(json_t *req, struct messages *m);

#endif
