/* The JUDGE stage: bids become comparable, those that may not take part are dropped with a reason, and each
 * imp gets its winner and targeting. Pure but for the messages it files. */
#include "common/err.h"
#include "common/json.h"
#include "common/uuid.h"
#include "pbs/bidders.h"
#include "pbs/config.h"
#include "pbs/exchange/auction.h"
#include "pbs/exchange/bid_ext.h"
#include "pbs/exchange/bid_price.h"
#include "pbs/exchange/categories.h"
#include "pbs/exchange/creative_checks.h"
#include "pbs/exchange/multibid.h"
#include "pbs/exchange/native_markup.h"
#include "pbs/exchange/stored_run.h"
#include "pbs/exchange/tally.h"
#include "pbs/exchange/targeting.h"
#include "pbs/exchange/validate_bid.h"
#include "pbs/exchange/winners.h"

static bool is_app(const struct auction *a)
{
	return json_is_object(json_object_get(a->request, "app"));
}

/* The seat a bid asks for, when it may have it. */
static bool choose_seat(struct auction *a, const struct bidder_run *run, const struct adapter_bid *in,
			struct str *ret_seat)
{
	const json_t *codes = json_at(a->request, "ext.prebid.alternatebiddercodes");
	struct errtext why;

	*ret_seat = run->candidate->name;
	if (in->seat.n == 0 || str_eq_nocase(in->seat, run->candidate->name))
		return true;
	if (!codes)
		codes = json_object_get(a->account, "alternatebiddercodes");
	if (!validate_bid_seat(codes, run->candidate->name, in->seat, &why)) {
		messages_add(&a->messages, MESSAGE_WARNING, run->candidate->name, WARN_ALTERNATE_CODE, "%s",
			     why.text);
		return false;
	}
	*ret_seat = in->seat;
	return true;
}

static struct bid *make_bid(struct auction *a, const struct bidder_run *run, const struct adapter_bid *in,
			    struct str cur)
{
	enum bid_type type = BID_BANNER;
	struct bid *b;

	bid_type_parse(in->type, &type);
	b = bid_new(a->arena, in->bid, type);
	b->bidder = b->seat = run->candidate->name;
	b->core = str_of(run->candidate->bidder->bidder.name);
	b->imp = auction_imp_index(a, b->impid);
	b->orig_cur = cur.n ? cur : STR("USD");
	b->meta = in->meta;
	b->deal_priority = (int)in->deal_priority;
	b->has_video = in->has_video;
	b->video_duration = (int)in->video.duration;
	b->video_category = in->video.primary_category;
	return b;
}

/* A bid that never gets into a seat; its pair of bidder and imp still needs a status. */
static void lose(struct auction *a, struct bid *b)
{
	bid_drop(b, NONBID_REJECTED);
	nonbid_add_bid(&a->nonbids, b, NONBID_REJECTED);
}

static void place(struct auction *a, struct bid *b, struct str name)
{
	struct seat *seat = seats_get(&a->seats, name, b->bidder, b->core);

	seat_add(&a->seats, seat, b);
	seat->cur = b->cur;
}

/* A price in the auction's currency for every bid of one reply; without a rate all of them are lost. */
static void take_reply(struct auction *a, const struct bidder_run *run, const struct adapter_bids *bids,
		       const struct bid_price_rules *rules)
{
	const json_t *imps = json_object_get(a->request, "imp");
	struct errtext why;
	struct str cur;
	double rate;
	bool has_rate;

	if (bids->n == 0)
		return;
	has_rate = bid_price_target(&a->rates, bids->currency, json_object_get(a->request, "cur"), &cur,
				    &rate, &why) == 0;
	if (!has_rate)
		messages_add(&a->messages, MESSAGE_ERROR, run->candidate->name, ERROR_PLAIN, "%s", why.text);
	for (const struct adapter_bid *in = bids->first; in; in = in->next) {
		struct bid *b = make_bid(a, run, in, bids->currency);
		const json_t *imp = b->imp >= 0 ? json_array_get(imps, (size_t)b->imp) : NULL;
		struct str seat;

		if (!has_rate || !choose_seat(a, run, in, &seat)) {
			lose(a, b);
			continue;
		}
		b->seat = seat;
		bid_price_apply(b, rules, bids->currency, cur, rate, imp);
		if (is_app(a))
			native_markup_add_types(b, imp, a->arena, &a->messages);
		place(a, b, seat);
	}
}

