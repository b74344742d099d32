#include "idr/config.h"

#include "common/err.h"
#include "common/otlp.h"
#include "common/pg.h"
#include "common/redis.h"
#include "idr/auth/session.h"
#include "idr/core/settings.h"
#include "idr/intake/rates.h"

#define CONF_T struct idr_config

static const struct conf_key keys[] = {
	/* path, variables, field, default, min, max, flags, help */
	CONF_STR("host", "IDR_HOST", host, "::", 0, "address to listen on; :: serves IPv4 and IPv6"),
	CONF_U32("port", "IDR_PORT", port, "5050", 0, 65535, 0, "listening port; 0 = any free one"),
	CONF_U32("workers", "IDR_WORKERS", workers, "0", 0, 256, 0,
		 "threads with a loop of their own; 0 = one per core"),
	CONF_U64("max_request_size", "MAX_REQUEST_SIZE", max_request_bytes, "1048576", 1024, 1 << 28, 0,
		 "bytes of a request body, decompressed"),
	CONF_U64("limits.max_analytics_size", "", max_analytics_bytes, "8388608", 1024, 1 << 28, 0,
		 "bytes of a body of POST /analytics, decompressed"),
	CONF_U32("limits.max_queued_rows", "", max_queued_rows, "400000", 1000, 100000000, 0,
		 "bidder rows on their way into the store and the index; beyond it POST /analytics is 503"),
	CONF_U32("limits.max_connections", "", max_connections, "5000", 10, 1000000, 0,
		 "client connections per worker"),
	CONF_U32("limits.idle_timeout_ms", "", idle_timeout_ms, "75000", 100, 600000, 0,
		 "silence after which a client's connection is closed"),
	CONF_U32("limits.drain_timeout_ms", "", drain_timeout_ms, "10000", 100, 300000, 0,
		 "longest wait for open requests at shutdown"),
	CONF_BOOL("compression.request.enable_gzip", "", gzip_requests, "true", 0, "accept gzip bodies"),
	CONF_BOOL("compression.response.enable_gzip", "", gzip_replies, "true", 0,
		  "gzip replies to clients that accept it"),

	CONF_BOOL("auth.enabled", "AUTH_ENABLED", auth_enabled, "true", 0, "ask for an API key"),
	CONF_SECRET("auth.api_key", "API_KEY_DEFAULT", api_key_default, CONF_RELOAD,
		    "a key for all publishers"),
	CONF_LIST("auth.api_keys", "API_KEYS", api_keys, "", CONF_RELOAD | CONF_HIDDEN,
		  "more keys: KEY for all publishers, KEY:PUBLISHER for one"),
	CONF_STR("auth.api_keys_file", "API_KEYS_FILE_PATH", api_keys_file, "", CONF_RELOAD,
		 "more keys, one a line"),
	CONF_SECRET("auth.admin_users", "ADMIN_USERS", admin_users, CONF_RELOAD,
		    "who may log in to the dashboard: name:hash[:role[:totp]], separated by commas or lines; "
		    "hash "
		    "from `nexus-idr hash-password`, role admin or viewer, totp from `nexus-idr "
		    "totp-secret`; empty "
		    "= the login is off"),
	CONF_SECRET(
		"auth.secret_key", "SECRET_KEY", secret_key, CONF_RELOAD,
		"signs sessions, at least 32 bytes, the same on all machines; a new one ends all sessions"),
	CONF_BOOL("auth.session_cookie_secure", "SESSION_COOKIE_SECURE", session_cookie_secure, "true",
		  CONF_RELOAD, "the session's cookie only travels by HTTPS, and to localhost"),
	CONF_BOOL("auth.trust_forwarded_for", "IDR_TRUST_FORWARDED_FOR", trust_forwarded_for, "false",
		  CONF_RELOAD,
		  "the address of who logs in is the last one of X-Forwarded-For: only behind a proxy that "
		  "sets it"),
	CONF_U32("rate_limit_rps", "RATE_LIMIT_RPS", rate_limit_rps, "5000", 0, 10000000, CONF_RELOAD,
		 "requests per second of one API key; 0 = no limit"),

	CONF_STR("store.dir", "IDR_DATA_DIR", data_dir, "./var", CONF_REQUIRED,
		 "folder of the embedded store and the index's snapshots; made when missing"),
	CONF_ENUM("store.sync", "", sync, "full", "full|normal", 0,
		  "full: what was answered with 200 survives loss of power; normal: kill -9 only"),
	CONF_U32("store.retention_days", "", retention_days, "90", 1, 3650, CONF_RELOAD,
		 "days that raw events are kept"),
	CONF_U32("store.hourly_days", "", hourly_days, "400", 1, 3650, CONF_RELOAD,
		 "days that hourly roll-ups are kept; daily ones stay"),
	CONF_U32("store.audit_days", "", audit_days, "400", 1, 3650, 0,
		 "days that the audit of logins and changes is kept"),
	CONF_U32("store.snapshot_seconds", "", snapshot_seconds, "60", 1, 86400, CONF_RELOAD,
		 "time between snapshots of the index"),
	CONF_U32("store.replay_rows", "", replay_rows, "3000000", 1000, 1000000000, 0,
		 "newest bidder rows that the index is made from when it has no snapshot"),
	CONF_U32("store.maintain_seconds", "", maintain_seconds, "20", 1, 3600, CONF_RELOAD,
		 "time between writing roll-ups out and dropping what is old"),

	CONF_SECRET("database.url", "DATABASE_URL", database_url, 0,
		    "PostgreSQL that history is forwarded to; empty = only the embedded store"),
	CONF_STR("database.host", "TIMESCALE_HOST", database_host, "", 0, "the same in parts: host"),
	CONF_U32("database.port", "TIMESCALE_PORT", database_port, "5432", 1, 65535, 0, "port"),
	CONF_STR("database.name", "TIMESCALE_DB", database_name, "nexus", 0, "database"),
	CONF_STR("database.user", "TIMESCALE_USER", database_user, "nexus", 0, "user"),
	CONF_SECRET("database.password", "TIMESCALE_PASSWORD", database_password, 0, "password"),
	CONF_U32("database.forward_ms", "", forward_ms, "1000", 10, 3600000, 0,
		 "time between two looks for new events"),
	CONF_U32("database.forward_events", "", forward_events, "2000", 1, 100000, 0,
		 "auctions of one transaction at most; less while the database is slow"),
	CONF_U32("database.timeout_ms", "", database_timeout_ms, "10000", 100, 600000, 0,
		 "longest time of one statement"),
	CONF_U32("database.catch_up_events", "", catch_up_events, "100000", 0, 10000000, 0,
		 "auctions of other machines that one without a snapshot of its index learns from when it "
		 "starts"),

	CONF_SECRET(
		"redis.url", "REDIS_URL", redis_url, 0,
		"redis[s]://[user:password@]host:port/db by which several machines share what they learn; "
		"empty = each learns alone"),
	CONF_STR("redis.host", "REDIS_HOST", redis_host, "", 0, "the same in parts, without TLS: host"),
	CONF_U32("redis.port", "REDIS_PORT", redis_port, "6379", 1, 65535, 0, "port"),
	CONF_SECRET("redis.password", "REDIS_PASSWORD", redis_password, 0, "password"),
	CONF_DOUBLE(
		"redis.sample_rate", "REDIS_SAMPLE_RATE", redis_sample_rate, "0.1", 0, 1, 0,
		"share of events that is told to the other machines and counts there for all of them; 0 or "
		"0.001 and more"),
	CONF_STR("redis.prefix", "", redis_prefix, "nexus-idr", CONF_REQUIRED,
		 "what the names of the keys begin with; machines of one prefix share"),
	CONF_U32("redis.interval_ms", "", redis_interval_ms, "200", 10, 60000, 0,
		 "time between two looks for what others tell"),
	CONF_U32("redis.max_events", "", redis_max_events, "200000", 100, 100000000, 0,
		 "events that stay in the stream for machines that come late"),

	CONF_ENUM("clock", "IDR_CLOCK", clock, "wall", "wall|event", 0,
		  "event: time comes from the requests' ts, for replay and simulation"),
	CONF_U32("router.memory_mb", "", router_memory_mb, "112", 1, 4096, 0, "ceiling of the index"),
	CONF_U32("router.learning_auctions", "", learning_auctions, "300", 0, 1000000, 0,
		 "auctions to learn from before any bidder is left out"),
	CONF_U64("router.seed", "", router_seed, "1", 0, 9007199254740992.0, 0,
		 "salts audits, control groups and exploration; the same on all machines"),
	CONF_TREE("router.settings", router_settings, CONF_RELOAD,
		  "routing settings of all publishers that set nothing else (docs/routing.md)"),
	CONF_TREE("currency.usd_per_unit", usd_per_unit, CONF_RELOAD,
		  "prices in these currencies are converted when events come in: {EUR: 1.08}"),

	CONF_BOOL("floors.enabled", "", floors_enabled, "true", CONF_RELOAD,
		  "compute floors from the bid history"),
	CONF_U32("floors.days", "", floors_days, "14", 1, 90, CONF_RELOAD, "days of history to look at"),
	CONF_U32("floors.min_auctions", "", floors_min_auctions, "500", 10, 1000000, CONF_RELOAD,
		 "sold auctions that a rule needs behind it"),
	CONF_U32("floors.holdout_percent", "", floors_holdout_percent, "5", 0, 100, CONF_RELOAD,
		 "share of requests that gets no computed floors, to measure what they bring"),
	CONF_DOUBLE("floors.max_fill_loss", "", floors_max_fill_loss, "0.02", 0, 0.5, CONF_RELOAD,
		    "share of sold impressions that a computed floor may put at risk"),
	CONF_DOUBLE("floors.shade", "", floors_shade, "0.85", 0.1, 1, CONF_RELOAD,
		    "what a bid is taken to be of the buyer's value; 1 = buyers never raise a bid"),

	CONF_BOOL("tracing.enabled", "TRACING_ENABLED", tracing, "true", CONF_RELOAD,
		  "read the caller's traceparent: log lines name its trace"),
	CONF_STR("tracing.otlp.endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT", otlp_url, "", 0,
		 "OTLP/HTTP collector that gets a span of every request whose traceparent says that it is "
		 "kept, "
		 "http://collector:4318; empty = none leave"),
	CONF_SECRET("tracing.otlp.headers", "OTEL_EXPORTER_OTLP_HEADERS", otlp_headers, 0,
		    "name=value,name=value sent to the collector"),
	CONF_U32("tracing.otlp.flush_ms", "", otlp_flush_ms, "2000", 10, 600000, 0,
		 "longest wait for a batch of spans"),
	CONF_U64("tracing.otlp.max_bytes", "", otlp_max_bytes, "1048576", 4096, 1 << 28, 0,
		 "spans kept per worker while the collector is slow; more are dropped and counted"),
	CONF_ENUM("log.level", "LOG_LEVEL", log_level, "info", "debug|info|warn|error|off", CONF_RELOAD,
		  "least severe events that are written"),
	CONF_ENUM("log.format", "LOG_FORMAT", log_format, "json", "json|console", 0, "form of the log"),
};

