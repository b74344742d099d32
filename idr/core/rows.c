#include "idr/core/rows.h"

#include <stdlib.h>

#include "common/mem.h"

enum { HEAT_NEW = 2 };

static size_t row_bytes(unsigned arrays)
{
	return arrays * LANES * sizeof(float) + sizeof(uint64_t) + 2 * sizeof(float);
}

/* calloc leaves large blocks untouched, so a page costs memory only once a row in it is used. */
void rows_init(struct rows *t, size_t memory_bytes, unsigned arrays)
{
	size_t n = memory_bytes / row_bytes(arrays) / ROWS_WAYS;

	if (n < 64)
		n = 64;
	*t = (struct rows){ .buckets = (uint32_t)n, .arrays = arrays };
	n *= ROWS_WAYS;
	t->memory = xcalloc(n * arrays + 1, LANES * sizeof(float));
	t->lanes = (float *)(((uintptr_t)t->memory + 63) & ~(uintptr_t)63);
	t->key = xcalloc(n, sizeof *t->key);
	t->pop = xcalloc(n, sizeof *t->pop);
}

void rows_deinit(struct rows *t)
{
	free(t->memory);
	free(t->key);
	free(t->pop);
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
	for (unsigned k = 0; k < t->arrays; k++)
		for (unsigned i = 0; i < LANES; i++)
			word_store(&rows_lanes(t, (int64_t)at, k)[i], first[k]);
	word_store(&t->pop[at].bid, 0);
	word_store(&t->pop[at].price, 0);
}

/* The way a newcomer may take: a free one, or one that went cold; -1 after cooling the coolest. */
static int64_t make_room(struct rows *t, size_t bucket_at)
{
	size_t coolest = bucket_at;

	for (size_t i = bucket_at; i < bucket_at + ROWS_WAYS; i++) {
		if (!t->key[i]) {
			count_add(&t->used, 1);
			return (int64_t)i;
		}
		if ((t->key[i] & ROWS_HEAT) < (t->key[coolest] & ROWS_HEAT))
			coolest = i;
	}
	if (t->key[coolest] & ROWS_HEAT) {
		__atomic_store_n(&t->key[coolest], t->key[coolest] - 1, __ATOMIC_RELAXED);
		count_add(&t->refused, 1);
		return -1;
	}
	count_add(&t->evicted, 1);
	return (int64_t)coolest;
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
