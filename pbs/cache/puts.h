/* The body of POST /cache: {"puts":[{"type":"json"|"xml","value":…,"ttlseconds":n,"key":"…"}]}, answered by
 * {"responses":[{"uuid":"…"}]} in the same order.
 *
 * All puts are checked before the first is stored. A key that is in use is not written again: its uuid is
 * empty, as is that of a value for which there is no room.
 *
 * Errors  ERR_INPUT with the text for the client.
 * Threads pure but for the store.
 * Source  Prebid Cache.
 */
#ifndef PBS_CACHE_PUTS_H
#define PBS_CACHE_PUTS_H

#include "common/clock.h"
#include "common/errtext.h"
#include "pbs/cache/store.h"

enum { CACHE_KEY_MAX = 256 };

struct cache_rules {
	size_t max_puts;        /* 0 = no limit */
	size_t max_value_bytes; /* 0 = no limit */
	uint32_t default_ttl_s, max_ttl_s;
	bool keys; /* callers may choose keys; otherwise what they chose is ignored */
};

int cache_puts(struct cache_store *s, const struct cache_rules *rules, struct str body, struct rng *rng,
	       uint64_t now_ms, struct buf *ret_reply, struct errtext *why);

#endif
