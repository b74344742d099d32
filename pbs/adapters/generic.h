/* The bidder without code: plain OpenRTB to the endpoint of its bidder-info.
 *
 * The request is posted unchanged with JSON headers; a bid's type comes from its mtype, then from its
 * ext.prebid.type, then from its imp (banner, video, native, audio), and is banner when all are silent.
 * What a bidder-info file may say beyond that is a member of `struct generic_spec`, read by build().
 */
#ifndef PBS_ADAPTERS_GENERIC_H
#define PBS_ADAPTERS_GENERIC_H

#include "pbs/adapters/adapter.h"

extern const struct adapter adapter_generic;

#endif
