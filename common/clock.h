/* Wall-clock time and randomness as values that are passed in, so that tests can choose them.
 *
 * Units  clock_wall_ms(): milliseconds since 1970. The generator is xoshiro256**; one per thread, never
 * shared.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>

int64_t clock_wall_ms(void);
uint64_t clock_mono_us(void);

struct rng {
	uint64_t s[4];
};

void rng_seed(struct rng *r, uint64_t seed);
void rng_seed_os(struct rng *r); /* from the operating system */
uint64_t rng_u64(struct rng *r);
double rng_unit(struct rng *r);                /* [0, 1) */
uint64_t rng_below(struct rng *r, uint64_t n); /* 0..n-1, unbiased; n >= 1 */

#endif
