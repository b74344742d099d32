#include "pbs/exchange/cache_build.h"

#include "common/json.h"

enum {
	TTL_EXTRA = 60,
	BODY_MAX = 64 << 20,
	SHOWN_BODY_MAX = 4096, /* of an answer that makes no sense */
};

static bool returns_creative(const json_t *kind)
{
	return json_bool_at(kind, "returnCreative", true);
}

/* Both kinds: one that wants the creative is enough. */
static bool keeps_creative(const json_t *bids, const json_t *vast)
{
	const json_t *bids_says = json_object_get(bids, "returnCreative");
	const json_t *vast_says = json_object_get(vast, "returnCreative");

	if (json_is_boolean(bids_says) && json_is_boolean(vast_says))
		return json_is_true(bids_says) || json_is_true(vast_says);
	return returns_creative(bids) && returns_creative(vast);
}

void cache_plan_parse(const json_t *cache, struct cache_plan *ret_plan)
{
	const json_t *bids = json_object_get(cache, "bids"), *vast = json_object_get(cache, "vastxml");

	*ret_plan = (struct cache_plan){
		.bids = json_is_object(bids),
		.vast = json_is_object(vast),
		.keep_creative = keeps_creative(bids, vast),
	};
}

int64_t cache_ttl(int64_t imp_exp, int64_t bid_exp, int64_t default_ttl)
{
	int64_t ttl = imp_exp > 0 && (bid_exp <= 0 || imp_exp < bid_exp) ? imp_exp : bid_exp;

	if (ttl <= 0)
		ttl = default_ttl;
	if (ttl <= 0)
		return 0;
	return ttl > INT32_MAX ? INT32_MAX : ttl + TTL_EXTRA;
}

/* Everything that stays the same while items are added. */
struct builder {
	struct cache_job *job;
	const struct cache_plan *plan;
	const json_t *imps;
	const struct events *events;
	struct arena *arena;
};

static const json_t *imp_of(const json_t *imps, const struct bid *b)
{
	return b->imp >= 0 ? json_array_get(imps, (size_t)b->imp) : NULL;
}

static void start_item(struct builder *bd, struct bid *b, bool is_vast)
{
	struct cache_job *job = bd->job;
	const struct cache_plan *p = bd->plan;
	int64_t fallback = p->account_ttl[b->type] > 0 ? p->account_ttl[b->type] : p->host_ttl[b->type];
	int64_t ttl = cache_ttl(json_int_at(imp_of(bd->imps, b), "exp", 0), json_int_at(b->ortb, "exp", 0),
				fallback);

	buf_add_z(&job->body, job->n_items ? ",{\"type\":" : "{\"type\":");
	buf_add_z(&job->body, is_vast ? "\"xml\"" : "\"json\"");
	if (ttl > 0)
		buf_addf(&job->body, ",\"ttlseconds\":%lld", (long long)ttl);
	buf_add_z(&job->body, ",\"value\":");
	job->items[job->n_items++] = (struct cache_item){ b, is_vast };
	b->uncached = true;
}

static void add_bid(struct builder *bd, struct bid *b)
{
	struct str win_url = events_win_url(bd->events, b, bd->arena);
	json_auto_t *j = json_copy(b->ortb);

	json_set_real(j, "price", b->price);
	if (b->vast_adm.n)
		json_set_str(j, "adm", b->vast_adm);
	if (win_url.n)
		json_set_str(j, "wurl", win_url);
	start_item(bd, b, false);
	json_write(&bd->job->body, j);
	buf_add_c(&bd->job->body, '}');
}

static void add_vast(struct builder *bd, struct bid *b)
{
	struct buf *body = &bd->job->body;

	start_item(bd, b, true);
	json_write_str(body, events_vast(b, bd->arena));
	if (b->cat_dur.n) {
		buf_add_z(body, ",\"key\":");
		json_write_str(body, str_of(arena_printf(bd->arena, STR_FMT "_" STR_FMT, STR_ARG(b->cat_dur),
							 STR_ARG(bd->job->category_id))));
	}
	buf_add_c(body, '}');
}

void cache_build(struct cache_job *job, const struct cache_plan *plan, const struct targeting *t,
		 const struct ranking *ranking, const json_t *imps, const struct events *ev,
		 struct str category_id, struct arena *a, struct messages *m)
{
	struct builder bd = { job, plan, imps, ev, a };

