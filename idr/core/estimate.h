/* The additive model: for every candidate the sum of its weights over the rows of the auction. */
#ifndef IDR_CORE_ESTIMATE_H
#define IDR_CORE_ESTIMATE_H

#include "idr/core/model.h"

struct estimate {
	/* per candidate; bid chance = Phi(s / sqrt(1 + v)), log price ~ N(m, u + price_var) */
	_Alignas(64) float s[ROUTER_CANDIDATES];
	float v[ROUTER_CANDIDATES], m[ROUTER_CANDIDATES], u[ROUTER_CANDIDATES];
	float pop_s, pop_m; /* already inside s and m */
	unsigned floor;
	uint64_t key[FEATURES];
};

uint64_t estimate_row_key(uint64_t key, unsigned group);

/* slot[i] in -1..ROUTER_SLOTS-1; -1 gets the prior and the population's habits. n <= ROUTER_CANDIDATES. */
void estimate(const struct router *r, const struct context *ctx, const int *slot, size_t n,
	      struct estimate *ret_e);

#endif
