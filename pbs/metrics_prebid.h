/* The families that dashboards of Prebid Server chart, under our namespace: same names, labels and label values.
 *
 * Ours count beside them (pbs/metrics.h); where both tell of the same thing, these follow the reference to the letter,
 * odd label names included.
 * Source  Prebid Server's Prometheus metrics.
 */
#ifndef PBS_METRICS_PREBID_H
#define PBS_METRICS_PREBID_H

/* Label: id, name, values. Values that are there only at run time are set in metrics.c. */
#define PREBID_LABELS(X)                                                                                     \
	X(REQUEST_TYPE, "request_type", "openrtb2-web", "openrtb2-app", "openrtb2-dooh", "amp", "video")     \
	X(REQUEST_STATUS, "request_status", "ok", "badinput", "err", "networkerr", "blockedapp",             \
	  "queuetimeout", "acctconfigerr")                                                                   \
	X(REQUEST_SIZE, "request_size", "auction", "video")                                                  \
	X(QUEUE_TYPE, "request_type", "video")                                                               \
	X(QUEUE_STATUS, "request_status", "requestAcceptedLabel", "requestRejectedLabel")                    \
	X(BANNER, "banner", "false", "true")                                                                 \
	X(VIDEO, "video", "false", "true")                                                                   \
	X(AUDIO, "audio", "false", "true")                                                                   \
	X(NATIVE, "native", "false", "true")                                                                 \
	X(CONNECTION_ERROR, "connection_error", "accept", "close")                                           \
	X(OPT_OUT, "opt_out", "false", "true")                                                               \
	X(SOURCE, "source", "request")                                                                       \
	X(TCF_VERSION, "version", "v2", "err")                                                               \
	X(OK_FAILED, "success", "ok", "failed")                                                              \
	X(COOKIE, "cookie", "exists", "no", "unknown")                                                       \
	X(HAS_BIDS, "has_bids", "false", "true")                                                             \
	X(DELIVERY, "delivery", "adm", "nurl")                                                               \
	X(ADAPTER_ERROR, "adapter_error", "badinput", "badserverresponse", "timeout", "failedtorequestbid",  \
	  "validation", "tmaxtimeout", "unknown_error")                                                      \
	X(OVERHEAD, "overhead_type", "pre-bidder", "make-auction-response", "make-bidder-requests")          \
	X(ALWAYS_SUCCESS, "success", "success")                                                              \
	X(STAGE, "stage", "processed_auction_request")

enum prebid_request_type { TYPE_WEB, TYPE_APP, TYPE_DOOH, TYPE_AMP, TYPE_VIDEO };
enum prebid_request_status {
	REQUEST_OK,
	REQUEST_BAD_INPUT,
	REQUEST_ERR,
	REQUEST_NETWORK_ERR,
	REQUEST_BLOCKED_APP,
	REQUEST_QUEUE_TIMEOUT,
	REQUEST_ACCOUNT_CONFIG_ERR
};
enum { SIZE_AUCTION, SIZE_VIDEO };
enum { QUEUE_ACCEPTED, QUEUE_REJECTED };
enum { TCF_V2, TCF_ERR };
enum { CALL_OK, CALL_FAILED };
enum { COOKIE_EXISTS, COOKIE_NO, COOKIE_UNKNOWN };
enum { DELIVERY_ADM, DELIVERY_NURL };
enum {
	ADAPTER_ERROR_BAD_INPUT,
	ADAPTER_ERROR_BAD_SERVER_RESPONSE,
	ADAPTER_ERROR_TIMEOUT,
	ADAPTER_ERROR_FAILED_TO_REQUEST,
	ADAPTER_ERROR_VALIDATION,
	ADAPTER_ERROR_TMAX,
	ADAPTER_ERROR_UNKNOWN,
	ADAPTER_ERROR_VALUES
};
enum { OVERHEAD_PRE_BIDDER, OVERHEAD_MAKE_RESPONSE, OVERHEAD_MAKE_REQUESTS };

