#include "pbs/metrics.h"

#include <stdlib.h>

#include "common/http_server.h"
#include "common/mem.h"
#include "common/otlp.h"
#include "pbs/adapters/registry.h"
#include "pbs/bidders.h"
#include "pbs/exchange/auction.h"
#include "pbs/privacy/verdict.h"

enum { SPARE_NAMES = 128 }; /* for bidders that come with a reload */

const double pbs_metric_times[16] = { 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075,
				      0.1,   0.15,  0.2,   0.3,  0.5,  0.75, 1,    2 };

const double pbs_metric_std_times[10] = { 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1 };
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
static const char *const span_fates[] = {
	[OTLP_SENT] = "sent", [OTLP_REFUSED] = "refused", [OTLP_DROPPED] = "dropped"
};
static const char *const events[EVENT_VALUES] = { "sent", "retried", "refused", "dropped" };

static const char *const sync_statuses[SYNC_STATUS_VALUES] = {
#define X(id, text) text,
	PBS_SYNC_STATUSES(X)
#undef X
};
static const char *const notifications[NOTIFICATION_TYPES] = { "imp", "win", "vast" };
static const char *const syncer_fates[SYNCER_FATES] = { "ok", "privacy_blocked", "already_synced",
							"rejected_by_filter" };
static const char *const successes[SUCCESS_VALUES] = { "true", "false" };
static const char *const cache_fates[CACHE_FATES] = { "hit", "miss" };
static const char *const fetch_types[FETCH_TYPES] = { "all", "delta" };
static const char *const stored_errors[STORED_ERRORS] = { "network", "undefined" };
static const char *const cache_ops[CACHE_OPS] = { "put", "get" };
static const char *const cache_results[CACHE_RESULTS] = { "ok", "timeout", "unreachable", "busy", "error" };
static const char *const syncer_sets[SYNCER_SETS] = { "ok", "cleared" };

/* The texts of labels that are known only at run time. */
struct name_list {
	char **names;
	size_t n, max;
};

struct label_texts {
	const char **routes;
	struct name_list bidders, syncer_keys;
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

/* The place of `name` in a list that only grows, the last one ("other") once it is full. Readers look up to the
 * name that they search, which was there before they learned of it. */
static unsigned place_of(struct name_list *l, const char *name)
{
	size_t i = 0;

	while (i < l->n && strcmp(l->names[i], name) != 0)
		i++;
	if (i < l->n)
		return (unsigned)i;
	if (l->n + 1 >= l->max)
		return (unsigned)l->max - 1;
	l->names[l->n++] = xstrdup(name);
	return (unsigned)i;
}

static void list_init(struct name_list *l, size_t max)
{
	l->max = max;
	l->names = xcalloc(max, sizeof *l->names);
	l->names[max - 1] = xstrdup("other");
}

static void list_free(struct name_list *l)
{
	for (size_t i = 0; i < l->max; i++)
		free(l->names[i]);
	free(l->names);
}

unsigned pbs_metrics_syncer(const struct syncer *s)
{
	size_t i = 0;

	while (i + 1 < names.syncer_keys.max &&
	       !(names.syncer_keys.names[i] && str_eq(str_of(names.syncer_keys.names[i]), s->key)))
		i++;
	return (unsigned)i;
}

size_t pbs_metrics_max_bidders(void)
{
	return names.bidders.max;
}

void pbs_metrics_name_bidders(struct bidder_set *set)
{
	for (size_t i = 0; i < registry_count(set->registry); i++)
		registry_set_number(set->registry, i,
				    place_of(&names.bidders, registry_at(set->registry, i)->bidder.name));
	for (size_t i = 0; i < syncers_count(set->syncers); i++) /* keys are shared: each once */
		place_of(&names.syncer_keys, syncers_at(set->syncers, i)->key.p);
}

struct metrics_set *pbs_metrics_new(const struct http_route *routes, size_t n_routes, size_t n_bidders)
{
	names.routes = route_names(routes, n_routes);
	list_init(&names.bidders, n_bidders + SPARE_NAMES);
	list_init(&names.syncer_keys, n_bidders + SPARE_NAMES);
	names.labels[LABEL_ROUTE] = (struct metric_label){ "route", names.routes, n_routes + 1, true };
	names.labels[LABEL_STATUS] = (struct metric_label){ "status", statuses, STATUS_VALUES, true };
	names.labels[LABEL_BIDDER] =
		(struct metric_label){ "bidder", (const char *const *)names.bidders.names, names.bidders.max,
				       true };
	names.labels[LABEL_OUTCOME] =
		(struct metric_label){ "outcome", bidder_outcomes, BIDDER_OUTCOMES, false };
	names.labels[LABEL_ROUTED] =
		(struct metric_label){ "result", unrouted_names, UNROUTED_VALUES, false };
	names.labels[LABEL_EVENT] = (struct metric_label){ "fate", events, EVENT_VALUES, false };
	names.labels[LABEL_SPAN] = (struct metric_label){ "fate", span_fates, ARRAY_LEN(span_fates), false };
	names.labels[LABEL_RULE] = (struct metric_label){ "rule", privacy_rules, PRIVACY_RULE_COUNT, false };
	names.labels[LABEL_GVL] = (struct metric_label){ "result", gvl_results, GVL_VALUES, false };
	names.labels[LABEL_NOTIFICATION] =
		(struct metric_label){ "type", notifications, NOTIFICATION_TYPES, false };
	names.labels[LABEL_SYNC_STATUS] =
		(struct metric_label){ "status", sync_statuses, SYNC_STATUS_VALUES, false };
	names.labels[LABEL_SYNCER] =
		(struct metric_label){ "syncer", (const char *const *)names.syncer_keys.names,
				       names.syncer_keys.max, true };
	names.labels[LABEL_SYNCER_FATE] =
		(struct metric_label){ "status", syncer_fates, SYNCER_FATES, false };
	names.labels[LABEL_SUCCESS] = (struct metric_label){ "success", successes, SUCCESS_VALUES, false };
	names.labels[LABEL_CACHE_OP] = (struct metric_label){ "op", cache_ops, CACHE_OPS, false };
	names.labels[LABEL_CACHE_RESULT] =
		(struct metric_label){ "result", cache_results, CACHE_RESULTS, false };
	names.labels[LABEL_CACHE_FATE] =
		(struct metric_label){ "cache_result", cache_fates, CACHE_FATES, false };
	names.labels[LABEL_FETCH_TYPE] =
		(struct metric_label){ "stored_data_fetch_type", fetch_types, FETCH_TYPES, false };
	names.labels[LABEL_STORED_ERROR] =
		(struct metric_label){ "stored_data_error", stored_errors, STORED_ERRORS, false };
	names.labels[LABEL_SYNCER_SET] = (struct metric_label){ "status", syncer_sets, SYNCER_SETS, false };
	return metrics_set_new("nexus_pbs", defs, PBS_METRIC_COUNT, names.labels, PBS_LABELS);
}

void pbs_metrics_free(struct metrics_set *set)
{
	metrics_set_free(set);
	free(names.routes);
	list_free(&names.bidders);
	list_free(&names.syncer_keys);
	names = (struct label_texts){ 0 };
}
