/* Events that other machines recorded, on their way from the stream to the learner; and those that stand in for the
 * events that were not sent.
 *
 * A machine sends a share of its events and says how many each is to count for. The same event many times in a row would
 * look like an outage or a rush to the model, so it is learned once, and for the others of its weight the model sees
 * events drawn from the last ones that came.
 *
 * Owns    a shared batch owns its bytes and changes hands: sharer → learner, which frees it.
 */
#ifndef IDR_INTAKE_SHARED_BATCH_H
#define IDR_INTAKE_SHARED_BATCH_H

#include <stdatomic.h>

#include "common/buf.h"
#include "common/mailbox.h"

enum { SHARED_BATCH_EVENTS = 500, SHARED_WEIGHT_MAX = 1000, STAND_INS = 256 };

/* A place in the stream: the id of its last entry that was learned. */
struct shared_pos {
	uint64_t ms, n;
};

struct shared_batch {
	struct mailbox_msg msg;
	void *to; /* the learner's own */
	struct buf bytes;
	struct {
		size_t at, n;
		uint32_t weight;
	} event[SHARED_BATCH_EVENTS];
	size_t n;
	struct shared_pos pos;
	bool last;                /* the stream had no more */
	atomic_size_t *under_way; /* one less when the batch is freed */
};

struct shared_batch *shared_batch_new(atomic_size_t *under_way);
void shared_batch_free(struct shared_batch *b);
bool shared_batch_add(struct shared_batch *b, struct str event, uint32_t weight); /* false: it is full */

static inline struct str shared_batch_bytes(const struct shared_batch *b, size_t i)
{
	return (struct str){ b->bytes.p + b->event[i].at, b->event[i].n };
}

struct stand_ins {
	struct str event[STAND_INS];
	size_t n, next;
};
void stand_ins_deinit(struct stand_ins *s);
void stand_ins_add(struct stand_ins *s, struct str event);           /* a copy */
struct str stand_ins_pick(const struct stand_ins *s, uint64_t bits); /* there is one */

#endif
