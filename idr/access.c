#include "idr/access.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/cookie.h"
#include "common/log.h"
#include "idr/routes.h"
#include "idr/server.h"

/* The prefix binds the cookie to this host and to HTTPS, and browsers hold it to that. */
static const char *cookie_name(const struct live_config *live)
{
	return live->values->session_cookie_secure ? "__Host-nexus_session" : "nexus_session";
}

static struct str secret_of(const struct live_config *live)
{
	return str_of(live->values->secret_key);
}

/* --- who --- */

void access_set_cookie(struct http_request *req, const struct live_config *live, const struct session *s)
{
	struct buf value, header;
	struct cookie c = {
		.name = str_of(cookie_name(live)),
		.path = STR("/"),
		.now_ms = clock_wall_ms(),
		.secure = live->values->session_cookie_secure,
		.http_only = true,
		.same_site = COOKIE_SAMESITE_STRICT,
	};

	buf_init(&value, SESSION_TEXT_MAX + 1);
	buf_init(&header, 4096);
	if (s) {
		session_write(&value, secret_of(live), s);
		c.max_age_s = s->began_s + SESSION_LIFE_S - s->seen_s;
	}
	c.value = buf_str(&value);
	if (cookie_write(&header, &c))
		http_reply_header(req, "Set-Cookie", buf_str(&header));
	buf_deinit(&value);
	buf_deinit(&header);
}

struct caller *access_session(struct http_request *req, const struct live_config *live)
{
	int64_t now_s = clock_wall_ms() / 1000;
	struct session s;
	const struct user *user;
	struct caller *caller;

	if (!live->users.n ||
	    !session_parse(secret_of(live), http_request_cookie(req, cookie_name(live)), now_s, &s))
		return NULL;
	user = users_find(&live->users, str_of(s.user));
	if (!user || memcmp(user->mark, s.mark, sizeof s.mark) != 0 ||
	    auth_session_ended(idr_worker_of(req)->idr->auth, str_of(s.id)))
		return NULL;
	if (now_s >= s.seen_s + SESSION_RENEW_S) {
		s.seen_s = now_s;
		access_set_cookie(req, live, &s);
	}
	caller = ARENA_NEW(req->arena, struct caller);
	*caller = (struct caller){ .session = s, .role = user->role };
	caller->name = str_of(caller->session.user);
	return caller;
}

static bool is_address(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!memchr("0123456789abcdefABCDEF.:", s.p[i], 24))
			return false;
	return s.n >= 2 && s.n <= 45;
}

struct str access_address(const struct http_request *req, const struct live_config *live)
{
	struct str list = http_request_header(req, "X-Forwarded-For"), last = STR("");

	if (!live->values->trust_forwarded_for)
		return req->peer_ip;
	/* What stands before the last one was sent by the client, who may say anything. */
	while (list.p)
		last = str_trim(str_cut(&list, ','));
	return is_address(last) ? last : req->peer_ip;
}

/* --- the audit --- */

enum { NOTE_TEXT_MAX = 256 };

struct note {
	struct keeper_job job;
	struct store_audit row;
	char text[]; /* what the row points to */
};

/* A path is as long as the headers may be, and any bytes. */
static struct str keep(char **end, struct str s)
{
	struct str kept = { *end, s.n < NOTE_TEXT_MAX ? s.n : NOTE_TEXT_MAX };

	for (size_t i = 0; i < kept.n; i++)
		*(*end)++ = (char)(s.p[i] >= ' ' && s.p[i] < 0x7f ? s.p[i] : '?');
	return kept;
}

static void on_write(struct keeper_job *j, struct store *s)
{
	struct note *n = container_of(j, struct note, job);

	(void)keeper_audit(j->keeper, s, &n->row,
			   &j->why); /* a failure is the keeper's to tell, in /health */
	free(n);
}

void access_note(struct http_request *req, const struct live_config *live, struct str who, const char *action,
		 struct str object, struct str outcome)
{
	struct str address = access_address(req, live), did = str_of(action);
	struct note *n = xcalloc(1, sizeof *n + who.n + address.n + did.n + object.n + outcome.n);
	char *end = n->text;

	n->row = (struct store_audit){
		.at_ms = clock_wall_ms(),
		.who = keep(&end, who),
		.address = keep(&end, address),
		.action = keep(&end, did),
		.object = keep(&end, object),
		.outcome = keep(&end, outcome),
	};
	n->job.work = on_write;
	keeper_submit(idr_worker_of(req)->idr->keeper, &n->job);
}

/* --- may --- */

static bool is_read(const struct http_request *req)
{
	return req->method == HTTP_GET || req->method == HTTP_HEAD;
}

/* Whoever is logged in and asks for more is worth a line in the audit. */
static bool deny(struct http_request *req, const struct live_config *live, const struct caller *caller,
		 const char *why)
{
	if (auth_may_note(idr_worker_of(req)->idr->auth, caller->name, clock_mono_us()))
		access_note(req, live, caller->name, req->route->name, req->path, str_of(why));
	http_reply_error(req, 403, "%s", why);
	return false;
}

bool access_csrf(struct http_request *req, const struct live_config *live, const struct caller *caller)
{
	if (session_csrf_matches(secret_of(live), &caller->session, http_request_header(req, "X-CSRF-Token")))
		return true;
	return deny(req, live, caller, "the header X-CSRF-Token is missing or is not this session's");
}

static bool check_session(struct http_request *req, const struct live_config *live,
			  const struct caller *caller)
{
	unsigned flags = req->route->flags;

	if (!is_read(req) && !access_csrf(req, live, caller))
		return false;
	if (caller->role == ROLE_ADMIN || (is_read(req) ? !(flags & ROUTE_ADMIN) : flags & ROUTE_VIEWER))
		return true;
	return deny(req, live, caller, "this needs the role admin");
}

static struct caller *find_key(struct http_request *req, const struct live_config *live, struct str text)
{
	const struct api_key *key = api_keys_find(live->keys, text);
	struct caller *caller;

	if (!key)
		return NULL;
	caller = ARENA_NEW(req->arena, struct caller);
	caller->key = key;
	caller->name = arena_str(req->arena, str_of(key->name));
	return caller;
}

bool access_check(struct http_request *req, const struct live_config *live)
{
	struct str text = api_key_from_headers(http_request_header(req, "X-API-Key"),
					       http_request_header(req, "Authorization"));
	bool asks = req->route->flags & ROUTE_SESSION && !text.n;
	struct caller *caller = asks ? access_session(req, live) : NULL;

	req->user = caller;
	if (caller)
		return check_session(req, live, caller);
	if (!live->values->auth_enabled || !(req->route->flags & ROUTE_NEEDS_KEY))
		return true;
	req->user = find_key(req, live, text);
	if (req->user)
		return true;
	http_reply_header(req, "WWW-Authenticate", STR("Bearer"));
	http_reply_error(req, 401, "%s",
			 text.n ? "unknown API key"
			 : asks ? "an API key (X-API-Key) or a login is required"
				: "an API key is required (X-API-Key)");
	return false;
}
