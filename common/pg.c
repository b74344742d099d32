#include "common/pg.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"

static void say(struct errtext *why, const char *text)
{
	while (*text == '\n' || *text == ' ')
		text++;
	errtext_set(why, "%.*s", (int)strcspn(text, "\n"), text);
}

/* False when the time is up. */
static bool wait_for(int fd, short events, uint64_t until_us)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = events };
		uint64_t now = clock_mono_us();
		int rc = now < until_us ? poll(&p, 1, (int)((until_us - now) / 1000) + 1) : 0;

		if (rc >= 0 || errno != EINTR)
			return rc != 0;
	}
}

static bool finish_connecting(PGconn *c, uint64_t until_us, struct errtext *why)
{
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;

	while (state != PGRES_POLLING_OK) {
		if (state == PGRES_POLLING_FAILED) {
			say(why, PQerrorMessage(c));
			return false;
		}
		if (!wait_for(PQsocket(c), state == PGRES_POLLING_READING ? POLLIN : POLLOUT, until_us)) {
			errtext_set(why, "connecting: timeout");
			return false;
		}
		state = PQconnectPoll(c);
	}
	return true;
}

PGconn *pg_connect(const char *conninfo, const char *application, uint32_t timeout_ms, struct errtext *why)
{
	const char *const keys[] = { "dbname", "fallback_application_name", NULL };
	const char *const values[] = { conninfo, application, NULL };
	PGconn *c = PQconnectStartParams(keys, values, 1);

	if (!c || PQstatus(c) == CONNECTION_BAD)
		say(why, c ? PQerrorMessage(c) : "out of memory");
	else if (finish_connecting(c, clock_mono_us() + timeout_ms * 1000ull, why) &&
		 PQsetnonblocking(c, 1) == 0)
		return c;
	PQfinish(c);
	return NULL;
}

PGconn *pg_open(const char *conninfo, const char *application, uint32_t connect_s, uint32_t statement_ms,
		struct errtext *why)
{
	char connect[16], options[40] = "";
	const char *const keys[] = { "dbname",           "connect_timeout", "tcp_user_timeout",
				     "application_name", "options",         NULL };
	const char *const values[] = { conninfo, connect, "10000", application, options, NULL };
	PGconn *c;

	snprintf(connect, sizeof connect, "%u", connect_s);
	if (statement_ms)
		snprintf(options, sizeof options, "-c statement_timeout=%u", statement_ms);
	c = PQconnectdbParams(keys, values, 1);
	if (PQstatus(c) == CONNECTION_OK)
		return c;
	say(why, PQerrorMessage(c));
	PQfinish(c);
	return NULL;
}

bool pg_is_conninfo(const char *conninfo)
{
	PQconninfoOption *parts = PQconninfoParse(conninfo, NULL);

	PQconninfoFree(parts);
	return parts;
}

static int send_all(PGconn *c, uint64_t until_us, struct errtext *why)
{
	int left;

	while ((left = PQflush(c)) != 0) {
		if (left < 0 || !wait_for(PQsocket(c), POLLIN | POLLOUT, until_us)) {
			say(why, left < 0 ? PQerrorMessage(c) : "sending: timeout");
			return left < 0 ? ERR_UNREACHABLE : ERR_TIMEOUT;
		}
		if (!PQconsumeInput(c)) {
			say(why, PQerrorMessage(c));
			return ERR_UNREACHABLE;
		}
	}
	return 0;
}

static int next_result(PGconn *c, uint64_t until_us, PGresult **ret_r, struct errtext *why)
{
	while (PQisBusy(c)) {
		if (!wait_for(PQsocket(c), POLLIN, until_us)) {
			errtext_set(why, "timeout");
			return ERR_TIMEOUT;
		}
		if (!PQconsumeInput(c)) {
			say(why, PQerrorMessage(c));
			return ERR_UNREACHABLE;
		}
	}
	*ret_r = PQgetResult(c);
	return 0;
}

/* The first result counts; the protocol wants the end to be read too. */
static int receive_all(PGconn *c, uint64_t until_us, PGresult **ret_rows, struct errtext *why)
{
	PGresult *r = NULL;
	int err;

	*ret_rows = NULL;
	while ((err = next_result(c, until_us, &r, why)) == 0 && r) {
		if (*ret_rows)
			PQclear(r);
		else
			*ret_rows = r;
	}
	return err;
}

int pg_ask(PGconn *c, const char *sql, const char *const *params, int n_params, uint32_t timeout_ms,
	   PGresult **ret_rows, struct errtext *why)
{
	uint64_t until_us = clock_mono_us() + timeout_ms * 1000ull;
	PGresult *rows = NULL;
	int err;

	if (!PQsendQueryParams(c, sql, n_params, NULL, params, NULL, NULL, 0)) {
		say(why, PQerrorMessage(c));
		return ERR_UNREACHABLE;
	}
	err = send_all(c, until_us, why);
	if (!err)
		err = receive_all(c, until_us, &rows, why);
	if (!err && PQresultStatus(rows) != PGRES_TUPLES_OK) {
		say(why, rows ? PQresultErrorMessage(rows) : PQerrorMessage(c));
		err = PQstatus(c) == CONNECTION_OK ? ERR_UPSTREAM : ERR_UNREACHABLE;
	}
	if (err)
		PQclear(rows);
	else
		*ret_rows = rows;
	return err;
}
