#include "idr/store/cell.h"

#include "common/mem.h"

static const int bounds_ms[] = {
#define X(ms) ms,
	CELL_BUCKETS(X)
#undef X
};

void cell_add(struct cell *to, const struct cell *c)
{
#define X(name) to->name += c->name;
	CELL_COUNTS(X)
	CELL_SUMS(X)
#undef X
	for (size_t i = 0; i < CELL_LATENCY_BUCKETS; i++)
		to->latency[i] += c->latency[i];
}

static size_t bucket_of(float ms)
{
	size_t i = 0;

	while (i < ARRAY_LEN(bounds_ms) && ms > (float)bounds_ms[i])
		i++;
	return i;
}

void cell_add_bidder(struct cell *to, const struct event *e, const struct event_bidder *b)
{
	to->configured++;
	if (b->status == OUTCOME_NOT_CALLED)
		return;
	to->called++;
	to->wins += b->wins;
	to->revenue += (double)b->revenue_usd;
	switch (b->status) {
	case OUTCOME_BID:
		to->bids++;
		to->cpm_sum += (double)b->cpm_usd;
		if (e->ctx.floor_usd > 0 && b->cpm_usd > 0) {
			to->floor_known++;
			to->floor_cleared += b->cpm_usd >= e->ctx.floor_usd;
		}
		break;
	case OUTCOME_NO_BID: to->no_bids++; break;
	case OUTCOME_TIMEOUT: to->timeouts++; break;
	default: to->errors++; break;
	}
	if (b->latency_ms >= 0)
		to->latency[bucket_of(b->latency_ms)]++;
}

void cell_add_auction(struct cell *to, const struct event *e)
{
	double revenue = 0, slowest_ms = 0, called = 0;

	for (size_t i = 0; i < e->n_bidders; i++) {
		revenue += (double)e->bidders[i].revenue_usd;
		called += e->bidders[i].status != OUTCOME_NOT_CALLED;
		if ((double)e->bidders[i].latency_ms > slowest_ms)
			slowest_ms = (double)e->bidders[i].latency_ms;
	}
	to->auctions++;
	to->revenue_sq += revenue * revenue;
	to->latency_sum += slowest_ms;
	to->squared++;
	to->called_sq += called * called;
	to->latency_sq += slowest_ms * slowest_ms;
	/* Bidders that were configured but are not told one by one were not called. */
	if (e->total_configured > e->n_bidders)
		to->configured += e->total_configured - (int64_t)e->n_bidders;
}

double cell_latency_quantile(const struct cell *c, double q)
{
	int64_t total = 0;
	double rank, below = 0;

	for (size_t i = 0; i < CELL_LATENCY_BUCKETS; i++)
		total += c->latency[i];
	if (total == 0)
		return -1;
	rank = q * (double)total;
	for (size_t i = 0; i < CELL_LATENCY_BUCKETS; i++) {
		double n = (double)c->latency[i];

		if (n > 0 && below + n >= rank) {
			double low = i ? bounds_ms[i - 1] : 0;

			/* The last bucket has no upper bound: its lower one is all that is known. */
			if (i == ARRAY_LEN(bounds_ms))
				return low;
			return low + (bounds_ms[i] - low) * (rank - below) / n;
		}
		below += n;
	}
	return bounds_ms[ARRAY_LEN(bounds_ms) - 1];
}
