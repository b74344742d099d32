#include "pbs/stored/category_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/json.h"
#include "common/mem.h"
#include "tests/check.h"

static void write_file(const char *dir, const char *name, const char *text)
{
	FREE_ON_EXIT char *path = xasprintf("%s/%s", dir, name);
	FILE *f = fopen(path, "w");

	CHECK(name, f);
	(void)fputs(text, f);
	CHECK(name, fclose(f) == 0);
}

static void loading(void **state)
{
	char dir[] = "/tmp/category_files.XXXXXX";
	struct errtext why = { "" };
	json_t *all;

	(void)state;
	CHECK("temporary folder", mkdtemp(dir));
	CHECK("folder", chdir(dir) == 0 && mkdir("dfp", 0700) == 0);
	write_file("dfp", "dfp.json", "{\"IAB1\":{\"id\":\"Sports\"}}");
	write_file("dfp", "dfp_p1.json", "{\"IAB1\":{\"id\":\"Cars\"}}");
	write_file("dfp", "README", "not a mapping");
	write_file("dfp", "dfpx.json", "of another ad server");
	write_file("dfp", ".json", "of none");
	all = category_files_load(dir, &why);
	CHECK("both files, nothing else", json_object_size(all) == 2);
	CHECK_STR("of the ad server", json_str_at(all, "dfp.IAB1.id"), "Sports");
	CHECK_STR("of a publisher", json_str_at(all, "dfp/p1.IAB1.id"), "Cars");
	json_decref(all);

	write_file("dfp", "dfp_p2.json", "[]");
	CHECK("a bad file is refused", !category_files_load(dir, &why));
	CHECK("and named", strstr(why.text, "dfp_p2.json"));

	CHECK("cleaning up", unlink("dfp/dfp.json") == 0 && unlink("dfp/dfp_p1.json") == 0 &&
				     unlink("dfp/dfp_p2.json") == 0 && unlink("dfp/README") == 0 &&
				     unlink("dfp/dfpx.json") == 0 && unlink("dfp/.json") == 0 &&
				     rmdir("dfp") == 0);
	all = category_files_load(dir, &why);
	CHECK("no folders, no files", all && json_object_size(all) == 0);
	json_decref(all);
	CHECK("leaving", chdir("/") == 0 && rmdir(dir) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(loading) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
