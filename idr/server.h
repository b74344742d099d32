/* The service: what the process owns, what each worker owns, and the way from start to drain. */
#ifndef IDR_SERVER_H
#define IDR_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "common/clock.h"
#include "common/http_server.h"
#include "common/rate_limit.h"
#include "common/snapshot.h"
#include "common/worker.h"
#include "idr/auth/auth.h"
#include "idr/core/router.h"
#include "idr/intake/forwarder.h"
#include "idr/intake/keeper.h"
#include "idr/intake/sharer.h"
#include "idr/live_config.h"
#include "idr/metrics.h"

struct idr {
	struct snapshot_slot config;    /* struct live_config */
	struct snapshot_slot settings;  /* struct settings_snapshot */
	const struct idr_config *start; /* the values the process began with: ports, paths, sizes */
	struct metrics_set *metrics;
	struct rate_limit *rate_limit;
	struct auth *auth;
	struct keeper *keeper;
	struct learner *learner;
	struct forwarder *forwarder; /* NULL = no database */
	struct sharer *sharer;       /* NULL = no Redis */
	struct workers *workers;
	char *store_path, *snapshot_path, *prices_path;
	_Atomic(const struct router *) router; /* NULL until the index is loaded */
	atomic_bool draining;
	uint64_t started_us;
	uint16_t port;             /* the one really bound */
	struct http_route *routes; /* with the sizes that are configured */
};

/* One per worker thread; what http_request_ctx() gives. */
struct idr_worker {
	struct idr *idr;
	size_t index;
	struct workers *set; /* it is one of */
	struct loop *loop;
	struct http_server *server;
	struct http_client *http; /* NULL, as are spans, without a collector */
	struct otlp *spans;
	struct rng rng; /* of spans' ids */
	struct metrics *metrics;
	struct helper_port *passwords; /* to auth's thread */
	struct snapshot_view config, settings;
	struct settings scratch;
	struct decision decision;
	struct loop_timer drain;
};

static inline struct idr_worker *idr_worker_of(const struct http_request *req)
{
	return http_request_ctx(req);
}

const struct live_config *idr_live_config(struct idr_worker *w);
const struct settings_tree *idr_settings(struct idr_worker *w);
/* "Now" for whoever asks: the wall clock, or `ts_ms` when the service takes its time from there. */
int64_t idr_now_ms(const struct idr_worker *w, int64_t ts_ms);
bool idr_is_ready(const struct idr *idr);

/* What libpq connects by; NULL when no database is configured. The caller frees. */
char *idr_conninfo(const struct idr_config *c);

/* Whether the service could start with it; writes nothing. Takes `conf`. */
int idr_check(struct conf *conf, struct errtext *why);
/* Runs until SIGTERM or SIGINT and gives the exit status. Takes `conf`. */
int idr_serve(struct conf *conf);

#endif
