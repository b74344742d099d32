/* Passwords as bcrypt hashes ("$2b$12$" and 53 more characters), by libcrypt.
 *
 * Units   a cost is the binary logarithm of the rounds; 12 is about a quarter of a second of one core, on purpose.
 *         Whoever serves requests calls this on another thread (login.h).
 * Errors  ERR_INPUT for a password that is too short or too long: bcrypt reads 72 bytes and would pass over the rest.
 */
#ifndef IDR_AUTH_PASSWORD_H
#define IDR_AUTH_PASSWORD_H

#include <stdbool.h>

#include "common/errtext.h"
#include "common/str.h"

enum {
	PASSWORD_MIN_BYTES = 12,
	PASSWORD_MAX_BYTES = 72,
	PASSWORD_HASH_TEXT = 60, /* without the NUL */
	PASSWORD_COST = 12,
	PASSWORD_COST_MIN = 10, /* of hashes made elsewhere; above the greatest a login takes seconds */
	PASSWORD_COST_MAX = 15,
};

int password_hash(struct str password, char ret_hash[PASSWORD_HASH_TEXT + 1], struct errtext *why);
/* Of the form and of a cost that this service takes. */
bool password_is_hash(struct str text);
/* Takes as long as the hash's cost says, also for a password that no hash can be of. */
bool password_matches(struct str password, const char *hash);

#endif