#define PREBID_STORED(X, id, name, what)                                                                     \
	X(M_STORED_##id##_FETCH_TIME, METRIC_HISTOGRAM(pbs_metric_std_times),                                \
	  "stored_" name "_fetch_time_seconds", "Updates of " what, LABEL_FETCH_TYPE)                        \
	X(M_STORED_##id##_ERRORS, METRIC_COUNTER, "stored_" name "_errors", "Failures to ask for " what,     \
	  LABEL_STORED_ERROR)

#define PREBID_VALIDATION(X, id, name, what)                                                                 \
	X(M_ADAPTER_##id, METRIC_COUNTER, "adapter_response_validation_" name, what, LABEL_ADAPTER,          \
	  LABEL_ALWAYS_SUCCESS)                                                                              \
	X(M_ACCOUNT_##id, METRIC_COUNTER, "account_response_validation_" name, what, LABEL_ACCOUNT,          \
	  LABEL_ALWAYS_SUCCESS)

#define PREBID_MODULE(X, id, name, what)                                                                     \
	X(M_MODULE_##id, METRIC_COUNTER, "modules_nexus_router_" name, what, LABEL_STAGE)

#define PREBID_METRICS(X)                                                                                    \
	X(M_CONNECTIONS_OPENED, METRIC_COUNTER, "connections_opened", "Connections of clients opened")       \
	X(M_CONNECTIONS_CLOSED, METRIC_COUNTER, "connections_closed", "Connections of clients closed")       \
	X(M_CONNECTIONS_ERROR, METRIC_COUNTER, "connections_error",                                          \
	  "Connections of clients that failed to open or close", LABEL_CONNECTION_ERROR)                     \
	X(M_TMAX_TIMEOUT, METRIC_COUNTER, "tmax_timeout",                                                    \
	  "Auctions that had no time left for some of their bidders")                                        \
	X(M_DEBUG_REQUESTS, METRIC_COUNTER, "debug_requests", "Auctions with debug")                         \
	X(M_STORED_RESPONSES, METRIC_COUNTER, "stored_responses", "Auctions with stored responses")          \
	X(M_GVL_REQUESTS, METRIC_COUNTER, "gvl_requests", "Vendor lists asked for over HTTP")                \
	X(M_LIVE_GVL, METRIC_COUNTER, "live_gvl_fetch", "Fetches of the newest vendor list",                 \
	  LABEL_OK_FAILED)                                                                                   \
	X(M_OPENRTB_REQUESTS, METRIC_COUNTER, "requests", "Auctions asked for", LABEL_REQUEST_TYPE,          \
	  LABEL_REQUEST_STATUS)                                                                              \
	X(M_NO_COOKIE, METRIC_COUNTER, "requests_without_cookie",                                            \
	  "Auctions of browsers without the uids cookie", LABEL_REQUEST_TYPE)                                \
	X(M_OPENRTB_TIME, METRIC_HISTOGRAM(pbs_metric_std_times), "request_time_seconds",                    \
	  "Auctions that succeeded", LABEL_REQUEST_TYPE)                                                     \
	X(M_REQUEST_SIZE, METRIC_HISTOGRAM(pbs_metric_sizes), "request_size_bytes", "Bodies of requests",    \
	  LABEL_REQUEST_SIZE)                                                                                \
	X(M_QUEUE_TIME, METRIC_HISTOGRAM(pbs_metric_queue_times), "request_queue_time",                      \
	  "Seconds that requests waited before this server, as the proxy tells", LABEL_QUEUE_TYPE,           \
	  LABEL_QUEUE_STATUS)                                                                                \
	X(M_IMPRESSIONS, METRIC_COUNTER, "impressions_requests", "Impressions asked for, by media type",     \
	  LABEL_BANNER, LABEL_VIDEO, LABEL_AUDIO, LABEL_NATIVE)                                              \
	X(M_COOKIE_SYNC, METRIC_COUNTER, "cookie_sync_requests", "Requests to /cookie_sync, by outcome",     \
	  LABEL_SYNC_STATUS)                                                                                 \
	X(M_SETUID, METRIC_COUNTER, "setuid_requests", "Requests to /setuid, by outcome", LABEL_SYNC_STATUS) \
	X(M_SYNCER_REQUESTS, METRIC_COUNTER, "syncer_requests", "Syncers considered by /cookie_sync",        \
	  LABEL_SYNCER, LABEL_SYNCER_FATE)                                                                   \
	X(M_SYNCER_SETS, METRIC_COUNTER, "syncer_sets", "Ids stored and taken away by /setuid",              \
	  LABEL_SYNCER, LABEL_SYNCER_SET)                                                                    \
	X(M_CACHE_WRITE_TIME, METRIC_HISTOGRAM(pbs_metric_cache_times), "prebidcache_write_time_seconds",    \
	  "Puts into Prebid Cache", LABEL_SUCCESS)                                                           \
	X(M_STORED_REQUEST_CACHE, METRIC_COUNTER, "stored_request_cache_performance",                        \
	  "Stored requests that were asked for, by whether the memory had them", LABEL_CACHE_FATE)           \
	X(M_STORED_IMP_CACHE, METRIC_COUNTER, "stored_impressions_cache_performance",                        \
	  "Stored imps that were asked for, by whether the memory had them", LABEL_CACHE_FATE)               \
	X(M_ACCOUNT_CACHE, METRIC_COUNTER, "account_cache_performance",                                      \
	  "Accounts that were asked for, by whether the memory had them", LABEL_CACHE_FATE)                  \
	PREBID_STORED(X, REQUEST, "request", "stored requests and imps")                                     \
	PREBID_STORED(X, ACCOUNT, "account", "accounts")                                                     \
	PREBID_STORED(X, AMP, "amp", "stored requests of AMP pages")                                         \
	PREBID_STORED(X, CATEGORY, "category", "category mappings")                                          \
	PREBID_STORED(X, VIDEO, "video", "stored requests of ad pods")                                       \
	PREBID_STORED(X, RESPONSE, "response", "stored responses")                                           \
	X(M_DNS_TIME, METRIC_HISTOGRAM(pbs_metric_std_times), "dns_lookup_time",                             \
	  "Seconds to look up bidders' names")                                                               \
	X(M_TLS_TIME, METRIC_HISTOGRAM(pbs_metric_std_times), "tls_handshake_time",                          \
	  "Seconds of TLS handshakes with bidders")                                                          \
	X(M_SERVER_TIME, METRIC_HISTOGRAM(pbs_metric_std_times), "bidder_server_response_time_seconds",      \
	  "From the request sent to the first byte of the reply")                                            \
	X(M_PRIVACY_CCPA, METRIC_COUNTER, "privacy_ccpa", "Auctions with a US privacy signal", LABEL_SOURCE, \
	  LABEL_OPT_OUT)                                                                                     \
	X(M_PRIVACY_COPPA, METRIC_COUNTER, "privacy_coppa", "Auctions with regs.coppa", LABEL_SOURCE)        \
	X(M_PRIVACY_LMT, METRIC_COUNTER, "privacy_lmt", "Auctions with device.lmt", LABEL_SOURCE)            \
	X(M_PRIVACY_TCF, METRIC_COUNTER, "privacy_tcf", "Auctions under GDPR, by what their consent is",     \
	  LABEL_TCF_VERSION, LABEL_SOURCE)                                                                   \
	X(M_ADAPTER_REQUESTS, METRIC_COUNTER, "adapter_requests", "Bidders' part in auctions",               \
	  LABEL_ADAPTER, LABEL_COOKIE, LABEL_HAS_BIDS)                                                       \
	X(M_ADAPTER_BIDS, METRIC_COUNTER, "adapter_bids", "Bids received", LABEL_ADAPTER, LABEL_DELIVERY)    \
	X(M_ADAPTER_ERRORS, METRIC_COUNTER, "adapter_errors", "Auctions in which a bidder failed",           \
	  LABEL_ADAPTER, LABEL_ADAPTER_ERROR)                                                                \
	X(M_ADAPTER_THROTTLED, METRIC_COUNTER, "adapter_throttled",                                          \
	  "Calls left out because the bidder kept failing", LABEL_ADAPTER)                                   \
	X(M_ADAPTER_GDPR, METRIC_COUNTER, "adapter_gdpr_requests_blocked",                                   \
	  "Bidders that were not called for want of consent", LABEL_ADAPTER)                                 \
	X(M_ADAPTER_SCRUBBED, METRIC_COUNTER, "adapter_buyeruids_scrubbed",                                  \
	  "Bidders whose id of the user was removed", LABEL_ADAPTER)                                         \
	X(M_ADAPTER_PRICES, METRIC_HISTOGRAM(pbs_metric_prices), "adapter_prices",                           \
	  "Prices of bids, in thousandths of a CPM", LABEL_ADAPTER)                                          \
	X(M_ADAPTER_TIME, METRIC_HISTOGRAM(pbs_metric_std_times), "adapter_request_time_seconds",            \
	  "Bidders that answered without an error", LABEL_ADAPTER)                                           \
	X(M_ADAPTER_CREATED, METRIC_COUNTER, "adapter_connection_created", "Connections to bidders made",    \
	  LABEL_ADAPTER)                                                                                     \
	X(M_ADAPTER_REUSED, METRIC_COUNTER, "adapter_connection_reused",                                     \
	  "Connections to bidders used again", LABEL_ADAPTER)                                                \
	X(M_ADAPTER_WAIT, METRIC_HISTOGRAM(pbs_metric_std_times), "adapter_connection_wait",                 \
	  "Seconds until there was a connection", LABEL_ADAPTER)                                             \
	X(M_ADAPTER_DIAL_ERRORS, METRIC_COUNTER, "adapter_connection_dial_errors",                           \
	  "Connections to bidders that could not be made", LABEL_ADAPTER)                                    \
	X(M_ADAPTER_DIAL_TIME, METRIC_HISTOGRAM(pbs_metric_dial_times), "adapter_connection_dial_time",      \
	  "Seconds to connect, TLS included", LABEL_ADAPTER)                                                 \
	PREBID_VALIDATION(X, SIZE_ERR, "size_err", "Bids rejected for the size of their creative")           \
	PREBID_VALIDATION(X, SIZE_WARN, "size_warn", "Bids warned of for the size of their creative")        \
	PREBID_VALIDATION(X, SECURE_ERR, "secure_err", "Bids rejected for insecure markup")                  \
	PREBID_VALIDATION(X, SECURE_WARN, "secure_warn", "Bids warned of for insecure markup")               \
	X(M_OVERHEAD, METRIC_HISTOGRAM(pbs_metric_overheads), "overhead_time_seconds",                       \
	  "Time of auctions that is ours", LABEL_OVERHEAD)                                                   \
	X(M_ACCOUNT_REQUESTS, METRIC_COUNTER, "account_requests", "Auctions by account", LABEL_ACCOUNT)      \
	X(M_ACCOUNT_DEBUG, METRIC_COUNTER, "account_debug_requests", "Auctions with debug, by account",      \
	  LABEL_ACCOUNT)                                                                                     \
	X(M_ACCOUNT_STORED, METRIC_COUNTER, "account_stored_responses",                                      \
	  "Auctions with stored responses, by account", LABEL_ACCOUNT)                                       \
	X(M_MODULE_TIME, METRIC_HISTOGRAM(pbs_metric_std_times), "modules_nexus_router_duration",            \
	  "Wait for the router, as a module", LABEL_STAGE)                                                   \
	PREBID_MODULE(X, CALLED, "called", "Auctions in which the router was asked")                         \
	PREBID_MODULE(X, FAILED, "failed", "… in which its breaker was open")                                \
	PREBID_MODULE(X, NOOPS, "success_noops", "… in which it left nobody out")                            \
	PREBID_MODULE(X, UPDATES, "success_updates", "… in which it left bidders out")                       \
	PREBID_MODULE(X, REJECTS, "success_rejects", "… that it refused: none, ever")                        \
	PREBID_MODULE(X, ERRORS, "execution_errors", "… in which its answer was of no use")                  \
	PREBID_MODULE(X, TIMEOUTS, "timeouts", "… in which it was late")

#endif
