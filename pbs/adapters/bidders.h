/* Every bidder with code of its own, alphabetically; registry.c lists them. */
#ifndef PBS_ADAPTERS_BIDDERS_H
#define PBS_ADAPTERS_BIDDERS_H

#include "pbs/adapters/adapter.h"

extern const struct adapter adapter_appnexus;
extern const struct adapter adapter_criteo;
extern const struct adapter adapter_generic; /* any bidder without code */
extern const struct adapter adapter_openx;
extern const struct adapter adapter_pubmatic;
extern const struct adapter adapter_sovrn;

#endif
