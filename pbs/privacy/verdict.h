/* One answer per bidder and field: may this bidder be called, and what must it not see?
 *
 * privacy_judge() reads every signal of a request once (GDPR with its consent string, GPP, US privacy, COPPA,
 * LMT, GPC), overlays the account's settings on the host's, and walks the bidders. The caller drops the
 * bidders that are `blocked`, calls privacy_apply() on each of the others' requests once first-party data and
 * the buyer's id are in, and shows privacy_debug_new() as ext.debug.privacy.
 *
 * Shapes  the request is in the 2.6 form. What follows for a bidder is a set of rules; each rule stands for a
 *         fixed set of removals (scrub.h) or for "do not call". Sets only add up, so their order is
 *         immaterial: what the reference does in steps 8 to 11 is the union of these sets.
 * Errors  ERR_INPUT with the text for the client (without the "Invalid request: " in front): a regs.gdpr that
 *         is neither 0 nor 1, and in strict mode missing or invalid consent.
 * Owns    everything lives in the arena; texts and the consent strings are borrowed from the request, which
 *         must live as long.
 * Threads pure; several may run at once on the same settings and vendor lists.
 * Source  Prebid Server's enforcement order; the differences are listed in docs/privacy.md.
 */
#ifndef PBS_PRIVACY_VERDICT_H
#define PBS_PRIVACY_VERDICT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/errtext.h"
#include "common/str.h"
#include "pbs/privacy/activity.h"
#include "pbs/privacy/config.h"
#include "pbs/privacy/scrub.h"

struct gvl;
struct tcf;
struct gpp;
struct gpp_reading;

/* Why something is removed or refused: id, name (debug, metrics), what it removes, where the signal stands.
 * No removal means: the bidder is not called. */
#define PRIVACY_RULES(X)                                                                                     \
	X(FETCH_BIDS, "activity_fetch_bids", 0, "account.privacy.allowactivities")                           \
	X(GDPR_CALL, "gdpr_purpose_2", 0, "consent")                                                         \
	X(UFPD, "activity_transmit_ufpd", SCRUB_SET_UFPD, "account.privacy.allowactivities")                 \
	X(EIDS, "activity_transmit_eids", SCRUB_EIDS, "account.privacy.allowactivities")                     \
	X(PRECISE_GEO, "activity_transmit_precise_geo", SCRUB_SET_GEO, "account.privacy.allowactivities")    \
	X(TID, "activity_transmit_tid", SCRUB_TID, "account.privacy.allowactivities")                        \
	X(GDPR_IDS, "gdpr_ids", SCRUB_SET_IDS, "consent")                                                    \
	X(GDPR_GEO, "gdpr_special_feature_1", SCRUB_SET_GEO, "consent")                                      \
	X(CCPA, "us_privacy_opt_out", SCRUB_SET_OPT_OUT, "us_privacy")                                       \
	X(GPC, "gpc_opt_out", SCRUB_SET_OPT_OUT, "gpc")                                                      \
	X(US_OPT_OUT, "gpp_us_opt_out", SCRUB_SET_OPT_OUT, "regs.gpp")                                       \
	X(US_SENSITIVE, "gpp_us_sensitive_data", SCRUB_UFPD, "regs.gpp")                                     \
	X(US_GEO, "gpp_us_precise_geo", SCRUB_SET_GEO, "regs.gpp")                                           \
	X(US_CHILD, "gpp_us_known_child", SCRUB_SET_CHILD | SCRUB_UFPD, "regs.gpp")                          \
	X(LMT, "lmt", SCRUB_SET_OPT_OUT, "device.lmt")                                                       \
	X(COPPA, "coppa", SCRUB_SET_CHILD, "regs.coppa")                                                     \
	X(BAD_US_PRIVACY, "us_privacy_invalid", SCRUB_US_PRIVACY, "regs.us_privacy")

enum privacy_rule {
#define X(id, name, scrub, signal) PRIVACY_##id,
	PRIVACY_RULES(X)
#undef X
		PRIVACY_RULE_COUNT
};

