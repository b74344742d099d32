/* The figures of one roll-up row, and what can be computed from them.
 *
 * Everything is a count, a sum or a histogram bucket, so cells of any two rows add up to the cell of both:
 * hours to days, publishers to all, and percentiles too. Averages and percentiles exist only on the way out.
 * The lists below are also the columns of the roll-up tables.
 */
#ifndef IDR_STORE_CELL_H
#define IDR_STORE_CELL_H

#include <stdint.h>

#include "idr/store/event.h"

#define CELL_COUNTS_1(X)                                                                                     \
	X(auctions)   /* auctions in which the row's subject took part */                                    \
	X(configured) /* bidders that could have been called */                                              \
	X(called)                                                                                            \
	X(bids) /* calls that were answered with a bid */                                                    \
	X(wins)                                                                                              \
	X(no_bids)                                                                                           \
	X(timeouts)                                                                                          \
	X(errors)                                                                                            \
	X(floor_known)   /* bids on an imp that had a floor */                                               \
	X(floor_cleared) /* … and reached it */
/* Of the second version of the schema; X_sq are sums over auctions of X squared, for confidence intervals. */
#define CELL_COUNTS_2(X) X(squared) /* auctions that are in the squares below */

#define CELL_SUMS_1(X)                                                                                       \
	X(cpm_sum) /* of the highest bid per call */                                                         \
	X(revenue) /* CPM of winning bids */                                                                 \
	X(revenue_sq)                                                                                        \
	X(latency_sum) /* of the slowest call per auction, ms */
#define CELL_SUMS_2(X) X(called_sq) X(latency_sq)

#define CELL_COUNTS(X) CELL_COUNTS_1(X) CELL_COUNTS_2(X)
#define CELL_SUMS(X)   CELL_SUMS_1(X) CELL_SUMS_2(X)

/* Upper bounds in ms of all buckets but the last, which has none. */
#define CELL_BUCKETS(X)                                                                                      \
	X(10)                                                                                                \
	X(25) X(50) X(75) X(100) X(150) X(200) X(250) X(300) X(400) X(500) X(750) X(1000) X(1500) X(2000)

#define X(ms) +1
enum { CELL_LATENCY_BUCKETS = 1 CELL_BUCKETS(X) };
#undef X
#define X(name) +1
enum { CELL_COUNT_COLUMNS = 0 CELL_COUNTS(X), CELL_SUM_COLUMNS = 0 CELL_SUMS(X) };
#undef X

struct cell {
#define X(name) int64_t name;
	CELL_COUNTS(X)
#undef X
#define X(name) double name;
	CELL_SUMS(X)
#undef X
	int64_t latency[CELL_LATENCY_BUCKETS]; /* calls by how long their answer took */
};

void cell_add(struct cell *to, const struct cell *c);
/* What one bidder's part in an auction adds to any cell that counts its calls. */
void cell_add_bidder(struct cell *to, const struct event *e, const struct event_bidder *b);
/* What the auction as a whole adds, once, to cells that are not about a bidder. */
void cell_add_auction(struct cell *to, const struct event *e);

/* The q-quantile (0..1) of response times in ms, linear within its bucket; negative when there are none. */
double cell_latency_quantile(const struct cell *c, double q);

static inline double cell_ratio(double part, double whole)
{
	return whole > 0 ? part / whole : 0;
}

#endif
