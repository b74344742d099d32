/* Native markup for apps: SDKs want to know which kind of image or text each asset is, and bidders leave it
 * out.
 *
 * Types are copied from the request's asset with the same id, and the markup is written anew. Markup that is
 * no native response is left alone.
 *
 * Source  Prebid Server, for requests with `app`; IAB Native 1.2. Unknown members of the markup survive here.
 */
#ifndef PBS_EXCHANGE_NATIVE_MARKUP_H
#define PBS_EXCHANGE_NATIVE_MARKUP_H

#include <jansson.h>

#include "pbs/exchange/bid.h"
#include "pbs/exchange/messages.h"

/* `imp` is the bid's imp, NULL when the request has none of that id. Complaints go under the bidder. */
void native_markup_add_types(struct bid *b, const json_t *imp, struct arena *a, struct messages *m);

#endif
