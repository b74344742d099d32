/* Who asks, and whether they may: API keys for programs, sessions with roles for people.
 *
 * A request that carries a key is judged by the key alone. One with a session's cookie may read; to change something it
 * needs the session's token too (X-CSRF-Token), which no other site knows, and the role admin.
 */
#ifndef IDR_ACCESS_H
#define IDR_ACCESS_H

#include "common/api_key.h"
#include "common/http_server.h"
#include "idr/auth/session.h"
#include "idr/live_config.h"

struct caller {
	struct str name;           /* the key's or the user's; in the request's arena */
	const struct api_key *key; /* NULL = a session. Only before the handler returns. */
	struct session session;
	enum user_role role;
};

/* By the flags of the route (routes.h). True when the request may go on: req->user is then its struct caller, or NULL
 * when nobody is asked for a name. Otherwise the refusal was answered. */
bool access_check(struct http_request *req, const struct live_config *live);
/* Whom the cookie names, and renews it; NULL when it is missing, over or not ours. */
struct caller *access_session(struct http_request *req, const struct live_config *live);
/* Answers 403 and gives false unless the session's token came with the request. */
bool access_csrf(struct http_request *req, const struct live_config *live, const struct caller *caller);

/* From where the request came, as far as that can be believed. In the arena, or as long as the connection. */
struct str access_address(const struct http_request *req, const struct live_config *live);

/* Sets the session's cookie on the coming reply; `s` NULL deletes it. */
void access_set_cookie(struct http_request *req, const struct live_config *live, const struct session *s);

/* Puts a line into the audit, without waiting for it. Copies. */
void access_note(struct http_request *req, const struct live_config *live, struct str who, const char *action,
		 struct str object, struct str outcome);

#endif
