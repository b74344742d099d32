/* /api/v1/publishers/{id}/settings: how an operator wants a publisher routed; {id} "*" is everybody. `?site=` and
 * `?unit=` name the levels below. What is put is durable, versioned and in force before the answer. */
#include "common/err.h"
#include "common/http_json.h"
#include "common/json.h"
#include "common/url.h"
#include "idr/endpoints/endpoints.h"
#include "idr/intake/settings_docs.h"

struct place {
	struct str key, publisher;
	bool history;
	json_t *found; /* made on the keeper's thread, owned by the request's arena */
};

static void add_level(struct http_request *req, struct buf *key, const char *arg)
{
	struct str name = http_request_arg(req, arg, NULL);

	if (name.n) {
		buf_addf(key, "/%s/", arg);
		url_encode(key, name);
	}
}

static struct place *read_place(struct http_request *req)
{
	static const struct str suffix = STR("/settings"), with_history = STR("/settings/history");
	struct place *p = ARENA_NEW(req->arena, struct place);
	struct buf key;
	struct str rest;

	if (!endpoint_rest(req, &rest))
		return NULL;
	p->history = str_ends(rest, with_history) && req->method == HTTP_GET;
	if (!p->history && !str_ends(rest, suffix)) {
		http_reply_error(req, 404, "there is no such path; use /api/v1/publishers/{id}/settings");
		return NULL;
	}
	p->publisher = (struct str){ rest.p, rest.n - (p->history ? with_history.n : suffix.n) };
	if (p->publisher.n == 0) {
		http_reply_error(req, 400, "the publisher's id is missing");
		return NULL;
	}
	if (!endpoint_may_see(req, p->publisher))
		return NULL;
	buf_init(&key, 4096);
	if (str_eq(p->publisher, STR("*")))
		buf_add_c(&key, '*');
	else
		url_encode(&key, p->publisher);
	add_level(req, &key, "site");
	add_level(req, &key, "unit");
	p->key = arena_str(req->arena, buf_str(&key));
	buf_deinit(&key);
	return p;
}

static json_t *doc_json(const struct store_doc *d)
{
	json_t *j = json_object(), *body = d->deleted ? json_null() : json_parse(d->body, NULL);

	json_object_set_new(j, "settings", body ? body : json_null());
	json_set_int(j, "version", d->version);
	json_set_int(j, "updated_ms", d->updated_ms);
	json_set_str(j, "updated_by", d->actor);
	return j;
}

static void take_doc(void *arg, const struct store_doc *d)
{
	json_array_append_new(arg, doc_json(d));
}

static void work_get(struct store_call *c, struct store *s)
{
	struct place *p = c->in;

	p->found = json_array();
	c->job.err =
		p->history ? s->ops->doc_history(s, KEEPER_SETTINGS, p->key, take_doc, p->found, &c->job.why)
			   : s->ops->docs(s, KEEPER_SETTINGS, p->key, take_doc, p->found, &c->job.why);
}

static void reply_get(struct store_call *c)
{
	struct place *p = c->in;

	arena_own_json(c->req->arena, p->found);
	if (p->history)
		http_reply_json(c->req, 200, p->found);
	else if (json_array_size(p->found))
		http_reply_json(c->req, 200, json_array_get(p->found, 0));
	else
		http_reply(c->req, 200, "application/json", STR("{\"settings\":{},\"version\":0}"));
}

void endpoint_publisher_get(struct http_request *req)
{
	struct place *p = read_place(req);

	if (p)
		endpoint_store_call(req, work_get, reply_get, p);
}

void endpoint_publisher_put(struct http_request *req)
{
	struct place *p = read_place(req);
	struct errtext why = { "" };
	struct settings settings;
	json_t *j;

	if (!p)
		return;
	j = arena_own_json(req->arena, json_parse(req->body, &why));
	if (!j || settings_parse(j, &settings, &why) < 0) {
		http_reply_error(req, 400, "%s", why.text);
		return;
	}
	endpoint_put_doc(req, KEEPER_SETTINGS, p->key, req->body);
}

void endpoint_publisher_delete(struct http_request *req)
{
	const struct place *p = read_place(req);

	if (p)
		endpoint_put_doc(req, KEEPER_SETTINGS, p->key, STR(""));
}
