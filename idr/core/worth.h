/* What a bidder really adds to an auction, against what the choice predicted: a factor on its marginal value, made of
 * the main parts of the context and of its place in the order of the choice.
 *
 * It corrects on average whatever the model of chances, prices and shared demand gets wrong in a place: demand that is
 * shared in one country only, price tails, bidders that pass fewer bids to one publisher. Summed over a chosen set the
 * realised parts are the auction's revenue, so two bidders that bring the same bid do not both get the credit. What is
 * learned is a Poisson rate on the log scale: revenue added, in units of the bidder's usual price. A rare, high buyer
 * therefore needs several missed wins before its factor falls.
 *
 * Threads  as in rows.h.
 */
#ifndef IDR_CORE_WORTH_H
#define IDR_CORE_WORTH_H

#include "idr/core/bidders.h"
#include "idr/core/features.h"
#include "idr/core/rows.h"

enum { WORTH_PLACES = 7 };

struct worth {
	struct rows rows; /* arrays: log factor, its variance */
	float place[WORTH_PLACES][BIDDERS_MAX], place_var[WORTH_PLACES][BIDDERS_MAX];
	_Alignas(64) float place_factor[WORTH_PLACES][BIDDERS_MAX]; /* exp(place), what readers use */
};

void worth_init(struct worth *w, size_t memory_bytes);
void worth_deinit(struct worth *w);
void worth_clear(struct worth *w);

/* The bucket of the place after `taken` others. */
static inline unsigned worth_place(unsigned taken)
{
	return taken < 2 ? taken : taken < 4 ? 2 : taken < 7 ? 3 : taken < 11 ? 4 : taken < 16 ? 5 : 6;
}

/* The factor of each candidate from the context alone; 1 for slot -1. */
void worth_factors(const struct worth *w, const uint64_t key[FEATURES], const int *slot, size_t n,
		   float *ret_factor);

/* Rows of an auction, found once and learned into for several bidders. */
struct worth_rows {
	int64_t at[FEATURES][BIDDERS_MAX / LANES]; /* -1 = none */
};
void worth_touch(struct worth *w, const uint64_t key[FEATURES], unsigned groups, struct worth_rows *ret_r);
/* Both in units of the bidder's expected price. */
void worth_learn(struct worth *w, const struct worth_rows *r, unsigned slot, unsigned place, float realised,
		 float predicted);

#endif
