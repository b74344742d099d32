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

#endif
