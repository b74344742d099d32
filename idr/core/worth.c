#include "idr/core/worth.h"

#include "idr/core/estimate.h"
#include "idr/core/mathx.h"
#include "idr/core/vector.h"

enum { WORTH_LOG, WORTH_VAR, WORTH_ARRAYS };

/* Prior variances of the log factor; 0 = no row. Crosses with the publisher would be too thin. */
static const float prior[FEATURES] = {
	[F_BIAS] = 0.40f,      [F_DEVICE_FORMAT] = 0.04f, [F_COUNTRY] = 0.10f,
	[F_PUBLISHER] = 0.06f, [F_SIZE_DEVICE] = 0.02f,   [F_IDS] = 0.06f,
	[F_HOUR] = 0.01f,      [F_FLOOR] = 0.04f,         [F_COUNTRY_DEVICE_FORMAT] = 0.04f,
};
static const float prior_place = 0.40f, floor_share = 0.04f, realised_max = 4;

void worth_init(struct worth *w, size_t memory_bytes)
{
	rows_init(&w->rows, memory_bytes, WORTH_ARRAYS);
	worth_clear(w);
}

void worth_deinit(struct worth *w)
{
	rows_deinit(&w->rows);
}

void worth_clear(struct worth *w)
{
	rows_clear(&w->rows);
	for (unsigned p = 0; p < WORTH_PLACES; p++)
		for (unsigned b = 0; b < BIDDERS_MAX; b++) {
			w->place[p][b] = 0;
			w->place_var[p][b] = prior_place;
			w->place_factor[p][b] = 1;
		}
}

VECTOR_CLONES
static void add_blocks(float *restrict acc, const float *row, unsigned blocks)
{
	for (unsigned b = 0; b < BLOCKS; b++)
		if (blocks >> b & 1)
			lanes_add(acc + b * BLOCK, row + b * BLOCK);
}

void worth_factors(const struct worth *w, const uint64_t key[FEATURES], const int *slot, size_t n,
		   float *ret_factor)
{
	unsigned blocks[BIDDERS_MAX / LANES] = { 0 };

	for (size_t i = 0; i < n; i++) {
		ret_factor[i] = 1;
		if (slot[i] >= 0)
			blocks[slot[i] / LANES] |= 1u << (slot[i] % LANES / BLOCK);
	}
	for (unsigned g = 0; g < BIDDERS_MAX / LANES; g++) {
		_Alignas(64) float sum[LANES] = { 0 };

		if (!blocks[g])
			continue;
		for (unsigned f = 0; f < FEATURES; f++) {
			int64_t at = prior[f] > 0 ? rows_find(&w->rows, estimate_row_key(key[f], g)) : -1;

			if (at >= 0)
				add_blocks(sum, rows_lanes(&w->rows, at, WORTH_LOG), blocks[g]);
		}
		for (size_t i = 0; i < n; i++)
			if (slot[i] >= 0 && (unsigned)slot[i] / LANES == g)
				ret_factor[i] = exp_fast(clampf(sum[(unsigned)slot[i] % LANES], -2, 2));
	}
}

void worth_touch(struct worth *w, const uint64_t key[FEATURES], unsigned groups, struct worth_rows *ret_r)
{
	for (unsigned f = 0; f < FEATURES; f++) {
		const float first[ROWS_ARRAYS] = { [WORTH_VAR] = prior[f] };

		for (unsigned g = 0; g < BIDDERS_MAX / LANES; g++)
			ret_r->at[f][g] = prior[f] > 0 && groups >> g & 1
						  ? rows_touch(&w->rows, estimate_row_key(key[f], g), first)
						  : -1;
	}
}

/* One weight's share of the surprise; returns nothing, keeps a floor under the variance (the forgetting). */
static void step(float *log, float *var, float surprise, float total, float rate, float first)
{
	float v = *var, low = first * floor_share;

	word_store(log, *log + v * surprise / (1 + total * rate));
	v *= 1 - v * rate / (1 + total * rate);
	word_store(var, v < low ? low : v);
}

void worth_learn(struct worth *w, const struct worth_rows *r, unsigned slot, unsigned place, float realised,
		 float predicted)
{
	unsigned g = slot / LANES, lane = slot % LANES;
	float total = w->place_var[place][slot], surprise = fminf(realised, realised_max) - predicted;

	for (unsigned f = 0; f < FEATURES; f++)
		if (r->at[f][g] >= 0)
			total += rows_lanes(&w->rows, r->at[f][g], WORTH_VAR)[lane];
	for (unsigned f = 0; f < FEATURES; f++)
		if (r->at[f][g] >= 0)
			step(&rows_lanes(&w->rows, r->at[f][g], WORTH_LOG)[lane],
			     &rows_lanes(&w->rows, r->at[f][g], WORTH_VAR)[lane], surprise, total, predicted,
			     prior[f]);
	step(&w->place[place][slot], &w->place_var[place][slot], surprise, total, predicted, prior_place);
	word_store(&w->place_factor[place][slot], exp_fast(clampf(w->place[place][slot], -1.5f, 1.5f)));
}
