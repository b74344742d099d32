/* May the creative be shown: the Digital Services Act's disclosure, banner size, secure markup.
 *
 * Runs before winners are chosen, so that a refused creative neither wins an imp nor reaches the cache (the
 * reference checks while it writes the response, when both are already decided).
 *
 * Source  IAB's DSA transparency extension; Prebid Server's creative validations, messages and codes
 * included. A largest size of 0 means no limit. `imp.secure` is not consulted, as there.
 */
#ifndef PBS_EXCHANGE_CREATIVE_CHECKS_H
#define PBS_EXCHANGE_CREATIVE_CHECKS_H

#include <jansson.h>
#include <stdbool.h>

#include "pbs/exchange/bid.h"
#include "pbs/exchange/messages.h"

enum creative_mode { CREATIVE_SKIP, CREATIVE_WARN, CREATIVE_ENFORCE };

enum creative_finding {
	CREATIVE_SIZE_REJECTED,
	CREATIVE_SIZE_WARNED,
	CREATIVE_INSECURE_REJECTED,
	CREATIVE_INSECURE_WARNED,
	CREATIVE_FINDINGS
};

struct creative_policy {
	const json_t *dsa; /* regs.ext.dsa, account default included; NULL: none */
	enum creative_mode size, secure;
	int64_t max_width, max_height;
	void (*found)(void *ctx, const struct bid *b, enum creative_finding what); /* NULL = nobody counts */
	void *ctx;
};

bool creative_mode_parse(struct str name,
			 enum creative_mode *ret_mode); /* "skip" "warn" "enforce", "" skip */

/* Whether the bid may stay; when not it is dropped, with message and status. */
bool creative_check(struct bid *b, const struct creative_policy *policy, struct nonbids *nb,
		    struct messages *m);

/* The same for all bids; sweeps the seats. */
void creative_check_seats(struct seats *seats, const struct creative_policy *policy, struct nonbids *nb,
			  struct messages *m);

#endif
