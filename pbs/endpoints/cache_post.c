#include "pbs/endpoints/cache_post.h"

#include "common/err.h"
#include "common/http_server.h"
#include "common/mem.h"
#include "pbs/server.h"

enum { MAX_REPLY_BYTES = 1 << 20 };

static void drop_call(void *call)
{
	cache_call_deinit(call);
}

static void answer(struct cache_call *call)
{
	struct cache_post *p = container_of(call, struct cache_post, call);
	struct buf reply;

	if (call->err) {
		p->fail(p->req, call->err, call->why.text);
		return;
	}
	buf_init(&reply, MAX_REPLY_BYTES);
	cache_batch_answer(call->batch, &reply);
	http_reply_buf(p->req, 200, "application/json", &reply);
}

void cache_post_start(struct cache_post *p, struct str body, uint32_t timeout_ms)
{
	struct pbs_worker *w = pbs_worker_of(p->req);
	const struct pbs_config *c = pbs_request_config(p->req);
	struct cache_rules rules = {
		.max_puts = c->cache_max_puts,
		.max_value_bytes = c->cache_max_value_bytes,
		.default_ttl_s = c->cache_default_ttl_s,
		.max_ttl_s = c->cache_max_ttl_s,
		.keys = c->cache_allow_keys,
	};
	struct errtext why;
	struct cache_batch *batch = cache_batch_parse(body, &rules, &w->exchange.rng, &why);

	if (!batch) {
		p->fail(p->req, ERR_INPUT, why.text);
		return;
	}
	p->call.done = answer;
	arena_defer(p->req->arena, drop_call, &p->call);
	if (cache_put(w->exchange.cache, &p->call, batch, timeout_ms))
		answer(&p->call);
}
