/* The CACHE stage: bids are put into Prebid Cache when the request asks for it, and targeting, which names
 * their ids, is written. A cache that fails costs the ids, never the auction, and never silently.
 *
 * With cache.host the cache is another server; otherwise it is our own, in memory or in Redis, which reads the same
 * body without HTTP in between. */
#include <assert.h>

#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/url.h"
#include "common/uuid.h"
#include "pbs/cache/cache.h"
#include "pbs/config.h"
#include "pbs/exchange/auction.h"
#include "pbs/metrics.h"

enum { MAX_REPLY_BYTES = 4 << 20, MIN_TIMEOUT_MS = 1 };

static void drop_job(void *job)
{
	cache_job_deinit(job);
}

static enum stage finish(struct auction *a)
{
	if (a->has_targeting && targeting_makes_keys(&a->targeting))
		targeting_set(&a->targeting, &a->ranking, &a->multibid, &a->x->rng, a->arena);
	return STAGE_REPLY;
}

static const char *cache_url(const struct auction *a)
{
	const struct pbs_config *c = a->config;

	return arena_printf(a->arena, "%s://%s/cache", c->cache_scheme, c->cache_host);
}

static void on_cached(struct http_call *call, const struct http_call_reply *reply)
{
	struct auction *a = container_of(call, struct auction, cache_call);

	assert(a->stage == STAGE_CACHE);
	metrics_observe(a->x->metrics, M_CACHE_WRITE_TIME,
			(double)(loop_now_ms(a->x->loop) - a->cache_started_ms) * 1e-3,
			reply->err || reply->status != 200 ? SUCCESS_FALSE : SUCCESS_TRUE);
	if (reply->err)
		cache_report_failure(&a->cache_job,
				     reply->error_text ? reply->error_text : err_name(reply->err),
				     (int64_t)(loop_now_ms(a->x->loop) - a->cache_started_ms), &a->messages);
	else
		cache_read_answer(&a->cache_job, str_of(cache_url(a)), reply->status, reply->body, a->arena,
				  &a->messages);
	auction_enter(a, finish(a));
}

static void make_plan(struct auction *a)
{
	const struct pbs_config *c = a->config;
	static const char *const ttl_keys[BID_TYPES] = {
		[BID_BANNER] = "cache_ttl.banner",
		[BID_VIDEO] = "cache_ttl.video",
		[BID_AUDIO] = "cache_ttl.audio",
		[BID_NATIVE] = "cache_ttl.native",
	};
	const int64_t host_ttls[BID_TYPES] = {
		[BID_BANNER] = c->cache_ttl_banner_s,
		[BID_VIDEO] = c->cache_ttl_video_s,
		[BID_AUDIO] = c->cache_ttl_audio_s,
		[BID_NATIVE] = c->cache_ttl_native_s,
	};

	cache_plan_parse(json_at(a->request, "ext.prebid.cache"), &a->cache_plan);
	for (int t = 0; t < BID_TYPES; t++) {
		a->cache_plan.account_ttl[t] = json_int_at(a->account, ttl_keys[t], 0);
		a->cache_plan.host_ttl[t] = host_ttls[t];
	}
	a->cache_plan.external_scheme = str_of(c->external_cache_scheme);
	a->cache_plan.external_host = str_of(c->external_cache_host);
	a->cache_plan.external_path = str_of(c->external_cache_path);
}

static uint32_t time_left_ms(const struct auction *a)
{
	uint64_t now = loop_now_ms(a->x->loop);

	return a->deadline_ms > now + MIN_TIMEOUT_MS ? (uint32_t)(a->deadline_ms - now) : MIN_TIMEOUT_MS;
}

static bool start_call(struct auction *a)
{
	static const struct http_header headers[] = {
		{ { "Content-Type", 12 }, { "application/json;charset=utf-8", 30 } },
		{ { "Accept", 6 }, { "application/json", 16 } },
	};
	struct http_call_request req = {
		.method = "POST",
		.url = cache_url(a),
		.headers = headers,
		.n_headers = ARRAY_LEN(headers),
		.body = buf_str(&a->cache_job.body),
		.max_reply_bytes = MAX_REPLY_BYTES,
		.timeout_ms = time_left_ms(a),
	};

	a->cache_call.done = on_cached;
	return http_client_start(a->x->http, &a->cache_call, &req) == 0;
}

