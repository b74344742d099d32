#include "idr/core/budget.h"

#include <math.h>
#include <string.h>

#include "idr/core/mathx.h"
#include "idr/core/rows.h"

static const float log_price_min = -13.8f, log_price_max = -0.7f;

struct budget_scope *budget_at(struct budgets *b, uint64_t scope)
{
	uint64_t want = scope + 1;

	for (size_t i = 0, at = scope ? mix64(scope) % BUDGETS : 0; i < BUDGET_PROBES; i++) {
		struct budget_scope *s = &b->s[(at + i) % BUDGETS];
		uint64_t have = __atomic_load_n(&s->scope, __ATOMIC_RELAXED);

		if (have == want)
			return s;
		if (!have && __atomic_compare_exchange_n(&s->scope, &have, want, false, __ATOMIC_RELAXED,
							 __ATOMIC_RELAXED))
			return s;
		if (have == want)
			return s;
	}
	return &b->s[0];
}

void budget_init(struct budgets *b, float price_start)
{
	memset(b, 0, sizeof *b);
	b->s[0].scope = 1;
	b->s[0].log_price = logf(price_start);
}

float budget_price(const struct budgets *b, const struct budget_scope *s)
{
	float l = word_load(&s->log_price);

	return exp_fast(l < 0 ? l : word_load(&b->s[0].log_price));
}

void budget_count(struct budget_scope *s, unsigned calls, float wanted)
{
	__atomic_fetch_add(&s->auctions, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&s->calls, calls, __ATOMIC_RELAXED);
	__atomic_fetch_add(&s->wanted_milli, (uint64_t)(wanted * 1000 + 0.5f), __ATOMIC_RELAXED);
}

void budget_count_beyond(struct budget_scope *s, float calls)
{
	__atomic_fetch_add(&s->beyond_milli, (int64_t)(calls * 1000), __ATOMIC_RELAXED);
}

/* Fast at first, then ever slower, so that the calls made until now are what was wanted; in the end slow enough that
 * rich hours may take more calls than poor ones. */
static float step_rate(uint64_t auctions, float gain)
{
	const float first = 0.005f, share = 6;

	return fmaxf(gain, fminf(first, share / (1 + (float)auctions)));
}

/* Calls owed are remembered for so many auctions at most: an aim that cannot be met must not pile up. */
static const float owed_auctions = 20000;

/* What the calls of these auctions should have been, as a share of what was wanted: more while the model is young, for
 * a call is worth more where the choice is poor, and it teaches; less for as long as more calls than wanted were made.
 * Slowly: the next call to be saved costs more than the last, so many small savings cost less than a few large ones. */
static float aim(const struct budget_scope *s, const struct tuning *t, float learned, float mean)
{
	const float repay_auctions = 40000, repay_most = 0.05f;

	return 1 + t->lead * exp_fast(-learned / t->lead_auctions) -
	       clampf(s->owed / mean / repay_auctions, -repay_most, repay_most);
}

static void tick_scope(struct budgets *b, struct budget_scope *s, const struct tuning *t, float learned)
{
	uint64_t auctions = __atomic_load_n(&s->auctions, __ATOMIC_RELAXED) - s->seen_auctions;
	float calls, wanted, l, over, n = (float)auctions;

	if (!auctions)
		return;
	calls = (float)(__atomic_load_n(&s->calls, __ATOMIC_RELAXED) - s->seen_calls);
	wanted = (float)(__atomic_load_n(&s->wanted_milli, __ATOMIC_RELAXED) - s->seen_wanted) / 1000;
	s->seen_auctions += auctions;
	s->seen_calls = __atomic_load_n(&s->calls, __ATOMIC_RELAXED);
	s->seen_wanted = __atomic_load_n(&s->wanted_milli, __ATOMIC_RELAXED);
	s->owed += (float)__atomic_exchange_n(&s->beyond_milli, 0, __ATOMIC_RELAXED) / 1000;
	if (!(wanted > 0))
		return;
	over = calls / wanted - aim(s, t, learned, wanted / n);
	s->owed = clampf(s->owed + calls - wanted, -owed_auctions * wanted / n, owed_auctions * wanted / n);
	l = word_load(&s->log_price);
	if (!(l < 0))
		l = word_load(&b->s[0].log_price);
	l += clampf(step_rate(s->seen_auctions, t->control_gain) * n * over, -0.5f, 0.5f);
	word_store(&s->log_price, clampf(l, log_price_min, log_price_max));
}

void budget_tick(struct budgets *b, const struct tuning *t, uint32_t learned)
{
	for (size_t i = 0; i < BUDGETS; i++)
		tick_scope(b, &b->s[i], t, (float)learned);
}

void budget_audit(struct budgets *b, struct budget_scope *s, float kept, float all, float target_kept)
{
	const float keep = 1 - 1.0f / 25000;
	float share, error, l;

	word_store(&s->kept_sum, s->kept_sum * keep + kept);
	word_store(&s->all_sum, s->all_sum * keep + all);
	word_store(&s->kept_sq, s->kept_sq * keep + kept * kept);
	word_store(&s->both_sum, s->both_sum * keep + kept * all);
	word_store(&s->all_sq, s->all_sq * keep + all * all);
	word_store(&s->audits, s->audits * keep + 1);
	s->audits_since++;
	if (!(target_kept > 0) || s->audits < 1000 || s->audits_since < 100 ||
	    !budget_kept(s, &share, &error))
		return;
	s->audits_since = 0;
	l = word_load(&s->log_price);
	if (!(l < 0))
		l = word_load(&b->s[0].log_price);
	/* no further than what the error allows */
	if (fabsf(share - target_kept) > error)
		l += clampf(0.1f * (share - target_kept) / (1.0001f - target_kept), -0.02f, 0.02f);
	word_store(&s->log_price, clampf(l, log_price_min, log_price_max));
}

/* A ratio of two sums, its error by the delta method. */
bool budget_kept(const struct budget_scope *s, float *ret_kept, float *ret_error)
{
	float all = word_load(&s->all_sum), r, var;

	if (!(all > 0))
		return false;
	r = word_load(&s->kept_sum) / all;
	var = word_load(&s->kept_sq) - 2 * r * word_load(&s->both_sum) + r * r * word_load(&s->all_sq);
	*ret_kept = r;
	*ret_error = sqrtf(var > 0 ? var : 0) / all;
	return true;
}
