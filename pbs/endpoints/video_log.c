#include "pbs/endpoints/video_log.h"

#include "common/err.h"
#include "common/http_server.h"
#include "common/json.h"
#include "common/mem.h"
#include "pbs/server.h"

enum { LOG_TTL_S = 3600, LOG_MAX_BYTES = 8 << 20 };

bool video_log_is_asked(const struct http_request *req)
{
	return str_eq(http_request_arg(req, "debug", NULL), STR("true"));
}

static void add_escaped(struct buf *b, struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		switch (text.p[i]) {
		case '<': buf_add_z(b, "&lt;"); break;
		case '>': buf_add_z(b, "&gt;"); break;
		case '&': buf_add_z(b, "&amp;"); break;
		default: buf_add_c(b, text.p[i]);
		}
}

static void write_body(struct video_log *l, struct str response)
{
	struct buf log;

	buf_init(&log, LOG_MAX_BYTES);
	buf_add_z(&log, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Log>\n<Request>");
	add_escaped(&log, l->req->body);
	buf_add_z(&log, "</Request>\n<Response>");
	add_escaped(&log, response);
	buf_add_z(&log, "</Response>\n</Log>");
	buf_addf(&l->body, "{\"puts\":[{\"type\":\"xml\",\"ttlseconds\":%d,\"value\":", LOG_TTL_S);
	json_write_str(&l->body, buf_str(&log));
	buf_addf(&l->body, ",\"key\":\"log_%s\"}]}", l->uuid);
	l->body.overflow |= log.overflow;
	buf_deinit(&log);
}

static void drop(void *log)
{
	struct video_log *l = log;

	cache_call_deinit(&l->own);
	buf_deinit(&l->body);
}

static void on_kept(struct cache_call *call)
{
	struct video_log *l = container_of(call, struct video_log, own);

	l->done(l, !call->err && call->batch->n == 1 && call->batch->puts[0].stored);
}

static void put_here(struct video_log *l)
{
	struct pbs_worker *w = pbs_worker_of(l->req);
	const struct pbs_config *c = w->server->config;
	struct cache_rules rules = { .default_ttl_s = LOG_TTL_S, .max_ttl_s = LOG_TTL_S, .keys = true };
	struct errtext why;
	struct cache_batch *batch = cache_batch_parse(buf_str(&l->body), &rules, &w->exchange.rng, &why);

	if (!batch) {
		l->done(l, false);
		return;
	}
	l->own.done = on_kept;
	if (cache_put(w->exchange.cache, &l->own, batch, c->cache_redis_timeout_ms))
		on_kept(&l->own);
}

static void on_reply(struct http_call *call, const struct http_call_reply *reply)
{
	struct video_log *l = container_of(call, struct video_log, there);

	l->done(l, !reply->err && reply->status == 200);
}

static void put_there(struct video_log *l)
{
	static const struct http_header headers[] = {
		{ { "Content-Type", 12 }, { "application/json;charset=utf-8", 30 } },
	};
	const struct pbs_worker *w = pbs_worker_of(l->req);
	const struct pbs_config *c = w->server->config;
	struct http_call_request req = {
		.method = "POST",
		.url = arena_printf(l->req->arena, "%s://%s/cache", c->cache_scheme, c->cache_host),
		.headers = headers,
		.n_headers = ARRAY_LEN(headers),
		.body = buf_str(&l->body),
		.timeout_ms = c->vtrack_timeout_ms,
	};

	l->there.done = on_reply;
	if (http_client_start(w->exchange.http, &l->there, &req) < 0)
		l->done(l, false);
}

void video_log_put(struct video_log *l, struct str response, struct str uuid)
{
	struct pbs_worker *w = pbs_worker_of(l->req);

	if (uuid.n == UUID_TEXT)
		memcpy(l->uuid, uuid.p, UUID_TEXT);
	else
		uuid_v4(&w->exchange.rng, l->uuid);
	buf_init(&l->body, 2 * LOG_MAX_BYTES);
	arena_defer(l->req->arena, drop, l);
	write_body(l, response);
	if (l->body.overflow)
		l->done(l, false);
	else if (*w->server->config->cache_host)
		put_there(l);
	else if (w->exchange.cache)
		put_here(l);
	else
		l->done(l, false);
}
