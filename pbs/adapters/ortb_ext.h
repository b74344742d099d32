/* request.ext.prebid as the reference writes it again, for the bidders that decode request.ext.
 *
 * Its members are those of pbs/openrtb/ext.h, which the server reads; a few are left out there when they are
 * unset though the reference writes them to bidders.
 */
#ifndef PBS_ADAPTERS_ORTB_EXT_H
#define PBS_ADAPTERS_ORTB_EXT_H

#include <jansson.h>

/* Adds to ext.prebid, decoded as ext_request_prebid, what is written though it is unset. `ext` is the
 * caller's own; what is below may be shared. */
void ortb_ext_request_defaults(json_t *ext);

#endif
