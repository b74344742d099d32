/* One event of POST /analytics: checked field by field, and reduced to what is kept of it.
 *
 * Shapes  {auction_id, ts, publisher_id, bidders:[{bidder_code, status, …}]} are required, the rest is
 * optional (common/idr_wire.h has the whole). Unknown members are ignored, so that a newer PBS can say more.
 * Errors  ERR_INPUT with `why` naming the first bad field: "bidders[2].status: …".
 * Owns    the event's texts are copied into the arena: the tree may be freed.
 */
#ifndef IDR_INTAKE_EVENT_PARSE_H
#define IDR_INTAKE_EVENT_PARSE_H

#include <jansson.h>

#include "common/api_key.h"
#include "common/arena.h"
#include "common/errtext.h"
#include "idr/intake/rates.h"
#include "idr/store/event.h"

struct event_limits {
	int64_t min_ts_ms, max_ts_ms;
	const struct rates *rates;
	const struct api_key *key; /* NULL = events of any publisher */
};

/* *ret_unpriced counts bids in a currency that has no rate: they count as bids, but without a price. */
int event_parse(const json_t *j, const struct event_limits *lim, struct arena *a, struct event *ret_e,
		unsigned *ret_unpriced, struct errtext *why);

#endif
