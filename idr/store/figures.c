#include "idr/store/figures.h"

#include <math.h>

const char *figure_name(enum figure f)
{
	static const char *const names[] = {
#define X(name, expr) #name,
		FIGURES(X)
#undef X
	};

	return names[f];
}

double figure_of(const struct cell *c, enum figure f)
{
	switch (f) {
#define X(name, expr)                                                                                        \
	case FIGURE_##name: return expr;
		FIGURES(X)
#undef X
	default: return 0;
	}
}

struct moments {
	double mean, variance_of_mean;
};

static struct moments moments_of(double n, double sum, double sum_sq)
{
	struct moments m = { .mean = sum / n };
	double sample_variance = (sum_sq - n * m.mean * m.mean) / (n - 1);

	m.variance_of_mean = sample_variance > 0 ? sample_variance / n : 0;
	return m;
}

static struct lift_measure compare(struct moments t, struct moments c)
{
	double half = 1.96 * sqrt(t.variance_of_mean + c.variance_of_mean), d = t.mean - c.mean;

	return (struct lift_measure){ t.mean, c.mean, d, d - half, d + half };
}

static struct moments sold_of(const struct cell *c)
{
	double n = (double)c->auctions, p = fmin((double)c->wins / n, 1);

	return (struct moments){ (double)c->wins / n, p * (1 - p) / n };
}

bool lift_compute(const struct cell *treated, const struct cell *control, struct lift *ret_l)
{
	const struct cell *side[] = { treated, control };
	struct moments revenue[2], calls[2], latency[2];

	if (treated->auctions < 2 || control->auctions < 2)
		return false;
	for (int i = 0; i < 2; i++) {
		double n = (double)side[i]->auctions;

		revenue[i] = moments_of(n, side[i]->revenue, side[i]->revenue_sq);
		calls[i] = moments_of(n, (double)side[i]->called, side[i]->called_sq);
		latency[i] = moments_of(n, side[i]->latency_sum, side[i]->latency_sq);
	}
	*ret_l = (struct lift){
		.revenue_cpm = compare(revenue[0], revenue[1]),
		.calls = compare(calls[0], calls[1]),
		.latency_ms = compare(latency[0], latency[1]),
		.sold = compare(sold_of(treated), sold_of(control)),
		.has_intervals =
			treated->squared == treated->auctions && control->squared == control->auctions,
	};
	return true;
}
