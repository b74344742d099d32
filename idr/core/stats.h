/* Plain counts beside the model, for explanations: how often a bidder was called, bid and won, and how long
 * answers take. Discounted, so that they describe the recent past. */
#ifndef IDR_CORE_STATS_H
#define IDR_CORE_STATS_H

#include <stdint.h>

#include "idr/core/context.h"

enum { LATENCY_BINS = 32, LATENCY_PUBLISHERS = 16384 };

struct bidder_counts {
	float calls[FORMATS], bids[FORMATS], wins[FORMATS], revenue[FORMATS];
	float recent_bids, recent_expected; /* short memory: did it bid as often as expected? */
	float slow;                         /* share of answers beyond slow_ms */
	float latency[LATENCY_BINS], latency_total;
	int64_t last_seen_ms;
};

/* Response times of bids weighted by what they were worth, per publisher: the share of revenue that a
 * timeout would lose. */
struct latencies {
	uint64_t publisher[LATENCY_PUBLISHERS];
	float worth[LATENCY_PUBLISHERS][LATENCY_BINS], worth_total[LATENCY_PUBLISHERS];
	float all[LATENCY_BINS], all_total;
};

unsigned latency_bin(float ms);
float latency_bin_ms(unsigned bin); /* upper edge */
float latency_quantile(const float bins[LATENCY_BINS], float q);
/* Asks for the publisher's lines ahead of latency_learn(). */
static inline void latency_prefetch(const struct latencies *l, uint64_t publisher)
{
	size_t at = publisher % LATENCY_PUBLISHERS;

	__builtin_prefetch(&l->publisher[at]);
	__builtin_prefetch(&l->worth_total[at]);
	__builtin_prefetch(l->worth[at]);
	__builtin_prefetch(l->worth[at] + LATENCY_BINS / 2);
}
void latency_learn(struct latencies *l, uint64_t publisher, float ms, float worth);
unsigned latency_timeout(const struct latencies *l, uint64_t publisher);

void counts_called(struct bidder_counts *c, unsigned format, float ms, float slow_ms, int64_t now_ms);
void counts_bid(struct bidder_counts *c, unsigned format, float cpm_usd, bool top);
void counts_expect(struct bidder_counts *c, bool bid, float expected);

#endif
