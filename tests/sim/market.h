/* The simulator as the tests use it, so that its header and ours never meet in one file (they share names).
 * Implemented by market.c, which is the only file that includes the simulator's header. */
#ifndef TESTS_SIM_MARKET_H
#define TESTS_SIM_MARKET_H

#include <stdint.h>

enum { MARKET_BIDDERS = 64 };

/* Same layout as the simulator's ctx_t and feedback_t (asserted in market.c). */
struct market_auction {
	uint64_t auction;
	double ts_ms;
	float floor;
	int32_t pub, country, dev, fmt, size, idmask;
	int32_t hour;
	int32_t ncand;
	uint64_t candmask;
	int32_t cand[MARKET_BIDDERS];
};

struct market_feedback {
	struct market_auction x;
	int32_t n, winner;
	int32_t bidder[MARKET_BIDDERS];
	uint8_t did_bid[MARKET_BIDDERS], timed_out[MARKET_BIDDERS];
	float cpm[MARKET_BIDDERS], lat[MARKET_BIDDERS];
};

struct market;
struct market *market_open(const char *scenario, const char *oracle, long auctions);
int market_next(struct market *m);
const struct market_auction *market_current(const struct market *m);
void market_settle(struct market *m, uint64_t called, double decide_ns, struct market_feedback *ret_f);
char *market_metrics(struct market *m, const char *name, const char *options);
const char *market_code(const struct market *m, int bidder);
uint64_t market_code_hash(const struct market *m, int bidder); /* classify_name(code) */
const char *market_publisher(const struct market *m, int publisher);
const char *market_country(const struct market *m, int country);
const char *market_size(int size);
double market_timeout(const struct market *m);

#endif
