/* Random UUIDs (version 4, RFC 9562) in lower case. */
#ifndef COMMON_UUID_H
#define COMMON_UUID_H

#include <stdbool.h>

#include "common/clock.h"
#include "common/str.h"

enum { UUID_TEXT = 36 };

void uuid_v4(struct rng *r, char ret_text[UUID_TEXT + 1]);
bool uuid_is_valid(struct str s); /* 8-4-4-4-12 hex digits, any version and case */

#endif
