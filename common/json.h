/* jansson with a reader and a writer that are fast enough for the request path, and getters that say who
 * owns.
 *
 * Vocabulary, as in jansson: `json_object_set_new` takes your reference, `json_object_set` adds its own,
 * `json_object_get` and everything named `_at` lends. Whatever returns a json_t and is named `_new`,
 * `_parse`,
 * `_copy` or `_merge` gives the caller a reference.
 *
 * Trees are shared between bidders: whoever changes one must hold the only reference. json_own() is how a
 * subtree is made private ("copy on write"); the reference count says whether that costs anything.
 */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/errtext.h"
#include "common/str.h"

enum { JSON_MAX_DEPTH = 64 };

/* Parses one JSON value and nothing behind it (white space aside).
 *
 * Shapes  RFC 8259; a repeated key keeps the last value; integers that fit int64 stay exact, others become
 * reals; strings are unescaped, and what is no character in them (half a surrogate pair, malformed UTF-8; \u0000, which
 * jansson's keys cannot hold) becomes U+FFFD.
 * Errors  NULL with `why` "line 1 column 8: expected ':'" for malformed text, depth over JSON_MAX_DEPTH, NaN.
 */
json_t *json_parse(struct str text, struct errtext *why);
json_t *json_parse_file(const char *path, size_t max_bytes, struct errtext *why);

/* Appends compact JSON. Reals take their shortest form that reads back the same (0.5, 1.0098, 1e+25); an
 * integral real is written without a fraction (1). Nothing is HTML-escaped. Object members keep insertion
 * order. */
void json_write(struct buf *b, const json_t *j);
char *json_text(const json_t *j);                 /* NUL-terminated, the caller frees */
void json_write_str(struct buf *b, struct str s); /* one quoted, escaped string */
void json_write_real(struct buf *b, double v);

/* A subtree that was written once and is spliced into many outputs: where the writer meets this very node, it
 * copies the text. */
struct json_piece {
	const json_t *node;
	struct str text;
};
void json_write_spliced(struct buf *b, const json_t *j, const struct json_piece *pieces, size_t n_pieces);

/* Getters by dotted path of object keys ("device.geo.country"); a missing or mistyped member gives the
 * fallback. They accept NULL. */
json_t *json_at(const json_t *j, const char *path);
struct str json_str_at(const json_t *j, const char *path); /* the empty text when missing */
int64_t json_int_at(const json_t *j, const char *path, int64_t fallback);
double json_num_at(const json_t *j, const char *path, double fallback);
bool json_bool_at(const json_t *j, const char *path, bool fallback);
static inline struct str json_str(const json_t *j)
{
	return json_is_string(j) ? (struct str){ json_string_value(j), json_string_length(j) } : STR("");
}

json_t *json_new_str(struct str s); /* bytes are trusted to be UTF-8 */
void json_set_str(json_t *obj, const char *key, struct str s);
void json_set_int(json_t *obj, const char *key, int64_t v);
void json_set_real(json_t *obj, const char *key, double v);
void json_set_bool(json_t *obj, const char *key, bool v);

/* The object under `key`, made when missing or not an object; lent. `obj` must be the caller's own. When the
 * member is shared it is replaced by a shallow copy first, so the result may be changed. */
json_t *json_own_object(json_t *obj, const char *key);
/* The same for whatever stands under `key` (object or array); NULL when missing. */
json_t *json_own(json_t *obj, const char *key);
/* The i-th element of an array that is the caller's own, unshared likewise. */
json_t *json_own_element(json_t *arr, size_t i);

/* RFC 7396: a new tree, `patch` applied to `target`; unchanged subtrees are shared. Either may be NULL. */
json_t *json_merge_patch(const json_t *target, const json_t *patch);

#endif
