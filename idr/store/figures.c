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
	double n, mean, variance_of_mean;
};

static struct moments moments_of(const struct cell *c)
{
	struct moments m = { .n = (double)c->auctions };
	double sample_variance;

	m.mean = c->revenue / m.n;
	sample_variance = (c->revenue_sq - m.n * m.mean * m.mean) / (m.n - 1);
	m.variance_of_mean = sample_variance > 0 ? sample_variance / m.n : 0;
	return m;
}

bool lift_compute(const struct cell *routed, const struct cell *control, struct lift *ret_l)
{
	struct moments r, c;
	struct lift l;
	double half;

	if (routed->auctions < 2 || control->auctions < 2)
		return false;
	r = moments_of(routed);
	c = moments_of(control);
	half = 1.96 * sqrt(r.variance_of_mean + c.variance_of_mean);
	l.revenue_cpm = (struct lift_measure){ r.mean, c.mean, r.mean - c.mean, r.mean - c.mean - half,
					       r.mean - c.mean + half };
	l.calls_saved_rate = 1 - cell_ratio((double)routed->called / r.n, (double)control->called / c.n);
	l.latency_ms = routed->latency_sum / r.n - control->latency_sum / c.n;
	*ret_l = l;
	return true;
}
