/* Auctions that a machine which started cold has read from the database, so that it does not learn them again from the
 * stream, which reaches back into the same time. */
#ifndef IDR_INTAKE_HEARD_H
#define IDR_INTAKE_HEARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heard {
	uint64_t *slot; /* hashes, 0 = free; at most half of them are taken */
	size_t n, slots;
	int64_t from_ms; /* of the oldest: what is older still would be learned out of order */
};

void heard_deinit(struct heard *h); /* it is empty then, and may be used again */
void heard_add(struct heard *h, uint64_t auction, int64_t ts_ms);
/* Was it added, or is it from before all that was? An empty one has heard of nothing. */
bool heard_before(const struct heard *h, uint64_t auction, int64_t ts_ms);

#endif
