/* Borrowed text: a pointer and a length, passed by value, not NUL-terminated.
 *
 * Whoever owns the bytes must outlive the `struct str`. NUL-terminated strings are used only where a library
 * demands them. The number parsers take the whole text or fail: no leading blanks, no trailing bytes.
 */
#ifndef COMMON_STR_H
#define COMMON_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

#define STR(lit)   ((struct str){ "" lit, sizeof(lit) - 1 })
#define STR_FMT    "%.*s"
#define STR_ARG(s) (int)(s).n, (s).p

static inline struct str str_of(const char *z) /* NULL gives the empty text */
{
	return (struct str){ z ? z : "", z ? strlen(z) : 0 };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_eq_nocase(struct str a, struct str b); /* ASCII */

static inline char str_lower_char(char c) /* ASCII */
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Writes s.n bytes, ASCII letters in lower case. Returns what was written. */
struct str str_lower(char *to, struct str s);

int str_cmp(struct str a, struct str b); /* byte order, shorter first */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
bool str_contains(struct str s, struct str needle);
struct str str_trim(struct str s); /* spaces and tabs at both ends */

/* Where `s` stands among `names`, -1 when it is none of them. */
int str_index(struct str s, const char *const *names, size_t n);

/* Cuts s->p at the first `sep`: returns what stood before it and leaves the rest in *s. The last piece is
 * returned when there is no separator left, after which s->p is NULL (the loop condition). */
struct str str_cut(struct str *s, char sep);

int str_hex_digit(char c); /* 0..15, of either case; -1 for what is none */

/* True and *ret_v written when all of `s` is a decimal number in min..max. */
bool str_parse_u64(struct str s, uint64_t min, uint64_t max, uint64_t *ret_v);
bool str_parse_i64(struct str s, int64_t min, int64_t max, int64_t *ret_v);
bool str_parse_u32(struct str s, uint32_t min, uint32_t max, uint32_t *ret_v);
bool str_parse_double(struct str s,
		      double *ret_v); /* finite; plain or exponent form, independent of locale */

/* FNV-1a, for hash tables keyed by trusted or bounded text. */
uint64_t str_hash(struct str s);

#endif
