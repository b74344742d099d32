#include "pbs/config.h"

#include <string.h>

#include "common/err.h"
#include "common/mem.h"
#include "common/memory_limit.h"
#include "common/otlp.h"
#include "common/pg.h"
#include "common/redis.h"
#include "common/str.h"
#include "common/worker.h"
#include "pbs/capacity.h"

#define CONF_T struct pbs_config

static const struct conf_key keys[] = {
	/* path, variables, field, default, min, max, flags, help */
	CONF_STR("host", "PBS_HOST", host, "::", 0, "address to listen on; :: serves IPv4 and IPv6"),
	CONF_U32("port", "PBS_PORT", port, "8000", 1, 65535, 0, "listening port"),
	CONF_U32("workers", "PBS_WORKERS", workers, "0", 0, 256, 0,
		 "threads with a loop of their own; 0 = one per core"),
	CONF_IGNORED("unix_socket_enable", "the server listens on host and port"),
	CONF_IGNORED("unix_socket_name", "the server listens on host and port"),
	CONF_IGNORED("garbage_collector_threshold", "there is no garbage to collect"),
	CONF_BOOL("admin.enabled", "", admin_enabled, "true", 0,
		  "serve /currency/rates and others on admin_port"),
	CONF_STR("admin.host", "", admin_host, "127.0.0.1", 0, "address of the administration port"),
	CONF_U32("admin_port", "", admin_port, "6060", 1, 65535, 0, "administration port"),
	CONF_STR("external_url", "PBS_EXTERNAL_URL|PBS_HOST_URL", external_url, "http://localhost:8000",
		 CONF_RELOAD, "how browsers reach this server: events, user sync, cache"),
	CONF_STR("datacenter", "", datacenter, "", CONF_RELOAD, "name of this place, told to bidders"),
	CONF_STR("status_response", "", status_response, "ok", CONF_RELOAD,
		 "body of GET /status; empty = 204"),
	CONF_U64("max_request_size", "MAX_REQUEST_SIZE", max_request_bytes, "1048576", 1024, 1 << 28, 0,
		 "bytes of a request body, decompressed"),
	CONF_U32("limits.max_connections", "", max_connections, "0", 0, 1000000, 0,
		 "client connections per worker; 0 = what an eighth of the memory holds, at most 20000"),
	CONF_U32("limits.max_auctions", "PBS_MAX_AUCTIONS", max_auctions, "0", 0, 1000000, CONF_RELOAD,
		 "auctions in flight per worker; more are answered with 503; 0 = what two fifths of the "
		 "memory hold (that of the cgroup or the machine, half a MiB each), at most 4000"),
	CONF_U32("limits.max_imps", "PBS_MAX_IMPS", max_imps, "100", 1, 1000, CONF_RELOAD,
		 "imps per request"),
	CONF_U32("limits.idle_timeout_ms", "", idle_timeout_ms, "15000", 100, 600000, 0,
		 "silence after which a client's connection is closed; also the time a request may take to "
		 "arrive"),
	CONF_U32("limits.drain_timeout_ms", "", drain_timeout_ms, "15000", 100, 300000, 0,
		 "longest wait for open auctions and events at shutdown"),
	CONF_BOOL("compression.request.enable_gzip", "", gzip_requests, "true", 0, "accept gzip bodies"),
	CONF_BOOL("compression.response.enable_gzip", "", gzip_replies, "true", 0,
		  "gzip replies to clients that accept it"),

	CONF_BOOL("auth.enabled", "AUTH_ENABLED", auth_enabled, "true", CONF_RELOAD, "ask for an API key"),
	CONF_SECRET("auth.api_key", "API_KEY_DEFAULT", api_key_default, CONF_RELOAD,
		    "a key for all publishers"),
	CONF_SECRET("auth.api_keys", "API_KEYS", api_keys, CONF_RELOAD,
		    "more keys: KEY for all publishers, KEY:PUBLISHER for one"),
	CONF_TREE("auth.keys", api_keys_tree, CONF_RELOAD | CONF_HIDDEN,
		  "more keys: {key, publisher, name, origins}"),
	CONF_U32("rate_limit_rps", "RATE_LIMIT_RPS", rate_limit_rps, "5000", 0, 10000000, CONF_RELOAD,
		 "requests per second of one API key, or of one address where no key is needed, per worker; "
		 "0 = no limit"),

	CONF_STR("bidder_info_dir", "", bidder_info_dir, "pbs/config/bidder-info", CONF_RELOAD,
		 "folder of <bidder>.yaml"),
	CONF_STR("host_bidder_info_dir", "", host_bidder_info_dir, "", CONF_RELOAD,
		 "a second such folder, of the host's own bidders"),
	CONF_STR("bidder_params_dir", "", bidder_params_dir, "pbs/config/bidder-params", CONF_RELOAD,
		 "folder of <bidder>.json"),
	CONF_TREE("adapters", adapters, CONF_RELOAD,
		  "overrides per bidder: disabled, endpoint, extra_info, xapi, ..."),
	CONF_U32("http_client.max_open_calls", "", max_open_calls, "20000", 1, 1000000, 0,
		 "calls under way per worker"),
	CONF_U32("http_client.max_idle_connections", "", max_idle_connections, "4000", 1, 1000000, 0,
		 "kept-alive connections per worker"),
	CONF_U64("http_client.max_reply_size", "", max_bidder_reply_bytes, "2097152", 1024, 1 << 28,
		 CONF_RELOAD, "bytes of a bidder's reply, decompressed"),
	CONF_BOOL("http_client.throttle.enable_throttling", "", throttling, "false", 0,
		  "leave out calls to bidders that keep failing"),
	CONF_BOOL("http_client.throttle.simulate_throttling_only", "", throttling_simulated, "false", 0,
		  "count what would be left out, but call"),
	CONF_U32("http_client.throttle.throttle_window", "", throttle_window, "1000", 1, 1000000, 0,
		 "calls over which a bidder's failures are averaged"),
	CONF_BOOL("http_client.allow_private_addresses", "", allow_private_addresses, "false", 0,
		  "let parameters and accounts lead to private addresses, and redirects from public ones to "
		  "them"),
	CONF_IGNORED("http_client.max_connections_per_host", "connections are as many as open calls need"),
	CONF_IGNORED("http_client.max_idle_connections_per_host",
		     "http_client.max_idle_connections bounds all"),
	CONF_IGNORED("http_client.idle_connection_timeout_seconds", "the longest unused one makes room"),
	CONF_IGNORED("http_client.tls_handshake_timeout_seconds",
		     "a call has the time of its auction for it"),
	CONF_IGNORED("http_client.expect_continue_timeout_seconds", "calls do not ask before they send"),
	CONF_IGNORED("http_client.dialer", "a call has the time of its auction to connect"),
	CONF_IGNORED("http_client_cache", "calls to the cache are made like all others, by http_client"),
	CONF_IGNORED("http_client.throttle.long_queue_wait_threshold_ms",
		     "calls do not queue for connections"),
	CONF_IGNORED("http_client.throttle.short_queue_wait_threshold_ms",
		     "calls do not queue for connections"),
	CONF_STR("certificates_file", "", certificates_file, "", 0,
		 "PEM file of authorities that are trusted beside the system's"),
	CONF_BOOL("http_client.verify_tls", "", verify_tls, "true", 0, "check bidders' certificates"),

	CONF_U32("auction_timeouts_ms.default", "", timeout_default_ms, "1000", 0, PBS_TIMEOUT_MAX_MS,
		 CONF_RELOAD, "time for an auction whose request has no tmax; 0 = auction_timeouts_ms.max"),
	CONF_U32("auction_timeouts_ms.max", "", timeout_max_ms, "5000", 0, PBS_TIMEOUT_MAX_MS, CONF_RELOAD,
		 "the most that tmax may ask for; 0 = 60000"),
	CONF_U32("tmax_default", "", tmax_default_ms, "0", 0, 60000, CONF_RELOAD,
		 "tmax of requests without one; 0 = leave it out"),
	CONF_BOOL("auto_gen_source_tid", "", auto_gen_source_tid, "true", CONF_RELOAD,
		  "make transaction ids that are missing"),
	CONF_BOOL("generate_bid_id", "", generate_bid_id, "false", CONF_RELOAD,
		  "give each bid an id of our own"),
	CONF_BOOL("generate_request_id", "", generate_request_id, "false", CONF_RELOAD,
		  "fresh ids for requests made from stored requests"),
	CONF_BOOL("stored_request_wins", "", stored_request_wins, "false", 0,
		  "where a fresh id is made, the stored request goes before what the client sent, as in the "
		  "original Prebid Server; otherwise only the id is new"),
	CONF_BOOL("video.enable_deprecated_endpoint", "", video_enabled, "false", CONF_RELOAD,
		  "serve /openrtb2/video"),
	CONF_BOOL("video_stored_request_required", "", video_stored_required, "false", CONF_RELOAD,
		  "refuse video requests that name no stored request"),
	CONF_U32("amp_timeout_adjustment_ms", "", amp_timeout_adjustment_ms, "0", 0, 60000, CONF_RELOAD,
		 "taken off the timeout that AMP pages ask for: the way to us and back"),
	CONF_U32("stored_requests_timeout_ms", "", stored_timeout_ms, "50", 1, 10000, CONF_RELOAD,
		 "wait for stored data"),
	CONF_IGNORED("default_request.type", "a file when default_request.file.name names one"),
	CONF_IGNORED("default_request.alias_info", "aliases of the default request are not listed"),
	CONF_STR("default_request.file.name", "", default_request_file, "", 0,
		 "JSON file that is laid under every request; empty = none"),
	CONF_STR("stored_requests.directory", "", stored_dir, "pbs/config", 0,
		 "folder with stored_requests/, stored_imps/, stored_responses/ and accounts/"),
	CONF_BOOL("stored_requests.filesystem.enabled", "", request_files.enabled, "true", 0,
		  "read stored requests and imps from files"),
	CONF_STR("stored_requests.filesystem.directorypath", "", request_files.dir, "", 0,
		 "folder for them alone; empty = stored_requests.directory"),
	CONF_BOOL("stored_responses.filesystem.enabled", "", response_files.enabled, "true", 0,
		  "read stored responses from files"),
	CONF_STR("stored_responses.filesystem.directorypath", "", response_files.dir, "", 0,
		 "folder for them alone; empty = stored_requests.directory"),
	CONF_BOOL("accounts.filesystem.enabled", "", account_files.enabled, "true", 0,
		  "read accounts from files"),
	CONF_STR("accounts.filesystem.directorypath", "", account_files.dir, "", 0,
		 "folder for them alone; empty = stored_requests.directory"),
	CONF_STR("category_mapping.directory", "", category_mapping_dir, "pbs/config/category-mapping", 0,
		 "folder with dfp/ and freewheel/: IAB categories to those of the ad server"),
	CONF_BOOL("category_mapping.filesystem.enabled", "", category_files.enabled, "true", 0,
		  "read category mappings from files"),
	CONF_STR("category_mapping.filesystem.directorypath", "", category_files.dir, "", 0,
		 "folder for them alone; empty = category_mapping.directory"),
	CONF_STR("category_mapping.http.endpoint", "", category_http_endpoint, "", 0,
		 "HTTP source of mappings that the folder does not have: <endpoint>/<ad server>.json or "
		 "<endpoint>/<ad server>/<publisher>.json; empty = none"),
	CONF_U32("stored_requests.watch_seconds", "", stored_watch_s, "2", 0, 86400, 0,
		 "how often these folders are looked at for changes; 0 = only SIGHUP reads them anew"),
	CONF_STR("stored_requests.http.endpoint", "", stored_http_endpoint, "router", 0,
		 "HTTP source of requests and imps; router = what nexus-idr keeps; empty = none"),
	CONF_ENUM("stored_requests.in_memory_cache.type", "", stored_cache_type, "lru", "none|lru|unbounded",
		  0, "what was fetched over HTTP or from the database is kept in memory"),
	CONF_U32("stored_requests.in_memory_cache.ttl_seconds", "", stored_cache_ttl_s, "30", 0, 86400, 0,
		 "how long; 0 = until it is pushed out"),
	CONF_U64("stored_requests.in_memory_cache.size_bytes", "", stored_cache_bytes, "67108864", 65536,
		 1ull << 40, 0, "memory for it, requests, imps, responses and accounts together"),
	CONF_BOOL(
		"stored_requests.cache_events.enabled", "", stored_cache_events, "false", 0,
		"POST and DELETE /storedrequests/openrtb2 change what is kept, for callers with a key of no "
		"publisher"),
	CONF_STR("stored_requests.http_events.endpoint", "", stored_events_endpoint, "", 0,
		 "server that tells of changes: everything at the start, then by last-modified=; empty = "
		 "none"),
	CONF_U32("stored_requests.http_events.refresh_rate_seconds", "", stored_events_refresh_s, "60", 1,
		 86400, 0, "how often it is asked"),
	CONF_U32("stored_requests.http_events.timeout_ms", "", stored_events_timeout_ms, "5000", 1, 120000, 0,
		 "wait for it"),
	CONF_SECRET("stored_requests.database.url", "STORED_DATABASE_URL", stored_db_url, 0,
		    "postgresql://user:password@host:port/name of a database with stored data; empty = none"),
	CONF_STR("stored_requests.database.fetcher.query", "", stored_db_requests, "", 0,
		 "rows (id, data, type) of $REQUEST_ID_LIST and $IMP_ID_LIST; empty = none are there"),
	CONF_STR("stored_responses.database.fetcher.query", "", stored_db_responses, "", 0,
		 "rows (id, data) of the stored responses in $ID_LIST"),
	CONF_STR("accounts.database.fetcher.query", "", stored_db_accounts, "", 0,
		 "rows (id, data) of the accounts in $ID_LIST"),
	CONF_U32("stored_requests.database.timeout_ms", "", stored_db_timeout_ms, "1000", 1, 60000, 0,
		 "for one connection or query; requests wait no longer than stored_requests_timeout_ms"),
	CONF_STR("stored_requests.database.initialize_caches.query", "", stored_db_init, "", 0,
		 "rows (id, data, type) that are put into the memory at the start, type being request, imp, "
		 "response or account"),
	CONF_U32("stored_requests.database.initialize_caches.timeout_ms", "", stored_db_init_timeout_ms,
		 "60000", 1, 3600000, 0, "for that query"),
	CONF_STR("stored_requests.database.poll_for_updates.query", "", stored_db_poll, "", 0,
		 "the same of what changed after $LAST_UPDATED; no data means that the id is gone"),
	CONF_U32("stored_requests.database.poll_for_updates.timeout_ms", "", stored_db_poll_timeout_ms,
		 "5000", 1, 3600000, 0, "for that query"),
	CONF_U32("stored_requests.database.poll_for_updates.refresh_rate_seconds", "", stored_db_refresh_s,
		 "30", 1, 86400, 0, "how often"),
	CONF_STR("accounts.http.endpoint", "", accounts_http_endpoint, "", 0,
		 "HTTP source of accounts; router = what nexus-idr keeps; empty = none"),
	CONF_IGNORED("stored_requests.http.amp_endpoint", "AMP pages are looked up at http.endpoint as well"),
	CONF_IGNORED("stored_requests.http.use_rfc3986_compliant_request_builder",
		     "ids are always asked for as request-id=a&request-id=b"),
	CONF_IGNORED("stored_requests.in_memory_cache.request_cache_size_bytes",
		     "in_memory_cache.size_bytes bounds all kinds together"),
	CONF_IGNORED("stored_requests.in_memory_cache.imp_cache_size_bytes",
		     "in_memory_cache.size_bytes bounds all kinds together"),
	CONF_IGNORED("stored_requests.in_memory_cache.resp_cache_size_bytes",
		     "in_memory_cache.size_bytes bounds all kinds together"),
	CONF_IGNORED("stored_requests.cache_events.endpoint", "the path is /storedrequests/openrtb2"),
	CONF_IGNORED("stored_requests.http_events.amp_endpoint",
		     "AMP pages use the same stored requests; http_events.endpoint tells of all"),
	CONF_IGNORED("stored_requests.database.connection",
		     "write it as stored_requests.database.url, postgresql://user:password@host:port/name"),
	CONF_IGNORED("stored_requests.database.fetcher.amp_query", "AMP pages use fetcher.query"),
	CONF_IGNORED("stored_requests.database.initialize_caches.amp_query",
		     "AMP pages use initialize_caches.query"),
	CONF_IGNORED("stored_requests.database.poll_for_updates.amp_query",
		     "AMP pages use poll_for_updates.query"),
	CONF_IGNORED("stored_video_req", "ad pods use what stored_requests says"),
	CONF_IGNORED("stored_responses.http", "stored responses are never fetched over HTTP"),
	CONF_IGNORED("stored_responses.in_memory_cache", "stored_requests.in_memory_cache keeps them too"),
	CONF_IGNORED("stored_responses.cache_events", "stored_requests.cache_events tells of them too"),
	CONF_IGNORED("stored_responses.http_events", "stored_requests.http_events tells of them too"),
	CONF_IGNORED("stored_responses.database.connection", "stored_requests.database.url is used"),
	CONF_IGNORED("stored_responses.database.fetcher.amp_query", "AMP pages use fetcher.query"),
	CONF_IGNORED("stored_responses.database.initialize_caches",
		     "stored_requests.database.initialize_caches brings them too"),
	CONF_IGNORED("stored_responses.database.poll_for_updates",
		     "stored_requests.database.poll_for_updates brings them too"),
	CONF_IGNORED("accounts.http.use_rfc3986_compliant_request_builder",
		     "ids are always asked for as account-id=a&account-id=b"),
	CONF_IGNORED("accounts.in_memory_cache", "stored_requests.in_memory_cache keeps them too"),
	CONF_IGNORED("accounts.cache_events", "stored_requests.cache_events tells of them too"),
	CONF_IGNORED("accounts.http_events", "stored_requests.http_events tells of them too"),
	CONF_BOOL("account_required", "", account_required, "false", CONF_RELOAD,
		  "refuse requests without a known account"),
	CONF_BOOL("tolerant_params", "", tolerant_params, "false", CONF_RELOAD,
		  "a bidder's bad parameters cost that bidder, not the request"),
	CONF_IGNORED("debug.timeout_notification", "bidders are not told of time-outs"),
	CONF_IGNORED("debug.override_token", "debug is the accounts' to allow, with debug_allow"),
	CONF_BOOL("debug.warn_always_when_off", "", debug_off_always, "false", CONF_RELOAD,
		  "warning 10002 also on responses of requests that did not ask for debug, as Prebid Server "
		  "has it"),
	CONF_DOUBLE("max_bid_price", "", max_bid_price, "10000", 0, 1e9, CONF_RELOAD,
		    "bids above this CPM are mistakes and are dropped; 0 = no limit"),
	CONF_TREE("account_defaults", account_defaults, CONF_RELOAD,
		  "settings of accounts that do not say otherwise"),
	CONF_LIST("blocked_apps", "", blocked_apps, "", CONF_RELOAD, "app ids that are refused"),
	CONF_STR("currency_converter.fetch_url", "CURRENCY_RATES_URL", rates_url,
		 "https://cdn.jsdelivr.net/gh/prebid/currency-file@1/latest.json", 0,
		 "where exchange rates come from; empty = only the file"),
	CONF_STR("currency_converter.file", "", rates_file, "pbs/config/currency-rates.json", 0,
		 "rates until the first ones were fetched; empty = none"),
	CONF_U32("currency_converter.fetch_interval_seconds", "", rates_interval_s, "1800", 1, 604800, 0,
		 "between two fetches"),
	CONF_U32("currency_converter.fetch_timeout_ms", "", rates_timeout_ms, "60000", 10, 120000, 0,
		 "wait for the rates"),
	CONF_U32("currency_converter.stale_rates_seconds", "", rates_stale_s, "0", 0, 31536000, 0,
		 "age after which rates are no longer used; 0 = never"),
	CONF_BOOL("price_floors.enabled", "", floors_enabled, "true", CONF_RELOAD,
		  "price floors, for accounts that switch them on"),
	CONF_IGNORED("price_floors.fetcher", "floors are fetched by http_client, within ceilings of our own"),
	CONF_LIST("price_floors.fetch.allowed_hosts", "", floors_hosts, "", 0,
		  "hosts that accounts may have floors fetched from; empty = any outside this network"),
	CONF_ENUM("validations.banner_creative_max_size", "", creative_size_mode, "skip", "skip|warn|enforce",
		  CONF_RELOAD, "banners larger than max_creative_width x max_creative_height"),
	CONF_U32("validations.max_creative_width", "", max_creative_width, "0", 0, 100000, CONF_RELOAD,
		 "pixels; 0 = no limit"),
	CONF_U32("validations.max_creative_height", "", max_creative_height, "0", 0, 100000, CONF_RELOAD,
		 "pixels; 0 = no limit"),
	CONF_ENUM("validations.secure_markup", "", secure_markup_mode, "skip", "skip|warn|enforce",
		  CONF_RELOAD, "creatives that load over plain HTTP"),
	CONF_TREE("host_schain_node", host_schain_node, CONF_RELOAD,
		  "this host's node, appended to every supply chain"),
	CONF_BOOL("tmax_adjustments.enabled", "", tmax_enforced, "false", CONF_RELOAD,
		  "do not start calls for which too little time is left"),
	CONF_U32("tmax_adjustments.bidder_response_duration_min_ms", "", bidder_min_ms, "0", 0, 10000,
		 CONF_RELOAD, "the least time in which a bidder can answer; 0 = calls are always started"),
	CONF_U32("tmax_adjustments.bidder_network_latency_buffer_ms", "", bidder_network_buffer_ms, "10", 0,
		 1000, CONF_RELOAD, "taken off the tmax that bidders are told: the way to them and back"),
	CONF_U32("tmax_adjustments.pbs_response_preparation_duration_ms", "", response_preparation_ms, "5", 0,
		 1000, CONF_RELOAD, "taken off as well: what we need after the last reply"),

	CONF_BOOL("privacy.enforce_gdpr", "PBS_ENFORCE_GDPR", enforce_gdpr, "true", CONF_RELOAD,
		  "act on GDPR signals and consent strings"),
	CONF_BOOL("privacy.enforce_ccpa", "PBS_ENFORCE_CCPA", enforce_ccpa, "true", CONF_RELOAD,
		  "act on US privacy strings, the US sections of GPP and Global Privacy Control"),
	CONF_BOOL("privacy.enforce_coppa", "PBS_ENFORCE_COPPA", enforce_coppa, "true", CONF_RELOAD,
		  "remove identifiers and places of children"),
	CONF_BOOL("privacy.strict_mode", "PBS_PRIVACY_STRICT_MODE", privacy_strict, "false", CONF_RELOAD,
		  "refuse requests whose consent is needed and missing or malformed"),
	CONF_BOOL("gdpr.enabled", "", gdpr_enabled, "true", 0,
		  "false: every permission is given, everywhere"),
	CONF_STR("gdpr.default_value", "", gdpr_default_value, "0", CONF_RELOAD,
		 "1: GDPR applies when neither the request nor its place says so"),
	CONF_IGNORED("gdpr.amp_exception", "AMP requests are treated like all others"),
	CONF_LIST(
		"request_validation.ipv4_private_networks", "", private_ipv4, "", CONF_RELOAD,
		"10.0.0.0/8 and so on: device.ip within is emptied, and a client there is not taken for the "
		"device; empty = loopback, link-local and private ones"),
	CONF_LIST("request_validation.ipv6_private_networks", "", private_ipv6, "", CONF_RELOAD,
		  "the same for device.ipv6; empty = loopback, link-local, private, multicast and "
		  "documentation"),
	CONF_U32("gdpr.host_vendor_id", "", host_vendor_id, "0", 0, 65535, CONF_RELOAD,
		 "this host's id in the Global Vendor List"),
	CONF_LIST("gdpr.eea_countries", "", eea_countries, "", CONF_RELOAD,
		  "ISO 3166 alpha-3 codes; empty = the EEA, the United Kingdom and their territories"),
	CONF_LIST("gdpr.non_standard_publishers", "", non_standard_publishers, "", CONF_RELOAD,
		  "publisher ids whose auctions are exempt from GDPR"),
	CONF_BOOL("gdpr.strict-disclosed-vendors-treatment", "", strict_disclosed_vendors, "true",
		  CONF_RELOAD, "TCF 2.3: strings of March 2026 and later must list disclosed vendors"),
	CONF_TREE("gdpr.tcf2", gdpr_tcf2, CONF_RELOAD,
		  "enabled, purpose1 to purpose10, purpose_one_treatment, special_feature1"),
	CONF_BOOL("ccpa.enforce", "", ccpa_enforce, "true", CONF_RELOAD,
		  "for accounts that do not say otherwise"),
	CONF_BOOL("lmt.enforce", "", lmt_enforce, "true", CONF_RELOAD, "act on device.lmt"),
	CONF_BOOL("gdpr.vendor_list.enabled", "", gvl_enabled, "true", 0,
		  "fetch the Global Vendor List; without it consent counts as missing unless a list is on "
		  "disk"),
	CONF_STR("gdpr.vendor_list.latest_url", "", gvl_latest_url,
		 "https://vendor-list.consensu.org/v%s/vendor-list.json", 0,
		 "the newest list; %s stands for the specification, 2 or 3"),
	CONF_STR("gdpr.vendor_list.archive_url", "", gvl_archive_url,
		 "https://vendor-list.consensu.org/v%s/archives/vendor-list-v%d.json", 0,
		 "one version; %s stands for the specification, %d for the version"),
	CONF_STR("gdpr.vendor_list.directory", "", gvl_dir, "", 0,
		 "folder in which lists are kept across restarts, v3-120.json; empty = in memory alone"),
	CONF_U32("gdpr.vendor_list.preload", "", gvl_preload, "20", 0, 4095, 0,
		 "versions before the newest that are fetched at start, without waiting for a request"),
	CONF_ENUM("gdpr.vendor_list.when_missing", "", gvl_when_missing, "default", "default|strict",
		  CONF_RELOAD,
		  "default: bidders are called if purpose 2 is not enforced; strict: they are not called"),
	CONF_U32("gdpr.timeouts_ms.init_vendorlist_fetches", "", gvl_init_timeout_ms, "30000", 1, 120000, 0,
		 "for one list fetched at start or when it is refreshed"),
	CONF_U32("gdpr.timeouts_ms.active_vendorlist_fetch", "", gvl_active_timeout_ms, "5000", 1, 120000, 0,
		 "for a list that a request needed; the request itself does not wait"),
	CONF_U32("gdpr.live_gvl_refresh_interval_seconds", "", gvl_refresh_s, "86400", 1, 31536000, 0,
		 "how often the newest list is asked for"),
	CONF_U32("gdpr.vendor_list.retry_seconds", "", gvl_retry_s, "30", 1, 86400, 0,
		 "after a failure; doubles with each one, up to an hour"),

	CONF_STR("cache.scheme", "", cache_scheme, "http", CONF_RELOAD,
		 "of the Prebid Cache that bids are put into"),
	CONF_STR("cache.host", "", cache_host, "", CONF_RELOAD,
		 "its host and port; empty = this server keeps a cache of its own"),
	CONF_IGNORED("cache.query", "look-ups name the uuid only"),
	CONF_U32("cache.expected_millis", "", cache_expected_ms, "10", 0, 1000, CONF_RELOAD,
		 "time kept back for the cache call"),
	CONF_U32("cache.default_ttl_seconds.banner", "", cache_ttl_banner_s, "0", 0, 31536000, CONF_RELOAD,
		 "how long bids are cached when nobody says; 0 = as long as the cache likes"),
	CONF_U32("cache.default_ttl_seconds.video", "", cache_ttl_video_s, "0", 0, 31536000, CONF_RELOAD,
		 "the same for video"),
	CONF_U32("cache.default_ttl_seconds.audio", "", cache_ttl_audio_s, "0", 0, 31536000, CONF_RELOAD,
		 "the same for audio"),
	CONF_U32("cache.default_ttl_seconds.native", "", cache_ttl_native_s, "0", 0, 31536000, CONF_RELOAD,
		 "the same for native"),
	CONF_BOOL("cache.builtin.enabled", "", cache_builtin, "true", 0,
		  "keep a Prebid Cache: POST and GET /cache, and the bids when cache.host is empty"),
	CONF_SECRET(
		"cache.builtin.redis.url", "REDIS_URL", cache_redis_url, 0,
		"redis[s]://[user:password@]host:port/db in which it is kept, for several servers to share; "
		"empty = in this process's memory"),
	CONF_STR("cache.builtin.redis.prefix", "", cache_redis_prefix, "nexus-cache:", 0,
		 "what the names of its keys begin with; servers of one prefix share"),
	CONF_U32("cache.builtin.redis.timeout_ms", "", cache_redis_timeout_ms, "200", 1, 60000, 0,
		 "wait for Redis; an auction waits no longer than its own time"),
	CONF_U64("cache.builtin.max_bytes", "", cache_max_bytes, "67108864", 1048576, 1ull << 40, 0,
		 "memory for it, without Redis; what was used longest ago goes first"),
	CONF_U32("cache.builtin.max_entries", "", cache_max_entries, "200000", 100, 100000000, 0,
		 "entries at most"),
	CONF_U64("cache.builtin.max_value_size", "", cache_max_value_bytes, "262144", 1024, 16 << 20,
		 CONF_RELOAD, "bytes of one value that callers may put"),
	CONF_U32("cache.builtin.max_puts", "", cache_max_puts, "10", 1, 1000, CONF_RELOAD,
		 "puts in one call"),
	CONF_U32("cache.builtin.default_ttl_seconds", "", cache_default_ttl_s, "3600", 1, 31536000,
		 CONF_RELOAD, "lifetime of what came without one"),
	CONF_U32("cache.builtin.max_ttl_seconds", "", cache_max_ttl_s, "3600", 1, 31536000, CONF_RELOAD,
		 "the longest lifetime"),
	CONF_BOOL("cache.builtin.allow_keys", "", cache_allow_keys, "false", CONF_RELOAD,
		  "callers may choose keys; otherwise theirs are ignored"),
	CONF_BOOL("vtrack.enabled", "", vtrack_enabled, "true", CONF_RELOAD,
		  "POST /vtrack: VAST into the cache, with events"),
	CONF_BOOL("vtrack.allow_unknown_bidder", "", vtrack_unknown_bidders, "true", CONF_RELOAD,
		  "add events to the VAST of bidders that this host does not know"),
	CONF_U32("vtrack.timeout_ms", "", vtrack_timeout_ms, "2000", 1, 60000, CONF_RELOAD,
		 "for the cache, and for the account"),
	CONF_U32("event.timeout_ms", "", event_timeout_ms, "1000", 1, 60000, CONF_RELOAD,
		 "for the account of an event"),
	CONF_STR("external_cache.scheme", "", external_cache_scheme, "", CONF_RELOAD,
		 "of cache URLs in responses"),
	CONF_STR("external_cache.host", "", external_cache_host, "", CONF_RELOAD,
		 "host of cache URLs in responses"),
	CONF_STR("external_cache.path", "", external_cache_path, "", CONF_RELOAD,
		 "path of cache URLs in responses"),

	CONF_STR("user_sync.external_url", "", sync_external_url, "", CONF_RELOAD,
		 "how bidders' syncs reach this server; empty = external_url"),
	CONF_STR("user_sync.redirect_url", "", sync_redirect_url, "", CONF_RELOAD,
		 "template of the URL to which bidders send ids; empty = /setuid with every parameter"),
	CONF_BOOL("user_sync.coop_sync.default", "", coop_sync, "false", CONF_RELOAD,
		  "synchronise more bidders than the page asked for"),
	CONF_TREE("user_sync.priority_groups", priority_groups, CONF_RELOAD,
		  "lists of bidders, the most important first: who is synchronised first, whose ids go last"),
	CONF_TREE("cookie_sync.disabled_iframe_bidders", no_iframe_bidders, CONF_RELOAD,
		  "bidders that get no iframe; \"*\" = none does"),
	CONF_STR("host_cookie.domain", "", host_cookie_domain, "", CONF_RELOAD,
		 "domain of the uids cookie; empty = the host that set it"),
	CONF_STR("host_cookie.family", "", host_cookie_family, "", CONF_RELOAD,
		 "syncer key under which the host's own id goes to bidders"),
	CONF_STR("host_cookie.cookie_name", "", host_cookie_name, "", CONF_RELOAD,
		 "cookie that holds the host's own id"),
	CONF_STR("host_cookie.optout_cookie.name", "", optout_cookie_name, "", CONF_RELOAD,
		 "cookie that opts out of all ids"),
	CONF_STR("host_cookie.optout_cookie.value", "", optout_cookie_value, "", CONF_RELOAD,
		 "… when it has this value"),
	CONF_STR("host_cookie.opt_out_url", "", opt_out_url, "", CONF_RELOAD,
		 "where people are sent who opted out"),
	CONF_STR("host_cookie.opt_in_url", "", opt_in_url, "", CONF_RELOAD,
		 "where people are sent who opted in again"),
	CONF_U32("host_cookie.ttl_days", "", host_cookie_ttl_days, "90", 1, 3650, CONF_RELOAD,
		 "how long browsers keep the uids cookie"),
	CONF_U64("host_cookie.max_cookie_size_bytes", "", max_cookie_bytes, "0", 0, 65536, CONF_RELOAD,
		 "of the uids cookie; the ids of less important bidders go first. 0 = no limit, else at "
		 "least 500"),
	CONF_STR("recaptcha_url", "", recaptcha_url, "https://www.google.com/recaptcha/api/siteverify",
		 CONF_RELOAD, "who verifies that a person opts out"),
	CONF_SECRET("recaptcha_secret", "", recaptcha_secret, CONF_RELOAD, "the secret for it"),

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

	CONF_BOOL("tracing.enabled", "TRACING_ENABLED", tracing, "true", 0,
		  "go on with the caller's traceparent, or begin a trace: log lines name it, the router is "
		  "told, "
		  "and bidders whose file says traceparent: true"),
	CONF_STR("tracing.otlp.endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT", otlp_url, "", 0,
		 "OTLP/HTTP collector that gets auctions' spans, http://collector:4318; empty = none leave"),
	CONF_SECRET("tracing.otlp.headers", "OTEL_EXPORTER_OTLP_HEADERS", otlp_headers, 0,
		    "name=value,name=value sent to the collector"),
	CONF_DOUBLE("tracing.sample_rate", "OTEL_TRACES_SAMPLER_ARG", trace_sample_rate, "0.01", 0, 1, 0,
		    "share of auctions whose spans are exported"),
	CONF_BOOL("tracing.follow_caller", "", trace_follow_caller, "false", 0,
		  "callers with a traceparent decide that themselves, by its flag; not where strangers call"),
	CONF_U32("tracing.otlp.flush_ms", "", otlp_flush_ms, "2000", 10, 600000, 0,
		 "longest wait for a batch of spans"),
	CONF_U64("tracing.otlp.max_bytes", "", otlp_max_bytes, "1048576", 4096, 1 << 28, 0,
		 "spans kept per worker while the collector is slow; more are dropped and counted"),

	CONF_STR("static.directory", "", static_dir, "", 0,
		 "folder with pages of the host: index.html is /, the others /static/<name>, among them "
		 "optout.html, to "
		 "which /optout sends people; empty = none"),

	CONF_STR("analytics.file.filename", "", file_name, "", 0,
		 "every auction, sync and event is written there, one JSON object a line; empty = nowhere"),
	CONF_U64("analytics.file.max_bytes", "", file_max_bytes, "104857600", 4096, 1ull << 40, 0,
		 "size at which it is renamed and a new one is begun"),
	CONF_U32("analytics.file.keep", "", file_keep, "5", 0, 1000, 0, "how many older ones are kept"),

	CONF_IGNORED("analytics.pubstack", "auctions go to the router and to analytics.file"),
	CONF_IGNORED("analytics.agma", "auctions go to the router and to analytics.file"),
	CONF_IGNORED("metrics.influxdb", "Prometheus reads /metrics"),
	CONF_IGNORED("metrics.prometheus", "Prometheus reads /metrics, where all names begin with nexus_pbs"),
	CONF_BOOL("metrics.disabled_metrics.account_debug", "", hide_account_debug, "false", 0,
		  "leave account_debug_requests out of /metrics"),
	CONF_BOOL("metrics.disabled_metrics.account_stored_responses", "", hide_account_stored, "false", 0,
		  "leave account_stored_responses out of /metrics"),
	CONF_BOOL("metrics.disabled_metrics.adapter_connections_metrics", "", hide_connections, "false", 0,
		  "leave adapter_connection_created, _reused and _wait out of /metrics"),
	CONF_BOOL("metrics.disabled_metrics.adapter_connections_dial_metrics", "", hide_dials, "false", 0,
		  "leave adapter_connection_dial_errors and _dial_time out of /metrics"),
	CONF_BOOL("metrics.disabled_metrics.adapter_buyeruid_scrubbed", "", hide_scrubbed, "false", 0,
		  "leave adapter_buyeruids_scrubbed out of /metrics"),
	CONF_BOOL("metrics.disabled_metrics.adapter_gdpr_request_blocked", "", hide_gdpr_blocked, "false", 0,
		  "leave adapter_gdpr_requests_blocked out of /metrics"),
	CONF_IGNORED("metrics.disabled_metrics.account_adapter_details",
		     "no series are by account and bidder"),
	CONF_IGNORED("metrics.disabled_metrics.account_modules_metrics",
		     "no series are by account and module"),
	CONF_IGNORED("hooks", "there are no modules but the router, which idr configures"),
	CONF_IGNORED("experiment", "calls are not signed with ads.cert"),
	CONF_U32("metrics.max_accounts", "", metrics_accounts, "100", 0, 10000, 0,
		 "accounts with series of their own in /metrics; the rest are counted together"),
	CONF_STR("request_timeout_headers.request_time_in_queue", "", queue_time_header, "", 0,
		 "header of the proxy in front: seconds that a request to /openrtb2/video has waited"),
	CONF_STR("request_timeout_headers.request_timeout_in_queue", "", queue_timeout_header, "", 0,
		 "header of the proxy in front: seconds that it may wait; with both set, late ones get 408"),

	CONF_ENUM("log.level", "LOG_LEVEL", log_level, "info", "debug|info|warn|error|off", CONF_RELOAD,
		  "lowest level written"),
	CONF_ENUM("log.access", "", access_log, "errors", "off|errors|all", CONF_RELOAD,
		  "which requests get a line of their own: none, answers of 500 and above, all"),
	CONF_ENUM("log.format", "LOG_FORMAT", log_format, "json", "json|console", 0,
		  "JSON lines, or text for people"),
};

