/* Bidder names: which are known, what an alias stands for, and where an imp names its bidders.
 *
 * Core names match in any case; aliases that a request defines match exactly and win over core names. The
 * spelling of the request stays the name of the seat.
 *
 * Shapes  `aliases` is the request's ext.prebid.aliases or NULL; its values are strings.
 * Owns    everything is borrowed; a core name comes from the registry and lives as long as it does.
 */
#ifndef PBS_OPENRTB_BIDDERS_H
#define PBS_OPENRTB_BIDDERS_H

#include <jansson.h>
#include <stdbool.h>

#include "common/str.h"

enum bidder_status {
	BIDDER_UNKNOWN,
	BIDDER_ACTIVE,
	BIDDER_DISABLED,    /* switched off by the host */
	BIDDER_WHITE_LABEL, /* exists only for others to be an alias of */
};

/* Looks up a core name in any case; *ret_core is its registered spelling, written unless unknown. */
typedef enum bidder_status bidder_find_fn(const void *ctx, struct str name, struct str *ret_core);

struct bidder_names {
	bidder_find_fn *find;
	const void *ctx;
	const json_t *aliases;
};

/* The core bidder that will be called under `name`. Anything but BIDDER_ACTIVE cannot be called. */
enum bidder_status bidder_resolve(const struct bidder_names *names, struct str name, struct str *ret_core);
bool bidder_is_alias(const struct bidder_names *names, struct str name);
/* A name that a request may mention: callable, or an alias. */
bool bidder_is_known(const struct bidder_names *names, struct str name);

/* What to tell a client that still asks for a bidder that is gone; NULL when `name` never was one. */
const char *bidder_retired_hint(struct str name);

/* Members of imp.ext that never name a bidder. */
bool bidder_is_reserved(struct str key);

/* Old clients put a bidder's parameters beside `prebid`. When imp.ext.prebid.bidder is absent it is made from
 * them and true is returned; otherwise imp.ext stays as it is. `ext` must be the caller's own. */
bool bidders_move_legacy(json_t *ext);

#endif
