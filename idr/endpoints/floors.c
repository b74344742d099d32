/* /floors/{publisher_id}: Prebid floors data. What an administrator put wins; without it, floors come from the
 * bid history; without enough history, or while the held out auctions show that such floors do harm, the answer is valid
 * and changes nothing. */
#include "common/err.h"
#include "common/json.h"
#include "common/log.h"
#include "idr/endpoints/endpoints.h"
#include "idr/floors/model.h"
#include "idr/floors/validate.h"

#define FLOORS STR("floors")

enum { DAY_MS = 86400000 };

struct floors {
	struct str publisher;
	json_t *put; /* the administrator's document, NULL = none */
	json_t *out;
	int64_t version;
	bool history, computed;
	uint32_t days;
	struct floors_options opt;
};

static void take_live(void *arg, const struct store_doc *d)
{
	struct floors *f = arg;

	f->put = json_parse(d->body, NULL);
	f->version = d->version;
}

static void take_version(void *arg, const struct store_doc *d)
{
	json_t *j = json_object(), *body = d->deleted ? json_null() : json_parse(d->body, NULL);

	json_set_int(j, "version", d->version);
	json_set_int(j, "updated_ms", d->updated_ms);
	json_set_str(j, "updated_by", d->actor);
	json_object_set_new(j, "floors", body ? body : json_null());
	json_array_append_new(arg, j);
}

/* One rule that matches everything and asks for nothing. */
static json_t *nothing(void)
{
	return json_pack("{s:s, s:i, s:[{s:s, s:{s:[s]}, s:{s:i}}]}", "currency", "USD",
			 "floorsSchemaVersion", 2, "modelGroups", "modelVersion", "none", "schema", "fields",
			 "mediaType", "values", "*", 0);
}

static void take_side(void *arg, int64_t at_ms, struct str key, const struct cell *c)
{
	struct cell *side = arg;

	(void)at_ms;
	cell_add(&side[event_floors_find(key)], c);
}

static void take_prices(void *arg, const struct floor_key *k, const struct floor_cell *cell)
{
	floors_model_add(arg, k, cell);
}

static void compute(struct store_call *c, struct store *s)
{
	struct floors *f = c->in;
	struct floors_model *m = floors_model_new();
	struct cell side[EVENT_FLOORS] = { { 0 } };
	struct stats_query q = { .publisher = f->publisher,
				 .dim = DIM_FLOORS,
				 .step = STEP_DAY,
				 .from_ms = c->now_ms - f->days * (int64_t)DAY_MS,
				 .to_ms = c->now_ms + 1 };

	f->opt.floor_min_usd = json_num_at(f->put, "floorMin", 0);
	c->job.err = s->ops->stats(s, &q, take_side, side, &c->job.why);
	if (!c->job.err &&
	    floors_do_harm(&side[FLOORS_APPLIED], &side[FLOORS_SKIPPED], f->opt.max_fill_loss)) {
		log_limited(LOG_WARN, "floors_do_harm", LOG_STR("publisher", f->publisher));
		floors_model_free(m);
		return;
	}
	if (!c->job.err)
		c->job.err = s->ops->floor_history(s, f->publisher, c->now_ms - f->days * (int64_t)DAY_MS,
						   c->now_ms + 1, take_prices, m, &c->job.why);
	if (!c->job.err)
		f->out = floors_model_data(m, &f->opt);
	floors_model_free(m);
}

static void work_get(struct store_call *c, struct store *s)
{
	struct floors *f = c->in;

	if (f->history) {
		f->out = json_array();
		c->job.err = s->ops->doc_history(s, FLOORS, f->publisher, take_version, f->out, &c->job.why);
		return;
	}
	c->job.err = s->ops->docs(s, FLOORS, f->publisher, take_live, f, &c->job.why);
	if (json_object_get(f->put, "modelGroups"))
		f->out = json_incref(f->put);
	else if (!c->job.err && f->computed)
		compute(c, s);
	if (!f->out)
		f->out = nothing();
}

static void reply_get(struct store_call *c)
{
	struct floors *f = c->in;
	struct buf b;
	char etag[24];

	arena_own_json(c->req->arena, f->out);
	arena_own_json(c->req->arena, f->put);
	buf_init(&b, 16u << 20);
	json_write(&b, f->out);
	snprintf(etag, sizeof etag, "\"%016llx\"", (unsigned long long)str_hash(buf_str(&b)));
	http_reply_header(c->req, "ETag", str_of(etag));
	http_reply_header(c->req, "Cache-Control", STR("max-age=60"));
	if (str_contains(http_request_header(c->req, "If-None-Match"), str_of(etag))) {
		buf_deinit(&b);
		http_reply(c->req, 304, NULL, STR(""));
		return;
	}
	http_reply_buf(c->req, 200, "application/json", &b);
}

static struct floors *read_floors(struct http_request *req)
{
	struct floors *f = ARENA_NEW(req->arena, struct floors);

	if (!endpoint_rest(req, &f->publisher) || !endpoint_may_see(req, f->publisher))
		return NULL;
	f->history = str_eq(http_request_arg(req, "history", NULL), STR("1"));
	return f;
}

void endpoint_floors_get(struct http_request *req)
{
	struct floors *f = read_floors(req);
	const struct idr_config *c = idr_live_config(idr_worker_of(req))->values;

	if (!f)
		return;
	f->computed = c->floors_enabled;
	f->days = c->floors_days;
	f->opt = (struct floors_options){ .max_fill_loss = c->floors_max_fill_loss,
					  .shade = c->floors_shade,
					  .min_sold = c->floors_min_auctions,
					  .skip_rate = c->floors_holdout_percent };
	endpoint_store_call(req, work_get, reply_get, f);
}

void endpoint_floors_put(struct http_request *req)
{
	struct floors *f = read_floors(req);
	struct errtext why = { "" };
	json_t *j;

	if (!f)
		return;
	j = arena_own_json(req->arena, json_parse(req->body, &why));
	if (!j || floors_validate(j, &why) < 0) {
		http_reply_error(req, 400, "%s", why.text);
		return;
	}
	endpoint_put_doc(req, FLOORS, f->publisher, req->body);
}

void endpoint_floors_delete(struct http_request *req)
{
	const struct floors *f = read_floors(req);

	if (f)
		endpoint_put_doc(req, FLOORS, f->publisher, STR(""));
}
