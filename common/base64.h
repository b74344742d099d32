/* Base64 in both alphabets (RFC 4648 §4 and §5).
 *
 * Shapes  decoding takes the whole text or fails; padding may be there, correct, or missing altogether; bits
 *         left over in the last character are ignored, as most consent strings' writers need.
 */
#ifndef COMMON_BASE64_H
#define COMMON_BASE64_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/str.h"

void base64_write(struct buf *b, struct str bytes);    /* + and /, padded */
void base64url_write(struct buf *b, struct str bytes); /* - and _, not padded */

/* Append the bytes; false, and nothing appended, when `text` is not base64 or the buffer is full. */
bool base64_parse(struct str text, struct buf *ret_bytes);
bool base64url_parse(struct str text, struct buf *ret_bytes);

#endif
