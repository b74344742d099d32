/* The price per call of every scope that has a budget of its own, and the controller that moves it so that
 * the calls made follow the calls wanted.
 *
 * Threads  readers count decisions with relaxed adds; only the learner moves prices (budget_tick). A scope is
 *          entered by whoever meets it first.
 */
#ifndef IDR_CORE_BUDGET_H
#define IDR_CORE_BUDGET_H

#include <stdint.h>

#include "idr/core/settings.h"
#include "idr/core/tuning.h"

enum { BUDGETS = 4096, BUDGET_PROBES = 16 };

struct budget_scope {
	uint64_t scope;                                  /* +1, so that 0 = free */
	uint64_t auctions, calls, wanted_milli;          /* counted by readers */
	uint64_t seen_auctions, seen_calls, seen_wanted; /* by the learner */
	float log_price; /* relative to the mean revenue; NAN-free: 0 = not set yet, log prices are negative
			  */
	int64_t beyond_milli; /* calls beyond those wanted that no price decided; counted by readers */
	float owed;           /* calls made beyond those wanted, until now */
	float kept_sum, all_sum, kept_sq, both_sum, all_sq; /* audits, discounted */
	float audits, audits_since;
};

struct budgets {
	struct budget_scope s[BUDGETS];
	uint64_t qps[256]; /* per slot: second << 32 | calls in it */
};

/* The entry of a scope; the global one when the table is full. */
struct budget_scope *budget_at(struct budgets *b, uint64_t scope);
/* Price per call relative to the mean revenue. */
float budget_price(const struct budgets *b, const struct budget_scope *s);
void budget_count(struct budget_scope *s, unsigned calls, float wanted);
void budget_init(struct budgets *b, float price_start);
void budget_count_beyond(struct budget_scope *s, float calls);
void budget_tick(struct budgets *b, const struct tuning *t, uint32_t learned);
/* One auction in which everybody was called: what the router's choice would have kept of it. */
void budget_audit(struct budgets *b, struct budget_scope *s, float kept, float all, float target_kept);
/* Estimate of the share kept and its standard error; false before the first audit. */
bool budget_kept(const struct budget_scope *s, float *ret_kept, float *ret_error);

#endif
