/* POST and GET /cache: the built-in Prebid Cache.
 *
 * What is kept comes from anybody and is given to anybody who knows its key, so browsers are told to take it
 * for data: no guessing of types, no scripts. */
#include "common/err.h"
#include "common/http_server.h"
#include "common/mem.h"
#include "common/uuid.h"
#include "pbs/cache/puts.h"
#include "pbs/endpoints/endpoints.h"
#include "pbs/server.h"

enum { MAX_REPLY_BYTES = 1 << 20, VALUE_MAX = 64 << 20 };

static const char *const types[] = { [CACHE_JSON] = "application/json", [CACHE_XML] = "application/xml" };

static void fail(struct http_request *req, int status, const char *text)
{
	http_reply_header(req, "X-Content-Type-Options", STR("nosniff"));
	http_reply(req, status, "text/plain; charset=utf-8", str_of(arena_printf(req->arena, "%s\n", text)));
}

static bool is_on(struct http_request *req)
{
	if (pbs_worker_of(req)->exchange.cache)
		return true;
	fail(req, 404, "this host keeps no cache");
	return false;
}

static void put(struct http_request *req)
{
	struct pbs_worker *w = pbs_worker_of(req);
	const struct pbs_config *c = w->server->config;
	struct cache_rules rules = {
		.max_puts = c->cache_max_puts,
		.max_value_bytes = c->cache_max_value_bytes,
		.default_ttl_s = c->cache_default_ttl_s,
		.max_ttl_s = c->cache_max_ttl_s,
		.keys = c->cache_allow_keys,
	};
	struct errtext why;
	struct buf reply;

	buf_init(&reply, MAX_REPLY_BYTES);
	if (cache_puts(w->exchange.cache, &rules, req->body, &w->exchange.rng, loop_now_ms(w->thread->loop),
		       &reply, &why) < 0) {
		buf_deinit(&reply);
		fail(req, 400, why.text);
		return;
	}
	http_reply_buf(req, 200, "application/json", &reply);
}

/* Keys of this server's own making may be longer than uuids; of the others it is only said that they cannot be. */
static void get(struct http_request *req)
{
	const struct pbs_worker *w = pbs_worker_of(req);
	struct str key = http_request_arg(req, "uuid", NULL);
	enum cache_type type;
	struct buf value;

	if (key.n == 0) {
		fail(req, 400, "GET /cache: Missing required parameter uuid");
		return;
	}
	buf_init(&value, VALUE_MAX);
	if (key.n > CACHE_KEY_MAX ||
	    !cache_store_get(w->exchange.cache, key, loop_now_ms(w->thread->loop), &value, &type)) {
		bool odd = key.n != UUID_TEXT && !w->server->config->cache_allow_keys;

		buf_deinit(&value);
		fail(req, 404,
		     arena_printf(req->arena, "GET /cache uuid=%.*s: %s",
				  (int)(key.n < CACHE_KEY_MAX ? key.n : CACHE_KEY_MAX), key.p,
				  odd ? "invalid uuid length" : "Key not found"));
		return;
	}
	http_reply_header(req, "X-Content-Type-Options", STR("nosniff"));
	http_reply_header(req, "Content-Security-Policy", STR("default-src 'none'; sandbox"));
	http_reply_buf(req, 200, types[type], &value);
}

void endpoint_cache(struct http_request *req)
{
	if (!is_on(req))
		return;
	if (req->method == HTTP_POST)
		put(req);
	else
		get(req);
}
