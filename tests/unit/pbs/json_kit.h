/* JSON of any kind from a row's text, and compared with one. */
#ifndef TESTS_UNIT_PBS_JSON_KIT_H
#define TESTS_UNIT_PBS_JSON_KIT_H

#include <stdlib.h>

#include "common/arena.h"
#include "common/json.h"
#include "tests/check.h"

/* The arena's; NULL for NULL. */
static json_t *parse(struct arena *a, const char *text)
{
	struct errtext why;

	return text ? json_array_get(
			      arena_own_json(a, json_parse(str_of(arena_printf(a, "[%s]", text)), &why)), 0)
		    : NULL;
}

static void check_json(const char *why, const json_t *got, const char *want)
{
	char *text = got ? json_text(got) : NULL;

	CHECK_STR(why, str_of(text), want);
	free(text);
}

#endif
