#include "common/otlp.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/err.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"

enum {
	TIMEOUT_MS = 2000,
	FIRST_RETRY_MS = 500,
	TRIES = 3,
	BATCH_BYTES = 256 << 10, /* a batch of this size goes at once */
	MAX_REPLY_BYTES = 65536,
	MAX_HEADERS = 8,
};

/* `waiting` collects a batch; when it is sent it moves to `sending` and stays there until its fate is known. */
struct otlp {
	struct loop *loop;
	struct http_client *http;
	struct otlp_options opt;
	char *url, *header_texts;
	struct http_header headers[MAX_HEADERS];
	size_t n_headers;
	struct buf waiting, sending;
	size_t n_waiting, n_sending;
	struct http_call call;
	struct loop_timer timer;
	bool under_way, flushing;
	int tries;
};

/* --- the form --- */

static void add_text_member(struct buf *b, const char *key, struct str value)
{
	buf_addf(b, "\"%s\":", key);
	json_write_str(b, value);
}

static void add_attribute(struct buf *b, const struct otlp_attribute *a)
{
	buf_addf(b, "{\"key\":\"%s\",\"value\":{", a->key);
	if (a->text.p)
		add_text_member(b, "stringValue", a->text);
	else
		buf_addf(b, "\"intValue\":\"%" PRId64 "\"", a->number);
	buf_add_z(b, "}}");
}

void otlp_write_span(struct buf *b, const struct otlp_span *s)
{
	char trace[TRACE_ID_TEXT + 1], span[TRACE_SPAN_TEXT + 1];

	trace_write_id(s->trace, trace);
	trace_write_span(s->id, span);
	buf_addf(b, "{\"traceId\":\"%s\",\"spanId\":\"%s\",", trace, span);
	if (s->parent) {
		trace_write_span(s->parent, span);
		buf_addf(b, "\"parentSpanId\":\"%s\",", span);
	}
	add_text_member(b, "name", s->name);
	buf_addf(b,
		 ",\"kind\":%d,\"startTimeUnixNano\":\"%" PRIu64 "000\",\"endTimeUnixNano\":\"%" PRIu64
		 "000\"",
		 (int)s->kind, s->start_us, s->end_us);
	for (size_t i = 0; i < s->n_attributes; i++) {
		buf_add_z(b, i ? "," : ",\"attributes\":[");
		add_attribute(b, &s->attributes[i]);
	}
	if (s->n_attributes)
		buf_add_c(b, ']');
	buf_add_z(b, s->failed ? ",\"status\":{\"code\":2}}" : "}");
}

