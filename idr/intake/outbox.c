#include "idr/intake/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "idr/intake/event_bytes.h"

void outbox_init(struct outbox *o, double sample_rate, uint64_t seed)
{
	*o = (struct outbox){
		.sample_rate = sample_rate,
		.seed = seed,
		.sample_below = (uint64_t)(sample_rate * 0x1p63) * 2,
	};
	o->last = &o->first;
	pthread_mutex_init(&o->lock, NULL);
}

void outgoing_free(struct outgoing *list)
{
	while (list) {
		struct outgoing *next = list->next;

		free(list);
		list = next;
	}
}

void outbox_deinit(struct outbox *o)
{
	outgoing_free(o->first);
	shared_docs_free(o->docs);
	pthread_mutex_destroy(&o->lock);
}

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/* How many events this one stands for; 0 = it is not sent. The fraction is settled by lot, so that sums come out right. */
static uint32_t weight_of(const struct outbox *o, const struct event *e)
{
	uint64_t lot = mix(classify_name(e->auction_id) ^ o->seed);
	double weight = o->sample_rate > 0 ? 1 / o->sample_rate : 0;
	uint32_t whole = (uint32_t)weight;

	if (weight < 1 || (o->sample_rate < 1 && lot >= o->sample_below))
		return 0;
	return whole + ((double)(mix(lot) >> 11) * 0x1p-53 < weight - whole);
}

void outbox_add_event(struct outbox *o, const struct event *e, struct buf *b)
{
	uint32_t weight = weight_of(o, e);
	struct outgoing *out;

	if (!weight)
		return;
	buf_clear(b);
	event_bytes_write(e, b);
	pthread_mutex_lock(&o->lock);
	if (o->closed || o->waiting_bytes + b->n > OUTBOX_MAX_BYTES) {
		o->dropped++;
	} else {
		out = xmalloc(sizeof *out + b->n);
		*out = (struct outgoing){ .weight = weight, .n = b->n };
		memcpy(out->bytes, b->p, b->n);
		*o->last = out;
		o->last = &out->next;
		o->waiting_bytes += b->n;
	}
	pthread_mutex_unlock(&o->lock);
}

void outbox_add_doc(struct outbox *o, const struct store_doc *d)
{
	struct shared_doc *one = shared_doc_of(d);

	pthread_mutex_lock(&o->lock);
	if (o->takes_docs && !o->closed) {
		one->next = o->docs;
		o->docs = one;
		one = NULL;
	}
	pthread_mutex_unlock(&o->lock);
	shared_docs_free(one);
}

void outbox_take_docs(struct outbox *o, bool yes)
{
	pthread_mutex_lock(&o->lock);
	o->takes_docs = yes;
	pthread_mutex_unlock(&o->lock);
}

void outbox_close(struct outbox *o)
{
	pthread_mutex_lock(&o->lock);
	o->closed = true;
	pthread_mutex_unlock(&o->lock);
}

struct outgoing *outbox_events(struct outbox *o)
{
	struct outgoing *all;

	pthread_mutex_lock(&o->lock);
	all = o->first;
	o->first = NULL;
	o->last = &o->first;
	o->waiting_bytes = 0;
	pthread_mutex_unlock(&o->lock);
	return all;
}

struct shared_doc *outbox_docs(struct outbox *o)
{
	struct shared_doc *all;

	pthread_mutex_lock(&o->lock);
	all = o->docs;
	o->docs = NULL;
	pthread_mutex_unlock(&o->lock);
	return all;
}

void outbox_state(struct outbox *o, size_t *ret_waiting_bytes, uint64_t *ret_dropped)
{
	pthread_mutex_lock(&o->lock);
	*ret_waiting_bytes = o->waiting_bytes;
	*ret_dropped = o->dropped;
	pthread_mutex_unlock(&o->lock);
}
