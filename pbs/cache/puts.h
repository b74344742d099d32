/* The body of POST /cache: {"puts":[{"type":"json"|"xml","value":…,"ttlseconds":n,"key":"…"}]}, answered by
 * {"responses":[{"uuid":"…"}]} in the same order.
 *
 * All puts are checked before the first is stored. A key that is in use is not written again: its uuid is
 * empty, as is that of a value for which there is no room.
 *
 * Errors  NULL with the text for the client.
 * Threads pure.
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

struct cache_put {
	char key[CACHE_KEY_MAX + 1];
	size_t key_n;
	enum cache_type type;
	struct buf bytes;
	uint64_t ttl_ms;
	bool stored; /* by whoever keeps it */
};

struct cache_batch {
	size_t n;
	size_t bytes; /* of all values */
	struct cache_put puts[];
};

struct cache_batch *cache_batch_parse(struct str body, const struct cache_rules *rules, struct rng *rng,
				      struct errtext *why);
void cache_batch_answer(const struct cache_batch *b, struct buf *reply); /* appended */
void cache_batch_free(struct cache_batch *b);                            /* NULL is fine */

static inline struct str cache_put_key(const struct cache_put *p)
{
	return (struct str){ p->key, p->key_n };
}

#endif
