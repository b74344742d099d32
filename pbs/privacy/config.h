/* Privacy settings of the host and of one account, read once into structs that requests share.
 *
 * The account overlays the host field by field: a value that is unset (TRI_UNSET, `set` false) is the host's.
 *
 * Shapes  the host tree is the YAML of the server (`gdpr`, `ccpa`, `lmt`, `privacy`), the account tree is the
 *         account's JSON (`gdpr`, `ccpa`, `privacy`). Missing members take the defaults noted below.
 * Errors  ERR_INPUT with the path of the first member that has a wrong type or an unknown value.
 * Owns    both keep a reference to the tree they were read from: names are borrowed from it.
 * Threads constant once parsed.
 * Source  Prebid Server's host and account configuration.
 */
#ifndef PBS_PRIVACY_CONFIG_H
#define PBS_PRIVACY_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/errtext.h"
#include "common/str.h"
#include "pbs/openrtb/ipnet.h"
#include "pbs/privacy/names.h"

struct activities;

enum privacy_channel { CHANNEL_WEB, CHANNEL_APP, CHANNEL_AMP, CHANNEL_VIDEO, CHANNEL_DOOH, CHANNELS };

enum tri { TRI_UNSET = -1, TRI_NO = 0, TRI_YES = 1 };

enum { GDPR_PURPOSES = 10 };

struct purpose_rules {
	int8_t full; /* enforce_algo: full, else basic */
	int8_t enforce_purpose, enforce_vendors;
	struct names vendor_exceptions;
};

struct gdpr_rules {
	int8_t enabled, channel_enabled[CHANNELS];
	struct purpose_rules purpose[GDPR_PURPOSES + 1]; /* by purpose number; [0] is unused */
	int8_t sf1_enforce;
	struct names sf1_exceptions;
	int8_t p1_treatment, p1_access_allowed;
	struct names basic_vendors; /* accounts only */
	struct names eea_countries;
};

struct privacy_host {
	struct gdpr_rules gdpr;    /* gdpr.tcf2.*; every field is set after parsing */
	bool gdpr_enabled;         /* gdpr.enabled, true */
	bool gdpr_default_applies; /* gdpr.default_value, "0": what an absent signal means outside the EEA */
	uint16_t host_vendor_id;   /* gdpr.host_vendor_id, 0 */
	struct names non_standard_publishers;
	bool strict_disclosed_vendors; /* gdpr.strict-disclosed-vendors-treatment, true: TCF 2.3 */
	bool strict_missing_list;      /* gdpr.vendor_list.when_missing: "strict" calls nobody, "default" */
	bool ccpa_enforce;             /* ccpa.enforce, true */
	bool lmt_enforce;              /* lmt.enforce, true */

	/* The master switches, PBS_ENFORCE_* and PBS_PRIVACY_STRICT_MODE. privacy_host_parse sets them to the
	 * defaults (true, true, true, false) or to
	 * privacy.{enforce_gdpr,enforce_ccpa,enforce_coppa,strict_mode}; whoever owns the environment may
	 * overwrite them before the struct is shared. */
	bool enforce_gdpr, enforce_ccpa, enforce_coppa, strict;

	struct ip_net *private_nets; /* request_validation.*; owned. NULL: ip_private_nets */
	size_t n_private_nets;

	json_t *tree;
};

struct privacy_account {
	struct gdpr_rules gdpr;
	int8_t ccpa_enabled, ccpa_channel_enabled[CHANNELS];
	struct activities *activities;          /* NULL: everything is allowed */
	uint8_t ipv4_keep_bits, ipv6_keep_bits; /* privacy.ipv4/ipv6.anon_keep_bits, 24 and 56 */
	json_t *tree;
};

/* `tree` may be NULL (defaults only). The results are freed with privacy_host_free / privacy_account_free. */
int privacy_host_parse(json_t *tree, struct errtext *why, struct privacy_host **ret_host);
int privacy_account_parse(json_t *account, struct errtext *why, struct privacy_account **ret_account);
void privacy_host_free(struct privacy_host *host);
void privacy_account_free(struct privacy_account *account);

#endif
