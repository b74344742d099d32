/* HTTP in, HTTP out: one function per row of routes.c. What they answer is in docs/openapi/idr.yaml. */
#ifndef IDR_ENDPOINTS_ENDPOINTS_H
#define IDR_ENDPOINTS_ENDPOINTS_H

#include <jansson.h>

#include "common/http_server.h"
#include "idr/access.h"
#include "idr/server.h"

void endpoint_route(struct http_request *req);
void endpoint_analytics(struct http_request *req);
void endpoint_floors_get(struct http_request *req);
void endpoint_floors_put(struct http_request *req);
void endpoint_floors_delete(struct http_request *req);
void endpoint_stats(struct http_request *req);
void endpoint_stats_all(struct http_request *req);
void endpoint_stored_requests(struct http_request *req);
void endpoint_stored_put(struct http_request *req);
void endpoint_stored_delete(struct http_request *req);
void endpoint_publisher_get(struct http_request *req);
void endpoint_publisher_put(struct http_request *req);
void endpoint_publisher_delete(struct http_request *req);
void endpoint_page(struct http_request *req);
void endpoint_asset(struct http_request *req);
void endpoint_audit(struct http_request *req);
void endpoint_explain(struct http_request *req);
void endpoint_session(struct http_request *req);
void endpoint_login(struct http_request *req);
void endpoint_logout(struct http_request *req);
void endpoint_config(struct http_request *req);
void endpoint_health(struct http_request *req);
void endpoint_ready(struct http_request *req);
void endpoint_metrics(struct http_request *req);
void endpoint_version(struct http_request *req);

/* The key the request came with; NULL when none is asked for or a session stands for it. Only before the handler
 * returns. */
static inline const struct api_key *endpoint_key(const struct http_request *req)
{
	const struct caller *c = req->user;

	return c ? c->key : NULL;
}
/* Who is put down as having changed something. */
static inline struct str endpoint_actor(const struct http_request *req)
{
	const struct caller *c = req->user;

	return c ? c->name : STR("anonymous");
}
/* Answers 403 and gives false when the key is for another publisher. */
bool endpoint_may_see(struct http_request *req, struct str publisher);
/* The same for what concerns every publisher. */
bool endpoint_may_see_all(struct http_request *req);
/* What stands behind the route's fixed part, percent-decoded; answers 400 and gives false when it is empty, too
 * long, or has a NUL or control character. */
bool endpoint_rest(struct http_request *req, struct str *ret_rest);
/* The answer to a request whose work failed with `err`. */
void endpoint_reply_failure(struct http_request *req, int err, const struct errtext *why);

/* A request that waits for the store. `work` runs on the keeper's thread with the arena of the request at its
 * disposal (nobody else touches it meanwhile), `reply` afterwards on the worker; when err is set, the failure is
 * answered instead. */
struct store_call {
	struct keeper_job job;
	struct http_request *req;
	void (*work)(struct store_call *c, struct store *s);
	void (*reply)(struct store_call *c);
	void *in, *out;
	int64_t now_ms;
};
struct store_call *endpoint_store_call(struct http_request *req,
				       void (*work)(struct store_call *, struct store *),
				       void (*reply)(struct store_call *), void *in);
/* Puts a document in the name of who asks, or deletes it (body ""), and answers with its version. The texts live as long
 * as the request. */
void endpoint_put_doc(struct http_request *req, struct str kind, struct str key, struct str body);

#endif
