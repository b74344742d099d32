/* Is a bidder answering at all? A two-state filter per bidder (alive, dark): each outcome is weighed by how
 * likely it is in either state, so a frequent bidder is found dark after a few dozen silent calls and alive
 * again at its first bid. */
#ifndef IDR_CORE_ALIVE_H
#define IDR_CORE_ALIVE_H

#include <stdbool.h>

struct alive {
	float p; /* chance of being alive */
};

/* The chance after one outcome; `expected` is the model's chance of a bid. */
static inline float alive_step(float p, bool bid, float expected)
{
	float up = bid ? expected : 1 - 0.75f * expected, down = bid ? 2e-4f : 0.9998f;

	p = p * (1 - 3e-5f) + (1 - p) * 3e-4f;
	p = p * up / (p * up + (1 - p) * down);
	return p < 1e-4f ? 1e-4f : p;
}

#endif
