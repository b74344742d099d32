#include "pbs/server.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/err.h"
#include "common/http_client.h"
#include "common/http_listen.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/otlp.h"
#include "common/path.h"
#include "pbs/analytics/batch.h"
#include "pbs/analytics/file_log.h"
#include "pbs/analytics/file_sink.h"
#include "pbs/bidders.h"
#include "pbs/endpoints/admin.h"
#include "pbs/exchange/floors_fetch.h"
#include "pbs/exchange/rates.h"
#include "pbs/exchange/throttle.h"
#include "pbs/idr_client.h"
#include "pbs/metrics.h"
#include "pbs/privacy_settings.h"
#include "pbs/stored/http_events.h"
#include "pbs/vendor_lists.h"

enum {
	DRAIN_LOOK_MS = 5,
	DRAIN_QUIET_MS = 100,    /* after which idle connections are ended */
	DRAIN_RECEIVE_MS = 2000, /* for requests of which a part is here */
	GZIP_MIN_BYTES = 1400,
	MAX_HEADER_BYTES = 32768,
	MAX_STORED_BYTES = 8 << 20
};

/* --- requests --- */

const struct api_key *pbs_request_key(const struct http_request *req)
{
	const struct live_config *live = pbs_request_live(req);

	if (!live->values->auth_enabled)
		return NULL;
	return api_keys_find(live->keys, api_key_from_headers(http_request_header(req, "X-API-Key"),
							      http_request_header(req, "Authorization")));
}

bool pbs_request_begin(struct http_request *req)
{
	req->service = live_config_lend(&pbs_worker_of(req)->live, req->arena);
	return true;
}

const struct live_config *pbs_request_live(const struct http_request *req)
{
	return req->service;
}

const struct bidder_set *pbs_request_bidders(const struct http_request *req)
{
	return bidders_lend(&pbs_worker_of(req)->exchange.bidders, req->arena);
}

static bool check_key(struct http_request *req, const struct api_key *key)
{
	if (!pbs_request_config(req)->auth_enabled)
		return true;
	if (!key) {
		http_reply_error(req, 401,
				 "a valid API key is needed: header X-API-Key, or Authorization: Bearer");
		return false;
	}
	if (!api_key_allows_origin(key, http_request_header(req, "Origin"))) {
		http_reply_error(req, 403, "this API key may not be used from that Origin");
		return false;
	}
	return true;
}

static bool check_rate(struct http_request *req, const struct api_key *key)
{
	const struct pbs_server *s = pbs_worker_of(req)->server;
	double rps = pbs_request_config(req)->rate_limit_rps;
	struct rate_limit_rule rule = { .per_second = rps, .burst = rps };
	uint64_t who = str_hash(key ? str_of(key->name) : req->peer_ip);
	char seconds[16];
	uint32_t wait_ms;

	if (rps == 0 || rate_limit_take(s->rate_limit, who, &rule, req->arrived_us, &wait_ms))
		return true;
	snprintf(seconds, sizeof seconds, "%u", (wait_ms + 999) / 1000);
	http_reply_header(req, "Retry-After", str_of(seconds));
	http_reply_error(req, 429, "more than %.0f requests per second", rps);
	return false;
}

/* Where a collector is told, we say which auctions it gets, unless the host trusts its callers with that. */
static void take_trace(struct http_request *req)
{
	struct pbs_worker *w = pbs_worker_of(req);
	const struct pbs_config *c = w->server->config;
	struct trace *t = &req->trace;

	if (!c->tracing)
		return;
	trace_begin(t, http_request_header(req, "traceparent"), &w->exchange.rng);
	if (w->exchange.spans && !(c->trace_follow_caller && t->parent))
		t->sampled = rng_unit(&w->exchange.rng) < c->trace_sample_rate;
}

static bool before_request(struct http_request *req)
{
	const struct api_key *key;

	pbs_request_begin(req);
	key = req->route->flags & ROUTE_KEY ? pbs_request_key(req) : NULL;
	take_trace(req);
	if (req->route->flags & ROUTE_KEY && !check_key(req, key))
		return false;
	return !(req->route->flags & ROUTE_LIMITED) || check_rate(req, key);
}

static unsigned status_label(int status)
{
	if (status == 0)
		return STATUS_CLIENT_LEFT;
	return status < 300 ? STATUS_2XX : status < 400 ? STATUS_3XX : status < 500 ? STATUS_4XX : STATUS_5XX;
}

static bool is_logged(const struct pbs_config *c, const struct http_request *req)
{
	return c->access_log == ACCESS_ALL || (c->access_log == ACCESS_ERRORS && req->status >= 500);
}

