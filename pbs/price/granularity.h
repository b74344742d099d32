/* Price buckets: the text a line item in the ad server was set up for.
 *
 * Shapes  ranges are ascending and contiguous from 0; the last one that holds a price decides its increment.
 * Units   prices are cpm in the currency of the auction.
 * Source  Prebid's price granularities. Buckets are computed in IEEE doubles without an epsilon, exactly as
 *         the reference does, because line items were tuned to the results ("0.3" is 0.20 with a step of
 * 0.1). `exact` is the opt-in that takes prices as the decimals they are written as.
 */
#ifndef PBS_PRICE_GRANULARITY_H
#define PBS_PRICE_GRANULARITY_H

#include <jansson.h>
#include <stdbool.h>

#include "common/arena.h"
#include "common/clock.h"
#include "common/errtext.h"
#include "common/str.h"

struct price_range {
	double min, max, increment;
};

struct granularity {
	int precision;
	const struct price_range *ranges;
	size_t n_ranges;
};

enum bid_rounding { ROUNDING_DOWN, ROUNDING_TRUE, ROUNDING_UP, ROUNDING_TIMESPLIT };

/* "low" "med" "medium" "high" "auto" "dense"; NULL for other names. */
const struct granularity *granularity_named(struct str name);

/* From a request: a name, or {"precision":2,"ranges":[{"max":…,"increment":…}]}; NULL or no ranges is
 * "medium". Returns ERR_INPUT with the message that refuses the request. Ranges live in the arena. */
int granularity_parse(const json_t *j, struct arena *a, struct granularity *ret_g, struct errtext *why)
	__attribute__((warn_unused_result));

/* What the resolved request shows: {"precision":…,"ranges":[{"min":…,"max":…,"increment":…}]}. The caller
 * takes the reference. */
json_t *granularity_render(const struct granularity *g);

bool bid_rounding_parse(struct str name, enum bid_rounding *ret_r); /* "" is down */

/* The bucket of `cpm`; empty below all ranges. `rng` is drawn from only for timesplit. */
struct str price_bucket(double cpm, const struct granularity *g, enum bid_rounding rounding, bool exact,
			struct rng *rng, struct arena *a);

#endif
