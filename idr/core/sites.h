/* Where the rows of one auction lie: looked up once, then read by every step of a decision or a lesson. */
#ifndef IDR_CORE_SITES_H
#define IDR_CORE_SITES_H

#include "idr/core/model.h"

struct sites {
	uint64_t key[FEATURES];
	unsigned floor;          /* bucket */
	unsigned blocks[GROUPS]; /* bits: the blocks of lanes that candidates are in, per group of slots */
	/* filled for groups with blocks, `model` for the first as well (the population's weights are there); -1 = no row */
	int64_t model[FEATURES][GROUPS], worth[FEATURES][GROUPS];
};

uint64_t sites_key(uint64_t key, unsigned group);

/* Keys and floor, and asks for the lines in which the keys are looked up: best called long before those are needed. */
void sites_start(const struct router *r, const struct context *ctx, struct sites *ret_s);
/* After sites_start(). slot[i] in -1..ROUTER_SLOTS-1. Only reads, and asks for the lines ahead of their use. */
void sites_find(const struct router *r, const int *slot, size_t n, struct sites *s);
/* The same, and makes rows that are missing, as far as they are admitted. */
void sites_touch(struct router *r, const int *slot, size_t n, struct sites *s);

#endif
