#include "idr/spans.h"

#include <assert.h>

#include "common/err.h"
#include "common/http_client.h"
#include "common/version.h"
#include "idr/server.h"

enum { MAX_ATTRIBUTES = 8 };

static void count(void *arg, size_t spans, enum otlp_fate fate)
{
	metrics_add(arg, M_SPANS, spans, fate);
}

int spans_start(struct idr_worker *w, struct errtext *why)
{
	const struct idr_config *c = w->idr->start;
	struct http_client_options client = {
		.max_open = 1, .max_idle_connections = 1, .multis = 1, .verify_tls = true
	};
	struct otlp_options opt = {
		.url = c->otlp_url,
		.headers = c->otlp_headers,
		.service = "nexus-idr",
		.version = NEXUS_VERSION,
		.flush_ms = c->otlp_flush_ms,
		.max_bytes = c->otlp_max_bytes,
		.count = count,
		.arg = w->metrics,
	};

	if (!*c->otlp_url)
		return 0;
	w->http = http_client_new(w->loop, &client);
	if (!w->http) {
		errtext_set(why, "the system's certificates cannot be read; install ca-certificates");
		return ERR_UNAVAILABLE;
	}
	rng_seed_os(&w->rng);
	w->spans = otlp_new(w->loop, w->http, &opt);
	return 0;
}

bool spans_are_sent(struct idr_worker *w)
{
	if (!w->spans || otlp_is_idle(w->spans))
		return true;
	otlp_flush(w->spans);
	return false;
}

void spans_stop(struct idr_worker *w)
{
	otlp_free(w->spans);
	http_client_free(w->http);
	w->spans = NULL;
	w->http = NULL;
}

void spans_begin(struct http_request *req)
{
	struct idr_worker *w = idr_worker_of(req);

	if (w->spans && req->trace.sampled)
		req->trace.span = trace_new_span(&w->rng);
}

static void add(struct http_request *req, int status, const struct otlp_attribute *attributes, size_t n)
{
	uint64_t now_us = clock_mono_us(), wall_us = (uint64_t)clock_wall_ms() * 1000 - now_us;
	struct otlp_attribute all[MAX_ATTRIBUTES] = {
		{ .key = "http.response.status_code", .number = status },
	};
	struct otlp_span span = {
		.trace = &req->trace,
		.id = req->trace.span,
		.parent = req->trace.parent,
		.name = str_of(req->route->name),
		.kind = OTLP_SERVER,
		.start_us = req->arrived_us + wall_us,
		.end_us = now_us + wall_us,
		.attributes = all,
		.n_attributes = 1 + n,
		.failed = status == 0 || status >= 500,
	};

	assert(span.n_attributes <= MAX_ATTRIBUTES);
	for (size_t i = 0; i < n; i++)
		all[1 + i] = attributes[i];
	otlp_add(idr_worker_of(req)->spans, &span);
	req->trace.span = 0;
}

void spans_add(struct http_request *req, int status, const struct otlp_attribute *attributes, size_t n)
{
	if (req->trace.span)
		add(req, status, attributes, n);
}

void spans_end(struct http_request *req)
{
	spans_add(req, req->status, NULL, 0);
}
