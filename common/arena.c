/* Chunks double up to 8 KiB, so that a small request costs one malloc and a large one a handful. A chunk is zeroed as it
 * is handed out, not when it is made: what nobody asks for is never touched, and costs neither time nor memory. Hooks and,
 * under AddressSanitizer, single blocks are kept in a list newest first. */
#include "common/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#define SEPARATE_BLOCKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SEPARATE_BLOCKS 1
#endif
#endif
#ifndef SEPARATE_BLOCKS
#define SEPARATE_BLOCKS 0
#endif

/* With its header a chunk fills a size class of the allocator. */
enum { ALIGN = 16, HEADER = 32, FIRST_CHUNK = 4096 - HEADER, MAX_CHUNK = 8192 - HEADER };

struct chunk {
	struct chunk *next;
	size_t used, cap;
	_Alignas(ALIGN) char bytes[];
};

_Static_assert(sizeof(struct chunk) == HEADER, "the constants above count on it");

struct hook {
	struct hook *next;
	void (*drop)(void *);
	void *obj;
};

struct arena {
	struct chunk *chunks;
	struct hook *hooks;
};

static struct chunk *chunk_new(struct arena *a, size_t cap)
{
	struct chunk *c = xmalloc(sizeof *c + cap);

	c->used = 0;
	c->cap = cap;
	c->next = a->chunks;
	a->chunks = c;
	return c;
}

struct arena *arena_new(void)
{
	return xcalloc(1, sizeof(struct arena));
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	for (struct hook *h = a->hooks; h; h = h->next)
		h->drop(h->obj);
	while (a->chunks) {
		struct chunk *next = a->chunks->next;

		free(a->chunks);
		a->chunks = next;
	}
	free(a);
}

void *arena_alloc(struct arena *a, size_t n)
{
	struct chunk *c = a->chunks;
	size_t size = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	void *p;

	if (SEPARATE_BLOCKS)
		return memset(chunk_new(a, n)->bytes, 0, n);
	if (!c || size > c->cap - c->used) {
		size_t cap = c ? c->cap * 2 + HEADER : FIRST_CHUNK;

		if (cap > MAX_CHUNK)
			cap = MAX_CHUNK;
		c = chunk_new(a, size > cap ? size : cap);
	}
	p = memset(c->bytes + c->used, 0, size);
	c->used += size;
	return p;
}

char *arena_strdup(struct arena *a, const char *z)
{
	return (char *)arena_str(a, str_of(z)).p;
}

struct str arena_str(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);

	if (s.n)
		memcpy(p, s.p, s.n);
	return (struct str){ p, s.n };
}

struct str arena_lower(struct arena *a, struct str s)
{
	return str_lower(arena_alloc(a, s.n + 1), s);
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	p = arena_alloc(a, (size_t)(n > 0 ? n : 0) + 1);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)(n > 0 ? n : 0) + 1, fmt, ap);
	va_end(ap);
	return p;
}

void arena_defer(struct arena *a, void (*drop)(void *obj), void *obj)
{
	struct hook *h = arena_alloc(a, sizeof *h);

	*h = (struct hook){ a->hooks, drop, obj };
	a->hooks = h;
}

static void drop_json(void *j)
{
	json_decref(j);
}

json_t *arena_own_json(struct arena *a, json_t *j)
{
	if (j)
		arena_defer(a, drop_json, j);
	return j;
}
