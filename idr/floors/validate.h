/* Prebid floors data (schema version 2) as an administrator may put it. */
#ifndef IDR_FLOORS_VALIDATE_H
#define IDR_FLOORS_VALIDATE_H

#include <jansson.h>

#include "common/errtext.h"

/* ERR_INPUT with `why` naming the first bad field. modelGroups may be missing: the document then only sets
 * floorMin for what is computed. */
int floors_validate(const json_t *data, struct errtext *why);

#endif
