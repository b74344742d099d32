/* What was fetched lately or pushed here, so that a busy stored request is asked for once and not per auction.
 *
 * What was used longest ago goes first when the bytes are used up. That an id does not exist is remembered too, for
 * as long as anything is.
 *
 * Units   now_ms is any clock that does not go back; ttl_ms 0 = until it is replaced or forgotten.
 * Owns    keys and a reference to each value; what _get returns is the caller's.
 * Threads shared by all workers and whoever brings updates. Ids are spread over shards, each with a lock that is held
 *         for one look-up or one insertion and never together with another.
 */
#ifndef PBS_STORED_CACHE_H
#define PBS_STORED_CACHE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"

struct stored_cache;

struct stored_cache *stored_cache_new(size_t max_bytes, uint64_t ttl_ms);
void stored_cache_free(struct stored_cache *c); /* NULL is fine */

/* False when nothing is known. *ret_value NULL: there is no such id. */
bool stored_cache_get(struct stored_cache *c, int kind, struct str id, uint64_t now_ms, json_t **ret_value);
void stored_cache_put(struct stored_cache *c, int kind, struct str id, uint64_t now_ms, json_t *value);
void stored_cache_forget(struct stored_cache *c, int kind, struct str id);
void stored_cache_clear(struct stored_cache *c);
size_t stored_cache_bytes(struct stored_cache *c);

#endif