/* By the memory, which --print-config and the log tell. */
static void derive(struct conf *conf, void *values)
{
	struct pbs_config *c = values;
	size_t workers = workers_wanted(c->workers);
	struct memory_limit memory;
	FREE_ON_EXIT char *why = NULL;

	if (c->max_auctions && c->max_connections)
		return;
	memory = memory_limit();
	why = xasprintf("from %llu MiB, the memory of %s, for %zu worker%s",
			(unsigned long long)(memory.bytes >> 20), memory.whose, workers,
			workers == 1 ? "" : "s");
	if (!c->max_auctions) {
		c->max_auctions = capacity_auctions(memory.bytes, workers);
		conf_derived(conf, "limits.max_auctions", "%s", why);
	}
	if (!c->max_connections) {
		c->max_connections = capacity_connections(memory.bytes, workers);
		conf_derived(conf, "limits.max_connections", "%s", why);
	}
}

static int check_amounts(const struct pbs_config *c, struct errtext *why)
{
	if (c->timeout_default_ms > pbs_timeout_max_ms(c)) {
		errtext_set(why, "auction_timeouts_ms.default: %u is more than auction_timeouts_ms.max, %u",
			    c->timeout_default_ms, c->timeout_max_ms);
		return ERR_INPUT;
	}
	if (strcmp(c->gdpr_default_value, "0") != 0 && strcmp(c->gdpr_default_value, "1") != 0) {
		errtext_set(why, "gdpr.default_value: \"%s\" is neither 0 nor 1", c->gdpr_default_value);
		return ERR_INPUT;
	}
	if (c->max_cookie_bytes && c->max_cookie_bytes < 500) {
		errtext_set(why,
			    "host_cookie.max_cookie_size_bytes: Max cookie size %llu cannot be less than 500",
			    (unsigned long long)c->max_cookie_bytes);
		return ERR_INPUT;
	}
	return 0;
}

