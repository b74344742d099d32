/* A table of rows: a row holds, side by side, what one part of a context ("publisher 7", "country GB") adds to a few
 * quantities of up to 64 bidders.
 *
 * Built like a processor's cache: a key picks a bucket of eight ways, so a look-up is one line of keys and the memory
 * is bounded by construction. Rows that events touch grow hot; a newcomer that finds no room looks at one way, each time
 * another, takes its place when its heat is 0 and cools it otherwise. So a flood of rare keys cannot push out a busy
 * row, and rows that are no longer touched make room however busy they were.
 *
 * Threads  one writer. Readers may look up and read at any time: every word is written whole, with relaxed order; a
 *          row that changes hands under a reader gives one decision a wrong addend, never a crash. Loads go through
 *          lanes_add(), which reads a vector exactly once (and lane by lane, atomically, under ThreadSanitizer, so
 *          that everything else stays checked); C11 atomics would not vectorise.
 */
#ifndef IDR_CORE_ROWS_H
#define IDR_CORE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "idr/core/vector.h"

enum { LANES = 64, BLOCK = 16, BLOCKS = LANES / BLOCK, ROWS_WAYS = 8 };

enum { ROWS_ARRAYS = 4 };

struct rows {
	float *lanes; /* row i, array k: lanes + (i * arrays + k) * LANES; aligned, inside `memory` */
	void *memory;
	size_t bytes;  /* of it */
	uint64_t *key; /* ROWS_WAYS per bucket: the key, its lowest eight bits the heat; 0 = free */
	struct {
		float bid, price;
	} * pop; /* the population's weights, all bidders pooled */
	uint32_t buckets;
	unsigned arrays;
	uint64_t used, evicted, refused;
};

static inline float *rows_lanes(const struct rows *t, int64_t row, unsigned array)
{
	return t->lanes + ((size_t)row * t->arrays + array) * LANES;
}

/* `arrays` of 64 lanes per row, at most ROWS_ARRAYS. */
void rows_init(struct rows *t, size_t memory_bytes, unsigned arrays);
void rows_deinit(struct rows *t);
void rows_clear(struct rows *t);
size_t rows_bytes(const struct rows *t);

static inline uint32_t rows_bucket(const struct rows *t, uint64_t key)
{
	return (uint32_t)(((key >> 32) * t->buckets) >> 32);
}

enum { ROWS_HEAT = 0xff };

static inline uint64_t rows_tag(uint64_t key)
{
	return (key & ~(uint64_t)ROWS_HEAT) | 0x100; /* never 0 */
}

/* The index of the row, or -1. */
static inline int64_t rows_find(const struct rows *t, uint64_t key)
{
	size_t at = (size_t)rows_bucket(t, key) * ROWS_WAYS;

	for (size_t i = 0; i < ROWS_WAYS; i++)
		if ((__atomic_load_n(&t->key[at + i], __ATOMIC_RELAXED) ^ rows_tag(key)) <= ROWS_HEAT)
			return (int64_t)(at + i);
	return -1;
}

/* The row of `key`; when there is none it is made, all lanes of array k at first[k]. -1 when it was not admitted. */
int64_t rows_touch(struct rows *t, uint64_t key, const float first[ROWS_ARRAYS]);

/* Asks for these blocks of the first `arrays` arrays ahead of their use. */
static inline void rows_prefetch(const struct rows *t, int64_t row, unsigned blocks, unsigned arrays)
{
	for (unsigned k = 0; k < arrays; k++)
		for (unsigned b = 0; b < BLOCKS; b++)
			if (blocks >> b & 1)
				__builtin_prefetch(rows_lanes(t, row, k) + b * BLOCK);
}

static inline void rows_prefetch_keys(const struct rows *t, uint64_t key)
{
	__builtin_prefetch(&t->key[(size_t)rows_bucket(t, key) * ROWS_WAYS]);
}

/* A count that one thread raises and others read. */
static inline void count_add(uint64_t *p, uint64_t n)
{
	__atomic_store_n(p, *p + n, __ATOMIC_RELAXED);
}

static inline uint64_t count_load(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

/* Relaxed single-word access, for what one thread writes and others read. */
static inline float word_load(const float *p)
{
	float v;

	__atomic_load(p, &v, __ATOMIC_RELAXED);
	return v;
}

static inline void word_store(float *p, float v)
{
	__atomic_store(p, &v, __ATOMIC_RELAXED);
}

/* A vector in the table. The compiler is kept from knowing where it lies, so it is read or written there and then;
 * volatile would do the same, but where vectors are narrower than these it sends every part through memory. */
static inline __attribute__((always_inline)) lane16 *lanes_there(const float *p)
{
	__asm__("" : "+r"(p));
	return (lane16 *)(uintptr_t)p;
}

/* acc[0..BLOCK) += p[0..BLOCK), each word of p read once. */
static inline __attribute__((always_inline)) void lanes_add(float *restrict acc, const float *p)
{
#if defined(__SANITIZE_THREAD__)
	for (int i = 0; i < BLOCK; i++)
		acc[i] += word_load(p + i);
#else
	*(lane16 *)acc += *lanes_there(p);
#endif
}

/* to[0..BLOCK) = from[0..BLOCK), each word of `from` read once; both aligned. */
static inline __attribute__((always_inline)) void lanes_read(float *restrict to, const float *from)
{
#if defined(__SANITIZE_THREAD__)
	for (int i = 0; i < BLOCK; i++)
		to[i] = word_load(from + i);
#else
	*(lane16 *)to = *lanes_there(from);
#endif
}

/* to[0..BLOCK) = from[0..BLOCK), each word of `to` written once; both aligned. Lanes that keep their value may be written
 * again: there is one writer. */
static inline __attribute__((always_inline)) void lanes_write(float *to, const float *restrict from)
{
#if defined(__SANITIZE_THREAD__)
	for (int i = 0; i < BLOCK; i++)
		word_store(to + i, from[i]);
#else
	*lanes_there(to) = *(const lane16 *)from;
#endif
}

#endif
