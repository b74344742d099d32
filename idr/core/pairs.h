/* Shared demand: the same buyer reached through two bidders makes the second one worth little. For every
 * ordered pair: given that b bids, how much less often than independence predicts does a stay below it? */
#ifndef IDR_CORE_PAIRS_H
#define IDR_CORE_PAIRS_H

#include <stdint.h>

#include "idr/core/bidders.h"
#include "idr/core/context.h"

enum { PAIR_SLICES = FORMATS + 1, PAIR_ALL = FORMATS };

/* Of the bids of b seen beside a: how many, how often a beat them, how often independence says it would. */
struct pair_count {
	float n, beat, expected;
};

struct pairs {
	struct pair_count count[PAIR_SLICES][BIDDERS_MAX]
			       [BIDDERS_MAX]; /* [b][a]: a bid of b is learned beside many */
	/* [format][a][b] in (0,1]: factor on b's marginal value once a is called */
	_Alignas(64) float factor[FORMATS][BIDDERS_MAX][BIDDERS_MAX];
};

void pairs_init(struct pairs *p);
void pairs_learn(struct pairs *p, unsigned format, unsigned a, unsigned b, float beat, float expected,
		 float keep);

#endif
