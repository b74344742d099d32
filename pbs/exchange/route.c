#include "pbs/exchange/route.h"

#include <assert.h>
#include <math.h>

#include "common/json.h"
#include "common/mem.h"
#include "pbs/exchange/auction.h"
#include "pbs/metrics.h"

/* --- what the router gets to see --- */

/* Only what classification needs, and never an identifier, an address or a consent string. */

static void copy_members(json_t *to, const json_t *from, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		json_t *v = json_object_get(from, names[i]);

		if (v)
			json_object_set_nocheck(to, names[i], v);
	}
}

static void copy_object(json_t *to, const json_t *from, const char *key, const char *const *names, size_t n)
{
	const json_t *v = json_object_get(from, key);
	json_t *mine;

	if (!json_is_object(v))
		return;
	mine = json_object();
	copy_members(mine, v, names, n);
	json_object_set_new_nocheck(to, key, mine);
}

/* Sizes alone: what else a format holds may be anything. */
static void copy_formats(json_t *to, const json_t *banner)
{
	static const char *const members[] = { "w", "h" };
	const json_t *formats = json_object_get(banner, "format"), *format;
	json_t *sizes;
	size_t i;

	if (!json_is_array(formats))
		return;
	sizes = json_array();
	json_array_foreach (formats, i, format) {
		json_array_append_new(sizes, json_object());
		copy_members(json_array_get(sizes, i), format, members, ARRAY_LEN(members));
	}
	json_object_set_new_nocheck(json_object_get(to, "banner"), "format", sizes);
}

static json_t *brief_imp(const json_t *imp)
{
	static const char *const members[] = { "id", "bidfloor", "bidfloorcur", "tagid", "instl", "rwdd" };
	static const char *const banner[] = { "w", "h", "pos" };
	static const char *const video[] = { "w",         "h",           "pos",        "plcmt",
					     "placement", "minduration", "maxduration" };
	json_t *j = json_object(), *gpid = json_at(imp, "ext.gpid");

	copy_members(j, imp, members, ARRAY_LEN(members));
	copy_object(j, imp, "banner", banner, ARRAY_LEN(banner));
	copy_formats(j, json_object_get(imp, "banner"));
	copy_object(j, imp, "video", video, ARRAY_LEN(video));
	copy_object(j, imp, "native", NULL, 0);
	copy_object(j, imp, "audio", NULL, 0);
	if (json_is_string(gpid))
		json_object_set_new_nocheck(j, "ext", json_pack("{s:O}", "gpid", gpid));
	return j;
}

static json_t *brief_place(const json_t *place)
{
	static const char *const members[] = { "id", "domain", "bundle" }, *const publisher[] = { "id" };
	json_t *j = json_object();

	copy_members(j, place, members, ARRAY_LEN(members));
	copy_object(j, place, "publisher", publisher, 1);
	return j;
}

/* The user agent stays here; what it says about browser and system goes. */
static json_t *brief_device(const json_t *device, const struct user_agent *ua)
{
	static const char *const members[] = { "devicetype", "os" }, *const geo[] = { "country", "region" };
	json_t *j = json_object();

	copy_members(j, device, members, ARRAY_LEN(members));
	copy_object(j, device, "geo", geo, ARRAY_LEN(geo));
	json_set_str(j, "browser", str_of(ua->browser));
	if (!json_object_get(j, "os"))
		json_set_str(j, "os", str_of(ua->os));
	if (!json_object_get(j, "devicetype"))
		json_set_str(j, "type", str_of(ua->device));
	return j;
}

static json_t *brief_user(const json_t *user)
{
	const json_t *eids = json_object_get(user, "eids"), *eid;
	json_t *sources = json_array();
	size_t i;

	json_array_foreach (eids, i, eid) {
		json_t *source = json_object_get(eid, "source");

		if (json_is_string(source))
			json_array_append_new(sources, json_pack("{s:O}", "source", source));
	}
	return json_pack("{s:o}", "eids", sources);
}

static json_t *brief_request(const struct auction *a)
{
	static const char *const places[] = { "site", "app", "dooh" };
	const json_t *imps = json_object_get(a->request, "imp"), *imp;
	json_t *j = json_object(), *list = json_array();
	size_t i;

	json_array_foreach (imps, i, imp)
		json_array_append_new(list, brief_imp(imp));
	json_object_set_new_nocheck(j, "imp", list);
	for (i = 0; i < ARRAY_LEN(places); i++)
		if (json_object_get(a->request, places[i]))
			json_object_set_new_nocheck(j, places[i],
						    brief_place(json_object_get(a->request, places[i])));
	json_object_set_new_nocheck(j, "device",
				    brief_device(json_object_get(a->request, "device"), &a->user_agent));
	if (json_at(a->request, "user.eids"))
		json_object_set_new_nocheck(j, "user", brief_user(json_object_get(a->request, "user")));
	json_set_int(j, "tmax", a->timeout_ms);
	return j;
}

/* --- the decision --- */

/* Whose answer is stored was chosen by whoever tests with it; nobody is spared by leaving that bidder out. */
static bool has_stored_answer(const struct auction *a, struct str bidder)
{
	for (size_t i = 0; i < a->stored_responses.n; i++)
		if (str_eq_nocase(a->stored_responses.list[i].bidder, bidder))
			return true;
	return false;
}

