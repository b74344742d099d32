/* POST /cookie_sync: which bidders the page should let set their ids, and how.
 *
 * The order of the checks is the reference's, since the first failure is what the client is told. */
#include <time.h>

#include "common/err.h"
#include "common/http_server.h"
#include "common/json.h"
#include "common/mem.h"
#include "pbs/endpoints/account_gate.h"
#include "pbs/endpoints/endpoints.h"
#include "pbs/endpoints/visitor.h"
#include "pbs/metrics.h"
#include "pbs/openrtb/typed.h"
#include "pbs/privacy/gpp.h"
#include "pbs/privacy/usp.h"
#include "pbs/server.h"
#include "pbs/usersync/choose.h"

enum { MAX_REPLY_BYTES = 8 << 20, URL_MAX = 65536 };

#define KEY(name, label, kind) TYPED_FIELD(name, label, TYPED_##kind, TYPED_GIVEN)

static const struct typed_field filter_keys[] = { KEY("bidders", "Bidders", RAW),
						  KEY("filter", "Mode", STR) };
static const struct typed_struct filter_table = { "endpoints.cookieSyncRequestFilter", filter_keys,
						  ARRAY_LEN(filter_keys) };
#define FILTER(key)                                                                                          \
	{                                                                                                    \
		.name = (key), .label = (key), .type = &filter_table, .len = sizeof(key) - 1,                \
		.kind = TYPED_OBJECT, .mark = TYPED_GIVEN                                                    \
	}
static const struct typed_field settings_keys[] = { FILTER("iframe"), FILTER("image") };
static const struct typed_struct settings_table = { "endpoints.cookieSyncRequestFilterSettings",
						    settings_keys, ARRAY_LEN(settings_keys) };
static const struct typed_field request_keys[] = {
	{ .name = "bidders",
	  .label = "Bidders",
	  .len = 7,
	  .kind = TYPED_STR,
	  .mark = TYPED_GIVEN,
	  .list = true },
	KEY("gdpr", "GDPR", INT),
	KEY("gdpr_consent", "GDPRConsent", STR),
	KEY("us_privacy", "USPrivacy", STR),
	KEY("gpp", "GPP", STR),
	KEY("gpp_sid", "GPPSID", STR),
	KEY("limit", "Limit", INT),
	KEY("coopSync", "CooperativeSync", BOOL),
	{ .name = "filterSettings",
	  .label = "FilterSettings",
	  .type = &settings_table,
	  .len = 14,
	  .kind = TYPED_OBJECT,
	  .mark = TYPED_GIVEN },
	KEY("account", "Account", STR),
	KEY("debug", "Debug", BOOL),
};
static const struct typed_struct request_table = { "endpoints.cookieSyncRequest", request_keys,
						   ARRAY_LEN(request_keys) };

struct cookie_sync {
	struct account_gate gate;
	struct http_request *req;
	const struct bidder_set *bidders;
	json_t *asked; /* the body, decoded */
	struct visitor_consent consent;
	struct uids uids;
	struct sync_filter filter[SYNC_TYPES];
	struct privacy_sync rules;
	struct activity_scope scope;
};

static void count(const struct cookie_sync *cs, enum pbs_sync_status status)
{
	metrics_inc(pbs_worker_of(cs->req)->exchange.metrics, M_COOKIE_SYNC, status);
}

/* `bidders` as the browser is told; NULL = nobody. */
static void tell(const struct cookie_sync *cs, int status, const char *error, json_t *bidders)
{
	const struct analytics_sinks *sinks = &pbs_worker_of(cs->req)->exchange.sinks;
	json_t *note;

	if (!analytics_wants_notes(sinks))
		return;
	note = analytics_note_new("/cookie_sync", status, error);
	json_object_set_new_nocheck(note, "BidderStatus", bidders ? json_incref(bidders) : json_array());
	analytics_tell(sinks, NULL, note);
}

static void fail(struct cookie_sync *cs, int http_status, enum pbs_sync_status status, struct str text)
{
	count(cs, status);
	tell(cs, http_status, arena_str(cs->req->arena, text).p, NULL);
	http_reply_header(cs->req, "X-Content-Type-Options", STR("nosniff"));
	http_reply(cs->req, http_status, "text/plain; charset=utf-8",
		   str_of(arena_printf(cs->req->arena, STR_FMT "\n", STR_ARG(text))));
}

/* --- what is asked --- */

