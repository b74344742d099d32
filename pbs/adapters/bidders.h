/* Every bidder with code of its own, alphabetically; registry.c lists them. */
#ifndef PBS_ADAPTERS_BIDDERS_H
#define PBS_ADAPTERS_BIDDERS_H

#include "pbs/adapters/adapter.h"

extern const struct adapter adapter_33across;
extern const struct adapter adapter_adf;
extern const struct adapter adapter_appnexus;
extern const struct adapter adapter_criteo;
extern const struct adapter adapter_generic; /* any bidder without code */
extern const struct adapter adapter_gumgum;
extern const struct adapter adapter_improvedigital;
extern const struct adapter adapter_ix;
extern const struct adapter adapter_openx;
extern const struct adapter adapter_pubmatic;
extern const struct adapter adapter_rubicon;
extern const struct adapter adapter_sharethrough;
extern const struct adapter adapter_smartadserver;
extern const struct adapter adapter_sovrn;
extern const struct adapter adapter_teads;
extern const struct adapter adapter_triplelift;
extern const struct adapter adapter_unruly;
extern const struct adapter adapter_yieldmo;

#endif
