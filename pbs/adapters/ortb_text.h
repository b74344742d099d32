/* Texts as bidders want them: numbers that may be quoted, query strings, replacements.
 *
 * Owns    results live in the arena or borrow from the arguments.
 */
#ifndef PBS_ADAPTERS_ORTB_TEXT_H
#define PBS_ADAPTERS_ORTB_TEXT_H

#include <jansson.h>
#include <stdbool.h>

#include "common/arena.h"
#include "common/errtext.h"
#include "common/str.h"

/* Without the white space at both ends, of which only the ASCII part turns up in ids. */
struct str ortb_trim(struct str s);
/* A whole decimal number with an optional sign, + included. */
bool ortb_parse_int(struct str s, int64_t *ret_v);
/* Shortest form that reads back the same, as %g writes it: 25, 0.15, 1e+06. */
struct str ortb_real_text(struct arena *a, double v);
/* Literal text of a number-or-string parameter; empty when missing. */
struct str ortb_text(struct arena *a, const json_t *v);
/* The same as a number: what does not parse is `fallback`. */
double ortb_number(const json_t *v, double fallback);
/* The shortest decimal that reads back as `v`, without an exponent. */
struct str ortb_decimal(struct arena *a, double v);
/* A number-or-string as an integer; false with the reference's text
 * (strconv.ParseInt: parsing "x": invalid syntax, or value out of range). */
bool ortb_integer(struct arena *a, const json_t *v, int64_t *ret_v, struct errtext *why);

/* `uri` with the query parameter set; the query is re-encoded with its keys sorted. */
struct str ortb_uri_with(struct arena *a, struct str uri, struct str key, struct str value);
/* Every occurrence of `what` replaced. */
struct str ortb_replace(struct arena *a, struct str text, struct str what, struct str with);
/* Query unescaping: + is a blank; false for a broken escape. What is not UTF-8 then becomes U+FFFD. */
bool ortb_query_unescape(struct arena *a, struct str text, struct str *ret_text);
/* Everything but letters, digits, - _ . ~ is escaped, a blank becomes +. */
struct str ortb_query_escape(struct arena *a, struct str text);

#endif
