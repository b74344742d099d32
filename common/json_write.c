/* A compact writer over jansson trees: no flags, no callbacks, no intermediate copies. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/decimal.h"
#include "common/json.h"
#include "common/json_scan.h"

struct writer {
	struct buf *b;
	const struct json_piece *pieces;
	size_t n_pieces;
};

/* What stands behind the backslash for a byte that must be escaped; 'u' for \u00XX; 0 for a plain byte. */
static const char escapes[256] = {
	['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
	[0x00] = 'u', [0x01] = 'u',  [0x02] = 'u', [0x03] = 'u', [0x04] = 'u', [0x05] = 'u', [0x06] = 'u',
	[0x07] = 'u', [0x0b] = 'u',  [0x0e] = 'u', [0x0f] = 'u', [0x10] = 'u', [0x11] = 'u', [0x12] = 'u',
	[0x13] = 'u', [0x14] = 'u',  [0x15] = 'u', [0x16] = 'u', [0x17] = 'u', [0x18] = 'u', [0x19] = 'u',
	[0x1a] = 'u', [0x1b] = 'u',  [0x1c] = 'u', [0x1d] = 'u', [0x1e] = 'u', [0x1f] = 'u', [0x7f] = 0,
};

void json_write_str(struct buf *b, struct str s)
{
	static const char hex[] = "0123456789abcdef";
	size_t begin = 0;

	if (!buf_reserve(b, s.n + 2))
		return;
	buf_add_c(b, '"');
	for (size_t i = json_skip_plain(s.p, s.n, 0, 0); i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		char e = escapes[c];

		if (!e) {
			if ((i & 7) == 7)
				i = json_skip_plain(s.p, s.n, i + 1, 0) - 1;
			continue;
		}
		buf_add(b, s.p + begin, i - begin);
		begin = i + 1;
		if (e == 'u') {
			const char out[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

			buf_add(b, out, sizeof out);
		} else {
			const char out[2] = { '\\', e };

			buf_add(b, out, sizeof out);
		}
	}
	buf_add(b, s.p + begin, s.n - begin);
	buf_add_c(b, '"');
}

static void write_int(struct buf *b, int64_t v)
{
	char text[DECIMAL_INT_MAX];

	buf_add(b, text, decimal_int(text, v));
}

/* Prices and the like are n / 10^k with small n and k. Both are exact doubles below 2^53 and 10^22, and IEEE
 * division is correctly rounded, so the smallest k for which n / 10^k gives back `v` is its shortest decimal.
 */
static bool write_short_decimal(struct buf *b, double v)
{
	static const double pow10[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9 };
	double a = fabs(v);

	for (size_t k = 0; k < sizeof pow10 / sizeof *pow10; k++) {
		double n = rint(a * pow10[k]);
		uint64_t whole, fraction;
		char digits[9];

		if (n >= 0x1p53)
			return false;
		if (n / pow10[k] != a)
			continue;
		whole = (uint64_t)n / (uint64_t)pow10[k];
		fraction = (uint64_t)n % (uint64_t)pow10[k];
		if (v < 0)
			buf_add_c(b, '-');
		write_int(b, (int64_t)whole);
		if (k == 0)
			return true;
		for (size_t i = k; i-- > 0; fraction /= 10)
			digits[i] = (char)('0' + fraction % 10);
		buf_add_c(b, '.');
		buf_add(b, digits, k);
		return true;
	}
	return false;
}

void json_write_real(struct buf *b, double v)
{
	char text[40];

	if (!isfinite(v)) {
		buf_add_z(b, "null"); /* JSON has no such number; our own parser never makes one */
		return;
	}
	if (write_short_decimal(b, v))
		return;
	for (int precision = 15; precision <= 17; precision++) {
		snprintf(text, sizeof text, "%.*g", precision, v);
		if (strtod(text, NULL) == v)
			break;
	}
	buf_add_z(b, text);
}

static void write_value(struct writer *w, const json_t *j, unsigned depth);

static const struct json_piece *piece_of(const struct writer *w, const json_t *j)
{
	for (size_t i = 0; i < w->n_pieces; i++)
		if (w->pieces[i].node == j)
			return &w->pieces[i];
	return NULL;
}

static void write_object(struct writer *w, const json_t *j, unsigned depth)
{
	char separator = '{';

	/* jansson's iterators take a non-const object but do not change it. */
	for (void *it = json_object_iter((json_t *)(uintptr_t)j); it;
	     it = json_object_iter_next((json_t *)(uintptr_t)j, it)) {
		buf_add_c(w->b, separator);
		separator = ',';
		json_write_str(w->b, (struct str){ json_object_iter_key(it), json_object_iter_key_len(it) });
		buf_add_c(w->b, ':');
		write_value(w, json_object_iter_value(it), depth + 1);
	}
	if (separator == '{')
		buf_add_c(w->b, '{');
	buf_add_c(w->b, '}');
}

static void write_array(struct writer *w, const json_t *j, unsigned depth)
{
	size_t n = json_array_size(j);

	buf_add_c(w->b, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_c(w->b, ',');
		write_value(w, json_array_get(j, i), depth + 1);
	}
	buf_add_c(w->b, ']');
}

static void write_value(struct writer *w, const json_t *j, unsigned depth)
{
	const struct json_piece *piece;

	if (!j || depth > 4 * JSON_MAX_DEPTH) {
		buf_add_z(w->b, "null");
		return;
	}
	switch (json_typeof(j)) {
	case JSON_OBJECT:
	case JSON_ARRAY:
		piece = w->n_pieces ? piece_of(w, j) : NULL;
		if (piece)
			buf_add_str(w->b, piece->text);
		else if (json_is_object(j))
			write_object(w, j, depth);
		else
			write_array(w, j, depth);
		break;
	case JSON_STRING: json_write_str(w->b, json_str(j)); break;
	case JSON_INTEGER: write_int(w->b, json_integer_value(j)); break;
	case JSON_REAL: json_write_real(w->b, json_real_value(j)); break;
	case JSON_TRUE: buf_add(w->b, "true", 4); break;
	case JSON_FALSE: buf_add(w->b, "false", 5); break;
	case JSON_NULL: buf_add(w->b, "null", 4); break;
	}
}

void json_write_spliced(struct buf *b, const json_t *j, const struct json_piece *pieces, size_t n_pieces)
{
	struct writer w = { b, pieces, n_pieces };

	write_value(&w, j, 1);
}

void json_write(struct buf *b, const json_t *j)
{
	json_write_spliced(b, j, NULL, 0);
}

char *json_text(const json_t *j)
{
	struct buf b;

	buf_init(&b, SIZE_MAX / 2);
	json_write(&b, j);
	return buf_take(&b);
}