static int read_gdpr(struct cookie_sync *cs, struct errtext *why)
{
	struct visitor_consent *c = &cs->consent;
	const json_t *gdpr = json_object_get(cs->asked, "gdpr");
	int64_t v = json_integer_value(gdpr);

	if (gdpr && !c->sids && v != 0 && v != 1) {
		errtext_set(why, "GDPR signal should be integer 0 or 1");
		return ERR_INPUT;
	}
	if (gdpr && !c->sids)
		c->signal = v == 1 ? TRI_YES : TRI_NO;
	if (c->signal != TRI_UNSET)
		c->gdpr = c->signal == TRI_YES ? STR("1") : STR("0");
	return 0;
}

static int check_consent(const struct cookie_sync *cs, struct errtext *why)
{
	const struct visitor_consent *c = &cs->consent;
	const struct privacy_host *host = pbs_request_live(cs->req)->privacy;

	if (c->consent.n)
		return 0;
	if (c->signal == TRI_YES)
		errtext_set(why, "gdpr_consent is required if gdpr=1");
	else if (c->signal == TRI_UNSET && host->gdpr_default_applies)
		errtext_set(why,
			    "gdpr_consent is required. gdpr is not specified and is assumed to be 1 by the "
			    "server. set gdpr=0 to exempt this request");
	else
		return 0;
	return ERR_INPUT;
}

/* The GPP string's section 6 goes before us_privacy and must not contradict it; what is malformed is no
 * statement at all. */
static int read_us_privacy(struct cookie_sync *cs, struct errtext *why)
{
	struct visitor_consent *c = &cs->consent;
	const struct gpp_section *usp = visitor_has_sid(c, GPP_USP) ? gpp_find(c->sections, GPP_USP) : NULL;
	struct usp parsed;

	if (usp && c->us_privacy.n && !str_eq(usp->text, c->us_privacy)) {
		errtext_set(why, "request.us_privacy consent does not match uspv1");
		return ERR_INPUT;
	}
	if (usp)
		c->us_privacy = usp->text;
	if (c->us_privacy.n && usp_parse(c->us_privacy, NULL, &parsed) < 0)
		c->us_privacy = STR("");
	return 0;
}

/* A list of texts, or "*". */
static int read_filter(struct cookie_sync *cs, enum sync_type type, const char *name, struct errtext *why)
{
	const json_t *f = json_object_get(json_object_get(cs->asked, "filterSettings"), name);
	const json_t *bidders = json_object_get(f, "bidders"), *one;
	struct str mode = json_str_at(f, "filter");
	size_t i;

	cs->filter[type] = (struct sync_filter){ .all = true };
	if (!f)
		return 0;
	if (!str_eq(mode, STR("include")) && !str_eq(mode, STR("exclude"))) {
		errtext_set(why,
			    "error parsing filtersettings.%s: invalid filter value '" STR_FMT
			    "'. must be either 'include' or 'exclude'",
			    name, STR_ARG(mode));
		return ERR_INPUT;
	}
	cs->filter[type].exclude = str_eq(mode, STR("exclude"));
	cs->filter[type].all = str_eq(json_str(bidders), STR("*"));
	if (json_is_string(bidders) && !cs->filter[type].all) {
		errtext_set(why,
			    "error parsing filtersettings.%s: invalid bidders value `" STR_FMT
			    "`. must either be '*' or a string array",
			    name, STR_ARG(json_str(bidders)));
		return ERR_INPUT;
	}
	json_array_foreach (bidders, i, one)
		if (!json_is_string(one))
			bidders = NULL;
	if (!json_is_string(bidders) && !json_is_array(bidders)) {
		errtext_set(
			why,
			"error parsing filtersettings.%s: invalid bidders type. must either be a string '*' "
			"or a string array of bidders",
			name);
		return ERR_INPUT;
	}
	cs->filter[type].names = json_is_array(bidders) ? bidders : NULL;
	return 0;
}

static int read_signals(struct cookie_sync *cs, struct errtext *why)
{
	cs->consent = (struct visitor_consent){
		.gdpr = STR(""),
		.signal = TRI_UNSET,
		.consent = json_str_at(cs->asked, "gdpr_consent"),
		.us_privacy = json_str_at(cs->asked, "us_privacy"),
		.gpp = json_str_at(cs->asked, "gpp"),
		.gpp_sid = json_str_at(cs->asked, "gpp_sid"),
	};
	if (visitor_read_sids(cs->req, &cs->consent, why) < 0 || read_gdpr(cs, why) < 0 ||
	    visitor_read_gpp(cs->req, &cs->consent, why) < 0 || check_consent(cs, why) < 0 ||
	    read_us_privacy(cs, why) < 0 || read_filter(cs, SYNC_IFRAME, "iframe", why) < 0)
		return ERR_INPUT;
	return read_filter(cs, SYNC_REDIRECT, "image", why);
}

/* --- who is chosen --- */

