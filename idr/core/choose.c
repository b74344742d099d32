#include "idr/core/choose.h"

#include <math.h>
#include <string.h>

#include "idr/core/mathx.h"
#include "idr/core/rows.h"
#include "idr/core/vector.h"

static const float grid_step = 0.2f, grid_span = 3.3f;

VECTOR_CLONES
static void survival(struct choice *c, float lo)
{
	float log_floor = c->floor_usd > 0 ? logf(c->floor_usd) : -9;

	for (unsigned j = 0; j < GRID; j++) {
		float level = lo + grid_step * (float)j, *h = c->h[j];

		/* every valid bid reaches the floor */
		if (level <= log_floor)
			memcpy(h, c->p, c->padded * sizeof *h);
		else
			for (size_t i = 0; i < c->padded; i++)
				h[i] = c->p[i] * normal_tail((level - c->mu[i]) * c->inv_sd[i]);
	}
}

VECTOR_CLONES
static void gains(struct choice *c)
{
	size_t n = c->padded;

	memset(c->gain, 0, n * sizeof *c->gain);
	for (unsigned j = 0; j < GRID; j++) {
		const float w = c->left[j], *h = c->h[j];

		for (size_t i = 0; i < n; i++)
			c->gain[i] += w * h[i];
	}
	for (size_t i = 0; i < n; i++)
		c->gain[i] *= c->factor[i] * c->open[i];
}

static void pad(struct choice *c)
{
	c->padded = (c->n + 7) & ~(size_t)7;
	for (size_t i = c->n; i < c->padded; i++) {
		c->p[i] = c->mu[i] = c->base[i] = c->penalty[i] = c->open[i] = 0;
		c->inv_sd[i] = 1;
		c->slot[i] = -1;
	}
}

static float place_factor(const struct choice *c, size_t i)
{
	return c->slot[i] >= 0 ? word_load(&c->worth->place_factor[worth_place(c->taken)][c->slot[i]]) : 1;
}

void choose_start(struct choice *c)
{
	float hi = -9, lo, v, before = 0;

	pad(c);
	for (size_t i = 0; i < c->n; i++)
		if (c->p[i] * c->open[i] > 0.02f && c->mu[i] > hi)
			hi = c->mu[i];
	lo = (hi < -8 ? 1.3f : hi) - grid_span;
	for (unsigned j = 0; j < GRID; j++, before = v) {
		v = expf(lo + grid_step * (float)j);
		c->left[j] = v - before;
	}
	c->taken = 0;
	for (size_t i = 0; i < c->padded; i++) {
		c->factor[i] = c->base[i] * place_factor(c, i);
		c->overlap[i] = c->strongest[i] = 1;
	}
	survival(c, lo);
	gains(c);
}

int choose_top(const struct choice *c, float *ret_net)
{
	float top = -1e30f;
	int at = -1;

	for (size_t i = 0; i < c->n; i++) {
		float net = c->gain[i] - c->penalty[i];

		if (c->open[i] > 0 && net > top) {
			top = net;
			at = (int)i;
		}
	}
	*ret_net = top;
	return at;
}

/* What the one just taken leaves of the others; its strongest overlap counts fully, the rest by half. */
static void overlap(struct choice *c, const float *row)
{
	for (size_t i = 0; i < c->n; i++) {
		float r = c->slot[i] >= 0 ? word_load(&row[c->slot[i]]) : 1, t;

		c->overlap[i] *= r;
		c->strongest[i] = r < c->strongest[i] ? r : c->strongest[i];
		t = sqrtf(c->overlap[i] * c->strongest[i]);
		c->factor[i] = c->base[i] * place_factor(c, i) * (t < c->damping_min ? c->damping_min : t);
	}
}

void choose_take(struct choice *c, size_t a)
{
	c->open[a] = 0;
	for (unsigned j = 0; j < GRID; j++)
		c->left[j] *= 1 - c->h[j][a];
	c->taken++;
	if (c->slot[a] >= 0)
		overlap(c, c->pairs->factor[c->format][c->slot[a]]);
	gains(c);
}
