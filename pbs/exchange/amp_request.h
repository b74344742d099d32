/* The OpenRTB request of an AMP page: what is stored under its tag, with the query's parameters in it.
 *
 * Shapes  `query` holds the decoded parameters as strings, the first of each name.
 * Errors  ERR_INPUT, filed in `m`, when there is nothing that could be auctioned. What is wrong with consent or
 *         targeting is a warning; everything else still counts. (The reference forgets the parameters that
 *         follow a bad consent string.)
 * Source  Prebid Server's /openrtb2/amp.
 */
#ifndef PBS_EXCHANGE_AMP_REQUEST_H
#define PBS_EXCHANGE_AMP_REQUEST_H

#include <jansson.h>

#include "common/clock.h"
#include "pbs/exchange/messages.h"

enum { AMP_TIMEOUT_MS = 900 }; /* of an auction whose request has no tmax */

struct amp_rules {
	int64_t timeout_adjustment_ms;
	bool gdpr_enabled;        /* a consent string of no stated kind may be one of the TCF */
	bool generate_request_id; /* always; otherwise only for the id {{UUID}} */
};

/* Parameters without which there is no request, checked before anything is fetched. */
int amp_check_query(const json_t *query, struct messages *m);

/* *ret_request is the caller's reference; `stored` stays as it is. */
int amp_request(const json_t *stored, const json_t *query, const struct amp_rules *rules, struct rng *rng,
		struct arena *a, struct messages *m, json_t **ret_request);

/* The targeting of a response: that of every bid that is in the cache, then what the response itself has. The
 * caller takes the reference. */
json_t *amp_targeting(const json_t *response);

#endif
