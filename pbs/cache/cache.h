/* The built-in Prebid Cache, as one worker sees it: in the memory of this process, or in Redis.
 *
 * Shapes  cache_put() and cache_get() are true when the answer is there at once, and `done` will not come; false:
 *         `done` comes once, from the loop, within timeout_ms.
 * Errors  call->err is 0, or says why nobody could be asked (ERR_TIMEOUT, ERR_UNREACHABLE, ERR_LIMIT, ERR_UPSTREAM)
 *         with `why`. That a key is unknown is not an error, nor that a put was not stored.
 * Owns    a put takes the batch; afterwards it is the call's. The caller keeps the call alive and ends it with
 *         cache_call_deinit(), at any time, which is idempotent.
 * Threads the worker's own; what is behind it is shared.
 */
#ifndef PBS_CACHE_CACHE_H
#define PBS_CACHE_CACHE_H

#include "common/helper.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "pbs/cache/puts.h"

struct cache;
struct cache_redis;

struct cache_call {
	void (*done)(struct cache_call *c);
	int err;
	struct errtext why;
	struct cache_batch *batch; /* of a put: what was stored. NULL after an error */
	bool found;                /* of a look-up */
	enum cache_type type;
	struct buf value; /* the caller may take the bytes */
	/* the module's own */
	struct cache *cache;
	struct helper_call helper;
	uint64_t started_us;
	bool is_put;
};

/* Either `store` or `redis`. */
struct cache *cache_new(struct loop *loop, struct cache_store *store, struct cache_redis *redis,
			struct metrics *metrics);
void cache_free(struct cache *c); /* NULL is fine */

bool cache_put(struct cache *c, struct cache_call *call, struct cache_batch *batch, uint32_t timeout_ms);
bool cache_get(struct cache *c, struct cache_call *call, struct str key, uint32_t timeout_ms);
void cache_call_deinit(struct cache_call *call); /* zeroed ones too */

#endif
