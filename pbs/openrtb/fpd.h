/* First-party data: what a publisher tells about its site, app and users, and to which bidders.
 *
 * ext.prebid.data.bidders, when present, names the bidders that may see the global data ({site,app,user}.ext.
 * data, user.data, {site,app}.content.data); the others get the request without it, whatever else is
 * configured for them. ext.prebid.bidderconfig lays objects over what the named bidders get.
 *
 * Shapes  bidder names match in any case. An overlay merges objects deeply and replaces arrays and scalars;
 *         null clears an object or an array only; `ext` is merged as a JSON merge patch.
 * Errors  ERR_INPUT with one message, code 2, that joins every finding with commas.
 * Owns    results live on the arena given to fpd_prepare(); the request is only read.
 * Source  Prebid's first-party data rules; unlike the reference they hold for DOOH requests too.
 */
#ifndef PBS_OPENRTB_FPD_H
#define PBS_OPENRTB_FPD_H

#include <jansson.h>
#include <stdbool.h>

#include "pbs/exchange/messages.h"

/* The parts of a request that depend on the bidder; NULL where the request has none. */
struct fpd_parts {
	json_t *site, *app, *user, *device;
};

struct fpd_bidder {
	struct fpd_bidder *next;
	struct str bidder;
	struct fpd_parts parts;
	bool sets_eids; /* the configuration brought eids of its own */
};

struct fpd {
	struct fpd_parts everybody;
	struct fpd_bidder *special; /* those who get something else */
};

int fpd_prepare(const json_t *req, struct arena *a, struct messages *m, struct fpd *ret_fpd);

/* What `bidder` gets; *ret_sets_eids tells whether user.eids are exempt from the permissions. */
const struct fpd_parts *fpd_for(const struct fpd *fpd, struct str bidder, bool *ret_sets_eids);

/* `base` with `over` laid over it: a new reference. `base` may be NULL. */
json_t *fpd_overlay(const json_t *base, const json_t *over);

#endif
