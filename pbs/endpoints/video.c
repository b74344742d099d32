/* POST /openrtb2/video: ad pods of long-form video, for hosts that switch it on.
 *
 * Two look-ups before the auction: the stored request, which lies under the body, then the imps that the pods
 * name. */
#include "common/http_server.h"
#include "common/json.h"
#include "common/mem.h"
#include "pbs/endpoints/endpoints.h"
#include "pbs/endpoints/front.h"
#include "pbs/endpoints/video_log.h"
#include "pbs/exchange/tally.h"
#include "pbs/exchange/video_request.h"
#include "pbs/metrics.h"
#include "pbs/openrtb/report.h"
#include "pbs/server.h"

enum { MAX_ANSWER_BYTES = 64 << 20, MAX_REQUEST_BYTES = 16 << 20 };

struct video_call {
	struct http_request *req;
	struct auction *auction;
	const json_t *asked; /* the body over its stored request */
	struct video_pods pods;
	struct stored_lookup lookup;
	struct stored_item *items;
	struct buf body;
	struct video_log log; /* with debug=true: kept before the answer goes out */
	struct buf reply;
	int status;
};

/* --- errors --- */

/* A code that decides the status says all there is to say. */
static bool status_of(int code, int *ret_status)
{
	switch (code) {
	case ERROR_BLOCKED_APP:
	case ERROR_ACCOUNT_DISABLED: *ret_status = 503; return true;
	case ERROR_ACCOUNT_REQUIRED: *ret_status = 400; return true;
	case ERROR_MALFORMED_ACCOUNT: *ret_status = 500; return true;
	default: return false;
	}
}

static const char *type_of(int status)
{
	return status == 200 ? "application/json" : "text/plain; charset=utf-8";
}

static void drop_reply(void *b)
{
	buf_deinit(b);
}

/* The id of an error's log is told; that of a good answer is the hb_cache_id in it. */
static void on_logged(struct video_log *l, bool kept)
{
	struct video_call *v = container_of(l, struct video_call, log);

	if (v->status != 200)
		http_reply_header(v->req, "X-Content-Type-Options", STR("nosniff"));
	if (v->status != 200 && kept)
		buf_addf(&v->reply, " [Debug cache ID: %s]", l->uuid);
	http_reply_buf(v->req, v->status, type_of(v->status), &v->reply);
}

static void send(struct video_call *v, int status, struct buf *reply)
{
	v->status = status;
	v->reply = *reply;
	arena_defer(v->req->arena, drop_reply, &v->reply);
	v->log.req = v->req;
	v->log.done = on_logged;
	if (video_log_is_asked(v->req))
		video_log_put(&v->log, buf_str(&v->reply), v->auction->cache_job.category_id);
	else
		on_logged(&v->log, false);
}

static void refuse_call(struct video_call *v, const struct messages *m)
{
	int status = 500;
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_add_z(&b, "Critical error while running the video endpoint: ");
	for (const struct message_bucket *bucket = m->buckets; bucket; bucket = bucket->next)
		for (const struct message *e = bucket->first; e; e = e->next)
			if (e->kind == MESSAGE_ERROR && !status_of(e->code, &status)) {
				buf_add_c(&b, ' ');
				buf_add_str(&b, e->text);
			}
	send(v, status, &b);
}

static void fail(struct video_call *v)
{
	tally_refused(v->auction, 400);
	refuse_call(v, &v->auction->messages);
}

/* --- the answer --- */

static bool is_of_pod(const struct auction *a, const struct bid *b, int64_t pod)
{
	char prefix[24];
	int n = snprintf(prefix, sizeof prefix, "%lld_", (long long)pod);

	return b->imp >= 0 && str_starts(a->imp_ids[b->imp], (struct str){ prefix, (size_t)n });
}

static json_t *render_bid(struct auction *a, const struct bid *b)
{
	json_t *j = json_object();

	json_set_str(j, "hb_pb", targeting_bucket(&a->targeting, b, &a->x->rng, a->arena));
	if (b->cat_dur.n)
		json_set_str(j, "hb_pb_cat_dur", b->cat_dur);
	json_set_str(j, "hb_cache_id", b->cache_vast_id);
	if (b->dealid.n)
		json_set_str(j, "hb_deal", b->dealid);
	return j;
}

