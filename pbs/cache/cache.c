#include "pbs/cache/cache.h"

#include <stdlib.h>

#include "common/err.h"
#include "common/mem.h"
#include "pbs/cache/redis.h"
#include "pbs/metrics.h"

enum { VALUE_MAX = 64 << 20 };

struct cache {
	struct loop *loop;
	struct cache_store *store;
	struct helper_port *port; /* to Redis; NULL = in memory */
	struct metrics *metrics;
};

struct cache *cache_new(struct loop *loop, struct cache_store *store, struct cache_redis *redis,
			struct metrics *metrics)
{
	struct cache *c = xcalloc(1, sizeof *c);

	*c = (struct cache){ .loop = loop, .store = store, .metrics = metrics };
	if (redis)
		c->port = helper_port_new(cache_redis_helper(redis), loop);
	if (store || c->port)
		return c;
	free(c);
	return NULL;
}

void cache_free(struct cache *c)
{
	if (!c)
		return;
	helper_port_free(c->port);
	free(c);
}

static unsigned result_of(int err)
{
	switch (err) {
	case 0: return CACHE_RESULT_OK;
	case ERR_TIMEOUT: return CACHE_RESULT_TIMEOUT;
	case ERR_LIMIT: return CACHE_RESULT_BUSY;
	case ERR_UNREACHABLE: return CACHE_RESULT_UNREACHABLE;
	default: return CACHE_RESULT_ERROR;
	}
}

static void count(const struct cache_call *call)
{
	struct metrics *m = call->cache->metrics;

	metrics_inc(m, M_CACHE_CALLS, call->is_put ? CACHE_OP_PUT : CACHE_OP_GET, result_of(call->err));
	if (call->is_put)
		metrics_observe(m, M_CACHE_WRITE_TIME,
				(double)(loop_now_us(call->cache->loop) - call->started_us) * 1e-6,
				call->err ? SUCCESS_FALSE : SUCCESS_TRUE);
}

static void start(struct cache_call *call, struct cache *c, bool is_put)
{
	call->cache = c;
	call->is_put = is_put;
	call->started_us = loop_now_us(c->loop);
	call->err = 0;
	call->found = false;
	buf_init(&call->value, VALUE_MAX);
}

static void fail(struct cache_call *call, int err, const char *why)
{
	call->err = err;
	errtext_set(&call->why, "%s", why);
	count(call);
}

static void take(struct cache_call *call, struct cache_redis_job *job)
{
	if (!job->asked || job->err) {
		fail(call, job->asked ? job->err : ERR_UNAVAILABLE,
		     job->asked ? job->why.text : "the cache is shutting down");
		return;
	}
	call->batch = job->batch;
	job->batch = NULL;
	call->found = job->found;
	call->type = job->type;
	call->value = job->value;
	buf_init(&job->value, VALUE_MAX);
	count(call);
}

static void on_reply(struct helper_call *h, struct helper_job *job)
{
	struct cache_call *call = container_of(h, struct cache_call, helper);

	if (job)
		take(call, container_of(job, struct cache_redis_job, job));
	else
		fail(call, ERR_TIMEOUT, "Redis: timeout");
	call->done(call);
}

static bool ask(struct cache_call *call, struct cache_redis_job *job, uint32_t timeout_ms)
{
	call->helper.done = on_reply;
	if (helper_ask(call->cache->port, &call->helper, &job->job, timeout_ms))
		return false;
	fail(call, ERR_LIMIT, "too many calls wait for Redis");
	return true;
}

bool cache_put(struct cache *c, struct cache_call *call, struct cache_batch *batch, uint32_t timeout_ms)
{
	uint64_t now_ms = loop_now_ms(c->loop);

	start(call, c, true);
	if (c->port)
		return ask(call, cache_redis_put(batch), timeout_ms);
	call->batch = batch;
	for (size_t i = 0; i < batch->n; i++) {
		struct cache_put *p = &batch->puts[i];

		p->stored = cache_store_put(c->store, cache_put_key(p), p->type, buf_str(&p->bytes),
					    p->ttl_ms, now_ms);
	}
	count(call);
	return true;
}

bool cache_get(struct cache *c, struct cache_call *call, struct str key, uint32_t timeout_ms)
{
	start(call, c, false);
	if (c->port)
		return ask(call, cache_redis_get(key), timeout_ms);
	call->found = cache_store_get(c->store, key, loop_now_ms(c->loop), &call->value, &call->type);
	count(call);
	return true;
}

void cache_call_deinit(struct cache_call *call)
{
	helper_cancel(&call->helper);
	cache_batch_free(call->batch);
	call->batch = NULL;
	buf_deinit(&call->value);
}
