#include "pbs/config.h"

#include "common/err.h"

#define CONF_T struct pbs_config

static const struct conf_key keys[] = {
	/* path, variables, field, default, min, max, flags, help */
	CONF_STR("host", "PBS_HOST", host, "::", 0, "address to listen on; :: serves IPv4 and IPv6"),
	CONF_U32("port", "PBS_PORT", port, "8000", 1, 65535, 0, "listening port"),
	CONF_U32("workers", "PBS_WORKERS", workers, "0", 0, 256, 0,
		 "threads with a loop of their own; 0 = one per core"),
	CONF_STR("external_url", "PBS_EXTERNAL_URL|PBS_HOST_URL", external_url, "http://localhost:8000", 0,
		 "how browsers reach this server: events, user sync, cache"),
	CONF_STR("datacenter", "", datacenter, "", 0, "name of this place, told to bidders"),
	CONF_STR("status_response", "", status_response, "ok", 0, "body of GET /status; empty = 204"),
	CONF_U64("max_request_size", "MAX_REQUEST_SIZE", max_request_bytes, "1048576", 1024, 1 << 28, 0,
		 "bytes of a request body, decompressed"),
	CONF_U32("limits.max_connections", "", max_connections, "20000", 10, 1000000, 0,
		 "client connections per worker"),
	CONF_U32("limits.max_auctions", "PBS_MAX_AUCTIONS", max_auctions, "4000", 1, 1000000, 0,
		 "auctions in flight per worker; more are answered with 503"),
	CONF_U32("limits.max_imps", "PBS_MAX_IMPS", max_imps, "100", 1, 1000, 0, "imps per request"),
	CONF_U32("limits.idle_timeout_ms", "", idle_timeout_ms, "15000", 100, 600000, 0,
		 "silence after which a client's connection is closed; also the time a request may take to "
		 "arrive"),
	CONF_U32("limits.drain_timeout_ms", "", drain_timeout_ms, "15000", 100, 300000, 0,
		 "longest wait for open auctions and events at shutdown"),
	CONF_BOOL("compression.request.enable_gzip", "", gzip_requests, "true", 0, "accept gzip bodies"),
	CONF_BOOL("compression.response.enable_gzip", "", gzip_replies, "true", 0,
		  "gzip replies to clients that accept it"),

	CONF_BOOL("auth.enabled", "AUTH_ENABLED", auth_enabled, "true", 0, "ask for an API key"),
	CONF_SECRET("auth.api_key", "API_KEY_DEFAULT", api_key_default, 0, "a key for all publishers"),
	CONF_SECRET("auth.api_keys", "API_KEYS", api_keys, 0,
		    "more keys: KEY for all publishers, KEY:PUBLISHER for one"),
	CONF_TREE("auth.keys", api_keys_tree, 0, "more keys: {key, publisher, name, origins}"),
	CONF_U32("rate_limit_rps", "RATE_LIMIT_RPS", rate_limit_rps, "5000", 0, 10000000, 0,
		 "requests per second of one API key, or of one address where no key is needed, per worker; "
		 "0 = no limit"),

	CONF_STR("bidder_info_dir", "", bidder_info_dir, "pbs/config/bidder-info", 0,
		 "folder of <bidder>.yaml"),
	CONF_STR("host_bidder_info_dir", "", host_bidder_info_dir, "", 0,
		 "a second such folder, of the host's own bidders"),
	CONF_STR("bidder_params_dir", "", bidder_params_dir, "pbs/config/bidder-params", 0,
		 "folder of <bidder>.json"),
	CONF_TREE("adapters", adapters, 0, "overrides per bidder: disabled, endpoint, extra_info, xapi, ..."),
	CONF_U32("http_client.max_open_calls", "", max_open_calls, "20000", 1, 1000000, 0,
		 "calls under way per worker"),
	CONF_U32("http_client.max_idle_connections", "", max_idle_connections, "4000", 1, 1000000, 0,
		 "kept-alive connections per worker"),
	CONF_U64("http_client.max_reply_size", "", max_bidder_reply_bytes, "2097152", 1024, 1 << 28, 0,
		 "bytes of a bidder's reply, decompressed"),
	CONF_BOOL("http_client.verify_tls", "", verify_tls, "true", 0, "check bidders' certificates"),

	CONF_U32("auction_timeouts_ms.default", "", timeout_default_ms, "1000", 1, 60000, 0,
		 "time for an auction whose request has no tmax"),
	CONF_U32("auction_timeouts_ms.max", "", timeout_max_ms, "5000", 1, 60000, 0,
		 "the most that tmax may ask for"),
	CONF_U32("tmax_default", "", tmax_default_ms, "0", 0, 60000, 0,
		 "tmax of requests without one; 0 = leave it out"),
	CONF_BOOL("auto_gen_source_tid", "", auto_gen_source_tid, "true", 0,
		  "make transaction ids that are missing"),
	CONF_BOOL("generate_bid_id", "", generate_bid_id, "false", 0, "give each bid an id of our own"),
	CONF_BOOL("generate_request_id", "", generate_request_id, "false", 0,
		  "fresh ids for requests made from stored requests"),
	CONF_U32("stored_requests_timeout_ms", "", stored_timeout_ms, "50", 1, 10000, 0,
		 "wait for stored data"),
	CONF_STR("stored_requests.directory", "", stored_dir, "pbs/config", 0,
		 "folder with stored_requests/, stored_imps/, stored_responses/ and accounts/"),
	CONF_STR("stored_requests.http.endpoint", "", stored_http_endpoint, "", 0,
		 "HTTP source of requests and imps"),
	CONF_STR("accounts.http.endpoint", "", accounts_http_endpoint, "", 0, "HTTP source of accounts"),
	CONF_BOOL("account_required", "", account_required, "false", 0,
		  "refuse requests without a known account"),
	CONF_BOOL("tolerant_params", "", tolerant_params, "false", 0,
		  "a bidder's bad parameters cost that bidder, not the request"),
	CONF_DOUBLE("max_bid_price", "", max_bid_price, "10000", 0, 1e9, 0,
		    "bids above this CPM are mistakes and are dropped; 0 = no limit"),
	CONF_TREE("account_defaults", account_defaults, 0, "settings of accounts that do not say otherwise"),
	CONF_LIST("blocked_apps", "", blocked_apps, "", 0, "app ids that are refused"),
	CONF_BOOL("price_floors.enabled", "", floors_enabled, "true", 0,
		  "price floors, for accounts that switch them on"),
	CONF_ENUM("validations.banner_creative_max_size", "", creative_size_mode, "skip", "skip|warn|enforce",
		  0, "banners larger than max_creative_width x max_creative_height"),
	CONF_U32("validations.max_creative_width", "", max_creative_width, "0", 0, 100000, 0,
		 "pixels; 0 = no limit"),
	CONF_U32("validations.max_creative_height", "", max_creative_height, "0", 0, 100000, 0,
		 "pixels; 0 = no limit"),
	CONF_ENUM("validations.secure_markup", "", secure_markup_mode, "skip", "skip|warn|enforce", 0,
		  "creatives that load over plain HTTP"),
	CONF_TREE("host_schain_node", host_schain_node, 0,
		  "this host's node, appended to every supply chain"),
	CONF_U32("gdpr.host_vendor_id", "", host_vendor_id, "0", 0, 65535, 0,
		 "this host's id in the Global Vendor List"),
	CONF_U32("tmax_adjustments.bidder_network_latency_buffer_ms", "", bidder_network_buffer_ms, "10", 0,
		 1000, 0, "taken off the tmax that bidders are told: the way to them and back"),
	CONF_U32("tmax_adjustments.pbs_response_preparation_duration_ms", "", response_preparation_ms, "5", 0,
		 1000, 0, "taken off as well: what we need after the last reply"),

	CONF_STR("cache.scheme", "", cache_scheme, "http", 0, "of the Prebid Cache that bids are put into"),
	CONF_STR("cache.host", "", cache_host, "", 0,
		 "its host and port; empty = requests for caching are refused"),
	CONF_STR("cache.query", "", cache_query, "", 0, "query string of GETs from it"),
	CONF_U32("cache.expected_millis", "", cache_expected_ms, "10", 0, 1000, 0,
		 "time kept back for the cache call"),
	CONF_STR("external_cache.scheme", "", external_cache_scheme, "", 0, "of cache URLs in responses"),
	CONF_STR("external_cache.host", "", external_cache_host, "", 0, "host of cache URLs in responses"),
	CONF_STR("external_cache.path", "", external_cache_path, "", 0, "path of cache URLs in responses"),

	CONF_BOOL("idr.enabled", "IDR_ENABLED", idr_enabled, "true", 0,
		  "ask the router which bidders to call"),
	CONF_STR("idr.url", "IDR_URL|IDR_ENDPOINT", idr_url, "http://localhost:5050", 0,
		 "where nexus-idr listens"),
	CONF_SECRET("idr.api_key", "IDR_API_KEY", idr_api_key, 0, "key for nexus-idr; empty = auth.api_key"),
	CONF_U32("idr.timeout_ms", "IDR_TIMEOUT_MS", idr_timeout_ms, "50", 1, 1000, 0,
		 "wait for the router; then every bidder is called"),
	CONF_U32("idr.breaker_failures", "IDR_BREAKER_FAILURES", idr_breaker_failures, "10", 1, 1000, 0,
		 "failures in a row after which the router is not asked for a while"),
	CONF_U32("idr.breaker_open_ms", "IDR_BREAKER_OPEN_MS", idr_breaker_open_ms, "2000", 1, 600000, 0,
		 "that while"),

	CONF_BOOL("events.enabled", "EVENT_RECORD_ENABLED", events_enabled, "true", 0,
		  "report outcomes to the router"),
	CONF_U32("events.buffer", "EVENT_BUFFER_SIZE", events_buffer, "500", 1, 100000, 0,
		 "auctions per batch at most"),
	CONF_U32("events.flush_ms", "EVENT_FLUSH_MS", events_flush_ms, "1000", 1, 600000, 0,
		 "longest wait for a batch"),
	CONF_U64("events.max_bytes", "", events_max_bytes, "16777216", 65536, 1 << 30, 0,
		 "events kept per worker while the router is down; more are dropped and counted"),

	CONF_ENUM("log.level", "LOG_LEVEL", log_level, "info", "debug|info|warn|error|off", 0,
		  "lowest level written"),
	CONF_ENUM("log.format", "LOG_FORMAT", log_format, "json", "json|console", 0,
		  "JSON lines, or text for people"),
};

static int check(const void *values, struct errtext *why)
{
	const struct pbs_config *c = values;

	if (c->timeout_default_ms > c->timeout_max_ms) {
		errtext_set(why, "auction_timeouts_ms.default: %u is more than auction_timeouts_ms.max, %u",
			    c->timeout_default_ms, c->timeout_max_ms);
		return ERR_INPUT;
	}
	return 0;
}

const struct conf_table pbs_conf_table = {
	.service = "pbs",
	.var_prefix = "PBS_",
	.keys = keys,
	.n_keys = ARRAY_LEN(keys),
	.size = sizeof(struct pbs_config),
	.check = check,
};
