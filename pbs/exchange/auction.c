/* The auction's table of contents: what happens, in which order, and which stage may follow which.
 *
 * Happy path: RESOLVE and ENRICH wait for stored data only when it is not in memory, ROUTE waits for the router (50 ms
 * at most), BID waits for bidders until the deadline, CACHE only when asked for. Any stage before BID may
 * refuse the request, which goes straight to REPLY. A client that leaves changes nothing: the auction ends as
 * always and its reply goes nowhere. */
#include "pbs/exchange/auction.h"

#include <assert.h>

#include "pbs/bidders.h"

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

void auction_enter(struct auction *a, enum stage to)
{
	while (to != STAGE_WAIT) {
		assert(stages[a->stage].next & BIT(to));
		a->stage = to;
		to = stages[to].enter(a);
	}
	/* `a` may be gone here: STAGE_DONE hands it back to its front. */
}

struct auction *auction_new(struct exchange *x, const struct auction_front *front, struct arena *arena)
{
	struct auction *a = ARENA_NEW(arena, struct auction);

	a->x = x;
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