struct privacy_bidder {
	struct str code;    /* as the request calls it, an alias perhaps */
	struct str core;    /* the bidder behind the alias */
	uint16_t gvl_id;    /* of the core bidder, 0 = none; ext.prebid.aliasgvlids goes before it */
	bool gpp_supported; /* bidder info: openrtb.gpp-supported */
};

struct privacy_input {
	const json_t *request;
	enum privacy_channel channel;
	const struct privacy_host *host;
	const struct privacy_account *account; /* NULL: the host's settings alone */
	const struct privacy_bidder *bidders;
	size_t n_bidders;
	const struct gpp_reading *gpp; /* of regs.gpp, for callers that have read it already; else NULL */
	struct str publisher_id;       /* compared with gdpr.non_standard_publishers */
	bool sec_gpc;                  /* the HTTP header Sec-GPC: 1 was there */
	bool validated; /* validate() has warned about the signals: warn only of what it cannot know */

	/* The vendor list of that specification (2 or 3) and version, NULL while it is not at hand. */
	const struct gvl *(*find_gvl)(void *ctx, unsigned specification, unsigned version);
	void *ctx;
	const struct gvl *latest_gvl; /* says which vendor ids still exist; NULL accepts all */
};

/* One line for ext.warnings or ext.errors. */
struct privacy_message {
	struct privacy_message *next;
	bool error;         /* ext.errors, else ext.warnings */
	const char *bucket; /* "general" or "prebid" */
	int code;           /* 10001, or 999 for an error */
	struct str text;
};

struct privacy_verdict {
	struct str code, core;
	uint16_t vendor_id;      /* the id judged by, 0 = none */
	bool blocked;            /* non-bid status 204, warning 10017: privacy_blocked_text */
	bool gpp_downgrade;      /* the bidder gets the older signals too */
	uint32_t rules;          /* bit (1 << PRIVACY_…) per rule that applied */
	unsigned scrub;          /* what privacy_apply removes: the union of the rules' removals */
	uint16_t legal_purposes; /* bit n: purpose n has a legal basis (full disclosure in debug) */
};

enum consent_state {
	CONSENT_UNREAD,
	CONSENT_MISSING,
	CONSENT_INVALID,
	CONSENT_UNDISCLOSED,
	CONSENT_NO_LIST,
	CONSENT_VALID
};

struct privacy {
	struct privacy_verdict *bidders; /* in the order of the input */
	size_t n_bidders;
	struct privacy_message *messages;
	uint32_t rules; /* of all bidders together */

	int8_t gdpr_signal; /* enum tri: what the request says */
	bool gdpr_applies;  /* … and what follows with defaults and geography */
	bool gdpr_enforced;
	const char *gdpr_source; /* "regs.gpp_sid", "regs.gdpr", "geo", "default" */
	enum consent_state consent_state;
	struct str consent;         /* the TC string that counts, empty = none */
	const char *consent_source; /* "regs.gpp", "user.consent", "none" */
	const struct tcf *tcf;      /* NULL unless it could be decoded */
	const char *tcf_error;      /* why it could not; never holds the string */
	const struct gpp *gpp;      /* NULL unless regs.gpp could be read */

	bool us_enforced;      /* CCPA and the GPP sections 6 and above are acted on */
	struct str us_privacy; /* the value that counts, empty = none or malformed */
	const char *us_privacy_source;
	bool us_opt_out;
	unsigned us_section; /* the GPP section (7…) whose values count, 0 = none */
	bool gpc, lmt, coppa;
	bool gpp_downgrade; /* there is something for bidders that do not read GPP */

	unsigned ipv4_keep_bits, ipv6_keep_bits;
};

int privacy_judge(const struct privacy_input *in, struct arena *a, struct errtext *why,
		  struct privacy **ret_privacy);

/* Removes from bidder `i`'s request what its verdict says and adds the older signals where it needs them.
 * `request` is the caller's own top object. */
void privacy_apply(const struct privacy *p, size_t i, json_t *request, struct scrub_cache *cache);

/* The object for ext.debug.privacy; the caller takes the reference. */
json_t *privacy_debug_new(const struct privacy *p);

/* `bidder "<core name>" blocked by privacy settings`, for warning 10017. */
struct str privacy_blocked_text(const struct privacy_verdict *v, struct arena *a);

const char *privacy_rule_name(enum privacy_rule rule);

#endif
