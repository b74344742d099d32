#include "common/memory_limit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/path.h"
#include "tests/check.h"

#define NONE UINT64_MAX

static void parsing(void **state)
{
	static const struct {
		const char *why, *text;
		uint64_t want;
	} rows[] = {
		{ "bytes", "268435456\n", 268435456 },
		{ "version 2 without a limit", "max\n", NONE },
		{ "version 1 without a limit", "9223372036854771712\n", NONE },
		{ "nothing", "", NONE },
		{ "zero is none that a process could live with", "0\n", NONE },
		{ "no number", "12 MB\n", NONE },
		{ "negative", "-1\n", NONE },
		{ "more than a number holds", "99999999999999999999\n", NONE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(rows[i].why, memory_limit_parse(str_of(rows[i].text)) == rows[i].want);
}

static char root[] = "/tmp/test-memory-XXXXXX";

static const char *const files[][2] = {
	{ "outer/memory.max", "3000" },
	{ "outer/inner/memory.max", "max" },
	{ "outer/tight/memory.max", "2000" },
	{ "memory/memory.limit_in_bytes", "5000" },
	{ "memory/docker/abc/memory.limit_in_bytes", "4000" },
	{ "memory/free/memory.limit_in_bytes", "9223372036854771712" },
};

static const struct {
	const char *why, *proc;
	uint64_t want;
} rows[] = {
	{ "version 2: its own", "0::/outer/tight\n", 2000 },
	{ "the one above holds too", "0::/outer/inner\n", 3000 },
	{ "no limit anywhere", "0::/other/one\n", NONE },
	{ "the root of version 2 has no file", "0::/\n", NONE },
	{ "version 1", "4:memory:/docker/abc\n3:cpuset:/\n", 4000 },
	{ "together with another controller", "4:cpu,memory:/docker/abc\n", 4000 },
	{ "a path of the host's, which is not seen here", "4:memory:/kubepods/pod7\n", 5000 },
	{ "the one above holds in version 1 too", "4:memory:/free\n", 5000 },
	{ "the root of version 1", "4:memory:/\n", 5000 },
	{ "both at once: the tighter", "4:memory:/docker/abc\n0::/outer/tight\n", 2000 },
	{ "other controllers have no say", "4:cpu:/docker/abc\n2:mem:/docker/abc\n", NONE },
	{ "nothing", "", NONE },
	{ "lines that are none", "memory\n::\n0:\n0::outer\n\n", NONE },
	{ "without a line end", "0::/outer/tight", 2000 },
};

static int make_files(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(root));
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		FREE_ON_EXIT char *name = xasprintf("%s/%s", root, files[i][0]);
		char *slash = strrchr(name, '/');
		FILE *f;

		*slash = '\0';
		assert_int_equal(path_make_dir(name, NULL), 0);
		*slash = '/';
		f = fopen(name, "we");
		assert_non_null(f);
		fprintf(f, "%s\n", files[i][1]);
		fclose(f);
	}
	return 0;
}

static int remove_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		FREE_ON_EXIT char *name = xasprintf("%s/%s", root, files[i][0]);

		assert_int_equal(unlink(name), 0);
	}
	for (size_t i = ARRAY_LEN(files); i-- > 0;) {
		FREE_ON_EXIT char *name = xasprintf("%s/%s", root, files[i][0]);

		for (char *slash = strrchr(name, '/'); slash > name + strlen(root);
		     slash = strrchr(name, '/')) {
			*slash = '\0';
			(void)rmdir(name); /* until nothing is left in it */
		}
	}
	return rmdir(root);
}

static void cgroups(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(rows[i].why, memory_limit_of_cgroup(str_of(rows[i].proc), root) == rows[i].want);
}

static void here(void **state)
{
	struct memory_limit limit = memory_limit();

	(void)state;
	CHECK("a machine has some", limit.bytes > 1 << 20 && limit.bytes < NONE && *limit.whose);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parsing),
		cmocka_unit_test_setup_teardown(cgroups, make_files, remove_files),
		cmocka_unit_test(here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
