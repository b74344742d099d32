/* Numbers as decimal text, for paths on which printf would be the dearest thing.
 *
 * Shapes  no NUL is written; what is returned is the number of bytes.
 */
#ifndef COMMON_DECIMAL_H
#define COMMON_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

enum { DECIMAL_INT_MAX = 20, DECIMAL_FIXED_MAX = 352, DECIMAL_PLACES_MAX = 15 };

size_t decimal_int(char out[static DECIMAL_INT_MAX], int64_t v);

/* Exactly what printf("%.*f") writes of a finite `v`, places 0..15. */
size_t decimal_fixed(char out[static DECIMAL_FIXED_MAX], double v, int places);

#endif
