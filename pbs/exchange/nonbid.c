/* Per seat one byte per imp says whether the pair is settled; reasons are a list in order of arrival. */
#include "pbs/exchange/nonbid.h"

#include "common/json.h"
#include "pbs/exchange/bid.h"

enum pair { PAIR_UNKNOWN, PAIR_ASKED, PAIR_SETTLED };

struct nonbid_entry {
	struct nonbid_entry *next;
	struct str impid;
	int code;
	const struct bid *bid; /* NULL for failed and blocked calls */
};

struct nonbid_seat {
	struct nonbid_seat *next;
	struct str name;
	unsigned char *pairs;
	struct nonbid_entry *first, **tail;
};

void nonbids_init(struct nonbids *nb, struct arena *a, const struct str *imp_ids, size_t n_imps)
{
	*nb = (struct nonbids){ .arena = a, .imp_ids = imp_ids, .n_imps = n_imps };
	nb->tail = &nb->seats;
}

static struct nonbid_seat *seat_get(struct nonbids *nb, struct str name)
{
	struct nonbid_seat *s;

	for (s = nb->seats; s; s = s->next)
		if (str_eq(s->name, name))
			return s;
	s = ARENA_NEW(nb->arena, struct nonbid_seat);
	s->name = name;
	s->pairs = ARENA_ARRAY(nb->arena, unsigned char, nb->n_imps + 1);
	s->tail = &s->first;
	*nb->tail = s;
	nb->tail = &s->next;
	return s;
}

static bool is_imp(const struct nonbids *nb, int imp)
{
	return imp >= 0 && (size_t)imp < nb->n_imps;
}

static void append(struct nonbids *nb, struct nonbid_seat *s, struct nonbid_entry entry)
{
	struct nonbid_entry *e = ARENA_NEW(nb->arena, struct nonbid_entry);

	*e = entry;
	*s->tail = e;
	s->tail = &e->next;
}

void nonbid_expect(struct nonbids *nb, struct str bidder, int imp)
{
	struct nonbid_seat *s;

	if (!is_imp(nb, imp))
		return;
	s = seat_get(nb, bidder);
	if (s->pairs[imp] == PAIR_UNKNOWN)
		s->pairs[imp] = PAIR_ASKED;
}

void nonbid_has_bid(struct nonbids *nb, struct str bidder, int imp)
{
	if (is_imp(nb, imp))
		seat_get(nb, bidder)->pairs[imp] = PAIR_SETTLED;
}

void nonbid_add(struct nonbids *nb, struct str bidder, int imp, enum nonbid code)
{
	struct nonbid_seat *s;

	if (!is_imp(nb, imp))
		return;
	s = seat_get(nb, bidder);
	if (s->pairs[imp] == PAIR_SETTLED)
		return;
	s->pairs[imp] = PAIR_SETTLED;
	append(nb, s, (struct nonbid_entry){ .impid = nb->imp_ids[imp], .code = code });
}

void nonbid_add_bidder(struct nonbids *nb, struct str bidder, enum nonbid code)
{
	const struct nonbid_seat *s = seat_get(nb, bidder);

	for (size_t i = 0; i < nb->n_imps; i++)
		if (s->pairs[i] == PAIR_ASKED)
			nonbid_add(nb, bidder, (int)i, code);
}

void nonbid_add_bid(struct nonbids *nb, const struct bid *b, enum nonbid code)
{
	if (code == NONBID_SILENT)
		return;
	if (!str_eq(b->bidder, b->seat))
		nonbid_has_bid(nb, b->bidder, b->imp);
	nonbid_has_bid(nb, b->seat, b->imp);
	append(nb, seat_get(nb, b->seat), (struct nonbid_entry){ .impid = b->impid, .code = code, .bid = b });
}

static void copy_member(json_t *to, const json_t *bid, const char *key)
{
	json_t *v = json_object_get(bid, key);

	if (v && !(json_is_number(v) && json_number_value(v) == 0))
		json_object_set_nocheck(to, key, v);
}

/* The members of the bid that the extension keeps, zero values left out. */
static json_t *render_bid(const struct bid *b)
{
	static const char *const kept[] = { "adomain", "cat", "dealid", "w", "h", "dur", "mtype" };
	json_t *j = json_object();

	if (b->price != 0)
		json_set_real(j, "price", b->price);
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
		copy_member(j, b->ortb, kept[i]);
	if (b->orig_price != 0)
		json_set_real(j, "origbidcpm", b->orig_price);
	if (b->orig_cur.n)
		json_set_str(j, "origbidcur", b->orig_cur);
	return j;
}

static json_t *render_entry(struct str impid, int code, const struct bid *bid)
{
	json_t *j = json_object();

	json_set_str(j, "impid", impid);
	json_set_int(j, "statuscode", code);
	if (bid) {
		json_t *ext = json_object(), *prebid = json_object();

		json_object_set_new_nocheck(prebid, "bid", render_bid(bid));
		json_object_set_new_nocheck(ext, "prebid", prebid);
		json_object_set_new_nocheck(j, "ext", ext);
	}
	return j;
}

static json_t *render_seat(const struct nonbids *nb, const struct nonbid_seat *s)
{
	json_t *list = json_array();
	json_t *seat;

	for (const struct nonbid_entry *e = s->first; e; e = e->next)
		json_array_append_new(list, render_entry(e->impid, e->code, e->bid));
	for (size_t i = 0; i < nb->n_imps; i++)
		if (s->pairs[i] == PAIR_ASKED)
			json_array_append_new(list, render_entry(nb->imp_ids[i], NONBID_NO_BID, NULL));
	if (json_array_size(list) == 0) {
		json_decref(list);
		return NULL;
	}
	seat = json_object();
	json_object_set_new_nocheck(seat, "nonbid", list);
	json_set_str(seat, "seat", s->name);
	return seat;
}

json_t *nonbids_render(const struct nonbids *nb)
{
	json_t *all = json_array();

	for (const struct nonbid_seat *s = nb->seats; s; s = s->next) {
		json_t *seat = render_seat(nb, s);

		if (seat)
			json_array_append_new(all, seat);
	}
	if (json_array_size(all) == 0) {
		json_decref(all);
		return NULL;
	}
	return all;
}