/* Only what is in the cache can be played. NULL when there is nothing of the kind. */
static json_t *targeting_of(struct auction *a, const struct video_pod *pod)
{
	json_t *targeting = json_array();

	for (size_t s = 0; s < a->seats.n; s++)
		for (size_t i = 0; i < a->seats.seats[s]->n_bids; i++) {
			const struct bid *b = a->seats.seats[s]->bids[i];

			if (!b->dropped && b->cache_vast_id.n && is_of_pod(a, b, pod->id))
				json_array_append_new(targeting, render_bid(a, b));
		}
	if (json_array_size(targeting))
		return targeting;
	json_decref(targeting);
	return NULL;
}

/* Takes `targeting`. */
static void add_pod(json_t *pods, const struct video_pod *pod, json_t *targeting, json_t *errors)
{
	json_array_append_new(pods, json_pack("{s:I, s:o, s:O}", "podid", (json_int_t)pod->id, "targeting",
					      targeting ? targeting : json_null(), "errors",
					      errors ? errors : json_null()));
}

static bool any_bid(const struct auction *a)
{
	for (size_t s = 0; s < a->seats.n; s++)
		if (a->seats.seats[s]->n_bids)
			return true;
	return false;
}

/* {"adPods":[{"podid","targeting","errors"}],"ext"}: the pods that got bids, then those that could not be asked for.
 * NULL when bids came and none could be cached. */
static json_t *render(struct auction *a, const struct video_call *v)
{
	json_t *j, *pods = json_array();

	for (size_t i = 0; i < v->pods.n; i++) {
		const struct video_pod *pod = &v->pods.list[i];
		json_t *targeting = pod->errors ? NULL : targeting_of(a, pod);

		if (targeting)
			add_pod(pods, pod, targeting, NULL);
	}
	if (json_array_size(pods) == 0 && any_bid(a)) {
		json_decref(pods);
		return NULL;
	}
	for (size_t i = 0; i < v->pods.n; i++)
		if (v->pods.list[i].errors)
			add_pod(pods, &v->pods.list[i], NULL, v->pods.list[i].errors);
	j = json_pack("{s:o}", "adPods", pods);
	if (json_int_at(a->request, "test", 0) == 1)
		json_object_set_nocheck(j, "ext", json_object_get(a->answer, "ext"));
	return j;
}

static void answer(struct auction *a)
{
	struct http_request *req = a->front_ctx;
	json_t *j;
	struct buf b;

	front_end(a);
	if (a->refusal.p && a->messages.n == 0) {
		http_reply(req, a->status, "text/plain; charset=utf-8", a->refusal);
		return;
	}
	j = a->refusal.p ? NULL : render(a, req->user);
	if (!j && !a->refusal.p)
		(void)refuse(&a->messages, "caching failed for all bids");
	if (!j) {
		refuse_call(req->user, &a->messages);
		return;
	}
	buf_init(&b, MAX_ANSWER_BYTES);
	json_write(&b, j);
	json_decref(j);
	send(req->user, 200, &b);
}

static const struct auction_front front = { "video", ADAPTER_VIDEO, answer };

/* --- the request --- */

static void drop_body(void *b)
{
	buf_deinit(b);
}

static void with_imps(struct video_call *v)
{
	struct auction *a = v->auction;
	json_t *request;

	for (size_t i = 0; i < v->pods.n; i++)
		v->pods.list[i].imp = v->items[i].value;
	if (video_build(v->asked, &v->pods, a->config->max_imps, a->arena, &a->messages, &request) < 0) {
		fail(v);
		return;
	}
	buf_init(&v->body, MAX_REQUEST_BYTES);
	arena_defer(a->arena, drop_body, &v->body);
	json_write(&v->body, request);
	json_decref(request);
	a->body = buf_str(&v->body);
	front_auction_start(a);
}

static void on_imps(struct stored_lookup *l)
{
	with_imps(container_of(l, struct video_call, lookup));
}

/* True when the answer is there already. */
static bool look_up(struct video_call *v, size_t n, void (*done)(struct stored_lookup *))
{
	struct auction *a = v->auction;

	v->lookup =
		(struct stored_lookup){ .arena = a->arena, .items = v->items, .n_items = n, .done = done };
	return stored_fetch(a->x->stored, &v->lookup, a->config->stored_timeout_ms);
}