static int check_stored_cache(const struct pbs_config *c, struct errtext *why)
{
	if (c->stored_cache_type == STORED_CACHE_UNBOUNDED && c->stored_cache_ttl_s) {
		errtext_set(why,
			    "stored_requests.in_memory_cache.ttl_seconds: must be 0 with type unbounded");
		return ERR_INPUT;
	}
	if (c->stored_cache_type == STORED_CACHE_NONE &&
	    (c->stored_cache_events || *c->stored_events_endpoint || *c->stored_db_init ||
	     *c->stored_db_poll)) {
		errtext_set(why,
			    "stored_requests.in_memory_cache.type: must not be none when updates are to be "
			    "kept (cache_events, http_events, initialize_caches, poll_for_updates)");
		return ERR_INPUT;
	}
	return 0;
}

static int check_addresses(const struct pbs_config *c, struct errtext *why)
{
	struct redis_address address;

	if (*c->otlp_url && otlp_check_url(c->otlp_url, why) < 0) {
		errtext_prefix(why, "tracing.otlp.endpoint (OTEL_EXPORTER_OTLP_ENDPOINT): ");
		return ERR_INPUT;
	}
	if (*c->stored_db_url && !pg_is_conninfo(c->stored_db_url)) {
		errtext_set(why, "stored_requests.database.url (STORED_DATABASE_URL): is not of the form "
				 "postgresql://user:password@host:port/name");
		return ERR_INPUT;
	}
	if (!*c->cache_redis_url)
		return 0;
	if (redis_address_parse(str_of(c->cache_redis_url), &address, why) < 0) {
		errtext_prefix(why, "cache.builtin.redis.url (REDIS_URL): ");
		return ERR_INPUT;
	}
	redis_address_deinit(&address);
	return 0;
}

static int check(const void *values, struct errtext *why)
{
	static int (*const checks[])(const struct pbs_config *c, struct errtext *why) = { check_amounts,
											  check_stored_cache,
											  check_addresses };

	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		if (checks[i](values, why) < 0)
			return ERR_INPUT;
	return 0;
}

const struct conf_table pbs_conf_table = {
	.service = "pbs",
	.var_prefix = "PBS_",
	.keys = keys,
	.n_keys = ARRAY_LEN(keys),
	.size = sizeof(struct pbs_config),
	.derive = derive,
	.check = check,
};