static void after_request(struct http_request *req)
{
	struct pbs_worker *w = pbs_worker_of(req);
	unsigned route = (unsigned)(req->route ? (size_t)(req->route - pbs_routes) : pbs_n_routes);
	uint64_t us = loop_now_us(w->thread->loop) - req->arrived_us;
	char trace[TRACE_ID_TEXT + 1] = "";

	metrics_inc(w->exchange.metrics, M_REQUESTS, route, status_label(req->status));
	metrics_observe(w->exchange.metrics, M_REQUEST_TIME, (double)us * 1e-6, route);
	if (!is_logged(live_config_get(&w->live)->values, req)) /* also those that nobody began */
		return;
	if (trace_is_set(&req->trace))
		trace_write_id(&req->trace, trace);
	log_set_request(str_of(req->id), str_of(trace));
	log_event(LOG_INFO, "request", LOG_STR("path", req->path), LOG_INT("status", req->status),
		  LOG_INT("us", us), LOG_INT("bytes", req->reply_bytes));
	log_set_request(STR(""), STR(""));
}

static void count_connection(void *ctx, bool opened)
{
	const struct pbs_worker *w = ctx;

	metrics_inc(w->exchange.metrics, opened ? M_CONNECTIONS_OPENED : M_CONNECTIONS_CLOSED);
}

/* --- workers --- */

static void add_sink(struct pbs_worker *w, struct analytics_sink *s)
{
	w->exchange.sinks.list[w->exchange.sinks.n++] = s;
}

static void start_router(struct pbs_worker *w)
{
	const struct pbs_config *c = w->server->config;
	const char *key = *c->idr_api_key ? c->idr_api_key : c->api_key_default;
	struct idr_client_options idr = {
		.url = c->idr_url,
		.api_key = key,
		.timeout_ms = c->idr_timeout_ms,
		.breaker_failures = c->idr_breaker_failures,
		.breaker_open_ms = c->idr_breaker_open_ms,
	};
	struct analytics_options events = {
		.url = c->idr_url,
		.api_key = key,
		.batch_events = c->events_buffer,
		.flush_ms = c->events_flush_ms,
		.max_bytes = c->events_max_bytes,
		.metrics = w->exchange.metrics,
	};

	if (c->idr_enabled)
		w->exchange.idr = idr_client_new(w->thread->loop, w->exchange.http, &idr);
	if (c->idr_enabled && c->events_enabled)
		add_sink(w, analytics_sink_of(analytics_new(w->thread->loop, w->exchange.http, &events)));
}

/* Without a descriptor for it this worker writes nothing; the others do. */
static void start_file(struct pbs_worker *w)
{
	struct analytics_sink *s;

	if (!w->server->file_log)
		return;
	s = file_sink_new(w->server->file_log, w->thread->loop, w->exchange.metrics);
	if (s)
		add_sink(w, s);
}

static void count_spans(void *arg, size_t spans, enum otlp_fate fate)
{
	metrics_add(arg, M_SPANS, spans, fate);
}

static void start_tracing(struct pbs_worker *w)
{
	const struct pbs_config *c = w->server->config;
	struct otlp_options opt = {
		.url = c->otlp_url,
		.headers = c->otlp_headers,
		.service = "nexus-pbs",
		.version = NEXUS_VERSION,
		.flush_ms = c->otlp_flush_ms,
		.max_bytes = c->otlp_max_bytes,
		.count = count_spans,
		.arg = w->exchange.metrics,
	};

	if (c->tracing && *c->otlp_url)
		w->exchange.spans = otlp_new(w->thread->loop, w->exchange.http, &opt);
}

static void start_rates(struct pbs_worker *w)
{
	const struct pbs_config *c = w->server->config;
	struct rates_options rates = {
		.url = c->rates_url,
		.interval_ms = (uint64_t)c->rates_interval_s * 1000,
		.stale_ms = (uint64_t)c->rates_stale_s * 1000,
		.timeout_ms = c->rates_timeout_ms,
		.bundled = w->server->bundled_rates,
	};

	w->exchange.rates = rates_new(w->thread->loop, w->exchange.http, &rates);
}

static void start_floors(struct pbs_worker *w)
{
	const struct pbs_config *c = w->server->config;
	struct floors_fetch_options floors = {
		.router_url = c->idr_enabled ? c->idr_url : "",
		.router_key = *c->idr_api_key ? c->idr_api_key : c->api_key_default,
		.hosts = c->floors_hosts,
	};

	w->exchange.floors = floors_fetch_new(w->thread->loop, w->exchange.http, &floors);
}

/* A port that somebody else holds costs the administration port, not the auctions. */
static void start_admin(struct pbs_worker *w)
{
	struct errtext why;

	w->admin = admin_new(w, &why);
	if (!w->admin)
		log_event(LOG_WARN, "admin_unavailable", LOG_INT("port", w->server->config->admin_port),
			  LOG_Z("reason", why.text));
}

