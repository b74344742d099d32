/* POST and DELETE /storedrequests/…: stored data is pushed into the cache, or out of it.
 *
 * For hosts that switch it on. Whoever may write here writes everybody's requests, so a key that belongs to one
 * publisher does not do; the reference asks for no key at all. */
#include "common/err.h"
#include "common/http_server.h"
#include "common/json.h"
#include "common/mem.h"
#include "pbs/endpoints/endpoints.h"
#include "pbs/server.h"
#include "pbs/stored/updates.h"

static bool is_allowed(struct http_request *req)
{
	const struct pbs_server *s = pbs_worker_of(req)->server;
	const struct api_key *key = pbs_request_key(req);

	if (!s->config->stored_cache_events || !s->stored_cache) {
		http_reply(req, 404, "text/plain; charset=utf-8", STR("404 page not found\n"));
		return false;
	}
	if (key && *key->publisher) {
		http_reply_error(req, 403,
				 "this API key belongs to one publisher and may not change stored data");
		return false;
	}
	return true;
}

void endpoint_stored_events(struct http_request *req)
{
	const struct pbs_worker *w = pbs_worker_of(req);
	bool save = req->method == HTTP_POST;
	struct errtext why;
	json_t *doc;
	int err;

	if (!is_allowed(req))
		return;
	doc = arena_own_json(req->arena, json_parse(req->body, &why));
	err = !doc   ? ERR_INPUT
	      : save ? stored_updates_save(w->server->stored_cache, doc, loop_now_ms(w->thread->loop), &why)
		     : stored_updates_forget(w->server->stored_cache, doc, &why);
	if (err == 0)
		http_reply(req, 200, NULL, STR(""));
	else
		http_reply(req, 400, "text/plain; charset=utf-8",
			   save ? STR("Invalid update.\n") : STR("Invalid invalidation.\n"));
}
