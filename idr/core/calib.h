/* What a bidder really adds, against what the choice predicted it would: a factor per bidder and format,
 * shrunk to the bidder's own. Summed over a chosen set the realised parts are the auction's revenue, so two
 * bidders that bring the same bid do not both get the credit. */
#ifndef IDR_CORE_CALIB_H
#define IDR_CORE_CALIB_H

#include "idr/core/bidders.h"
#include "idr/core/context.h"

enum { CALIB_ALL = FORMATS };

struct calib {
	float realised[FORMATS + 1][BIDDERS_MAX], predicted[FORMATS + 1][BIDDERS_MAX];
	float factor[FORMATS][BIDDERS_MAX];
};

void calib_init(struct calib *c);
void calib_learn(struct calib *c, unsigned format, unsigned b, float realised, float predicted, float keep,
		 float prior);

#endif
