/* The auction's table of contents: what happens, in which order, and which stage may follow which.
 *
 * Happy path: RESOLVE and ENRICH wait for stored data only when it is not in memory, ROUTE waits for the router (50 ms
 * at most), BID waits for bidders until the deadline, CACHE only when asked for. Any stage before BID may
 * refuse the request, which goes straight to REPLY. A client that leaves changes nothing: the auction ends as
 * always and its reply goes nowhere. */
#include "pbs/exchange/auction.h"

#include <assert.h>

#include "common/clock.h"
#include "common/log.h"
#include "pbs/bidders.h"
#include "pbs/live_config.h"

#define BIT(stage) (1u << (stage))

static enum stage auction_done(struct auction *a);

static const struct {
	const char *name;
	enum stage (*enter)(struct auction *a); /* returns the stage that follows, or STAGE_WAIT */
	unsigned next;                          /* stages allowed to follow */
} stages[STAGES] = {
	[STAGE_NEW] = { "new", NULL, BIT(STAGE_RESOLVE) },
	[STAGE_RESOLVE] = { "resolve", auction_resolve, BIT(STAGE_ENRICH) | BIT(STAGE_REPLY) },
	[STAGE_ENRICH] = { "enrich", auction_enrich, BIT(STAGE_CHECK) | BIT(STAGE_REPLY) },
	[STAGE_CHECK] = { "check", auction_check, BIT(STAGE_PRIVACY) | BIT(STAGE_REPLY) },
	[STAGE_PRIVACY] = { "privacy", auction_privacy, BIT(STAGE_ROUTE) | BIT(STAGE_REPLY) },
	[STAGE_ROUTE] = { "route", auction_route, BIT(STAGE_BID) | BIT(STAGE_JUDGE) },
	[STAGE_BID] = { "bid", auction_bid, BIT(STAGE_JUDGE) | BIT(STAGE_REPLY) },
	[STAGE_JUDGE] = { "judge", auction_judge, BIT(STAGE_CACHE) | BIT(STAGE_REPLY) },
	[STAGE_CACHE] = { "cache", auction_cache, BIT(STAGE_REPLY) },
	[STAGE_REPLY] = { "reply", auction_reply, BIT(STAGE_DONE) },
	[STAGE_DONE] = { "done", auction_done, 0 },
};

const char *const bidder_outcomes[BIDDER_OUTCOMES] = {
	[OUTCOME_NO_BID] = "no_bid",
	[OUTCOME_BID] = "bid",
	[OUTCOME_TIMEOUT] = "timeout",
	[OUTCOME_ERROR] = "error",
};

void auction_enter(struct auction *a, enum stage to)
{
	log_set_request(a->request_id, a->trace_id);
	while (to != STAGE_WAIT) {
		assert(stages[a->stage].next & BIT(to));
		a->stage = to;
		if (a->times)
			a->times->entered_us[to] = clock_mono_us();
		to = stages[to].enter(a);
	}
	/* `a` may be gone here: STAGE_DONE hands it back to its front. */
	log_set_request(STR(""), STR(""));
}

const char *auction_stage_name(enum stage s)
{
	return stages[s].name;
}

struct auction *auction_new(struct exchange *x, const struct auction_front *front,
			    const struct live_config *live, struct arena *arena)
{
	struct auction *a = ARENA_NEW(arena, struct auction);

	a->x = x;
	a->config = live->values;
	a->privacy_host = live->privacy;
	a->bidders = bidders_lend(&x->bidders, arena);
	a->front = front;
	a->arena = arena;
	a->started_ms = clock_wall_ms();
	a->started_us = loop_now_us(x->loop);
	a->nbr = -1;
	messages_init(&a->messages, arena);
	return a;
}

void auction_start(struct auction *a)
{
	a->x->open_auctions++;
	auction_enter(a, STAGE_RESOLVE);
}

static enum stage auction_done(struct auction *a)
{
	a->x->open_auctions--;
	a->front->answer(a);
	return STAGE_WAIT;
}

struct str auction_traceparent(struct auction *a, uint64_t *ret_span)
{
	char text[TRACEPARENT_TEXT + 1];

	*ret_span = 0;
	if (!a->trace)
		return STR("");
	*ret_span = trace_new_span(&a->x->rng);
	trace_write_parent(a->trace, *ret_span, text);
	return arena_str(a->arena, str_of(text));
}

int auction_imp_index(const struct auction *a, struct str id)
{
	for (size_t i = 0; i < a->n_imps; i++)
		if (str_eq(a->imp_ids[i], id))
			return (int)i;
	return -1;
}

struct candidate *auction_find_candidate(struct auction *a, struct str name)
{
	for (size_t i = 0; i < a->n_candidates; i++)
		if (str_eq(a->candidates[i].name, name))
			return &a->candidates[i];
	return NULL;
}
