#include "pbs/exchange/stored_run.h"

#include <stdlib.h>

#include "common/json.h"
#include "pbs/exchange/auction.h"
#include "pbs/exchange/fanout.h"

/* --- one bidder's answer for one imp --- */

/* The call that was never made, for the adapter and for debug. */
static void init_call(struct bidder_call *call, struct bidder_run *run, const struct stored_response *r)
{
	struct arena *arena = run->a->arena;
	struct adapter_call *sent = ARENA_NEW(arena, struct adapter_call);
	struct str *ids = ARENA_NEW(arena, struct str);

	*ids = r->imp_id;
	*sent = (struct adapter_call){
		.uri = STR(""), .body = run->split.request, .imp_ids = ids, .n_imp_ids = 1
	};
	*call = (struct bidder_call){ .run = run, .sent = sent, .url = "", .status = 200 };
	call->body = str_of(
		arena_printf(arena, "Stored bid response for impression id: " STR_FMT, STR_ARG(r->imp_id)));
}

static void drop_text(void *text)
{
	free(text);
}

static void take(struct bidder_call *call, const struct stored_response *r)
{
	struct auction *a = call->run->a;
	char *text = json_text(r->body);
	struct adapter_reply reply = { .status = 200, .bytes = str_of(text) };
	const struct bidder_reply *parsed;

	arena_defer(a->arena, drop_text, text);
	if (a->debug)
		call->reply = reply.bytes;
	parsed = fanout_parse(call, &reply);
	for (const struct adapter_bid *b = parsed->bids.first; b && r->replaces_imp_id; b = b->next)
		json_set_str(b->bid, "impid", r->imp_id);
}

/* The responses for this bidder. Of two for one imp, which stand side by side, the later one counts. */
static size_t find_stored(const struct bidder_run *run, const struct stored_response **ret_found)
{
	const struct stored_responses *sr = &run->a->stored_responses;
	size_t n = 0;

	for (size_t i = 0; i < sr->n; i++) {
		const struct stored_response *r = &sr->list[i];

		if (!str_eq_nocase(r->bidder, run->candidate->name))
			continue;
		if (n > 0 && ret_found[n - 1]->imp == r->imp)
			n--;
		ret_found[n++] = r;
	}
	return n;
}

void stored_run_take(struct bidder_run *run)
{
	size_t n = run->a->stored_responses.n;
	struct arena *arena = run->a->arena;
	const struct stored_response **found;
	struct str *ids;

	if (n == 0)
		return;
	found = ARENA_ARRAY(arena, const struct stored_response *, n);
	ids = ARENA_ARRAY(arena, struct str, n);
	run->stored = ARENA_ARRAY(arena, struct bidder_call, n);
	run->request.root = run->split.request;
	n = find_stored(run, found);
	for (size_t i = 0; i < n; i++) {
		init_call(&run->stored[i], run, found[i]);
		run->n_stored++;
		take(&run->stored[i], found[i]);
		ids[i] = found[i]->imp_id;
	}
	if (n)
		split_drop_imps(&run->split, ids, n, arena);
}

/* --- the answer of all --- */

static struct str auction_currency(const struct auction *a)
{
	struct str cur = json_str(json_array_get(json_object_get(a->request, "cur"), 0));

	return cur.n ? cur : STR("USD");
}

static void add_bid(struct auction *a, const struct stored_bid *stored)
{
	struct seat *seat = seats_get(&a->seats, stored->seat, stored->seat, STR(""));
	enum bid_type type = BID_BANNER;
	struct bid *b;

	bid_type_parse(str_of(media_name(stored->media)), &type);
	b = bid_new(a->arena, stored->bid, type);
	b->bidder = stored->seat;
	b->imp = (int)stored->imp;
	b->cur = auction_currency(a);
	b->orig_price = 0;
	seat_add(&a->seats, seat, b);
}

int stored_run_auction(struct auction *a)
{
	struct stored_bids bids;
	struct errtext why;
	int err = stored_responses_bids(&a->stored_responses, a->arena, &why, &bids);

	if (err) {
		a->status = 500;
		a->refusal = str_of(
			arena_printf(a->arena, "Critical error while running the auction: %s", why.text));
		return err;
	}
	for (size_t i = 0; i < bids.n; i++)
		add_bid(a, &bids.list[i]);
	a->auction_configs = bids.fledge;
	return 0;
}
