#include "pbs/exchange/throttle.h"

#include <stdlib.h>

#include "common/mem.h"

static const double WELL = 0.2, MOST_SKIPPED = 0.9;

struct throttle {
	size_t n;
	double step;
	double health[];
};

struct throttle *throttle_new(size_t n_bidders, uint32_t window)
{
	struct throttle *t = xcalloc(1, sizeof *t + n_bidders * sizeof *t->health);

	t->n = n_bidders;
	t->step = 1.0 / (window ? window : 1);
	return t;
}

void throttle_free(struct throttle *t)
{
	free(t);
}

void throttle_note(struct throttle *t, size_t bidder, bool failed)
{
	if (bidder < t->n)
		t->health[bidder] += t->step * ((failed ? 1 : 0) - t->health[bidder]);
}

double throttle_health(const struct throttle *t, size_t bidder)
{
	return bidder < t->n ? t->health[bidder] : 0;
}

bool throttle_skips(const struct throttle *t, size_t bidder, struct rng *rng)
{
	double h = throttle_health(t, bidder);

	return h > WELL && rng_unit(rng) < MOST_SKIPPED * (h - WELL) / (1 - WELL);
}
