/* Key-values for the ad server: `bid.ext.prebid.targeting`.
 *
 * Shapes  keys are <prefix><suffix>_<code> per bidder and <prefix><suffix> for the winner, cut to a number of
 *         bytes; values are never cut.
 * Source  Prebid Server's targeting. Repaired: a granularity per media type follows the type that the adapter
 *         knows. Matched: `alwaysincludedeals` does nothing unless another include flag is on.
 */
#ifndef PBS_EXCHANGE_TARGETING_H
#define PBS_EXCHANGE_TARGETING_H

#include <jansson.h>
#include <stdbool.h>

#include "common/clock.h"
#include "common/errtext.h"
#include "pbs/exchange/bid.h"
#include "pbs/exchange/messages.h"
#include "pbs/exchange/multibid.h"
#include "pbs/exchange/winners.h"
#include "pbs/price/granularity.h"

enum { TARGETING_KEY_MAX = 20, TARGETING_KEY_MIN = 12 };

struct targeting {
	/* from ext.prebid.targeting */
	bool include_winners, include_bidder_keys, include_format, prefer_deals, always_include_deals;
	bool append_bidder_names;
	struct granularity granularity;
	struct granularity by_type[BID_TYPES];
	bool has_type[BID_TYPES];
	const json_t *brand_category; /* includebrandcategory, NULL: absent */
	const json_t *durations;      /* durationrangesec */

	/* from the account, the host and the kind of request */
	struct str prefix;
	size_t key_max;
	enum bid_rounding rounding;
	bool exact_buckets;
	struct str cache_host, cache_path, env; /* empty: no such key */
};

struct targeting_account {
	struct str prefix;     /* targeting_prefix, empty: unset */
	int64_t truncate_attr; /* truncate_target_attr, 0 or less: unset */
	enum bid_rounding rounding;
	bool exact_buckets;
};

/* From the object ext.prebid.targeting. ERR_INPUT with the message that refuses the request. Borrows `j`. */
int targeting_parse(const json_t *j, struct arena *a, struct targeting *ret_t, struct errtext *why)
	__attribute__((warn_unused_result));

/* How long keys may be where the account says `truncate_attr`. */
size_t targeting_key_max(int64_t truncate_attr);

/* Prefix, key length and rounding; a prefix that cannot work becomes "hb" with a warning in "general". */
void targeting_use_account(struct targeting *t, const json_t *j, const struct targeting_account *account,
			   struct messages *m);

bool targeting_makes_keys(const struct targeting *t);

/* The bucket of a bid with the granularity of its type. */
struct str targeting_bucket(const struct targeting *t, const struct bid *b, struct rng *rng, struct arena *a);

/* Sets `targeting` and `target_code` of every bid that deserves them. Cache ids must be known before. */
void targeting_set(const struct targeting *t, const struct ranking *ranking, const struct multibid *mb,
		   struct rng *rng, struct arena *a);

/* Sets a member of a targeting object, its key cut to key_max bytes at a character boundary. */
void targeting_put(json_t *targets, struct str key, size_t key_max, struct str value);

#endif
