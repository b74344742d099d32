/* The router's insides, shared by the files of this folder only. What each part is for stands in its own
 * header; who may touch it when, in router.h.
 */
#ifndef IDR_CORE_MODEL_H
#define IDR_CORE_MODEL_H

#include <stdatomic.h>

#include "idr/core/alive.h"
#include "idr/core/bidders.h"
#include "idr/core/budget.h"
#include "idr/core/features.h"
#include "idr/core/pairs.h"
#include "idr/core/router.h"
#include "idr/core/rows.h"
#include "idr/core/stats.h"
#include "idr/core/tuning.h"
#include "idr/core/worth.h"

_Static_assert((int)ROUTER_SLOTS == (int)BIDDERS_MAX, "one slot per code");
enum { GROUPS = ROUTER_SLOTS / LANES };

/* The arrays of a row of the model. */
enum { ROW_BID, ROW_BID_VAR, ROW_PRICE, ROW_PRICE_VAR, ROW_ARRAYS };

struct router {
	struct router_conf conf;
	struct tuning tune;
	struct rows rows;
	struct bidders bidders;
	struct floor_refs floors;
	float price_var[FORMATS][ROUTER_SLOTS]; /* of the log price around its prediction */
	float price_seen[FORMATS][ROUTER_SLOTS];
	struct alive alive[ROUTER_SLOTS];
	struct worth worth;
	struct pairs *pairs;
	struct budgets *budgets; /* readers count into it */
	struct bidder_counts *counts;
	struct latencies *latencies;
	float revenue;    /* moving average of the highest bid */
	uint32_t learned; /* events, saturating */
	uint64_t outcomes;
};

/* Back to having learned nothing. */
void router_reset(struct router *r);

#endif
