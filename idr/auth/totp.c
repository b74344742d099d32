#include "idr/auth/totp.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#include "common/mem.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static int value_of(char c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

bool totp_key_parse(struct str text, struct totp_key *ret_key)
{
	struct totp_key k = { .n = 0 };
	unsigned acc = 0, bits = 0;

	while (text.n && text.p[text.n - 1] == '=')
		text.n--;
	for (size_t i = 0; i < text.n; i++) {
		int v = value_of(text.p[i]);

		if (text.p[i] == ' ')
			continue;
		if (v < 0 || k.n == sizeof k.bytes)
			return false;
		acc = (acc << 5 | (unsigned)v) & 0xfff;
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			k.bytes[k.n++] = (unsigned char)(acc >> bits);
		}
	}
	if (k.n < TOTP_KEY_MIN_BYTES)
		return false;
	*ret_key = k;
	return true;
}

bool totp_key_generate(char ret_base32[TOTP_NEW_KEY_TEXT + 1])
{
	unsigned char bytes[TOTP_NEW_KEY_TEXT];

	if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
		return false;
	for (size_t i = 0; i < sizeof bytes; i++)
		ret_base32[i] = alphabet[bytes[i] & 31];
	ret_base32[TOTP_NEW_KEY_TEXT] = '\0';
	OPENSSL_cleanse(bytes, sizeof bytes);
	return true;
}

uint32_t totp_code(const struct totp_key *key, uint64_t step, unsigned digits)
{
	unsigned char counter[8], mac[EVP_MAX_MD_SIZE];
	unsigned n = 0, at;
	uint32_t v, mod = 1;

	for (int i = 7; i >= 0; i--, step >>= 8)
		counter[i] = (unsigned char)step;
	HMAC(EVP_sha1(), key->bytes, (int)key->n, counter, sizeof counter, mac, &n);
	at = mac[19] & 15;
	v = (uint32_t)(mac[at] & 0x7f) << 24 | (uint32_t)mac[at + 1] << 16 | (uint32_t)mac[at + 2] << 8 |
	    mac[at + 3];
	for (unsigned i = 0; i < digits; i++)
		mod *= 10;
	return v % mod;
}

uint64_t totp_check(const struct totp_key *key, struct str code, int64_t now_s, uint64_t used_step)
{
	uint64_t now_step = (uint64_t)now_s / TOTP_STEP_S, found = 0;
	uint32_t given;

	if (code.n != TOTP_DIGITS || !str_parse_u32(code, 0, 999999, &given))
		return 0;
	/* All steps are computed, whichever fits. */
	for (uint64_t i = 0; i <= 2 * TOTP_DRIFT_STEPS; i++) {
		uint64_t step = now_step - TOTP_DRIFT_STEPS + i;

		if (totp_code(key, step, TOTP_DIGITS) == given && step > used_step)
			found = step;
	}
	return found;
}
