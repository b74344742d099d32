/* GET /setuid: where a bidder's sync ends up, with the id by which it knows this browser.
 *
 * Nothing that the caller sent is echoed but in one error about `gdpr`, as plain text, and the reply is never a
 * redirect. */
#include "common/err.h"
#include "common/http_server.h"
#include "common/json.h"
#include "common/mem.h"
#include "pbs/endpoints/account_gate.h"
#include "pbs/endpoints/endpoints.h"
#include "pbs/endpoints/pixel.h"
#include "pbs/endpoints/visitor.h"
#include "pbs/metrics.h"
#include "pbs/privacy/tcf.h"
#include "pbs/server.h"
#include "pbs/usersync/eject.h"
#include "pbs/usersync/syncer.h"

enum { STATUS_LEGAL = 451, SHOWN_MAX = 256 };

struct setuid {
	struct account_gate gate;
	struct http_request *req;
	const struct bidder_set *bidders;
	const struct syncer *syncer;
	struct uids uids;
	struct str uid;
	char format;
	struct visitor_consent consent;
};

static void tell(const struct setuid *su, int status, const char *error, bool success)
{
	const struct analytics_sinks *sinks = &pbs_worker_of(su->req)->exchange.sinks;
	json_t *note;

	if (!analytics_wants_notes(sinks))
		return;
	note = analytics_note_new("/set_uid", status, error);
	json_set_str(note, "Bidder", su->syncer ? su->syncer->key : STR(""));
	json_set_str(note, "UID", su->uid);
	json_set_bool(note, "Success", success);
	analytics_tell(sinks, NULL, note);
}

/* A refusal: status, metric, text. */
static void fail(const struct setuid *su, int http_status, enum pbs_sync_status status, const char *text)
{
	metrics_inc(pbs_worker_of(su->req)->exchange.metrics, M_SETUID, status);
	tell(su, http_status, *text ? text : NULL, false);
	http_reply_header(su->req, "X-Content-Type-Options", STR("nosniff"));
	http_reply(su->req, http_status, *text ? "text/plain; charset=utf-8" : NULL,
		   str_of(arena_strdup(su->req->arena, text)));
}

static struct str arg(const struct setuid *su, const char *name)
{
	return http_request_arg(su->req, name, NULL);
}

/* --- consent --- */

/* The older parameters count only when GPP says neither whether GDPR applies nor what was consented to. */
static int read_legacy(struct setuid *su, struct errtext *why)
{
	struct visitor_consent *c = &su->consent;
	struct str gdpr = arg(su, "gdpr");

	if (c->sids)
		return 0;
	if (gdpr.n && !str_eq(gdpr, STR("0")) && !str_eq(gdpr, STR("1"))) {
		errtext_set(why, "the gdpr query param must be either 0 or 1. You gave " STR_FMT,
			    (int)(gdpr.n < SHOWN_MAX ? gdpr.n : SHOWN_MAX), gdpr.p);
		return ERR_INPUT;
	}
	if (c->consent.n)
		return 0;
	c->gdpr = gdpr;
	c->consent = arg(su, "gdpr_consent");
	if (gdpr.n)
		c->signal = str_eq(gdpr, STR("1")) ? TRI_YES : TRI_NO;
	return 0;
}

/* A consent string that nobody asks about may be anything. */
static int check_consent(struct setuid *su, const struct privacy_sync *rules, struct errtext *why)
{
	const struct visitor_consent *c = &su->consent;
	struct errtext cause;
	struct tcf *tcf;

	if (c->signal == TRI_YES && c->consent.n == 0) {
		errtext_set(why, "GDPR consent is required when gdpr signal equals 1");
		return ERR_INPUT;
	}
	if (c->consent.n && privacy_sync_in_scope(rules) &&
	    tcf_parse(c->consent, su->req->arena, &cause, &tcf) < 0) {
		errtext_set(why, "gdpr_consent was invalid. malformed consent string " STR_FMT ": %s",
			    (int)(c->consent.n < SHOWN_MAX ? c->consent.n : SHOWN_MAX), c->consent.p,
			    cause.text);
		return ERR_INPUT;
	}
	return 0;
}

static bool activity_denied(const struct setuid *su)
{
	struct activity_scope scope;
	const struct activities *a = su->gate.account.privacy ? su->gate.account.privacy->activities : NULL;

	visitor_scope(su->req, &su->consent, &scope);
	return !activity_allowed(a, ACTIVITY_SYNC_USER, COMPONENT_BIDDER, str_of(su->syncer->bidder), &scope);
}

/* --- the cookie --- */

static void answer(const struct setuid *su)
{
	if (su->format == 'i')
		pixel_reply(su->req);
	else
		http_reply(su->req, 200, "text/html", STR(""));
}

static void count_set(const struct setuid *su, enum pbs_syncer_set fate)
{
	struct metrics *m = pbs_worker_of(su->req)->exchange.metrics;

	metrics_inc(m, M_SETUID, SYNC_STATUS_OK);
	metrics_inc(m, M_SYNCER_SETS, pbs_metrics_syncer(su->syncer), fate);
}

