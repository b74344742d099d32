#include "idr/auth/users.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "common/err.h"
#include "common/mem.h"

static const char *const role_names[] = { [ROLE_VIEWER] = "viewer", [ROLE_ADMIN] = "admin" };

const char *user_role_name(enum user_role r)
{
	return role_names[r];
}

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
		      memchr("._@+-", c, 5)))
			return false;
	}
	return s.n > 0 && s.n <= USER_NAME_MAX;
}

static void set_mark(struct user *u)
{
	unsigned char text[sizeof u->hash + sizeof u->totp.bytes], digest[SHA256_DIGEST_LENGTH];

	memcpy(text, u->hash, sizeof u->hash);
	memcpy(text + sizeof u->hash, u->totp.bytes, sizeof u->totp.bytes);
	SHA256(text, sizeof text, digest);
	memcpy(u->mark, digest, sizeof u->mark);
	OPENSSL_cleanse(text, sizeof text);
}

static int parse_user(struct str text, struct user *ret_u, struct errtext *why)
{
	struct str rest = text, name = str_cut(&rest, ':'), hash, role, totp;
	struct user u = { .role = ROLE_ADMIN };
	int at;

	if (!is_name(name)) {
		errtext_set(why, "a user's name has 1 to %d letters, digits or ._@+-", USER_NAME_MAX);
		return ERR_INPUT;
	}
	memcpy(u.name, name.p, name.n);
	hash = str_cut(&rest, ':');
	role = str_cut(&rest, ':');
	totp = rest.p ? rest : STR("");
	if (!password_is_hash(hash)) {
		errtext_set(why,
			    "user %s: not name:hash[:role[:totp]] with a bcrypt hash of cost %d to %d, as "
			    "`nexus-idr hash-password` prints it",
			    u.name, PASSWORD_COST_MIN, PASSWORD_COST_MAX);
		return ERR_INPUT;
	}
	memcpy(u.hash, hash.p, hash.n);
	at = role.n ? str_index(role, role_names, ARRAY_LEN(role_names)) : ROLE_ADMIN;
	if (at < 0) {
		errtext_set(why, "user %s: the role is admin or viewer", u.name);
		return ERR_INPUT;
	}
	u.role = (enum user_role)at;
	if (totp.n && !totp_key_parse(totp, &u.totp)) {
		errtext_set(why, "user %s: the fourth part is no base32 secret of %d to %d bytes", u.name,
			    TOTP_KEY_MIN_BYTES, TOTP_KEY_MAX_BYTES);
		return ERR_INPUT;
	}
	set_mark(&u);
	*ret_u = u;
	return 0;
}

static int add(struct users *us, struct str text, struct errtext *why)
{
	struct user u;
	int err = parse_user(text, &u, why);

	if (err)
		return err;
	if (us->n == USERS_MAX) {
		errtext_set(why, "more than %d users", USERS_MAX);
		return ERR_LIMIT;
	}
	if (users_find(us, str_of(u.name))) {
		errtext_set(why, "user %s is listed twice", u.name);
		return ERR_INPUT;
	}
	us->v[us->n++] = u;
	us->totp |= u.totp.n > 0;
	return 0;
}

static int add_line(struct users *us, struct str line, struct errtext *why)
{
	int err = 0;

	line = str_cut(&line, '#');
	while (line.p && !err) {
		struct str one = str_cut(&line, ',');

		if (one.n && one.p[one.n - 1] == '\r')
			one.n--;
		one = str_trim(one);
		if (one.n)
			err = add(us, one, why);
	}
	return err;
}

int users_parse(struct str text, struct users *ret_u, struct errtext *why)
{
	struct users us = { .v = xcalloc(USERS_MAX, sizeof *us.v) };
	int err = 0;

	for (size_t number = 1; text.p && !err; number++) {
		err = add_line(&us, str_cut(&text, '\n'), why);
		if (err)
			errtext_prefix(why, "line %zu: ", number);
	}
	if (err)
		users_deinit(&us);
	else
		*ret_u = us;
	return err;
}

void users_deinit(struct users *u)
{
	if (u->v)
		OPENSSL_cleanse(u->v, USERS_MAX * sizeof *u->v);
	free(u->v);
	*u = (struct users){ 0 };
}

const struct user *users_find(const struct users *u, struct str name)
{
	for (size_t i = 0; i < u->n; i++)
		if (str_eq(name, str_of(u->v[i].name)))
			return &u->v[i];
	return NULL;
}
