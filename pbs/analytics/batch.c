#include "pbs/analytics/batch.h"

#include <stdlib.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/idr_wire.h"
#include "common/log.h"
#include "common/mem.h"
#include "pbs/analytics/event.h"
#include "pbs/exchange/auction.h"
#include "pbs/metrics.h"

enum {
	TIMEOUT_MS = 5000,
	FIRST_RETRY_MS = 100,
	MAX_RETRY_MS = 10000,
	FLUSH_TRIES = 5,
	MAX_REPLY_BYTES = 65536
};

/* `waiting` collects lines; when a batch is sent they move to `sending` and stay there until the router has
 * them. */
struct analytics {
	struct analytics_sink sink;
	struct loop *loop;
	struct http_client *http;
	struct analytics_options opt;
	char *url;
	struct http_header headers[2];
	size_t n_headers;
	struct buf waiting, sending;
	size_t n_waiting, n_sending;
	struct http_call call;
	struct loop_timer timer; /* the flush, or the retry while a batch failed */
	bool under_way, flushing;
	uint32_t retry_ms, tries;
};

static void send_batch(struct analytics *a);

static void update_gauge(struct analytics *a)
{
	metrics_gauge_set(a->opt.metrics, M_EVENTS_WAITING, (double)(a->n_waiting + a->n_sending));
}

static void forget_batch(struct analytics *a, enum pbs_event fate)
{
	metrics_add(a->opt.metrics, M_EVENTS, a->n_sending, fate);
	buf_clear(&a->sending);
	a->n_sending = 0;
	a->retry_ms = FIRST_RETRY_MS;
	a->tries = 0;
	update_gauge(a);
}

static void on_timer(struct loop_timer *t)
{
	send_batch(container_of(t, struct analytics, timer));
}

/* The next batch when there is one, at once or when its time has come. */
static void schedule(struct analytics *a)
{
	if (a->under_way || (a->n_waiting == 0 && a->n_sending == 0))
		return;
	if (a->flushing || a->n_waiting >= a->opt.batch_events)
		loop_timer_start(a->loop, &a->timer, 0, on_timer);
	else if (!a->timer.heap_at)
		loop_timer_start(a->loop, &a->timer, a->opt.flush_ms, on_timer);
}

static void retry_later(struct analytics *a)
{
	metrics_add(a->opt.metrics, M_EVENTS, a->n_sending, EVENT_RETRIED);
	a->tries++;
	if (a->flushing && a->tries >= FLUSH_TRIES) {
		log_event(LOG_ERROR, "events_lost", LOG_INT("events", a->n_sending + a->n_waiting));
		a->n_sending += a->n_waiting;
		a->n_waiting = 0;
		buf_clear(&a->waiting);
		forget_batch(a, EVENT_DROPPED);
		return;
	}
	loop_timer_start(a->loop, &a->timer, a->retry_ms, on_timer);
	a->retry_ms = a->retry_ms * 2 < MAX_RETRY_MS ? a->retry_ms * 2 : MAX_RETRY_MS;
}

static bool is_final_refusal(int status)
{
	return status >= 400 && status < 500 && status != 429 && status != 408 && status != 401 &&
	       status != 403;
}

static void on_reply(struct http_call *call, const struct http_call_reply *reply)
{
	struct analytics *a = container_of(call, struct analytics, call);

	a->under_way = false;
	if (reply->err == 0 && reply->status >= 200 && reply->status < 300) {
		forget_batch(a, EVENT_SENT);
		schedule(a);
		return;
	}
	log_limited(LOG_WARN, "events_not_delivered", LOG_Z("error", err_name(reply->err)),
		    LOG_INT("status", reply->status), LOG_INT("events", a->n_sending));
	if (reply->err == 0 && is_final_refusal(reply->status)) {
		forget_batch(a, EVENT_REFUSED); /* the good events of the batch were recorded all the same */
		schedule(a);
		return;
	}
	retry_later(a);
}

