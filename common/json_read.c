/* A JSON reader that builds jansson values straight from the bytes. jansson's own reader pulls every byte
 * through a stream and a scratch buffer, which costs about three times as much; the request path parses
 * several documents per auction. Recursion is bounded by JSON_MAX_DEPTH. */
#include <math.h>
#include <stdlib.h>

#include "common/json.h"
#include "common/json_scan.h"
#include "common/mem.h"

/* U+FFFD, for what is no character: half a surrogate pair, a byte that is no UTF-8, NUL. The rest of a text is worth more
 * than the refusal of a whole request, or of a bidder's whole answer, would be. */
enum { REPLACEMENT = 0xfffd };

struct reader {
	const char *start, *p, *end;
	struct buf scratch; /* a string that has escapes is unescaped here */
	struct errtext *why;
};

static json_t *read_value(struct reader *r, unsigned depth);

static void *fail(struct reader *r, const char *what)
{
	size_t line = 1, column = 1;

	for (const char *p = r->start; p < r->p; p++) {
		column++;
		if (*p == '\n') {
			line++;
			column = 1;
		}
	}
	errtext_set(r->why, "line %zu column %zu: %s", line, column, what);
	return NULL;
}

static void skip_blanks(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\r' || *r->p == '\t'))
		r->p++;
}

static bool take(struct reader *r, char c)
{
	if (r->p < r->end && *r->p == c) {
		r->p++;
		return true;
	}
	return false;
}

/* Length of the well-formed UTF-8 sequence at p (first byte >= 0x80), 0 when it is not one. Source: Unicode
 * 15, table 3-7. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
	unsigned char lo = 0x80, hi = 0xbf;
	size_t n;

	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (n > left)
		return 0;
	if (p[0] == 0xe0)
		lo = 0xa0;
	if (p[0] == 0xed)
		hi = 0x9f; /* no surrogates */
	if (p[0] == 0xf0)
		lo = 0x90;
	if (p[0] == 0xf4)
		hi = 0x8f;
	if (p[1] < lo || p[1] > hi)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

static bool read_hex4(struct reader *r, uint32_t *ret_v)
{
	uint32_t v = 0;

	if (r->end - r->p < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		int digit = str_hex_digit(*r->p++);

		if (digit < 0)
			return false;
		v = v << 4 | (uint32_t)digit;
	}
	*ret_v = v;
	return true;
}

static void add_utf8(struct buf *b, uint32_t c)
{
	char out[4];
	size_t n;

	if (c < 0x80) {
		out[0] = (char)c;
		n = 1;
	} else if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		n = 2;
	} else if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		n = 3;
	} else {
		out[0] = (char)(0xf0 | c >> 18);
		out[1] = (char)(0x80 | (c >> 12 & 0x3f));
		out[2] = (char)(0x80 | (c >> 6 & 0x3f));
		out[3] = (char)(0x80 | (c & 0x3f));
		n = 4;
	}
	buf_add(b, out, n);
}

/* The second half of a surrogate pair, when it stands next; otherwise nothing is read. */
static bool read_low_surrogate(struct reader *r, uint32_t *ret_low)
{
	const char *begin = r->p;

	if (take(r, '\\') && take(r, 'u') && read_hex4(r, ret_low) && *ret_low >= 0xdc00 &&
	    *ret_low <= 0xdfff)
		return true;
	r->p = begin;
	return false;
}

/* \uXXXX; r->p stands behind the 'u'. Half a surrogate pair is what scripts make that cut a title in the middle of an
 * emoji. */
static bool read_unicode_escape(struct reader *r)
{
	uint32_t c, low;

	if (!read_hex4(r, &c))
		return false;
	if (c >= 0xd800 && c <= 0xdbff && read_low_surrogate(r, &low))
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	if (c == 0 || (c >= 0xd800 && c <= 0xdfff))
		c = REPLACEMENT;
	add_utf8(&r->scratch, c);
	return true;
}

