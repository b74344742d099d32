#include "idr/core/tuning.h"

const struct tuning tuning_default = {
	.bid_floor = 0.03f,
	.price_floor = 0.04f,
	.excess = 8,
	.explore = 0.5f,
	.probe = 0.03f,
	.population_bid = 0.0015f,
	.population_price = 0.001f,
	.damping_min = 0.05f,
	.pair_memory = 6000,
	.price_var_memory = 110,
	.control_gain = 0.0002f,
	.lead = 0.5f,
	.lead_auctions = 15000,
	.revenue_rate = 0.00005f,
	.price_start = 0.004f,
	.population_start = -1.0f,
};
