/* May a user id be kept or synchronised? Purpose 1 of the TCF, for a bidder or for the host itself.
 *
 * Errors  0 when allowed; ERR_DENIED when not, `why` says what is missing; ERR_INPUT for a consent string
 * that cannot be read, `why` holds the cause and never the string. Threads pure. Source  Prebid Server's
 * cookie_sync and setuid. Channel switches are not consulted, account purposes are.
 */
#ifndef PBS_PRIVACY_SYNC_H
#define PBS_PRIVACY_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/errtext.h"
#include "common/str.h"
#include "pbs/privacy/config.h"
#include "pbs/privacy/gvl.h"

struct privacy_sync {
	const struct privacy_host *host;
	const struct privacy_account *account; /* may be NULL */
	int8_t gdpr;                           /* enum tri: gpp_sid before gdpr; unset = the host's default */
	struct str consent;                    /* GPP section 2 before gdpr_consent */

	const struct gvl *(*find_gvl)(void *ctx, unsigned specification, unsigned version);
	void *ctx;
	const struct gvl *latest_gvl; /* may be NULL */
};

/* Whether GDPR counts for the request: outside, everything is allowed and the consent string is not looked at. */
bool privacy_sync_in_scope(const struct privacy_sync *in);
int privacy_sync_bidder(const struct privacy_sync *in, struct str core, uint16_t gvl_id, struct arena *a,
			struct errtext *why);
int privacy_sync_host(const struct privacy_sync *in, struct arena *a, struct errtext *why);

#endif
