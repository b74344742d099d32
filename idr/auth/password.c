#include "idr/auth/password.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#include "common/err.h"
#include "common/mem.h"

/* crypt's scratch space is 32 KiB and holds the password: on the heap, and wiped. */
static bool run(struct str password, const char *setting, char ret_hash[PASSWORD_HASH_TEXT + 1])
{
	struct crypt_data *data = xcalloc(1, sizeof *data);
	char text[PASSWORD_MAX_BYTES + 1] = "";
	const char *out;
	bool ok;

	memcpy(text, password.p, password.n);
	out = crypt_r(text, setting, data);
	ok = out && strlen(out) == PASSWORD_HASH_TEXT;
	if (ok)
		memcpy(ret_hash, out, PASSWORD_HASH_TEXT + 1);
	OPENSSL_cleanse(text, sizeof text);
	OPENSSL_cleanse(data, sizeof *data);
	free(data);
	return ok;
}

int password_hash(struct str password, char ret_hash[PASSWORD_HASH_TEXT + 1], struct errtext *why)
{
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];

	if (password.n < PASSWORD_MIN_BYTES || password.n > PASSWORD_MAX_BYTES) {
		errtext_set(why, "a password has %d to %d bytes, not %zu", PASSWORD_MIN_BYTES,
			    PASSWORD_MAX_BYTES, password.n);
		return ERR_INPUT;
	}
	for (size_t i = 0; i < password.n; i++)
		if ((unsigned char)password.p[i] < 0x20) {
			errtext_set(why, "a control character in a password");
			return ERR_INPUT;
		}
	if (!crypt_gensalt_rn("$2b$", PASSWORD_COST, NULL, 0, salt, sizeof salt) ||
	    !run(password, salt, ret_hash)) {
		errtext_set(why, "libcrypt makes no bcrypt hash");
		return ERR_INTERNAL;
	}
	return 0;
}

static bool is_bcrypt_text(char c)
{
	return (c >= '.' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool password_is_hash(struct str text)
{
	uint32_t cost;

	if (text.n != PASSWORD_HASH_TEXT || text.p[6] != '$' ||
	    !(str_starts(text, STR("$2b$")) || str_starts(text, STR("$2y$")) ||
	      str_starts(text, STR("$2a$"))) ||
	    !str_parse_u32((struct str){ text.p + 4, 2 }, PASSWORD_COST_MIN, PASSWORD_COST_MAX, &cost))
		return false;
	for (size_t i = 7; i < text.n; i++)
		if (!is_bcrypt_text(text.p[i]))
			return false;
	return true;
}

bool password_matches(struct str password, const char *hash)
{
	char got[PASSWORD_HASH_TEXT + 1];
	bool possible = password.n <= PASSWORD_MAX_BYTES && !memchr(password.p, 0, password.n);
	bool ran = run(possible ? password : STR(""), hash, got);

	return ran && CRYPTO_memcmp(got, hash, PASSWORD_HASH_TEXT) == 0 && possible;
}
