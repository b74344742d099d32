#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/url.h"
#include "idr/endpoints/endpoints.h"

bool endpoint_may_see(struct http_request *req, struct str publisher)
{
	const struct api_key *key = endpoint_key(req);

	if (!key || api_key_allows_publisher(key, publisher))
		return true;
	http_reply_error(req, 403, "this key is not for publisher \"" STR_FMT "\"", STR_ARG(publisher));
	return false;
}

bool endpoint_may_see_all(struct http_request *req)
{
	const struct api_key *key = endpoint_key(req);

	if (!key || !*key->publisher)
		return true;
	http_reply_error(req, 403, "this key is for one publisher only");
	return false;
}

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return s.n > 0 && s.n <= 256;
}

bool endpoint_rest(struct http_request *req, struct str *ret_rest)
{
	size_t fixed = strlen(req->route->path) - 1; /* the path without its '*' */
	struct str raw = { req->path.p + fixed, req->path.n - fixed };
	bool ok;
	struct buf b;

	buf_init(&b, 1024);
	ok = url_decode(raw, &b) && is_name(buf_str(&b));
	if (ok)
		*ret_rest = arena_str(req->arena, buf_str(&b));
	else
		http_reply_error(req, 400, "the path must end in a name of 1 to 256 printable bytes");
	buf_deinit(&b);
	return ok;
}

void endpoint_reply_failure(struct http_request *req, int err, const struct errtext *why)
{
	if (err == ERR_UNAVAILABLE)
		http_reply_header(req, "Retry-After", STR("1"));
	http_reply_error(req, err_http_status(err), "%s", why->text);
}

static void on_work(struct keeper_job *j, struct store *s)
{
	struct store_call *c = container_of(j, struct store_call, job);

	c->now_ms = keeper_now_ms(j->keeper);
	c->work(c, s);
}

static void on_done(struct keeper_job *j)
{
	struct store_call *c = container_of(j, struct store_call, job);

	if (j->err)
		endpoint_reply_failure(c->req, j->err, &j->why);
	else
		c->reply(c);
}

struct store_call *endpoint_store_call(struct http_request *req,
				       void (*work)(struct store_call *, struct store *),
				       void (*reply)(struct store_call *), void *in)
{
	struct idr_worker *w = idr_worker_of(req);
	struct store_call *c = ARENA_NEW(req->arena, struct store_call);

	c->req = req;
	c->work = work;
	c->reply = reply;
	c->in = in;
	c->job.answers_to = w->set;
	c->job.worker = w->index;
	c->job.work = on_work;
	c->job.done = on_done;
	keeper_submit(w->idr->keeper, &c->job);
	return c;
}

static void put_doc(struct store_call *c, struct store *s)
{
	struct store_doc *d = c->in;

	d->updated_ms = clock_wall_ms();
	c->job.err = keeper_put_doc(c->job.keeper, s, d, &d->version, &c->job.why);
}

static void reply_saved(struct store_call *c)
{
	const struct store_doc *d = c->in;
	char *text =
		arena_printf(c->req->arena, "{\"status\":\"saved\",\"version\":%lld}", (long long)d->version);

	http_reply(c->req, 200, "application/json", str_of(text));
}

void endpoint_put_doc(struct http_request *req, struct str kind, struct str key, struct str body)
{
	struct store_doc *d = ARENA_NEW(req->arena, struct store_doc);

	*d = (struct store_doc){ .kind = kind,
				 .key = key,
				 .body = body,
				 .actor = endpoint_actor(req),
				 .address = access_address(req, idr_live_config(idr_worker_of(req))) };
	endpoint_store_call(req, put_doc, reply_saved, d);
}
