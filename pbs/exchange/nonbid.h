/* Why an imp has no bid from a bidder: `ext.prebid.seatnonbid`.
 *
 * The exchange says which pairs of bidder and imp were requested (nonbid_expect), which of them got a bid
 * (nonbid_has_bid), and every reason for the opposite. What was requested and never mentioned again is a
 * no-bid (0), so each pair ends with an answer.
 *
 * Source  Prebid's seat-non-bid statuses. The reference emits only 100, 101, 103, 300, 301, 303, 304, 351 and
 *         352; 0 and 2xx are added because publishers cannot tell silence from "never asked" without them.
 */
#ifndef PBS_EXCHANGE_NONBID_H
#define PBS_EXCHANGE_NONBID_H

#include <jansson.h>
#include <stdbool.h>

#include "common/arena.h"
#include "common/str.h"

struct bid;

enum nonbid {
	NONBID_SILENT = -1, /* dropped without a status of its own (trimmed by a bid limit) */
	NONBID_NO_BID = 0,
	NONBID_ERROR = 100,
	NONBID_TIMEOUT = 101,
	NONBID_INVALID_RESPONSE = 102,
	NONBID_UNREACHABLE = 103,
	NONBID_BLOCKED = 200, /* never asked: throttled by rule, disabled, bad parameters */
	NONBID_BLOCKED_CHANNEL = 201,
	NONBID_BLOCKED_MEDIA = 202,
	NONBID_BLOCKED_OPTIMIZED = 203, /* the router judged the call not worth making */
	NONBID_BLOCKED_PRIVACY = 204,
	NONBID_REJECTED = 300, /* also: DSA, failed bid validation */
	NONBID_BELOW_FLOOR = 301,
	NONBID_DUPLICATE = 302,
	NONBID_CATEGORY = 303,
	NONBID_BELOW_FLOOR_DEAL = 304,
	NONBID_CREATIVE_SIZE = 351,
	NONBID_INSECURE = 352,
};

struct nonbid_entry;
struct nonbid_seat;

struct nonbids {
	struct arena *arena;
	const struct str *imp_ids;
	size_t n_imps;
	struct nonbid_seat *seats, **tail;
};

/* `imp_ids` is borrowed. Indexes below are into it; a negative index is ignored. */
void nonbids_init(struct nonbids *nb, struct arena *a, const struct str *imp_ids, size_t n_imps);

void nonbid_expect(struct nonbids *nb, struct str bidder, int imp);
void nonbid_has_bid(struct nonbids *nb, struct str bidder, int imp);

/* A pair that failed or was never asked; no bid to show. Only the first reason of a pair is kept. */
void nonbid_add(struct nonbids *nb, struct str bidder, int imp, enum nonbid code);
/* The same for all imps that are expected of the bidder: it is not called. */
void nonbid_add_bidder(struct nonbids *nb, struct str bidder, enum nonbid code);
/* A bid that was thrown away, shown under its seat. */
void nonbid_add_bid(struct nonbids *nb, const struct bid *b, enum nonbid code);

/* The array for ext.prebid.seatnonbid, NULL when it would be empty. The caller takes the reference. */
json_t *nonbids_render(const struct nonbids *nb);

#endif
