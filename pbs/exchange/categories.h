/* Competitive exclusion: ads of one category appear once in an ad pod; and deal tiers, which mark line items.
 *
 * Runs after floors and before winners; deal tiers after winners and before targeting.
 *
 * Source  Prebid Server's long-form video support. Equal prices are decided by a draw, as there. Rejections
 * get a non-bid status each, where the reference gives one only to bids without a category.
 */
#ifndef PBS_EXCHANGE_CATEGORIES_H
#define PBS_EXCHANGE_CATEGORIES_H

#include <jansson.h>
#include <stdbool.h>

#include "common/clock.h"
#include "common/errtext.h"
#include "pbs/exchange/bid.h"
#include "pbs/exchange/messages.h"
#include "pbs/exchange/targeting.h"

struct categories {
	bool with_category;
	bool translate;       /* IAB codes become the ad server's own */
	struct str ad_server; /* "freewheel" or "dfp"; set only when translating */
	struct str publisher;
};

/* From targeting.includebrandcategory. ERR_INPUT fails the auction with `why`. */
int categories_parse(const json_t *brand_category, struct categories *ret_c, struct errtext *why)
	__attribute__((warn_unused_result));

/* The mapping that translates, as stored data name it; empty when nothing is translated. */
struct str categories_mapping_id(const struct categories *c, struct arena *a);

/* Sets cat_dur and drops what has no category, no room or a better twin; sweeps the seats. `mapping` is the
 * file {"IAB1-1":{"id":"Sports",…}} for ad server and publisher, NULL when there is none. */
void categories_apply(const struct categories *c, const json_t *mapping, const struct targeting *t,
		      struct seats *seats, struct rng *rng, struct nonbids *nb, struct messages *m,
		      struct arena *a);

/* For supportdeals: marks the deals that reach their tier and changes their category key. `imps` are those of
 * the request before it was split (ext.prebid.bidder.<name>.dealTier). */
void deal_tiers_apply(const struct ranking *ranking, const struct multibid *mb, const json_t *imps,
		      struct messages *m, struct arena *a);

#endif