/* What stands before the first span and behind the last one. */
static void open_batch(struct otlp *o, struct buf *b)
{
	buf_add_z(b, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
	add_attribute(b, &(struct otlp_attribute){ .key = "service.name", .text = str_of(o->opt.service) });
	buf_add_c(b, ',');
	add_attribute(b,
		      &(struct otlp_attribute){ .key = "service.version", .text = str_of(o->opt.version) });
	buf_add_z(b, "]},\"scopeSpans\":[{\"scope\":{\"name\":\"nexus\"},\"spans\":[");
}

static const char batch_end[] = "]}]}]}";

/* --- sending --- */

static void send_batch(struct otlp *o);

static void on_timer(struct loop_timer *t)
{
	send_batch(container_of(t, struct otlp, timer));
}

static void schedule(struct otlp *o)
{
	if (o->under_way || o->n_sending || o->n_waiting == 0)
		return;
	if (o->flushing || o->waiting.n >= BATCH_BYTES)
		loop_timer_start(o->loop, &o->timer, 0, on_timer);
	else if (!o->timer.heap_at)
		loop_timer_start(o->loop, &o->timer, o->opt.flush_ms, on_timer);
}

static void end_batch(struct otlp *o, enum otlp_fate fate)
{
	o->opt.count(o->opt.arg, o->n_sending, fate);
	buf_clear(&o->sending);
	o->n_sending = 0;
	o->tries = 0;
	schedule(o);
}

static void retry_or_drop(struct otlp *o)
{
	o->tries++;
	if (o->flushing || o->tries >= TRIES)
		end_batch(o, OTLP_DROPPED);
	else
		loop_timer_start(o->loop, &o->timer, (uint64_t)FIRST_RETRY_MS << o->tries, on_timer);
}

static bool says_later(int status)
{
	return status == 429 || status == 502 || status == 503 || status == 504;
}

static void on_reply(struct http_call *call, const struct http_call_reply *reply)
{
	struct otlp *o = container_of(call, struct otlp, call);

	o->under_way = false;
	if (!reply->err && reply->status >= 200 && reply->status < 300) {
		end_batch(o, OTLP_SENT);
		return;
	}
	log_limited(LOG_WARN, "spans_not_delivered", LOG_Z("error", err_name(reply->err)),
		    LOG_INT("status", reply->status), LOG_INT("spans", o->n_sending));
	if (reply->err || says_later(reply->status))
		retry_or_drop(o);
	else
		end_batch(o, OTLP_REFUSED);
}

static void take_waiting(struct otlp *o)
{
	struct buf empty = o->sending;

	o->sending = o->waiting;
	o->waiting = empty;
	o->n_sending = o->n_waiting;
	o->n_waiting = 0;
	buf_add_z(&o->sending, batch_end); /* otlp_add() has kept room for it */
}

static void send_batch(struct otlp *o)
{
	struct http_call_request req = {
		.method = "POST",
		.url = o->url,
		.headers = o->headers,
		.n_headers = o->n_headers,
		.max_reply_bytes = MAX_REPLY_BYTES,
		.timeout_ms = TIMEOUT_MS,
	};

	if (o->n_sending == 0)
		take_waiting(o);
	loop_timer_cancel(o->loop, &o->timer);
	req.body = buf_str(&o->sending);
	o->call.done = on_reply;
	o->under_way = http_client_start(o->http, &o->call, &req) == 0;
	if (!o->under_way)
		retry_or_drop(o);
}

/* --- taking --- */

void otlp_add(struct otlp *o, const struct otlp_span *s)
{
	size_t before = o->waiting.n;

	if (before == 0)
		open_batch(o, &o->waiting);
	else
		buf_add_c(&o->waiting, ',');
	otlp_write_span(&o->waiting, s);
	if (o->waiting.overflow || o->waiting.n + sizeof batch_end > o->opt.max_bytes) {
		o->waiting.n = before;
		o->waiting.overflow = false;
		o->opt.count(o->opt.arg, 1, OTLP_DROPPED);
		log_limited(LOG_WARN, "span_dropped", LOG_INT("waiting_bytes", before));
		return;
	}
	o->n_waiting++;
	schedule(o);
}

void otlp_flush(struct otlp *o)
{
	o->flushing = true;
	if (!o->under_way && (o->n_sending || o->n_waiting))
		loop_timer_start(o->loop, &o->timer, 0, on_timer);
}

bool otlp_is_idle(const struct otlp *o)
{
	return !o->under_way && o->n_waiting == 0 && o->n_sending == 0;
}

/* --- being --- */

const char *const otlp_fate_names[OTLP_FATES] = { "sent", "refused", "dropped" };

int otlp_check_url(const char *url, struct errtext *why)
{
	if (str_starts(str_of(url), STR("http://")) || str_starts(str_of(url), STR("https://")))
		return 0;
	errtext_set(why, "\"%s\" is no http:// or https:// URL", url);
	return ERR_INPUT;
}

static void add_headers(struct otlp *o)
{
	struct str rest;

	o->headers[o->n_headers++] = (struct http_header){ STR("Content-Type"), STR("application/json") };
	o->header_texts = xstrdup(o->opt.headers);
	rest = str_of(o->header_texts);
	while (rest.p && o->n_headers < MAX_HEADERS) {
		struct str value = str_cut(&rest, ','), name = str_trim(str_cut(&value, '='));

		if (name.n && value.p)
			o->headers[o->n_headers++] = (struct http_header){ name, str_trim(value) };
	}
}

struct otlp *otlp_new(struct loop *loop, struct http_client *http, const struct otlp_options *opt)
{
	struct otlp *o = xcalloc(1, sizeof *o);

	o->loop = loop;
	o->http = http;
	o->opt = *opt;
	o->url = xasprintf("%s%sv1/traces", opt->url, str_ends(str_of(opt->url), STR("/")) ? "" : "/");
	buf_init(&o->waiting, opt->max_bytes);
	buf_init(&o->sending, opt->max_bytes);
	add_headers(o);
	return o;
}

void otlp_free(struct otlp *o)
{
	if (!o)
		return;
	http_client_cancel(o->http, &o->call);
	loop_timer_cancel(o->loop, &o->timer);
	buf_deinit(&o->waiting);
	buf_deinit(&o->sending);
	free(o->url);
	free(o->header_texts);
	free(o);
}
