/* The host's configuration: one struct, filled from the key table in config.c, immutable once loaded.
 *
 * Units   ride in the names. Texts are never NULL; trees are NULL when absent and are parsed by the module
 * they belong to.
 */
#ifndef PBS_CONFIG_H
#define PBS_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/conf.h"

enum stored_cache_type { STORED_CACHE_NONE, STORED_CACHE_LRU, STORED_CACHE_UNBOUNDED };
enum access_log { ACCESS_OFF, ACCESS_ERRORS, ACCESS_ALL };

/* Files of one kind of stored data. */
struct pbs_files {
	bool enabled;
	const char *dir; /* empty = the folder of all */
};

enum { PBS_TIMEOUT_MAX_MS = 60000 };

struct pbs_config {
	/* server */
	const char *host;
	uint32_t port, workers;
	bool admin_enabled;
	const char *admin_host;
	uint32_t admin_port;
	const char *external_url, *datacenter, *status_response;
	uint64_t max_request_bytes;
	uint32_t max_connections, max_auctions, max_imps;
	uint32_t idle_timeout_ms, drain_timeout_ms;
	bool gzip_requests, gzip_replies;
	/* who may call */
	bool auth_enabled;
	const char *api_key_default, *api_keys;
	json_t *api_keys_tree;
	uint32_t rate_limit_rps;
	/* bidders */
	const char *bidder_info_dir, *host_bidder_info_dir, *bidder_params_dir;
	json_t *adapters;
	uint32_t max_open_calls, max_idle_connections;
	uint64_t max_bidder_reply_bytes;
	bool verify_tls, allow_private_addresses;
	/* auctions */
	uint32_t timeout_default_ms, timeout_max_ms, tmax_default_ms;
	bool auto_gen_source_tid, generate_bid_id, generate_request_id, stored_request_wins;
	bool video_enabled, video_stored_required;
	uint32_t amp_timeout_adjustment_ms;
	uint32_t stored_timeout_ms;
	int stored_cache_type; /* enum stored_cache_type */
	uint64_t stored_cache_bytes;
	uint32_t stored_cache_ttl_s;
	bool stored_cache_events;
	uint32_t stored_watch_s;
	const char *stored_events_endpoint;
	uint32_t stored_events_refresh_s, stored_events_timeout_ms;
	const char *stored_db_url, *stored_db_requests, *stored_db_responses, *stored_db_accounts;
	const char *stored_db_init, *stored_db_poll;
	uint32_t stored_db_timeout_ms, stored_db_init_timeout_ms, stored_db_poll_timeout_ms,
		stored_db_refresh_s;
	const char *default_request_file;
	const char *stored_dir, *stored_http_endpoint, *accounts_http_endpoint;
	const char *category_mapping_dir, *category_http_endpoint;
	struct pbs_files request_files, response_files, account_files, category_files;
	struct conf_list private_ipv4, private_ipv6;
	const char *certificates_file;
	uint32_t cache_ttl_banner_s, cache_ttl_video_s, cache_ttl_audio_s, cache_ttl_native_s;
	bool account_required, tolerant_params, debug_off_always;
	double max_bid_price;
	json_t *account_defaults;
	struct conf_list blocked_apps;
	const char *rates_url, *rates_file;
	uint32_t rates_interval_s, rates_timeout_ms, rates_stale_s;
	bool floors_enabled;
	struct conf_list floors_hosts;
	int creative_size_mode, secure_markup_mode;
	uint32_t max_creative_width, max_creative_height;
	json_t *host_schain_node;
	uint32_t bidder_network_buffer_ms, response_preparation_ms;
	bool tmax_enforced;
	uint32_t bidder_min_ms;
	bool throttling, throttling_simulated;
	uint32_t throttle_window;
	/* privacy; the rules themselves are parsed by pbs/privacy/config.h */
	bool enforce_gdpr, enforce_ccpa, enforce_coppa, privacy_strict;
	bool gdpr_enabled, strict_disclosed_vendors, ccpa_enforce, lmt_enforce;
	const char *gdpr_default_value;
	uint32_t host_vendor_id;
	struct conf_list eea_countries, non_standard_publishers;
	json_t *gdpr_tcf2;
	bool gvl_enabled;
	const char *gvl_latest_url, *gvl_archive_url, *gvl_dir;
	int gvl_when_missing;
	uint32_t gvl_preload, gvl_init_timeout_ms, gvl_active_timeout_ms, gvl_refresh_s, gvl_retry_s;
	/* cache */
	const char *cache_scheme, *cache_host;
	uint32_t cache_expected_ms;
	bool cache_builtin, cache_allow_keys;
	uint64_t cache_max_bytes, cache_max_value_bytes;
	uint32_t cache_max_entries, cache_max_puts, cache_default_ttl_s, cache_max_ttl_s;
	const char *cache_redis_url, *cache_redis_prefix;
	uint32_t cache_redis_timeout_ms;
	bool vtrack_enabled, vtrack_unknown_bidders;
	uint32_t vtrack_timeout_ms, event_timeout_ms;
	const char *external_cache_scheme, *external_cache_host, *external_cache_path;
	/* user sync */
	const char *sync_external_url, *sync_redirect_url;
	bool coop_sync;
	json_t *priority_groups, *no_iframe_bidders;
	const char *host_cookie_domain, *host_cookie_family, *host_cookie_name;
	const char *optout_cookie_name, *optout_cookie_value;
	const char *opt_out_url, *opt_in_url, *recaptcha_url, *recaptcha_secret;
	uint32_t host_cookie_ttl_days;
	uint64_t max_cookie_bytes;
	/* router */
	bool idr_enabled;
	const char *idr_url;
	const char *idr_api_key;
	uint32_t idr_timeout_ms, idr_breaker_failures, idr_breaker_open_ms;
	/* events to the router */
	bool events_enabled;
	uint32_t events_buffer, events_flush_ms;
	uint64_t events_max_bytes;
	/* tracing */
	bool tracing, trace_follow_caller;
	double trace_sample_rate;
	const char *otlp_url, *otlp_headers;
	uint32_t otlp_flush_ms;
	uint64_t otlp_max_bytes;
	uint32_t metrics_accounts;
	bool hide_account_debug, hide_account_stored, hide_connections, hide_dials, hide_scrubbed,
		hide_gdpr_blocked;
	const char *queue_time_header, *queue_timeout_header;
	const char *file_name;
	uint64_t file_max_bytes;
	uint32_t file_keep;
	const char *static_dir;
	/* log */
	int log_level, log_format;
	int access_log; /* enum access_log */
};

extern const struct conf_table pbs_conf_table;

/* How long an auction may take at all: Prebid Server's 0 is no limit there, and the highest one here. */
static inline uint32_t pbs_timeout_max_ms(const struct pbs_config *c)
{
	return c->timeout_max_ms ? c->timeout_max_ms : PBS_TIMEOUT_MAX_MS;
}

#endif
