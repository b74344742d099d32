#include "idr/core/choose.h"

#include <math.h>
#include <string.h>

#include "idr/core/mathx.h"
#include "idr/core/rows.h"
#include "idr/core/vector.h"

static const float grid_step = 0.38f, grid_span = 3.0f;

/* Survival h = chance of a valid bid at or above a price step; every valid bid reaches the floor. */
VECTOR_CLONES
static void survival(struct choice *c, float lo, float log_floor)
{
	for (size_t v = 0; v < c->padded / CHOOSE_VECTOR; v++) {
		const float *p = c->p + v * CHOOSE_VECTOR, *mu = c->mu + v * CHOOSE_VECTOR,
			    *inv_sd = c->inv_sd + v * CHOOSE_VECTOR;

		for (unsigned j = 0; j < GRID; j++) {
			float level = lo + grid_step * (float)j, *h = c->h[v][j];

			if (level <= log_floor)
				level = -99;
			for (unsigned i = 0; i < CHOOSE_VECTOR; i++)
				h[i] = p[i] * normal_tail_rough((level - mu[i]) * inv_sd[i]);
		}
	}
}

/* ret[i] = table[slot of entry i]. Each word of the table is read once. */
static inline __attribute__((always_inline)) void in_order(const struct choice *c, const float *table,
							   float *ret)
{
	_Alignas(64) float part[LANES];

	if (c->group >= 0) {
		for (unsigned b = 0; b < LANES; b += BLOCK)
			lanes_read(part + b, table + c->group * LANES + b);
		for (size_t at = 0; at < c->padded; at += CHOOSE_VECTOR)
			lookup64(part, c->lane + at, ret + at);
		return;
	}
	for (size_t i = 0; i < c->padded; i++)
		ret[i] = c->slot[i] >= 0 ? word_load(&table[c->slot[i]]) : 1;
}

VECTOR_CLONES
static void place(struct choice *c, const float *table)
{
	_Alignas(64) float factor[ROUTER_CANDIDATES];

	in_order(c, table, factor);
	for (size_t i = 0; i < c->padded; i++)
		c->placed[i] = c->base[i] * factor[i];
}

/* What the one just taken leaves of the others: its strongest overlap counts fully, the rest by half. */
VECTOR_CLONES
static void overlap(struct choice *c, const float *table)
{
	_Alignas(64) float factor[ROUTER_CANDIDATES];

	in_order(c, table, factor);
	for (size_t i = 0; i < c->padded; i++) {
		float r = factor[i], strongest = c->strongest[i] < r ? c->strongest[i] : r, t;

		c->overlap[i] *= r;
		c->strongest[i] = strongest;
		t = sqrt_fast(c->overlap[i] * strongest);
		c->factor[i] = c->placed[i] * (t < c->damping_min ? c->damping_min : t);
	}
}

/* Marginal values; written in vectors, left to itself the compiler turns this loop inside out. */
VECTOR_CLONES
static void gains(struct choice *c)
{
	for (size_t v = 0; v < c->padded / CHOOSE_VECTOR; v++) {
		size_t at = v * CHOOSE_VECTOR;
		const lane16 *h = (const lane16 *)c->h[v];
		lane16 a = { 0 }, b = { 0 };

		for (unsigned j = 0; j < GRID; j += 2) {
			a += c->left[j] * h[j];
			b += c->left[j + 1] * h[j + 1];
		}
		*(lane16 *)&c->gain[at] =
			(a + b) * *(const lane16 *)&c->factor[at] * *(const lane16 *)&c->open[at];
	}
}

/* The best value and where it is, in one word, so that one maximum over whole numbers finds both: positive floats
 * order like their bits, and the six lowest of those give way to the index. */
VECTOR_CLONES
static int32_t top_word(const struct choice *c)
{
	int32_t top = 0;

	for (size_t i = 0; i < c->padded; i++) {
		float net = c->gain[i] - c->penalty[i];
		int32_t bits;

		net = net > 0 ? net * c->open[i] : 0;
		memcpy(&bits, &net, sizeof bits);
		bits = (bits & ~63) | (int32_t)(63 - i);
		top = bits > top ? bits : top;
	}
	return top;
}

