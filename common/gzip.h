/* Whole texts in and out of gzip.
 *
 * Shapes  the bytes are appended to *out, whose ceiling bounds them: a few hostile bytes can ask for a
 *         thousandfold, and never get more than that. Several gzip members in a row are one text, as RFC
 *         1952 says.
 * Errors  ERR_LIMIT when out's ceiling was reached, ERR_INPUT when the bytes are no complete gzip. *out may
 *         hold a part then.
 * Threads each has its own zlib state, made at its first call and reused, so a call allocates nothing but
 *         room in *out.
 */
#ifndef COMMON_GZIP_H
#define COMMON_GZIP_H

#include "common/buf.h"
#include "common/str.h"

int gzip_compress(struct str in, struct buf *out);
int gzip_decompress(struct str in, struct buf *out);

#endif
