/* ext.prebid of requests and bids as the reference's types read and write it, for the bidders that decode it.
 *
 * A request's members are those of pbs/openrtb/ext.h, which the server reads; a few are left out there when
 * they are unset though the reference writes them to bidders.
 */
#ifndef PBS_ADAPTERS_ORTB_EXT_H
#define PBS_ADAPTERS_ORTB_EXT_H

#include <jansson.h>

#include "pbs/openrtb/typed.h"

/* Adds to ext.prebid, decoded as ext_request_prebid, what is written though it is unset. `ext` is the
 * caller's own; what is below may be shared. */
void ortb_ext_request_defaults(json_t *ext);

extern const struct typed_struct ortb_ext_bid_prebid; /* bid.ext.prebid, as bidders answer with it */
extern const struct typed_struct ortb_ext_bid_meta;   /* … and its meta */

#endif
