#include "pbs/stored/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "tests/check.h"

static char dir[] = "/tmp/watch-XXXXXX";

static void put(const char *name, const char *text)
{
	FREE_ON_EXIT char *path = xasprintf("%s/%s", dir, name);
	FILE *f = fopen(path, "w");

	CHECK(name, f != NULL);
	(void)fputs(text, f);
	CHECK(name, fclose(f) == 0);
}

/* One look sees a change, the next that it is over; then all is quiet. */
static void sees(const char *why, struct watch *w)
{
	CHECK(why, !watch_look(w));
	CHECK(why, watch_look(w));
	CHECK(why, !watch_look(w));
}

static void changes(void **state)
{
	FREE_ON_EXIT char *sub = NULL, *one = NULL, *two = NULL;
	const char *const dirs[] = { dir, "", "/nonexistent" };
	struct watch w;

	(void)state;
	CHECK("a folder", mkdtemp(dir) != NULL);
	sub = xasprintf("%s/accounts", dir);
	one = xasprintf("%s/accounts/a.json", dir);
	two = xasprintf("%s/accounts/b.json", dir);
	watch_init(&w, dirs, ARRAY_LEN(dirs));
	CHECK("nothing has changed", !watch_look(&w) && !watch_look(&w));
	CHECK("a folder in it", mkdir(sub, 0700) == 0);
	put("accounts/a.json", "{}");
	sees("a new file in a new folder", &w);
	put("accounts/a.json", "{\"x\":1}");
	sees("other contents", &w);
	put("accounts/.a.json.swp", "half");
	CHECK("editors' files do not count", !watch_look(&w) && !watch_look(&w));
	CHECK("renamed", rename(one, two) == 0);
	sees("another name", &w);
	put("accounts/a.json", "1");
	CHECK("first look", !watch_look(&w));
	put("accounts/a.json", "12");
	CHECK("still changing", !watch_look(&w));
	CHECK("over", watch_look(&w));
	CHECK("removed", unlink(two) == 0);
	sees("a file less", &w);
	CHECK("cleaned up", unlink(one) == 0);
	free(one);
	one = xasprintf("%s/accounts/.a.json.swp", dir);
	CHECK("cleaned up", unlink(one) == 0 && rmdir(sub) == 0 && rmdir(dir) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(changes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
