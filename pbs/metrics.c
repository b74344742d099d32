#include "pbs/metrics.h"

#include <stdlib.h>

#include "common/http_server.h"
#include "common/mem.h"
#include "pbs/adapters/registry.h"
#include "pbs/exchange/auction.h"
#include "pbs/privacy/verdict.h"
#include "pbs/usersync/syncer.h"

const double pbs_metric_times[16] = { 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075,
				      0.1,   0.15,  0.2,   0.3,  0.5,  0.75, 1,    2 };

const double pbs_metric_cache_times[12] = {
	0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 1
};

static const struct metric_def defs[] = { PBS_METRICS(METRIC_ROW) };
_Static_assert(ARRAY_LEN(defs) == PBS_METRIC_COUNT, "one row a metric");

static const char *const statuses[STATUS_VALUES] = { "2xx", "3xx", "4xx", "5xx", "client_left" };
static const char *const gvl_results[GVL_VALUES] = { "fetched", "not_modified", "failed" };
static const char *const privacy_rules[] = {
#define X(id, name, scrub, signal) [PRIVACY_##id] = name,
	PRIVACY_RULES(X)
#undef X
};
static const char *const events[EVENT_VALUES] = { "sent", "retried", "refused", "dropped" };
static const char *const outcomes[] = {
	[OUTCOME_NO_BID] = "no_bid",
	[OUTCOME_BID] = "bid",
	[OUTCOME_TIMEOUT] = "timeout",
	[OUTCOME_ERROR] = "error",
};

static const char *const sync_statuses[SYNC_STATUS_VALUES] = {
#define X(id, text) text,
	PBS_SYNC_STATUSES(X)
#undef X
};
static const char *const notifications[NOTIFICATION_TYPES] = { "imp", "win", "vast" };
static const char *const syncer_fates[SYNCER_FATES] = { "ok", "privacy_blocked", "already_synced",
							"rejected_by_filter" };
static const char *const successes[SUCCESS_VALUES] = { "true", "false" };
static const char *const cache_ops[CACHE_OPS] = { "put", "get" };
static const char *const cache_results[CACHE_RESULTS] = { "ok", "timeout", "unreachable", "busy", "error" };
static const char *const syncer_sets[SYNCER_SETS] = { "ok", "cleared" };

/* The texts of labels that are known only at run time. */
struct label_texts {
	const char **routes, **bidders, **syncer_keys;
	size_t n_syncer_keys;
	struct metric_label labels[PBS_LABELS];
};

static struct label_texts names;

static const char **route_names(const struct http_route *routes, size_t n)
{
	const char **v = xcalloc(n + 1, sizeof *v);

	for (size_t i = 0; i < n; i++)
		v[i] = routes[i].name;
	v[n] = "other"; /* no such route */
	return v;
}

static const char **bidder_names(const struct registry *registry)
{
	size_t n = registry_count(registry);
	const char **v = xcalloc(n + 1, sizeof *v);

	for (size_t i = 0; i < n; i++)
		v[i] = registry_at(registry, i)->bidder.name;
	return v;
}

unsigned pbs_metrics_syncer(const struct syncer *s)
{
	size_t i = 0;

	while (!str_eq(str_of(names.syncer_keys[i]), s->key))
		i++;
	return (unsigned)i;
}

/* Keys are shared: each once. */
static void name_syncers(const struct syncers *syncers)
{
	size_t n = syncers_count(syncers);

	names.syncer_keys = xcalloc(n + 1, sizeof *names.syncer_keys);
	for (size_t i = 0; i < n; i++) {
		const char *key = syncers_at(syncers, i)->key.p; /* of a JSON text, so it ends in a NUL */
		size_t k = 0;

		while (k < names.n_syncer_keys && strcmp(names.syncer_keys[k], key) != 0)
			k++;
		if (k == names.n_syncer_keys)
			names.syncer_keys[names.n_syncer_keys++] = key;
	}
}

struct metrics_set *pbs_metrics_new(const struct http_route *routes, size_t n_routes,
				    const struct registry *registry, const struct syncers *syncers)
{
	names.routes = route_names(routes, n_routes);
	names.bidders = bidder_names(registry);
	name_syncers(syncers);
	names.labels[LABEL_ROUTE] = (struct metric_label){ "route", names.routes, n_routes + 1, true };
	names.labels[LABEL_STATUS] = (struct metric_label){ "status", statuses, STATUS_VALUES, true };
	names.labels[LABEL_BIDDER] =
		(struct metric_label){ "bidder", names.bidders, registry_count(registry), true };
	names.labels[LABEL_OUTCOME] =
		(struct metric_label){ "outcome", outcomes, ARRAY_LEN(outcomes), false };
	names.labels[LABEL_ROUTED] =
		(struct metric_label){ "result", unrouted_names, UNROUTED_VALUES, false };
	names.labels[LABEL_EVENT] = (struct metric_label){ "fate", events, EVENT_VALUES, false };
	names.labels[LABEL_RULE] = (struct metric_label){ "rule", privacy_rules, PRIVACY_RULE_COUNT, false };
	names.labels[LABEL_GVL] = (struct metric_label){ "result", gvl_results, GVL_VALUES, false };
	names.labels[LABEL_NOTIFICATION] =
		(struct metric_label){ "type", notifications, NOTIFICATION_TYPES, false };
	names.labels[LABEL_SYNC_STATUS] =
		(struct metric_label){ "status", sync_statuses, SYNC_STATUS_VALUES, false };
	names.labels[LABEL_SYNCER] =
		(struct metric_label){ "syncer", names.syncer_keys, names.n_syncer_keys, true };
	names.labels[LABEL_SYNCER_FATE] =
		(struct metric_label){ "status", syncer_fates, SYNCER_FATES, false };
	names.labels[LABEL_SUCCESS] = (struct metric_label){ "success", successes, SUCCESS_VALUES, false };
	names.labels[LABEL_CACHE_OP] = (struct metric_label){ "op", cache_ops, CACHE_OPS, false };
	names.labels[LABEL_CACHE_RESULT] =
		(struct metric_label){ "result", cache_results, CACHE_RESULTS, false };
	names.labels[LABEL_SYNCER_SET] = (struct metric_label){ "status", syncer_sets, SYNCER_SETS, false };
	return metrics_set_new("nexus_pbs", defs, PBS_METRIC_COUNT, names.labels, PBS_LABELS);
}

void pbs_metrics_free(struct metrics_set *set)
{
	metrics_set_free(set);
	free(names.routes);
	free(names.bidders);
	free(names.syncer_keys);
	names = (struct label_texts){ 0 };
}
