/* What an account allows the parts of the server to do: `privacy.allowactivities`.
 *
 * Rules are tried in order; the first whose every present clause matches decides. Nothing matching, or
 * nothing configured, falls back to the activity's `default`, which is "allowed" unless the account says
 * otherwise.
 *
 * Shapes  a clause lists alternatives: componentName, componentType, gppSid (any id in regs.gpp_sid), geo
 *         ("USA" or "USA.CA"), gpc ("1", compared with regs.ext.gpc). Text compares without case. A rule
 *         without `allow` denies, as in the reference.
 * Errors  ERR_INPUT for members this server does not know: a rule with an ignored condition would apply to
 *         everybody, so the account is refused instead.
 * Source  Prebid Server's activity controls; gppSid, geo and gpc as in the Java server.
 */
#ifndef PBS_PRIVACY_ACTIVITY_H
#define PBS_PRIVACY_ACTIVITY_H

#include <jansson.h>
#include <stdbool.h>

#include "common/errtext.h"
#include "common/str.h"

#define ACTIVITIES(X)                                                                                        \
	X(SYNC_USER, "syncUser")                                                                             \
	X(FETCH_BIDS, "fetchBids")                                                                           \
	X(ENRICH_UFPD, "enrichUfpd")                                                                         \
	X(REPORT_ANALYTICS, "reportAnalytics")                                                               \
	X(TRANSMIT_UFPD, "transmitUfpd")                                                                     \
	X(TRANSMIT_EIDS, "transmitEids")                                                                     \
	X(TRANSMIT_PRECISE_GEO, "transmitPreciseGeo")                                                        \
	X(TRANSMIT_UNIQUE_IDS, "transmitUniqueRequestIds")                                                   \
	X(TRANSMIT_TID, "transmitTid")

enum activity {
#define X(id, name) ACTIVITY_##id,
	ACTIVITIES(X)
#undef X
		ACTIVITY_COUNT
};

enum component_type { COMPONENT_BIDDER, COMPONENT_ANALYTICS, COMPONENT_RTD, COMPONENT_GENERAL };

/* What the conditions of a request are compared with; filled by activity_scope_read or left zero. */
struct activity_scope {
	const json_t *gpp_sid;      /* array of integers, may be NULL */
	struct str country, region; /* device.geo, else user.geo */
	struct str gpc;             /* "1" or empty */
};

struct activities;

/* `tree` is the object `allowactivities`; its texts are borrowed, so it must outlive the result. */
int activities_parse(const json_t *tree, struct errtext *why, struct activities **ret_activities);
void activities_free(struct activities *a);

void activity_scope_read(const json_t *request, struct activity_scope *ret_scope);

/* `a` may be NULL. */
bool activity_allowed(const struct activities *a, enum activity what, enum component_type type,
		      struct str name, const struct activity_scope *scope);

const char *activity_name(enum activity what);

#endif
