#include "pbs/stored/http_events.h"

#include <stdlib.h>
#include <time.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/url.h"
#include "pbs/metrics.h"
#include "pbs/stored/updates.h"

enum { MAX_REPLY_BYTES = 64 << 20, MAX_URL = 8192 };

struct http_events {
	struct loop *loop;
	struct http_client *http;
	struct http_events_options opt;
	struct http_call call;
	struct loop_timer timer;
	char *url;
	int64_t asked_s, last_s; /* wall clock; last_s 0 = never yet */
	uint64_t asked_us;
};

static void ask(struct loop_timer *t);

static void count(const struct http_events *e, bool ok)
{
	metrics_observe(e->opt.metrics, M_STORED_REQUEST_FETCH_TIME,
			(double)(loop_now_us(e->loop) - e->asked_us) * 1e-6,
			e->last_s ? FETCH_DELTA : FETCH_ALL);
	if (!ok)
		metrics_inc(e->opt.metrics, M_STORED_REQUEST_ERRORS, STORED_ERROR_NETWORK);
}

static int take(struct http_events *e, const struct http_call_reply *reply, struct errtext *why)
{
	json_t *j;
	int err;

	if (reply->err || reply->status != 200) {
		errtext_set(why, "%s %d", err_name(reply->err), reply->status);
		return ERR_UPSTREAM;
	}
	j = json_parse(reply->body, why);
	err = j ? stored_updates_save(e->opt.cache, j, loop_now_ms(e->loop), why) : ERR_UPSTREAM;
	json_decref(j);
	return err;
}

static void on_reply(struct http_call *call, const struct http_call_reply *reply)
{
	struct http_events *e = container_of(call, struct http_events, call);
	struct errtext why = { "" };
	int err = take(e, reply, &why);

	count(e, err == 0);
	if (err)
		log_event(LOG_WARN, "stored_events_failed", LOG_Z("endpoint", e->opt.endpoint),
			  LOG_Z("reason", why.text));
	else
		e->last_s = e->asked_s;
	loop_timer_start(e->loop, &e->timer, e->opt.refresh_ms, ask);
}

static const char *make_url(struct http_events *e)
{
	char when[32];
	time_t last = (time_t)e->last_s;
	struct tm tm;
	struct buf b;

	if (!e->last_s)
		return e->opt.endpoint;
	gmtime_r(&last, &tm);
	strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm);
	buf_init(&b, MAX_URL);
	buf_addf(&b, "%s%clast-modified=", e->opt.endpoint, strchr(e->opt.endpoint, '?') ? '&' : '?');
	url_encode(&b, str_of(when));
	free(e->url);
	e->url = buf_take(&b);
	return e->url;
}

static void ask(struct loop_timer *t)
{
	struct http_events *e = container_of(t, struct http_events, timer);
	struct http_call_request req = {
		.method = "GET",
		.url = make_url(e),
		.max_reply_bytes = MAX_REPLY_BYTES,
		.timeout_ms = e->opt.timeout_ms,
	};
	int err;

	e->asked_s = clock_wall_ms() / 1000;
	e->asked_us = loop_now_us(e->loop);
	e->call.done = on_reply;
	err = http_client_start(e->http, &e->call, &req);
	if (err < 0) {
		log_event(LOG_WARN, "stored_events_failed", LOG_Z("endpoint", e->opt.endpoint),
			  LOG_Z("reason", err_name(err)));
		loop_timer_start(e->loop, &e->timer, e->opt.refresh_ms, ask);
	}
}

struct http_events *http_events_new(struct loop *loop, struct http_client *http,
				    const struct http_events_options *opt)
{
	struct http_events *e = xcalloc(1, sizeof *e);

	e->loop = loop;
	e->http = http;
	e->opt = *opt;
	loop_timer_start(loop, &e->timer, 0, ask);
	return e;
}

void http_events_free(struct http_events *e)
{
	if (!e)
		return;
	http_client_cancel(e->http, &e->call);
	loop_timer_cancel(e->loop, &e->timer);
	free(e->url);
	free(e);
}
