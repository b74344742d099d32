#include "idr/intake/cold_start.h"

#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/pg.h"
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
	struct told told = { .learner = c->learner };
	struct errtext why = { "" };
	uint64_t begin_us = clock_mono_us();
	PGconn *conn = pg_open(c->conninfo, "nexus-idr cold start", 3, c->timeout_ms, &why);
	int err = conn ? pg_history(conn, c->store_id, c->max_events, learn, &told, &why) : ERR_UNREACHABLE;

	PQfinish(conn);
	if (err)
		log_event(LOG_WARN, "cold_start_failed", LOG_Z("error", why.text),
			  LOG_INT("events", told.events));
	else
		log_event(LOG_INFO, "cold_start", LOG_INT("events", told.events),
			  LOG_INT("ms", (clock_mono_us() - begin_us) / 1000));
}
