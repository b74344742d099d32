/* A cache that forgets what was used longest ago, bounded by entries and by bytes, with an optional lifetime
 * per entry.
 *
 * Units   now_ms is any clock that does not go back; ttl_ms 0 = no end.
 * Owns    the cache owns keys (copied) and values (taken); `drop` releases a value when it is replaced,
 *         forgotten or expired. What lru_get lends is valid until the next call that changes the cache.
 * Threads the owner's only.
 */
#ifndef COMMON_LRU_H
#define COMMON_LRU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"

struct lru;

struct lru_stats {
	uint64_t hits, misses, evicted; /* evicted: for want of room, not of age */
	size_t entries, bytes;
};

struct lru *lru_new(size_t max_entries, size_t max_bytes, void (*drop)(void *value));
struct lru *lru_free(struct lru *l);
void *lru_get(struct lru *l, struct str key, uint64_t now_ms); /* NULL when absent or expired */
/* `bytes` is what the value weighs; the key's length is added. A value that is too heavy by itself is dropped
 * at once: false. */
bool lru_put(struct lru *l, struct str key, void *value, size_t bytes, uint64_t ttl_ms, uint64_t now_ms);
bool lru_remove(struct lru *l, struct str key);
void lru_clear(struct lru *l);
struct lru_stats lru_stats(const struct lru *l);

#endif
