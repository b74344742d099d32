/* Base64url text as a stream of bits, most significant first: the form of all IAB consent strings.
 *
 * Shapes  reading past the end gives zeros and sets `over`, so a decoder checks once per field group.
 * Errors  the decoders return the position of the first byte that is not base64url, or -1.
 */
#ifndef PBS_PRIVACY_BITS_H
#define PBS_PRIVACY_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/str.h"

struct bits {
	const uint8_t *p; /* followed by at least eight readable bytes */
	size_t n, pos;    /* in bits */
	bool over;
};

/* Decodes unpadded base64url. Carriage return and line feed are skipped, bits beyond the last whole byte are
 * dropped when `whole_bytes`; the bytes are put in the arena. */
long bits_decode(struct str text, bool whole_bytes, struct arena *a, struct bits *ret_bits);

uint64_t bits_read(struct bits *b, unsigned n); /* n <= 57 */

static inline bool bits_flag(struct bits *b)
{
	return bits_read(b, 1) != 0;
}

/* Fields count from 1 in the order of the string; kept with field n in bit n - 1. n <= 32, or 63 for custom.
 */
uint32_t bits_read_mask(struct bits *b, unsigned n);
uint64_t bits_read_custom(struct bits *b, unsigned n);
void bits_read_letters(struct bits *b, char ret_letters[static 3]); /* two, six bits each, A = 0 */

/* A positive number: each bit weighs the next Fibonacci number (1, 2, 3, 5, 8…), the second of two ones in a
 * row ends it. */
uint32_t bits_read_fibonacci(struct bits *b);

/* One item of a Range(Fibonacci): one id or a run of ids, counted from *last, which moves on. False when it
 * is cut off, does not ascend, or leaves 1..65535. */
bool bits_read_id_range(struct bits *b, uint32_t *ret_first, uint32_t *last);

/* Ids 1..max, one bit each, in the order of the strings: id 1 is the top bit of the first word. */
struct id_set {
	uint32_t max;
	uint64_t *words;
};

static inline bool id_set_has(const struct id_set *s, uint32_t id)
{
	return id >= 1 && id <= s->max && (s->words[(id - 1) / 64] >> (63 - (id - 1) % 64) & 1);
}

void id_set_init(struct id_set *s, uint32_t max, struct arena *a);
void id_set_add_range(struct id_set *s, uint32_t first, uint32_t last); /* 1 <= first <= last <= max */
void id_set_read_field(struct id_set *s, struct bits *b);               /* max bits */
bool id_set_is_empty(const struct id_set *s);

#endif
