/* The generic cell rate algorithm: a bucket is one number, the time at which it will be full again, so that
 * taking a token is one compare-and-swap and needs no timer. The table is set-associative: a key has WAYS
 * possible slots. When all are taken, the one that is full soonest goes, since a full bucket and an unknown
 * key behave the same; a flood of keys can therefore only loosen limits, not exhaust memory. */
#include "common/rate_limit.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "common/mem.h"

enum { WAYS = 8 };

struct slot {
	_Atomic uint64_t key;     /* 0 = never used */
	_Atomic uint64_t full_ns; /* when the bucket is full again */
};

struct rate_limit {
	struct slot *slots;
	uint64_t mask; /* of sets */
	uint64_t seed;
};

struct rate_limit *rate_limit_new(size_t max_keys, uint64_t seed)
{
	struct rate_limit *t = xcalloc(1, sizeof *t);
	size_t sets = 1;

	while (sets * WAYS < max_keys)
		sets *= 2;
	t->slots = xcalloc(sets * WAYS, sizeof *t->slots);
	t->mask = sets - 1;
	t->seed = seed;
	return t;
}

struct rate_limit *rate_limit_free(struct rate_limit *t)
{
	if (t) {
		free(t->slots);
		free(t);
	}
	return NULL;
}

/* Spreads the key; the seed keeps others from aiming at one set. Never 0. */
static uint64_t mix(uint64_t x, uint64_t seed)
{
	x ^= seed;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	x ^= x >> 31;
	return x ? x : 1;
}

static struct slot *find_slot(struct rate_limit *t, uint64_t key)
{
	struct slot *set = &t->slots[(key & t->mask) * WAYS], *fullest = set;

	for (int i = 0; i < WAYS; i++) {
		if (atomic_load_explicit(&set[i].key, memory_order_relaxed) == key)
			return &set[i];
		if (atomic_load_explicit(&set[i].full_ns, memory_order_relaxed) <
		    atomic_load_explicit(&fullest->full_ns, memory_order_relaxed))
			fullest = &set[i];
	}
	atomic_store_explicit(&fullest->key, key, memory_order_relaxed);
	atomic_store_explicit(&fullest->full_ns, 0, memory_order_relaxed);
	return fullest;
}

bool rate_limit_take(struct rate_limit *t, uint64_t key, const struct rate_limit_rule *rule, uint64_t now_us,
		     uint32_t *ret_wait_ms)
{
	double burst = rule->burst < 1 ? 1 : rule->burst;
	uint64_t now = now_us * 1000, step, depth, full, next;
	struct slot *s;

	if (!(rule->per_second > 0))
		return true;
	step = (uint64_t)(1e9 / (rule->per_second < 1e-6 ? 1e-6 : rule->per_second));
	depth = (uint64_t)(burst * (double)step);
	s = find_slot(t, mix(key, t->seed));
	full = atomic_load_explicit(&s->full_ns, memory_order_relaxed);
	do {
		next = (full > now ? full : now) + step;
		if (next - now > depth) {
			uint64_t wait = (next - now - depth + 999999) / 1000000;

			*ret_wait_ms = wait > UINT32_MAX ? UINT32_MAX : (uint32_t)(wait ? wait : 1);
			return false;
		}
	} while (!atomic_compare_exchange_weak_explicit(&s->full_ns, &full, next, memory_order_relaxed,
							memory_order_relaxed));
	return true;
}