static bool is_routers(const struct pbs_server *s, const char *configured)
{
	const char *url = pbs_server_stored_url(s, configured);

	return !*url || (*s->config->idr_url && str_starts(str_of(url), str_of(s->config->idr_url)));
}

/* Our key goes to the router, not to whoever else keeps stored data. */
static struct str stored_key(const struct pbs_server *s)
{
	const struct pbs_config *c = s->config;

	if (!is_routers(s, c->stored_http_endpoint) || !is_routers(s, c->accounts_http_endpoint))
		return STR("");
	return str_of(*c->idr_api_key ? c->idr_api_key : c->api_key_default);
}

static void start_stored(struct pbs_worker *w)
{
	const struct pbs_server *s = w->server;
	const struct pbs_config *c = s->config;
	struct stored_options stored = {
		.files = (struct snapshot_slot *)(uintptr_t)&s->files, /* a slot locks itself */
		.http_endpoint = str_of(pbs_server_stored_url(s, c->stored_http_endpoint)),
		.accounts_endpoint = str_of(pbs_server_stored_url(s, c->accounts_http_endpoint)),
		.category_endpoint = str_of(c->category_http_endpoint),
		.max_reply_bytes = MAX_STORED_BYTES,
		.usual_wait_ms = c->stored_timeout_ms,
		.api_key = stored_key(s),
		.loop = w->thread->loop,
		.cache = s->stored_cache,
		.database = s->stored_database,
		.metrics = w->exchange.metrics,
	};
	struct http_events_options events = {
		.endpoint = c->stored_events_endpoint,
		.refresh_ms = c->stored_events_refresh_s * 1000,
		.timeout_ms = c->stored_events_timeout_ms,
		.cache = s->stored_cache,
		.metrics = w->exchange.metrics,
	};

	w->exchange.stored = stored_new(w->exchange.http, &stored);
	if (w->thread->index == 0 && *c->stored_events_endpoint)
		w->stored_events = http_events_new(w->thread->loop, w->exchange.http, &events);
}

static struct http_client *make_client(const struct pbs_config *c, struct loop *loop, struct errtext *why)
{
	struct http_client_options opt = {
		.max_open = c->max_open_calls,
		.max_idle_connections = c->max_idle_connections,
		.verify_tls = c->verify_tls,
		.ca_file = *c->certificates_file ? c->certificates_file : NULL,
		.allow_private_addresses = c->allow_private_addresses,
	};
	struct http_client *client = http_client_new(loop, &opt);

	if (!client && opt.ca_file)
		errtext_set(why, "certificates_file: %s holds no certificates that can be read", opt.ca_file);
	else if (!client)
		errtext_set(why, "the system's certificates cannot be read; install ca-certificates");
	return client;
}

static int init_worker(struct worker *thread, struct errtext *why)
{
	const struct pbs_server *s = thread->arg;
	const struct pbs_config *c = s->config;
	struct pbs_worker *w = xcalloc(1, sizeof *w);
	struct http_server_options http = {
		.host = str_of(c->host),
		.port = (uint16_t)c->port,
		.routes = pbs_routes,
		.n_routes = pbs_n_routes,
		.max_body_bytes = c->max_request_bytes,
		.max_connections = c->max_connections,
		.max_header_bytes = MAX_HEADER_BYTES,
		.idle_timeout_ms = c->idle_timeout_ms,
		.gzip_requests = c->gzip_requests,
		.gzip_replies = c->gzip_replies,
		.gzip_min_bytes = GZIP_MIN_BYTES,
		.cors = true,
		.no_store = true,
		.ctx = w,
		.before = before_request,
		.after = after_request,
		.connection = count_connection,
	};

	thread->state = w;
	w->server = s;
	w->thread = thread;
	w->exchange = (struct exchange){
		.loop = thread->loop,
		.http = make_client(c, thread->loop, why),
		.bidder_rates = s->bidder_rates,
		.default_request = s->default_request,
		.metrics = metrics_new(s->metrics),
		.privacy_accounts = privacy_accounts_new(),
		.vendor_lists = s->vendor_lists,
	};
	if (!w->exchange.http)
		return ERR_UNAVAILABLE;
	/* slots lock themselves */
	snapshot_view_init(&w->live, (struct snapshot_slot *)(uintptr_t)&s->live);
	snapshot_view_init(&w->exchange.bidders, (struct snapshot_slot *)(uintptr_t)&s->bidders);
	rng_seed_os(&w->exchange.rng);
	start_stored(w);
	if (c->throttling || c->throttling_simulated)
		w->exchange.throttle = throttle_new(pbs_metrics_max_bidders(), c->throttle_window);
	if (s->cache || s->cache_redis)
		w->exchange.cache = cache_new(thread->loop, s->cache, s->cache_redis, w->exchange.metrics);
	start_rates(w);
	start_floors(w);
	start_router(w);
	start_file(w);
	start_tracing(w);
	if (c->admin_enabled && thread->index == 0)
		start_admin(w);
	w->http = http_server_new(thread->loop, &http, why);
	return w->http ? 0 : ERR_UNAVAILABLE;
}

