/* Loops over bidders are compiled twice, for AVX2 with FMA and for any x86-64, and picked when the program
 * starts. Sanitizers run before that choice can be made, so they get the plain form. */
#ifndef IDR_CORE_VECTOR_H
#define IDR_CORE_VECTOR_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__) &&      \
	!defined(__SANITIZE_ADDRESS__)
#define VECTOR_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define VECTOR_CLONES
#endif

#include <stdint.h>

typedef float lane16 __attribute__((vector_size(64), may_alias));
typedef int32_t index16 __attribute__((vector_size(64), may_alias));

/* No lower than `low`; without a comparison, which is taken apart where vectors are narrower than these. */
static inline __attribute__((always_inline)) void no_lower(lane16 *v, float low)
{
	lane16 over = *v - low;

	*v = low + 0.5f * (over + (lane16)((index16)over & 0x7fffffff));
}

/* ret[k] = table[i[k]] for 16 indices below 64. With AVX-512 the whole table fits into four registers; elsewhere the
 * compiler would take a shuffle of such vectors apart, which costs more than the loads. All aligned. */
static inline __attribute__((always_inline)) void lookup64(const float *table, const int32_t *i, float *ret)
{
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
	if (__builtin_cpu_supports("avx512f")) {
		const lane16 *t = (const lane16 *)table;
		index16 at = *(const index16 *)i, high = -(at >> 5 & 1);

		*(index16 *)ret = ((index16)__builtin_shuffle(t[0], t[1], at) & ~high) |
				  ((index16)__builtin_shuffle(t[2], t[3], at) & high);
		return;
	}
#endif
	for (int k = 0; k < 16; k++)
		ret[k] = table[i[k]];
}

#endif
