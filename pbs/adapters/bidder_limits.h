/* How much a bidder may be asked, and by whom: `limits` of its file.
 *
 * Shapes  countries are ISO 3166-1 alpha-3 codes, publishers are account ids; an empty list allows all. Both
 *         are sorted.
 * Errors  ERR_INPUT with the key's path and what was expected there.
 * Owns    everything lives in the arena given to bidder_limits_read().
 */
#ifndef PBS_ADAPTERS_BIDDER_LIMITS_H
#define PBS_ADAPTERS_BIDDER_LIMITS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/errtext.h"
#include "common/str.h"

struct typed_struct;

struct bidder_limits {
	uint32_t qps; /* calls a second; 0: any number */
	struct str *countries, *publishers;
	size_t n_countries, n_publishers;
};

extern const struct typed_struct bidder_limits_table;

int bidder_limits_read(struct arena *a, const json_t *limits, struct bidder_limits *ret_limits,
		       struct errtext *why);

/* An unknown country or publisher (empty) is allowed only where all are. */
bool bidder_limits_allow_country(const struct bidder_limits *l, struct str country);
bool bidder_limits_allow_publisher(const struct bidder_limits *l, struct str id);

#endif
