#include "common/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "tests/check.h"

/* In a folder with: file, dir/. As root the modes of files stop nobody, so no row rests on them. */
static const struct {
	const char *why, *path;
	bool dir, file; /* may be made, or is there and may be written */
} rows[] = {
	{ "not there yet", "new", true, true },
	{ "a folder above it is missing", "new/deep/er", true, false },
	{ "a folder", "dir", true, false },
	{ "in a folder", "dir/new", true, true },
	{ "a folder with a slash at the end", "dir/", true, false },
	{ "a file", "file", false, true },
	{ "below a file", "file/new", false, false },
	{ "far below a file", "file/new/deep", false, false },
	{ "here", ".", true, false },
	{ "the root", "/", true, false },
};

static void enter_folder(char *name)
{
	FILE *f;

	assert_non_null(mkdtemp(name));
	assert_int_equal(chdir(name), 0);
	assert_int_equal(mkdir("dir", 0700), 0);
	f = fopen("file", "we");
	assert_non_null(f);
	fclose(f);
}

static void leave_folder(const char *name)
{
	assert_int_equal(unlink("file"), 0);
	assert_int_equal(rmdir("dir"), 0);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(name), 0); /* and nothing else was made */
}

static void checks(void **state)
{
	char name[] = "/tmp/test-path-XXXXXX";

	(void)state;
	enter_folder(name);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		FREE_ON_EXIT char *absolute =
			*rows[i].path == '/' ? xstrdup("/") : xasprintf("%s/%s", name, rows[i].path);
		const char *paths[] = { rows[i].path, absolute };

		for (size_t p = 0; p < ARRAY_LEN(paths); p++) {
			struct errtext why = { "" };

			CHECK(rows[i].why, (path_check_dir(paths[p], &why) == 0) == rows[i].dir);
			CHECK(rows[i].why, rows[i].dir || strstr(why.text, paths[p]));
			CHECK(rows[i].why, (path_check_file(paths[p], &why) == 0) == rows[i].file);
		}
	}
	leave_folder(name);
}

static void makes(void **state)
{
	char name[] = "/tmp/test-path-XXXXXX";
	struct errtext why = { "" };

	(void)state;
	enter_folder(name);
	CHECK("with those above", path_make_dir("a/b/c", NULL) == 0 && access("a/b/c", F_OK) == 0);
	CHECK("again", path_make_dir("a/b/c", NULL) == 0);
	CHECK("below a file", path_make_dir("file/x", &why) < 0);
	CHECK_STR("says where and why", str_of(why.text), "file/x: Not a directory");
	assert_int_equal(rmdir("a/b/c") + rmdir("a/b") + rmdir("a"), 0);
	leave_folder(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(checks), cmocka_unit_test(makes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