static bool is_allowed(const void *ctx, struct str bidder)
{
	const struct cookie_sync *cs = ctx;
	const struct registry_bidder *b = registry_find(cs->bidders->registry, bidder);
	const struct activities *activities =
		cs->gate.account.privacy ? cs->gate.account.privacy->activities : NULL;

	return activity_allowed(activities, ACTIVITY_SYNC_USER, COMPONENT_BIDDER, bidder, &cs->scope) &&
	       privacy_sync_bidder(&cs->rules, bidder, (uint16_t)b->info.gvl_id, cs->req->arena, NULL) == 0;
}

static int64_t choose_limit(const struct cookie_sync *cs)
{
	int64_t most = json_int_at(cs->gate.account.settings, "cookie_sync.max_limit", 0);
	int64_t limit = json_int_at(cs->asked, "limit",
				    json_int_at(cs->gate.account.settings, "cookie_sync.default_limit", 0));

	if (most > 0 && (limit <= 0 || limit > most))
		return most;
	return limit;
}

static void choose(struct cookie_sync *cs, struct sync_choices *ret)
{
	const struct pbs_config *c = pbs_request_config(cs->req);
	const json_t *account = json_object_get(cs->gate.account.settings, "cookie_sync");
	bool account_coop = json_is_boolean(json_object_get(account, "default_coop_sync"));
	struct choose_input in = {
		.registry = cs->bidders->registry,
		.syncers = cs->bidders->syncers,
		.bidders = json_object_get(cs->asked, "bidders"),
		.coop = json_bool_at(cs->asked, "coopSync",
				     json_bool_at(account, "default_coop_sync", c->coop_sync)),
		.groups = account_coop ? json_object_get(account, "priority_groups") : c->priority_groups,
		.groups_only = json_bool_at(account, "priority_groups_only", false),
		.limit = choose_limit(cs),
		.filter = { cs->filter[SYNC_IFRAME], cs->filter[SYNC_REDIRECT] },
		.no_iframe = { c->no_iframe_bidders, json_object_get(account, "disabled_iframe_bidders") },
		.uids = &cs->uids,
		.now_us = visitor_now_us(),
		.gdpr_yes = cs->consent.signal == TRI_YES,
		.gpp_sid = cs->consent.gpp_sid,
		.allowed = is_allowed,
		.ctx = cs,
	};

	sync_choose(&in, &pbs_worker_of(cs->req)->exchange.rng, cs->req->arena, ret);
}

/* --- the answer --- */

static struct str safe(struct str s)
{
	return sync_value_is_safe(s) ? s : STR("");
}

static json_t *render_sync(const struct cookie_sync *cs, const struct sync_choice *c)
{
	const struct visitor_consent *v = &cs->consent;
	struct sync_macros macros = { v->gdpr, safe(v->consent), safe(v->us_privacy), safe(v->gpp),
				      safe(v->gpp_sid) };
	json_t *j = json_object(), *usersync = json_object();
	struct buf url;

	buf_init(&url, URL_MAX);
	syncer_url(c->syncer, c->type, &macros, &url);
	json_set_str(usersync, "url", url.overflow ? STR("") : buf_str(&url));
	buf_deinit(&url);
	json_set_str(usersync, "type", str_of(sync_type_name(c->type)));
	json_set_str(j, "bidder", c->name);
	json_set_bool(j, "no_cookie", true);
	json_object_set_new_nocheck(j, "usersync", usersync);
	return j;
}

static json_t *render_debug(const struct sync_choice *c, struct arena *a)
{
	json_t *j = json_object();
	struct str text = str_of(sync_verdict_text(c->verdict));

	json_set_str(j, "bidder", c->name);
	if (c->verdict == SYNC_DUPLICATE)
		text = str_of(arena_printf(a, STR_FMT STR_FMT, STR_ARG(text), STR_ARG(c->syncer->key)));
	if (text.n)
		json_set_str(j, "error", text);
	return j;
}

static void count_choice(const struct cookie_sync *cs, const struct sync_choice *c)
{
	static const int fates[SYNC_VERDICT_COUNT] = {
		[SYNC_CHOSEN] = 1 + SYNCER_OK,
		[SYNC_PRIVACY] = 1 + SYNCER_PRIVACY_BLOCKED,
		[SYNC_IN_SYNC] = 1 + SYNCER_ALREADY_SYNCED,
		[SYNC_FILTERED] = 1 + SYNCER_REJECTED_BY_FILTER,
	};
	const struct pbs_worker *w = pbs_worker_of(cs->req);

	if (fates[c->verdict])
		metrics_inc(w->exchange.metrics, M_SYNCER_REQUESTS, pbs_metrics_syncer(c->syncer),
			    (unsigned)fates[c->verdict] - 1);
}

