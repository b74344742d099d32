/* Floors from the bid history: per media type, size, country and device, and for everything above them.
 *
 * A floor in a first-price auction earns where a buyer raises his bid to reach it, and costs where he cannot. What he
 * would have paid at most is unknown; a bid is taken to be a stated share ("shade") of it, or as near to it as
 * the second bid usually is to the best. The floor chosen is the one with the highest revenue under that
 * assumption among those that put no more than a stated share of the sold impressions at risk; it is never below the floor
 * that the publisher itself asks for. Whether the assumption holds is what the held out auctions measure
 * (floors_do_harm).
 *
 * Prebid Server takes 3 fields and 100 rules: the three of the four that earn the most over this history, and the rules
 * with the most auctions behind them.
 * Owns  floors_model owns everything added.
 */
#ifndef IDR_FLOORS_MODEL_H
#define IDR_FLOORS_MODEL_H

#include <jansson.h>

#include "idr/store/cell.h"
#include "idr/store/floor_history.h"

struct floors_options {
	double max_fill_loss, shade;
	double floor_min_usd; /* no rule is below it */
	int64_t min_sold;     /* auctions with a bid that a rule needs */
	unsigned skip_rate;   /* percent held out */
};

enum { FLOOR_RULES_MAX = 100 };

/* The best floor of a cell; 0 when there is nothing to gain. */
double floor_choose(const struct floor_cell *c, const struct floors_options *opt);

struct floors_model;
struct floors_model *floors_model_new(void);
struct floors_model *floors_model_free(struct floors_model *m);
void floors_model_add(struct floors_model *m, const struct floor_key *k, const struct floor_cell *c);
/* Prebid floors data; NULL when no rule has enough behind it. */
json_t *floors_model_data(struct floors_model *m, const struct floors_options *opt);

/* Says the experiment that computed floors lose money, or more sales than max_fill_loss? Only when it is sure. */
bool floors_do_harm(const struct cell *applied, const struct cell *skipped, double max_fill_loss);

#endif
