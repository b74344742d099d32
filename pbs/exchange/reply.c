/* The REPLY stage: the bids that are left become the OpenRTB response.
 *
 * Source  Prebid Server's response layout (seatbid, ext.errors, ext.warnings, ext.responsetimemillis,
 * ext.tmaxrequest, ext.prebid, ext.debug). Seats come in the order in which their first bid arrived. */
#include "common/json.h"
#include "pbs/exchange/auction.h"
#include "pbs/exchange/debug.h"
#include "pbs/exchange/modules.h"

static const struct bidder_run *next_run(const struct auction *a, size_t *i)
{
	return *i < a->n_runs ? &a->runs[(*i)++] : NULL;
}

static void set_if(json_t *obj, const char *key, struct str value)
{
	if (value.n)
		json_set_str(obj, key, value);
}

static void set_new(json_t *obj, const char *key, json_t *value) /* takes it; NULL = leave the member out */
{
	if (value)
		json_object_set_new_nocheck(obj, key, value);
}

/* The core bidder's name is always added. */
static json_t *render_meta(const struct bid *b)
{
	json_t *mine = b->meta ? json_copy(b->meta) : json_object();

	if (b->core.n)
		json_set_str(mine, "adaptercode", b->core);
	return mine;
}

static json_t *render_video(const struct bid *b)
{
	json_t *j = json_object();

	json_set_int(j, "duration", b->video_duration);
	json_set_str(j, "primary_category", b->video_category);
	return j;
}

static json_t *render_bid_prebid(const struct auction *a, const struct bid *b)
{
	json_t *p = json_object();
	const json_t *imp =
		b->imp >= 0 ? json_array_get(json_object_get(a->request, "imp"), (size_t)b->imp) : NULL;
	json_t *passthrough = json_at(imp, "ext.prebid.passthrough");
	json_t *cache = cache_render(&a->cache_plan, b, a->arena), *floors = floors_render(&b->floor);
	json_t *events = events_render(&a->events, b, a->arena);

	set_new(p, "cache", cache);
	if (b->deal_priority)
		json_set_int(p, "dealpriority", b->deal_priority);
	if (b->deal_tier_satisfied)
		json_set_bool(p, "dealtiersatisfied", true);
	json_object_set_new_nocheck(p, "meta", render_meta(b));
	if (b->targeting && json_object_size(b->targeting))
		json_object_set_nocheck(p, "targeting", b->targeting);
	set_if(p, "targetbiddercode", b->target_code);
	json_set_str(p, "type", bid_type_name(b->type));
	if (b->has_video)
		json_object_set_new_nocheck(p, "video", render_video(b));
	set_new(p, "events", events);
	set_if(p, "bidid", b->generated_id);
	if (passthrough)
		json_object_set_nocheck(p, "passthrough", passthrough);
	set_new(p, "floors", floors);
	return p;
}

static size_t key_max(const struct auction *a)
{
	return targeting_key_max(json_int_at(a->account, "truncate_target_attr", 0));
}

/* Keys that the publisher defined; they may name members of the bid as it is sent. */
static void add_own_keys(struct auction *a, const struct seat *seat, const struct bid *b, json_t *bid)
{
	struct adserver_bid sent = {
		.bid = bid,
		.seat = seat->name,
		.bid_id = b->id,
		.response_id = json_str_at(a->request, "id"),
		.cur = seat->cur,
		.imp = b->imp,
	};
	json_t *prebid = json_object_get(json_object_get(bid, "ext"), "prebid"), *targets;

	if (a->adserver_targeting.n == 0)
		return;
	targets = json_own_object(prebid, "targeting");
	adserver_targeting_apply(&a->adserver_targeting, &sent, targets, key_max(a), a->arena, &a->messages);
	if (json_object_size(targets) == 0)
		json_object_del(prebid, "targeting");
}

/* options.echovideoattrs: what the stored imp says about the player. */
static void add_stored_attributes(const struct auction *a, const struct bid *b, json_t *ext)
{
	const struct stored_imp *stored = b->imp >= 0 ? stored_imps_find(&a->stored_imps, b->impid) : NULL;
	json_t *video = stored && stored->echo_video ? json_object_get(stored->doc, "video") : NULL;

	if (video)
		json_object_set_nocheck(ext, "storedrequestattributes", video);
}

/* returnCreative: false. What the cache was to keep and did not stays here: the page would have nothing to show.
 */
static bool leaves_creative_out(const struct auction *a, const struct bid *b)
{
	return (a->cache_plan.bids || a->cache_plan.vast) && !a->cache_plan.keep_creative && !b->uncached;
}

