#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/json.h"
#include "common/mem.h"
#include "pbs/stored/stored.h"
#include "tests/check.h"

static void put(const char *dir, const char *folder, const char *name, const char *text)
{
	FREE_ON_EXIT char *sub = xasprintf("%s/%s", dir, folder), *path = xasprintf("%s/%s", sub, name);
	FCLOSE_ON_EXIT FILE *f = NULL;

	mkdir(sub, 0700);
	f = fopen(path, "w");
	CHECK("the file can be written", f != NULL);
	fputs(text, f);
}

static char *new_folder(void)
{
	char pattern[] = "/tmp/stored-XXXXXX";

	return xstrdup(mkdtemp(pattern));
}

static void remove_folder(char *dir)
{
	FREE_ON_EXIT char *command = xasprintf("rm -rf '%s'", dir);

	CHECK("cleaned up", system(command) == 0);
	free(dir);
}

static struct stored_files *load(const char *dir, struct errtext *why)
{
	return stored_files_load(&(struct stored_dirs){ .of = { dir, dir, dir, dir, NULL } }, why);
}

static void each_kind_has_its_folder(void **state)
{
	char *requests = new_folder(), *accounts = new_folder();
	struct stored_dirs dirs = { .of = { [STORED_REQUEST] = requests, [STORED_ACCOUNT] = accounts } };
	struct errtext why;
	struct stored_files *f;

	(void)state;
	put(requests, "stored_requests", "home.json", "{}");
	put(requests, "accounts", "p1.json", "{}");
	put(requests, "stored_imps", "top.json", "{}");
	put(accounts, "accounts", "p2.json", "{}");
	f = stored_files_load(&dirs, &why);
	CHECK("loads", f != NULL);
	CHECK("its own folder", stored_files_find(f, STORED_REQUEST, STR("home")));
	CHECK("not another kind's", !stored_files_find(f, STORED_ACCOUNT, STR("p1")));
	CHECK("another folder", stored_files_find(f, STORED_ACCOUNT, STR("p2")));
	CHECK("none", !stored_files_find(f, STORED_IMP, STR("top")));
	stored_files_free(f);
	remove_folder(requests);
	remove_folder(accounts);
}

static void finds_by_kind_and_id(void **state)
{
	char *dir = new_folder();
	struct errtext why;
	struct stored_files *f;

	(void)state;
	put(dir, "stored_requests", "home.json", "{\"tmax\":100}");
	put(dir, "accounts", "p1.yaml", "disabled: true\n");
	put(dir, "accounts", "README.txt", "not data");
	put(dir, "accounts", ".hidden.json", "{");
	f = load(dir, &why);
	CHECK("loads", f != NULL);
	CHECK("JSON", json_int_at(stored_files_find(f, STORED_REQUEST, STR("home")), "tmax", 0) == 100);
	CHECK("YAML", json_bool_at(stored_files_find(f, STORED_ACCOUNT, STR("p1")), "disabled", false));
	CHECK("kinds are apart", !stored_files_find(f, STORED_IMP, STR("home")));
	CHECK("other files are not data", stored_files_count(f, STORED_ACCOUNT) == 1);
	CHECK("an id is not a path", !stored_files_find(f, STORED_REQUEST, STR("../accounts/p1")));
	stored_files_free(f);
	remove_folder(dir);
}

static void names_the_broken_file(void **state)
{
	char *dir = new_folder();
	struct errtext why;

	(void)state;
	put(dir, "stored_imps", "bad.json", "{\"a\":}");
	CHECK("refused", !load(dir, &why));
	CHECK("with file and place", strstr(why.text, "stored_imps/bad.json: line 1 column 6"));
	remove_folder(dir);
}

static void nothing_there_is_fine(void **state)
{
	struct errtext why;
	struct stored_files *f = load("/nonexistent", &why);

	(void)state;
	CHECK("an empty source", f && stored_files_count(f, STORED_REQUEST) == 0);
	stored_files_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_has_its_folder),
		cmocka_unit_test(finds_by_kind_and_id),
		cmocka_unit_test(names_the_broken_file),
		cmocka_unit_test(nothing_there_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
