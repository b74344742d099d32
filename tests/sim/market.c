#include "tests/sim/market.h"

#include <stdlib.h>

#include "sim.h"

_Static_assert(sizeof(struct market_auction) == sizeof(ctx_t), "the simulator's ctx_t changed");
_Static_assert(sizeof(struct market_feedback) == sizeof(feedback_t), "the simulator's feedback_t changed");

/* the simulator's own interface for other languages (capi.c), which has no header */
typedef struct api_t api_t;
api_t *idr_open(const char *scenario, const char *oracle, long limit);
int idr_next(api_t *a);
const ctx_t *idr_ctx(api_t *a);
void idr_settle(api_t *a, u64 mask, double decide_ns, feedback_t *out);
char *idr_metrics(api_t *a, const char *policy, const char *opts);
int idr_nbidders(api_t *a);
const char *idr_code(api_t *a, int b);
const char *idr_pub(api_t *a, int p);
const char *idr_country(api_t *a, int c);
const char *idr_size(int s);
double idr_timeout(api_t *a);

uint64_t market_hash_of(const char *code);

struct market {
	api_t *api;
	uint64_t hash[MARKET_BIDDERS];
};

struct market *market_open(const char *scenario, const char *oracle, long auctions)
{
	struct market *m = calloc(1, sizeof *m);

	m->api = idr_open(scenario, oracle, auctions);
	if (!m->api) {
		free(m);
		return NULL;
	}
	for (int b = 0; b < idr_nbidders(m->api); b++)
		m->hash[b] = market_hash_of(idr_code(m->api, b));
	return m;
}

int market_next(struct market *m)
{
	return idr_next(m->api);
}

const struct market_auction *market_current(const struct market *m)
{
	return (const void *)idr_ctx(m->api);
}

void market_settle(struct market *m, uint64_t called, double decide_ns, struct market_feedback *ret_f)
{
	idr_settle(m->api, called, decide_ns, (void *)ret_f);
}

char *market_metrics(struct market *m, const char *name, const char *options)
{
	return idr_metrics(m->api, name, options);
}

const char *market_code(const struct market *m, int bidder)
{
	return idr_code(m->api, bidder);
}

uint64_t market_code_hash(const struct market *m, int bidder)
{
	return m->hash[bidder];
}

const char *market_publisher(const struct market *m, int publisher)
{
	return idr_pub(m->api, publisher);
}

const char *market_country(const struct market *m, int country)
{
	return idr_country(m->api, country);
}

const char *market_size(int size)
{
	return idr_size(size);
}

double market_timeout(const struct market *m)
{
	return idr_timeout(m->api);
}
