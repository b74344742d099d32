#include "idr/routes.h"

#include "common/log.h"
#include "idr/access.h"
#include "idr/endpoints/endpoints.h"
#include "idr/spans.h"

const struct http_route idr_routes[] = {
	{ HTTP_POST, "/route", endpoint_route, ROUTE_NEEDS_KEY | ROUTE_QUIET, "route", 0 },
	{ HTTP_POST, "/analytics", endpoint_analytics, ROUTE_NEEDS_KEY | ROUTE_QUIET, "analytics", 0 },
	{ HTTP_GET, "/floors/*", endpoint_floors_get, ROUTE_KEY_OR_SESSION, "floors", 0 },
	{ HTTP_PUT, "/floors/*", endpoint_floors_put, ROUTE_KEY_OR_SESSION, "floors_put", 0 },
	{ HTTP_DELETE, "/floors/*", endpoint_floors_delete, ROUTE_KEY_OR_SESSION, "floors_delete", 0 },
	{ HTTP_GET, "/stats", endpoint_stats_all, ROUTE_KEY_OR_SESSION, "stats_all", 0 },
	{ HTTP_GET, "/stats/*", endpoint_stats, ROUTE_KEY_OR_SESSION, "stats", 0 },
	{ HTTP_GET, "/stored-requests", endpoint_stored_requests, ROUTE_NEEDS_KEY, "stored_requests", 0 },
	{ HTTP_PUT, "/api/v1/stored/*", endpoint_stored_put, ROUTE_KEY_OR_SESSION, "stored_put", 0 },
	{ HTTP_DELETE, "/api/v1/stored/*", endpoint_stored_delete, ROUTE_KEY_OR_SESSION, "stored_delete", 0 },
	{ HTTP_GET, "/api/v1/publishers/*", endpoint_publisher_get, ROUTE_KEY_OR_SESSION, "publisher", 0 },
	{ HTTP_PUT, "/api/v1/publishers/*", endpoint_publisher_put, ROUTE_KEY_OR_SESSION, "publisher_put",
	  0 },
	{ HTTP_DELETE, "/api/v1/publishers/*", endpoint_publisher_delete, ROUTE_KEY_OR_SESSION,
	  "publisher_delete", 0 },
	{ HTTP_GET, "/api/v1/audit", endpoint_audit, ROUTE_KEY_OR_SESSION | ROUTE_ADMIN, "audit", 0 },
	{ HTTP_POST, "/api/v1/explain", endpoint_explain, ROUTE_KEY_OR_SESSION | ROUTE_VIEWER, "explain", 0 },
	{ HTTP_GET, "/api/v1/session", endpoint_session, 0, "session", 0 },
	{ HTTP_GET, "/", endpoint_page, 0, "page", 0 },
	{ HTTP_GET, "/login", endpoint_page, 0, "page", 0 },
	{ HTTP_GET, "/assets/*", endpoint_asset, ROUTE_QUIET, "asset", 0 },
	{ HTTP_POST, "/login", endpoint_login, 0, "login", 4096 },
	{ HTTP_POST, "/logout", endpoint_logout, 0, "logout", 4096 },
	{ HTTP_GET, "/config", endpoint_config, ROUTE_KEY_OR_SESSION | ROUTE_ADMIN, "config", 0 },
	{ HTTP_GET, "/health", endpoint_health, ROUTE_QUIET, "health", 0 },
	{ HTTP_GET, "/ready", endpoint_ready, ROUTE_QUIET, "ready", 0 },
	{ HTTP_GET, "/metrics", endpoint_metrics, ROUTE_QUIET, "metrics", 0 },
	{ HTTP_GET, "/version", endpoint_version, ROUTE_QUIET, "version", 0 },
};
const size_t idr_n_routes = ARRAY_LEN(idr_routes);
_Static_assert(ARRAY_LEN(idr_routes) <= IDR_ROUTES_MAX, "metrics keep a name per route");

static bool check_rate(struct http_request *req, struct idr_worker *w, const struct live_config *live)
{
	const struct caller *caller = req->user;
	struct rate_limit_rule rule = { .per_second = live->values->rate_limit_rps,
					.burst = live->values->rate_limit_rps };
	uint32_t wait_ms;
	char seconds[16];

	if (!(req->route->flags & ROUTE_NEEDS_KEY) || rule.per_second <= 0 ||
	    rate_limit_take(w->idr->rate_limit, str_hash(caller ? caller->name : req->peer_ip), &rule,
			    clock_mono_us(), &wait_ms))
		return true;
	snprintf(seconds, sizeof seconds, "%u", (unsigned)(wait_ms + 999) / 1000);
	http_reply_header(req, "Retry-After", str_of(seconds));
	http_reply_error(req, 429, "more than %.0f requests per second", rule.per_second);
	return false;
}

/* The caller's trace; none is begun here, since whoever asks us is where it begins. */
static void take_trace(struct http_request *req, const struct live_config *live)
{
	char text[TRACE_ID_TEXT + 1] = "";

	if (live->values->tracing && trace_parse(http_request_header(req, "traceparent"), &req->trace))
		trace_write_id(&req->trace, text);
	log_set_request(str_of(req->id), str_of(text));
}

bool routes_before(struct http_request *req)
{
	struct idr_worker *w = idr_worker_of(req);
	const struct live_config *live = idr_live_config(w);

	take_trace(req, live);
	if (!access_check(req, live))
		return false;
	if (req->route->flags & ROUTE_NEEDS_KEY)
		spans_begin(req);
	return check_rate(req, w, live);
}

static enum idr_status_class status_class(int status)
{
	if (status < 200)
		return STATUS_CLIENT_LEFT;
	return status < 300 ? STATUS_2XX : status < 400 ? STATUS_3XX : status < 500 ? STATUS_4XX : STATUS_5XX;
}

void routes_after(struct http_request *req)
{
	struct idr_worker *w = idr_worker_of(req);
	uint64_t us = clock_mono_us() - req->arrived_us;

	if (req->route) {
		size_t row = (size_t)(req->route - w->idr->routes);

		metrics_inc(w->metrics, M_REQUESTS, (unsigned)row, status_class(req->status));
		metrics_observe(w->metrics, M_REQUEST_TIME, (double)us / 1e6, (unsigned)row);
	}
	if (!req->route || !(req->route->flags & ROUTE_QUIET) || req->status >= 500 || req->trace.sampled)
		log_event(LOG_DEBUG, "request", LOG_STR("path", req->path), LOG_INT("status", req->status),
			  LOG_INT("us", us), LOG_STR("peer", req->peer_ip));
	log_set_request(STR(""), STR(""));
	spans_end(req);
}
