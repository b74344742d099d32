#include "pbs/adapters/ortb_text.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/json.h"
#include "common/mem.h"

struct str ortb_trim(struct str s)
{
	while (s.n > 0 && strchr(" \t\n\v\f\r", s.p[0]) && s.p[0])
		s = (struct str){ s.p + 1, s.n - 1 };
	while (s.n > 0 && strchr(" \t\n\v\f\r", s.p[s.n - 1]) && s.p[s.n - 1])
		s.n--;
	return s;
}

bool ortb_parse_int(struct str s, int64_t *ret_v)
{
	if (s.n > 1 && s.p[0] == '+' && s.p[1] != '-')
		s = (struct str){ s.p + 1, s.n - 1 };
	return str_parse_i64(s, INT64_MIN, INT64_MAX, ret_v);
}

struct str ortb_real_text(struct arena *a, double v)
{
	char text[64];
	int digits = 1, exponent;

	do
		(void)snprintf(text, sizeof text, "%.*e", digits - 1, v);
	while (strtod(text, NULL) != v && ++digits <= 17);
	exponent = atoi(strchr(text, 'e') ? strchr(text, 'e') + 1 : "0");
	if (exponent >= -4 && exponent < 6)
		(void)snprintf(text, sizeof text, "%.*f", digits - 1 > exponent ? digits - 1 - exponent : 0,
			       v);
	return str_of(arena_strdup(a, text));
}

struct str ortb_text(struct arena *a, const json_t *v)
{
	struct buf b;
	struct str text;

	if (!json_is_number(v))
		return json_str(v);
	buf_init(&b, 64);
	json_write(&b, v);
	text = arena_str(a, buf_str(&b));
	buf_deinit(&b);
	return text;
}

double ortb_number(const json_t *v, double fallback)
{
	double d = 0;

	if (json_is_number(v))
		return json_number_value(v);
	return str_parse_double(json_str(v), &d) ? d : fallback;
}

struct str ortb_decimal(struct arena *a, double v)
{
	enum { DIGITS = 17, LONGEST = 400 }; /* 1e308 has 309 digits, 5e-324 as many zeros */
	char text[32], digits[DIGITS + 1], *out = arena_alloc(a, LONGEST);
	int exponent, n_digits = 0, n = 0, before;

	for (int precision = 0; precision < DIGITS; precision++) {
		(void)snprintf(text, sizeof text, "%.*e", precision, v);
		if (strtod(text, NULL) == v)
			break;
	}
	for (const char *p = text; *p && *p != 'e'; p++)
		if (*p >= '0' && *p <= '9')
			digits[n_digits++] = *p;
	exponent = strchr(text, 'e') ? (int)strtol(strchr(text, 'e') + 1, NULL, 10) : 0;
	before = exponent + 1; /* digits in front of the point; none or fewer for small numbers */
	if (text[0] == '-')
		out[n++] = '-';
	if (before <= 0)
		out[n++] = '0';
	for (int i = 0; i < before; i++)
		out[n++] = i < n_digits ? digits[i] : '0';
	if (n_digits > before && v != 0)
		out[n++] = '.';
	for (int i = before; i < n_digits && v != 0; i++)
		out[n++] = i < 0 ? '0' : digits[i];
	return (struct str){ out, (size_t)n };
}

static bool is_decimal(struct str s)
{
	size_t sign = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+');

	for (size_t i = sign; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > sign;
}

bool ortb_integer(struct arena *a, const json_t *v, int64_t *ret_v, struct errtext *why)
{
	struct str text = ortb_text(a, v);

	if (ortb_parse_int(text, ret_v))
		return true;
	errtext_set(why, "strconv.ParseInt: parsing \"" STR_FMT "\": %s", STR_ARG(text),
		    is_decimal(text) ? "value out of range" : "invalid syntax");
	return false;
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_' || c == '.' || c == '~';
}

struct str ortb_query_escape(struct arena *a, struct str text)
{
	static const char hex[] = "0123456789ABCDEF";
	char *out = arena_alloc(a, text.n * 3 + 1);
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (is_plain(text.p[i])) {
			out[n++] = text.p[i];
		} else if (c == ' ') {
			out[n++] = '+';
		} else {
			out[n++] = '%';
			out[n++] = hex[c >> 4];
			out[n++] = hex[c & 15];
		}
	}
	return (struct str){ out, n };
}