static void deinit_worker(struct worker *thread)
{
	struct pbs_worker *w = thread->state;

	if (!w)
		return;
	if (w->admin)
		http_server_free(w->admin);
	http_server_free(w->http);
	analytics_free_all(&w->exchange.sinks);
	otlp_free(w->exchange.spans);
	floors_fetch_free(w->exchange.floors);
	throttle_free(w->exchange.throttle);
	rates_free(w->exchange.rates);
	idr_client_free(w->exchange.idr);
	http_events_free(w->stored_events);
	stored_free(w->exchange.stored);
	cache_free(w->exchange.cache);
	http_client_free(w->exchange.http);
	privacy_accounts_free(w->exchange.privacy_accounts);
	snapshot_view_deinit(&w->exchange.bidders);
	snapshot_view_deinit(&w->live);
	free(w);
}

int pbs_server_start(struct pbs_server *s, struct errtext *why)
{
	static const struct worker_class cls = { "pbs", init_worker, deinit_worker };
	size_t n = workers_wanted(s->config->workers);

	if (pbs_server_open(s, why) < 0 || vendor_lists_start(s->vendor_lists, why) < 0)
		return ERR_UNAVAILABLE;
	s->n_workers = n;
	s->workers = workers_start(n, &cls, s, why);
	return s->workers ? 0 : ERR_UNAVAILABLE;
}

static int check_client(const struct pbs_config *c, struct errtext *why)
{
	struct loop *loop = loop_new();
	struct http_client *client = make_client(c, loop, why);

	http_client_free(client);
	loop_free(loop);
	return client ? 0 : ERR_INPUT;
}

static int check_places(const struct pbs_config *c, struct errtext *why)
{
	if (http_listen_check(str_of(c->host), why) < 0) {
		errtext_prefix(why, "host (PBS_HOST): ");
		return ERR_INPUT;
	}
	if (*c->file_name && path_check_file(c->file_name, why) < 0) {
		errtext_prefix(why, "analytics.file.filename: ");
		return ERR_INPUT;
	}
	return 0;
}

int pbs_server_check(struct conf *conf, struct errtext *why)
{
	struct pbs_server s;
	int err = pbs_server_load(&s, conf, why);

	if (!err)
		err = check_places(s.config, why);
	if (!err)
		err = check_client(s.config, why);
	pbs_server_unload(&s);
	return err;
}

/* --- ending --- */

/* True while requests are coming in, or may: proxies hold connections on which they will ask again, and learn only by their
 * end that this server leaves. So they are ended, when they have been quiet for a moment, and what was on its way meanwhile
 * is served. */
static bool may_come_in(struct pbs_worker *w, uint64_t drained_ms)
{
	return drained_ms < DRAIN_QUIET_MS ||
	       (!http_server_close_idle(w->http) && drained_ms < DRAIN_RECEIVE_MS);
}

/* Looks every few milliseconds whether the last request and the last event have left. */
static void look_drained(struct loop_timer *t)
{
	struct pbs_worker *w = container_of(t, struct pbs_worker, drain);
	struct loop *loop = w->thread->loop;
	uint64_t drained_ms = loop_now_ms(loop) - w->drain_began_ms;
	bool open = http_server_open_requests(w->http) > 0 || may_come_in(w, drained_ms);
	bool events = !analytics_are_idle(&w->exchange.sinks);
	bool spans = w->exchange.spans && !otlp_is_idle(w->exchange.spans);

	if (!open && events)
		analytics_flush_all(&w->exchange.sinks);
	if (!open && spans)
		otlp_flush(w->exchange.spans);
	if ((!open && !events && !spans) || drained_ms >= w->server->config->drain_timeout_ms) {
		if (open || events)
			log_event(LOG_WARN, "drain_incomplete",
				  LOG_INT("open_requests", http_server_open_requests(w->http)));
		loop_stop(loop);
		return;
	}
	loop_timer_start(loop, t, DRAIN_LOOK_MS, look_drained);
}

static void begin_drain(struct worker *thread, void *arg)
{
	struct pbs_worker *w = thread->state;

	(void)arg;
	w->draining = true;
	w->drain_began_ms = loop_now_ms(thread->loop);
	http_server_stop_listening(w->http);
	if (w->admin)
		http_server_stop_listening(w->admin);
	loop_timer_start(thread->loop, &w->drain, 0, look_drained);
}

void pbs_server_drain(struct pbs_server *s)
{
	workers_each(s->workers, begin_drain, NULL, NULL);
	workers_join(s->workers);
	s->workers = NULL;
}
