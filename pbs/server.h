/* The service: what all workers share, what one worker owns, and how they start, reload and end.
 *
 * Threads `struct pbs_server` is immutable once workers run; everything in `struct pbs_worker` is its
 * thread's own.
 */
#ifndef PBS_SERVER_H
#define PBS_SERVER_H

#include "common/api_key.h"
#include "common/conf.h"
#include "common/http_server.h"
#include "common/metrics.h"
#include "common/rate_limit.h"
#include "common/version.h"
#include "common/worker.h"
#include "pbs/bidders.h"
#include "pbs/cache/cache.h"
#include "pbs/config.h"
#include "pbs/exchange/exchange.h"
#include "pbs/live_config.h"
#include "pbs/stored/cache.h"
#include "pbs/stored/stored.h"

/* Flags of routes, for the checks before a handler. */
enum route_flag {
	ROUTE_KEY = 1,     /* needs an API key */
	ROUTE_LIMITED = 2, /* counts against the caller's rate */
};

extern const struct http_route pbs_routes[];
extern const size_t pbs_n_routes;

struct pbs_server {
	const struct pbs_config *config;         /* as it was at the start, for what is made then; lives on */
	struct live_config *first;               /* it belongs to this one */
	struct snapshot_slot live;               /* struct live_config */
	struct snapshot_slot bidders;            /* struct bidder_set */
	struct snapshot_slot files;              /* struct stored_files */
	struct currency_table *bundled_rates;    /* NULL = none */
	json_t *default_request;                 /* NULL = none */
	struct stored_cache *stored_cache;       /* NULL = nothing is kept */
	struct stored_database *stored_database; /* NULL = none */
	char *router_stored_url;                 /* where the router keeps stored data; "" = no router */
	struct cache_store *cache;               /* in memory; NULL = none */
	struct cache_redis *cache_redis;         /* NULL = none */
	json_t *pages;                           /* static.h */
	struct file_log *file_log;               /* NULL = none */
	struct rate_limit *rate_limit;           /* of callers */
	struct rate_limit *bidder_rates;         /* of calls to bidders */
	struct metrics_set *metrics;
	struct vendor_lists *vendor_lists;
	size_t n_workers;
	struct workers *workers;
};

struct pbs_worker {
	const struct pbs_server *server;
	struct worker *thread;
	struct http_server *http;
	struct http_events *stored_events; /* the first worker's; NULL = none */
	struct http_server *admin;         /* the first worker's; NULL = none */
	struct snapshot_view live;         /* struct live_config; requests hold the one they began with */
	struct exchange exchange;
	bool draining;
	struct loop_timer drain;
	uint64_t drain_began_ms;
};

/* Reads bidders and stored data; makes nothing that runs. Takes `conf`, also when it fails. */
int pbs_server_load(struct pbs_server *s, struct conf *conf, struct errtext *why);
/* Reads the configuration and those files anew, or only the files; on failure what is there stays. From the thread
 * that called pbs_server_load(). */
int pbs_server_reload(struct pbs_server *s, struct errtext *why);
int pbs_server_reload_files(struct pbs_server *s, struct errtext *why);
/* "router" stands for nexus-idr's own stored data. */
const char *pbs_server_stored_url(const struct pbs_server *s, const char *configured);
/* The folders that the configuration names; borrowed from it. */
struct stored_dirs pbs_stored_dirs(const struct pbs_config *c);
int pbs_server_start(struct pbs_server *s, struct errtext *why);
/* What runs or writes beside the workers: the start's first step. */
int pbs_server_open(struct pbs_server *s, struct errtext *why);
/* Whether a server could start with it. Takes `conf`. */
int pbs_server_check(struct conf *conf, struct errtext *why);
void pbs_server_drain(struct pbs_server *s); /* returns once every worker has ended */
void pbs_server_unload(struct pbs_server *s);

static inline struct pbs_worker *pbs_worker_of(const struct http_request *req)
{
	return http_request_ctx(req);
}

/* The key that the request was let in with; NULL where none is needed. */
const struct api_key *pbs_request_key(const struct http_request *req);

/* Before any handler: the request's configuration is that of now, until its arena is freed. True. */
bool pbs_request_begin(struct http_request *req);
const struct live_config *pbs_request_live(const struct http_request *req);

static inline const struct pbs_config *pbs_request_config(const struct http_request *req)
{
	return pbs_request_live(req)->values;
}

/* The host's bidders, the same ones until the request's arena is freed. */
const struct bidder_set *pbs_request_bidders(const struct http_request *req);

#endif
