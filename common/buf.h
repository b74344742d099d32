/* A growing byte buffer with a ceiling stated when it is made.
 *
 * Shapes  the bytes are p[0..n); p is NULL while nothing was added. buf_cstr adds a NUL that n does not
 * count. Errors  adding beyond max_bytes adds nothing and sets `overflow`, which stays set: check it once, at
 * the end.
 */
#ifndef COMMON_BUF_H
#define COMMON_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "common/errtext.h"
#include "common/str.h"

struct buf {
	char *p;
	size_t n, cap, max_bytes;
	bool overflow;
};

void buf_init(struct buf *b, size_t max_bytes);
void buf_deinit(struct buf *b);            /* frees the bytes; the buffer may be used again, same ceiling */
void buf_clear(struct buf *b);             /* n = 0, overflow = false; keeps the memory */
bool buf_reserve(struct buf *b, size_t n); /* room for n more bytes at p + n; false sets overflow */
bool buf_add_str(struct buf *b, struct str s);
bool buf_add_z(struct buf *b, const char *z);
bool buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* All bytes of a file; false with a text that names the file when it cannot be read or is too large. */
bool buf_add_file(struct buf *b, const char *path, struct errtext *why);
const char *buf_cstr(struct buf *b); /* NUL-terminated view, valid until the next change */
char *buf_take(struct buf *b);       /* NUL-terminated, the caller frees; the buffer is empty afterwards */

/* One byte is always kept for the NUL of buf_cstr, hence <. */
static inline bool buf_has_room(const struct buf *b, size_t n)
{
	return n < b->cap - b->n && n <= b->max_bytes - b->n && !b->overflow;
}

static inline bool buf_add(struct buf *b, const void *p, size_t n)
{
	if (!buf_has_room(b, n) && !buf_reserve(b, n))
		return false;
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	return true;
}

static inline bool buf_add_c(struct buf *b, char c)
{
	if (!buf_has_room(b, 1) && !buf_reserve(b, 1))
		return false;
	b->p[b->n++] = c;
	return true;
}

static inline struct str buf_str(const struct buf *b)
{
	return (struct str){ b->p ? b->p : "", b->n };
}

#endif
