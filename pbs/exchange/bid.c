#include "pbs/exchange/bid.h"

#include "common/json.h"
#include "common/mem.h"

static const struct str type_names[] = {
	[BID_BANNER] = { "banner", 6 },
	[BID_VIDEO] = { "video", 5 },
	[BID_AUDIO] = { "audio", 5 },
	[BID_NATIVE] = { "native", 6 },
};
_Static_assert(ARRAY_LEN(type_names) == BID_TYPES, "one name per type");

struct str bid_type_name(enum bid_type t)
{
	return type_names[t];
}

bool bid_type_parse(struct str name, enum bid_type *ret_type)
{
	for (size_t i = 0; i < BID_TYPES; i++) {
		if (str_eq(name, type_names[i])) {
			*ret_type = (enum bid_type)i;
			return true;
		}
	}
	return false;
}

/* OpenRTB 2.6, 4.3.1: mtype counts from 1 in the order of the enum. */
bool bid_type_of_mtype(int64_t mtype, enum bid_type *ret_type)
{
	if (mtype < 1 || mtype > BID_TYPES)
		return false;
	*ret_type = (enum bid_type)(mtype - 1);
	return true;
}

struct bid *bid_new(struct arena *a, json_t *ortb, enum bid_type type)
{
	struct bid *b = ARENA_NEW(a, struct bid);

	b->ortb = ortb;
	b->type = type;
	b->id = json_str_at(ortb, "id");
	b->impid = json_str_at(ortb, "impid");
	b->dealid = json_str_at(ortb, "dealid");
	b->imp = -1;
	b->price = b->orig_price = json_num_at(ortb, "price", 0);
	return b;
}

void bid_drop(struct bid *b, int nonbid)
{
	b->dropped = true;
	b->nonbid = nonbid;
}

void seats_init(struct seats *s, struct arena *a)
{
	*s = (struct seats){ .arena = a };
}

struct seat *seats_find(const struct seats *s, struct str name)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_eq(s->seats[i]->name, name))
			return s->seats[i];
	return NULL;
}

/* Room for one more element; the arena keeps the outgrown arrays until the request ends. */
static void *grown(struct arena *a, void *old, size_t n, size_t *cap)
{
	void **bigger;

	if (n < *cap)
		return old;
	*cap = *cap ? *cap * 2 : 4;
	bigger = ARENA_ARRAY(a, void *, *cap);
	if (n)
		memcpy(bigger, old, n * sizeof *bigger);
	return bigger;
}

struct seat *seats_get(struct seats *s, struct str name, struct str bidder, struct str core)
{
	struct seat *seat = seats_find(s, name);

	if (seat)
		return seat;
	seat = ARENA_NEW(s->arena, struct seat);
	*seat = (struct seat){ .name = name, .bidder = bidder, .core = core };
	s->seats = grown(s->arena, s->seats, s->n, &s->cap);
	s->seats[s->n++] = seat;
	return seat;
}

void seat_add(struct seats *s, struct seat *seat, struct bid *b)
{
	b->seat = seat->name;
	seat->bids = grown(s->arena, seat->bids, seat->n_bids, &seat->cap_bids);
	seat->bids[seat->n_bids++] = b;
}

void seat_sweep(struct seat *seat)
{
	size_t kept = 0;

	for (size_t i = 0; i < seat->n_bids; i++)
		if (!seat->bids[i]->dropped)
			seat->bids[kept++] = seat->bids[i];
	seat->n_bids = kept;
}
