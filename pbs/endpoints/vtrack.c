/* POST /vtrack: VAST is put into the cache with one more impression in it, which tells this server that the ad
 * was shown. For clients that cache by themselves, such as Prebid.js.
 *
 * Repaired  the changed VAST is forwarded as a JSON string, as a cache expects it; in the reference it is not. */
#include "common/err.h"
#include "common/http_client.h"
#include "common/http_server.h"
#include "common/json.h"
#include "common/mem.h"
#include "pbs/endpoints/account_gate.h"
#include "pbs/endpoints/cache_post.h"
#include "pbs/endpoints/endpoints.h"
#include "pbs/endpoints/integration.h"
#include "pbs/exchange/events.h"
#include "pbs/server.h"

enum { MAX_BODY_BYTES = 64 << 20, MAX_REPLY_BYTES = 4 << 20, SHOWN_MAX = 1024 };

struct vtrack {
	struct account_gate gate;
	struct http_request *req;
	const struct bidder_set *bidders;
	json_t *body;
	struct str integration;
	struct buf puts; /* as they go to the cache */
	struct http_call call;
	char *url;
};

static void drop_buf(void *b)
{
	buf_deinit(b);
}

static void fail(struct http_request *req, int status, const char *what, const char *text)
{
	http_reply_header(req, "X-Content-Type-Options", STR("nosniff"));
	http_reply(req, status, "text/plain; charset=utf-8",
		   str_of(arena_printf(req->arena, "%s: %s\n", what, text)));
}

/* --- the puts --- */

static int check(const struct vtrack *v, struct errtext *why)
{
	const json_t *puts = json_object_get(v->body, "puts"), *put;
	const char *missing = NULL;
	size_t i;

	json_array_foreach (puts, i, put) {
		if (!missing && json_str_at(put, "bidid").n == 0)
			missing = "bidid";
		if (!missing && json_str_at(put, "bidder").n == 0)
			missing = "bidder";
	}
	if (missing)
		errtext_set(why, "'%s' is required field and can't be empty", missing);
	else if (!json_is_object(v->body) || (puts && !json_is_array(puts)))
		errtext_set(why, "the body is not an object with an array of puts");
	else
		return 0;
	return ERR_INPUT;
}

static bool may_modify(const struct vtrack *v, struct str bidder)
{
	const struct registry_bidder *b = registry_find(v->bidders->registry, bidder);

	if (!b)
		return pbs_request_config(v->req)->vtrack_unknown_bidders;
	return !b->disabled && b->info.modifying_vast_xml_allowed;
}

static struct str vast_of(struct vtrack *v, const json_t *put)
{
	struct str vast = json_str_at(put, "value"), bidder = json_str_at(put, "bidder");
	const struct registry_bidder *b = registry_find(v->bidders->registry, bidder);
	struct events ev = {
		.active = true,
		.external_url = str_of(pbs_request_config(v->req)->external_url),
		.account = v->gate.id,
		.integration = v->integration,
		.auction_start_ms = json_int_at(put, "timestamp", 0),
	};
	struct str url, marked;

	if (!may_modify(v, bidder))
		return vast;
	url = events_imp_url(&ev, json_str_at(put, "bidid"), b ? str_of(b->bidder.name) : bidder,
			     v->req->arena);
	marked = events_mark_vast(vast, url, v->req->arena);
	return marked.n ? marked : vast;
}

static void add_put(struct vtrack *v, const json_t *put, struct buf *b)
{
	const json_t *value = json_object_get(put, "value");
	int64_t ttl_s = json_int_at(put, "ttlseconds", 0);
	struct str key = json_str_at(put, "key");

	buf_add_z(b, "{\"type\":");
	json_write_str(b, json_str_at(put, "type"));
	if (ttl_s)
		buf_addf(b, ",\"ttlseconds\":%lld", (long long)ttl_s);
	buf_add_z(b, ",\"value\":");
	if (json_is_string(value))
		json_write_str(b, vast_of(v, put));
	else
		json_write(b, value ? value : json_null());
	if (key.n) {
		buf_add_z(b, ",\"key\":");
		json_write_str(b, key);
	}
	buf_add_c(b, '}');
}

static void build(struct vtrack *v)
{
	const json_t *put;
	size_t i;

	buf_init(&v->puts, MAX_BODY_BYTES);
	arena_defer(v->req->arena, drop_buf, &v->puts);
	buf_add_z(&v->puts, "{\"puts\":[");
	json_array_foreach (json_object_get(v->body, "puts"), i, put) {
		if (i)
			buf_add_c(&v->puts, ',');
		add_put(v, put, &v->puts);
	}
	buf_add_z(&v->puts, "]}");
}

