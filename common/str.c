#include "common/str.h"

#include <math.h>
#include <stdlib.h>
#include <strings.h>

bool str_eq_nocase(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0);
}

struct str str_lower(char *to, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		to[i] = str_lower_char(s.p[i]);
	return (struct str){ to, s.n };
}

int str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && memcmp(s.p, prefix.p, prefix.n) == 0;
}

bool str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0;
}

bool str_contains(struct str s, struct str needle)
{
	return needle.n == 0 || (s.n >= needle.n && memmem(s.p, s.n, needle.p, needle.n));
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
	while (s.n && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct str str_cut(struct str *s, char sep)
{
	const char *at = s->n ? memchr(s->p, sep, s->n) : NULL;
	struct str piece = *s;

	if (!at) {
		*s = (struct str){ NULL, 0 };
		return piece;
	}
	piece.n = (size_t)(at - s->p);
	s->p += piece.n + 1;
	s->n -= piece.n + 1;
	return piece;
}

int str_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool str_parse_u64(struct str s, uint64_t min, uint64_t max, uint64_t *ret_v)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		uint64_t digit = (uint64_t)(unsigned char)s.p[i] - '0';

		if (digit > 9 || __builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, digit, &v))
			return false;
	}
	if (v < min || v > max)
		return false;
	*ret_v = v;
	return true;
}

bool str_parse_i64(struct str s, int64_t min, int64_t max, int64_t *ret_v)
{
	bool negative = s.n && s.p[0] == '-';
	uint64_t magnitude;
	int64_t v;

	if (negative) {
		s.p++;
		s.n--;
	}
	if (!str_parse_u64(s, 0, (uint64_t)INT64_MAX + negative, &magnitude))
		return false;
	v = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	if (v < min || v > max)
		return false;
	*ret_v = v;
	return true;
}

bool str_parse_u32(struct str s, uint32_t min, uint32_t max, uint32_t *ret_v)
{
	uint64_t v;

	if (!str_parse_u64(s, min, max, &v))
		return false;
	*ret_v = (uint32_t)v;
	return true;
}

int str_index(struct str s, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(s, str_of(names[i])))
			return (int)i;
	return -1;
}

bool str_parse_double(struct str s, double *ret_v)
{
	char text[64]; /* the longest double that means anything has 17 digits and an exponent */
	char *end;
	double v;

	if (s.n == 0 || s.n >= sizeof text)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!strchr("0123456789+-.eE", s.p[i]) || s.p[i] == '\0')
			return false; /* strtod would take blanks, hex, "inf" and "nan" */
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	v = strtod(text, &end);
	if (*end || !isfinite(v))
		return false;
	*ret_v = v;
	return true;
}

uint64_t str_hash(struct str s)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3u;
	return h;
}
