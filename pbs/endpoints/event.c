/* GET /event: a win, an impression or a step of a video, told by the page or the player.
 *
 * Called from inside ads, by image or beacon, so nobody reads the reply and nothing of the request is shown in a
 * form that a browser would run. */
#include "common/err.h"
#include "common/http_server.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "pbs/endpoints/account_gate.h"
#include "pbs/endpoints/endpoints.h"
#include "pbs/endpoints/integration.h"
#include "pbs/endpoints/pixel.h"
#include "pbs/metrics.h"
#include "pbs/server.h"

enum { SHOWN_MAX = 256 };

static const char *const types[] = { "imp", "win", "vast", NULL };
static const char *const vast_steps[] = { "start",         "firstQuartile", "midPoint",
					  "thirdQuartile", "complete",      NULL };

struct event {
	struct account_gate gate;
	struct http_request *req;
	struct str type, step, bid, bidder, integration, format;
	int64_t at;
	bool analytics;
};

static int bad(struct errtext *why, const char *what, struct str value)
{
	errtext_set(why, "%s: '%.*s'", what, (int)(value.n < SHOWN_MAX ? value.n : SHOWN_MAX), value.p);
	return ERR_INPUT;
}

/* The words at the front are the reference's, which puts them in front of every line once more. */
static int bad_time(struct errtext *why, struct str value)
{
	errtext_set(why, "invalid request: error parsing timestamp '%.*s'",
		    (int)(value.n < SHOWN_MAX ? value.n : SHOWN_MAX), value.p);
	return ERR_INPUT;
}

static int required(struct errtext *why, const char *name)
{
	errtext_set(why, "parameter '%s' is required", name);
	return ERR_INPUT;
}

static bool is_one_of(struct str s, const char *const *list)
{
	for (; *list; list++)
		if (str_eq(s, str_of(*list)))
			return true;
	return false;
}

static int read_type(struct event *e, struct errtext *why)
{
	bool is_vast = str_eq(e->type, STR("vast"));

	if (e->type.n == 0)
		return required(why, "t");
	if (!is_one_of(e->type, types))
		return bad(why, "unknown type", e->type);
	if (!is_vast && e->step.n) {
		errtext_set(why, "parameter 'vtype' is only required for t=vast");
		return ERR_INPUT;
	}
	if (is_vast && e->step.n == 0)
		return required(why, "vtype");
	if (is_vast && !is_one_of(e->step, vast_steps))
		return bad(why, "unknown vtype", e->step);
	return 0;
}

static int read_bid(struct event *e, struct errtext *why)
{
	return e->bid.n ? 0 : required(why, "b");
}

static int read_time(struct event *e, struct errtext *why)
{
	struct str at = http_request_arg(e->req, "ts", NULL);

	if (at.n == 0 || str_parse_i64(at, INT64_MIN, INT64_MAX, &e->at))
		return 0;
	return bad_time(why, at);
}

static int read_format(struct event *e, struct errtext *why)
{
	static const char *const formats[] = { "b", "i", NULL };

	return !e->format.n || is_one_of(e->format, formats) ? 0 : bad(why, "unknown format", e->format);
}

static int read_analytics(struct event *e, struct errtext *why)
{
	static const char *const switches[] = { "0", "1", NULL };
	struct str x = http_request_arg(e->req, "x", NULL);

	e->analytics = !str_eq(x, STR("0"));
	return !x.n || is_one_of(x, switches) ? 0 : bad(why, "unknown analytics", x);
}

static int read_integration(struct event *e, struct errtext *why)
{
	return integration_check(e->integration, why);
}

/* Everything that is wrong, a line each; empty when nothing is. */
static struct str read_all(struct event *e)
{
	static int (*const readers[])(struct event *, struct errtext *) = {
		read_type, read_bid, read_time, read_format, read_analytics, read_integration,
	};
	const char *lines = "";
	struct errtext why;

	for (size_t i = 0; i < ARRAY_LEN(readers); i++)
		if (readers[i](e, &why) < 0)
			lines = arena_printf(e->req->arena, "%sinvalid request: %s\n", lines, why.text);
	return str_of(lines);
}

