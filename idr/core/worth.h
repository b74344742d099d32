/* What a bidder really adds to an auction, against what the choice predicted: a factor on its marginal value, made of
 * the main parts of the context and of its place in the order of the choice.
 *
 * It corrects on average whatever the model of chances, prices and shared demand gets wrong in a place: demand that is
 * shared in one country only, price tails, bidders that pass fewer bids to one publisher. Summed over a chosen set the
 * realised parts are the auction's revenue, so two bidders that bring the same bid do not both get the credit. What is
 * learned is a Poisson rate on the log scale: revenue added, in units of the bidder's usual price. A rare, high buyer
 * therefore needs several missed wins before its factor falls.
 *
 * Beside the factor lies a chance per bidder and publisher, country, device and format, and set of ids: does it *work*
 * there? A seat that was never set up on a publisher, a bidder that does not serve a country or that needs an id never
 * bids there, whatever else speaks for it. Sums of weights learn such a hole slowly and at the cost of the other
 * weights; here a dozen silent calls find it, and bids take it back.
 *
 * Threads  as in rows.h.
 */
#ifndef IDR_CORE_WORTH_H
#define IDR_CORE_WORTH_H

#include <stdbool.h>

#include "idr/core/bidders.h"
#include "idr/core/features.h"
#include "idr/core/rows.h"

enum { WORTH_PLACES = 7 };

struct worth {
	struct rows rows; /* arrays: log factor, chance of working, variance of the former */
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

/* Prior variances of the log factor; 0 = no row. */
extern const float worth_prior[FEATURES];
/* How many arrays of a row worth_factors() reads. */
unsigned worth_arrays_read(enum feature f);
/* The row of a feature, made when it is missing; -1 = none. */
int64_t worth_touch(struct worth *w, enum feature f, uint64_t key);

struct worth_in {
	const int64_t (*at)[BIDDERS_MAX / LANES]; /* rows per feature and group, -1 = none */
	const unsigned *blocks;                   /* per group, bits: blocks of lanes in use */
};

/* Per candidate, from the context alone: the factor on its value, and the chance that it works in these parts of the
 * context at all. 1 for slot -1. */
void worth_factors(const struct worth *w, const struct worth_in *in, const int *slot, size_t n,
		   float *ret_factor, float *ret_works);
/* What one bidder of an auction added, both in units of its expected price. */
struct worth_part {
	unsigned slot, place;
	float realised, predicted;
};
void worth_learn(struct worth *w, const struct worth_in *in, const struct worth_part *part, size_t n);
/* Which of them bid, having had the chance p[i] > 0 if they work here? Gives the chances that they work, after this. */
void works_learn(struct worth *w, const struct worth_in *in, const int *slot, const bool *bid, const float *p,
		 size_t n, float *ret_works);

#endif
