#include "pbs/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/http_server.h"
#include "common/mem.h"
#include "common/otlp.h"
#include "pbs/adapters/registry.h"
#include "pbs/bidders.h"
#include "pbs/config.h"
#include "pbs/exchange/auction.h"
#include "pbs/privacy/verdict.h"

enum { SPARE_NAMES = 128 }; /* for bidders that come with a reload */

const double pbs_metric_times[16] = { 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075,
				      0.1,   0.15,  0.2,   0.3,  0.5,  0.75, 1,    2 };

const double pbs_metric_std_times[10] = { 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1 };
const double pbs_metric_cache_times[12] = {
	0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 1
};

const double pbs_metric_prices[10] = { 250, 500, 750, 1000, 1500, 2000, 2500, 3000, 3500, 4000 };
const double pbs_metric_queue_times[9] = { 0, 1, 5, 30, 60, 120, 180, 240, 300 };
const double pbs_metric_overheads[15] = { 0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.2, 0.3,
					  0.4,  0.5,  0.6,  0.7,  0.8,  0.9, 1 };
const double pbs_metric_sizes[12] = {
	100, 500, 750, 1000, 2000, 4000, 7000, 10000, 15000, 20000, 50000, 75000
};
const double pbs_metric_dial_times[13] = { 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30 };

static const struct metric_def defs[] = { PBS_METRICS(METRIC_ROW) };
_Static_assert(ARRAY_LEN(defs) == PBS_METRIC_COUNT, "one row a metric");

