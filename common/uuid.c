#include "common/uuid.h"

static bool is_dash_at(size_t i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

void uuid_v4(struct rng *r, char ret_text[UUID_TEXT + 1])
{
	static const char hex[] = "0123456789abcdef";
	uint64_t bits = 0;
	unsigned left = 0;

	for (size_t i = 0; i < UUID_TEXT; i++) {
		unsigned nibble;

		if (is_dash_at(i)) {
			ret_text[i] = '-';
			continue;
		}
		if (left == 0) {
			bits = rng_u64(r);
			left = 16;
		}
		nibble = bits & 15;
		bits >>= 4;
		left--;
		if (i == 14)
			nibble = 4; /* version */
		if (i == 19)
			nibble = 8 | (nibble & 3); /* variant */
		ret_text[i] = hex[nibble];
	}
	ret_text[UUID_TEXT] = '\0';
}

bool uuid_is_valid(struct str s)
{
	if (s.n != UUID_TEXT)
		return false;
	for (size_t i = 0; i < UUID_TEXT; i++) {
		if (is_dash_at(i) ? s.p[i] != '-' : str_hex_digit(s.p[i]) < 0)
			return false;
	}
	return true;
}
