/* The `uids` cookie: what each bidder calls this browser.
 *
 * Shapes  base64url, padded, of {"tempUIDs":{"<syncer key>":{"uid":"…","expires":"<RFC 3339>"}},"optout":true}.
 *         Both members are left out when they say nothing. Anything unreadable, one bad timestamp included,
 *         makes the whole cookie empty.
 * Units   expires_us: microseconds since 1970. An id that has expired is kept and still told to its bidder,
 *         but does not count as live, so that it is synchronised again.
 * Owns    everything lives in the arena; texts may borrow from it only.
 * Source  Prebid Server's usersync cookie.
 */
#ifndef PBS_USERSYNC_UIDS_H
#define PBS_USERSYNC_UIDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/str.h"

#define UIDS_COOKIE STR("uids")

enum {
	UIDS_LIFE_DAYS = 14, /* of one id, from the moment it is set */
	UIDS_MAX = 1000,     /* ids in one cookie; a longer one is no cookie of ours */
	UIDS_COOKIE_MAX = 65536,
};

struct uid {
	struct str key, uid;
	struct str expires_text; /* as it was read; empty for one that was set here */
	int64_t expires_us;
};

struct uids {
	struct arena *arena;
	struct uid *list;
	size_t n;
	bool opted_out;
};

/* `value` is the cookie's value, empty when there is none. */
void uids_read(struct uids *u, struct arena *a, struct str value);

const struct uid *uids_find(const struct uids *u, struct str key); /* NULL when absent */
bool uids_is_live(const struct uids *u, struct str key, int64_t now_us);
bool uids_has_live(const struct uids *u, int64_t now_us);

/* False, and nothing changed, for an id that is refused: "0" of audienceNetwork, an empty one, one too many,
 * or while the user has opted out. */
bool uids_set(struct uids *u, struct str key, struct str uid, int64_t now_us);
/* Adds an id that another cookie holds, for as long as this request runs; nothing when there is one. */
void uids_add_host(struct uids *u, struct str family, struct str uid, int64_t now_us);
void uids_remove(struct uids *u, struct str key);
void uids_opt_out(struct uids *u, bool out); /* out: forgets every id */

/* The value to send, keys in byte order; empty when nothing is left to say. */
void uids_write(const struct uids *u, struct buf *b);

#endif
