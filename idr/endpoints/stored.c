/* Stored requests, imps and accounts by Prebid's HTTP stored-data contract, from documents that are put here.
 *
 * Source  Prebid Server's HTTP fetcher: GET ?request-ids=["a"]&imp-ids=["b"] or repeated request-id=a&imp-id=b,
 *         account-ids likewise; the answer is {"requests":{…},"imps":{…},"accounts":{…}} with what was found. */
#include "common/err.h"
#include "common/http_json.h"
#include "common/json.h"
#include "idr/endpoints/endpoints.h"

enum { IDS_MAX = 1000 };

static const struct {
	const char *kind, *list_arg, *one_arg, *member;
} kinds[] = {
	{ "request", "request-ids", "request-id", "requests" },
	{ "imp", "imp-ids", "imp-id", "imps" },
	{ "account", "account-ids", "account-id", "accounts" },
};

struct wanted {
	struct arena *arena;
	struct {
		struct str id[IDS_MAX];
		size_t n;
		bool asked;
	} kind[ARRAY_LEN(kinds)];
	bool too_many, bad_list;
	json_t *found;
};

static void want(struct wanted *w, size_t k, struct str id)
{
	if (w->kind[k].n == IDS_MAX)
		w->too_many = true;
	else if (id.n)
		w->kind[k].id[w->kind[k].n++] = id;
}

static void read_arg(void *ctx, struct str name, struct str value)
{
	struct wanted *w = ctx;

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		bool list = str_eq(name, str_of(kinds[k].list_arg));
		json_t *j;

		if (!list && !str_eq(name, str_of(kinds[k].one_arg)))
			continue;
		w->kind[k].asked = true;
		if (!list) {
			want(w, k, value);
			continue;
		}
		j = arena_own_json(w->arena, json_parse(value, NULL));
		w->bad_list |= !json_is_array(j);
		for (size_t i = 0; i < json_array_size(j); i++)
			want(w, k, json_str(json_array_get(j, i)));
	}
}

static void take(void *arg, const struct store_doc *d)
{
	json_t *body = json_parse(d->body, NULL);

	if (body)
		json_object_setn_new(arg, d->key.p, d->key.n, body);
}

static void work_get(struct store_call *c, struct store *s)
{
	struct wanted *w = c->in;

	w->found = json_object();
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		json_t *members = json_object();

		for (size_t i = 0; i < w->kind[k].n && !c->job.err; i++)
			c->job.err = s->ops->docs(s, str_of(kinds[k].kind), w->kind[k].id[i], take, members,
						  &c->job.why);
		if (w->kind[k].asked || k < 2)
			json_object_set_new(w->found, kinds[k].member, members);
		else
			json_decref(members);
	}
}

static void reply_get(struct store_call *c)
{
	struct wanted *w = c->in;

	http_reply_json(c->req, 200, arena_own_json(c->req->arena, w->found));
}

void endpoint_stored_requests(struct http_request *req)
{
	struct wanted *w = ARENA_NEW(req->arena, struct wanted);

	w->arena = req->arena;
	http_request_args(req, read_arg, w);
	if (w->bad_list || w->too_many) {
		http_reply_error(req, 400,
				 w->bad_list ? "request-ids, imp-ids and account-ids must be JSON arrays"
					     : "too many ids in one request");
		return;
	}
	endpoint_store_call(req, work_get, reply_get, w);
}

static bool read_place(struct http_request *req, struct str *ret_kind, struct str *ret_id)
{
	if (!endpoint_rest(req, ret_id) || !endpoint_may_see_all(req))
		return false;
	*ret_kind = str_cut(ret_id, '/');
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		if (str_eq(*ret_kind, str_of(kinds[k].kind)) && ret_id->n)
			return true;
	http_reply_error(req, 404, "use /api/v1/stored/{request|imp|account}/{id}");
	return false;
}

void endpoint_stored_put(struct http_request *req)
{
	struct str kind, id;
	struct errtext why = { "" };
	json_t *j;

	if (!read_place(req, &kind, &id))
		return;
	j = arena_own_json(req->arena, json_parse(req->body, &why));
	if (!json_is_object(j)) {
		http_reply_error(req, 400, "%s", j ? "the body must be a JSON object" : why.text);
		return;
	}
	endpoint_put_doc(req, kind, id, req->body);
}

void endpoint_stored_delete(struct http_request *req)
{
	struct str kind, id;

	if (read_place(req, &kind, &id))
		endpoint_put_doc(req, kind, id, STR(""));
}
