#include "idr/core/rows.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { HEAT_NEW = 2 };

static size_t row_bytes(unsigned arrays)
{
	return arrays * LANES * sizeof(float) + sizeof(uint64_t) + 2 * sizeof(float);
}

enum { HUGE_PAGE = 2 << 20 };

/* One zeroed piece of memory for all of a table. Rows are read from all over it, so it asks for huge pages: finding out
 * where an address lies would cost as much as reading there. A page costs memory only once something in it is used. */
static void *table_memory(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	(void)madvise(p, bytes, MADV_HUGEPAGE); /* only a wish */
	return p;
}

void rows_init(struct rows *t, size_t memory_bytes, unsigned arrays)
{
	size_t n = memory_bytes / row_bytes(arrays) / ROWS_WAYS, at;

	if (n < 64)
		n = 64;
	*t = (struct rows){ .buckets = (uint32_t)n, .arrays = arrays };
	n *= ROWS_WAYS;
	t->bytes = (n * row_bytes(arrays) / HUGE_PAGE + 2) * HUGE_PAGE;
	t->memory = table_memory(t->bytes);
	at = ((uintptr_t)t->memory + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	t->lanes = (float *)at;
	t->key = (uint64_t *)(t->lanes + n * arrays * LANES);
	t->pop = (void *)(t->key + n);
}

void rows_deinit(struct rows *t)
{
	if (t->memory)
		munmap(t->memory, t->bytes);
	*t = (struct rows){ 0 };
}

void rows_clear(struct rows *t)
{
	memset(t->key, 0, (size_t)t->buckets * ROWS_WAYS * sizeof *t->key);
	t->used = 0;
}

size_t rows_bytes(const struct rows *t)
{
	return count_load(&t->used) * row_bytes(t->arrays);
}

static void row_reset(struct rows *t, size_t at, const float first[ROWS_ARRAYS])
{
	for (unsigned k = 0; k < t->arrays; k++) {
		_Alignas(64) float block[BLOCK];

		for (unsigned i = 0; i < BLOCK; i++)
			block[i] = first[k];
		for (unsigned b = 0; b < BLOCKS; b++)
			lanes_write(rows_lanes(t, (int64_t)at, k) + b * BLOCK, block);
	}
	word_store(&t->pop[at].bid, 0);
	word_store(&t->pop[at].price, 0);
}

/* The way a newcomer may take: a free one, or the one the hand points at when that has gone cold; -1 after cooling
 * it by a quarter. The hand moves with every newcomer that found no room, so all ways cool alike, however hot they once were. */
static int64_t make_room(struct rows *t, size_t bucket_at)
{
	size_t hand = bucket_at + (t->evicted + t->refused) % ROWS_WAYS;
	uint64_t heat = t->key[hand] & ROWS_HEAT;

	for (size_t i = bucket_at; i < bucket_at + ROWS_WAYS; i++)
		if (!t->key[i]) {
			count_add(&t->used, 1);
			return (int64_t)i;
		}
	if (heat) {
		__atomic_store_n(&t->key[hand], t->key[hand] - 1 - heat / 4, __ATOMIC_RELAXED);
		count_add(&t->refused, 1);
		return -1;
	}
	count_add(&t->evicted, 1);
	return (int64_t)hand;
}

int64_t rows_touch(struct rows *t, uint64_t key, const float first[ROWS_ARRAYS])
{
	int64_t at = rows_find(t, key);

	if (at >= 0) {
		if ((t->key[at] & ROWS_HEAT) < ROWS_HEAT)
			__atomic_store_n(&t->key[at], t->key[at] + 1, __ATOMIC_RELAXED);
		return at;
	}
	at = make_room(t, (size_t)rows_bucket(t, key) * ROWS_WAYS);
	if (at < 0)
		return -1;
	__atomic_store_n(&t->key[at], 0, __ATOMIC_RELAXED);
	row_reset(t, (size_t)at, first);
	__atomic_store_n(&t->key[at], rows_tag(key) + HEAT_NEW, __ATOMIC_RELEASE);
	return at;
}
