/* Stored data: which documents a request refers to, whose account it is, and how it all becomes one request.
 *
 * Pure: stored_collect() says what to fetch, the caller fetches, stored_merge() puts it together. Ids are
 * read from the incoming body only, so stored data cannot pull in further stored data.
 *
 * Shapes  bodies are parsed JSON as it came, not yet decoded: nothing about their types is assumed, and keys
 *         are case-sensitive. Merging is RFC 7396; arrays are replaced whole, so imps come from the incoming
 *         body unless it has none.
 * Errors  ERR_INPUT, filed in `m`.
 * Owns    results borrow from the bodies and documents, or live on the arena.
 * Source  Prebid Server's stored requests. With generated ids the reference lets the stored document win over
 *         everything the client said; here only its id is taken, unless `stored_wins` asks for the old way.
 */
#ifndef PBS_OPENRTB_STORED_H
#define PBS_OPENRTB_STORED_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/clock.h"
#include "pbs/exchange/messages.h"

struct stored_ids {
	struct str request;     /* empty: none */
	const struct str *imps; /* each id once */
	size_t n_imps;
	const json_t *imp_index; /* id → its place in `imps` */
};

/* What the store had; NULL: not found. */
struct stored_found {
	const json_t *request;
	const json_t *const *imps; /* parallel to stored_ids.imps */
};

int stored_collect(const json_t *incoming, struct arena *a, struct messages *m, struct stored_ids *ret_ids);

/* Each imp has an id, as it must when no stored imp gives it one: for a body that stored_merge() is spared. */
int stored_check_imp_ids(const json_t *incoming, struct messages *m);

/* One line for each id that was not found. */
int stored_check(const struct stored_ids *ids, const struct stored_found *found, struct messages *m);

/* The account's id, from the stored request first (may be NULL), then from the body; "unknown" when neither
 * has one. */
int stored_account_id(const json_t *stored, const json_t *incoming, struct messages *m, struct str *ret_id);

/* What the response needs to know about an imp that a stored one lies under. */
struct stored_imp {
	struct str id; /* the imp's, after merging */
	const json_t *doc;
	bool echo_video; /* the client wants the stored imp's video back */
};

/* By id, not by place: decoding takes imps from other spellings of the key, which nothing was merged with. */
struct stored_imps {
	struct stored_imp *list;
	size_t n;
};

/* NULL when nothing stored lies under the imp. */
const struct stored_imp *stored_imps_find(const struct stored_imps *si, struct str imp_id);

struct stored_merge {
	const json_t *incoming;
	const struct stored_ids *ids;
	const struct stored_found *found;
	const json_t *default_request; /* NULL: none */
	bool generate_request_id;
	bool stored_wins;
	struct rng *rng;
};

/* *ret_request is the caller's reference, from which *ret_imps borrows. */
int stored_merge(const struct stored_merge *sm, struct arena *a, struct messages *m, json_t **ret_request,
		 struct stored_imps *ret_imps);

#endif
