#include "idr/core/sites.h"

#include <string.h>

#include "idr/core/mathx.h"

/* A bidder's rows are in the group of its slot; the population's weights always in the first. */
uint64_t sites_key(uint64_t key, unsigned group)
{
	return group ? mix64(key + group) | 1 : key;
}

void sites_start(const struct router *r, const struct context *ctx, struct sites *s)
{
	s->floor = floor_bucket(&r->floors, ctx);
	features_keys(ctx, s->floor, s->key);
	for (unsigned f = 0; f < FEATURES; f++) {
		rows_prefetch_keys(&r->rows, s->key[f]);
		if (worth_prior[f] > 0)
			rows_prefetch_keys(&r->worth.rows, s->key[f]);
	}
}

static void mark_blocks(const int *slot, size_t n, struct sites *s)
{
	memset(s->blocks, 0, sizeof s->blocks);
	for (size_t i = 0; i < n; i++)
		if (slot[i] >= 0)
			s->blocks[slot[i] / LANES] |= 1u << (slot[i] % LANES / BLOCK);
}

/* All lines of a group are asked for together before any is read: what rows cost is waiting for memory. */
void sites_find(const struct router *r, const int *slot, size_t n, struct sites *s)
{
	mark_blocks(slot, n, s);
	for (unsigned g = 0; g < GROUPS; g++) {
		for (unsigned f = 0; f < FEATURES && (!g || s->blocks[g]); f++) {
			uint64_t key = sites_key(s->key[f], g);
			int64_t at = s->model[f][g] = rows_find(&r->rows, key);

			if (at >= 0)
				rows_prefetch(&r->rows, at, s->blocks[g], ROW_ARRAYS);
			if (at >= 0 && !g)
				__builtin_prefetch(&r->rows.pop[at]);
			at = s->worth[f][g] = worth_prior[f] > 0 ? rows_find(&r->worth.rows, key) : -1;
			if (at >= 0)
				rows_prefetch(&r->worth.rows, at, s->blocks[g], worth_arrays_read(f));
		}
	}
}

void sites_touch(struct router *r, const int *slot, size_t n, struct sites *s)
{
	mark_blocks(slot, n, s);
	for (unsigned g = 0; g < GROUPS; g++) {
		for (unsigned f = 0; f < FEATURES && (!g || s->blocks[g]); f++) {
			const float first[ROWS_ARRAYS] = {
				[ROW_BID_VAR] = feature_bid_var[f], [ROW_PRICE_VAR] = feature_price_var[f]
			};
			uint64_t key = sites_key(s->key[f], g);

			s->model[f][g] = rows_touch(&r->rows, key, first);
			s->worth[f][g] = worth_touch(&r->worth, f, key);
			if (s->model[f][g] >= 0)
				rows_prefetch(&r->rows, s->model[f][g], s->blocks[g], ROW_ARRAYS);
			if (s->worth[f][g] >= 0)
				rows_prefetch(&r->worth.rows, s->worth[f][g], s->blocks[g],
					      r->worth.rows.arrays);
		}
	}
}
