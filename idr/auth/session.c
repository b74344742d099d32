#include "idr/auth/session.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <sys/random.h>

#include "common/base64.h"

#define VERSION STR("1")

bool session_begin(const struct user *u, int64_t now_s, struct session *ret_s)
{
	struct session s = { .began_s = now_s, .seen_s = now_s };
	char bytes[SESSION_ID_BYTES];
	struct buf b;

	if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
		return false;
	buf_init(&b, SESSION_TEXT_MAX);
	base64url_write(&b, (struct str){ bytes, sizeof bytes });
	memcpy(s.id, buf_cstr(&b), SESSION_ID_TEXT + 1);
	buf_deinit(&b);
	memcpy(s.user, u->name, sizeof s.user);
	memcpy(s.mark, u->mark, sizeof s.mark);
	*ret_s = s;
	return true;
}

/* `purpose` keeps a signature of one kind from being taken for another. */
static void sign(struct str key, const char *purpose, struct str text,
		 unsigned char mac[SHA256_DIGEST_LENGTH])
{
	unsigned n = 0;
	struct buf b;

	buf_init(&b, 2 * SESSION_TEXT_MAX);
	buf_addf(&b, "%s " STR_FMT, purpose, STR_ARG(text));
	HMAC(EVP_sha256(), key.p, (int)key.n, (const unsigned char *)buf_cstr(&b), b.n, mac, &n);
	buf_deinit(&b);
}

void session_write(struct buf *b, struct str key, const struct session *s)
{
	unsigned char mac[SHA256_DIGEST_LENGTH];
	struct buf t;

	buf_init(&t, SESSION_TEXT_MAX);
	buf_add_str(&t, VERSION);
	buf_add_c(&t, '.');
	base64url_write(&t, str_of(s->user));
	buf_addf(&t, ".%s.%lld.%lld.", s->id, (long long)s->began_s, (long long)s->seen_s);
	base64url_write(&t, (struct str){ (const char *)s->mark, sizeof s->mark });
	sign(key, "session", buf_str(&t), mac);
	buf_add_c(&t, '.');
	base64url_write(&t, (struct str){ (const char *)mac, sizeof mac });
	buf_add_str(b, buf_str(&t));
	buf_deinit(&t);
}

/* Exactly `n` bytes of base64url. */
static bool read_bytes(struct str text, void *ret, size_t n)
{
	struct buf b;
	bool ok;

	buf_init(&b, SESSION_TEXT_MAX);
	ok = base64url_parse(text, &b) && b.n == n;
	if (ok)
		memcpy(ret, b.p, n);
	buf_deinit(&b);
	return ok;
}

static bool read_user(struct str text, char *ret_user)
{
	struct buf b;
	bool ok;

	buf_init(&b, SESSION_TEXT_MAX);
	ok = base64url_parse(text, &b) && b.n > 0 && b.n <= USER_NAME_MAX && !memchr(b.p, 0, b.n);
	if (ok)
		memcpy(ret_user, buf_cstr(&b), b.n + 1);
	buf_deinit(&b);
	return ok;
}

static bool is_signed(struct str key, struct str *text)
{
	unsigned char want[SHA256_DIGEST_LENGTH], got[SHA256_DIGEST_LENGTH];
	size_t at = text->n;

	while (at > 0 && text->p[at - 1] != '.')
		at--;
	if (at == 0 || text->n > SESSION_TEXT_MAX || key.n < SESSION_KEY_MIN_BYTES ||
	    !read_bytes((struct str){ text->p + at, text->n - at }, got, sizeof got))
		return false;
	text->n = at - 1;
	sign(key, "session", *text, want);
	return CRYPTO_memcmp(want, got, sizeof want) == 0;
}

bool session_parse(struct str key, struct str text, int64_t now_s, struct session *ret_s)
{
	struct session s = { .began_s = 0 };
	struct str id;

	if (!is_signed(key, &text) || !str_eq(str_cut(&text, '.'), VERSION) ||
	    !read_user(str_cut(&text, '.'), s.user))
		return false;
	id = str_cut(&text, '.');
	if (id.n != SESSION_ID_TEXT)
		return false;
	memcpy(s.id, id.p, id.n);
	if (!str_parse_i64(str_cut(&text, '.'), 0, INT64_MAX / 2, &s.began_s) ||
	    !str_parse_i64(str_cut(&text, '.'), 0, INT64_MAX / 2, &s.seen_s) ||
	    !read_bytes(text.p ? text : STR(""), s.mark, sizeof s.mark))
		return false;
	if (now_s >= s.began_s + SESSION_LIFE_S || now_s >= s.seen_s + SESSION_IDLE_S)
		return false;
	*ret_s = s;
	return true;
}

void session_csrf(struct str key, const struct session *s, char ret_text[SESSION_CSRF_TEXT + 1])
{
	unsigned char mac[SHA256_DIGEST_LENGTH];
	struct buf b;

	sign(key, "csrf", str_of(s->id), mac);
	buf_init(&b, SESSION_TEXT_MAX);
	base64url_write(&b, (struct str){ (const char *)mac, sizeof mac });
	memcpy(ret_text, buf_cstr(&b), SESSION_CSRF_TEXT + 1);
	buf_deinit(&b);
}

bool session_csrf_matches(struct str key, const struct session *s, struct str given)
{
	char want[SESSION_CSRF_TEXT + 1];

	session_csrf(key, s, want);
	return given.n == SESSION_CSRF_TEXT && CRYPTO_memcmp(want, given.p, given.n) == 0;
}
