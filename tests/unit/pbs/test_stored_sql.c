#include "pbs/stored/sql.h"

#include "common/mem.h"
#include "tests/check.h"

static struct sql_query q;

static void templates(void **state)
{
	static const char *const two[] = { "a", "b'; DROP TABLE x" }, *const one[] = { "2026-01-01" };
	static const struct sql_list lists[] = {
		{ "$REQUEST_ID_LIST", two, 2, false },
		{ "$IMP_ID_LIST", NULL, 0, false },
		{ "$LAST_UPDATED", one, 1, true },
	};
	static const struct {
		const char *why, *text, *want;
		int n_params;
	} rows[] = {
		{ "a list", "id IN $REQUEST_ID_LIST", "id IN ($1, $2)", 2 },
		{ "an empty list matches nothing", "id IN $IMP_ID_LIST", "id IN (NULL)", 0 },
		{ "twice", "a IN $REQUEST_ID_LIST OR b IN $REQUEST_ID_LIST", "a IN ($1, $2) OR b IN ($3, $4)",
		  4 },
		{ "one value", "t > $LAST_UPDATED;", "t > $1;", 1 },
		{ "other dollars stay", "$$x$$ $IMP $", "$$x$$ $IMP $", 0 },
		{ "nothing", "", "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		CHECK(rows[i].why, sql_build(&q, str_of(rows[i].text), lists, ARRAY_LEN(lists)));
		CHECK_STR(rows[i].why, buf_str(&q.text), rows[i].want);
		CHECK(rows[i].why, q.n_params == rows[i].n_params);
		buf_deinit(&q.text);
	}
	CHECK("ids are parameters",
	      sql_build(&q, STR("$REQUEST_ID_LIST"), lists, 1) && q.params[1] == two[1]);
	buf_deinit(&q.text);
}

static void too_many(void **state)
{
	static const char *ids[SQL_PARAMS_MAX + 1];
	struct sql_list list = { "$ID_LIST", ids, SQL_PARAMS_MAX, false };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		ids[i] = "x";
	CHECK("as many as fit", sql_build(&q, STR("$ID_LIST"), &list, 1));
	buf_deinit(&q.text);
	list.n++;
	CHECK("one more", !sql_build(&q, STR("$ID_LIST"), &list, 1));
	buf_deinit(&q.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(templates), cmocka_unit_test(too_many) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
