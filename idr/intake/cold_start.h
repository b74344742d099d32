/* A machine without an index of its own learns from what the others wrote into the database, before it reads on in their
 * stream. Whatever fails costs only what it would have learned: it starts as one does that has no database. */
#ifndef IDR_INTAKE_COLD_START_H
#define IDR_INTAKE_COLD_START_H

#include <stdint.h>

#include "idr/intake/learner.h"

struct cold_start {
	const char *conninfo;
	struct learner *learner; /* not started yet */
	int64_t store_id;        /* whose own rows are left out: they are in its journal */
	uint32_t max_events, timeout_ms;
};

/* Blocks, for as long as the database may take. */
void cold_start(const struct cold_start *c);

#endif