	*job = (struct cache_job){ .category_id = category_id };
	buf_init(&job->body, BODY_MAX);
	if ((!plan->bids && !plan->vast) || (!t->include_winners && !t->include_bidder_keys))
		return;
	job->items = ARENA_ARRAY(a, struct cache_item, 2 * ranking->n + 1);
	buf_add_z(&job->body, "{\"puts\":[");
	for (size_t i = 0; i < ranking->n; i++) {
		struct bid *b = ranking->bids[i].bid;

		if (!t->include_bidder_keys && !b->winner)
			continue;
		if (plan->bids && b->cat_dur.n)
			messages_add(m, MESSAGE_ERROR, BUCKET_PREBID, ERROR_PLAIN,
				     "cannot use custom cache key for non-vast bids");
		if (plan->bids)
			add_bid(&bd, b);
		if (plan->vast && b->type == BID_VIDEO)
			add_vast(&bd, b);
	}
	buf_add_z(&job->body, "]}");
}

void cache_job_deinit(struct cache_job *job)
{
	buf_deinit(&job->body);
}

static struct str shown(struct str body)
{
	return (struct str){ body.p, body.n < SHOWN_BODY_MAX ? body.n : SHOWN_BODY_MAX };
}

static void take_uuid(const struct cache_job *job, size_t i, struct str uuid, struct arena *a)
{
	struct bid *b = job->items[i].bid;

	if (uuid.n == 0)
		return;
	b->uncached = false;
	if (!job->items[i].is_vast)
		b->cache_bid_id = arena_str(a, uuid);
	else if (b->cat_dur.n && str_ends(uuid, job->category_id))
		b->cache_vast_id = job->category_id; /* the player puts the key together itself */
	else
		b->cache_vast_id = arena_str(a, uuid);
}

void cache_read_answer(const struct cache_job *job, struct str url, int status, struct str body,
		       struct arena *a, struct messages *m)
{
	struct errtext why = { "" };
	json_auto_t *j = NULL;
	const json_t *list;

	if (status != 200) {
		messages_add(m, MESSAGE_ERROR, BUCKET_PREBID, ERROR_PLAIN,
			     "Prebid Cache call to " STR_FMT " returned %d: " STR_FMT, STR_ARG(url), status,
			     STR_ARG(shown(body)));
		return;
	}
	j = json_parse(body, &why);
	list = json_object_get(j, "responses");
	if (!json_is_array(list)) {
		messages_add(m, MESSAGE_ERROR, BUCKET_PREBID, ERROR_PLAIN,
			     "Error interpreting Prebid Cache response: %s\nResponse was: " STR_FMT,
			     j ? "Key path not found" : why.text, STR_ARG(shown(body)));
		return;
	}
	for (size_t i = 0; i < job->n_items; i++) {
		const json_t *uuid = json_object_get(json_array_get(list, i), "uuid");

		if (!json_is_string(uuid))
			messages_add(m, MESSAGE_ERROR, BUCKET_PREBID, ERROR_PLAIN,
				     "Prebid Cache returned a bad value at index %zu. Error was: %s. "
				     "Response body was: " STR_FMT,
				     i, "Key path not found", STR_ARG(shown(body)));
		take_uuid(job, i, json_str(uuid), a);
	}
}

void cache_report_failure(const struct cache_job *job, const char *what, int64_t duration_ms,
			  struct messages *m)
{
	messages_add(
		m, MESSAGE_ERROR, BUCKET_PREBID, ERROR_PLAIN,
		"Error sending the request to Prebid Cache: %s; Duration=%lldms, Items=%zu, Payload Size=%zu",
		what, (long long)duration_ms, job->n_items, job->body.n);
}

json_t *cache_render(const struct cache_plan *p, const struct bid *b, struct arena *a)
{
	struct str id = b->cache_bid_id.n ? b->cache_bid_id : b->cache_vast_id, url = STR("");
	json_t *j, *bids;

	if (id.n == 0)
		return NULL;
	if (p->external_host.n && p->external_path.n)
		url = str_of(arena_printf(a, STR_FMT "%s" STR_FMT STR_FMT "?uuid=" STR_FMT,
					  STR_ARG(p->external_scheme), p->external_scheme.n ? "://" : "",
					  STR_ARG(p->external_host), STR_ARG(p->external_path), STR_ARG(id)));
	j = json_object();
	json_set_str(j, "key", STR(""));
	json_set_str(j, "url", STR(""));
	bids = json_object();
	json_set_str(bids, "url", url);
	json_set_str(bids, "cacheId", id);
	json_object_set_new_nocheck(j, "bids", bids);
	return j;
}
