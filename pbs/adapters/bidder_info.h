/* What is known about a bidder without running its code: pbs/config/bidder-info/<name>.yaml, host overrides.
 *
 * Shapes  parsed from a tree with the keys of the reference's files, matched without case; unknown keys are
 *         ignored, except among `limits`. `root` keeps the tree for what only one adapter reads.
 * Errors  ERR_INPUT with the key's path and what was expected there; the caller names the file.
 * Owns    everything lives in the arena given to bidder_info_parse().
 */
#ifndef PBS_ADAPTERS_BIDDER_INFO_H
#define PBS_ADAPTERS_BIDDER_INFO_H

#include <jansson.h>
#include <stdbool.h>

#include "common/arena.h"
#include "common/errtext.h"
#include "pbs/adapters/bidder_limits.h"
#include "pbs/openrtb/media.h"

enum platform { PLATFORM_SITE, PLATFORM_APP, PLATFORM_DOOH, PLATFORMS };

struct bidder_sync_endpoint {
	const char *url; /* NULL: there is no such endpoint */
	const char *redirect_url, *external_url, *user_macro;
};

struct bidder_sync {
	const char *key;                         /* the cookie's name for this bidder; NULL: no user sync */
	bool supports_iframe, supports_redirect; /* the bidder can, though the host must fill in a URL */
	const char *default_type;                /* "iframe" or "redirect", NULL when not said */
	struct bidder_sync_endpoint iframe, redirect;
	bool defined; /* says more than what the bidder supports: it can be synchronised */
	const char *external_url, *format_override; /* NULL when not said; "b" or "i" */
	bool off, skip_gdpr;                        /* enabled: false; no sync where GDPR applies */
	const json_t *skip_gpp_sids;                /* no sync under exactly one of these gpp_sid texts */
};

struct bidder_info {
	const char *name, *alias_of; /* alias_of NULL for most */
	const char *endpoint, *extra_info, *platform_id, *app_secret;
	const char *xapi_username, *xapi_password, *xapi_tracker;
	const char *maintainer;
	bool disabled, white_label_only, gzip, traceparent, modifying_vast_xml_allowed, debug_allow;
	bool openrtb_26, gpp_supported, multiformat_supported;
	int gvl_id;                /* 0: none */
	int64_t tmax_deduction_ms; /* the way to this bidder, beside what is taken off everybody's tmax */
	const char **geoscope;
	size_t n_geoscope;
	bool on[PLATFORMS];        /* the platform is listed */
	unsigned media[PLATFORMS]; /* sets of enum media */
	struct bidder_sync sync;
	struct bidder_limits limits;
	const json_t *root;
};

const char *platform_name(enum platform p); /* "site" "app" "dooh" */

/* `file` is what the bidder's file says; `parent` that of the bidder it is an alias of, or NULL; `host` the
 * host's overrides, or NULL. An alias inherits what it leaves out, except gvlVendorID; without a userSync of
 * its own it shares its parent's sync key. */
int bidder_info_parse(struct arena *a, const char *name, const json_t *file, const struct bidder_info *parent,
		      const json_t *host, struct bidder_info *ret_info, struct errtext *why);

#endif
