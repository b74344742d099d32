/* Allocation that cannot fail, and cleanup at the end of a block.
 *
 * Inputs are bounded before anything is allocated for them, so running out of memory is not an outcome that a
 * request could handle: the process aborts with a message and its supervisor restarts it.
 */
#ifndef COMMON_MEM_H
#define COMMON_MEM_H

#include <stddef.h>

void *xmalloc(size_t n) __attribute__((malloc, alloc_size(1), returns_nonnull));
void *xcalloc(size_t n, size_t size) __attribute__((malloc, alloc_size(1, 2), returns_nonnull));
void *xrealloc(void *p, size_t n) __attribute__((alloc_size(2)));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2), malloc, returns_nonnull));

void mem_free_ptr(void *pp);   /* for FREE_ON_EXIT: frees *(void **)pp */
void mem_fclose_ptr(void *pp); /* for FCLOSE_ON_EXIT */
#define FREE_ON_EXIT   __attribute__((cleanup(mem_free_ptr)))
#define FCLOSE_ON_EXIT __attribute__((cleanup(mem_fclose_ptr)))

#define ARRAY_LEN(a)                    (sizeof(a) / sizeof *(a))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#endif
