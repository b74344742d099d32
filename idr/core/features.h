/* Which rows an auction is made of: the parts of a context, alone and crossed, that shift a bidder's chance
 * and price. Small crosses have small priors, so they only speak where there is data.
 */
#ifndef IDR_CORE_FEATURES_H
#define IDR_CORE_FEATURES_H

#include <stdint.h>

#include "idr/core/context.h"

enum feature {
	F_BIAS,
	F_DEVICE_FORMAT,
	F_COUNTRY,
	F_PUBLISHER,
	F_SIZE_DEVICE,
	F_IDS,
	F_HOUR,
	F_FLOOR,
	F_COUNTRY_DEVICE_FORMAT,
	F_PUBLISHER_DEVICE_FORMAT,
	F_PUBLISHER_SIZE,
	F_PUBLISHER_COUNTRY,
	F_PUBLISHER_IDS,
	F_LEAF,
	FEATURES
};

/* Prior variances of a weight: bid chance (probit scale) and log price. About what the weights of a simulated market
 * come to, their own uncertainty included; wider ones make young rows follow every chance bid. */
extern const float feature_bid_var[FEATURES], feature_price_var[FEATURES];
/* Their sums: what is unknown about a bidder in a context that nothing is known of. */
extern const float features_bid_total, features_price_total;

/* What bids usually are in a country, on a device, in a format: the scale on which a floor is high or low. */
enum { FLOOR_CELLS = 4096, FLOOR_STEPS = 12 };
struct floor_refs {
	float sum[FLOOR_CELLS], n[FLOOR_CELLS];
};
unsigned floor_bucket(const struct floor_refs *f, const struct context *ctx); /* 0 = no floor */
void floor_learn(struct floor_refs *f, const struct context *ctx, float log_price);

/* Row keys; 0 = this part is unknown and has no row. */
void features_keys(const struct context *ctx, unsigned floor, uint64_t ret_key[FEATURES]);

#endif
