#include "pbs/exchange/bid_ext.h"

#include "common/json.h"
#include "pbs/adapters/ortb_ext.h"

static void refuse(struct bid *b, struct nonbids *nb, struct messages *m, const char *text)
{
	messages_add(m, MESSAGE_ERROR, b->seat, ERROR_PLAIN, "%s", text);
	bid_drop(b, NONBID_REJECTED);
	nonbid_add_bid(nb, b, NONBID_REJECTED);
}

static void check(struct bid *b, struct arena *a, struct nonbids *nb, struct messages *m)
{
	const json_t *ext = json_object_get(b->ortb, "ext");
	json_t *given = json_at(ext, "prebid.meta");
	struct errtext why;

	if (ext && !json_is_object(ext) && !json_is_null(ext)) {
		refuse(b, nb, m,
		       arena_printf(a, "bid \"" STR_FMT "\": ext: expected an object", STR_ARG(b->id)));
		return;
	}
	if (b->meta || !given)
		return;
	b->meta = typed_decode(given, &ortb_ext_bid_meta, NULL, &why);
	if (b->meta)
		arena_own_json(a, b->meta);
	else
		refuse(b, nb, m, arena_printf(a, "error validating response from server, %s", why.text));
}

void bid_ext_check_seats(struct seats *seats, struct nonbids *nb, struct messages *m)
{
	for (size_t s = 0; s < seats->n; s++) {
		struct seat *seat = seats->seats[s];

		for (size_t i = 0; i < seat->n_bids; i++)
			check(seat->bids[i], seats->arena, nb, m);
		seat_sweep(seat);
	}
}
