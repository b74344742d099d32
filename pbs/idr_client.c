#include "pbs/idr_client.h"

#include <stdlib.h>
#include <string.h>

#include "common/breaker.h"
#include "common/err.h"
#include "common/mem.h"

enum { MAX_BODY_BYTES = 1 << 20, MAX_REPLY_BYTES = 1 << 20 };

const char *const unrouted_names[UNROUTED_VALUES] = {
	[ROUTED] = "routed",
	[UNROUTED_DISABLED] = "disabled",
	[UNROUTED_NOBODY] = "no_bidders",
	[UNROUTED_BREAKER] = "breaker_open",
	[UNROUTED_TIMEOUT] = "timeout",
	[UNROUTED_ERROR] = "error",
	[UNROUTED_INVALID] = "invalid_reply",
};

struct idr_client {
	struct loop *loop;
	struct http_client *http;
	struct breaker_rule rule;
	struct breaker breaker;
	uint32_t timeout_ms;
	char *url, *api_key;
	struct http_header headers[2];
	size_t n_headers;
};

struct idr_client *idr_client_new(struct loop *loop, struct http_client *http,
				  const struct idr_client_options *opt)
{
	struct idr_client *c = xcalloc(1, sizeof *c);

	c->loop = loop;
	c->http = http;
	c->timeout_ms = opt->timeout_ms;
	c->url = xasprintf("%s/route", opt->url);
	c->api_key = xstrdup(opt->api_key);
	c->headers[c->n_headers++] = (struct http_header){ STR("Content-Type"), STR("application/json") };
	if (*c->api_key)
		c->headers[c->n_headers++] = (struct http_header){ STR("X-API-Key"), str_of(c->api_key) };
	c->rule = (struct breaker_rule){
		.failures = opt->breaker_failures,
		.open_ms = opt->breaker_open_ms,
		.max_open_ms = 8 * (uint64_t)opt->breaker_open_ms,
		.probes = 1,
	};
	breaker_init(&c->breaker, &c->rule);
	return c;
}

void idr_client_free(struct idr_client *c)
{
	if (!c)
		return;
	free(c->url);
	free(c->api_key);
	free(c);
}

static bool was_asked_about(const struct idr_route_request *req, struct str name)
{
	for (size_t i = 0; i < req->n_bidders; i++)
		if (str_eq(req->bidders[i], name))
			return true;
	return false;
}

static enum unrouted read_reply(struct idr_call *call, const struct http_call_reply *reply,
				struct idr_route_reply *ret_r)
{
	size_t known = 0;

	if (reply->err == ERR_TIMEOUT)
		return UNROUTED_TIMEOUT;
	if (reply->err == ERR_LIMIT)
		return UNROUTED_INVALID;
	if (reply->err || reply->status != 200)
		return UNROUTED_ERROR;
	if (idr_wire_parse_reply(call->arena, arena_str(call->arena, reply->body), ret_r, NULL) < 0)
		return UNROUTED_INVALID;
	for (size_t i = 0; i < ret_r->n_selected; i++)
		known += was_asked_about(call->req, ret_r->selected[i]);
	return known ? ROUTED : UNROUTED_INVALID;
}

static void on_reply(struct http_call *http, const struct http_call_reply *reply)
{
	struct idr_call *call = container_of(http, struct idr_call, http);
	struct idr_route_reply *answer = ARENA_NEW(call->arena, struct idr_route_reply);
	enum unrouted outcome = read_reply(call, reply, answer);

	buf_deinit(&call->body);
	breaker_report(&call->client->breaker, call->ticket, outcome == ROUTED,
		       loop_now_ms(call->client->loop));
	call->done(call, outcome, outcome == ROUTED ? answer : NULL);
}

enum unrouted idr_client_ask(struct idr_client *c, struct idr_call *call, struct arena *arena,
			     const struct idr_route_request *req)
{
	struct http_call_request http = {
		.method = "POST",
		.url = c->url,
		.headers = call->headers,
		.n_headers = c->n_headers,
		.max_reply_bytes = MAX_REPLY_BYTES,
		.timeout_ms = c->timeout_ms,
	};

	if (!breaker_allow(&c->breaker, loop_now_ms(c->loop), &call->ticket))
		return UNROUTED_BREAKER;
	call->client = c;
	call->arena = arena;
	call->req = req;
	call->http.done = on_reply;
	memcpy(call->headers, c->headers, sizeof c->headers);
	if (call->traceparent.n)
		call->headers[http.n_headers++] =
			(struct http_header){ STR("traceparent"), call->traceparent };
	buf_init(&call->body, MAX_BODY_BYTES);
	idr_wire_write_route(&call->body, req);
	http.body = buf_str(&call->body);
	if (!call->body.overflow && http_client_start(c->http, &call->http, &http) == 0)
		return ROUTED;
	buf_deinit(&call->body);
	breaker_report(&c->breaker, call->ticket, false, loop_now_ms(c->loop));
	return UNROUTED_ERROR;
}
