/* A login, as the text that its cookie holds: signed, so that no table of them is needed, every machine with the same
 * SECRET_KEY takes it, and a restart ends none.
 *
 * Shapes  "1.<user>.<id>.<began>.<seen>.<mark>.<signature>", the parts that are not numbers in base64url. `mark` is
 *         the user's (users.h): another password or one-time secret ends the sessions begun with the one before.
 * Units   seconds since 1970.
 * Threads pure.
 */
#ifndef IDR_AUTH_SESSION_H
#define IDR_AUTH_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/str.h"
#include "idr/auth/users.h"

enum {
	SESSION_ID_BYTES = 16,
	SESSION_ID_TEXT = 22,
	SESSION_TEXT_MAX = 512,
	SESSION_CSRF_TEXT = 43,
	SESSION_LIFE_S = 12 * 3600,
	SESSION_IDLE_S = 3600,
	SESSION_RENEW_S = 60, /* a request this long after the last renewal renews */
	SESSION_KEY_MIN_BYTES = 32,
};

struct session {
	char user[USER_NAME_MAX + 1];
	char id[SESSION_ID_TEXT + 1];
	int64_t began_s, seen_s;
	unsigned char mark[USER_MARK_BYTES];
};

/* A new one of `u`. False when the system has no randomness. */
bool session_begin(const struct user *u, int64_t now_s, struct session *ret_s);
void session_write(struct buf *b, struct str key, const struct session *s);
/* False for what was not signed with this key, is over, or has been idle for too long. */
bool session_parse(struct str key, struct str text, int64_t now_s, struct session *ret_s);
/* What a page must send beside the cookie to change anything: other sites can make a browser send the cookie, but do
 * not know this. */
void session_csrf(struct str key, const struct session *s, char ret_text[SESSION_CSRF_TEXT + 1]);
bool session_csrf_matches(struct str key, const struct session *s, struct str given);

#endif
