/* Asking the router which bidders are worth calling. Fails open: every way in which the answer can be missing
 * is a named outcome, and the auction goes on with every bidder.
 *
 * Units   timeout_ms counts from the start of the call.
 * Errors  none. idr_client_ask either answers at once, or `done` comes exactly once from the loop.
 * Owns    the caller keeps the call, its request and the arena until then.
 */
#ifndef PBS_IDR_CLIENT_H
#define PBS_IDR_CLIENT_H

#include "common/arena.h"
#include "common/http_client.h"
#include "common/idr_wire.h"

/* Why the router's answer was or was not used; names are metric labels and stand in ext.debug.routing. */
enum unrouted {
	ROUTED,
	UNROUTED_DISABLED, /* routing is off */
	UNROUTED_NOBODY,   /* no bidder may be called, so there is nothing to ask */
	UNROUTED_BREAKER,  /* it failed too often; not asked */
	UNROUTED_TIMEOUT,
	UNROUTED_ERROR,   /* unreachable, reset, or a status other than 200 */
	UNROUTED_INVALID, /* garbage, or no bidder among those asked about */
	UNROUTED_VALUES
};
extern const char *const unrouted_names[UNROUTED_VALUES];

struct idr_client;

struct idr_client_options {
	const char *url;     /* of the service, without a path */
	const char *api_key; /* "" = none */
	uint32_t timeout_ms, breaker_failures, breaker_open_ms;
};

struct idr_call {
	/* `reply` is NULL unless `outcome` is ROUTED; it and its texts live in the arena */
	void (*done)(struct idr_call *call, enum unrouted outcome, const struct idr_route_reply *reply);
	struct str traceparent; /* sent along unless empty; lives as long as the call */
	/* the client's own */
	struct http_call http;
	struct http_header headers[3];
	struct idr_client *client;
	struct arena *arena;
	const struct idr_route_request *req;
	struct buf body;
	uint32_t ticket;
};

struct idr_client *idr_client_new(struct loop *loop, struct http_client *http,
				  const struct idr_client_options *opt);
void idr_client_free(struct idr_client *c);

/* ROUTED: the call is under way and `done` will come. Anything else is the outcome. */
enum unrouted idr_client_ask(struct idr_client *c, struct idr_call *call, struct arena *arena,
			     const struct idr_route_request *req);

#endif
