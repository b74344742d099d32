/* The administration port: exchange rates as they are now, version, configuration, what the workers do. Loopback unless the
 * host says otherwise; nothing here changes anything. */
#include "pbs/endpoints/admin.h"

#include <stdio.h>
#include <unistd.h>

#include "common/http_conf.h"
#include "common/http_json.h"
#include "common/http_server.h"
#include "common/json.h"
#include "common/mem.h"
#include "pbs/endpoints/endpoints.h"
#include "pbs/exchange/rates.h"
#include "pbs/metrics.h"
#include "pbs/server.h"

enum { ANY_METHOD = HTTP_GET | HTTP_POST | HTTP_PUT | HTTP_DELETE };

static void currency_rates(struct http_request *req)
{
	http_reply_json_new(req, 200, rates_describe_new(pbs_worker_of(req)->exchange.rates, req->arena));
}

static int64_t resident_bytes(void)
{
	FCLOSE_ON_EXIT FILE *f = fopen("/proc/self/statm", "re");
	long long total, resident = 0;

	if (!f || fscanf(f, "%lld %lld", &total, &resident) != 2)
		return 0;
	return resident * (int64_t)sysconf(_SC_PAGESIZE);
}

static json_t *cache_figures_new(struct cache_store *cache)
{
	struct cache_store_stats s = cache_store_stats(cache);
	json_t *j = json_object();

	json_set_int(j, "entries", (int64_t)s.entries);
	json_set_int(j, "bytes", (int64_t)s.bytes);
	json_set_int(j, "hits", (int64_t)s.hits);
	json_set_int(j, "misses", (int64_t)s.misses);
	json_set_int(j, "evicted", (int64_t)s.evicted);
	return j;
}

static void workers(struct http_request *req)
{
	const struct pbs_server *s = pbs_worker_of(req)->server;
	json_t *j = json_object();

	json_set_int(j, "workers", (int64_t)s->n_workers);
	json_set_int(j, "auctions_in_flight", (int64_t)metrics_read(s->metrics, M_IN_FLIGHT, 0));
	json_set_int(j, "auctions_shed", (int64_t)metrics_read(s->metrics, M_SHED, 0));
	json_set_int(j, "events_waiting", (int64_t)metrics_read(s->metrics, M_EVENTS_WAITING, 0));
	json_set_int(j, "resident_bytes", resident_bytes());
	if (s->cache)
		json_object_set_new_nocheck(j, "cache", cache_figures_new(s->cache));
	http_reply_json_new(req, 200, j);
}

static void configuration(struct http_request *req)
{
	http_reply_conf(req, pbs_request_live(req)->conf);
}

static const struct http_route routes[] = {
	{ ANY_METHOD, "/currency/rates", currency_rates, 0, "currency_rates", 0 },
	{ ANY_METHOD, "/version", endpoint_version, 0, "version", 0 },
	{ ANY_METHOD, "/config", configuration, 0, "config", 0 },
	{ ANY_METHOD, "/debug/workers", workers, 0, "workers", 0 },
};

struct http_server *admin_new(struct pbs_worker *w, struct errtext *why)
{
	const struct pbs_config *c = w->server->config;
	struct http_server_options opt = {
		.host = str_of(c->admin_host),
		.port = (uint16_t)c->admin_port,
		.routes = routes,
		.n_routes = ARRAY_LEN(routes),
		.max_body_bytes = 65536,
		.max_connections = 100,
		.idle_timeout_ms = c->idle_timeout_ms,
		.no_store = true,
		.ctx = w,
		.before = pbs_request_begin,
	};

	return http_server_new(w->thread->loop, &opt, why);
}
