/* History on its way to PostgreSQL: what the journal recorded, in order, each event exactly once.
 *
 * One transaction per piece of the journal: the rows, their share of the roll-ups, and the number of the last event in
 * them. Whether a commit whose answer was lost took place is read from that number after the next connection. The
 * embedded journal is the buffer: an outage of the database costs nothing but the time to catch up. A piece that could
 * not be written is tried again at half its size, so that a database that is too slow for it gets it in the end.
 *
 * Threads  its own, on which libpq may block; the journal is read by jobs of the keeper.
 */
#ifndef IDR_INTAKE_FORWARDER_H
#define IDR_INTAKE_FORWARDER_H

#include "idr/intake/keeper.h"

struct forwarder;

struct forwarder_options {
	struct keeper *keeper;
	char *conninfo;                               /* owned from the start on */
	uint32_t interval_ms, max_events, timeout_ms; /* of one statement */
	uint32_t retention_days, hourly_days;
};

struct forwarder_state {
	bool connected;
	int64_t seq; /* of the last event that is in the database */
	struct errtext why;
};

char *forwarder_conninfo(const char *host, uint32_t port, const char *name, const char *user,
			 const char *password);

struct forwarder *forwarder_start(const struct forwarder_options *opt, struct errtext *why);
void forwarder_free(struct forwarder *f); /* before the keeper; NULL is fine */
void forwarder_state(struct forwarder *f, struct forwarder_state *ret_s);

#endif