static void send_batch(struct analytics *a)
{
	struct http_call_request req = {
		.method = "POST",
		.url = a->url,
		.headers = a->headers,
		.n_headers = a->n_headers,
		.gzip = false, /* the router is near: bytes are cheaper than its time */
		.max_reply_bytes = MAX_REPLY_BYTES,
		.timeout_ms = TIMEOUT_MS,
	};

	if (a->n_sending == 0) {
		struct buf empty = a->sending;

		a->sending = a->waiting;
		a->waiting = empty;
		a->n_sending = a->n_waiting;
		a->n_waiting = 0;
	}
	loop_timer_cancel(a->loop, &a->timer);
	req.body = buf_str(&a->sending);
	a->call.done = on_reply;
	a->under_way = http_client_start(a->http, &a->call, &req) == 0;
	if (!a->under_way)
		retry_later(a);
}

void analytics_add(struct analytics *a, const struct idr_event *e)
{
	size_t before = a->waiting.n;

	if (a->waiting.n + a->sending.n < a->opt.max_bytes) {
		idr_wire_write_event(&a->waiting, e);
		buf_add_c(&a->waiting, '\n');
	} else {
		a->waiting.overflow = true;
	}
	if (a->waiting.overflow) {
		a->waiting.n = before;
		a->waiting.overflow = false;
		metrics_inc(a->opt.metrics, M_EVENTS, EVENT_DROPPED);
		log_limited(LOG_WARN, "event_dropped", LOG_INT("waiting_bytes", before));
		return;
	}
	a->n_waiting++;
	update_gauge(a);
	schedule(a);
}

void analytics_flush(struct analytics *a)
{
	a->flushing = true;
	a->retry_ms = FIRST_RETRY_MS;
	if (!a->under_way && (a->n_sending || a->n_waiting))
		loop_timer_start(a->loop, &a->timer, 0, on_timer);
}

bool analytics_is_idle(const struct analytics *a)
{
	return !a->under_way && a->n_waiting == 0 && a->n_sending == 0;
}

struct analytics *analytics_new(struct loop *loop, struct http_client *http,
				const struct analytics_options *opt)
{
	struct analytics *a = xcalloc(1, sizeof *a);

	a->loop = loop;
	a->http = http;
	a->opt = *opt;
	a->url = xasprintf("%s/analytics", opt->url);
	a->retry_ms = FIRST_RETRY_MS;
	buf_init(&a->waiting, opt->max_bytes);
	buf_init(&a->sending, opt->max_bytes);
	a->headers[a->n_headers++] = (struct http_header){ STR("Content-Type"), STR("application/x-ndjson") };
	if (*opt->api_key)
		a->headers[a->n_headers++] = (struct http_header){ STR("X-API-Key"), str_of(opt->api_key) };
	return a;
}

void analytics_free(struct analytics *a)
{
	if (!a)
		return;
	http_client_cancel(a->http, &a->call);
	loop_timer_cancel(a->loop, &a->timer);
	buf_deinit(&a->waiting);
	buf_deinit(&a->sending);
	free(a->url);
	free(a);
}

/* --- as a sink --- */

static struct analytics *of(const struct analytics_sink *s)
{
	return container_of((struct analytics_sink *)(uintptr_t)s, struct analytics, sink);
}

/* The router learns from auctions that took place. */
static void tell_auction(struct analytics_sink *s, const struct auction *a)
{
	struct idr_event e;

	if (a->refusal.p || a->n_candidates == 0)
		return;
	event_of_auction(a, &e);
	analytics_add(of(s), &e);
}

static void flush(struct analytics_sink *s)
{
	analytics_flush(of(s));
}

static bool is_idle(const struct analytics_sink *s)
{
	return analytics_is_idle(of(s));
}

static void free_sink(struct analytics_sink *s)
{
	analytics_free(of(s));
}

struct analytics_sink *analytics_sink_of(struct analytics *a)
{
	static const struct analytics_sink_class cls = { "nexus-idr", tell_auction, NULL,
							 flush,       is_idle,      free_sink };

	a->sink.cls = &cls;
	return &a->sink;
}
