/* The BID stage: each selected bidder gets a request of its own, and all of them are called at once. */
#include "common/json.h"
#include "pbs/bidders.h"
#include "pbs/config.h"
#include "pbs/exchange/auction.h"
#include "pbs/exchange/fanout.h"
#include "pbs/exchange/stored_run.h"
#include "pbs/price/adjust.h"
#include "pbs/privacy/verdict.h"
#include "pbs/usersync/syncer.h"
#include "pbs/usersync/uids.h"

static uint64_t chance(void *rng)
{
	return rng_u64(rng);
}

/* Bidders whose answer is welcome but not waited for: the request's word, else the account's. */
static bool is_secondary(const struct auction *a, struct str bidder)
{
	const json_t *names = json_at(a->request, "ext.prebid.auctionoptions.secondarybidders");

	if (!names)
		names = json_object_get(a->account, "secondary_bidders");
	for (size_t i = 0; i < json_array_size(names); i++)
		if (str_eq_nocase(json_str(json_array_get(names, i)), bidder))
			return true;
	return false;
}

static void init_run(struct auction *a, struct bidder_run *run, const struct bidder_request *split)
{
	struct candidate *c = auction_find_candidate(a, split->bidder.name);

	*run = (struct bidder_run){ .a = a, .candidate = c, .split = *split };
	run->secondary = is_secondary(a, c->name);
	run->replies_tail = &run->replies;
	run->request = (struct adapter_request){
		.arena = a->arena,
		.bidder = &c->bidder->bidder,
		.entry = a->front->entry,
		.convert = currency_convert,
		.rates = &a->rates,
		.random = chance,
		.chance = &a->x->rng,
	};
	c->run = run;
}

static struct str buyer_uid(const void *ctx, struct str core)
{
	const struct auction *a = ctx;
	const struct syncer *s = a->uids ? syncers_find(a->bidders->syncers, core) : NULL;
	const struct uid *one = s ? uids_find(a->uids, s->key) : NULL;

	return one ? one->uid : STR("");
}

static int split_selected(struct auction *a, struct bidder_request **ret_requests, size_t *ret_n)
{
	const struct pbs_config *c = a->config;
	struct split_bidder *selected = ARENA_ARRAY(a->arena, struct split_bidder, a->n_candidates);
	struct split_rules rules = {
		.names = &a->names,
		.buyer_uid = buyer_uid,
		.buyer_uid_ctx = a,
		.host_schain_node = c->host_schain_node,
		.account_alternate_codes = json_object_get(a->account, "alternatebiddercodes"),
		.external_url = str_of(c->external_url),
		.datacenter = str_of(c->datacenter),
		.host_vendor_id = c->host_vendor_id,
	};
	size_t n = 0;

	for (size_t i = 0; i < a->n_candidates; i++)
		if (a->candidates[i].selected)
			selected[n++] = (struct split_bidder){ a->candidates[i].name,
							       str_of(a->candidates[i].bidder->bidder.name) };
	return split(a->request, &rules, selected, n, a->arena, &a->messages, ret_requests, ret_n);
}

/* Floors as the bidder must see them, what time it has, and the OpenRTB version it reads. */
static void adapt_to_bidder(struct auction *a, struct bidder_run *run)
{
	const struct pbs_config *c = a->config;
	const struct bidder_info *info = &run->candidate->bidder->info;
	struct split_dialect dialect = { .ortb_26 = info->openrtb_26, .gpp = info->gpp_supported };
	struct split_tmax tmax = {
		.mode = SPLIT_TMAX_REDUCE,
		.network_buffer_ms = c->bidder_network_buffer_ms + info->tmax_deduction_ms,
		.preparation_ms = c->response_preparation_ms,
	};
	uint64_t now = loop_now_ms(a->x->loop);
	int64_t left = a->bid_deadline_ms > now ? (int64_t)(a->bid_deadline_ms - now) : 0;
	double factor = adjust_factor(json_at(a->request, "ext.prebid.bidadjustmentfactors"),
				      run->candidate->name, run->candidate->name);

	if (a->floors.active && a->floors_account.adjust_for_bid_adjustment && factor != 1)
		floors_adjust_for_bidder(run->split.request, factor);
	split_set_tmax(&run->split, split_tmax_ms(&tmax, json_int_at(a->request, "tmax", 0), left));
	privacy_apply(a->privacy, (size_t)(run->candidate - a->candidates), run->split.request, a->scrubbed);
	split_finish(&run->split, &dialect, &a->gpp);
}

/* Bidders get what later stages leave of the auction's time. */
static void set_bid_deadline(struct auction *a)
{
	const json_t *cache = json_at(a->request, "ext.prebid.cache");
	uint64_t reserve = cache ? a->config->cache_expected_ms : 0;

	a->bid_deadline_ms = a->deadline_ms > reserve ? a->deadline_ms - reserve : 0;
}

enum stage auction_bid(struct auction *a)
{
	struct bidder_request *requests;
	bool waits;
	size_t n;

	a->bid_us = clock_mono_us();
	set_bid_deadline(a);
	if (split_selected(a, &requests, &n) < 0)
		return auction_refuse(a);
	a->runs = ARENA_ARRAY(a->arena, struct bidder_run, n);
	for (size_t i = 0; i < n; i++) {
		init_run(a, &a->runs[a->n_runs++], &requests[i]);
		stored_run_take(&a->runs[i]);
		if (a->runs[i].split.n_imps == 0)
			continue;
		adapt_to_bidder(a, &a->runs[i]);
		fanout_prepare(&a->runs[i]);
	}
	if (n == 0)
		a->nbr = 2; /* nobody could be called */
	waits = fanout_start(a);
	a->sent_us = clock_mono_us();
	return waits ? STAGE_WAIT : STAGE_JUDGE;
}
