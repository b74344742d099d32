/* Cross-origin rules of Prebid Server: any origin may read, with credentials; GET, POST and HEAD only.
 * Beyond those, a page may send its API key as X-API-Key or Authorization.
 *
 * Source  the reference host's CORS handler as configured by Prebid Server.
 */
#ifndef COMMON_HTTP_CORS_H
#define COMMON_HTTP_CORS_H

#include <stdbool.h>

#include "common/http_server.h"

/* Adds the reply headers that this request earns. True when it was a preflight, which is answered then. */
bool http_cors_apply(struct http_request *req);

#endif
