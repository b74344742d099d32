/* Exchange rates: an immutable table per source, and the order in which an auction asks them.
 *
 * Shapes  {"USD":{"EUR":0.9}}: one USD is 0.9 EUR. Codes are ISO 4217, any case; entries with other codes or
 *         rates that are not positive and finite are left out of a table.
 * Errors  ERR_NOTFOUND and ERR_INPUT, with the exact text that `ext.errors` shows.
 * Threads a table never changes after it was parsed, so all workers may read one.
 * Source  Prebid Server's currency package. Among several bases that could join two currencies the
 *         reference takes any; here it is the alphabetically first, so that prices repeat between runs.
 */
#ifndef PBS_PRICE_CURRENCY_H
#define PBS_PRICE_CURRENCY_H

#include <jansson.h>
#include <stdbool.h>

#include "common/errtext.h"
#include "common/str.h"

struct currency_table;

/* From the rates file, {"conversions":{…}}: NULL and `why` when it is not one. */
struct currency_table *currency_table_parse(struct str text, struct errtext *why);
/* From the inner object. NULL when it is missing, no object, or empty. */
struct currency_table *currency_table_from_json(const json_t *conversions);
void currency_table_free(struct currency_table *t); /* NULL is fine */
size_t currency_table_size(const struct currency_table *t);

json_t *currency_table_render_new(const struct currency_table *t); /* the inner object; `t` may be NULL */

/* What one auction may ask. Both tables are borrowed and may be NULL. */
struct currency_rates {
	const struct currency_table *request; /* ext.prebid.currency.rates */
	const struct currency_table *server;  /* NULL when stale or not loaded: only identity works */
	bool request_only;                    /* usepbsrates: false */
};

/* *ret_rate: multiply an amount in `from` by it to get `to`. */
int currency_rate(const struct currency_rates *rates, struct str from, struct str to, double *ret_rate,
		  struct errtext *why) __attribute__((warn_unused_result));

/* An amount, with `rates` a struct currency_rates: what adapters are given (pbs/adapters/adapter.h). */
int currency_convert(const void *rates, double amount, struct str from, struct str to, double *ret_amount,
		     struct errtext *why);

bool currency_is_known(struct str code);

/* Codes in ext.prebid.currency.rates: ERR_INPUT with the message that refuses the request. */
int currency_check_codes(const json_t *rates, struct errtext *why);

#endif
