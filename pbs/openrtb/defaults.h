/* The values that a request gets for what it does not say, once it has been completed from the headers.
 *
 * Errors  ERR_INPUT, filed in `m`: a price granularity that cannot be read.
 * Source  Prebid Server's request defaults; granularities from Prebid's documentation of price buckets.
 */
#ifndef PBS_OPENRTB_DEFAULTS_H
#define PBS_OPENRTB_DEFAULTS_H

#include "pbs/openrtb/enrich.h"

int defaults_fill(json_t *req, const struct enrich_rules *rules, struct rng *rng, struct messages *m);

#endif
