/* Cookies: reading the Cookie header, writing Set-Cookie (RFC 6265).
 *
 * Shapes  names and values borrow from the header; quotes around a value are taken off. Values are not
 *         decoded: what they hold is their owner's affair.
 */
#ifndef COMMON_COOKIE_H
#define COMMON_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/str.h"

/* Takes one pair off *rest; false at the end. Pieces without '=' or with bytes that no cookie may hold are
 * skipped. */
bool cookie_next(struct str *rest, struct str *ret_name, struct str *ret_value);
bool cookie_find(struct str header, struct str name, struct str *ret_value); /* the first of that name */

struct cookie {
	struct str name, value;
	struct str domain, path; /* empty = not written */
	int64_t max_age_s;       /* < 0 = until the browser closes; 0 = delete now */
	int64_t now_ms;          /* wall clock, for Expires, which old browsers go by */
	bool secure, http_only, partitioned;
	enum {
		COOKIE_SAMESITE_UNSET,
		COOKIE_SAMESITE_LAX,
		COOKIE_SAMESITE_STRICT,
		COOKIE_SAMESITE_NONE
	} same_site;
};

/* Appends the header's value. False, and nothing appended, when a part holds bytes that would break out of
 * it. */
bool cookie_write(struct buf *b, const struct cookie *c);

#endif
