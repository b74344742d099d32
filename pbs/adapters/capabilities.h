/* What a bidder's info allows, applied before its adapter sees the request.
 *
 * Shapes  takes away media objects that the bidder cannot fill, and imps that have none left; positions in
 *         the texts are those of the imp array as it came. The request's root and imps must be the caller's
 *         own.
 * Source  the reference's info-aware wrapper around every bidder.
 */
#ifndef PBS_ADAPTERS_CAPABILITIES_H
#define PBS_ADAPTERS_CAPABILITIES_H

#include "pbs/adapters/adapter.h"
#include "pbs/adapters/bidder_info.h"

/* False when there is nothing to ask this bidder; warnings and errors say why. `preferred` names the media
 * type that an imp keeps when the bidder takes only one, empty when nobody named one. */
bool capabilities_apply(json_t *root, const struct bidder_info *info, struct str preferred,
			struct adapter_errors *errors);

#endif
