/* Data that all threads read and nobody changes: built aside, published whole, freed when the last reader
 * has moved on.
 *
 * Shapes  embed a struct snapshot in the data and get back with container_of.
 * Owns    snapshot_init gives the maker the first reference; snapshot_publish takes one over; what
 *         snapshot_acquire returns is the caller's to give back. snapshot_view_get lends: its result is
 *         valid until the next get of that view, or as long as the caller holds a reference of its own.
 * Threads a slot is shared; a view belongs to one thread, and reading through it takes no lock unless
 *         something new was published. `drop` runs on whichever thread lets go last.
 */
#ifndef COMMON_SNAPSHOT_H
#define COMMON_SNAPSHOT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

struct arena;

struct snapshot {
	atomic_size_t refs;
	void (*drop)(struct snapshot *s);
};

void snapshot_init(struct snapshot *s, void (*drop)(struct snapshot *s));
struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot *s); /* NULL is fine */

struct snapshot_slot {
	pthread_mutex_t lock; /* of current, together with a change of generation */
	struct snapshot *current;
	atomic_uint_fast64_t generation;
};

void snapshot_slot_init(struct snapshot_slot *slot);
void snapshot_slot_deinit(struct snapshot_slot *slot);
void snapshot_publish(struct snapshot_slot *slot, struct snapshot *s);
struct snapshot *snapshot_acquire(struct snapshot_slot *slot); /* NULL when nothing was published */

struct snapshot_view {
	struct snapshot_slot *slot;
	struct snapshot *current;
	uint_fast64_t generation;
};

void snapshot_view_init(struct snapshot_view *v, struct snapshot_slot *slot);
void snapshot_view_deinit(struct snapshot_view *v);
struct snapshot *snapshot_view_get(struct snapshot_view *v);
/* The same, held until the arena is freed: for an auction or a request that outlives this turn. */
struct snapshot *snapshot_view_lend(struct snapshot_view *v, struct arena *arena);

#endif
