/* A context as bytes, the way the journal keeps it: fixed little-endian fields behind a version byte, so that
 * an old journal can be read when fields are added at the end. */
#ifndef IDR_STORE_CONTEXT_BYTES_H
#define IDR_STORE_CONTEXT_BYTES_H

#include <stdbool.h>

#include "idr/core/context.h"

enum { CONTEXT_BYTES = 64 };

size_t context_write(const struct context *c, unsigned char p[CONTEXT_BYTES]);
bool context_parse(const unsigned char *p, size_t n, struct context *ret_c); /* false: not a context */

#endif
