/* Memory that lives as long as one request: allocate freely, free all at once.
 *
 * Shapes  every block is zeroed and aligned for any type; never NULL.
 * Owns    arena_free runs the deferred hooks newest first, then releases every block. jansson trees are
 * refcounted and not arena memory: hang them on it with arena_own_json(). Under AddressSanitizer every block
 * is allocated on its own, so overruns and late uses stay visible.
 */
#ifndef COMMON_ARENA_H
#define COMMON_ARENA_H

#include <jansson.h>
#include <stddef.h>

#include "common/str.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a); /* NULL is fine */

void *arena_alloc(struct arena *a, size_t n) __attribute__((malloc, alloc_size(2), returns_nonnull));
char *arena_strdup(struct arena *a, const char *z);
struct str arena_str(struct arena *a, struct str s);   /* a copy, with a NUL behind it */
struct str arena_lower(struct arena *a, struct str s); /* likewise, ASCII letters in lower case */
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define ARENA_NEW(a, type)      ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (n)))

/* `drop(obj)` runs when the arena is freed. */
void arena_defer(struct arena *a, void (*drop)(void *obj), void *obj);

/* Takes the caller's reference and gives it back when the arena is freed. Returns `j`. */
json_t *arena_own_json(struct arena *a, json_t *j);

#endif
