/* Has a vendor a legal basis under the TCF?
 *
 * The account's settings overlay the host's per purpose. `full` enforcement asks the vendor list and honours
 * the publisher's restrictions; `basic` looks at the signals alone.
 *
 * Source  Prebid Server's full and basic enforcement; IAB TCF policies; disclosed vendors as in TCF 2.3, the
 *         way Prebid Server Java reads it: a vendor that was not disclosed counts as not consented.
 */
#ifndef PBS_PRIVACY_GDPR_H
#define PBS_PRIVACY_GDPR_H

#include <stdbool.h>
#include <stdint.h>

#include "pbs/privacy/config.h"
#include "pbs/privacy/gvl.h"
#include "pbs/privacy/tcf.h"

struct gdpr_purpose {
	bool full, enforce_purpose, enforce_vendors;
	const struct names *exceptions;
};

/* What holds for all vendors of one request. */
struct gdpr {
	struct gdpr_purpose purpose[GDPR_PURPOSES + 1];
	bool sf1_enforce;
	const struct names *sf1_exceptions, *basic_vendors;
	bool p1_treatment, p1_access_allowed;

	/* valid only with consent that can be judged by; the defaults below do without */
	const struct tcf *tcf;
	const struct gvl *gvl;
	bool disclosed_only;
};

struct gdpr_vendor {
	struct str core;
	uint16_t id;
	const struct gvl_vendor *listed;
	bool consent, li, disclosed, basic;
	uint8_t restrictions[TCF_PURPOSES + 1];
};

/* `account` may be NULL. */
void gdpr_init(struct gdpr *g, const struct gdpr_rules *host, const struct gdpr_rules *account);
void gdpr_consent(struct gdpr *g, const struct tcf *tcf, const struct gvl *gvl, bool disclosed_only);
void gdpr_vendor_read(const struct gdpr *g, struct str core, uint16_t id, struct gdpr_vendor *ret_vendor);

/* True for strings young enough to need a list of disclosed vendors. */
bool gdpr_needs_disclosure(const struct tcf *tcf);

struct gdpr_ask {
	unsigned purpose;
	bool strictly;   /* as if both enforce flags were on */
	bool basic_li;   /* basic enforcement accepts legitimate interest */
	bool exceptions; /* the vendor may be excepted */
};
bool gdpr_has_basis(const struct gdpr *g, const struct gdpr_vendor *v, struct gdpr_ask ask);

bool gdpr_may_call(const struct gdpr *g, const struct gdpr_vendor *v);
/* Bit n for each purpose 2..10 on which ids may be passed. */
uint16_t gdpr_id_purposes(const struct gdpr *g, const struct gdpr_vendor *v);
bool gdpr_may_pass_geo(const struct gdpr *g, const struct gdpr_vendor *v);

/* Without consent that can be judged by; ids are never passed then. */
bool gdpr_default_call(const struct gdpr *g);
bool gdpr_default_geo(const struct gdpr *g);

bool gdpr_is_eea(const struct gdpr_rules *host, const struct gdpr_rules *account, struct str country);

#endif