static void answer(struct cookie_sync *cs, const struct sync_choices *choices)
{
	json_auto_t *j = json_object();
	json_t *bidders = json_array(), *debug = json_array();
	bool live = uids_has_live(&cs->uids, visitor_now_us());
	struct buf b;

	for (size_t i = 0; i < choices->n; i++) {
		const struct sync_choice *c = &choices->list[i];

		count_choice(cs, c);
		if (c->verdict == SYNC_CHOSEN)
			json_array_append_new(bidders, render_sync(cs, c));
		else
			json_array_append_new(debug, render_debug(c, cs->req->arena));
	}
	json_set_str(j, "status", live ? STR("ok") : STR("no_cookie"));
	json_object_set_new_nocheck(j, "bidder_status", bidders);
	if (json_bool_at(cs->asked, "debug", false) && json_array_size(debug))
		json_object_set_nocheck(j, "debug", debug);
	json_decref(debug);
	tell(cs, 200, NULL, bidders);
	buf_init(&b, MAX_REPLY_BYTES);
	json_write(&b, j);
	buf_add_c(&b, '\n');
	http_reply_buf(cs->req, 200, "application/json; charset=utf-8", &b);
}

/* For browsers that phase out third-party cookies: tells them apart by a label. */
static void label_browser(const struct cookie_sync *cs)
{
	const json_t *c = json_at(cs->gate.account.settings, "privacy.privacysandbox.cookiedeprecation");
	int64_t ttl_s = json_int_at(c, "ttl_sec", json_int_at(c, "ttlsec", 604800));
	time_t ends = (time_t)(clock_wall_ms() / 1000 + ttl_s);
	char date[40];
	struct tm tm;

	if (!json_bool_at(c, "enabled", false) ||
	    http_request_cookie(cs->req, "receive-cookie-deprecation").n || !gmtime_r(&ends, &tm))
		return;
	strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	http_reply_header(
		cs->req, "Set-Cookie",
		str_of(arena_printf(cs->req->arena,
				    "receive-cookie-deprecation=1; Path=/; Expires=%s; HttpOnly; Secure; "
				    "SameSite=None; Partitioned;",
				    date)));
}

static void with_account(struct account_gate *g)
{
	static const enum pbs_sync_status labels[] = { [ACCOUNT_MISSING] = SYNC_STATUS_ACCT_INVALID,
						       [ACCOUNT_UNVERIFIED] = SYNC_STATUS_ACCT_INVALID,
						       [ACCOUNT_MALFORMED] = SYNC_STATUS_ACCT_MALFORMED,
						       [ACCOUNT_DISABLED] = SYNC_STATUS_ACCT_BLOCKED };
	struct cookie_sync *cs = container_of(g, struct cookie_sync, gate);
	struct sync_choices choices = { 0 };
	struct errtext why;

	if (g->state != ACCOUNT_OK) {
		fail(cs, 400, labels[g->state], account_gate_sync_text(g->state));
		return;
	}
	label_browser(cs);
	if (read_signals(cs, &why) < 0) {
		fail(cs, 400, SYNC_STATUS_BAD_REQUEST, str_of(why.text));
		return;
	}
	visitor_uids(cs->req, &cs->uids);
	if (cs->uids.opted_out) {
		fail(cs, 401, SYNC_STATUS_OPT_OUT, STR("User has opted out"));
		return;
	}
	visitor_scope(cs->req, &cs->consent, &cs->scope);
	visitor_sync_rules(cs->req, &cs->consent, g->account.privacy, &cs->rules);
	if (privacy_sync_host(&cs->rules, cs->req->arena, NULL) < 0) {
		count(cs, SYNC_STATUS_GDPR_HOST);
	} else {
		choose(cs, &choices);
		count(cs, SYNC_STATUS_OK);
	}
	answer(cs, &choices);
}

void endpoint_cookie_sync(struct http_request *req)
{
	struct cookie_sync *cs = ARENA_NEW(req->arena, struct cookie_sync);
	struct errtext why;
	json_t *body;

	cs->req = req;
	cs->bidders = pbs_request_bidders(req);
	body = arena_own_json(req->arena, json_parse(req->body, &why));
	cs->asked = body ? arena_own_json(req->arena, typed_decode(body, &request_table, &why, NULL)) : NULL;
	if (!cs->asked) {
		fail(cs, 400, SYNC_STATUS_BAD_REQUEST,
		     str_of(arena_printf(req->arena, "JSON parsing failed: %s", why.text)));
		return;
	}
	cs->gate = (struct account_gate){ .done = with_account,
					  .req = req,
					  .id = json_str_at(cs->asked, "account") };
	account_gate_ask(&cs->gate);
}
