#include "common/snapshot.h"

#include <stddef.h>

#include "common/arena.h"

void snapshot_init(struct snapshot *s, void (*drop)(struct snapshot *s))
{
	atomic_init(&s->refs, 1);
	s->drop = drop;
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void snapshot_unref(struct snapshot *s)
{
	/* Acquire and release: the last one sees everything that the others did before they let go. */
	if (s && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1)
		s->drop(s);
}

void snapshot_slot_init(struct snapshot_slot *slot)
{
	pthread_mutex_init(&slot->lock, NULL);
	slot->current = NULL;
	atomic_init(&slot->generation, 0);
}

void snapshot_slot_deinit(struct snapshot_slot *slot)
{
	snapshot_unref(slot->current);
	slot->current = NULL;
	pthread_mutex_destroy(&slot->lock);
}

void snapshot_publish(struct snapshot_slot *slot, struct snapshot *s)
{
	struct snapshot *old;

	pthread_mutex_lock(&slot->lock);
	old = slot->current;
	slot->current = s;
	atomic_fetch_add(&slot->generation, 1);
	pthread_mutex_unlock(&slot->lock);
	snapshot_unref(old);
}

struct snapshot *snapshot_acquire(struct snapshot_slot *slot)
{
	struct snapshot *s;

	pthread_mutex_lock(&slot->lock);
	s = slot->current ? snapshot_ref(slot->current) : NULL;
	pthread_mutex_unlock(&slot->lock);
	return s;
}

void snapshot_view_init(struct snapshot_view *v, struct snapshot_slot *slot)
{
	*v = (struct snapshot_view){ .slot = slot };
}

void snapshot_view_deinit(struct snapshot_view *v)
{
	snapshot_unref(v->current);
	v->current = NULL;
	v->generation = 0;
}

struct snapshot *snapshot_view_get(struct snapshot_view *v)
{
	/* Read before acquiring: if something newer slips in between, the next get only looks once more. */
	uint_fast64_t generation = atomic_load_explicit(&v->slot->generation, memory_order_acquire);

	if (generation != v->generation) {
		snapshot_unref(v->current);
		v->current = snapshot_acquire(v->slot);
		v->generation = generation;
	}
	return v->current;
}

static void give_back(void *snapshot)
{
	snapshot_unref(snapshot);
}

struct snapshot *snapshot_view_lend(struct snapshot_view *v, struct arena *arena)
{
	struct snapshot *s = snapshot_ref(snapshot_view_get(v));

	arena_defer(arena, give_back, s);
	return s;
}
