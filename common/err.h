/* The one list of error codes, and what each means to an HTTP client and to the metrics.
 *
 * Fallible functions return 0 or a negative `enum err`. Expected outcomes (no bid, below floor, no consent)
 * are values of their own module, never errors.
 */
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

enum err {
	ERR_INPUT = -1,        /* the caller's bytes are wrong */
	ERR_DENIED = -2,       /* no or wrong credentials */
	ERR_LIMIT = -3,        /* a stated ceiling was reached */
	ERR_TIMEOUT = -4,      /* a deadline passed */
	ERR_UPSTREAM = -5,     /* somebody we asked answered wrongly or closed the connection */
	ERR_NOTFOUND = -6,     /* what was named does not exist */
	ERR_UNREACHABLE = -7,  /* nobody is listening there, or the name does not resolve */
	ERR_CANCELLED = -8,    /* ended early by its owner */
	ERR_INTERNAL = -9,     /* our own fault */
	ERR_UNAVAILABLE = -10, /* shedding load, shutting down, store not writable */
};

/* Stable lower-case name, a metric label: "input", "timeout"…; "ok" for 0. */
const char *err_name(int err);

/* The HTTP status that answers a client whose request failed with `err`. */
int err_http_status(int err);

#endif