/* Bidders may hand out configurations of on-device auctions without bidding. */
static void add_auction_configs(struct auction *a, const struct bidder_run *run, const json_t *configs)
{
	for (size_t i = 0; i < json_array_size(configs); i++) {
		json_t *config = json_copy(json_array_get(configs, i));

		if (!a->auction_configs)
			a->auction_configs = arena_own_json(a->arena, json_array());
		json_set_str(config, "bidder", run->candidate->name);
		json_set_str(config, "adapter", str_of(run->candidate->bidder->bidder.name));
		json_array_append_new(a->auction_configs, config);
	}
}

static void validate_seats(struct auction *a)
{
	const json_t *cur = json_object_get(a->request, "cur");
	struct bid_limits limits = { .max_price = a->config->max_bid_price };

	for (size_t s = 0; s < a->seats.n; s++) {
		struct seat *seat = a->seats.seats[s];

		validate_bid_sweep_seat(seat, cur, &limits, &a->nonbids, &a->messages);
		for (size_t i = 0; i < seat->n_bids; i++)
			nonbid_has_bid(&a->nonbids, seat->bids[i]->bidder, seat->bids[i]->imp);
	}
}

/* What the request, the account and the host say about targeting. Validation has refused what cannot be read.
 */
static void read_targeting(struct auction *a)
{
	const struct pbs_config *c = a->config;
	const json_t *wanted = json_at(a->request, "ext.prebid.targeting");
	struct targeting_account account = {
		.prefix = json_str_at(a->account, "targeting_prefix"),
		.truncate_attr = json_int_at(a->account, "truncate_target_attr", 0),
		.exact_buckets = json_bool_at(a->account, "exact_price_buckets", false),
	};

	a->has_targeting =
		json_is_object(wanted) && targeting_parse(wanted, a->arena, &a->targeting, NULL) == 0;
	if (!a->has_targeting)
		return;
	bid_rounding_parse(json_str_at(a->account, "bid_rounding"), &account.rounding);
	targeting_use_account(&a->targeting, wanted, &account, &a->messages);
	a->targeting.cache_host = str_of(c->external_cache_host);
	a->targeting.cache_path = str_of(c->external_cache_path);
	if (a->front->entry == ADAPTER_AMP)
		a->targeting.env = STR("amp");
	else if (is_app(a))
		a->targeting.env = STR("mobile-app");
}

static void check_creatives(struct auction *a)
{
	const struct pbs_config *c = a->config;
	struct creative_policy policy = {
		.dsa = json_at(a->request, "regs.ext.dsa"),
		.size = (enum creative_mode)c->creative_size_mode,
		.secure = (enum creative_mode)c->secure_markup_mode,
		.max_width = json_int_at(a->account, "validations.max_creative_width", c->max_creative_width),
		.max_height =
			json_int_at(a->account, "validations.max_creative_height", c->max_creative_height),
		.found = tally_creative,
		.ctx = a,
	};
	struct str size = json_str_at(a->account, "validations.banner_creative_max_size");
	struct str secure = json_str_at(a->account, "validations.secure_markup");

	if (size.n)
		creative_mode_parse(size, &policy.size);
	if (secure.n)
		creative_mode_parse(secure, &policy.secure);
	bid_ext_check_seats(&a->seats, &a->nonbids, &a->messages);
	creative_check_seats(&a->seats, &policy, &a->nonbids, &a->messages);
}

/* Ids and event URLs, which the cache needs too. */
static void prepare_bid(struct auction *a, struct bid *b)
{
	/* A stored auction's bids have no bidder behind them, only the seat's name. */
	const struct registry_bidder *core =
		registry_find(a->bidders->registry, b->core.n ? b->core : b->seat);
	char uuid[UUID_TEXT + 1];

	if (a->config->generate_bid_id) {
		uuid_v4(&a->x->rng, uuid);
		b->generated_id = arena_str(a->arena, str_of(uuid));
	}
	events_inject_vast(&a->events, b, core && core->info.modifying_vast_xml_allowed, a->arena);
}

