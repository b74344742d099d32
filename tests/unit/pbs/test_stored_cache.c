#include "pbs/stored/cache.h"
#include "tests/check.h"

static void remembers_and_forgets(void **state)
{
	struct stored_cache *c = stored_cache_new(64, 1000);
	json_t *doc = json_object(), *got = NULL;

	(void)state;
	CHECK("nothing is known", !stored_cache_get(c, 0, STR("a"), 0, &got));
	stored_cache_put(c, 0, STR("a"), 0, doc);
	CHECK("known", stored_cache_get(c, 0, STR("a"), 999, &got) && got == doc);
	CHECK("of that kind only", !stored_cache_get(c, 1, STR("a"), 0, &got));
	CHECK("not for ever", !stored_cache_get(c, 0, STR("a"), 1000, &got));
	stored_cache_put(c, 1, STR("none"), 0, NULL);
	CHECK("what does not exist is known too", stored_cache_get(c, 1, STR("none"), 1, &got) && !got);
	for (int i = 0; i < 1000; i++) {
		char id[16];

		snprintf(id, sizeof id, "id-%d", i);
		stored_cache_put(c, 0, str_of(id), 0, doc);
		CHECK("the latest is there", stored_cache_get(c, 0, str_of(id), 1, &got) && got == doc);
	}
	stored_cache_free(c);
	CHECK("no reference is left behind", doc->refcount == 1);
	json_decref(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(remembers_and_forgets) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
