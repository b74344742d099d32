#include "pbs/endpoints/front.h"

#include "common/http_server.h"
#include "common/mem.h"
#include "pbs/analytics/spans.h"
#include "pbs/bidders.h"
#include "pbs/endpoints/visitor.h"
#include "pbs/exchange/tally.h"
#include "pbs/metrics.h"
#include "pbs/server.h"

/* --- in --- */

static void take_headers(struct auction *a, const struct http_request *req)
{
	static const struct {
		const char *name;
		size_t offset;
	} headers[] = {
		{ "User-Agent", offsetof(struct enrich_http, user_agent) },
		{ "Referer", offsetof(struct enrich_http, referer) },
		{ "DNT", offsetof(struct enrich_http, dnt) },
		{ "Sec-GPC", offsetof(struct enrich_http, sec_gpc) },
		{ "Sec-Browsing-Topics", offsetof(struct enrich_http, browsing_topics) },
		{ "Sec-Cookie-Deprecation", offsetof(struct enrich_http, cookie_deprecation) },
		{ "True-Client-IP", offsetof(struct enrich_http, true_client_ip) },
		{ "X-Forwarded-For", offsetof(struct enrich_http, x_forwarded_for) },
		{ "X-Real-IP", offsetof(struct enrich_http, x_real_ip) },
	};

	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		*(struct str *)(void *)((char *)&a->http + headers[i].offset) =
			http_request_header(req, headers[i].name);
	a->http.peer_ip = req->peer_ip;
}

/* No ids of somebody who opted out: the cookie reads as empty then. */
static void take_ids(struct auction *a, const struct http_request *req)
{
	struct uids *u = ARENA_NEW(req->arena, struct uids);

	if (!http_request_has_header(req, "Cookie"))
		return;
	visitor_uids(req, u);
	a->uids = u;
}

static void take_trace(struct auction *a, const struct http_request *req)
{
	a->request_id = str_of(req->id);
	a->trace_id = STR("");
	if (!trace_is_set(&req->trace))
		return;
	a->trace = &req->trace;
	a->trace_id.p = arena_alloc(req->arena, TRACE_ID_TEXT + 1);
	a->trace_id.n = TRACE_ID_TEXT;
	trace_write_id(a->trace, (char *)(uintptr_t)a->trace_id.p);
	if (a->x->spans && req->trace.sampled)
		a->times = ARENA_NEW(req->arena, struct auction_times);
}

struct auction *front_auction_new(struct http_request *req, const struct auction_front *front)
{
	struct pbs_worker *w = pbs_worker_of(req);
	struct auction *a;

	http_reply_header(req, "X-Prebid", STR("nexus-pbs/" NEXUS_VERSION));
	if (http_request_header(req, "Sec-Browsing-Topics").n)
		http_reply_header(req, "Observe-Browsing-Topics", STR("?1"));
	if (w->exchange.open_auctions >= pbs_request_config(req)->max_auctions) {
		metrics_inc(w->exchange.metrics, M_SHED);
		http_reply_header(req, "Retry-After", STR("1"));
		http_reply_error(req, 503, "too many auctions are in flight");
		return NULL;
	}
	a = auction_new(&w->exchange, front, pbs_request_live(req), req->arena);
	a->front_ctx = req;
	a->bound_publisher = STR("");
	take_headers(a, req);
	take_trace(a, req);
	take_ids(a, req);
	return a;
}

void front_auction_start(struct auction *a)
{
	metrics_gauge_set(a->x->metrics, M_IN_FLIGHT, (double)a->x->open_auctions + 1);
	auction_start(a);
}

/* --- out --- */

void front_end(struct auction *a)
{
	metrics_gauge_set(a->x->metrics, M_IN_FLIGHT, (double)a->x->open_auctions);
	if (a->times)
		spans_of_auction(a, a->x->spans);
	tally_auction(a);
	analytics_tell_auction(&a->x->sinks, a);
}

bool front_settle(struct auction *a)
{
	front_end(a);
	if (a->refusal.p)
		http_reply(a->front_ctx, a->status, "text/plain; charset=utf-8", a->refusal);
	return !a->refusal.p;
}
