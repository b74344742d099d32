#include "common/base64.h"

#include <stdint.h>

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char urlsafe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode(struct buf *b, struct str s, const char *alphabet, bool pad)
{
	const unsigned char *p = (const unsigned char *)s.p;

	for (size_t i = 0; i < s.n; i += 3) {
		size_t left = s.n - i;
		uint32_t v = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
			     (left > 2 ? p[i + 2] : 0);
		const char out[4] = { alphabet[v >> 18], alphabet[v >> 12 & 63],
				      left > 1 ? alphabet[v >> 6 & 63] : '=',
				      left > 2 ? alphabet[v & 63] : '=' };

		buf_add(b, out, pad || left > 2 ? 4 : left + 1);
	}
}

void base64_write(struct buf *b, struct str bytes)
{
	encode(b, bytes, standard, true);
}

void base64url_write(struct buf *b, struct str bytes)
{
	encode(b, bytes, urlsafe, false);
}

/* 0..63, or -1. `c62` and `c63` are what the alphabets differ in. */
static int digit(char c, char c62, char c63)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == c62 ? 62 : c == c63 ? 63 : -1;
}

/* Takes the padding off; false when it is there but wrong. */
static bool trim_padding(struct str *s)
{
	size_t whole = s->n;

	while (s->n && whole - s->n < 2 && s->p[s->n - 1] == '=')
		s->n--;
	return s->n == whole || whole % 4 == 0;
}

static bool decode(struct str s, char c62, char c63, struct buf *b)
{
	size_t start = b->n;
	uint32_t v = 0;
	unsigned bits = 0;

	if (!trim_padding(&s) || s.n % 4 == 1 || !buf_reserve(b, s.n * 3 / 4))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int d = digit(s.p[i], c62, c63);

		if (d < 0) {
			b->n = start;
			return false;
		}
		v = v << 6 | (uint32_t)d;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			buf_add_c(b, (char)(v >> bits & 0xff));
		}
	}
	return true;
}

bool base64_parse(struct str text, struct buf *ret_bytes)
{
	return decode(text, '+', '/', ret_bytes);
}

bool base64url_parse(struct str text, struct buf *ret_bytes)
{
	return decode(text, '-', '_', ret_bytes);
}