static bool read_escape(struct reader *r)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;
	char c;

	if (r->p == r->end)
		return false;
	c = *r->p++;
	if (c == 'u')
		return read_unicode_escape(r);
	at = memchr(from, c, sizeof from - 1);
	return at && buf_add_c(&r->scratch, to[at - from]);
}

/* Where the run of plain characters that begins at p ends: before a quote, an escape, a control character, or a byte
 * that is no UTF-8. */
static const char *plain_run(const char *p, const char *end)
{
	p += json_skip_plain(p, (size_t)(end - p), 0, JSON_NOT_ASCII);
	while (p < end && *p != '"' && *p != '\\') {
		unsigned char c = (unsigned char)*p;
		size_t n = c >= 0x20;

		if (c >= 0x80)
			n = utf8_length((const unsigned char *)p, (size_t)(end - p));
		if (n == 0)
			break;
		p += n;
	}
	return p;
}

/* What ends a run and does not end the string. False with `why` for what cannot stand in one. */
static bool read_odd_character(struct reader *r)
{
	if (r->p == r->end) {
		fail(r, "unterminated string");
		return false;
	}
	if ((unsigned char)*r->p >= 0x80) {
		r->p++;
		add_utf8(&r->scratch, REPLACEMENT);
		return true;
	}
	if (!take(r, '\\')) {
		fail(r, "string holds a control character");
		return false;
	}
	if (!read_escape(r)) {
		fail(r, "invalid escape in string");
		return false;
	}
	return true;
}

/* r->p stands behind the opening quote. The text borrows from the input or from the scratch buffer. */
static bool read_string(struct reader *r, struct str *ret_s)
{
	const char *begin = r->p, *stop = plain_run(begin, r->end);

	if (stop < r->end && *stop == '"') {
		*ret_s = (struct str){ begin, (size_t)(stop - begin) };
		r->p = stop + 1;
		return true;
	}
	buf_clear(&r->scratch);
	for (;;) {
		buf_add(&r->scratch, r->p, (size_t)(stop - r->p));
		r->p = stop;
		if (take(r, '"'))
			break;
		if (!read_odd_character(r))
			return false;
		stop = plain_run(r->p, r->end);
	}
	*ret_s = buf_str(&r->scratch);
	return true;
}

static json_t *read_real(struct reader *r, const char *begin)
{
	char text[400]; /* more digits than any double has; longer numbers are refused */
	size_t n = (size_t)(r->p - begin);
	double v;

	if (n >= sizeof text)
		return fail(r, "number is too long");
	memcpy(text, begin, n);
	text[n] = '\0';
	v = strtod(text, NULL);
	if (!isfinite(v))
		return fail(r, "number is out of range");
	return json_real(v);
}

static size_t skip_digits(struct reader *r)
{
	const char *begin = r->p;

	while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
		r->p++;
	return (size_t)(r->p - begin);
}

static json_t *read_number(struct reader *r)
{
	const char *begin = r->p, *digits;
	bool integral = true;
	int64_t v;

	take(r, '-');
	digits = r->p;
	if (skip_digits(r) == 0)
		return fail(r, "expected a value");
	if (*digits == '0' && r->p - digits > 1)
		return fail(r, "number has a leading zero");
	if (take(r, '.')) {
		integral = false;
		if (skip_digits(r) == 0)
			return fail(r, "expected digits behind the decimal point");
	}
	if (r->p < r->end && (*r->p == 'e' || *r->p == 'E')) {
		integral = false;
		r->p++;
		if (!take(r, '+'))
			take(r, '-');
		if (skip_digits(r) == 0)
			return fail(r, "expected digits in the exponent");
	}
	if (integral &&
	    str_parse_i64((struct str){ begin, (size_t)(r->p - begin) }, INT64_MIN, INT64_MAX, &v))
		return json_integer(v);
	return read_real(r, begin);
}

