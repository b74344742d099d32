/* Stored responses: answers that are looked up instead of asked for, to test ad setups.
 *
 * A stored auction response replaces all bidders (every imp has one, or none has); a stored bid response
 * replaces one bidder's answer for one imp.
 *
 * Shapes  collecting reads the merged, decoded request; validation checks the rest (validate_imp.h).
 * Errors  ERR_INPUT, filed in `m`.
 * Owns    results borrow from the request and the documents, or live on the arena.
 * Source  Prebid's stored responses.
 */
#ifndef PBS_OPENRTB_STORED_RESPONSES_H
#define PBS_OPENRTB_STORED_RESPONSES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/errtext.h"
#include "pbs/exchange/messages.h"
#include "pbs/openrtb/media.h"

struct stored_response {
	size_t imp;
	struct str imp_id, id;
	struct str bidder;    /* empty: an auction response */
	bool replaces_imp_id; /* bids are given the imp's id */
	const json_t *body;   /* filled by the caller when it has fetched `id`; NULL: not found */
};

struct stored_responses {
	struct stored_response *list;
	size_t n;
	bool is_auction; /* auction responses: no bidder is called */
};

int stored_responses_collect(const json_t *req, struct arena *a, struct messages *m,
			     struct stored_responses *ret_responses);

/* Every response must have been found: one line for each id that was not. */
int stored_responses_check(const struct stored_responses *sr, struct messages *m);

struct stored_bid {
	struct str seat;
	size_t imp;
	enum media media;
	json_t *bid; /* the stored one with the imp's id */
};

struct stored_bids {
	struct stored_bid *list;
	size_t n, cap;
	json_t *fledge; /* array of {seat, config…} found in the seats, NULL when there is none */
};

/* The bids of the auction responses. ERR_UPSTREAM, with the text in `why`, when one cannot be read: the
 * stored document is at fault, not the client. */
int stored_responses_bids(const struct stored_responses *sr, struct arena *a, struct errtext *why,
			  struct stored_bids *ret_bids);

#endif
