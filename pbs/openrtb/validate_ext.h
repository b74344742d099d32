/* The rules of ext.prebid; part of validate.h. */
#ifndef PBS_OPENRTB_VALIDATE_EXT_H
#define PBS_OPENRTB_VALIDATE_EXT_H

#include "pbs/openrtb/validate.h"

/* What must hold before anything else is judged: aliases, factors, chains, permissions, rates, channel. */
int validate_ext(const json_t *prebid, const struct validate_rules *rules, const struct bidder_names *names,
		 struct messages *m);

/* What follows the check of the inventory: cache, granularities; multibid and adjustments are repaired.
 * `prebid` must be the caller's own. */
int validate_ext_features(json_t *prebid, const struct validate_rules *rules, struct messages *m);

int validate_ext_nosale(const json_t *prebid, const struct bidder_names *names, struct messages *m);

#endif
