/* The additive model: for every candidate the sum of its weights over the rows of the auction. */
#ifndef IDR_CORE_ESTIMATE_H
#define IDR_CORE_ESTIMATE_H

#include "idr/core/sites.h"

struct estimate {
	/* per candidate; bid chance = Phi(s / sqrt(1 + v)), log price ~ N(m, u + price_var) */
	_Alignas(64) float s[ROUTER_CANDIDATES];
	float v[ROUTER_CANDIDATES], m[ROUTER_CANDIDATES], u[ROUTER_CANDIDATES];
	float pop_s, pop_m; /* already inside s and m */
	struct sites sites;
};

/* From ret_e->sites, which is filled. slot[i] in -1..ROUTER_SLOTS-1; -1 gets the prior and the population's habits.
 * n <= ROUTER_CANDIDATES. */
void estimate(const struct router *r, const int *slot, size_t n, struct estimate *ret_e);

#endif
