/* Every setting of nexus-idr; the table with names, ranges and words for it is in config.c.
 *
 * Owns    struct conf (common/conf.h) owns the values; they are immutable once loaded.
 */
#ifndef IDR_CONFIG_H
#define IDR_CONFIG_H

#include "common/conf.h"

enum idr_clock { CLOCK_WALL, CLOCK_EVENT };
enum idr_sync { SYNC_FULL, SYNC_NORMAL };

struct idr_config {
	const char *host;
	uint32_t port, workers;
	uint32_t max_connections, idle_timeout_ms, drain_timeout_ms;
	uint64_t max_request_bytes, max_analytics_bytes;
	uint32_t max_queued_rows;
	bool gzip_requests, gzip_replies;

	bool auth_enabled;
	const char *api_key_default, *api_keys_file;
	struct conf_list api_keys;
	const char *admin_users, *secret_key;
	bool session_cookie_secure, trust_forwarded_for;
	uint32_t rate_limit_rps;

	const char *data_dir;
	int sync; /* enum idr_sync */
	uint32_t retention_days, hourly_days, audit_days, snapshot_seconds, maintain_seconds, replay_rows;

	const char *database_url, *database_host, *database_name, *database_user, *database_password;
	uint32_t database_port, database_timeout_ms, forward_ms, forward_events, catch_up_events;

	const char *redis_url, *redis_host, *redis_password, *redis_prefix;
	uint32_t redis_port, redis_interval_ms, redis_max_events;
	double redis_sample_rate;

	int clock; /* enum idr_clock */
	uint32_t router_memory_mb, learning_auctions;
	uint64_t router_seed;
	json_t *router_settings;
	json_t *usd_per_unit;

	bool floors_enabled;
	uint32_t floors_days, floors_min_auctions, floors_holdout_percent;
	double floors_max_fill_loss, floors_shade;

	bool tracing;
	const char *otlp_url, *otlp_headers;
	uint32_t otlp_flush_ms;
	uint64_t otlp_max_bytes;
	int log_level, log_format;
};

extern const struct conf_table idr_conf_table;

#endif
