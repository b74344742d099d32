/* `ext.prebid.modules`: what the router did, told the way Prebid tells about its hooks.
 *
 * The router is the one hook of this server: it runs at the stage that Prebid calls
 * processed_auction_request. Errors are shown in debug only, the trace only to requests with ext.prebid.trace.
 */
#ifndef PBS_EXCHANGE_MODULES_H
#define PBS_EXCHANGE_MODULES_H

#include <jansson.h>

struct auction;

json_t *modules_render(const struct auction *a); /* a new reference; NULL when there is nothing to tell */

#endif
