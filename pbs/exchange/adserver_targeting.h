/* Publisher-defined keys for the ad server: `ext.prebid.adservertargeting`.
 *
 * Values from the request are looked up once per auction, those from the response per bid.
 *
 * Source  Prebid Server. Only strings and numbers qualify. One imp without the path cancels an `imp.` entry
 * for all imps, as there.
 */
#ifndef PBS_EXCHANGE_ADSERVER_TARGETING_H
#define PBS_EXCHANGE_ADSERVER_TARGETING_H

#include <jansson.h>

#include "common/arena.h"
#include "common/str.h"
#include "pbs/exchange/messages.h"

struct adserver_entry;

struct adserver_targeting {
	const struct adserver_entry *entries;
	size_t n;
};

/* `request` is the resolved request; `query` the query parameters of an AMP request as an object of strings,
 * or NULL. Complaints go to "general". */
void adserver_targeting_parse(const json_t *list, const json_t *request, const json_t *query, struct arena *a,
			      struct messages *m, struct adserver_targeting *ret_at);

/* What a bid's entries may refer to. */
struct adserver_bid {
	const json_t *bid; /* as it will be sent, ext included */
	struct str seat, bid_id, response_id, cur;
	int imp;
};

/* Adds the keys to `targets`, overwriting equal ones; keys are cut to key_max bytes. */
void adserver_targeting_apply(const struct adserver_targeting *at, const struct adserver_bid *b,
			      json_t *targets, size_t key_max, struct arena *a, struct messages *m);

#endif
