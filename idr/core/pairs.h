/* Shared demand: the same buyer reached through two bidders makes the second one worth little. For every
 * ordered pair: given that b bids, how much less often than independence predicts does a stay below it? */
#ifndef IDR_CORE_PAIRS_H
#define IDR_CORE_PAIRS_H

#include <stdint.h>

#include "idr/core/bidders.h"
#include "idr/core/context.h"

enum { PAIR_SLICES = FORMATS + 1, PAIR_ALL = FORMATS };

struct pairs {
	/* [slice][a][b]: bids of b seen beside a, times a beat b, times independence predicts */
	float n[PAIR_SLICES][BIDDERS_MAX][BIDDERS_MAX];
	float beat[PAIR_SLICES][BIDDERS_MAX][BIDDERS_MAX];
	float expected[PAIR_SLICES][BIDDERS_MAX][BIDDERS_MAX];
	/* [format][a][b] in (0,1]: factor on b's marginal value once a is called */
	float factor[FORMATS][BIDDERS_MAX][BIDDERS_MAX];
};

void pairs_init(struct pairs *p);
void pairs_learn(struct pairs *p, unsigned format, unsigned a, unsigned b, float beat, float expected,
		 float keep);

#endif
