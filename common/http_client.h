/* HTTP exchanges with upstreams, driven by the calling worker's loop. One http_client per worker.
 *
 * Shapes  url is absolute; body may be empty. The reply's bytes and headers are valid only inside `done`.
 * Units   timeout_ms counts from now, 1..120000. Sizes are bytes.
 * Errors  http_client_start: ERR_LIMIT when max_open calls are out, ERR_INPUT for a bad URL, ERR_DENIED for
 *         an address that the call's policy forbids; `done` is then never called. Otherwise `done` is
 *         called exactly once, from the loop, never from inside start: reply->err is 0 with a status, or
 *         ERR_TIMEOUT, ERR_UNREACHABLE, ERR_UPSTREAM (reset, malformed, half a reply, TLS), ERR_LIMIT
 *         (reply over max_reply_bytes), ERR_DENIED (a name that resolves to a forbidden address).
 *         What a redirect leads to is chosen by whoever answered: it is denied when it leads from a public
 *         address to a private one (loopback, link-local, a cloud's metadata service, ...), whatever the call
 *         allows. Addresses are judged when they are resolved, before anything is sent.
 * Owns    the caller keeps *call and everything the request points to (url, body, headers) alive until
 *         `done` or http_client_cancel(), which is synchronous and idempotent; after it `done` does not
 *         come.
 * Source  libcurl multi socket API. A multi handle is dear beyond a few hundred transfers, so a client
 *         spreads its calls over several, by `affinity`, so that a host's connections are found again (see
 *         docs/performance.md).
 */
#ifndef COMMON_HTTP_CLIENT_H
#define COMMON_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/loop.h"
#include "common/str.h"

struct http_client;
struct http_call;
struct sockaddr;

struct http_client_options {
	size_t max_open;             /* calls at once, all hosts together; 0 = 20000 */
	size_t multis;               /* 0 = 32 */
	size_t max_idle_connections; /* kept for reuse, all multis together; 0 = 8000 */
	bool verify_tls;
	bool allow_private_addresses;                  /* also where outsiders choose, see below */
	bool (*is_private)(const struct sockaddr *sa); /* NULL = http_address_is_private() */
	const char *ca_file;                           /* trusted beside the system's; NULL = none */
	const char *user_agent;                        /* NULL = none is sent */
};

struct http_header {
	struct str name, value;
};

struct http_call_request {
	const char *method; /* "GET", "POST", "PUT" */
	const char *url;
	const struct http_header *headers;
	size_t n_headers;
	struct str body;
	bool gzip; /* compress the body and say so in Content-Encoding */
	bool follow_redirects;
	bool deny_private_addresses; /* the address is an outsider's choice: it must be public, and so must
					every redirect's */
	size_t max_reply_bytes;      /* of the decompressed body; 0 = 1 MiB */
	uint32_t timeout_ms;
	uint64_t affinity; /* calls with the same value share connections; 0 = hash of scheme and host */
};

struct http_call_reply {
	int err; /* 0 = a complete reply came */
	int status;
	struct str body;        /* decompressed */
	const char *error_text; /* libcurl's words when err != 0 */
	/* Durations; 0 = it did not happen: to look up the name, to shake hands for TLS, to be connected altogether, from
	 * there to the first byte of the reply, and the whole call. */
	uint64_t lookup_us, tls_us, connect_us, first_byte_us, total_us;
	bool reused_connection;
};

struct http_call {
	void (*done)(struct http_call *call, const struct http_call_reply *reply);
	struct http_transfer *transfer; /* the client's own; NULL when not under way */
};

/* NULL when TLS is to be verified and the certificates cannot be read. */
struct http_client *http_client_new(struct loop *loop, const struct http_client_options *opt);
void http_client_free(struct http_client *c); /* cancels what is open */

int http_client_start(struct http_client *c, struct http_call *call, const struct http_call_request *req);
void http_client_cancel(struct http_client *c, struct http_call *call);
size_t http_client_open_calls(const struct http_client *c);

/* A header of the reply, inside `done` only; the empty text when it was not sent. */
struct str http_call_reply_header(const struct http_call *call, const char *name);

#endif
