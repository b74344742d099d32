/* How the service is: /status, /health, /ready, /metrics, /version. */
#include "common/json.h"
#include "pbs/endpoints/endpoints.h"
#include "pbs/server.h"

enum { MAX_METRICS_BYTES = 16 << 20 };

void endpoint_status(struct http_request *req)
{
	const char *body = pbs_request_config(req)->status_response;

	http_reply(req, *body ? 200 : 204, *body ? "text/plain; charset=utf-8" : NULL, str_of(body));
}

/* Alive: this worker's loop turns. */
void endpoint_health(struct http_request *req)
{
	http_reply(req, 200, "application/json", STR("{\"status\":\"healthy\"}\n"));
}

/* Willing to take traffic. */
void endpoint_ready(struct http_request *req)
{
	if (pbs_worker_of(req)->draining)
		http_reply(req, 503, "application/json", STR("{\"status\":\"draining\"}\n"));
	else
		http_reply(req, 200, "application/json", STR("{\"status\":\"ready\"}\n"));
}

/* For scrapers on the inside, who ask the node itself. Where no proxy can be told to hide paths (Fly), this is
 * what keeps the numbers from the world: every proxy that serves the world says for whom it asks. */
void endpoint_metrics(struct http_request *req)
{
	struct buf b;

	if (http_request_header(req, "X-Forwarded-For").n > 0) {
		http_reply(req, 404, "text/plain; charset=utf-8", STR("404 page not found\n"));
		return;
	}
	buf_init(&b, MAX_METRICS_BYTES);
	metrics_write(pbs_worker_of(req)->server->metrics, &b);
	metrics_write_process("nexus_pbs", NEXUS_VERSION, &b);
	http_reply_buf(req, 200, "text/plain; version=0.0.4; charset=utf-8", &b);
}

void endpoint_version(struct http_request *req)
{
	http_reply(req, 200, "application/json",
		   STR("{\"revision\":\"" NEXUS_REVISION "\",\"version\":\"" NEXUS_VERSION "\"}"));
}