int choose_top(const struct choice *c, float *ret_net)
{
	int32_t top = top_word(c);
	int at = 63 - (top & 63);

	*ret_net = 0;
	if (top < 64)
		return -1;
	*ret_net = c->gain[at] - c->penalty[at];
	return at;
}

static void move(struct choice *c, size_t to, size_t from)
{
	c->who[to] = (int)from;
	c->slot[to] = c->slot[from];
	c->p[to] = c->p[from];
	c->mu[to] = c->mu[from];
	c->inv_sd[to] = c->inv_sd[from];
	c->base[to] = c->base[from];
	c->penalty[to] = c->penalty[from];
	c->open[to] = c->open[from];
	c->certain[to] = c->certain[from];
}

/* A lone bid is worth at most p (E[price] + floor); the factor of its place seldom lifts that by half. */
VECTOR_CLONES
static void value_alone(const struct choice *c, float *restrict ret_most)
{
	for (size_t i = 0; i < c->n; i++) {
		float sd = 1 / c->inv_sd[i];

		ret_most[i] = 1.5f * c->open[i] * c->p[i] * c->base[i] *
			      (exp_fast(c->mu[i] + 0.5f * sd * sd) + c->floor_usd);
	}
}

static void keep_worthwhile(struct choice *c, float price)
{
	_Alignas(64) float most[ROUTER_CANDIDATES];
	size_t n = 0;

	value_alone(c, most);
	for (size_t i = 0; i < c->n; i++)
		if (most[i] >= price)
			move(c, n++, i);
	c->n = n;
}

static void pad(struct choice *c)
{
	c->padded = (c->n + CHOOSE_VECTOR - 1) & ~(size_t)(CHOOSE_VECTOR - 1);
	for (size_t i = c->n; i < c->padded; i++) {
		c->p[i] = c->mu[i] = c->base[i] = c->penalty[i] = c->open[i] = 0;
		c->inv_sd[i] = 1;
		c->slot[i] = c->slot[0];
	}
	c->group = c->n ? c->slot[0] >> 6 : 0;
	for (size_t i = 0; i < c->padded; i++) {
		if (c->slot[i] >> 6 != c->group)
			c->group = -1;
		c->lane[i] = c->slot[i] & (LANES - 1);
	}
}

void choose_start(struct choice *c, float price)
{
	float hi = -9, lo, v, before = 0, ratio = expf(grid_step);

	for (size_t i = 0; i < c->n; i++)
		c->who[i] = (int)i;
	if (price > 0)
		keep_worthwhile(c, price);
	pad(c);
	for (size_t i = 0; i < c->n; i++) {
		float mu = c->p[i] * c->open[i] > 0.02f ? c->mu[i] : hi;

		hi = mu > hi ? mu : hi;
	}
	lo = (hi < -8 ? 1.3f : hi) - grid_span;
	v = expf(lo);
	for (unsigned j = 0; j < GRID; j++, before = v, v *= ratio)
		c->left[j] = v - before;
	c->taken = 0;
	place(c, c->worth->place_factor[0]);
	for (size_t i = 0; i < c->padded; i++) {
		c->factor[i] = c->placed[i];
		c->overlap[i] = c->strongest[i] = 1;
	}
	survival(c, lo, c->floor_usd > 0 ? logf(c->floor_usd) : -9);
	gains(c);
}

void choose_take(struct choice *c, size_t a)
{
	unsigned was = worth_place(c->taken), is = worth_place(++c->taken);
	const float *h = &c->h[a / CHOOSE_VECTOR][0][a % CHOOSE_VECTOR];

	c->open[a] = 0;
	for (unsigned j = 0; j < GRID; j++)
		c->left[j] *= 1 - h[j * CHOOSE_VECTOR];
	if (was != is)
		place(c, c->worth->place_factor[is]);
	if (c->slot[a] >= 0)
		overlap(c, c->pairs->factor[c->format][c->slot[a]]);
	gains(c);
}
