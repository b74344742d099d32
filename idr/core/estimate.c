#include "idr/core/estimate.h"

#include "idr/core/vector.h"

struct sums {
	_Alignas(64) float s[LANES], v[LANES], m[LANES], u[LANES];
};

/* Block by block, so that the sums stay in registers. */
VECTOR_CLONES
static void add_rows(struct sums *a, const float *const *row, unsigned n, unsigned blocks, float v0, float u0)
{
	for (unsigned b = 0; b < BLOCKS; b++) {
		_Alignas(64) float s[BLOCK] = { 0 }, v[BLOCK], m[BLOCK] = { 0 }, u[BLOCK];

		if (!(blocks >> b & 1))
			continue;
		for (unsigned i = 0; i < BLOCK; i++) {
			v[i] = v0;
			u[i] = u0;
		}
		for (unsigned k = 0; k < n; k++) {
			lanes_add(s, row[k] + ROW_BID * LANES + b * BLOCK);
			lanes_add(v, row[k] + ROW_BID_VAR * LANES + b * BLOCK);
			lanes_add(m, row[k] + ROW_PRICE * LANES + b * BLOCK);
			lanes_add(u, row[k] + ROW_PRICE_VAR * LANES + b * BLOCK);
		}
		memcpy(a->s + b * BLOCK, s, sizeof s);
		memcpy(a->v + b * BLOCK, v, sizeof v);
		memcpy(a->m + b * BLOCK, m, sizeof m);
		memcpy(a->u + b * BLOCK, u, sizeof u);
	}
}

static void sum_group(const struct router *r, const struct sites *at, unsigned group, struct sums *a)
{
	const float *row[FEATURES];
	unsigned n = 0;
	float v0 = 0, u0 = 0;

	for (unsigned f = 0; f < FEATURES; f++) {
		if (at->model[f][group] >= 0) {
			row[n++] = rows_lanes(&r->rows, at->model[f][group], 0);
		} else {
			v0 += feature_bid_var[f];
			u0 += feature_price_var[f];
		}
	}
	add_rows(a, row, n, at->blocks[group], v0, u0);
}

static void sum_population(const struct router *r, struct estimate *e)
{
	e->pop_s = r->tune.population_start;
	e->pop_m = 0;
	for (unsigned f = 0; f < FEATURES; f++) {
		int64_t at = e->sites.model[f][0];

		if (at < 0)
			continue;
		e->pop_s += word_load(&r->rows.pop[at].bid);
		e->pop_m += word_load(&r->rows.pop[at].price);
	}
}

void estimate(const struct router *r, const int *slot, size_t n, struct estimate *e)
{
	struct sums a;

	sum_population(r, e);
	for (size_t i = 0; i < n; i++) {
		if (slot[i] >= 0)
			continue;
		e->s[i] = e->pop_s;
		e->m[i] = e->pop_m;
		e->v[i] = features_bid_total;
		e->u[i] = features_price_total;
	}
	for (unsigned g = 0; g < GROUPS; g++) {
		if (!e->sites.blocks[g])
			continue;
		sum_group(r, &e->sites, g, &a);
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
}
