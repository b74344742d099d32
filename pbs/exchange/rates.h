/* The host's exchange rates: fetched on a timer, replaced whole, lent to auctions.
 *
 * Until the first fetch succeeded the bundled ones are used. A failed fetch keeps the last rates until they
 * are stale; then only conversions of a currency into itself work.
 *
 * Errors  none that an auction sees; a failed fetch is logged.
 * Owns    an auction holds what it was lent until its arena is freed, whatever is fetched meanwhile.
 * Threads one per worker.
 * Source  Prebid Server's currency converter.
 */
#ifndef PBS_EXCHANGE_RATES_H
#define PBS_EXCHANGE_RATES_H

#include <stdint.h>

#include "common/arena.h"
#include "common/http_client.h"
#include "pbs/price/currency.h"

struct rates;

struct rates_options {
	const char *url;                /* empty: nothing is fetched */
	uint64_t interval_ms, stale_ms; /* stale_ms 0: never */
	uint32_t timeout_ms;
	const struct currency_table *bundled; /* lent for good; may be NULL */
};

struct rates *rates_new(struct loop *loop, struct http_client *http, const struct rates_options *opt);
void rates_free(struct rates *r); /* NULL is fine */

/* NULL when there are none, or only stale ones. */
const struct currency_table *rates_lend(struct rates *r, struct arena *a);

/* {"active","source","fetchingIntervalNs","lastUpdated","rates"} as they are now; the caller's reference. */
json_t *rates_describe_new(struct rates *r, struct arena *a);

/* A rates file; NULL and `why` with its name when it is not one. */
struct currency_table *rates_read_file(const char *path, struct errtext *why);

#endif