/* Length of the UTF-8 character at p, 0 when there is none. */
static size_t utf8_char(const unsigned char *p, size_t n)
{
	size_t len = p[0] < 0x80   ? 1
		     : p[0] < 0xc2 ? 0
		     : p[0] < 0xe0 ? 2
		     : p[0] < 0xf0 ? 3
		     : p[0] < 0xf5 ? 4
				   : 0;

	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

/* jansson's texts must be UTF-8, and NUL cannot be told from their end. */
static struct str repair_utf8(struct arena *a, struct str text)
{
	const unsigned char *p = (const unsigned char *)text.p;
	char *out;
	size_t n = 0, i = 0;

	while (i < text.n && p[i] && utf8_char(p + i, text.n - i))
		i += utf8_char(p + i, text.n - i);
	if (i == text.n)
		return text;
	out = arena_alloc(a, text.n * 3 + 1);
	for (i = 0; i < text.n;) {
		size_t len = p[i] ? utf8_char(p + i, text.n - i) : 0;

		memcpy(out + n, len ? text.p + i : "\xef\xbf\xbd", len ? len : 3);
		n += len ? len : 3;
		i += len ? len : 1;
	}
	return (struct str){ out, n };
}

bool ortb_query_unescape(struct arena *a, struct str text, struct str *ret_text)
{
	char *out = arena_alloc(a, text.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		int high, low;

		if (text.p[i] != '%') {
			out[n++] = text.p[i];
			if (text.p[i] == '+')
				out[n - 1] = ' ';
			continue;
		}
		high = i + 2 < text.n ? str_hex_digit(text.p[i + 1]) : -1;
		low = i + 2 < text.n ? str_hex_digit(text.p[i + 2]) : -1;
		if (high < 0 || low < 0)
			return false;
		out[n++] = (char)(high << 4 | low);
		i += 2;
	}
	*ret_text = repair_utf8(a, (struct str){ out, n });
	return true;
}

struct str ortb_replace(struct arena *a, struct str text, struct str what, struct str with)
{
	struct buf b;
	struct str out;
	size_t i = 0;

	if (what.n == 0 || !str_contains(text, what))
		return text;
	buf_init(&b, text.n + (text.n / what.n + 1) * with.n);
	while (i < text.n) {
		if (text.n - i >= what.n && memcmp(text.p + i, what.p, what.n) == 0) {
			buf_add_str(&b, with);
			i += what.n;
		} else {
			buf_add_c(&b, text.p[i++]);
		}
	}
	out = arena_str(a, buf_str(&b));
	buf_deinit(&b);
	return out;
}

struct pair {
	struct str key, value;
	size_t place; /* equal keys keep their order */
};

static int by_key(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int cmp = str_cmp(x->key, y->key);

	return cmp ? cmp : (x->place > y->place) - (x->place < y->place);
}

/* The pairs of a query, unescaped; pairs that do not unescape are left out, as the reference leaves them. */
static size_t parse_query(struct arena *a, struct str query, struct pair *pairs, size_t max)
{
	size_t n = 0;

	while (query.p && n < max) {
		struct str value = str_cut(&query, '&'), key;

		if (value.n == 0)
			continue;
		key = str_cut(&value, '=');
		if (!value.p)
			value = STR("");
		pairs[n].place = n;
		if (ortb_query_unescape(a, key, &pairs[n].key) &&
		    ortb_query_unescape(a, value, &pairs[n].value))
			n++;
	}
	return n;
}

struct str ortb_uri_with(struct arena *a, struct str uri, struct str key, struct str value)
{
	struct str rest = uri, fragment, base, query;
	struct pair pairs[64];
	size_t n, kept = 0;
	struct buf b;
	struct str out;

	fragment = rest;
	rest = str_cut(&fragment, '#');
	query = rest;
	base = str_cut(&query, '?');
	n = parse_query(a, query, pairs, ARRAY_LEN(pairs) - 1);
	for (size_t i = 0; i < n; i++)
		if (!str_eq(pairs[i].key, key))
			pairs[kept++] = pairs[i];
	pairs[kept] = (struct pair){ key, value, kept };
	qsort(pairs, ++kept, sizeof *pairs, by_key);

	buf_init(&b, 3 * (uri.n + key.n + value.n) + 16);
	buf_add_str(&b, base);
	for (size_t i = 0; i < kept; i++) {
		buf_add_c(&b, i ? '&' : '?');
		buf_add_str(&b, ortb_query_escape(a, pairs[i].key));
		buf_add_c(&b, '=');
		buf_add_str(&b, ortb_query_escape(a, pairs[i].value));
	}
	if (fragment.p) {
		buf_add_c(&b, '#');
		buf_add_str(&b, fragment);
	}
	out = arena_str(a, buf_str(&b));
	buf_deinit(&b);
	return out;
}
