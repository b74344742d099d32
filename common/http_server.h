/* An HTTP/1.1 server over libmicrohttpd, run by a worker's loop. One http_server per worker, all on one
 * port.
 *
 * A route's handler is called once, when the whole body is there (decompressed, within the cap). It leads
 * to exactly one http_reply*(), from inside the handler or later; a connection whose handler returned
 * without a reply is suspended until the reply comes. Answered before any handler: 404, 405 with Allow,
 * 413, 414 for more than 200 arguments, 415, 400 for a broken gzip body, 431, 408 for slow senders, CORS preflights.
 *
 * Shapes  everything reached through `struct http_request` lives in req->arena, which is freed once the
 *         reply is out.
 * Threads the worker's own.
 */
#ifndef COMMON_HTTP_SERVER_H
#define COMMON_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/errtext.h"
#include "common/loop.h"
#include "common/str.h"
#include "common/trace.h"

struct http_server;
struct http_request;

enum http_method {
	HTTP_GET = 1,
	HTTP_HEAD = 2,
	HTTP_POST = 4,
	HTTP_PUT = 8,
	HTTP_DELETE = 16,
	HTTP_OPTIONS = 32
};

struct http_route {
	unsigned methods; /* set of enum http_method; GET answers HEAD too */
	const char *path; /* "/status"; with a trailing '*' it matches every longer path */
	void (*handle)(struct http_request *req);
	unsigned flags;        /* the service's own bits (auth, rate limit…), for its `before` */
	const char *name;      /* metric label */
	size_t max_body_bytes; /* 0 = the server's */
};

struct http_server_options {
	struct str host; /* "::" (dual stack), "0.0.0.0", "127.0.0.1"… */
	uint16_t port;   /* 0 = any free one */
	const struct http_route *routes;
	size_t n_routes;
	size_t max_body_bytes; /* of the decompressed body */
	size_t max_connections;
	size_t max_header_bytes;  /* about; it is the memory of a connection. 0 = 32768 */
	uint32_t idle_timeout_ms; /* of a connection between requests; a request must be whole within as much
				   */
	bool gzip_requests, gzip_replies;
	size_t gzip_min_bytes;
	bool cors;     /* Prebid Server's CORS rules */
	bool no_store; /* Cache-Control, Pragma and Expires on replies that do not set Cache-Control
			  themselves */
	void *ctx;     /* what http_request_ctx() gives: the worker's state */
	/* Runs before the handler once headers and body are there; false = it replied itself (401, 429, 503).
	 * May be NULL. */
	bool (*before)(struct http_request *req);
	/* Runs when the server itself refuses a request to a route: 413 "request size exceeded max size of %d
	 * bytes.", 415 "Content-Encoding of type %s is not supported", 400 "gzip: invalid header". True = it
	 * replied in its own words; otherwise {"error":why} is sent. May be NULL. */
	bool (*reject)(struct http_request *req, int status, const char *why);
	/* Runs when a connection was accepted and when it has ended. May be NULL. */
	void (*connection)(void *ctx, bool opened);
	/* Runs when the reply is out or the client is gone; for the access log and counters. May be NULL. */
	void (*after)(struct http_request *req);
};

struct http_request {
	struct arena *arena;
	const struct http_route *route;
	enum http_method method;
	struct str path, query; /* query: raw, without '?' */
	struct str body;
	struct str peer_ip; /* of the TCP peer, "10.0.0.1" or "2001:db8::1" */
	char id[65]; /* X-Request-ID: the caller's when well formed (1..64 of [A-Za-z0-9._-]), else a new UUID
		      */
	struct trace trace;  /* the service's `before` fills it; not set: none */
	uint64_t arrived_us; /* loop_now_us() when the headers were complete */
	int status;          /* of the reply; 0 before there is one */
	size_t reply_bytes;
	const void *service; /* the service's own, from its `before` on */
	void *user;          /* the handler's own */
};

struct http_server *http_server_new(struct loop *loop, const struct http_server_options *opt,
				    struct errtext *why);
uint16_t http_server_port(const struct http_server *s);
void http_server_stop_listening(
	struct http_server *s); /* accepted connections go on; Connection: close from now on */
/* Ends the connections on which nothing is under way, so that their other ends look for another server before they ask
 * again. False: requests are coming in on some, which are left alone. After stop_listening, before free: what comes in
 * between is answered with 503. */
bool http_server_close_idle(struct http_server *s);
size_t http_server_open_requests(const struct http_server *s); /* handed to a handler, reply not yet sent */
void http_server_free(struct http_server *s);                  /* with no open requests */

void *http_request_ctx(const struct http_request *req);
struct str http_request_header(const struct http_request *req, const char *name); /* empty when absent */
bool http_request_has_header(const struct http_request *req, const char *name);
struct str http_request_cookie(const struct http_request *req, const char *name);
/* Percent-decoded; *ret_found (may be NULL) tells an empty argument from a missing one. First of several. */
struct str http_request_arg(const struct http_request *req, const char *name, bool *ret_found);
/* Calls `each` for every argument in order, also repeated ones; decoded, in the arena. */
void http_request_args(const struct http_request *req,
		       void (*each)(void *ctx, struct str name, struct str value), void *ctx);

/* Adds a header to the coming reply; values with CR or LF are dropped. Both texts are copied. */
void http_reply_header(struct http_request *req, const char *name, struct str value);
/* `body` must stay valid until the request ends: arena or static memory. content_type NULL = none is sent. */
void http_reply(struct http_request *req, int status, const char *content_type, struct str body);
/* Takes the buffer's bytes without a copy. */
void http_reply_buf(struct http_request *req, int status, const char *content_type, struct buf *body);
/* {"error":"…"} */
void http_reply_error(struct http_request *req, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