static void prepare_bids(struct auction *a)
{
	a->events = (struct events){
		.active = json_bool_at(a->account, "events.enabled", false) ||
			  json_at(a->request, "ext.prebid.events") != NULL,
		.external_url = str_of(a->config->external_url),
		.account = a->account_id,
		.integration = json_str_at(a->request, "ext.prebid.integration"),
		.auction_start_ms = a->started_ms,
	};
	if (!a->events.active && !a->config->generate_bid_id)
		return;
	for (size_t s = 0; s < a->seats.n; s++)
		for (size_t i = 0; i < a->seats.seats[s]->n_bids; i++)
			prepare_bid(a, a->seats.seats[s]->bids[i]);
}

static bool any_bid(const struct auction *a)
{
	for (size_t s = 0; s < a->seats.n; s++)
		if (a->seats.seats[s]->n_bids)
			return true;
	return false;
}

/* Competitive exclusion; false when the request asks for an ad server that nobody knows. */
static bool exclude_categories(struct auction *a)
{
	struct categories c;
	struct errtext why;

	if (!a->has_targeting || !a->targeting.brand_category || !any_bid(a))
		return true;
	if (categories_parse(a->targeting.brand_category, &c, &why) < 0) {
		a->status = 500;
		a->refusal =
			str_of(arena_printf(a->arena,
					    "Critical error while running the auction: Error in category "
					    "mapping : %s",
					    why.text));
		return false;
	}
	categories_apply(&c, a->category_mapping, &a->targeting, &a->seats, &a->x->rng, &a->nonbids,
			 &a->messages, a->arena);
	return true;
}

static void choose_winners(struct auction *a)
{
	unsigned limit = a->has_targeting ? (unsigned)json_int_at(a->account, "default_bid_limit", 0) : 0;

	winners_choose(&a->seats, a->targeting.prefer_deals, limit, a->arena, &a->ranking);
	multibid_read(json_at(a->request, "ext.prebid.multibid"), a->arena, &a->multibid);
	if (a->has_targeting && json_bool_at(a->request, "ext.prebid.supportdeals", false))
		deal_tiers_apply(&a->ranking, &a->multibid, json_object_get(a->request, "imp"), &a->messages,
				 a->arena);
}

/* The account's rules fill what the request leaves open; bad ones are left out as a whole. */
static void merge_adjustments(struct auction *a, struct adjust_rules *ret_rules)
{
	const json_t *account = json_object_get(a->account, "bidadjustments");

	if (!adjust_rules_are_valid(account)) {
		messages_add(&a->messages, MESSAGE_WARNING, BUCKET_PREBID, WARN_BID_ADJUSTMENT,
			     "bid adjustment on account was invalid");
		account = NULL;
	}
	adjust_rules_merge(json_at(a->request, "ext.prebid.bidadjustments"), account, a->arena, ret_rules);
}

static void take_replies(struct auction *a)
{
	struct adjust_rules adjust;
	struct bid_price_rules rules = {
		.rates = &a->rates,
		.factors = json_at(a->request, "ext.prebid.bidadjustmentfactors"),
		.rules = &adjust,
	};

	merge_adjustments(a, &adjust);
	for (size_t r = 0; r < a->n_runs; r++)
		for (const struct bidder_reply *reply = a->runs[r].replies; reply; reply = reply->next) {
			add_auction_configs(a, &a->runs[r], reply->bids.configs);
			take_reply(a, &a->runs[r], &reply->bids, &rules);
		}
}

enum stage auction_judge(struct auction *a)
{
	a->judge_us = clock_mono_us();
	seats_init(&a->seats, a->arena);
	if (a->stored_responses.is_auction) {
		if (stored_run_auction(a) < 0)
			return STAGE_REPLY;
	} else {
		take_replies(a);
		validate_seats(a);
	}
	floors_enforce(&a->floors_in, &a->floors, a->request, &a->seats, &a->nonbids);
	check_creatives(a);
	read_targeting(a);
	if (!exclude_categories(a))
		return STAGE_REPLY;
	prepare_bids(a);
	choose_winners(a);
	adserver_targeting_parse(json_at(a->request, "ext.prebid.adservertargeting"), a->request, a->query,
				 a->arena, &a->messages, &a->adserver_targeting);
	return STAGE_CACHE;
}
