/* What the server holds before it runs: configuration, bidders, stored data, caches, and how they are read anew. */
#include <stdlib.h>
#include <unistd.h>

#include "common/err.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "pbs/analytics/file_log.h"
#include "pbs/bidders.h"
#include "pbs/cache/redis.h"
#include "pbs/endpoints/static.h"
#include "pbs/exchange/rates.h"
#include "pbs/metrics.h"
#include "pbs/server.h"
#include "pbs/stored/database.h"
#include "pbs/vendor_lists.h"

enum {
	RATE_LIMIT_KEYS = 100000,
	BIDDER_RATE_KEYS = 4096,
	MAX_DEFAULT_REQUEST_BYTES = 1 << 20,
	FILE_WAITING_BYTES = 64 << 20
};

/* NULL and no text in `why` when none is configured. */
static json_t *load_default_request(const char *path, struct errtext *why)
{
	json_t *j;

	why->text[0] = '\0';
	if (!*path)
		return NULL;
	j = json_parse_file(path, MAX_DEFAULT_REQUEST_BYTES, why);
	if (j && !json_is_object(j)) {
		errtext_set(why, "%s: not a JSON object", path);
		json_decref(j);
		j = NULL;
	}
	if (!j)
		errtext_prefix(why, "default_request.file.name: ");
	return j;
}

static int load_rates(struct pbs_server *s, struct errtext *why)
{
	const char *path = s->config->rates_file;

	if (!*path)
		return 0;
	s->bundled_rates = rates_read_file(path, why);
	if (!s->bundled_rates)
		errtext_prefix(why, "currency_converter.file: ");
	return s->bundled_rates ? 0 : ERR_INPUT;
}

static int open_cache(struct pbs_server *s, struct errtext *why)
{
	const struct pbs_config *c = s->config;

	if (!c->cache_builtin)
		return 0;
	if (!*c->cache_redis_url) {
		s->cache = cache_store_new(c->cache_max_entries, c->cache_max_bytes);
		return 0;
	}
	s->cache_redis =
		cache_redis_new(c->cache_redis_url, c->cache_redis_prefix, c->cache_redis_timeout_ms, why);
	return s->cache_redis ? 0 : ERR_INPUT;
}

static const char *dir_of(const struct pbs_files *f, const char *all)
{
	if (!f->enabled)
		return NULL;
	return *f->dir ? f->dir : all;
}

struct stored_dirs pbs_stored_dirs(const struct pbs_config *c)
{
	return (struct stored_dirs){ .of = {
					     [STORED_REQUEST] = dir_of(&c->request_files, c->stored_dir),
					     [STORED_IMP] = dir_of(&c->request_files, c->stored_dir),
					     [STORED_RESPONSE] = dir_of(&c->response_files, c->stored_dir),
					     [STORED_ACCOUNT] = dir_of(&c->account_files, c->stored_dir),
					     [STORED_CATEGORY] =
						     dir_of(&c->category_files, c->category_mapping_dir),
				     } };
}

/* Bidders and stored data. All or nothing: what the workers read is published once everything is there. */
static int load_files(struct pbs_server *s, const struct pbs_config *c, struct errtext *why)
{
	struct snapshot *before = snapshot_acquire(&s->bidders);
	struct bidder_set *bidders =
		bidders_load(c, before ? container_of(before, struct bidder_set, snapshot) : NULL, why);
	struct stored_dirs dirs = pbs_stored_dirs(c);
	struct stored_files *f = bidders ? stored_files_load(&dirs, why) : NULL;
	struct snapshot *old;

	snapshot_unref(before);
	if (!f) {
		bidders_unref(bidders);
		return ERR_INPUT;
	}
	if (!s->metrics) {
		s->metrics = pbs_metrics_new(pbs_routes, pbs_n_routes, registry_count(bidders->registry),
					     c->metrics_accounts);
		pbs_metrics_hide(s->metrics, c);
	}
	pbs_metrics_name_bidders(bidders);
	snapshot_publish(&s->bidders, &bidders->snapshot);
	log_event(LOG_INFO, "stored_data", LOG_INT("requests", stored_files_count(f, STORED_REQUEST)),
		  LOG_INT("imps", stored_files_count(f, STORED_IMP)),
		  LOG_INT("responses", stored_files_count(f, STORED_RESPONSE)),
		  LOG_INT("accounts", stored_files_count(f, STORED_ACCOUNT)));
	old = snapshot_acquire(&s->files);
	stored_files_refresh(f, stored_files_of(old), s->stored_cache);
	stored_files_publish(&s->files, f);
	snapshot_unref(old);
	return 0;
}

static int open_file_log(struct pbs_server *s, struct errtext *why)
{
	const struct pbs_config *c = s->config;
	struct file_log_options opt = {
		.path = c->file_name,
		.max_bytes = c->file_max_bytes,
		.keep = c->file_keep,
		.max_waiting_bytes = FILE_WAITING_BYTES,
	};

	if (!*c->file_name)
		return 0;
	opt.metrics = metrics_new(s->metrics);
	s->file_log = file_log_new(&opt, why);
	if (!s->file_log)
		errtext_prefix(why, "analytics.file.filename: ");
	return s->file_log ? 0 : ERR_INPUT;
}

const char *pbs_server_stored_url(const struct pbs_server *s, const char *configured)
{
	return strcmp(configured, "router") == 0 ? s->router_stored_url : configured;
}

