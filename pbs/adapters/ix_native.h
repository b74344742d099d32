/* Native markup as Index Exchange's bids carry it: impression trackers come as event trackers, which players
 * of native 1.1 do not read.
 *
 * Private to ix.c.
 */
#ifndef PBS_ADAPTERS_IX_NATIVE_H
#define PBS_ADAPTERS_IX_NATIVE_H

#include "common/arena.h"
#include "common/str.h"

/* `adm` with the URLs of impression pixels among its imptrackers, sorted and each once; `adm` itself when it
 * is no native response or has no event trackers. */
struct str ix_native_trackers(struct arena *a, struct str adm);

#endif