/* Fail open: a slow or broken router must not cost the publisher its bids. */
static void apply(struct auction *a, enum unrouted outcome, const struct idr_route_reply *reply)
{
	struct metrics *m = a->x->metrics;
	size_t saved = 0;

	a->unrouted = outcome;
	a->routing = outcome == ROUTED ? reply : NULL;
	a->route_us = (uint32_t)(clock_mono_us() - a->route_started_us);
	for (size_t i = 0; i < a->n_candidates; i++)
		a->candidates[i].selected = !a->candidates[i].blocked &&
					    (!a->routing || has_stored_answer(a, a->candidates[i].name));
	for (size_t i = 0; a->routing && i < a->routing->n_selected; i++) {
		struct candidate *c = auction_find_candidate(a, a->routing->selected[i]);

		if (c && !c->blocked)
			c->selected = true;
	}
	for (size_t i = 0; i < a->n_candidates; i++) {
		const struct candidate *c = &a->candidates[i];

		if (c->blocked || c->selected)
			continue;
		saved++;
		nonbid_add_bidder(&a->nonbids, c->name, NONBID_BLOCKED_OPTIMIZED);
	}
	metrics_inc(m, M_ROUTER_CALLS, outcome);
	metrics_add(m, M_CALLS_SAVED, saved);
	if (outcome != UNROUTED_DISABLED && outcome != UNROUTED_NOBODY && outcome != UNROUTED_BREAKER)
		metrics_observe(m, M_ROUTER_TIME, a->route_us * 1e-6);
}

static void on_routed(struct idr_call *call, enum unrouted outcome, const struct idr_route_reply *reply)
{
	struct auction *a = container_of(call, struct auction, route_call);

	assert(a->stage == STAGE_ROUTE);
	apply(a, outcome, reply);
	auction_enter(a, STAGE_BID);
}

enum stage auction_route(struct auction *a)
{
	struct idr_route_request *req = &a->route_request;
	struct str *names = ARENA_ARRAY(a->arena, struct str, a->n_candidates);
	bool is_on = a->x->idr && json_bool_at(a->account, "routing.enabled", true);
	enum unrouted outcome = is_on ? UNROUTED_NOBODY : UNROUTED_DISABLED;

	if (a->stored_responses.is_auction)
		return STAGE_JUDGE;            /* nobody is called */
	a->route_started_us = clock_mono_us(); /* finer than the loop's, which stands still within a turn */
	*req = (struct idr_route_request){
		.auction_id = json_str_at(a->request, "id"),
		.publisher_id = a->account_id,
		.ts = (double)a->started_ms / 1000,
		.bidders = names,
		.scores = a->debug,
	};
	for (size_t i = 0; i < a->n_candidates; i++)
		if (!a->candidates[i].blocked)
			names[req->n_bidders++] = a->candidates[i].name;
	if (is_on && req->n_bidders > 0) {
		req->bid_request = arena_own_json(a->arena, brief_request(a));
		a->route_call.done = on_routed;
		a->route_call.traceparent = auction_traceparent(a, &a->route_span);
		outcome = idr_client_ask(a->x->idr, &a->route_call, a->arena, req);
		if (outcome == ROUTED)
			return STAGE_WAIT;
	}
	apply(a, outcome, NULL);
	return STAGE_BID;
}

/* --- explaining it --- */

static struct str exclusion_reason(const struct auction *a, const struct candidate *c)
{
	for (size_t i = 0; a->routing && i < a->routing->n_excluded; i++)
		if (str_eq(a->routing->excluded[i].bidder, c->name))
			return a->routing->excluded[i].reason;
	return STR("not_selected");
}

static void set_known(json_t *j, const char *key, double v)
{
	if (!isnan(v))
		json_set_real(j, key, v);
}

static json_t *render_score(const struct idr_score *s)
{
	json_t *j = json_object(), *components = json_object();

	json_set_str(j, "bidder", s->bidder);
	json_set_real(j, "score", s->total);
	json_set_real(j, "confidence", s->confidence);
	json_set_str(j, "reason", s->reason);
	for (int i = 0; i < IDR_COMPONENTS; i++)
		json_set_real(components, idr_component_names[i], s->components[i]);
	json_object_set_new_nocheck(j, "components", components);
	set_known(j, "probability", s->probability);
	set_known(j, "expectedprice", s->expected_price);
	set_known(j, "marginalvalue", s->marginal_value);
	return j;
}

json_t *route_render(const struct auction *a)
{
	json_t *j = json_object(), *selected = json_array(), *excluded = json_array(), *scores = json_array();

	for (size_t i = 0; i < a->n_candidates; i++) {
		const struct candidate *c = &a->candidates[i];

		if (c->selected)
			json_array_append_new(selected, json_new_str(c->name));
		else if (!c->blocked)
			json_array_append_new(excluded,
					      json_pack("{s:o,s:o}", "bidder", json_new_str(c->name),
							"reason", json_new_str(exclusion_reason(a, c))));
	}
	for (size_t i = 0; a->routing && i < a->routing->n_scores; i++)
		json_array_append_new(scores, render_score(&a->routing->scores[i]));
	json_set_str(j, "source", a->routing ? STR("idr") : STR("fallback"));
	json_set_str(j, "mode", a->routing ? a->routing->mode : STR("all"));
	json_set_str(j, "reason", str_of(unrouted_names[a->unrouted]));
	json_set_real(j, "time_ms", a->route_us / 1000.0);
	json_object_set_new_nocheck(j, "selected", selected);
	json_object_set_new_nocheck(j, "excluded", excluded);
	json_object_set_new_nocheck(j, "scores", scores);
	return j;
}
