/* What floors are computed from: how high the best and the second bid of an auction were.
 *
 * Auctions that had a computed floor are left out: in them the low bids are missing, and floors made from what is left
 * would only ever rise. Those that are held out show what is bid without. The lowest floor seen is the publisher's own.
 * One cell per day, publisher, format, size, country and device: counts by price bucket. Buckets are steps of 12.2 % (six
 * to the doubling) from 0.01 to 100 US dollars CPM, so cells add up and a threshold is known to one step.
 */
#ifndef IDR_STORE_FLOOR_HISTORY_H
#define IDR_STORE_FLOOR_HISTORY_H

#include <stdint.h>

#include "common/str.h"
#include "idr/store/event.h"
#include "idr/store/names.h"

enum { PRICE_BUCKETS = 82 };

struct floor_cell {
	int64_t auctions;       /* with this imp, sold or not */
	float lowest_floor_usd; /* of any of them; 0 = there was one without */
	uint32_t best[PRICE_BUCKETS], second[PRICE_BUCKETS];
};

struct floor_key {
	struct str format, size, country, device;
};

typedef void floor_cell_fn(void *arg, const struct floor_key *k, const struct floor_cell *c);

unsigned price_bucket_of(float cpm_usd);
double price_bucket_low(unsigned bucket); /* US dollars CPM at which it begins */
void floor_cell_add(struct floor_cell *to, const struct floor_cell *c);
void floor_cell_add_event(struct floor_cell *to, const struct event *e);

/* The histograms as bytes, sparse: 1 byte bucket, varint count. */
enum { FLOOR_CELL_MAX_BYTES = 20 + 2 * PRICE_BUCKETS * 6 };
size_t floor_cell_write(const struct floor_cell *c, unsigned char *p);
bool floor_cell_parse(const unsigned char *p, size_t n, struct floor_cell *ret_c);

/* Cells waiting to be written, by the numbers of their names. */
struct floor_row {
	struct {
		uint32_t publisher, format, size, country, device;
		int32_t day;
	} k;
	struct floor_cell c;
};

struct floor_map {
	struct floor_row *row;
	uint32_t n, cap;
	uint32_t *slot;
	uint32_t slots;
};

void floor_map_deinit(struct floor_map *m);
void floor_map_clear(struct floor_map *m);
/* Nothing for an auction with a computed floor. */
void floor_map_add(struct floor_map *m, struct names *names, const struct event *e);

#endif
