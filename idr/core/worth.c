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

/* A surprise is counted up to twice the usual price: rare high bids tell little and shake much, and what the bound takes from
 * all bidders alike, the price per call takes back. */
static const float prior_place = 0.40f, floor_share = 0.02f, realised_max = 2;

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

/* An auction's parts by lane of a group; 0 where a bidder had none, which leaves a weight as it is. */
struct surprises {
	_Alignas(64) float surprise[LANES], rate[LANES], total[LANES];
};

static void clear_lanes(float *a)
{
	const float none[BLOCK] = { 0 };

	for (unsigned b = 0; b < LANES; b += BLOCK)
		memcpy(a + b, none, sizeof none);
}

struct weights {
	float *log[FEATURES], *var[FEATURES];
	float low[FEATURES]; /* the floor under a variance: the forgetting */
	unsigned n;
};

/* Each weight takes its variance's share of the surprise. s->total becomes what the surprise counts for. */
VECTOR_CLONES
static void learn_weights(const struct weights *w, unsigned blocks, struct surprises *s)
{
	for (unsigned b = 0; b < BLOCKS; b++) {
		const lane16 *surprise = (const lane16 *)(s->surprise + b * BLOCK),
			     *rate = (const lane16 *)(s->rate + b * BLOCK);
		lane16 *total = (lane16 *)(s->total + b * BLOCK), log, var;

		if (!(blocks >> b & 1))
			continue;
		for (unsigned k = 0; k < w->n; k++)
			lanes_add(s->total + b * BLOCK, w->var[k] + b * BLOCK);
		*total = 1 / (1 + *total * *rate);
		for (unsigned k = 0; k < w->n; k++) {
			lanes_read((float *)&log, w->log[k] + b * BLOCK);
			lanes_read((float *)&var, w->var[k] + b * BLOCK);
			log += var * *surprise * *total;
			var *= 1 - var * *rate * *total;
			no_lower(&var, w->low[k]);
			lanes_write(w->log[k] + b * BLOCK, (const float *)&log);
			lanes_write(w->var[k] + b * BLOCK, (const float *)&var);
		}
	}
}

/* The same for the weight of a place. */
static void learn_place(struct worth *w, const struct worth_part *p, float surprise, float scale)
{
	float *log = &w->place[p->place][p->slot], *var = &w->place_var[p->place][p->slot], v = *var,
	      low = prior_place * floor_share;

	word_store(log, *log + v * surprise * scale);
	v *= 1 - v * p->predicted * scale;
	word_store(var, v < low ? low : v);
	word_store(&w->place_factor[p->place][p->slot], exp_fast(clampf(*log, -1.5f, 1.5f)));
}

static float surprise_of(const struct worth_part *p)
{
	return fminf(p->realised, realised_max) - p->predicted;
}

void worth_learn(struct worth *w, const struct worth_in *in, const struct worth_part *part, size_t n)
{
	for (unsigned g = 0; g < BIDDERS_MAX / LANES; g++) {
		struct weights to = { .n = 0 };
		struct surprises s;

		if (!in->blocks[g])
			continue;
		clear_lanes(s.surprise);
		clear_lanes(s.rate);
		clear_lanes(s.total);
		for (unsigned f = 0; f < FEATURES; f++) {
			if (in->at[f][g] < 0)
				continue;
			to.log[to.n] = rows_lanes(&w->rows, in->at[f][g], WORTH_LOG);
			to.var[to.n] = rows_lanes(&w->rows, in->at[f][g], WORTH_VAR);
			to.low[to.n++] = worth_prior[f] * floor_share;
		}
		for (size_t i = 0; i < n; i++) {
			unsigned lane = part[i].slot % LANES;

			if (part[i].slot / LANES != g)
				continue;
			s.surprise[lane] = surprise_of(&part[i]);
			s.rate[lane] = part[i].predicted;
			s.total[lane] = w->place_var[part[i].place][part[i].slot];
		}
		learn_weights(&to, in->blocks[g], &s);
		for (size_t i = 0; i < n; i++)
			if (part[i].slot / LANES == g)
				learn_place(w, &part[i], surprise_of(&part[i]),
					    s.total[part[i].slot % LANES]);
	}
}

/* Calls by lane of a group; p = 0 where there was none. */
struct silence {
	_Alignas(64) float p[LANES], bid[LANES], works[LANES];
};

VECTOR_CLONES
static void learn_works(float *const *chance, unsigned n, unsigned blocks, struct silence *s)
{
	for (unsigned b = 0; b < BLOCKS; b++) {
		const float *p = s->p + b * BLOCK, *bid = s->bid + b * BLOCK;
		_Alignas(64) float all[BLOCK], works[BLOCK], at[BLOCK];

		if (!(blocks >> b & 1))
			continue;
		for (unsigned i = 0; i < BLOCK; i++)
			all[i] = works[i] = 1;
		for (unsigned k = 0; k < n; k++) {
			lanes_read(at, chance[k] + b * BLOCK);
			for (unsigned i = 0; i < BLOCK; i++)
				all[i] *= works_factor(at[i]);
		}
		for (unsigned k = 0; k < n; k++) {
			lanes_read(at, chance[k] + b * BLOCK);
			for (unsigned i = 0; i < BLOCK; i++) {
				float q = works_belief * p[i] * all[i] / works_factor(at[i]);
				float up = bid[i] > 0 ? 1 : 1 - q,
				      down = bid[i] > 0 ? works_rest : 1 - works_rest * q;
				float a = at[i] * (1 - works_gone) + (1 - at[i]) * works_back;

				a = a * up / (a * up + (1 - a) * down);
				at[i] = p[i] > 0 ? a : at[i];
				works[i] *= at[i];
			}
			lanes_write(chance[k] + b * BLOCK, at);
		}
		memcpy(s->works + b * BLOCK, works, sizeof works);
	}
}

void works_learn(struct worth *w, const struct worth_in *in, const int *slot, const bool *bid, const float *p,
		 size_t n, float *ret_works)
{
	for (unsigned g = 0; g < BIDDERS_MAX / LANES; g++) {
		struct silence s;
		float *chance[FEATURES];
		unsigned rows = 0;

		if (!in->blocks[g])
			continue;
		clear_lanes(s.p);
		clear_lanes(s.bid);
		for (unsigned f = 0; f < FEATURES; f++)
			if (cell[f] && in->at[f][g] >= 0)
				chance[rows++] = rows_lanes(&w->rows, in->at[f][g], WORTH_WORKS);
		for (size_t i = 0; i < n; i++)
			if ((unsigned)slot[i] / LANES == g) {
				s.p[slot[i] % LANES] = p[i];
				s.bid[slot[i] % LANES] = bid[i];
			}
		learn_works(chance, rows, in->blocks[g], &s);
		for (size_t i = 0; i < n; i++)
			if ((unsigned)slot[i] / LANES == g)
				ret_works[i] = s.works[slot[i] % LANES];
	}
}
