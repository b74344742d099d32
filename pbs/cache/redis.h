/* What Prebid Cache keeps when several servers share it: in Redis, asked by a thread of its own.
 *
 * Shapes  a key of the cache is <prefix><key>; the value is "json" or "xml" and then the bytes, as the reference
 *         writes it. Keys that are in use are not written again (SET NX), and everything has a lifetime (PX).
 * Errors  a job whose Redis could not be asked says so in `err` and `why`. After a failure nothing is tried for
 *         a moment: the jobs of that moment fail at once.
 * Units   timeout_ms bounds the connecting and every read and write; callers have deadlines of their own.
 * Threads the jobs are worked on by the helper (common/helper.h).
 */
#ifndef PBS_CACHE_REDIS_H
#define PBS_CACHE_REDIS_H

#include "common/helper.h"
#include "pbs/cache/puts.h"

struct cache_redis;

struct cache_redis_job {
	struct helper_job job;
	struct cache_batch *batch; /* to put; NULL: a look-up of `key` */
	char *key;
	/* what came back */
	bool asked;
	int err;
	struct errtext why;
	bool found;
	enum cache_type type;
	struct buf value;
};

/* NULL with `why` when the URL is wrong; that Redis is not there is no error. */
struct cache_redis *cache_redis_new(const char *url, const char *prefix, uint32_t timeout_ms,
				    struct errtext *why);
void cache_redis_free(struct cache_redis *r); /* NULL is fine */
struct helper *cache_redis_helper(struct cache_redis *r);

struct cache_redis_job *cache_redis_put(struct cache_batch *batch); /* takes the batch */
struct cache_redis_job *cache_redis_get(struct str key);

#endif
