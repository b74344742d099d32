#include "idr/core/estimate.h"

#include <string.h>

#include "idr/core/mathx.h"
#include "idr/core/vector.h"

struct sums {
	_Alignas(64) float s[LANES], v[LANES], m[LANES], u[LANES];
};

/* A bidder's rows are in the group of its slot; the population's weights always in the first. */
uint64_t estimate_row_key(uint64_t key, unsigned group)
{
	return group ? mix64(key + group) | 1 : key;
}

VECTOR_CLONES
static void add_row(struct sums *a, const float *row, unsigned blocks)
{
	for (unsigned b = 0; b < BLOCKS; b++) {
		if (!(blocks >> b & 1))
			continue;
		lanes_add(a->s + b * BLOCK, row + ROW_BID * LANES + b * BLOCK);
		lanes_add(a->v + b * BLOCK, row + ROW_BID_VAR * LANES + b * BLOCK);
		lanes_add(a->m + b * BLOCK, row + ROW_PRICE * LANES + b * BLOCK);
		lanes_add(a->u + b * BLOCK, row + ROW_PRICE_VAR * LANES + b * BLOCK);
	}
}

/* The rows of one group, asked for all together before any is read: what they cost is waiting for memory. */
static void find_rows(const struct router *r, const struct estimate *e, unsigned group, unsigned blocks,
		      int64_t ret_at[FEATURES])
{
	for (unsigned f = 0; f < FEATURES; f++) {
		ret_at[f] = rows_find(&r->rows, estimate_row_key(e->key[f], group));
		if (ret_at[f] >= 0)
			rows_prefetch(&r->rows, ret_at[f], blocks);
		if (ret_at[f] >= 0 && !group)
			__builtin_prefetch(&r->rows.pop[ret_at[f]]);
	}
}

static void sum_group(const struct router *r, const int64_t at[FEATURES], unsigned blocks, struct sums *a)
{
	float v0 = 0, u0 = 0;

	memset(a, 0, sizeof *a);
	for (unsigned f = 0; f < FEATURES; f++) {
		if (at[f] >= 0) {
			add_row(a, rows_lanes(&r->rows, at[f], 0), blocks);
		} else {
			v0 += feature_bid_var[f];
			u0 += feature_price_var[f];
		}
	}
	for (unsigned i = 0; i < LANES; i++) {
		a->v[i] += v0;
		a->u[i] += u0;
	}
}

static void sum_population(const struct router *r, const int64_t at[FEATURES], struct estimate *e)
{
	e->pop_s = r->tune.population_start;
	e->pop_m = 0;
	for (unsigned f = 0; f < FEATURES; f++) {
		if (at[f] < 0)
			continue;
		e->pop_s += word_load(&r->rows.pop[at[f]].bid);
		e->pop_m += word_load(&r->rows.pop[at[f]].price);
	}
}

void estimate(const struct router *r, const struct context *ctx, const int *slot, size_t n,
	      struct estimate *e)
{
	unsigned blocks[GROUPS] = { 0 };
	int64_t at[FEATURES];
	struct sums a;

	e->floor = floor_bucket(&r->floors, ctx);
	features_keys(ctx, e->floor, e->key);
	for (unsigned f = 0; f < FEATURES; f++)
		rows_prefetch_keys(&r->rows, e->key[f]);
	for (size_t i = 0; i < n; i++)
		if (slot[i] >= 0)
			blocks[slot[i] / LANES] |= 1u << (slot[i] % LANES / BLOCK);
	for (unsigned g = 0; g < GROUPS; g++) {
		if (g && !blocks[g])
			continue;
		find_rows(r, e, g, blocks[g], at);
		if (!g)
			sum_population(r, at, e);
		sum_group(r, at, blocks[g], &a);
		for (size_t i = 0; i < n; i++) {
			unsigned lane = (unsigned)slot[i] % LANES;

			if (slot[i] < 0 || (unsigned)slot[i] / LANES != g)
				continue;
			e->s[i] = e->pop_s + a.s[lane];
			e->v[i] = a.v[lane];
			e->m[i] = e->pop_m + a.m[lane];
			e->u[i] = a.u[lane];
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (slot[i] >= 0)
			continue;
		e->s[i] = e->pop_s;
		e->m[i] = e->pop_m;
		e->v[i] = features_bid_total;
		e->u[i] = features_price_total;
	}
}