static void tell(const struct event *e)
{
	const struct analytics_sinks *sinks = &pbs_worker_of(e->req)->exchange.sinks;
	const struct privacy_account *privacy = e->gate.account.privacy;
	json_t *note, *request, *account;

	if (!analytics_wants_notes(sinks))
		return;
	note = json_object();
	request = json_object();
	account = json_object();
	json_set_str(note, "type", STR("/event"));
	json_set_str(request, "type", e->type);
	if (e->step.n)
		json_set_str(request, "vtype", e->step);
	json_set_str(request, "format", e->format);
	json_set_str(request, "analytics", STR("1"));
	json_set_str(request, "bidid", e->bid);
	json_set_str(request, "account_id", e->gate.id);
	json_set_str(request, "bidder", e->bidder);
	json_set_int(request, "timestamp", e->at);
	json_set_str(request, "integration", e->integration);
	json_object_set_new_nocheck(note, "request", request);
	json_set_str(account, "id", e->gate.id);
	json_object_set_new_nocheck(note, "account", account);
	analytics_tell(sinks, privacy ? privacy->activities : NULL, note);
}

static void note(const struct event *e)
{
	struct pbs_worker *w = pbs_worker_of(e->req);
	unsigned type = 0;

	while (!str_eq(e->type, str_of(types[type])))
		type++;
	metrics_inc(w->exchange.metrics, M_NOTIFICATIONS, type);
	tell(e);
	log_event(LOG_INFO, "notification", LOG_STR("type", e->type), LOG_STR("vtype", e->step),
		  LOG_STR("bidid", e->bid), LOG_STR("account", e->gate.id), LOG_STR("bidder", e->bidder),
		  LOG_STR("integration", e->integration), LOG_INT("timestamp", e->at));
}

static void with_account(struct account_gate *g)
{
	struct event *e = container_of(g, struct event, gate);

	if (g->state != ACCOUNT_OK) {
		account_gate_refuse(g);
		return;
	}
	if (!json_bool_at(g->account.settings, "events.enabled", false)) {
		http_reply_header(e->req, "X-Content-Type-Options", STR("nosniff"));
		http_reply(e->req, 401, "text/plain; charset=utf-8",
			   str_of(arena_printf(e->req->arena, "Account '%.*s' doesn't support events",
					       (int)(g->id.n < SHOWN_MAX ? g->id.n : SHOWN_MAX), g->id.p)));
		return;
	}
	note(e);
	if (str_eq(e->format, STR("i")))
		pixel_reply(e->req);
	else
		http_reply(e->req, 204, NULL, STR(""));
}

/* Known bidders by the name that the host gives them. */
static struct str normal_bidder(const struct http_request *req)
{
	struct str name = http_request_arg(req, "bidder", NULL);
	const struct registry_bidder *b = registry_find(pbs_request_bidders(req)->registry, name);

	return b ? str_of(b->bidder.name) : name;
}

void endpoint_event(struct http_request *req)
{
	struct event *e = ARENA_NEW(req->arena, struct event);
	struct str account = http_request_arg(req, "a", NULL), wrong;

	*e = (struct event){
		.gate = { .done = with_account,
			  .req = req,
			  .id = account,
			  .timeout_ms = pbs_request_config(req)->event_timeout_ms },
		.req = req,
		.type = http_request_arg(req, "t", NULL),
		.step = http_request_arg(req, "vtype", NULL),
		.bid = http_request_arg(req, "b", NULL),
		.bidder = normal_bidder(req),
		.integration = http_request_arg(req, "int", NULL),
		.format = http_request_arg(req, "f", NULL),
	};
	http_reply_header(req, "X-Content-Type-Options", STR("nosniff"));
	wrong = read_all(e);
	if (wrong.n)
		http_reply(req, 400, "text/plain; charset=utf-8", wrong);
	else if (account.n == 0)
		http_reply(req, 401, "text/plain; charset=utf-8",
			   STR("Account 'a' is required query parameter and can't be empty"));
	else if (!e->analytics)
		http_reply(req, 204, NULL, STR(""));
	else
		account_gate_ask(&e->gate);
}
