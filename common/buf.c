#include "common/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/mem.h"

void buf_init(struct buf *b, size_t max_bytes)
{
	*b = (struct buf){ .max_bytes = max_bytes };
}

void buf_deinit(struct buf *b)
{
	free(b->p);
	buf_init(b, b->max_bytes);
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	b->overflow = false;
}

bool buf_reserve(struct buf *b, size_t n)
{
	size_t need, cap;

	if (b->overflow || n > b->max_bytes - b->n) {
		b->overflow = true;
		return false;
	}
	need = b->n + n + 1; /* one more for the NUL of buf_cstr */
	if (need <= b->cap)
		return true;
	cap = b->cap ? b->cap : 256;
	while (cap < need)
		cap *= 2;
	if (cap > b->max_bytes + 1 && need <= b->max_bytes + 1)
		cap = b->max_bytes + 1;
	b->p = xrealloc(b->p, cap);
	b->cap = cap;
	return true;
}

bool buf_add_str(struct buf *b, struct str s)
{
	return buf_add(b, s.p, s.n);
}

bool buf_add_z(struct buf *b, const char *z)
{
	return buf_add(b, z, strlen(z));
}

bool buf_add_file(struct buf *b, const char *path, struct errtext *why)
{
	FCLOSE_ON_EXIT FILE *f = fopen(path, "rbe");
	size_t got = 1;

	if (!f) {
		errtext_set(why, "%s: %m", path);
		return false;
	}
	while (got > 0 && !b->overflow) {
		char chunk[16384];

		got = fread(chunk, 1, sizeof chunk, f);
		buf_add(b, chunk, got);
	}
	if (ferror(f))
		errtext_set(why, "%s: cannot be read", path);
	else if (b->overflow)
		errtext_set(why, "%s: larger than %zu bytes", path, b->max_bytes);
	return !ferror(f) && !b->overflow;
}

bool buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !buf_reserve(b, (size_t)n))
		return false;
	va_start(ap, fmt);
	vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
	return true;
}

const char *buf_cstr(struct buf *b)
{
	if (!b->p)
		return "";
	b->p[b->n] = '\0'; /* buf_reserve always keeps this byte */
	return b->p;
}

char *buf_take(struct buf *b)
{
	char *p = b->p ? b->p : xcalloc(1, 1);

	p[b->n] = '\0';
	buf_init(b, b->max_bytes);
	return p;
}
