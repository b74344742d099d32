#include "idr/core/worth.h"

#include "idr/core/estimate.h"
#include "idr/core/mathx.h"
#include "idr/core/vector.h"

enum { WORTH_LOG, WORTH_WORKS, WORTH_VAR, WORTH_ARRAYS };

/* Crosses with the publisher would be too thin. */
const float worth_prior[FEATURES] = {
	[F_BIAS] = 0.40f,      [F_DEVICE_FORMAT] = 0.04f, [F_COUNTRY] = 0.10f,
	[F_PUBLISHER] = 0.06f, [F_SIZE_DEVICE] = 0.02f,   [F_IDS] = 0.06f,
	[F_HOUR] = 0.01f,      [F_FLOOR] = 0.04f,         [F_COUNTRY_DEVICE_FORMAT] = 0.04f,
};
/* Parts of a context in which a bidder may not work at all. */
static const bool cell[FEATURES] = {
	[F_DEVICE_FORMAT] = true, [F_COUNTRY] = true, [F_PUBLISHER] = true, [F_IDS] = true
};
/* Chance of working before anything is known; share of its bids that a bidder still sends where it does not; how much of
 * a silent call is held against it, since the expected chance may be wrong; how often either state changes. */
static const float works_start = 0.93f, works_rest = 0.03f, works_belief = 0.7f, works_back = 3e-4f,
		   works_gone = 1e-4f;

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

unsigned worth_arrays_read(enum feature f)
{
	return cell[f] ? WORTH_WORKS + 1 : WORTH_LOG + 1;
}

int64_t worth_touch(struct worth *w, enum feature f, uint64_t key)
{
	const float first[ROWS_ARRAYS] = { [WORTH_WORKS] = works_start, [WORTH_VAR] = worth_prior[f] };

	return worth_prior[f] > 0 ? rows_touch(&w->rows, key, first) : -1;
}

struct parts {
	const float *log[FEATURES], *works[FEATURES];
	unsigned n_log, n_works;
	float unknown; /* factor of the parts without a row */
};

/* What is left of a chance when it works here with this chance. */
static inline float works_factor(float chance)
{
	return works_rest + (1 - works_rest) * chance;
}

VECTOR_CLONES
static void combine(const struct parts *p, unsigned blocks, float *ret_factor, float *ret_works)
{
	for (unsigned b = 0; b < BLOCKS; b++) {
		_Alignas(64) float log[BLOCK] = { 0 }, works[BLOCK], one[BLOCK];

		if (!(blocks >> b & 1))
			continue;
		for (unsigned k = 0; k < p->n_log; k++)
			lanes_add(log, p->log[k] + b * BLOCK);
		for (unsigned i = 0; i < BLOCK; i++) {
			ret_factor[b * BLOCK + i] = exp_fast(clampf(log[i], -2, 2));
			works[i] = p->unknown;
		}
		for (unsigned k = 0; k < p->n_works; k++) {
			lanes_read(one, p->works[k] + b * BLOCK);
			for (unsigned i = 0; i < BLOCK; i++)
				works[i] *= works_factor(one[i]);
		}
		memcpy(ret_works + b * BLOCK, works, sizeof works);
	}
}

void worth_factors(const struct worth *w, const struct worth_in *in, const int *slot, size_t n,
		   float *ret_factor, float *ret_works)
{
	_Alignas(64) float factor[LANES], works[LANES];

	for (size_t i = 0; i < n; i++)
		ret_factor[i] = ret_works[i] = 1;
	for (unsigned g = 0; g < BIDDERS_MAX / LANES; g++) {
		struct parts p = { .unknown = 1 };

		if (!in->blocks[g])
			continue;
		for (unsigned f = 0; f < FEATURES; f++) {
			int64_t at = in->at[f][g];

			if (at >= 0)
				p.log[p.n_log++] = rows_lanes(&w->rows, at, WORTH_LOG);
			if (at >= 0 && cell[f])
				p.works[p.n_works++] = rows_lanes(&w->rows, at, WORTH_WORKS);
			else if (cell[f])
				p.unknown *= works_factor(works_start);
		}
		combine(&p, in->blocks[g], factor, works);
		for (size_t i = 0; i < n; i++) {
			unsigned lane = (unsigned)slot[i] % LANES;

			if (slot[i] < 0 || (unsigned)slot[i] / LANES != g)
				continue;
			ret_factor[i] = factor[lane];
			ret_works[i] = works[lane];
		}
	}
}

/* One weight's share of the surprise; keeps a floor under the variance (the forgetting). */
static void step(float *log, float *var, float surprise, float total, float rate, float first)
{
	float v = *var, low = first * floor_share, scale = 1 / (1 + total * rate);

	word_store(log, *log + v * surprise * scale);
	v *= 1 - v * rate * scale;
	word_store(var, v < low ? low : v);
}

void worth_learn(struct worth *w, const struct worth_in *in, unsigned slot, unsigned place, float realised,
		 float predicted)
{
	unsigned g = slot / LANES, lane = slot % LANES;
	float total = w->place_var[place][slot], surprise = fminf(realised, realised_max) - predicted;

	for (unsigned f = 0; f < FEATURES; f++)
		if (in->at[f][g] >= 0)
			total += rows_lanes(&w->rows, in->at[f][g], WORTH_VAR)[lane];
	for (unsigned f = 0; f < FEATURES; f++)
		if (in->at[f][g] >= 0)
			step(&rows_lanes(&w->rows, in->at[f][g], WORTH_LOG)[lane],
			     &rows_lanes(&w->rows, in->at[f][g], WORTH_VAR)[lane], surprise, total, predicted,
			     worth_prior[f]);
	step(&w->place[place][slot], &w->place_var[place][slot], surprise, total, predicted, prior_place);
	word_store(&w->place_factor[place][slot], exp_fast(clampf(w->place[place][slot], -1.5f, 1.5f)));
}

float works_learn(struct worth *w, const struct worth_in *in, unsigned slot, bool bid, float p)
{
	unsigned g = slot / LANES, lane = slot % LANES, n = 0;
	float *chance[FEATURES], all = 1, works = 1;

	for (unsigned f = 0; f < FEATURES; f++) {
		if (!cell[f] || in->at[f][g] < 0)
			continue;
		chance[n] = &rows_lanes(&w->rows, in->at[f][g], WORTH_WORKS)[lane];
		all *= works_factor(*chance[n++]);
	}
	for (unsigned k = 0; k < n; k++) {
		float a = *chance[k], q = works_belief * p * all / works_factor(a), up = bid ? 1 : 1 - q,
		      down = bid ? works_rest : 1 - works_rest * q;

		a = a * (1 - works_gone) + (1 - a) * works_back;
		a = a * up / (a * up + (1 - a) * down);
		word_store(chance[k], a);
		works *= a;
	}
	return works;
}
