/* The model's constants in one place. The values were found on simulated markets; none of them is sharp. */
#ifndef IDR_CORE_TUNING_H
#define IDR_CORE_TUNING_H

struct tuning {
	float bid_floor, price_floor; /* lower bound of a variance, as a share of its prior: the forgetting */
	float excess;                 /* exploration looks at the variance above this many floors */
	float explore;                /* share of that standard deviation which is sampled */
	float probe;                  /* share of auctions in which an outage is not believed */
	float population_bid, population_price; /* learning rates of the pooled weights */
	float damping_min;
	float pair_memory;      /* in observations */
	float price_var_memory; /* likewise */
	float control_gain;     /* of the price per call, per auction, in the end */
	float lead; /* calls beyond the budget while nothing is learned, as a share of it; repaid later */
	float lead_auctions;    /* learned, after which the lead is down to a third */
	float revenue_rate;     /* of the mean revenue, per auction, in the end */
	float price_start;      /* first price per call, in units of the mean revenue */
	float population_start; /* probit of a bid before anything is known */
};
extern const struct tuning tuning_default;

#endif
