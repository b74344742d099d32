/* What of the request's `ext` a bidder gets to see; part of split.h.
 *
 * The allowed members of ext.prebid that are the same for all are collected once; a bidder without members of
 * its own shares the result with the others.
 */
#ifndef PBS_EXCHANGE_SPLIT_EXT_H
#define PBS_EXCHANGE_SPLIT_EXT_H

#include "pbs/exchange/split.h"

struct split_ext {
	const json_t *prebid; /* the request's, as it came */
	json_t *ext, *common; /* both owned: ext without prebid, and the allowed members */
	json_t *shared;       /* owned: the finished ext of a bidder without members of its own; or NULL */
	const struct split_rules *rules;
};

void split_ext_init(struct split_ext *se, const json_t *req, const struct split_rules *rules);
void split_ext_deinit(struct split_ext *se);

/* The bidder's ext, a new reference; NULL when it has none. */
json_t *split_ext_for(const struct split_ext *se, const struct split_bidder *bidder);

#endif
