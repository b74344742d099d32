/* What Prebid Cache keeps: JSON and XML under a key, for a while, in the memory of this process.
 *
 * Units   now_ms is any clock that does not go back; ttl_ms > 0.
 * Owns    values are copied in and copied out.
 * Threads shared by all workers. Keys are spread over shards, each with a lock of its own that is held for one
 *         look-up or one insertion and never together with another lock.
 */
#ifndef PBS_CACHE_STORE_H
#define PBS_CACHE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/str.h"

enum cache_type { CACHE_JSON, CACHE_XML };

struct cache_store;

struct cache_store_stats {
	uint64_t hits, misses, evicted;
	size_t entries, bytes;
};

struct cache_store *cache_store_new(size_t max_entries, size_t max_bytes);
void cache_store_free(struct cache_store *s); /* NULL is fine */

/* False when the key is in use, or the value is too large for this store. */
bool cache_store_put(struct cache_store *s, struct str key, enum cache_type type, struct str value,
		     uint64_t ttl_ms, uint64_t now_ms);
/* Appends the value; false when there is none. */
bool cache_store_get(struct cache_store *s, struct str key, uint64_t now_ms, struct buf *ret_value,
		     enum cache_type *ret_type);
struct cache_store_stats cache_store_stats(struct cache_store *s);

#endif
