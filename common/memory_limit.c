#include "common/memory_limit.h"

#include <stdbool.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"

enum { MAX_FILE_BYTES = 16384, MAX_PATH_BYTES = 4096 };

/* Version 1 says "no limit" with the largest multiple of a page below 2^63. */
static const uint64_t v1_none = 1ull << 62;

uint64_t memory_limit_parse(struct str text)
{
	uint64_t bytes;

	return str_parse_u64(str_cut(&text, '\n'), 1, v1_none, &bytes) ? bytes : UINT64_MAX;
}

static uint64_t limit_at(const char *root, struct str path, const char *file)
{
	FREE_ON_EXIT char *name = xasprintf("%s" STR_FMT "/%s", root, STR_ARG(path), file);
	uint64_t limit;
	struct buf b;

	buf_init(&b, MAX_FILE_BYTES);
	(void)buf_add_file(&b, name,
			   NULL); /* where there is none, or more than a number, there is no limit */
	limit = memory_limit_parse(buf_str(&b));
	buf_deinit(&b);
	return limit;
}

/* The least from `path` up to the root. */
static uint64_t least_upwards(const char *root, struct str path, const char *file)
{
	uint64_t least = UINT64_MAX;

	for (;;) {
		uint64_t here = limit_at(root, path, file);

		if (here < least)
			least = here;
		if (path.n == 0)
			return least;
		while (path.n && path.p[--path.n] != '/')
			;
	}
}

/* "memory" in "cpu,memory" */
static bool names_memory(struct str controllers)
{
	while (controllers.p)
		if (str_eq(str_cut(&controllers, ','), STR("memory")))
			return true;
	return false;
}

uint64_t memory_limit_of_cgroup(struct str lines, const char *root)
{
	FREE_ON_EXIT char *v1_root = xasprintf("%s/memory", root);
	uint64_t least = UINT64_MAX;

	while (lines.p) {
		struct str path = str_cut(&lines, '\n'), number = str_cut(&path, ':');
		struct str controllers = path.p ? str_cut(&path, ':') : STR("");
		uint64_t limit = UINT64_MAX;

		if (!path.p || path.n == 0 || path.p[0] != '/' || path.n > MAX_PATH_BYTES)
			continue;
		if (path.n == 1)
			path.n = 0; /* the root itself */
		if (str_eq(number, STR("0")) && controllers.n == 0)
			limit = least_upwards(root, path, "memory.max");
		else if (names_memory(controllers))
			limit = least_upwards(v1_root, path, "memory.limit_in_bytes");
		if (limit < least)
			least = limit;
	}
	return least;
}

struct memory_limit memory_limit(void)
{
	uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE), cgroup;
	struct buf b;

	buf_init(&b, MAX_FILE_BYTES);
	(void)buf_add_file(&b, "/proc/self/cgroup", NULL);
	cgroup = memory_limit_of_cgroup(buf_str(&b), "/sys/fs/cgroup");
	buf_deinit(&b);
	if (cgroup < machine)
		return (struct memory_limit){ cgroup, "the cgroup" };
	return (struct memory_limit){ machine, "the machine" };
}
