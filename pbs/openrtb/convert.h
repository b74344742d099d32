/* Between OpenRTB 2.6 and its elders, which kept several members in extensions.
 *
 * Requests are brought to 2.6 once, when they come in; each bidder that speaks 2.5 gets them moved back.
 *
 * Shapes  a new place that is set already wins over the old one; the old one is always cleared.
 * Errors  ERR_INPUT, filed in `m`, when an extension cannot be read.
 * Owns    both change the tree in place, copying the parts that are shared; the root must be the caller's
 * own. Source  OpenRTB 2.6 change log; Prebid Server's up- and down-conversion.
 */
#ifndef PBS_OPENRTB_CONVERT_H
#define PBS_OPENRTB_CONVERT_H

#include <jansson.h>

#include "pbs/exchange/messages.h"
#include "pbs/openrtb/validate.h"

int convert_up(json_t *req, struct messages *m);
void convert_down(json_t *req);

/* For a bidder that reads no GPP strings: says in the old members what the string says. */
void convert_gpp_down(json_t *req, const struct gpp_sections *gpp);

#endif
