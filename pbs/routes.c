#include "common/mem.h"
#include "pbs/endpoints/endpoints.h"
#include "pbs/server.h"

enum { MAX_UPDATE_BYTES = 16 << 20 };

const struct http_route pbs_routes[] = {
	{ HTTP_POST, "/openrtb2/auction", endpoint_auction, ROUTE_KEY | ROUTE_LIMITED, "auction", 0 },
	{ HTTP_POST, "/openrtb2/video", endpoint_video, ROUTE_KEY | ROUTE_LIMITED, "video", 0 },
	{ HTTP_GET, "/openrtb2/amp", endpoint_amp, ROUTE_LIMITED, "amp", 0 },
	{ HTTP_POST, "/cookie_sync", endpoint_cookie_sync, ROUTE_LIMITED, "cookie_sync", 0 },
	{ HTTP_GET, "/setuid", endpoint_setuid, ROUTE_LIMITED, "setuid", 0 },
	{ HTTP_GET, "/getuids", endpoint_getuids, ROUTE_LIMITED, "getuids", 0 },
	{ HTTP_GET | HTTP_POST, "/optout", endpoint_optout, ROUTE_LIMITED, "optout", 0 },
	{ HTTP_GET | HTTP_POST, "/cache", endpoint_cache, ROUTE_LIMITED, "cache", 0 },
	{ HTTP_GET, "/event", endpoint_event, ROUTE_LIMITED, "event", 0 },
	{ HTTP_POST, "/vtrack", endpoint_vtrack, ROUTE_LIMITED, "vtrack", 0 },
	{ HTTP_POST | HTTP_DELETE, "/storedrequests/openrtb2", endpoint_stored_events, ROUTE_KEY,
	  "stored_events", MAX_UPDATE_BYTES },
	{ HTTP_POST | HTTP_DELETE, "/storedrequests/amp", endpoint_stored_events, ROUTE_KEY,
	  "stored_events_amp", MAX_UPDATE_BYTES },
	{ HTTP_GET, "/", endpoint_root, 0, "root", 0 },
	{ HTTP_GET, "/static/*", endpoint_static, 0, "static", 0 },
	{ HTTP_GET, "/status", endpoint_status, 0, "status", 0 },
	{ HTTP_GET, "/health", endpoint_health, 0, "health", 0 },
	{ HTTP_GET, "/ready", endpoint_ready, 0, "ready", 0 },
	{ HTTP_GET, "/metrics", endpoint_metrics, 0, "metrics", 0 },
	{ HTTP_GET, "/version", endpoint_version, 0, "version", 0 },
	{ HTTP_GET, "/info/bidders", endpoint_info_bidders, ROUTE_LIMITED, "info_bidders", 0 },
	{ HTTP_GET, "/info/bidders/*", endpoint_info_bidder, ROUTE_LIMITED, "info_bidder", 0 },
	{ HTTP_GET, "/bidders/params", endpoint_bidder_params, ROUTE_LIMITED, "bidder_params", 0 },
};
const size_t pbs_n_routes = ARRAY_LEN(pbs_routes);
