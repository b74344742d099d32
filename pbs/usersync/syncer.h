/* How each bidder's id is fetched: one syncer per bidder, made once from bidder info.
 *
 * Shapes  bidders with the same key share one id in the cookie. One of them defines the endpoints, or all
 *         that do define the same; every bidder then uses those with its own name in the redirect.
 * Errors  syncers_new() fails with the reference's text: two definitions of one key, none at all, an unknown
 *         macro, a URL that would not be one.
 * Owns    the set owns its arena and borrows from the registry, which must outlive it. Immutable.
 * Source  Prebid Server's usersync package. Privacy macros are inserted as they are, so syncer_url() takes
 *         checked values only (sync_value_is_safe).
 */
#ifndef PBS_USERSYNC_SYNCER_H
#define PBS_USERSYNC_SYNCER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/errtext.h"
#include "common/str.h"

struct registry;
struct sync_piece;

enum sync_type { SYNC_IFRAME, SYNC_REDIRECT, SYNC_TYPES };

/* A URL cut at its macros. */
struct sync_url {
	const struct sync_piece *pieces;
	size_t n; /* 0: there is no such endpoint */
};

struct syncer {
	const char *bidder; /* in the registry's spelling */
	struct str key;
	struct sync_url url[SYNC_TYPES];
	enum sync_type default_type; /* iframe when there is one */
	char format;                 /* of /setuid when f is not given: 'b' blank page, 'i' image */
	const struct bidder_sync *info;
};

/* What the request says about privacy, for the macros. */
struct sync_macros {
	struct str gdpr, gdpr_consent, us_privacy, gpp, gpp_sid;
};

struct syncers_options {
	struct str external_url; /* user_sync.external_url, else external_url */
	struct str redirect_url; /* user_sync.redirect_url; empty = the default */
};

struct syncers;

/* NULL with the reason and the bidder (of the registry, for as long as it is there) that it was found at. */
struct syncers *syncers_new(const struct registry *r, const struct syncers_options *opt,
			    const char **ret_wrong, struct errtext *why);
void syncers_free(struct syncers *s); /* NULL is fine */

const struct syncer *syncers_find(const struct syncers *s, struct str bidder); /* any case; NULL: no syncer */
size_t syncers_count(const struct syncers *s);
const struct syncer *syncers_at(const struct syncers *s, size_t i); /* by bidder */

void syncer_url(const struct syncer *s, enum sync_type type, const struct sync_macros *m, struct buf *b);
const char *sync_type_name(enum sync_type type);

/* May the text stand in a URL as it is? Consent strings, digits and commas may. */
bool sync_value_is_safe(struct str s);

#endif