static const char *const statuses[STATUS_VALUES] = { "2xx", "3xx", "4xx", "5xx", "client_left" };
static const char *const gvl_results[GVL_VALUES] = { "fetched", "not_modified", "failed" };
static const char *const limits[LIMIT_VALUES] = { "qps", "country", "publisher" };
static const char *const privacy_rules[] = {
#define X(id, name, scrub, signal) [PRIVACY_##id] = name,
	PRIVACY_RULES(X)
#undef X
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
static const char *const file_line_fates[FILE_LINE_FATES] = { "written", "dropped", "failed" };
static const char *const cache_fates[CACHE_FATES] = { "hit", "miss" };
static const char *const fetch_types[FETCH_TYPES] = { "all", "delta" };
static const char *const stored_errors[STORED_ERRORS] = { "network", "undefined" };
static const char *const cache_ops[CACHE_OPS] = { "put", "get" };
static const char *const cache_results[CACHE_RESULTS] = { "ok", "timeout", "unreachable", "busy", "error" };
static const char *const syncer_sets[SYNCER_SETS] = { "ok", "cleared" };

#define X(id, name, ...) static const char *const prebid_values_##id[] = { __VA_ARGS__ };
PREBID_LABELS(X)
#undef X

/* Accounts get their names while the server runs, on any worker: names are added under the lock, counted afterwards, and
 * never change. */
static struct {
	pthread_mutex_t lock;
	size_t max;
	atomic_size_t n;
	uint64_t *hashes;
	char **names;
} accounts = { .lock = PTHREAD_MUTEX_INITIALIZER };

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

static void accounts_init(size_t max)
{
	accounts.max = max + 1;
	accounts.hashes = xcalloc(accounts.max, sizeof *accounts.hashes);
	accounts.names = xcalloc(accounts.max, sizeof *accounts.names);
	accounts.names[max] = xstrdup("other");
	atomic_init(&accounts.n, 0);
}

static void accounts_free(void)
{
	for (size_t i = 0; i < accounts.max; i++)
		free(accounts.names[i]);
	free(accounts.names);
	free(accounts.hashes);
}

/* SIZE_MAX when it has no place. */
static size_t find_account(uint64_t hash, struct str id)
{
	size_t n = atomic_load_explicit(&accounts.n, memory_order_acquire);

	for (size_t i = 0; i < n; i++)
		if (accounts.hashes[i] == hash && str_eq(str_of(accounts.names[i]), id))
			return i;
	return SIZE_MAX;
}

unsigned pbs_metrics_account(struct str id)
{
	uint64_t hash = str_hash(id);
	size_t at = id.n ? find_account(hash, id) : accounts.max - 1;

	if (at != SIZE_MAX)
		return (unsigned)at;
	if (atomic_load_explicit(&accounts.n, memory_order_relaxed) + 1 >= accounts.max)
		return (unsigned)accounts.max - 1;
	pthread_mutex_lock(&accounts.lock);
	at = find_account(hash, id);
	if (at == SIZE_MAX) {
		at = accounts.n;
		if (at + 1 < accounts.max) {
			accounts.hashes[at] = hash;
			accounts.names[at] = xstrndup(id.p, id.n);
			atomic_store_explicit(&accounts.n, at + 1, memory_order_release);
		}
	}
	pthread_mutex_unlock(&accounts.lock);
	return (unsigned)at;
}

static void set_prebid_labels(void)
{
#define X(id, name, ...)                                                                                     \
	names.labels[LABEL_##id] =                                                                           \
		(struct metric_label){ name, prebid_values_##id, ARRAY_LEN(prebid_values_##id), false };
	PREBID_LABELS(X)
#undef X
	names.labels[LABEL_ADAPTER] =
		(struct metric_label){ "adapter", (const char *const *)names.bidders.names, names.bidders.max,
				       true };
	names.labels[LABEL_ACCOUNT] =
		(struct metric_label){ "account", (const char *const *)accounts.names, accounts.max, true };
}

struct metrics_set *pbs_metrics_new(const struct http_route *routes, size_t n_routes, size_t n_bidders,
				    size_t max_accounts)
{
	accounts_init(max_accounts);
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
	names.labels[LABEL_SPAN] = (struct metric_label){ "fate", otlp_fate_names, OTLP_FATES, false };
	names.labels[LABEL_RULE] = (struct metric_label){ "rule", privacy_rules, PRIVACY_RULE_COUNT, false };
	names.labels[LABEL_GVL] = (struct metric_label){ "result", gvl_results, GVL_VALUES, false };
	names.labels[LABEL_LIMIT] = (struct metric_label){ "limit", limits, LIMIT_VALUES, false };
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
	names.labels[LABEL_FILE_LINE] =
		(struct metric_label){ "fate", file_line_fates, FILE_LINE_FATES, false };
	names.labels[LABEL_CACHE_FATE] =
		(struct metric_label){ "cache_result", cache_fates, CACHE_FATES, false };
	names.labels[LABEL_FETCH_TYPE] =
		(struct metric_label){ "stored_data_fetch_type", fetch_types, FETCH_TYPES, false };
	names.labels[LABEL_STORED_ERROR] =
		(struct metric_label){ "stored_data_error", stored_errors, STORED_ERRORS, false };
	names.labels[LABEL_SYNCER_SET] = (struct metric_label){ "status", syncer_sets, SYNCER_SETS, false };
	set_prebid_labels();
	return metrics_set_new("nexus_pbs", defs, PBS_METRIC_COUNT, names.labels, PBS_LABELS);
}

void pbs_metrics_hide(struct metrics_set *set, const struct pbs_config *config)
{
	const struct {
		bool is_hidden;
		enum pbs_metric id;
	} families[] = {
		{ config->hide_account_debug, M_ACCOUNT_DEBUG },
		{ config->hide_account_stored, M_ACCOUNT_STORED },
		{ config->hide_connections, M_ADAPTER_CREATED },
		{ config->hide_connections, M_ADAPTER_REUSED },
		{ config->hide_connections, M_ADAPTER_WAIT },
		{ config->hide_dials, M_ADAPTER_DIAL_ERRORS },
		{ config->hide_dials, M_ADAPTER_DIAL_TIME },
		{ config->hide_scrubbed, M_ADAPTER_SCRUBBED },
		{ config->hide_gdpr_blocked, M_ADAPTER_GDPR },
	};

	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (families[i].is_hidden)
			metrics_hide(set, families[i].id);
}

void pbs_metrics_free(struct metrics_set *set)
{
	metrics_set_free(set);
	accounts_free();
	free(names.routes);
	list_free(&names.bidders);
	list_free(&names.syncer_keys);
	names = (struct label_texts){ 0 };
}
