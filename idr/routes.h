/* Every path that nexus-idr answers, and what comes before the handlers: keys, rate limit, counting. */
#ifndef IDR_ROUTES_H
#define IDR_ROUTES_H

#include "common/http_server.h"

enum route_flags {
	ROUTE_NEEDS_KEY = 1,
	ROUTE_QUIET = 2,   /* not in the access log */
	ROUTE_SESSION = 4, /* a session does as well; to change anything it must be an admin's */
	ROUTE_VIEWER = 8,  /* the method is one that changes things, but this does not: viewers may */
	ROUTE_ADMIN = 16,  /* a session must be an admin's also to read this */
	ROUTE_KEY_OR_SESSION = ROUTE_NEEDS_KEY | ROUTE_SESSION,
};

enum { IDR_ROUTES_MAX = 64 };

extern const struct http_route idr_routes[];
extern const size_t idr_n_routes;

bool routes_before(struct http_request *req);
void routes_after(struct http_request *req);

#endif
