/* The one thread that writes the index, and the index's life on disk.
 *
 * The index is a function of the journal: events in the order of their numbers, each learned once, time taken
 * from the events. So a snapshot and the events behind it give the very index that a crash took away. Without a snapshot
 * only the newest part of a long journal is learned; what is older the model has forgotten. Only the prices
 * per call follow decisions as well; they are written to a small file of their own within PRICES_MS of a change.
 * What other machines share is no part of the journal: the snapshot says how far their stream was learned, and what
 * is behind that place is read again.
 *
 * Threads  until learner_start() everything is called by whoever made it; from then on the index is written by
 *          the learner's own thread, and learner_take() is the way in. Any thread may
 *          read the router (router.h says what that means).
 */
#ifndef IDR_INTAKE_LEARNER_H
#define IDR_INTAKE_LEARNER_H

#include <stdint.h>

#include "idr/core/router.h"
#include "idr/intake/batch.h"
#include "idr/intake/shared_batch.h"

struct learner;

struct learner_options {
	struct router_conf router;
	struct snapshot_slot *settings; /* of struct settings_snapshot */
	const char *snapshot_path;      /* NULL = none */
	const char *prices_path;        /* NULL = none */
	uint32_t snapshot_seconds;
};

struct learner *learner_new(const struct learner_options *opt);
void learner_free(
	struct learner *l); /* stops the thread first: what was taken is learned, a snapshot written */

/* Reads the snapshot if it belongs to this store and is not ahead of it; *ret_seq is then the number of the last event
 * that is in the index. False without one: the index is empty, and `why` says what kept it from being used, "" when there
 * is none. */
bool learner_load(struct learner *l, int64_t store_id, int64_t last_seq, int64_t *ret_seq,
		  struct errtext *why);
/* Learns one event, in order; duplicates must have been left out. */
void learner_learn(struct learner *l, const struct event *e);
/* Learns one that another machine recorded, read from where all of them write. The same one in the stream is then skipped. */
void learner_learn_elsewhere(struct learner *l, const struct event *e);
/* The place in the other machines' stream up to which the loaded index has learned. */
struct shared_pos learner_shared_pos(const struct learner *l);
const struct router *learner_router(const struct learner *l);

/* As of the last events that were learned. Any thread. */
void learner_stats(struct learner *l, struct router_stats *ret_s);

int learner_start(struct learner *l, struct errtext *why);
void learner_take(struct learner *l, struct batch *b); /* takes ownership; duplicates in it are skipped */
void learner_take_shared(struct learner *l, struct shared_batch *b); /* takes ownership */

#endif