static int open_database(struct pbs_server *s, struct errtext *why)
{
	const struct pbs_config *c = s->config;
	struct stored_database_options opt = {
		.url = c->stored_db_url,
		.request_query = c->stored_db_requests,
		.response_query = c->stored_db_responses,
		.account_query = c->stored_db_accounts,
		.init_query = c->stored_db_init,
		.poll_query = c->stored_db_poll,
		.timeout_ms = c->stored_db_timeout_ms,
		.init_timeout_ms = c->stored_db_init_timeout_ms,
		.poll_timeout_ms = c->stored_db_poll_timeout_ms,
		.refresh_ms = c->stored_db_refresh_s * 1000,
		.cache = s->stored_cache,
	};

	if (!*c->stored_db_url)
		return 0;
	opt.metrics = metrics_new(s->metrics);
	s->stored_database = stored_database_new(&opt, why);
	return s->stored_database ? 0 : ERR_UNAVAILABLE;
}

static int load_stored(struct pbs_server *s, struct errtext *why)
{
	const struct pbs_config *c = s->config;

	s->router_stored_url = c->idr_enabled ? xasprintf("%s/stored-requests", c->idr_url) : xstrdup("");
	if (c->stored_cache_type == STORED_CACHE_LRU)
		s->stored_cache =
			stored_cache_new(c->stored_cache_bytes, (uint64_t)c->stored_cache_ttl_s * 1000);
	else if (c->stored_cache_type == STORED_CACHE_UNBOUNDED)
		s->stored_cache = stored_cache_new(SIZE_MAX / 2, 0);
	return load_files(s, c, why);
}

static struct live_config *reload_config(struct pbs_server *s, struct errtext *why)
{
	struct snapshot *running = snapshot_acquire(&s->live);
	struct conf *conf =
		conf_reload(container_of(running, struct live_config, snapshot)->conf, environ, why);
	struct live_config *live = conf ? live_config_new(conf, why) : NULL;

	snapshot_unref(running);
	if (!live)
		conf_free(conf);
	return live;
}

int pbs_server_reload_files(struct pbs_server *s, struct errtext *why)
{
	struct snapshot *live = snapshot_acquire(&s->live);
	int err = load_files(s, container_of(live, struct live_config, snapshot)->values, why);

	snapshot_unref(live);
	return err;
}

int pbs_server_reload(struct pbs_server *s, struct errtext *why)
{
	struct live_config *live = reload_config(s, why);

	if (!live || load_files(s, live->values, why) < 0) {
		if (live)
			snapshot_unref(&live->snapshot);
		return ERR_INPUT;
	}
	if (*conf_warnings(live->conf))
		log_event(LOG_WARN, "reload_needs_restart", LOG_Z("keys", conf_warnings(live->conf)));
	log_set_level((enum log_level)live->values->log_level);
	snapshot_publish(&s->live, &live->snapshot);
	log_event(LOG_INFO, "reloaded");
	return 0;
}

/* What the server holds for good, so that what was started with it may point into it. */
static int take_config(struct pbs_server *s, struct conf *conf, struct errtext *why)
{
	struct live_config *live = live_config_new(conf, why);

	snapshot_slot_init(&s->live);
	if (!live) {
		conf_free(conf);
		return ERR_INPUT;
	}
	s->first = live;
	s->config = live->values;
	snapshot_publish(&s->live, snapshot_ref(&live->snapshot));
	return 0;
}

int pbs_server_load(struct pbs_server *s, struct conf *conf, struct errtext *why)
{
	const struct pbs_config *config;

	*s = (struct pbs_server){ 0 };
	if (take_config(s, conf, why) < 0)
		return ERR_INPUT;
	config = s->config;
	snapshot_slot_init(&s->bidders);
	snapshot_slot_init(&s->files);
	s->default_request = load_default_request(config->default_request_file, why);
	if (why->text[0])
		return ERR_INPUT;
	if (load_rates(s, why) < 0)
		return ERR_INPUT;
	if (load_stored(s, why) < 0)
		return ERR_INPUT;
	s->pages = static_load(config->static_dir, why);
	if (!s->pages) {
		errtext_prefix(why, "static.directory: ");
		return ERR_INPUT;
	}
	s->rate_limit = rate_limit_new(RATE_LIMIT_KEYS, 0);
	s->bidder_rates = rate_limit_new(BIDDER_RATE_KEYS, 0);
	s->vendor_lists = vendor_lists_new(config, s->metrics);
	return 0;
}

int pbs_server_open(struct pbs_server *s, struct errtext *why)
{
	if (open_database(s, why) < 0 || open_cache(s, why) < 0 || open_file_log(s, why) < 0)
		return ERR_UNAVAILABLE;
	return 0;
}

void pbs_server_unload(struct pbs_server *s)
{
	vendor_lists_free(s->vendor_lists);
	rate_limit_free(s->rate_limit);
	rate_limit_free(s->bidder_rates);
	stored_database_free(s->stored_database);
	stored_cache_free(s->stored_cache);
	free(s->router_stored_url);
	snapshot_slot_deinit(&s->files);
	currency_table_free(s->bundled_rates);
	json_decref(s->default_request);
	json_decref(s->pages);
	file_log_free(s->file_log);
	cache_store_free(s->cache);
	cache_redis_free(s->cache_redis);
	if (s->metrics)
		pbs_metrics_free(s->metrics); /* after the threads that count */
	snapshot_slot_deinit(&s->bidders);
	snapshot_slot_deinit(&s->live);
	if (s->first)
		snapshot_unref(&s->first->snapshot);
}
