/* Roll-ups in memory: what a run of events adds to the hourly and daily tables, before it is written.
 *
 * One row per (publisher, dimension, hour or day, key); publisher 0 is all of them together. A store adds
 * every event it records and writes the sums out now and then, together with the number of the last event
 * that is in them, in one transaction: after a crash it adds the later events again.
 */
#ifndef IDR_STORE_ROLLUP_H
#define IDR_STORE_ROLLUP_H

#include <stdint.h>

#include "idr/store/cell.h"
#include "idr/store/names.h"

enum rollup_dim {
	DIM_TOTAL,
	DIM_BIDDER,
	DIM_COUNTRY,
	DIM_DEVICE,
	DIM_FORMAT,
	DIM_GROUP,
	DIM_FLOORS,
	ROLLUP_DIMS
};
const char *rollup_dim_name(enum rollup_dim d);
int rollup_dim_find(struct str name); /* -1 when there is none of that name */

enum rollup_step { STEP_HOUR, STEP_DAY, ROLLUP_STEPS };
static inline int64_t rollup_step_ms(enum rollup_step s)
{
	return s == STEP_HOUR ? 3600000 : 86400000;
}

struct rollup_key {
	uint32_t publisher, key; /* names; 0 = all, and the key of DIM_TOTAL */
	int32_t at;              /* hours or days since 1970 */
	uint16_t dim, step;
};

struct rollup_row {
	struct rollup_key k;
	struct cell c;
};

struct rollup {
	struct rollup_row *row;
	uint32_t n, cap;
	uint32_t *slot;
	uint32_t slots;
};

void rollup_init(struct rollup *r);
void rollup_deinit(struct rollup *r);
void rollup_clear(struct rollup *r);
void rollup_add(struct rollup *r, struct names *names, const struct event *e);

#endif