static json_t *read_array(struct reader *r, unsigned depth)
{
	json_t *arr = json_array(), *v;

	skip_blanks(r);
	if (take(r, ']'))
		return arr;
	for (;;) {
		v = read_value(r, depth + 1);
		if (!v || json_array_append_new(arr, v) < 0)
			break;
		skip_blanks(r);
		if (take(r, ']'))
			return arr;
		if (!take(r, ',')) {
			fail(r, "expected ',' or ']'");
			break;
		}
	}
	json_decref(arr);
	return NULL;
}

/* One `"key": value`. The key is kept aside while the value is read, because both may use the scratch buffer.
 */
static bool read_member(struct reader *r, json_t *obj, unsigned depth)
{
	char small[64], *key = small;
	struct str k;
	json_t *v;
	bool ok;

	if (!take(r, '"')) {
		fail(r, "expected a member name");
		return false;
	}
	if (!read_string(r, &k))
		return false;
	if (k.p == r->scratch.p) {
		if (k.n >= sizeof small)
			key = xmalloc(k.n + 1);
		if (k.n)
			memcpy(key, k.p, k.n);
		k.p = key;
	}
	skip_blanks(r);
	if (take(r, ':'))
		v = read_value(r, depth + 1);
	else
		v = fail(r, "expected ':'");
	ok = v && json_object_setn_new_nocheck(obj, k.p, k.n, v) == 0;
	if (key != small)
		free(key);
	return ok;
}

static json_t *read_object(struct reader *r, unsigned depth)
{
	json_t *obj = json_object();

	skip_blanks(r);
	if (take(r, '}'))
		return obj;
	for (;;) {
		skip_blanks(r);
		if (!read_member(r, obj, depth))
			break;
		skip_blanks(r);
		if (take(r, '}'))
			return obj;
		if (!take(r, ',')) {
			fail(r, "expected ',' or '}'");
			break;
		}
	}
	json_decref(obj);
	return NULL;
}

static json_t *read_word(struct reader *r, struct str word, json_t *value)
{
	if ((size_t)(r->end - r->p) < word.n || memcmp(r->p, word.p, word.n) != 0)
		return fail(r, "expected a value");
	r->p += word.n;
	return value;
}

static json_t *read_value(struct reader *r, unsigned depth)
{
	struct str s;

	if (depth > JSON_MAX_DEPTH)
		return fail(r, "nested too deeply");
	skip_blanks(r);
	if (r->p == r->end)
		return fail(r, "unexpected end of input");
	switch (*r->p) {
	case '{': r->p++; return read_object(r, depth);
	case '[': r->p++; return read_array(r, depth);
	case '"': r->p++; return read_string(r, &s) ? json_stringn_nocheck(s.p, s.n) : NULL;
	case 't': return read_word(r, STR("true"), json_true());
	case 'f': return read_word(r, STR("false"), json_false());
	case 'n': return read_word(r, STR("null"), json_null());
	default: return read_number(r);
	}
}

json_t *json_parse(struct str text, struct errtext *why)
{
	struct reader r = { .start = text.p, .p = text.p, .end = text.p + text.n, .why = why };
	json_t *root;

	buf_init(&r.scratch, 3 * text.n + 4); /* every byte may become a U+FFFD */
	root = read_value(&r, 1);
	if (root) {
		skip_blanks(&r);
		if (r.p != r.end) {
			fail(&r, "text behind the JSON value");
			json_decref(root);
			root = NULL;
		}
	}
	buf_deinit(&r.scratch);
	return root;
}

json_t *json_parse_file(const char *path, size_t max_bytes, struct errtext *why)
{
	struct buf b;
	json_t *root = NULL;

	buf_init(&b, max_bytes);
	if (buf_add_file(&b, path, why) && !(root = json_parse(buf_str(&b), why)))
		errtext_prefix(why, "%s: ", path);
	buf_deinit(&b);
	return root;
}
