/* Which route a request takes, and the answers to those that take none.
 *
 * Source  the router of Prebid Server: 405 with Allow and 404 as plain text; a slash at the end or letters
 *         in the wrong case redirect to the route, with 301 for GET and 307 for the rest, so that a body is
 *         sent again.
 */
#ifndef COMMON_HTTP_ROUTE_H
#define COMMON_HTTP_ROUTE_H

#include "common/http_server.h"

enum http_method http_route_method(const char *name); /* 0 = none of those that the server knows */

/* By req->path and req->method; NULL when there is none, and then *ret_allowed (may be NULL) is the set of
 * methods that the path has routes for. */
const struct http_route *http_route_find(const struct http_route *routes, size_t n,
					 const struct http_request *req, unsigned *ret_allowed);
void http_route_reply_none(const struct http_route *routes, size_t n, struct http_request *req);

#endif
