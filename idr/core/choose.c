#include "idr/core/choose.h"

#include <math.h>
#include <string.h>

#include "idr/core/mathx.h"
#include "idr/core/rows.h"
#include "idr/core/vector.h"

static const float grid_step = 0.27f, grid_span = 3.3f;
/* Entry ROUTER_SLOTS of a table copied for look-ups: what a bidder without a slot gets. */
enum { NEUTRAL = ROUTER_SLOTS };

/* Survival h[j] = chance of a valid bid at or above price step j. */
VECTOR_CLONES
static void survival(struct choice *c, float lo, float log_floor)
{
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

/* Written in vectors: left to itself the compiler turns this loop inside out. */
VECTOR_CLONES
static void gains(struct choice *c)
{
	for (size_t at = 0; at < c->padded; at += CHOOSE_VECTOR) {
		lane8 a = { 0 }, b = { 0 };

		for (unsigned j = 0; j < GRID; j++) {
			const lane8 *h = (const lane8 *)&c->h[j][at];

			a += c->left[j] * h[0];
			b += c->left[j] * h[1];
		}
		*(lane8 *)&c->gain[at] = a * *(lane8 *)&c->factor[at] * *(lane8 *)&c->open[at];
		*(lane8 *)&c->gain[at + 8] = b * *(lane8 *)&c->factor[at + 8] * *(lane8 *)&c->open[at + 8];
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

/* The part of a table by slot that this choice looks at. */
static void copy_slots(const struct choice *c, const float *table, float *ret_copy)
{
	for (unsigned g = 0; g < ROUTER_SLOTS / LANES; g++)
		if (c->groups >> g & 1)
			lanes_copy(ret_copy + g * LANES, table + g * LANES);
	ret_copy[NEUTRAL] = 1;
}

VECTOR_CLONES
static void place(struct choice *c, const float *factor)
{
	for (size_t i = 0; i < c->padded; i++)
		c->placed[i] = c->base[i] * factor[c->slot[i]];
}

/* What the one just taken leaves of the others; its strongest overlap counts fully, the rest by half. */
VECTOR_CLONES
static void overlap(struct choice *c, const float *factor)
{
	for (size_t i = 0; i < c->padded; i++) {
		float r = factor[c->slot[i]], t;

		c->overlap[i] *= r;
		c->strongest[i] = r < c->strongest[i] ? r : c->strongest[i];
		t = sqrtf(c->overlap[i] * c->strongest[i]);
		c->factor[i] = c->placed[i] * (t < c->damping_min ? c->damping_min : t);
	}
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
static void keep_worthwhile(struct choice *c, float price)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		float sd = 1 / c->inv_sd[i];
		float most = c->p[i] * c->base[i] * (exp_fast(c->mu[i] + 0.5f * sd * sd) + c->floor_usd);

		if (c->open[i] > 0 && 1.5f * most >= price)
			move(c, n++, i);
	}
	c->n = n;
}

static void pad(struct choice *c)
{
	c->padded = (c->n + CHOOSE_VECTOR - 1) & ~(size_t)(CHOOSE_VECTOR - 1);
	c->groups = 0;
	for (size_t i = 0; i < c->n; i++) {
		if (c->slot[i] >= 0)
			c->groups |= 1u << (c->slot[i] / LANES);
		else
			c->slot[i] = NEUTRAL;
	}
	for (size_t i = c->n; i < c->padded; i++) {
		c->p[i] = c->mu[i] = c->base[i] = c->penalty[i] = c->open[i] = 0;
		c->inv_sd[i] = 1;
		c->slot[i] = NEUTRAL;
	}
}

void choose_start(struct choice *c, float price)
{
	float hi = -9, lo, v, before = 0, ratio = expf(grid_step);
	_Alignas(64) float factor[ROUTER_SLOTS + 1];

	for (size_t i = 0; i < c->n; i++)
		c->who[i] = (int)i;
	if (price > 0)
		keep_worthwhile(c, price);
	pad(c);
	for (size_t i = 0; i < c->n; i++)
		if (c->p[i] * c->open[i] > 0.02f && c->mu[i] > hi)
			hi = c->mu[i];
	lo = (hi < -8 ? 1.3f : hi) - grid_span;
	v = expf(lo);
	for (unsigned j = 0; j < GRID; j++, before = v, v *= ratio)
		c->left[j] = v - before;
	c->taken = 0;
	copy_slots(c, c->worth->place_factor[0], factor);
	place(c, factor);
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
	_Alignas(64) float factor[ROUTER_SLOTS + 1];

	c->open[a] = 0;
	for (unsigned j = 0; j < GRID; j++)
		c->left[j] *= 1 - c->h[j][a];
	if (was != is) {
		copy_slots(c, c->worth->place_factor[is], factor);
		place(c, factor);
	}
	if (c->slot[a] != NEUTRAL) {
		copy_slots(c, c->pairs->factor[c->format][c->slot[a]], factor);
		overlap(c, factor);
	}
	gains(c);
}
