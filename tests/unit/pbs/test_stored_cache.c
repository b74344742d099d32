/* The cache of stored data, and the documents that change it. */
#include "pbs/stored/cache.h"

#include "common/json.h"
#include "pbs/stored/stored.h"
#include "pbs/stored/updates.h"
#include "tests/check.h"

static bool has(struct stored_cache *c, int kind, const char *id, uint64_t now_ms, const json_t *want)
{
	json_t *got = NULL;
	bool known = stored_cache_get(c, kind, str_of(id), now_ms, &got);
	bool same = known && got == want;

	json_decref(got);
	return same;
}

static bool knows(struct stored_cache *c, int kind, const char *id, uint64_t now_ms)
{
	json_t *got = NULL;
	bool known = stored_cache_get(c, kind, str_of(id), now_ms, &got);

	json_decref(got);
	return known;
}

static void remembers_and_forgets(void **state)
{
	struct stored_cache *c = stored_cache_new(1 << 20, 1000);
	json_t *doc = json_object();

	(void)state;
	CHECK("nothing is known", !knows(c, 0, "a", 0));
	stored_cache_put(c, 0, STR("a"), 0, doc);
	CHECK("known", has(c, 0, "a", 999, doc));
	CHECK("of that kind only", !knows(c, 1, "a", 0));
	CHECK("not for ever", !knows(c, 0, "a", 1000));
	stored_cache_put(c, 1, STR("none"), 0, NULL);
	CHECK("what does not exist is known too", has(c, 1, "none", 1, NULL));
	stored_cache_forget(c, 1, STR("none"));
	stored_cache_forget(c, 1, STR("never there"));
	CHECK("forgotten", !knows(c, 1, "none", 1));
	stored_cache_put(c, 0, STR("a"), 0, doc);
	stored_cache_clear(c);
	CHECK("cleared", !knows(c, 0, "a", 1));
	stored_cache_free(c);
	CHECK("no reference is left behind", doc->refcount == 1);
	json_decref(doc);
}

static void has_a_ceiling(void **state)
{
	enum { BYTES = 160000 };
	struct stored_cache *c = stored_cache_new(BYTES, 0);
	json_t *doc = json_pack("{s:s}", "a", "0123456789012345678901234567890123456789");
	char long_id[2000];

	(void)state;
	for (int i = 0; i < 5000; i++) {
		char id[16];

		snprintf(id, sizeof id, "id-%d", i);
		stored_cache_put(c, 0, str_of(id), 0, doc);
		CHECK("the latest is there", has(c, 0, id, 1, doc));
	}
	CHECK("what was used longest ago is not", !knows(c, 0, "id-0", 1));
	CHECK("within its bytes", stored_cache_bytes(c) <= BYTES + 16 && stored_cache_bytes(c) > BYTES / 2);
	memset(long_id, 'x', sizeof long_id);
	stored_cache_put(c, 0, (struct str){ long_id, sizeof long_id }, 0, doc);
	stored_cache_forget(c, 0, (struct str){ long_id, sizeof long_id });
	stored_cache_free(c);
	CHECK("no reference is left behind", doc->refcount == 1);
	json_decref(doc);
}

static void updates(void **state)
{
	static const struct {
		const char *why, *doc;
		bool save, ok, a_known, b_known;
	} rows[] = {
		{ "saves", "{\"requests\":{\"a\":{\"x\":1}},\"imps\":null}", true, true, true, true },
		{ "replaces", "{\"requests\":{\"a\":{\"x\":2}}}", true, true, true, true },
		{ "null forgets", "{\"requests\":{\"a\":null}}", true, true, false, true },
		{ "deleted forgets", "{\"requests\":{\"a\":{\"deleted\":true}}}", true, true, false, true },
		{ "no text forgets", "{\"requests\":{\"a\":\"\"}}", true, true, false, true },
		{ "other kinds are others", "{\"accounts\":{\"a\":null}}", true, true, true, true },
		{ "members that nobody knows are passed over", "{\"ads\":{\"a\":null}}", true, true, true,
		  true },
		{ "forgets by name", "{\"requests\":[\"a\",7],\"imps\":[]}", false, true, false, true },
		{ "a save wants objects, and all or nothing", "{\"requests\":{\"a\":null},\"imps\":[1]}",
		  true, false, true, true },
		{ "an invalidation wants lists", "{\"requests\":{\"a\":1}}", false, false, true, true },
		{ "no document at all", "[]", true, false, true, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct stored_cache *c = stored_cache_new(1 << 20, 0);
		struct errtext why;
		json_t *doc = json_parse(str_of(rows[i].doc), &why), *old = json_object();
		int err;

		stored_cache_put(c, STORED_REQUEST, STR("a"), 0, old);
		stored_cache_put(c, STORED_REQUEST, STR("b"), 0, old);
		err = rows[i].save ? stored_updates_save(c, doc, 0, &why)
				   : stored_updates_forget(c, doc, &why);
		CHECK(rows[i].why, (err == 0) == rows[i].ok);
		CHECK(rows[i].why, knows(c, STORED_REQUEST, "a", 0) == rows[i].a_known);
		CHECK(rows[i].why, knows(c, STORED_REQUEST, "b", 0) == rows[i].b_known);
		stored_cache_free(c);
		json_decref(doc);
		json_decref(old);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(remembers_and_forgets),
					    cmocka_unit_test(has_a_ceiling), cmocka_unit_test(updates) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
