#include "idr/intake/cold_start.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "idr/store/pg.h"

struct told {
	struct learner *learner;
	int64_t events;
};

static void learn(void *arg, const struct event *e)
{
	struct told *t = arg;

	learner_learn_elsewhere(t->learner, e);
	t->events++;
}

void cold_start(const struct cold_start *c)
{
	const char *const keys[] = { "dbname",           "connect_timeout", "tcp_user_timeout",
				     "application_name", "options",         NULL };
	char timeout[40];
	const char *const values[] = { c->conninfo, "3", "10000", "nexus-idr cold start", timeout, NULL };
	struct told told = { .learner = c->learner };
	struct errtext why = { "" };
	uint64_t begin_us = clock_mono_us();
	PGconn *conn;
	int err;

	snprintf(timeout, sizeof timeout, "-c statement_timeout=%u", c->timeout_ms);
	conn = PQconnectdbParams(keys, values, 1);
	if (PQstatus(conn) == CONNECTION_OK) {
		err = pg_history(conn, c->store_id, c->max_events, learn, &told, &why);
	} else {
		const char *text = PQerrorMessage(conn);

		errtext_set(&why, "%.*s", (int)strcspn(text, "\n"), text);
		err = ERR_UNREACHABLE;
	}
	PQfinish(conn);
	if (err)
		log_event(LOG_WARN, "cold_start_failed", LOG_Z("error", why.text),
			  LOG_INT("events", told.events));
	else
		log_event(LOG_INFO, "cold_start", LOG_INT("events", told.events),
			  LOG_INT("ms", (clock_mono_us() - begin_us) / 1000));
}
