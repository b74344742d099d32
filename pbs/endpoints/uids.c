/* GET /getuids: what the cookie holds. GET and POST /optout: no more ids, or ids again, for people who prove to
 * be people.
 *
 * Redirects go to the host's own addresses only. */
#include "common/err.h"
#include "common/http_client.h"
#include "common/http_server.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/url.h"
#include "pbs/endpoints/endpoints.h"
#include "pbs/endpoints/visitor.h"
#include "pbs/server.h"

enum { MAX_REPLY_BYTES = 1 << 20, CAPTCHA_MAX = 8192, CAPTCHA_TIMEOUT_MS = 5000 };

void endpoint_getuids(struct http_request *req)
{
	json_auto_t *j = json_object();
	struct uids u;
	struct buf b;

	visitor_uids(req, &u);
	for (size_t i = 0; i < u.n; i++)
		json_object_setn_new_nocheck(json_own_object(j, "buyeruids"), u.list[i].key.p,
					     u.list[i].key.n, json_new_str(u.list[i].uid));
	buf_init(&b, MAX_REPLY_BYTES);
	json_write(&b, j);
	buf_add_c(&b, '\n');
	http_reply_header(req, "X-Content-Type-Options", STR("nosniff"));
	http_reply_buf(req, 200, "text/plain; charset=utf-8", &b);
}

/* --- opting out --- */

struct optout {
	struct http_request *req;
	bool out;
	struct buf form;
	struct http_call call;
};

static void drop_form(void *buf)
{
	buf_deinit(buf);
}

/* From the form that was posted, else from the query. */
static struct str form_arg(struct http_request *req, const char *name)
{
	struct buf value;
	struct str out;

	buf_init(&value, CAPTCHA_MAX);
	if (req->method == HTTP_POST && url_query_find(req->body, str_of(name), &value))
		out = arena_str(req->arena, buf_str(&value));
	else
		out = http_request_arg(req, name, NULL);
	buf_deinit(&value);
	return out;
}

static void redirect(struct http_request *req, const char *url)
{
	http_reply_header(req, "Location", str_of(url));
	http_reply(req, 301, NULL, STR(""));
}

static void opt_out(struct optout *o)
{
	const struct pbs_config *c = pbs_request_config(o->req);
	struct uids u;

	visitor_uids(o->req, &u);
	uids_opt_out(&u, o->out);
	visitor_set_uids(o->req, &u, false);
	redirect(o->req, o->out ? c->opt_out_url : c->opt_in_url);
}

static void on_verified(struct http_call *call, const struct http_call_reply *reply)
{
	struct optout *o = container_of(call, struct optout, call);
	json_auto_t *j = reply->err || reply->status != 200 ? NULL : json_parse(reply->body, NULL);

	if (json_bool_at(j, "success", false))
		opt_out(o);
	else
		http_reply(o->req, 401, NULL, STR(""));
}

static void verify(struct optout *o, struct str answer)
{
	static const struct http_header headers[] = {
		{ { "Content-Type", 12 }, { "application/x-www-form-urlencoded", 33 } },
	};
	const struct pbs_worker *w = pbs_worker_of(o->req);
	struct http_call_request req = {
		.method = "POST",
		.url = pbs_request_config(o->req)->recaptcha_url,
		.headers = headers,
		.n_headers = 1,
		.timeout_ms = CAPTCHA_TIMEOUT_MS,
	};

	buf_init(&o->form, 4 * CAPTCHA_MAX);
	arena_defer(o->req->arena, drop_form, &o->form);
	buf_add_z(&o->form, "secret=");
	url_encode_query(&o->form, str_of(pbs_request_config(o->req)->recaptcha_secret));
	buf_add_z(&o->form, "&response=");
	url_encode_query(&o->form, answer);
	req.body = buf_str(&o->form);
	o->call.done = on_verified;
	if (http_client_start(w->exchange.http, &o->call, &req) < 0)
		http_reply(o->req, 401, NULL, STR(""));
}

void endpoint_optout(struct http_request *req)
{
	const struct pbs_config *c = pbs_request_config(req);
	struct str answer = form_arg(req, "g-recaptcha-response");
	struct optout *o = ARENA_NEW(req->arena, struct optout);

	if (answer.n == 0) {
		redirect(req, arena_printf(req->arena, "%s/static/optout.html", c->external_url));
		return;
	}
	o->req = req;
	o->out = form_arg(req, "optout").n > 0;
	verify(o, answer);
}