/* --- the cache --- */

static void put_failed(struct http_request *req, int err, const char *text)
{
	(void)err;
	fail(req, 500, "Error(s) updating vast", text);
}

static void put_here(struct vtrack *v)
{
	struct cache_post *p = ARENA_NEW(v->req->arena, struct cache_post);

	*p = (struct cache_post){ .req = v->req, .fail = put_failed };
	cache_post_start(p, buf_str(&v->puts), pbs_request_config(v->req)->vtrack_timeout_ms);
}

static void on_cached(struct http_call *call, const struct http_call_reply *reply)
{
	struct vtrack *v = container_of(call, struct vtrack, call);
	struct arena *a = v->req->arena;

	if (reply->err)
		fail(v->req, 500, "Error(s) updating vast",
		     reply->error_text ? reply->error_text : err_name(reply->err));
	else if (reply->status != 200)
		fail(v->req, 500, "Error(s) updating vast",
		     arena_printf(a, "Prebid Cache call to %s returned %d: %.*s", v->url, reply->status,
				  (int)(reply->body.n < SHOWN_MAX ? reply->body.n : SHOWN_MAX),
				  reply->body.p));
	else
		http_reply(v->req, 200, "application/json", arena_str(a, reply->body));
}

static void put_there(struct vtrack *v)
{
	static const struct http_header headers[] = {
		{ { "Content-Type", 12 }, { "application/json;charset=utf-8", 30 } },
		{ { "Accept", 6 }, { "application/json", 16 } },
	};
	const struct pbs_worker *w = pbs_worker_of(v->req);
	const struct pbs_config *c = pbs_request_config(v->req);
	struct http_call_request req = {
		.method = "POST",
		.headers = headers,
		.n_headers = ARRAY_LEN(headers),
		.body = buf_str(&v->puts),
		.max_reply_bytes = MAX_REPLY_BYTES,
		.timeout_ms = c->vtrack_timeout_ms,
	};
	int err;

	req.url = v->url = arena_printf(v->req->arena, "%s://%s/cache", c->cache_scheme, c->cache_host);
	v->call.done = on_cached;
	err = http_client_start(w->exchange.http, &v->call, &req);
	if (err < 0)
		fail(v->req, 500, "Error(s) updating vast", err_name(err));
}

static void with_account(struct account_gate *g)
{
	struct vtrack *v = container_of(g, struct vtrack, gate);
	const struct pbs_worker *w = pbs_worker_of(v->req);

	if (g->state != ACCOUNT_OK) {
		account_gate_refuse(g);
		return;
	}
	build(v);
	if (json_array_size(json_object_get(v->body, "puts")) == 0)
		http_reply(v->req, 200, "application/json", STR("{\"responses\":[]}"));
	else if (*pbs_request_config(v->req)->cache_host)
		put_there(v);
	else if (w->exchange.cache)
		put_here(v);
	else
		fail(v->req, 500, "Error(s) updating vast", "no cache is configured");
}

/* --- the request --- */

void endpoint_vtrack(struct http_request *req)
{
	const struct pbs_config *c = pbs_request_config(req);
	struct vtrack *v = ARENA_NEW(req->arena, struct vtrack);
	struct errtext why;

	v->req = req;
	v->bidders = pbs_request_bidders(req);
	v->integration = http_request_arg(req, "int", NULL);
	v->gate = (struct account_gate){ .done = with_account,
					 .req = req,
					 .id = http_request_arg(req, "a", NULL),
					 .timeout_ms = c->vtrack_timeout_ms };
	if (!c->vtrack_enabled) {
		http_reply(req, 404, "text/plain; charset=utf-8", STR("404 page not found\n"));
		return;
	}
	if (v->gate.id.n == 0) {
		http_reply(req, 400, "text/plain; charset=utf-8",
			   STR("Account 'a' is required query parameter and can't be empty"));
		return;
	}
	if (integration_check(v->integration, &why) < 0) {
		fail(req, 400, "Invalid integration type", why.text);
		return;
	}
	if (req->body.n == 0) {
		fail(req, 400, "Invalid request", "request body is empty");
		return;
	}
	v->body = arena_own_json(req->arena, json_parse(req->body, &why));
	if (!v->body || check(v, &why) < 0)
		fail(req, 400, "Invalid request", why.text);
	else
		account_gate_ask(&v->gate);
}
