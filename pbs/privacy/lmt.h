/* "Limit ad tracking" on iOS: from version 14 on the flag of the request is not to be trusted, since the
 * consent prompt of App Tracking Transparency decides.
 *
 * Source  Prebid Server's iOS rule for /openrtb2/auction: 14.0 and 14.1 look at the advertising id, 14.2 and
 *         later at device.ext.atts.
 */
#ifndef PBS_PRIVACY_LMT_H
#define PBS_PRIVACY_LMT_H

#include <jansson.h>
#include <stdbool.h>

/* True and *ret_lmt (0 or 1) written when device.lmt has to be overwritten. */
bool lmt_ios(const json_t *request, int *ret_lmt);

#endif
