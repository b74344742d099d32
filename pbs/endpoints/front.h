/* What the fronts of an auction share: /openrtb2/auction, /openrtb2/amp, /openrtb2/video.
 *
 * The HTTP request is the auction's front_ctx; its arena is the auction's.
 */
#ifndef PBS_ENDPOINTS_FRONT_H
#define PBS_ENDPOINTS_FRONT_H

#include "pbs/exchange/auction.h"

struct http_request;

/* With headers and ids taken over; `body` is left to the caller. NULL when there are too many auctions already:
 * the request was answered then. */
struct auction *front_auction_new(struct http_request *req, const struct auction_front *front);
void front_auction_start(struct auction *a);

/* Counts and reports an auction that has ended. */
void front_end(struct auction *a);
/* The same; false when it was refused: the client was told. */
bool front_settle(struct auction *a);

#endif
