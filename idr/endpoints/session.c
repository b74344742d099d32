/* POST /login, POST /logout, GET /api/v1/session: people's way in. The password's check is a quarter of a second of work
 * by design, so it runs elsewhere and the request waits; how many may wait and how often one may try is bounded.
 *
 * A refusal never says which part was wrong, and takes as long for a name that nobody has. */
#include "common/clock.h"
#include "common/err.h"
#include "common/http_json.h"
#include "common/json.h"
#include "common/log.h"
#include "idr/endpoints/endpoints.h"

struct login {
	struct helper_call call;
	struct http_request *req;
	struct str user, code;
};

static void reply_session(struct http_request *req, const struct live_config *live, const struct session *s,
			  enum user_role role)
{
	char csrf[SESSION_CSRF_TEXT + 1];
	json_t *j = json_object();

	session_csrf(str_of(live->values->secret_key), s, csrf);
	json_set_str(j, "login", STR("ok"));
	json_set_str(j, "user", str_of(s->user));
	json_set_str(j, "role", str_of(user_role_name(role)));
	json_set_str(j, "csrf", str_of(csrf));
	json_set_int(j, "ends_ms", (s->began_s + SESSION_LIFE_S) * 1000);
	json_set_int(j, "idle_s", SESSION_IDLE_S);
	http_reply_header(req, "Cache-Control", STR("no-store"));
	http_reply_json_new(req, 200, j);
}

static void reply_later(struct http_request *req, int status, uint32_t wait_s, const char *why)
{
	char *seconds = arena_printf(req->arena, "%u", (unsigned)wait_s);

	http_reply_header(req, "Retry-After", str_of(seconds));
	http_reply_error(req, status, "%s", why);
}

/* Counts, logs and, where `audited`, writes down how an attempt ended. A name that nobody has is not repeated: it may be
 * a password in the wrong field. The line is docs/hardening.md's for fail2ban. */
static void note(struct login *l, const struct live_config *live, enum idr_login what, const char *why,
		 bool audited)
{
	struct http_request *req = l->req;
	struct str who = users_find(&live->users, l->user) ? l->user : STR("(unknown)");

	metrics_inc(idr_worker_of(req)->metrics, M_LOGINS, what);
	log_set_request(str_of(req->id), STR(""));
	log_event(LOG_WARN, "login_failed", LOG_STR("address", access_address(req, live)),
		  LOG_STR("user", who), LOG_Z("why", why));
	log_set_request(STR(""), STR(""));
	if (audited)
		access_note(req, live, who, "login", STR(""), str_of(why));
}

static void welcome(struct login *l, const struct live_config *live, const struct user *user, int64_t now_s)
{
	struct session s;

	if (!session_begin(user, now_s, &s)) {
		http_reply_error(l->req, 500, "the system gives no random bytes");
		return;
	}
	metrics_inc(idr_worker_of(l->req)->metrics, M_LOGINS, LOGIN_OK);
	access_note(l->req, live, str_of(user->name), "login", str_of(s.id), AUDIT_OK);
	access_set_cookie(l->req, live, &s);
	reply_session(l->req, live, &s, user->role);
}

static void on_checked(struct helper_call *call, struct helper_job *job)
{
	struct login *l = container_of(call, struct login, call);
	const struct auth_check *c = job ? container_of(job, struct auth_check, job) : NULL;
	struct idr_worker *w = idr_worker_of(l->req);
	const struct live_config *live = idr_live_config(w);
	const struct user *user = users_find(&live->users, l->user);
	int64_t now_s = clock_wall_ms() / 1000;
	bool matches = c && c->matches && user && strcmp(user->hash, c->hash) == 0;

	if (!c) {
		note(l, live, LOGIN_BUSY, "busy", false);
		reply_later(l->req, 503, 5, "too many are logging in");
		return;
	}
	if (matches && auth_take_code(w->idr->auth, user, l->code, now_s)) {
		welcome(l, live, user, now_s);
		return;
	}
	note(l, live, LOGIN_WRONG, matches ? "wrong code" : "wrong password", true);
	http_reply_error(l->req, 401, "the name, the password or the one-time code is wrong");
}

static bool may_try(struct login *l, const struct live_config *live)
{
	struct str address = access_address(l->req, live);
	uint32_t wait_ms;

	if (auth_may_try(idr_worker_of(l->req)->idr->auth, address, l->user, clock_mono_us(), &wait_ms))
		return true;
	note(l, live, LOGIN_LIMITED, "too many attempts", false);
	reply_later(l->req, 429, (wait_ms + 999) / 1000, "too many attempts to log in");
	return false;
}

/* Another site's form cannot send this type without asking first, which it is not allowed to. */
static bool is_json(const struct http_request *req)
{
	struct str type = http_request_header(req, "Content-Type");

	return str_eq_nocase(str_trim(str_cut(&type, ';')), STR("application/json"));
}

static const json_t *read_body(struct http_request *req)
{
	struct errtext why = { "" };
	const json_t *j;

	if (!is_json(req)) {
		http_reply_error(req, 415, "the Content-Type must be application/json");
		return NULL;
	}
	j = arena_own_json(req->arena, json_parse(req->body, &why));
	if (json_str_at(j, "user").n && json_str_at(j, "password").n)
		return j;
	http_reply_error(req, 400, "%s", j ? "user and password must be texts" : why.text);
	return NULL;
}

void endpoint_login(struct http_request *req)
{
	struct idr_worker *w = idr_worker_of(req);
	const struct live_config *live = idr_live_config(w);
	struct login *l = ARENA_NEW(req->arena, struct login);
	struct auth_check *check;
	const json_t *j;

	if (!live->users.n) {
		http_reply_error(req, 403, "the login is off: ADMIN_USERS and SECRET_KEY switch it on");
		return;
	}
	j = read_body(req);
	if (!j)
		return;
	l->req = req;
	l->user = json_str_at(j, "user");
	l->code = json_str_at(j, "code");
	l->call.done = on_checked;
	if (!may_try(l, live))
		return;
	check = auth_check_new(&live->users, users_find(&live->users, l->user), json_str_at(j, "password"));
	if (helper_ask(w->passwords, &l->call, &check->job, AUTH_HASH_TIMEOUT_MS))
		return;
	note(l, live, LOGIN_BUSY, "busy", false);
	reply_later(req, 503, 5, "too many are logging in");
}

void endpoint_logout(struct http_request *req)
{
	struct idr_worker *w = idr_worker_of(req);
	const struct live_config *live = idr_live_config(w);
	struct caller *caller = access_session(req, live);

	if (!caller) {
		http_reply_error(req, 401, "there is no session to end");
		return;
	}
	if (!access_csrf(req, live, caller))
		return;
	auth_end_session(w->idr->auth, str_of(caller->session.id), caller->session.began_s + SESSION_LIFE_S);
	access_note(req, live, caller->name, "logout", str_of(caller->session.id), AUDIT_OK);
	access_set_cookie(req, live, NULL);
	http_reply(req, 200, "application/json", STR("{\"login\":\"needed\"}"));
}

void endpoint_session(struct http_request *req)
{
	const struct live_config *live = idr_live_config(idr_worker_of(req));
	const struct caller *caller = access_session(req, live);
	json_t *j;

	if (caller) {
		reply_session(req, live, &caller->session, caller->role);
		return;
	}
	j = json_object();
	json_set_str(j, "login", live->users.n ? STR("needed") : STR("off"));
	json_set_bool(j, "codes", live->users.totp);
	http_reply_header(req, "Cache-Control", STR("no-store"));
	http_reply_json_new(req, 200, j);
}
