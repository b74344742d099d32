/* What the process knows of logins beside the cookies: the thread that computes hashes, how often who may try, which
 * sessions were ended, and which one-time codes were used.
 *
 * Threads any, except for the hasher's calls, which belong to the loop of their port (helper.h).
 */
#ifndef IDR_AUTH_AUTH_H
#define IDR_AUTH_AUTH_H

#include "common/helper.h"
#include "idr/auth/users.h"

struct auth;

struct auth *auth_new(struct errtext *why);
struct auth *auth_free(struct auth *a); /* after the ports; NULL is fine */

/* --- the password's check, a quarter of a second on a thread of its own --- */

enum { AUTH_HASH_TIMEOUT_MS = 15000 };

struct auth_check {
	struct helper_job job;
	bool matches;
	/* the module's own */
	bool known;
	char hash[PASSWORD_HASH_TEXT + 1];
	char *password;
	size_t n;
};

/* `user` NULL = nobody of that name: as much work is done, with the hash of another, and nothing matches. */
struct auth_check *auth_check_new(const struct users *us, const struct user *user, struct str password);
struct helper_port *auth_port_new(struct auth *a, struct loop *loop); /* NULL when out of descriptors */

/* --- how often --- */

/* Whether `address` may try once more to log in as `name`; both are counted. Else *ret_wait_ms. */
bool auth_may_try(struct auth *a, struct str address, struct str name, uint64_t now_us,
		  uint32_t *ret_wait_ms);
/* Whether one more refusal of `name` may be written down: a client that is refused in a loop must not fill the disk. */
bool auth_may_note(struct auth *a, struct str name, uint64_t now_us);

/* --- what is over --- */

void auth_end_session(struct auth *a, struct str id, int64_t until_s);
bool auth_session_ended(struct auth *a, struct str id);
/* True, once, for a code that is good now. */
bool auth_take_code(struct auth *a, const struct user *u, struct str code, int64_t now_s);
/* After a restart: `name` logged in at that time, so no code up to then is good any more. */
void auth_note_login(struct auth *a, struct str name, int64_t at_s);

#endif
