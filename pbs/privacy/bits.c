#include "pbs/privacy/bits.h"

#include <endian.h>

#define NO_DIGIT 0xff

enum { MAX_WEIGHT = 1 << 17 }; /* no Fibonacci sum of ids up to 65535 gets there */

static const uint8_t digits[256] = {
#define NONE8  NO_DIGIT, NO_DIGIT, NO_DIGIT, NO_DIGIT, NO_DIGIT, NO_DIGIT, NO_DIGIT, NO_DIGIT
#define NONE32 NONE8, NONE8, NONE8, NONE8
	NONE32,   NONE8,    NO_DIGIT, NO_DIGIT, NO_DIGIT, NO_DIGIT, NO_DIGIT, 62,       NO_DIGIT,
	NO_DIGIT, /* - */
	52,       53,       54,       55,       56,       57,       58,       59,       60,
	61,       NO_DIGIT, NO_DIGIT, NO_DIGIT, NO_DIGIT, NO_DIGIT, NO_DIGIT, NO_DIGIT, 0,
	1,        2,        3,        4,        5,        6,        7,        8,        9,
	10,       11,       12,       13,       14,       15,       16,       17,       18,
	19,       20,       21,       22,       23,       24,       25,       NO_DIGIT, NO_DIGIT,
	NO_DIGIT, NO_DIGIT, 63, /* _ */
	NO_DIGIT, 26,       27,       28,       29,       30,       31,       32,       33,
	34,       35,       36,       37,       38,       39,       40,       41,       42,
	43,       44,       45,       46,       47,       48,       49,       50,       51,
	NO_DIGIT, NO_DIGIT, NO_DIGIT, NO_DIGIT, NO_DIGIT, NONE32,   NONE32,   NONE32,   NONE32,
#undef NONE32
#undef NONE8
};

/* The rare text that holds line breaks, or a byte that has no business here. */
static long decode_slowly(struct str text, uint8_t *out, size_t *ret_n)
{
	uint32_t acc = 0;
	unsigned held = 0;
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = (uint8_t)text.p[i];

		if (c == '\r' || c == '\n')
			continue;
		if (digits[c] == NO_DIGIT)
			return (long)i;
		acc = acc << 6 | digits[c];
		held += 6;
		n++;
		if (held >= 8) {
			held -= 8;
			*out++ = (uint8_t)(acc >> held);
		}
	}
	*out = (uint8_t)(acc << (8 - held));
	*ret_n = n;
	return -1;
}

/* Four characters at a time; anything unusual is left to decode_slowly, from the start. */
static bool decode_fast(struct str text, uint8_t *out)
{
	const uint8_t *p = (const uint8_t *)text.p, *end = p + text.n;
	uint8_t seen = 0;

	for (; end - p >= 4; p += 4, out += 3) {
		uint8_t a = digits[p[0]], b = digits[p[1]], c = digits[p[2]], d = digits[p[3]];

		seen |= a | b | c | d;
		out[0] = (uint8_t)(a << 2 | b >> 4);
		out[1] = (uint8_t)(b << 4 | c >> 2);
		out[2] = (uint8_t)(c << 6 | d);
	}
	for (unsigned shift = 18, acc = 0; p < end; p++, shift -= 6) {
		seen |= digits[*p];
		acc |= (unsigned)(digits[*p] & 63) << shift;
		out[0] = (uint8_t)(acc >> 16);
		out[1] = (uint8_t)(acc >> 8);
		out[2] = (uint8_t)acc;
	}
	return !(seen & 0x80);
}

long bits_decode(struct str text, bool whole_bytes, struct arena *a, struct bits *ret_bits)
{
	uint8_t *out = arena_alloc(a, text.n / 4 * 3 + 3 + 8);
	size_t n = text.n;

	if (!decode_fast(text, out)) {
		long bad = decode_slowly(text, out, &n);

		if (bad >= 0)
			return bad;
	}
	*ret_bits = (struct bits){ .p = out, .n = whole_bytes ? n * 6 / 8 * 8 : n * 6 };
	return -1;
}

uint64_t bits_read(struct bits *b, unsigned n)
{
	uint64_t word;

	if (n > b->n - b->pos) {
		b->over = true;
		b->pos = b->n;
		return 0;
	}
	if (n == 0)
		return 0;
	memcpy(&word, b->p + b->pos / 8, sizeof word);
	word = be64toh(word) << b->pos % 8 >> (64 - n);
	b->pos += n;
	return word;
}

uint32_t bits_read_mask(struct bits *b, unsigned n)
{
	uint32_t v = (uint32_t)bits_read(b, n), mask = 0;

	for (unsigned i = 0; i < n; i++)
		mask |= (v >> (n - 1 - i) & 1) << i;
	return mask;
}

uint64_t bits_read_custom(struct bits *b, unsigned n)
{
	uint64_t low = bits_read_mask(b, n < 32 ? n : 32);

	return n > 32 ? low | (uint64_t)bits_read_mask(b, n - 32) << 32 : low;
}

void bits_read_letters(struct bits *b, char ret_letters[static 3])
{
	for (int i = 0; i < 2; i++) {
		unsigned v = (unsigned)bits_read(b, 6);

		ret_letters[i] = v < 26 ? (char)('A' + v) : '?';
	}
	ret_letters[2] = '\0';
}

uint32_t bits_read_fibonacci(struct bits *b)
{
	uint32_t weight = 1, next = 2, sum = 0;
	bool last = false;

	while (weight < MAX_WEIGHT) {
		bool bit = bits_flag(b);

		if (b->over)
			return 0;
		if (bit && last)
			return sum;
		sum += bit ? weight : 0;
		last = bit;
		next += weight;
		weight = next - weight;
	}
	b->over = true;
	return 0;
}

bool bits_read_id_range(struct bits *b, uint32_t *ret_first, uint32_t *last)
{
	bool is_range = bits_flag(b);
	uint32_t first = *last + bits_read_fibonacci(b);
	uint32_t end = first + (is_range ? bits_read_fibonacci(b) : 0);

	if (b->over || first <= *last || end > UINT16_MAX)
		return false;
	*ret_first = first;
	*last = end;
	return true;
}

void id_set_init(struct id_set *s, uint32_t max, struct arena *a)
{
	s->max = max;
	s->words = max ? ARENA_ARRAY(a, uint64_t, (max + 63) / 64) : NULL;
}

void id_set_add_range(struct id_set *s, uint32_t first, uint32_t last)
{
	uint32_t lo = first - 1, hi = last - 1;
	uint64_t head = ~UINT64_C(0) >> lo % 64, tail = ~UINT64_C(0) << (63 - hi % 64);

	if (lo / 64 == hi / 64) {
		s->words[lo / 64] |= head & tail;
		return;
	}
	s->words[lo / 64] |= head;
	for (uint32_t w = lo / 64 + 1; w < hi / 64; w++)
		s->words[w] = ~UINT64_C(0);
	s->words[hi / 64] |= tail;
}

void id_set_read_field(struct id_set *s, struct bits *b)
{
	for (uint32_t done = 0; done < s->max;) {
		uint32_t left = s->max - done, n = left < 32 ? left : 32;

		s->words[done / 64] |= bits_read(b, n) << (64 - done % 64 - n);
		done += n;
	}
}

bool id_set_is_empty(const struct id_set *s)
{
	for (uint32_t w = 0; w < (s->max + 63) / 64; w++)
		if (s->words[w])
			return false;
	return true;
}
