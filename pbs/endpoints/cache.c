/* POST and GET /cache: the built-in Prebid Cache.
 *
 * What is kept comes from anybody and is given to anybody who knows its key, so browsers are told to take it
 * for data: no guessing of types, no scripts. */
#include "common/err.h"
#include "common/http_server.h"
#include "common/mem.h"
#include "common/uuid.h"
#include "pbs/endpoints/cache_post.h"
#include "pbs/endpoints/endpoints.h"
#include "pbs/server.h"

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

/* 597 is what Prebid Cache says when its store took too long. */
static void put_failed(struct http_request *req, int err, const char *text)
{
	fail(req, err == ERR_INPUT ? 400 : err == ERR_TIMEOUT ? 597 : 500, text);
}

static void put(struct http_request *req)
{
	struct cache_post *p = ARENA_NEW(req->arena, struct cache_post);

	*p = (struct cache_post){ .req = req, .fail = put_failed };
	cache_post_start(p, req->body, pbs_request_config(req)->cache_redis_timeout_ms);
}

/* --- getting --- */

struct look_up {
	struct http_request *req;
	struct str key;
	struct cache_call call;
};

static void fail_get(const struct look_up *l, int status, const char *what)
{
	fail(l->req, status,
	     arena_printf(l->req->arena, "GET /cache uuid=%.*s: %s",
			  (int)(l->key.n < CACHE_KEY_MAX ? l->key.n : CACHE_KEY_MAX), l->key.p, what));
}

/* Keys of this server's own making may be longer than uuids; of the others it is only said that they cannot be. */
static void fail_unknown(const struct look_up *l)
{
	bool odd = l->key.n != UUID_TEXT && !pbs_request_config(l->req)->cache_allow_keys;

	fail_get(l, 404, odd ? "invalid uuid length" : "Key not found");
}

static void answer(struct cache_call *call)
{
	const struct look_up *l = container_of(call, struct look_up, call);

	if (call->err) {
		fail_get(l, 500, call->why.text);
	} else if (!call->found) {
		fail_unknown(l);
	} else {
		http_reply_header(l->req, "X-Content-Type-Options", STR("nosniff"));
		http_reply_header(l->req, "Content-Security-Policy", STR("default-src 'none'; sandbox"));
		http_reply_buf(l->req, 200, types[call->type], &call->value);
	}
}

static void drop_call(void *call)
{
	cache_call_deinit(call);
}

static void get(struct http_request *req)
{
	const struct pbs_worker *w = pbs_worker_of(req);
	struct look_up *l = ARENA_NEW(req->arena, struct look_up);

	*l = (struct look_up){ .req = req,
			       .key = http_request_arg(req, "uuid", NULL),
			       .call = { .done = answer } };
	if (l->key.n == 0) {
		fail(req, 400, "GET /cache: Missing required parameter uuid");
		return;
	}
	if (l->key.n > CACHE_KEY_MAX) {
		fail_unknown(l);
		return;
	}
	arena_defer(req->arena, drop_call, &l->call);
	if (cache_get(w->exchange.cache, &l->call, l->key,
		      pbs_request_config(l->req)->cache_redis_timeout_ms))
		answer(&l->call);
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
