/* Several machines share what they learn, and what is set on one of them, by way of Redis.
 *
 * Events: a share of those recorded here goes into a stream, each with the number of events that it stands for; those of
 * the other machines come out of it and are learned. Who reads how far is known to each machine alone (its snapshot says
 * it), so a machine that was away, or is new, reads what it has not seen, as far back as the stream goes.
 * Documents (settings, floors, stored requests): all of them lie in a hash, the stream says which one changed. The later
 * change wins everywhere; a deletion is a change. A mark in the hash tells that Redis has lost what it held: everything is
 * then compared afresh and put there again.
 * Without Redis each machine goes on alone; events wait up to a bound and are then dropped, documents catch up.
 *
 * Shapes   {PREFIX}:events  stream of {m: machine, w: weight, e: event_bytes} or {m: machine, d: "kind/key"}
 *          {PREFIX}:docs    hash "kind/key" -> {"ms", "actor", "body"}; body "" = deleted; "#mark" = the mark
 *          The braces keep both in one slot of a cluster. Commands of Redis 5 and newer.
 * Threads  its own, on which the socket may block. sharer_events() and sharer_doc() are called by the keeper's thread.
 */
#ifndef IDR_INTAKE_SHARER_H
#define IDR_INTAKE_SHARER_H

#include "common/redis.h"
#include "idr/intake/keeper.h"
#include "idr/intake/learner.h"

struct sharer;

struct sharer_options {
	struct keeper *keeper;
	struct learner *learner;
	struct redis_address address; /* owned from the start on */
	const char *prefix;
	double sample_rate;               /* 0..1 */
	uint64_t seed;                    /* of the sample */
	uint32_t interval_ms, max_events; /* between two looks; kept in the stream */
};

struct sharer_state {
	bool connected;
	uint64_t published, dropped, received, refused; /* events */
	uint64_t docs_published, docs_taken, connections;
	size_t waiting_bytes;
	struct errtext why;
};

struct sharer *sharer_start(const struct sharer_options *opt, struct errtext *why);
/* The index is loaded; nothing is exchanged before. On the keeper's thread. */
void sharer_begin(struct sharer *s, int64_t store_id);
void sharer_events(struct sharer *s, const struct batch *b); /* duplicates in it are skipped */
void sharer_doc(struct sharer *s, const struct store_doc *d);
void sharer_state(struct sharer *s, struct sharer_state *ret_s);

/* Ends the thread, before the keeper's; what comes afterwards is dropped. NULL is fine, as for free. */
void sharer_stop(struct sharer *s);
void sharer_free(struct sharer *s); /* after the learner: its batches are counted here */

#endif
