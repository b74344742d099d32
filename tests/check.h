/* What every unit test includes: cmocka, and checks that name the row that failed. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "common/str.h"

#define CHECK(why, cond)                                                                                     \
	do {                                                                                                 \
		if (!(cond))                                                                                 \
			fail_msg("%s: %s", (why), #cond);                                                    \
	} while (0)

/* got is a struct str, want a NUL-terminated text */
#define CHECK_STR(why, got, want)                                                                            \
	do {                                                                                                 \
		struct str got_ = (got), want_ = str_of(want);                                               \
		if (!str_eq(got_, want_))                                                                    \
			fail_msg("%s: got \"%.*s\", want \"%.*s\"", (why), STR_ARG(got_), STR_ARG(want_));   \
	} while (0)

#endif