/* Players find what is kept here under this server's own address. */
static void name_own_cache(struct auction *a)
{
	struct str external = str_of(a->config->external_url);
	struct str host, path;
	struct url u;

	if (a->cache_plan.external_host.n || url_parse(external, &u, NULL) < 0)
		return;
	host = (struct str){ u.host.p, (size_t)(external.p + external.n - u.host.p) };
	for (size_t i = 0; i < host.n; i++)
		if (host.p[i] == '/')
			host.n = i;
	path = str_of(arena_printf(
		a->arena, STR_FMT "/cache",
		STR_ARG(str_ends(u.path, STR("/")) ? ((struct str){ u.path.p, u.path.n - 1 }) : u.path)));
	a->cache_plan.external_scheme = u.scheme;
	a->cache_plan.external_host = a->targeting.cache_host = host;
	a->cache_plan.external_path = a->targeting.cache_path = path;
}

static void report_failure(struct auction *a, const char *what)
{
	cache_report_failure(&a->cache_job, what, (int64_t)(loop_now_ms(a->x->loop) - a->cache_started_ms),
			     &a->messages);
}

static void take_own_answer(struct auction *a)
{
	struct buf reply;

	if (a->own_cache_call.err) {
		report_failure(a, a->own_cache_call.why.text);
		return;
	}
	buf_init(&reply, MAX_REPLY_BYTES);
	cache_batch_answer(a->own_cache_call.batch, &reply);
	name_own_cache(a);
	cache_read_answer(&a->cache_job, STR("this server"), 200, buf_str(&reply), a->arena, &a->messages);
	buf_deinit(&reply);
}

static void on_own_answer(struct cache_call *call)
{
	struct auction *a = container_of(call, struct auction, own_cache_call);

	assert(a->stage == STAGE_CACHE);
	take_own_answer(a);
	auction_enter(a, finish(a));
}

static void drop_own_call(void *call)
{
	cache_call_deinit(call);
}

/* True when the answer has to be waited for. */
static bool start_own_call(struct auction *a)
{
	const struct pbs_config *c = a->config;
	struct cache_rules rules = { .default_ttl_s = c->cache_default_ttl_s,
				     .max_ttl_s = c->cache_max_ttl_s,
				     .keys = true };
	struct errtext why;
	struct cache_batch *batch = cache_batch_parse(buf_str(&a->cache_job.body), &rules, &a->x->rng, &why);
	uint32_t left_ms = time_left_ms(a);

	if (!batch) {
		report_failure(a, why.text);
		return false;
	}
	a->own_cache_call.done = on_own_answer;
	arena_defer(a->arena, drop_own_call, &a->own_cache_call);
	if (!cache_put(a->x->cache, &a->own_cache_call, batch,
		       left_ms < c->cache_redis_timeout_ms ? left_ms : c->cache_redis_timeout_ms))
		return true;
	take_own_answer(a);
	return false;
}

/* Only bids with keys are worth keeping. A request that wants its creatives from the cache and makes no keys
 * ends without either, as in the reference, but is told. */
static bool can_cache(struct auction *a)
{
	if (a->has_targeting && (a->targeting.include_winners || a->targeting.include_bidder_keys))
		return true;
	if (!a->cache_plan.keep_creative)
		messages_add(&a->messages, MESSAGE_WARNING, BUCKET_PREBID, WARN_PLAIN,
			     "ext.prebid.cache: returnCreative is false, but nothing is cached without "
			     "ext.prebid.targeting.includewinners or includebidderkeys");
	return false;
}

enum stage auction_cache(struct auction *a)
{
	char uuid[UUID_TEXT + 1];

	if (!json_at(a->request, "ext.prebid.cache"))
		return finish(a);
	make_plan(a);
	if (!can_cache(a))
		return finish(a);
	uuid_v4(&a->x->rng, uuid);
	cache_build(&a->cache_job, &a->cache_plan, &a->targeting, &a->ranking,
		    json_object_get(a->request, "imp"), &a->events, arena_str(a->arena, str_of(uuid)),
		    a->arena, &a->messages);
	arena_defer(a->arena, drop_job, &a->cache_job);
	if (a->cache_job.n_items == 0)
		return finish(a);
	a->cache_started_ms = loop_now_ms(a->x->loop);
	if (*a->config->cache_host && start_call(a))
		return STAGE_WAIT;
	if (!*a->config->cache_host && a->x->cache)
		return start_own_call(a) ? STAGE_WAIT : finish(a);
	report_failure(a, *a->config->cache_host ? "the URL cannot be used" : "no cache is configured");
	return finish(a);
}
