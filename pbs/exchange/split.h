/* One request becomes one per bidder: each sees its own imps, parameters, ids and data, and nobody else's.
 *
 * The order of an auction is split_list(), then routing, then split(), then privacy on each request, then
 * split_finish(). What bidders have in common is shared between their trees by reference; whoever changes a
 * request afterwards takes its parts with json_own().
 *
 * Shapes  the request is complete and valid (validate.h). A bidder keeps the spelling of the request.
 * Errors  split() fails with ERR_INPUT, filed in `m`, for first-party data that cannot be applied.
 * Owns    everything lives on the arena, the trees too; each bidder's root object is its own.
 * Source  Prebid Server's request splitting. Deliberately different: a host's chain node is appended to the
 *         publisher's own chain, and aliases speak the OpenRTB version of the bidder they stand for.
 */
#ifndef PBS_EXCHANGE_SPLIT_H
#define PBS_EXCHANGE_SPLIT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "pbs/exchange/messages.h"
#include "pbs/openrtb/bidders.h"
#include "pbs/openrtb/validate.h"

enum { SPLIT_MAX_BIDDERS = 256 }; /* per auction; what is named beyond that is not called */

struct split_bidder {
	struct str name; /* as the request spells it: the seat */
	struct str core; /* the adapter to call */
};

struct bidder_request {
	struct split_bidder bidder;
	json_t *request; /* root is this bidder's own */
	const struct str *imp_ids;
	size_t n_imps;
};

struct split_rules {
	const struct bidder_names *names;
	/* The user's id at a core bidder (by its cookie family), or empty. May be NULL. */
	struct str (*buyer_uid)(const void *ctx, struct str core);
	const void *buyer_uid_ctx;
	const json_t *host_schain_node;        /* appended to every chain; NULL for none */
	const json_t *account_alternate_codes; /* alternatebiddercodes of the account; NULL for none */
	struct str external_url, datacenter;   /* ext.prebid.server, when any of the three is set */
	int64_t host_vendor_id;
};

/* The bidders that the imps name, each once, in order of appearance. */
size_t split_list(const json_t *req, const struct bidder_names *names, struct arena *a,
		  struct split_bidder **ret_bidders);

/* One request for each of `bidders`; those without an imp are left out. */
int split(const json_t *req, const struct split_rules *rules, const struct split_bidder *bidders,
	  size_t n_bidders, struct arena *a, struct messages *m, struct bidder_request **ret_requests,
	  size_t *ret_n);

/* Takes away the imps that a stored bid response answers. */
void split_drop_imps(struct bidder_request *br, const struct str *ids, size_t n_ids, struct arena *a);

struct split_dialect {
	bool ortb_26; /* the bidder reads OpenRTB 2.6 */
	bool gpp;     /* … and GPP strings */
};

/* Puts the request into the bidder's dialect. The last step: privacy works on 2.6. */
void split_finish(struct bidder_request *br, const struct split_dialect *dialect,
		  const struct gpp_sections *gpp);

/* How much time a bidder is told it has. */
enum split_tmax_mode {
	SPLIT_TMAX_REDUCE,    /* what is left, less the two reserves: never more than can be waited for */
	SPLIT_TMAX_REFERENCE, /* the reference: reduced only when fully configured, else the request's own */
};

struct split_tmax {
	enum split_tmax_mode mode;
	bool adjustments_enabled;
	int64_t bidder_min_ms, network_buffer_ms, preparation_ms;
};

/* `left_ms` counts until the auction's deadline, negative when it has none. 0 means that no tmax is sent. */
int64_t split_tmax_ms(const struct split_tmax *t, int64_t request_tmax_ms, int64_t left_ms);

/* True when so little time is left that the call should not be started. */
bool split_tmax_is_too_short(const struct split_tmax *t, int64_t left_ms);

/* Sets or removes tmax; `br->request` is changed. */
void split_set_tmax(struct bidder_request *br, int64_t tmax_ms);

#endif
