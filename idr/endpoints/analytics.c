/* POST /analytics: events in, answered once they are durable. Bad events are named; the good ones beside them
 * are recorded all the same. */
#include "common/err.h"
#include "common/http_json.h"
#include "common/json.h"
#include "common/log.h"
#include "idr/endpoints/endpoints.h"
#include "idr/spans.h"

static const int64_t year_ms = 366 * 86400000ll;

struct analytics {
	struct keeper_wait wait;
	struct http_request *req;
	size_t n_bad, bad_index;
	struct errtext bad;
};

static void reply_bad(struct analytics *a)
{
	FREE_ON_EXIT char *text = xasprintf("events[%zu]: %s", a->bad_index, a->bad.text);
	json_t *j = json_pack("{s:o, s:I, s:I, s:I}", "error", json_new_str(str_of(text)), "index",
			      (json_int_t)a->bad_index, "rejected", (json_int_t)a->n_bad, "accepted",
			      (json_int_t)a->wait.accepted);

	http_reply_json(a->req, 400, j);
	json_decref(j);
}

static void tell(const struct analytics *a)
{
	const struct otlp_attribute attributes[] = {
		{ .key = "nexus.events.accepted", .number = (int64_t)a->wait.accepted },
		{ .key = "nexus.events.duplicate", .number = (int64_t)a->wait.duplicates },
		{ .key = "nexus.events.rejected", .number = (int64_t)a->n_bad },
	};

	spans_add(a->req, a->n_bad ? 400 : 200, attributes, ARRAY_LEN(attributes));
}

static void on_recorded(struct keeper_wait *wait)
{
	struct analytics *a = container_of(wait, struct analytics, wait);
	struct idr_worker *w = idr_worker_of(a->req);
	struct buf b;

	if (wait->err) {
		metrics_inc(w->metrics, M_SHED);
		endpoint_reply_failure(a->req, wait->err, &wait->why);
		return;
	}
	metrics_add(w->metrics, M_EVENTS, wait->accepted);
	metrics_add(w->metrics, M_DUPLICATES, wait->duplicates);
	tell(a);
	if (a->n_bad) {
		reply_bad(a);
		return;
	}
	buf_init(&b, 256);
	buf_addf(&b, "{\"status\":\"recorded\",\"accepted\":%zu,\"duplicates\":%zu}", wait->accepted,
		 wait->duplicates);
	http_reply_buf(a->req, 200, "application/json", &b);
}

/* Late events are welcome, however late: PBS may have waited long to deliver them. A sender whose clock is a year ahead
 * would pin its events in the statistics' future for as long. */
static struct event_limits limits_of(struct idr_worker *w, const struct http_request *req)
{
	const struct live_config *live = idr_live_config(w);
	const struct api_key *key = endpoint_key(req);
	struct event_limits lim = {
		.min_ts_ms = 946684800000,  /* 2000 */
		.max_ts_ms = 4102444800000, /* 2100 */
		.rates = &live->rates,
		.key = key,
	};

	if (live->values->clock == CLOCK_WALL)
		lim.max_ts_ms = clock_wall_ms() + year_ms;
	return lim;
}

void endpoint_analytics(struct http_request *req)
{
	struct idr_worker *w = idr_worker_of(req);
	struct event_limits lim = limits_of(w, req);
	struct str type = http_request_header(req, "Content-Type");
	struct analytics *a = ARENA_NEW(req->arena, struct analytics);
	struct errtext why = { "" };
	struct batch *b;
	int err = batch_parse(req->body, str_contains(type, STR("ndjson")), &lim, &b, &why);

	if (err) {
		endpoint_reply_failure(req, err, &why);
		return;
	}
	a->req = req;
	a->n_bad = b->n_bad;
	a->bad_index = b->bad_index;
	a->bad = b->bad;
	metrics_add(w->metrics, M_BAD_EVENTS, b->n_bad);
	metrics_add(w->metrics, M_UNPRICED, b->unpriced);
	if (b->n == 0) {
		batch_free(b);
		a->wait.done = on_recorded;
		on_recorded(&a->wait);
		return;
	}
	a->wait.done = on_recorded;
	a->wait.answers_to = w->set;
	a->wait.worker = w->index;
	if (keeper_append(w->idr->keeper, b, &a->wait) == 0)
		return;
	errtext_set(&why, "too many events are waiting to be recorded");
	metrics_inc(w->metrics, M_SHED);
	endpoint_reply_failure(req, ERR_UNAVAILABLE, &why);
}
