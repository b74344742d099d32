/* The small texts inside HTTP messages: percent-encoding, queries, cookies, encodings a client accepts.
 *
 * Shapes  decoded texts live in the arena; those without anything to decode are borrowed from the input.
 * Source  RFC 3986, RFC 6265, RFC 9110 (12.5.3); '+' is a blank in queries, as HTML forms have it.
 */
#ifndef COMMON_HTTP_TEXT_H
#define COMMON_HTTP_TEXT_H

#include <stdbool.h>

#include "common/arena.h"
#include "common/str.h"

/* Broken escapes are kept as they are. */
struct str http_text_decode(struct arena *a, struct str s, bool plus_is_blank);

/* Takes the next name=value off *rest; false at the end. Both undecoded. */
bool http_text_next_arg(struct str *rest, struct str *ret_name, struct str *ret_value);

/* The value of a cookie in a Cookie header, without surrounding quotes. False when it is not there. */
bool http_text_cookie(struct str header, struct str name, struct str *ret_value);

/* Does an Accept-Encoding header allow gzip? */
bool http_text_accepts_gzip(struct str accept_encoding);

/* Is `token` in this comma-separated list, without regard to case? */
bool http_text_list_has(struct str list, struct str token);

/* 1..64 of [A-Za-z0-9._-] */
bool http_text_is_request_id(struct str s);

#endif
