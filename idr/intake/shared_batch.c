#include "idr/intake/shared_batch.h"

#include <stdlib.h>

#include "common/mem.h"

enum { BYTES_MAX = 64 << 20 };

struct shared_batch *shared_batch_new(atomic_size_t *under_way)
{
	struct shared_batch *b = xcalloc(1, sizeof *b);

	buf_init(&b->bytes, BYTES_MAX);
	b->under_way = under_way;
	atomic_fetch_add(under_way, 1);
	return b;
}

void shared_batch_free(struct shared_batch *b)
{
	if (!b)
		return;
	atomic_fetch_sub(b->under_way, 1);
	buf_deinit(&b->bytes);
	free(b);
}

bool shared_batch_add(struct shared_batch *b, struct str event, uint32_t weight)
{
	size_t at = b->bytes.n;

	if (b->n == SHARED_BATCH_EVENTS || !buf_add_str(&b->bytes, event))
		return false;
	b->event[b->n].at = at;
	b->event[b->n].n = event.n;
	b->event[b->n++].weight = weight < SHARED_WEIGHT_MAX ? weight : SHARED_WEIGHT_MAX;
	return true;
}

void stand_ins_deinit(struct stand_ins *s)
{
	for (size_t i = 0; i < s->n; i++)
		free((char *)s->event[i].p);
	*s = (struct stand_ins){ 0 };
}

void stand_ins_add(struct stand_ins *s, struct str event)
{
	if (s->n == STAND_INS)
		free((char *)s->event[s->next].p);
	else
		s->n++;
	s->event[s->next] = (struct str){ memcpy(xmalloc(event.n + 1), event.p, event.n), event.n };
	s->next = (s->next + 1) % STAND_INS;
}

struct str stand_ins_pick(const struct stand_ins *s, uint64_t bits)
{
	return s->event[bits % s->n];
}
