/* The choice of a set: greedy by expected marginal revenue.
 *
 * Revenue of a set is the expected maximum of its bids. It is integrated on a grid of prices: `left[j]` is the weight
 * of price step j times the chance that nobody taken so far reaches it, so that taking a bidder multiplies it by 1 - h,
 * and the marginal value of another is one dot product. Two learned corrections stand for what independence misses:
 * worth (per bidder, context and place) and pairs (shared demand; the strongest overlap counts fully, further ones by
 * half).
 *
 * Use: fill the inputs, choose_start(), then choose_top() and choose_take() in turn. From choose_start() on, entries
 * are in an order of their own: who[i] is the candidate's place among the inputs. Everything lies side by side, padded
 * to whole vectors, because this is most of the time that a decision takes.
 */
#ifndef IDR_CORE_CHOOSE_H
#define IDR_CORE_CHOOSE_H

#include "idr/core/pairs.h"
#include "idr/core/router.h"
#include "idr/core/worth.h"

enum { GRID = 16, CHOOSE_VECTOR = 16 };

struct choice {
	/* inputs, per candidate */
	size_t n;
	float floor_usd, damping_min;
	unsigned format;
	const struct pairs *pairs;
	const struct worth *worth;
	_Alignas(64) int slot[ROUTER_CANDIDATES];
	float p[ROUTER_CANDIDATES];       /* chance of a valid bid */
	float mu[ROUTER_CANDIDATES];      /* its log price */
	float inv_sd[ROUTER_CANDIDATES];  /* 1 / deviation of the log price */
	float base[ROUTER_CANDIDATES];    /* worth_factors() */
	float works[ROUTER_CANDIDATES];   /* likewise: chance that it works here */
	float alive[ROUTER_CANDIDATES];   /* chance of not being in an outage */
	float penalty[ROUTER_CANDIDATES]; /* what a call costs beside its price, US dollars CPM */
	float open[ROUTER_CANDIDATES];    /* 1 = may be taken */
	float certain
		[ROUTER_CANDIDATES]; /* value without the luck of exploration, as a share of the value with it */
	/* the state */
	unsigned taken;
	int group; /* of 64 slots, in which all are; -1 = several */
	size_t padded;
	_Alignas(64) int32_t lane[ROUTER_CANDIDATES]; /* slot within the group */
	int who[ROUTER_CANDIDATES];
	_Alignas(64) float gain[ROUTER_CANDIDATES]; /* marginal value now, US dollars CPM */
	float placed[ROUTER_CANDIDATES];            /* base x the factor of this place */
	float factor[ROUTER_CANDIDATES], overlap[ROUTER_CANDIDATES], strongest[ROUTER_CANDIDATES];
	float left[GRID];
	_Alignas(64) float h[ROUTER_CANDIDATES / CHOOSE_VECTOR][GRID][CHOOSE_VECTOR];
};

/* Leaves out, for speed, whoever could not be worth `price` even alone; 0 keeps all. n is then how many stayed. */
void choose_start(struct choice *c, float price);
/* The open entry with the highest gain less penalty, and that value; -1 when none has any. */
int choose_top(const struct choice *c, float *ret_net);
void choose_take(struct choice *c, size_t i);

#endif
