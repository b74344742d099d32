/* The price per call as a controller, on a market that answers to it by a known law. */
#include "idr/core/budget.h"

#include <math.h>
#include <stdlib.h>

#include "common/mem.h"
#include "tests/check.h"

enum { BATCH = 20 };

static const float wanted = 10;

struct market {
	struct budgets *b;
	struct budget_scope *s;
	struct tuning t;
	double drift; /* of the log price that would be right, over the whole run */
	double auctions, calls;
	uint32_t learned;
};

static void market_init(struct market *m, uint64_t scope)
{
	*m = (struct market){ .b = xcalloc(1, sizeof *m->b), .t = tuning_default };
	budget_init(m->b, m->t.price_start);
	m->s = budget_at(m->b, scope);
}

/* Calls fall with the square root of the price; returns those made per auction. */
static double play(struct market *m, long auctions)
{
	double calls = m->calls, rest = 0;

	for (long i = 0; i < auctions; i += BATCH) {
		for (int k = 0; k < BATCH; k++) {
			double right = log(0.01) + m->drift * m->auctions / 300000,
			       want = wanted * exp(-0.5 * (log((double)budget_price(m->b, m->s)) - right)) +
				      rest;
			unsigned made = want > 40 ? 40 : (unsigned)want;

			rest = want > 40 ? 0 : want - made;
			budget_count(m->s, made, wanted);
			m->calls += made;
			m->auctions++;
			m->learned++;
		}
		budget_tick(m->b, &m->t, m->learned);
	}
	return (m->calls - calls) / (double)auctions;
}

static void whole_run(void **state)
{
	static const struct {
		const char *why;
		uint64_t scope;
		double drift;
		unsigned beyond; /* calls that no price decided */
	} rows[] = {
		{ "a price that stays", 0, 0, 0 },
		{ "a price that falls", 0, -1, 0 },
		{ "a price that rises", 7, 1, 0 },
		{ "everybody called at first", 0, 0, 24000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct market m;
		double mean;

		market_init(&m, rows[i].scope);
		m.drift = rows[i].drift;
		m.calls = rows[i].beyond;
		budget_count_beyond(m.s, (float)rows[i].beyond);
		(void)play(&m, 300000);
		mean = m.calls / m.auctions;
		if (fabs(mean / (double)wanted - 1) > 0.004)
			fail_msg("%s: %.3f calls per auction", rows[i].why, mean);
		free(m.b);
	}
}

static void lead(void **state)
{
	struct market young, old;
	double most = 1.05 * (double)(1 + tuning_default.lead), first;

	(void)state;
	market_init(&young, 0);
	(void)play(&young, 2000); /* finds the price */
	first = play(&young, 10000) / (double)wanted;
	CHECK("a young model is called upon more", first > 1.05 && first < most);
	market_init(&old, 3);
	old.learned = 10000000;
	(void)play(&old, 2000);
	CHECK("a new budget of an old one is not", fabs(play(&old, 10000) / (double)wanted - 1) < 0.03);
	free(young.b);
	free(old.b);
}

/* However much is owed, calls are never further from what is wanted than a twentieth. */
static void bounded(void **state)
{
	struct market m;
	double low;

	(void)state;
	market_init(&m, 0);
	m.learned = 10000000;
	(void)play(&m, 20000);
	budget_count_beyond(m.s, 1e6f);
	(void)play(&m, 20000);
	low = play(&m, 10000) / (double)wanted;
	if (low < 0.93 || low > 0.97)
		fail_msg("%.3f of the wanted calls", low);
	free(m.b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_run),
		cmocka_unit_test(lead),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
