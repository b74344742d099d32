/* Who may log in: ADMIN_USERS.
 *
 * Shapes  a list separated by commas or line ends, '#' starts a comment. One user is name:hash[:role[:totp]]: a bcrypt
 *         hash as `nexus-idr hash-password` prints it, role admin (the default) or viewer, and a secret as
 *         `nexus-idr totp-secret` prints it, with which a login needs a one-time code too.
 * Errors  texts name the line and the user, never a hash or a secret.
 * Threads immutable once parsed.
 */
#ifndef IDR_AUTH_USERS_H
#define IDR_AUTH_USERS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/errtext.h"
#include "common/str.h"
#include "idr/auth/password.h"
#include "idr/auth/totp.h"

enum {
	USERS_MAX = 200,
	USER_NAME_MAX = 64,
	USER_MARK_BYTES = 12,
};

enum user_role { ROLE_VIEWER, ROLE_ADMIN };

struct user {
	char name[USER_NAME_MAX + 1]; /* of letters, digits and "._@+-" */
	char hash[PASSWORD_HASH_TEXT + 1];
	enum user_role role;
	struct totp_key totp;
	unsigned char
		mark[USER_MARK_BYTES]; /* changes with the hash and the secret, and gives neither away */
};

struct users {
	struct user *v;
	size_t n;
	bool totp; /* at least one has a secret */
};

int users_parse(struct str text, struct users *ret_u, struct errtext *why);
void users_deinit(struct users *u);
const struct user *users_find(const struct users *u, struct str name);
const char *user_role_name(enum user_role r);

#endif
