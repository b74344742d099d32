/* What people read, computed from cells: rates, prices, percentiles, and the lift over the control group. */
#ifndef IDR_STORE_FIGURES_H
#define IDR_STORE_FIGURES_H

#include <stdbool.h>

#include "idr/store/cell.h"

/* X(name, expression over `c`): the columns of JSON and CSV, in order. Money is US dollars; CPMs say so. */
#define FIGURES(X)                                                                                           \
	X(auctions, (double)c->auctions)                                                                     \
	X(bidders_configured, (double)c->configured)                                                         \
	X(bidders_called, (double)c->called)                                                                 \
	X(calls_saved, (double)(c->configured - c->called))                                                  \
	X(calls_saved_rate, cell_ratio((double)(c->configured - c->called), (double)c->configured))          \
	X(bids, (double)c->bids)                                                                             \
	X(wins, (double)c->wins)                                                                             \
	X(no_bids, (double)c->no_bids)                                                                       \
	X(timeouts, (double)c->timeouts)                                                                     \
	X(errors, (double)c->errors)                                                                         \
	X(bid_rate, cell_ratio((double)c->bids, (double)c->called))                                          \
	X(win_rate, cell_ratio((double)c->wins, (double)c->bids))                                            \
	X(timeout_rate, cell_ratio((double)c->timeouts, (double)c->called))                                  \
	X(avg_cpm, cell_ratio(c->cpm_sum, (double)c->bids))                                                  \
	X(revenue, c->revenue / 1000)                                                                        \
	X(revenue_per_1000_auctions, cell_ratio(c->revenue, (double)c->auctions))                            \
	X(latency_p50_ms, cell_latency_quantile(c, 0.5))                                                     \
	X(latency_p95_ms, cell_latency_quantile(c, 0.95))                                                    \
	X(floor_clearance, cell_ratio((double)c->floor_cleared, (double)c->floor_known))

#define X(name, expr) FIGURE_##name,
enum figure { FIGURES(X) FIGURE_COUNT };
#undef X

const char *figure_name(enum figure f);
double figure_of(const struct cell *c, enum figure f); /* negative percentiles: there were no calls */

/* What an experiment changed, per auction: the mean of each side, their difference, and its 95 % interval (Welch's,
 * with the normal quantile: a side has hundreds of auctions before anybody should read it). */
struct lift_measure {
	double treated, control, difference, low, high;
};
struct lift {
	struct lift_measure revenue_cpm;
	struct lift_measure calls, latency_ms; /* of the slowest call */
	struct lift_measure sold; /* winning bids; its interval takes each auction to sell one or none */
	bool has_intervals;       /* of calls and latency: rows of an older schema have no squares */
};
/* False while a side has fewer than two auctions. */
bool lift_compute(const struct cell *treated, const struct cell *control, struct lift *ret_l);

#endif
