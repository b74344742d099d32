/* Whether a request may be auctioned: every rule, in the reference's order and words.
 *
 * A fatal finding ends validation; warnings are collected, and what they complain about is repaired or
 * dropped in place. Runs on a complete request: decoded, up-converted, enriched.
 *
 * Shapes  a NULL callback means that the check is not wanted.
 * Errors  ERR_INPUT when the request must be refused; see report.h for the answer.
 * Owns    everything is borrowed; texts are copied to the messages' arena.
 * Source  Prebid Server's request validation. With `tolerant`, one bidder's bad parameters cost that bidder
 *         and not the page (asked for by publishers; the reference refuses the request).
 */
#ifndef PBS_OPENRTB_VALIDATE_H
#define PBS_OPENRTB_VALIDATE_H

#include <jansson.h>
#include <stdbool.h>

#include "common/errtext.h"
#include "common/str.h"
#include "pbs/exchange/messages.h"
#include "pbs/openrtb/bidders.h"

/* What validation needs from a decoded GPP string. */
struct gpp_sections {
	struct str tcf_eu_v2, us_privacy_v1; /* empty when the string has no such section */
};

struct validate_rules {
	bidder_find_fn *find_bidder; /* must be given */
	const void *bidder_ctx;

	/* 0, or ERR_INPUT with every violation of the bidder's parameter schema in `why`. */
	int (*check_params)(const void *ctx, struct str core, const json_t *params, struct errtext *why);
	const void *params_ctx;

	bool (*is_currency)(struct str code);              /* ISO 4217, any case */
	bool (*is_adjustments)(const json_t *adjustments); /* ext.prebid.bidadjustments */
	/* 0, or ERR_INPUT. The sections are borrowed from `a`, from the text or from `ctx`. */
	int (*parse_gpp)(const void *ctx, struct str text, struct arena *a, struct gpp_sections *ret_sections,
			 struct errtext *why);
	const void *gpp_ctx;
	int (*check_us_privacy)(struct str text,
				struct errtext *why); /* `why`: "must contain 4 characters" */

	const struct str *blocked_apps;
	size_t n_blocked_apps;
	bool cookie_deprecation;             /* account switch */
	struct str cookie_deprecation_label; /* header Sec-Cookie-Deprecation */
	bool tolerant;

	/* May be NULL: told of each bidder that an imp names and that is taken out of it with a warning. `bidder`
	 * lives only as long as the call. */
	void (*left_out)(void *ctx, size_t imp, struct str bidder);
	void *left_out_ctx;
};

/* `req` must be the caller's own. */
int validate(json_t *req, const struct validate_rules *rules, struct messages *m);

#endif
