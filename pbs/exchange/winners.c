#include "pbs/exchange/winners.h"

#include <stdlib.h>

/* What the sort looks at; `seat` and `arrival` make the order total, so that equal bids never swap. */
struct candidate {
	struct bid *bid;
	size_t seat, arrival;
	bool deal_first;
};

static int compare_worth(const struct candidate *x, const struct candidate *y)
{
	if (x->deal_first != y->deal_first)
		return x->deal_first ? -1 : 1;
	if (x->bid->price != y->bid->price)
		return x->bid->price > y->bid->price ? -1 : 1;
	return (x->arrival > y->arrival) - (x->arrival < y->arrival);
}

static int compare(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int by_imp = str_cmp(x->bid->impid, y->bid->impid);

	if (by_imp)
		return by_imp;
	if (x->seat != y->seat)
		return x->seat > y->seat ? 1 : -1;
	return compare_worth(x, y);
}

static struct candidate *collect(const struct seats *seats, bool prefer_deals, struct arena *a, size_t *ret_n)
{
	struct candidate *all;
	size_t n = 0;

	for (size_t s = 0; s < seats->n; s++)
		n += seats->seats[s]->n_bids;
	all = ARENA_ARRAY(a, struct candidate, n + 1);
	*ret_n = n;
	n = 0;
	for (size_t s = 0; s < seats->n; s++) {
		const struct seat *seat = seats->seats[s];

		for (size_t i = 0; i < seat->n_bids; i++, n++)
			all[n] = (struct candidate){ seat->bids[i], s, n,
						     prefer_deals && seat->bids[i]->dealid.n > 0 };
	}
	return all;
}

static bool is_same_imp(const struct candidate *x, const struct candidate *y)
{
	return str_eq(x->bid->impid, y->bid->impid);
}

static void mark_winners(const struct candidate *all, size_t n)
{
	for (size_t i = 0, best; i < n;) {
		best = i;
		all[i].bid->winner = false;
		for (i++; i < n && is_same_imp(&all[best], &all[i]); i++) {
			all[i].bid->winner = false;
			if (compare_worth(&all[i], &all[best]) < 0)
				best = i;
		}
		all[best].bid->winner = true;
	}
}

void winners_choose(struct seats *seats, bool prefer_deals, unsigned bid_limit, struct arena *a,
		    struct ranking *ret_ranking)
{
	size_t n, kept = 0;
	struct candidate *all = collect(seats, prefer_deals, a, &n);
	struct ranked *ranked = ARENA_ARRAY(a, struct ranked, n + 1);
	unsigned rank = 0;

	qsort(all, n, sizeof *all, compare);
	mark_winners(all, n);
	for (size_t i = 0; i < n; i++) {
		bool is_next = i > 0 && all[i].seat == all[i - 1].seat && is_same_imp(&all[i], &all[i - 1]);

		rank = is_next ? rank + 1 : 1;
		if (bid_limit && rank > bid_limit)
			bid_drop(all[i].bid, NONBID_SILENT);
		else
			ranked[kept++] = (struct ranked){ all[i].bid, rank };
	}
	for (size_t s = 0; kept < n && s < seats->n; s++)
		seat_sweep(seats->seats[s]);
	*ret_ranking = (struct ranking){ ranked, kept };
}
