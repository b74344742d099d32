/* An auction as spans: itself, its stages, the call to the router and those to bidders. For auctions whose trace is
 * exported (a->times is set).
 *
 * Shapes  a bidder's name, its outcome and HTTP status, the router's result, the account's id and counts; never ids of
 *         people, addresses, consent, URLs or prices.
 */
#ifndef PBS_ANALYTICS_SPANS_H
#define PBS_ANALYTICS_SPANS_H

struct auction;
struct otlp;

/* When the auction has ended and its answer is not yet sent. */
void spans_of_auction(const struct auction *a, struct otlp *to);

#endif
