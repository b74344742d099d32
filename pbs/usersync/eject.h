/* Makes the `uids` cookie small enough: which ids go when browsers would refuse to store all of them.
 *
 * Ids of bidders that are in no priority group go first, then those of the last group, and so on upwards; the
 * one that expires first goes first. Every turn takes one id away, so there is an end.
 *
 * Units   bytes of name, value, Path and Expires as they stand in Set-Cookie.
 * Source  Prebid Server's setuid. Repaired: bidders are matched by their syncer's key, the configured groups
 *         are never changed, and a group without ids gives way to the one above it.
 */
#ifndef PBS_USERSYNC_EJECT_H
#define PBS_USERSYNC_EJECT_H

#include <jansson.h>

#include "pbs/usersync/syncer.h"
#include "pbs/usersync/uids.h"

enum { EJECT_MIN_LIMIT = 500 }; /* a limit below that would hold nothing useful */

struct eject_rules {
	size_t max_bytes;     /* 0 = no limit */
	const json_t *groups; /* array of arrays of bidder names; NULL or empty = none */
	const struct syncers *syncers;
	struct str key; /* what is being set */
};

enum eject_result {
	EJECT_FITS,
	EJECT_TOO_BIG,      /* the id alone is larger than the limit */
	EJECT_NOT_PRIORITY, /* only more important ids are left; nothing may be written */
};

enum eject_result uids_eject(struct uids *u, const struct eject_rules *rules);

#endif
