/* What is to be told to other machines, from the keeper's thread to the one that talks to Redis: a sample of the events,
 * and documents that were changed.
 *
 * Units    at most OUTBOX_MAX_BYTES of events wait; further ones are dropped and counted.
 * Threads  one puts in, another takes out.
 */
#ifndef IDR_INTAKE_OUTBOX_H
#define IDR_INTAKE_OUTBOX_H

#include <pthread.h>

#include "common/buf.h"
#include "idr/intake/shared_docs.h"
#include "idr/store/event.h"

enum { OUTBOX_MAX_BYTES = 16 << 20 };

/* An event on its way out. */
struct outgoing {
	struct outgoing *next;
	uint32_t weight; /* for how many it counts */
	size_t n;
	char bytes[];
};

struct outbox {
	double sample_rate; /* 0..1 */
	uint64_t seed, sample_below;
	pthread_mutex_t lock; /* of the rest */
	struct outgoing *first, **last;
	struct shared_doc *docs;
	size_t waiting_bytes;
	uint64_t dropped;
	bool closed, takes_docs;
};

void outbox_init(struct outbox *o, double sample_rate, uint64_t seed);
void outbox_deinit(struct outbox *o);

/* `b` is scratch space. */
void outbox_add_event(struct outbox *o, const struct event *e, struct buf *b);
/* Dropped unless they are taken just now: who was away compares all documents when he is back. */
void outbox_add_doc(struct outbox *o, const struct store_doc *d);

void outbox_take_docs(struct outbox *o, bool yes);
void outbox_close(struct outbox *o); /* what comes from now on is dropped */
/* Everything that waits, for the caller to free; events in order, documents newest first. */
struct outgoing *outbox_events(struct outbox *o);
struct shared_doc *outbox_docs(struct outbox *o);
void outbox_state(struct outbox *o, size_t *ret_waiting_bytes, uint64_t *ret_dropped);

void outgoing_free(struct outgoing *list);

#endif
