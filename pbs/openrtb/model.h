/* The OpenRTB 2.6 objects as the reference knows them, for typed decoding.
 *
 * Everything that comes off the wire as OpenRTB goes through ortb_decode() once; what it gives back can be
 * read with exact keys and without checking types: a member that is present has the kind that OpenRTB says.
 * Extensions (`ext`) are kept as they came and must still be checked.
 *
 * Shapes  see typed.h: `in` is never changed, canonical subtrees are shared, the result is a new reference.
 *         A required member that was not given is there as "", 0 or, for lists, null (`imp`, `mimes`).
 * Errors  NULL; `why` has the reference's text, `where` the place and what was expected there.
 */
#ifndef PBS_OPENRTB_MODEL_H
#define PBS_OPENRTB_MODEL_H

#include "pbs/openrtb/typed.h"

enum ortb_type {
	ORTB_APP,
	ORTB_AUDIO,
	ORTB_BANNER,
	ORTB_BID,
	ORTB_BID_REQUEST,
	ORTB_BID_RESPONSE,
	ORTB_CONTENT,
	ORTB_DATA,
	ORTB_DEVICE,
	ORTB_DOOH,
	ORTB_EID,
	ORTB_GEO,
	ORTB_IMP,
	ORTB_NATIVE,
	ORTB_PUBLISHER,
	ORTB_REGS,
	ORTB_SEAT_BID,
	ORTB_SITE,
	ORTB_SOURCE,
	ORTB_SUPPLY_CHAIN,
	ORTB_USER,
	ORTB_VIDEO,
	ORTB_TYPES,
};

/* The table of a type, for members of a caller's own typed_struct. */
const struct typed_struct *ortb_struct(enum ortb_type type);

json_t *ortb_decode(json_t *in, enum ortb_type type, struct errtext *why, struct errtext *where);

#endif