static void save(struct setuid *su)
{
	const struct pbs_config *c = pbs_request_config(su->req);
	struct eject_rules rules = {
		.max_bytes = c->max_cookie_bytes,
		.groups = c->priority_groups,
		.syncers = su->bidders->syncers,
		.key = su->syncer->key,
	};

	if (su->uid.n == 0)
		uids_remove(&su->uids, su->syncer->key);
	else if (!uids_set(&su->uids, su->syncer->key, su->uid, visitor_now_us()))
		uids_remove(&su->uids, su->syncer->key);
	switch (uids_eject(&su->uids, &rules)) {
	case EJECT_TOO_BIG:
		fail(su, 400, SYNC_STATUS_BAD_REQUEST,
		     "uid that's trying to be synced is bigger than MaxCookieSize");
		return;
	case EJECT_NOT_PRIORITY:
		http_reply(su->req, 200, "text/plain; charset=utf-8",
			   STR("Warning: syncer key is not a priority, and there are only priority elements "
			       "left, cookie not updated"));
		return;
	case EJECT_FITS: break;
	}
	visitor_set_uids(su->req, &su->uids, true);
	count_set(su, su->uid.n ? SYNCER_SET_OK : SYNCER_SET_CLEARED);
	tell(su, 200, NULL, true);
	answer(su);
}

/* --- the walk --- */

static void with_account(struct account_gate *g)
{
	static const enum pbs_sync_status labels[] = { [ACCOUNT_MISSING] = SYNC_STATUS_ACCT_INVALID,
						       [ACCOUNT_UNVERIFIED] = SYNC_STATUS_ACCT_INVALID,
						       [ACCOUNT_MALFORMED] = SYNC_STATUS_ACCT_MALFORMED,
						       [ACCOUNT_DISABLED] = SYNC_STATUS_ACCT_BLOCKED };
	struct setuid *su = container_of(g, struct setuid, gate);
	struct visitor_consent *c = &su->consent;
	struct privacy_sync rules;
	struct errtext why;

	if (g->state != ACCOUNT_OK) {
		fail(su, 400, labels[g->state], account_gate_sync_text(g->state).p);
		return;
	}
	if (visitor_read_sids(su->req, c, &why) < 0) {
		fail(su, 400, SYNC_STATUS_BAD_REQUEST,
		     "invalid gpp_sid encoding, must be a csv list of integers");
		return;
	}
	if (activity_denied(su)) {
		tell(su, 200, NULL, false); /* as in the reference */
		http_reply(su->req, STATUS_LEGAL, "text/plain; charset=utf-8", STR(""));
		return;
	}
	if (visitor_read_gpp(su->req, c, &why) < 0 || read_legacy(su, &why) < 0) {
		fail(su, 400, SYNC_STATUS_BAD_REQUEST, why.text);
		return;
	}
	visitor_sync_rules(su->req, c, g->account.privacy, &rules);
	if (check_consent(su, &rules, &why) < 0) {
		fail(su, 400, SYNC_STATUS_BAD_REQUEST, why.text);
		return;
	}
	if (privacy_sync_host(&rules, su->req->arena, &why) < 0) {
		fail(su, STATUS_LEGAL, SYNC_STATUS_GDPR_HOST,
		     "The gdpr_consent string prevents cookies from being saved");
		return;
	}
	save(su);
}

/* f, else what the bidder's own sync uses. */
static bool read_format(struct setuid *su)
{
	struct str f = arg(su, "f");

	su->format = su->syncer->format;
	if (f.n == 0)
		return true;
	su->format = (char)(f.p[0] | 0x20);
	return f.n == 1 && (su->format == 'b' || su->format == 'i');
}

static void start(struct setuid *su)
{
	struct str bidder = arg(su, "bidder");

	visitor_uids(su->req, &su->uids);
	if (su->uids.opted_out) {
		fail(su, 401, SYNC_STATUS_OPT_OUT, "");
		return;
	}
	if (bidder.n == 0) {
		fail(su, 400, SYNC_STATUS_SYNCER_UNKNOWN, "\"bidder\" query param is required");
		return;
	}
	su->syncer = syncers_find(su->bidders->syncers, bidder);
	if (!su->syncer) {
		fail(su, 400, SYNC_STATUS_SYNCER_UNKNOWN,
		     "The bidder name provided is not supported by Prebid Server");
		return;
	}
	if (!read_format(su)) {
		fail(su, 400, SYNC_STATUS_BAD_REQUEST,
		     "\"f\" query param is invalid. must be \"b\" or \"i\"");
		return;
	}
	account_gate_ask(&su->gate);
}

void endpoint_setuid(struct http_request *req)
{
	struct setuid *su = ARENA_NEW(req->arena, struct setuid);

	su->req = req;
	su->bidders = pbs_request_bidders(req);
	su->uid = http_request_arg(req, "uid", NULL);
	su->consent = (struct visitor_consent){
		.gdpr = STR(""),
		.signal = TRI_UNSET,
		.consent = STR(""),
		.us_privacy = STR(""),
		.gpp = http_request_arg(req, "gpp", NULL),
		.gpp_sid = http_request_arg(req, "gpp_sid", NULL),
	};
	su->gate = (struct account_gate){ .done = with_account,
					  .req = req,
					  .id = http_request_arg(req, "account", NULL) };
	start(su);
}
