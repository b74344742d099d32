/* GET /api/v1/audit?since=&before=&limit=: who did what, newest first. */
#include "common/err.h"
#include "common/http_json.h"
#include "common/json.h"
#include "common/url.h"
#include "idr/endpoints/endpoints.h"

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 1000 };

struct audit {
	struct audit_query q;
	json_t *rows; /* made on the keeper's thread, owned by the request's arena */
};

/* Publishers' names come from paths and may be any bytes. */
static json_t *new_text(struct str s)
{
	json_t *j = json_stringn(s.p, s.n);
	struct buf b;

	if (j)
		return j;
	buf_init(&b, 1 << 20);
	url_encode(&b, s);
	j = json_new_str(buf_str(&b));
	buf_deinit(&b);
	return j;
}

static void take(void *arg, const struct store_audit *a)
{
	json_t *j = json_object();
	const struct {
		const char *name;
		struct str v;
	} texts[] = { { "who", a->who },
		      { "address", a->address },
		      { "action", a->action },
		      { "object", a->object },
		      { "outcome", a->outcome } };

	json_set_int(j, "id", a->id);
	json_set_int(j, "at_ms", a->at_ms);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		json_object_set_new(j, texts[i].name, new_text(texts[i].v));
	/* Versions are of documents only. */
	if (a->after) {
		json_set_int(j, "version_before", a->before);
		json_set_int(j, "version", a->after);
	}
	json_array_append_new(arg, j);
}

static void work(struct store_call *c, struct store *s)
{
	struct audit *a = c->in;

	a->rows = json_array();
	c->job.err = s->ops->audit(s, &a->q, take, a->rows, &c->job.why);
}

static void reply(struct store_call *c)
{
	const struct audit *a = c->in;
	json_t *j = arena_own_json(c->req->arena, json_object());

	json_object_set_new(j, "audit", a->rows);
	http_reply_header(c->req, "Cache-Control", STR("no-store"));
	http_reply_json(c->req, 200, j);
}

void endpoint_audit(struct http_request *req)
{
	struct audit *a = ARENA_NEW(req->arena, struct audit);
	struct str since = http_request_arg(req, "since", NULL),
		   before = http_request_arg(req, "before", NULL),
		   limit = http_request_arg(req, "limit", NULL);
	uint32_t n = LIMIT_DEFAULT;

	if (!endpoint_may_see_all(req))
		return;
	if ((since.n && !str_parse_i64(since, 0, INT64_MAX, &a->q.since_ms)) ||
	    (before.n && !str_parse_i64(before, 1, INT64_MAX, &a->q.before_id)) ||
	    (limit.n && !str_parse_u32(limit, 1, LIMIT_MAX, &n))) {
		http_reply_error(
			req, 400,
			"since must be milliseconds since 1970, before a line's id, limit from 1 to %d",
			LIMIT_MAX);
		return;
	}
	a->q.limit = n;
	endpoint_store_call(req, work, reply, a);
}
