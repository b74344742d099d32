/* The shapes of ext.prebid and imp[].ext.prebid, which OpenRTB's own tables leave alone.
 *
 * After ext_decode() both can be read with exact keys and without checking the types of listed members;
 * members that are maps or marked raw must still be checked by who reads them.
 *
 * Errors  a wrong type is filed as the reference words it, naming the place and what was expected.
 * Source  Prebid's openrtb_ext.ExtRequestPrebid and ExtImpPrebid.
 */
#ifndef PBS_OPENRTB_EXT_H
#define PBS_OPENRTB_EXT_H

#include "pbs/exchange/messages.h"
#include "pbs/openrtb/typed.h"

extern const struct typed_struct ext_request_prebid, ext_imp_prebid;

/* Decodes both kinds in place. `req` must be the caller's own tree; shared subtrees are copied. */
int ext_decode(json_t *req, struct messages *m);

#endif
