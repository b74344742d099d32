/* One-time codes of authenticator apps: RFC 6238 with SHA-1, 30 seconds and six digits, which all of them know.
 *
 * Shapes  a secret is base32 (RFC 4648 §6), 16 to 64 bytes of it decoded; blanks and padding are passed over.
 * Units   a step is the number of whole 30 seconds since 1970.
 */
#ifndef IDR_AUTH_TOTP_H
#define IDR_AUTH_TOTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"

enum {
	TOTP_STEP_S = 30,
	TOTP_DIGITS = 6,
	TOTP_DRIFT_STEPS = 1, /* how far a telephone's clock may be off, either way */
	TOTP_KEY_MIN_BYTES = 16,
	TOTP_KEY_MAX_BYTES = 64,
	TOTP_NEW_KEY_TEXT = 32, /* 20 random bytes, as RFC 4226 §4 advises */
};

struct totp_key {
	unsigned char bytes[TOTP_KEY_MAX_BYTES];
	size_t n; /* 0 = none */
};

bool totp_key_parse(struct str base32, struct totp_key *ret_key);
/* False when the system has no randomness. */
bool totp_key_generate(char ret_base32[TOTP_NEW_KEY_TEXT + 1]);

/* RFC 4226's HOTP, `digits` at most 9. */
uint32_t totp_code(const struct totp_key *key, uint64_t step, unsigned digits);
/* The step that `code` is of, if that is later than `used_step` and within the drift of now; else 0. */
uint64_t totp_check(const struct totp_key *key, struct str code, int64_t now_s, uint64_t used_step);

#endif
