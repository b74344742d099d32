/* For the reader and the writer: finding the next byte of a string that needs a closer look, eight bytes at a time. */
#ifndef COMMON_JSON_SCAN_H
#define COMMON_JSON_SCAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes above 0x7f need a look too. */
#define JSON_NOT_ASCII 0x8080808080808080u

/* From `i` on in steps of eight, to a place at or before the next control character, '"', '\\' or byte that has one of the bits
 * in `also` (0 or JSON_NOT_ASCII). A byte of `word` that is below 0x20 or equal to a mark sets its high bit in one of the
 * terms; those above 0x7f do not. */
static inline size_t json_skip_plain(const char *p, size_t n, size_t i, uint64_t also)
{
	const uint64_t ones = 0x0101010101010101u;

	while (i + 8 <= n) {
		uint64_t word, quote, slash, hit;

		memcpy(&word, p + i, 8);
		quote = word ^ (ones * '"');
		slash = word ^ (ones * '\\');
		hit = (word - ones * 0x20) & ~word;
		hit |= (quote - ones) & ~quote;
		hit |= (slash - ones) & ~slash;
		if ((hit & 0x8080808080808080u) | (word & also))
			break;
		i += 8;
	}
	return i;
}

#endif
