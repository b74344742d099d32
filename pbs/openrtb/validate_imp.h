/* Whether one imp can be auctioned; part of validate.h.
 *
 * Bidders that cannot be called are taken out of the imp with a warning, and parameters in the old place are
 * moved to imp.ext.prebid.bidder, so that afterwards that object names exactly the bidders to call.
 */
#ifndef PBS_OPENRTB_VALIDATE_IMP_H
#define PBS_OPENRTB_VALIDATE_IMP_H

#include "pbs/openrtb/validate.h"

struct imp_rules {
	const struct validate_rules *rules;
	const struct bidder_names *names;
	bool stored_auction; /* some imp has a stored auction response, so each must */
	bool media_only;     /* no native, no bidders: an imp that first-party data was laid over */
};

/* `imp` must be the caller's own. */
int validate_imp(json_t *imp, size_t index, const struct imp_rules *ir, struct messages *m);

/* Every imp in turn, and that no two share an id. `imps` must be the caller's own. */
int validate_imps(json_t *imps, const struct imp_rules *ir, struct messages *m);

#endif
