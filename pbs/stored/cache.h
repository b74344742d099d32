/* What was fetched over HTTP lately, so that a busy stored request is asked for once and not per auction.
 *
 * A table of fixed size; a newcomer takes the place of whatever has the same hash. That an id does not exist
 * is remembered too, for as long.
 *
 * Units   times are the loop's milliseconds.
 * Owns    keys and a reference to each value.
 * Threads one per worker.
 */
#ifndef PBS_STORED_CACHE_H
#define PBS_STORED_CACHE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

struct stored_cache;

struct stored_cache *stored_cache_new(size_t entries, uint64_t ttl_ms);
void stored_cache_free(struct stored_cache *c); /* NULL is fine */

/* False when nothing is known. *ret_value is lent until the next put; NULL: there is no such id. */
bool stored_cache_get(const struct stored_cache *c, int kind, struct str id, uint64_t now_ms,
		      json_t **ret_value);
void stored_cache_put(struct stored_cache *c, int kind, struct str id, uint64_t now_ms, json_t *value);

#endif
