/* Steps of a decision that learning repeats. */
#ifndef IDR_CORE_DECIDE_H
#define IDR_CORE_DECIDE_H

#include "idr/core/choose.h"
#include "idr/core/estimate.h"

/* Why everybody is called for this auction, if so. */
enum everybody { NOT_EVERYBODY, FOR_AUDIT, FOR_CONTROL, FOR_SHADOW, FOR_LEARNING, FOR_BYPASS };
enum everybody decide_everybody(const struct router *r, const struct settings *s, uint64_t auction);

/* The choice's inputs from the estimate, without exploration. `slot` as in estimate(). */
void decide_means(const struct router *r, const struct context *ctx, const struct estimate *e,
		  const int *slot, size_t n, float lambda, float slow_ms, struct choice *ret_c);

/* The price per call that holds, US dollars CPM. */
float decide_price(const struct router *r, const struct settings *s);

/* Fills scores of one verdict (explain.c). */
struct explain_in {
	const struct router *r;
	const struct context *ctx;
	const struct estimate *e;
	const int *slot;
	const float *inv_sd; /* 1 / deviation of the log price */
	const float *works;  /* chance that it works in this context */
	float lambda;
	float gain_usd; /* at the moment of choice */
};
void explain_verdict(const struct explain_in *x, size_t i, struct verdict *v);
/* Only the weighted total, for thresholds. */
float explain_total(const struct explain_in *x, size_t i, float component[COMPONENTS]);

#endif
