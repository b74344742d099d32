/* PostgreSQL for a thread of its own: calls block, but never longer than they are told to.
 *
 * Units   timeout_ms bounds the whole call.
 * Errors  ERR_UNREACHABLE, ERR_TIMEOUT or ERR_UPSTREAM with `why` in the server's words. After ERR_TIMEOUT or
 *         ERR_UNREACHABLE the connection is of no more use: PQfinish() it.
 * Owns    the caller clears results with PQclear().
 */
#ifndef COMMON_PG_H
#define COMMON_PG_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/errtext.h"

/* `conninfo` is a URI or a libpq keyword string; NULL with `why`. */
PGconn *pg_connect(const char *conninfo, const char *application, uint32_t timeout_ms, struct errtext *why);
/* Whether it is one. What is wrong with it stays unsaid: libpq would quote the password. */
bool pg_is_conninfo(const char *conninfo);
/* For libpq's own blocking calls, COPY and migrations: a server that falls silent ends them after ten seconds, a statement of
 * more than statement_ms (0 = any) is ended by the server. NULL with `why`. */
PGconn *pg_open(const char *conninfo, const char *application, uint32_t connect_s, uint32_t statement_ms,
		struct errtext *why);
/* One statement with text parameters; its rows. */
int pg_ask(PGconn *c, const char *sql, const char *const *params, int n_params, uint32_t timeout_ms,
	   PGresult **ret_rows, struct errtext *why);

#endif
