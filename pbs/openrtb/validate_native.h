/* The native request, a JSON document inside a string of the bid request.
 *
 * It is decoded, checked and written back, so bidders get it without unknown members and with asset ids.
 *
 * Errors  ERR_INPUT, filed in `m` with the reference's words.
 * Source  OpenRTB Native Ads 1.2, sections 4 and 7.
 */
#ifndef PBS_OPENRTB_VALIDATE_NATIVE_H
#define PBS_OPENRTB_VALIDATE_NATIVE_H

#include <jansson.h>
#include <stddef.h>

#include "pbs/exchange/messages.h"

/* `native` is imp.native, the caller's own; its `request` is replaced. */
int validate_native(json_t *native, size_t imp_index, struct messages *m);

#endif