static void with_request(struct video_call *v)
{
	if (video_check(v->asked, v->req->arena, &v->auction->messages, &v->pods) < 0) {
		fail(v);
		return;
	}
	v->items = ARENA_ARRAY(v->req->arena, struct stored_item, v->pods.n);
	for (size_t i = 0; i < v->pods.n; i++)
		v->items[i] = (struct stored_item){ .kind = STORED_IMP, .id = v->pods.list[i].config_id };
	if (look_up(v, v->pods.n, on_imps))
		with_imps(v);
}

static void with_stored(struct video_call *v)
{
	const json_t *stored = v->items[0].value;

	if (!json_is_object(stored)) {
		(void)refuse(&v->auction->messages, "Stored Request with ID=\"" STR_FMT "\" not found.",
			     STR_ARG(v->items[0].id));
		fail(v);
		return;
	}
	v->asked = arena_own_json(v->req->arena, json_merge_patch(stored, v->asked));
	with_request(v);
}

static void on_stored(struct stored_lookup *l)
{
	with_stored(container_of(l, struct video_call, lookup));
}

static void start(struct video_call *v)
{
	struct str id = json_str_at(v->asked, "storedrequestid");

	if (id.n == 0 && v->auction->config->video_stored_required) {
		(void)refuse(&v->auction->messages, "Unable to find required stored request id");
		fail(v);
	} else if (id.n == 0) {
		with_request(v);
	} else {
		v->items = ARENA_NEW(v->req->arena, struct stored_item);
		v->items[0] = (struct stored_item){ .kind = STORED_REQUEST, .id = id };
		if (look_up(v, 1, on_stored))
			with_stored(v);
	}
}

/* A proxy in front may tell how long the request has waited for us and how long it may: whoever is too late need not be
 * served any more. False: it was answered. Source: Prebid Server's request_timeout_headers. */
static bool is_in_time(struct http_request *req)
{
	const struct pbs_worker *w = pbs_worker_of(req);
	const struct pbs_config *c = w->server->config;
	struct str waited, allowed;
	double waited_s, allowed_s;
	bool late;

	if (!*c->queue_time_header || !*c->queue_timeout_header)
		return true;
	waited = http_request_header(req, c->queue_time_header);
	allowed = http_request_header(req, c->queue_timeout_header);
	if (waited.n == 0 || allowed.n == 0)
		return true;
	if (!str_parse_double(waited, &waited_s) || !str_parse_double(allowed, &allowed_s) || waited_s < 0) {
		http_reply(req, 500, "text/plain; charset=utf-8",
			   STR("Request timeout headers are incorrect (wrong format)"));
		return false;
	}
	late = waited_s >= allowed_s;
	metrics_observe(w->exchange.metrics, M_QUEUE_TIME, waited_s, 0,
			late ? QUEUE_REJECTED : QUEUE_ACCEPTED);
	if (!late)
		return true;
	metrics_inc(w->exchange.metrics, M_OPENRTB_REQUESTS, TYPE_VIDEO, REQUEST_QUEUE_TIMEOUT);
	http_reply(req, 408, "text/plain; charset=utf-8",
		   STR("Queued request processing time exceeded maximum"));
	return false;
}

void endpoint_video(struct http_request *req)
{
	const struct api_key *key = pbs_request_key(req);
	struct video_call *v = ARENA_NEW(req->arena, struct video_call);
	struct errtext why;

	if (!pbs_request_config(req)->video_enabled) {
		http_reply(req, 501, "text/plain; charset=utf-8",
			   STR("The video endpoint is deprecated and will be removed in 5.0. You may "
			       "re-enable it via "
			       "the host configuration setting video.enable_deprecated_endpoint"));
		return;
	}
	if (!is_in_time(req))
		return;
	v->req = req;
	req->user = v;
	v->auction = front_auction_new(req, &front);
	if (!v->auction)
		return;
	if (key)
		v->auction->bound_publisher = str_of(key->publisher);
	v->asked = arena_own_json(req->arena, json_parse(req->body, &why));
	if (json_is_object(v->asked)) {
		start(v);
		return;
	}
	(void)refuse(&v->auction->messages, "%s", v->asked ? "the body is not a JSON object" : why.text);
	fail(v);
}
