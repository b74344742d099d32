#include "idr/core/stats.h"

#include <math.h>

#include "idr/core/mathx.h"
#include "idr/core/rows.h"

static const float keep_counts = 1 - 1.0f / 20000, keep_recent = 1 - 1.0f / 200;

/* Bins grow by a sixth of an octave from 20 ms, so that a quantile is good to 6 %. */
unsigned latency_bin(float ms)
{
	float x = ms > 20 ? log2_fast(ms / 20) * 5 + 1 : 0;

	return x < LATENCY_BINS - 1 ? (unsigned)x : LATENCY_BINS - 1;
}

float latency_bin_ms(unsigned bin)
{
	return 20 * exp2f((float)bin / 5);
}

float latency_quantile(const float bins[LATENCY_BINS], float q)
{
	float total = 0, below = 0;

	for (unsigned i = 0; i < LATENCY_BINS; i++)
		total += word_load(&bins[i]);
	for (unsigned i = 0; i < LATENCY_BINS; i++) {
		float n = word_load(&bins[i]);

		if (n > 0 && below + n >= q * total) {
			float lo = i ? latency_bin_ms(i - 1) : 0, hi = latency_bin_ms(i);

			return lo + (hi - lo) * (q * total - below) / n;
		}
		below += n;
	}
	return 0;
}

static void add(float *p, float x, float keep)
{
	word_store(p, *p * keep + x);
}

/* A histogram that forgets by halving: one word is written per observation, all of them once in a while. */
static void count_latency(float bins[LATENCY_BINS], float *total, float ms, float weight, float limit)
{
	unsigned bin = latency_bin(ms);

	word_store(&bins[bin], bins[bin] + weight);
	*total += weight;
	if (*total < limit)
		return;
	*total *= 0.5f;
	for (unsigned i = 0; i < LATENCY_BINS; i++)
		word_store(&bins[i], bins[i] * 0.5f);
}

void latency_learn(struct latencies *l, uint64_t publisher, float ms, float worth)
{
	size_t at = publisher % LATENCY_PUBLISHERS;

	if (__atomic_load_n(&l->publisher[at], __ATOMIC_RELAXED) != publisher) {
		for (unsigned i = 0; i < LATENCY_BINS; i++)
			word_store(&l->worth[at][i], 0);
		l->worth_total[at] = 0;
		__atomic_store_n(&l->publisher[at], publisher, __ATOMIC_RELAXED);
	}
	count_latency(l->worth[at], &l->worth_total[at], ms, worth, 20000);
	count_latency(l->all, &l->all_total, ms, worth, 200000);
}

unsigned latency_timeout(const struct latencies *l, uint64_t publisher)
{
	size_t at = publisher % LATENCY_PUBLISHERS;
	const float *bins = l->all;
	float ms;

	if (__atomic_load_n(&l->publisher[at], __ATOMIC_RELAXED) == publisher) {
		float total = 0;

		for (unsigned i = 0; i < LATENCY_BINS; i++)
			total += word_load(&l->worth[at][i]);
		if (total > 200)
			bins = l->worth[at];
	}
	ms = latency_quantile(bins, 0.99f);
	return ms > 0 ? (unsigned)(ceilf(ms / 10) * 10) : 0;
}

void counts_called(struct bidder_counts *c, unsigned format, float ms, float slow_ms, int64_t now_ms)
{
	add(&c->calls[format], 1, keep_counts);
	add(&c->bids[format], 0, keep_counts);
	add(&c->wins[format], 0, keep_counts);
	add(&c->revenue[format], 0, keep_counts);
	if (ms >= 0) {
		count_latency(c->latency, &c->latency_total, ms, 1, 10000);
		add(&c->slow, 0.004f * (float)(slow_ms > 0 && ms > slow_ms), 1 - 0.004f);
	}
	__atomic_store_n(&c->last_seen_ms, now_ms, __ATOMIC_RELAXED);
}

void counts_bid(struct bidder_counts *c, unsigned format, float cpm_usd, bool top)
{
	add(&c->bids[format], 1, 1);
	if (!top)
		return;
	add(&c->wins[format], 1, 1);
	add(&c->revenue[format], cpm_usd, 1);
}

void counts_expect(struct bidder_counts *c, bool bid, float expected)
{
	add(&c->recent_bids, bid ? 1 : 0, keep_recent);
	add(&c->recent_expected, expected, keep_recent);
}
