/* The handlers of nexus-pbs: HTTP in, HTTP out, nothing else. One file per concern. */
#ifndef PBS_ENDPOINTS_ENDPOINTS_H
#define PBS_ENDPOINTS_ENDPOINTS_H

struct http_request;

void endpoint_auction(struct http_request *req);
void endpoint_video(struct http_request *req);
void endpoint_amp(struct http_request *req);
void endpoint_cookie_sync(struct http_request *req);
void endpoint_setuid(struct http_request *req);
void endpoint_getuids(struct http_request *req);
void endpoint_optout(struct http_request *req);
void endpoint_cache(struct http_request *req);
void endpoint_event(struct http_request *req);
void endpoint_vtrack(struct http_request *req);
void endpoint_stored_events(struct http_request *req);
void endpoint_root(struct http_request *req);
void endpoint_static(struct http_request *req);
void endpoint_status(struct http_request *req);
void endpoint_health(struct http_request *req);
void endpoint_ready(struct http_request *req);
void endpoint_metrics(struct http_request *req);
void endpoint_version(struct http_request *req);
void endpoint_info_bidders(struct http_request *req);
void endpoint_info_bidder(struct http_request *req);
void endpoint_bidder_params(struct http_request *req);

#endif
