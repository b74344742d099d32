/* URLs in pieces, percent encoding, and query strings. Nothing here allocates but the buffers written to.
 *
 * Shapes  pieces borrow from the text that was parsed, still encoded. `+` means a blank in queries only.
 */
#ifndef COMMON_URL_H
#define COMMON_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/errtext.h"
#include "common/str.h"

struct url {
	struct str scheme;   /* as written */
	struct str userinfo; /* empty when there is none */
	struct str host;     /* without the brackets of IPv6 */
	uint16_t port;       /* the scheme's when not written: 80, 443; 0 for other schemes */
	struct str path;     /* with its slash, or empty */
	struct str query;    /* without '?' */
	struct str fragment; /* without '#' */
};

/* Absolute URLs with a host only. ERR_INPUT for anything else, blanks and control bytes included. */
int url_parse(struct str text, struct url *ret_url, struct errtext *why);

/* True for an http or https URL that url_parse takes. */
bool url_is_http(struct str text);

/* Appends; all but A-Za-z0-9-_.~ is escaped. The form for queries writes a blank as '+'. */
void url_encode(struct buf *b, struct str s);
void url_encode_query(struct buf *b, struct str s);
/* Appends; false, and nothing appended, for a broken escape or a full buffer. */
bool url_decode(struct str s, struct buf *b);
bool url_decode_query(struct str s, struct buf *b);

/* Iterates "a=1&b&c=": takes one pair off *rest, both sides still encoded; false at the end. Empty pieces
 * ("&&") are skipped. */
bool url_query_next(struct str *rest, struct str *ret_name, struct str *ret_value);
/* Appends the decoded value of the first argument of that (decoded) name; false when there is none. One that
 * cannot be decoded counts as absent. */
bool url_query_find(struct str query, struct str name, struct buf *ret_value);

#endif