/* The adapter's members stay at the top of bid.ext; `prebid` is ours. */
static json_t *render_bid(struct auction *a, const struct seat *seat, const struct bid *b)
{
	json_t *j = json_copy(b->ortb), *theirs = json_object_get(b->ortb, "ext");
	json_t *ext = json_is_object(theirs) ? json_copy(theirs) : json_object();

	json_set_real(j, "price", b->price);
	if (b->vast_adm.n)
		json_set_str(j, "adm", b->vast_adm);
	if (leaves_creative_out(a, b))
		json_object_del(j, "adm");
	json_set_real(ext, "origbidcpm", b->orig_price);
	set_if(ext, "origbidcur", b->orig_cur);
	add_stored_attributes(a, b, ext);
	json_object_set_new_nocheck(ext, "prebid", render_bid_prebid(a, b));
	json_object_set_new_nocheck(j, "ext", ext);
	add_own_keys(a, seat, b, j);
	return j;
}

static json_t *render_seats(struct auction *a, struct str *ret_cur)
{
	json_t *seatbid = json_array();

	for (size_t s = 0; s < a->seats.n; s++) {
		const struct seat *seat = a->seats.seats[s];
		json_t *bids = json_array(), *j = json_object();

		for (size_t i = 0; i < seat->n_bids; i++)
			if (!seat->bids[i]->dropped)
				json_array_append_new(bids, render_bid(a, seat, seat->bids[i]));
		if (json_array_size(bids) == 0) {
			json_decref(bids);
			json_decref(j);
			continue;
		}
		json_object_set_new_nocheck(j, "bid", bids);
		json_set_str(j, "seat", seat->name);
		json_array_append_new(seatbid, j);
		*ret_cur = seat->cur;
	}
	return seatbid;
}

static json_t *render_times(const struct auction *a)
{
	json_t *times = json_object();
	const struct bidder_run *run;
	size_t i = 0;

	while ((run = next_run(a, &i)))
		json_object_setn_new_nocheck(times, run->candidate->name.p, run->candidate->name.n,
					     json_integer(run->response_ms));
	return times;
}

static json_t *render_ext_prebid(const struct auction *a)
{
	json_t *p = json_object();
	json_t *passthrough = json_at(a->request, "ext.prebid.passthrough");
	json_t *nonbid = NULL, *modules = modules_render(a);

	json_set_int(p, "auctiontimestamp", a->started_ms);
	if (passthrough)
		json_object_set_nocheck(p, "passthrough", passthrough);
	if (json_bool_at(a->request, "ext.prebid.returnallbidstatus", false))
		nonbid = nonbids_render(&a->nonbids);
	set_new(p, "seatnonbid", nonbid);
	set_new(p, "modules", modules);
	if (a->auction_configs)
		json_object_set_nocheck(json_own_object(p, "fledge"), "auctionconfigs", a->auction_configs);
	return p;
}

static json_t *render_ext(const struct auction *a)
{
	json_t *ext = json_object();
	json_t *errors = messages_render(&a->messages, MESSAGE_ERROR, a->debug);
	json_t *warnings = messages_render(&a->messages, MESSAGE_WARNING, a->debug);
	json_t *times = render_times(a);
	int64_t tmax = json_int_at(a->request, "tmax", 0);

	if (a->debug)
		json_object_set_new_nocheck(ext, "debug", debug_render(a));
	if (errors)
		json_object_set_new_nocheck(ext, "errors", errors);
	if (warnings)
		json_object_set_new_nocheck(ext, "warnings", warnings);
	if (json_object_size(times))
		json_object_set_nocheck(ext, "responsetimemillis", times);
	json_decref(times);
	if (tmax)
		json_set_int(ext, "tmaxrequest", tmax);
	json_object_set_new_nocheck(ext, "prebid", render_ext_prebid(a));
	return ext;
}

static json_t *render_response(struct auction *a)
{
	json_t *response = json_object();
	struct str cur = STR("");
	json_t *seatbid = render_seats(a, &cur);

	json_set_str(response, "id", json_str_at(a->request, "id"));
	if (json_array_size(seatbid))
		json_object_set_nocheck(response, "seatbid", seatbid);
	json_decref(seatbid);
	set_if(response, "cur", cur);
	if (a->nbr >= 0)
		json_set_int(response, "nbr", a->nbr);
	json_object_set_new_nocheck(response, "ext", render_ext(a));
	return response;
}

enum stage auction_reply(struct auction *a)
{
	if (!a->refusal.p) {
		a->status = 200;
		a->answer = arena_own_json(a->arena, render_response(a));
	}
	return STAGE_DONE;
}