static int check_login(const struct idr_config *c, struct errtext *why)
{
	struct users users;
	size_t n;

	if (users_parse(str_of(c->admin_users), &users, why) < 0) {
		errtext_prefix(why, "auth.admin_users (ADMIN_USERS): ");
		return ERR_INPUT;
	}
	n = users.n;
	users_deinit(&users);
	/* Not made up here: each machine's own would end a session with every request that another one answers, and one
	 * kept beside the data would lie in every backup. */
	if ((n > 0 || *c->secret_key) && strlen(c->secret_key) < SESSION_KEY_MIN_BYTES) {
		errtext_set(why,
			    "auth.secret_key (SECRET_KEY): %s: set it to the output of `openssl rand -hex "
			    "32`, on "
			    "all machines the same",
			    *c->secret_key ? "less than 32 bytes" : "ADMIN_USERS needs it");
		return ERR_INPUT;
	}
	return 0;
}

static int check(const void *values, struct errtext *why)
{
	const struct idr_config *c = values;
	struct settings settings;
	struct rates rates;

	if (c->auth_enabled && !*c->api_key_default && !c->api_keys.n && !*c->api_keys_file) {
		errtext_set(why, "auth.enabled is true but no key is configured: set API_KEY_DEFAULT, for "
				 "example to the output of `openssl rand -hex 24`, or AUTH_ENABLED=false");
		return ERR_INPUT;
	}
	if (check_login(c, why) < 0)
		return ERR_INPUT;
	if (c->router_settings && settings_parse(c->router_settings, &settings, why) < 0) {
		errtext_prefix(why, "router.settings: ");
		return ERR_INPUT;
	}
	if (*c->redis_url) {
		struct redis_address address;

		if (redis_address_parse(str_of(c->redis_url), &address, why) < 0) {
			errtext_prefix(why, "redis.url (REDIS_URL): ");
			return ERR_INPUT;
		}
		redis_address_deinit(&address);
	}
	if (*c->otlp_url && otlp_check_url(c->otlp_url, why) < 0) {
		errtext_prefix(why, "tracing.otlp.endpoint (OTEL_EXPORTER_OTLP_ENDPOINT): ");
		return ERR_INPUT;
	}
	if (*c->database_url && !pg_is_conninfo(c->database_url)) {
		errtext_set(why, "database.url (DATABASE_URL): is not of the form "
				 "postgresql://user:password@host:port/name");
		return ERR_INPUT;
	}
	if (c->redis_sample_rate > 0 && c->redis_sample_rate < 0.001) {
		errtext_set(why, "redis.sample_rate (REDIS_SAMPLE_RATE): must be 0 or 0.001..1");
		return ERR_INPUT;
	}
	if (strpbrk(c->redis_prefix, "{}")) {
		errtext_set(why, "redis.prefix: must be without braces");
		return ERR_INPUT;
	}
	if (rates_parse(c->usd_per_unit, &rates, why) < 0) {
		errtext_prefix(why, "currency.usd_per_unit: ");
		return ERR_INPUT;
	}
	return 0;
}

const struct conf_table idr_conf_table = {
	.service = "idr",
	.var_prefix = "IDR_",
	.keys = keys,
	.n_keys = ARRAY_LEN(keys),
	.size = sizeof(struct idr_config),
	.check = check,
};
