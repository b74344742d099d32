#include "pbs/stored/watch.h"

#include <dirent.h>
#include <sys/stat.h>

#include "common/mem.h"
#include "common/str.h"

enum { DEPTH = 2 };

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static uint64_t of_file(const char *path, const struct stat *st)
{
	uint64_t h = str_hash(str_of(path));

	h = mix(h ^ (uint64_t)st->st_size);
	h = mix(h ^ (uint64_t)st->st_ino);
	return mix(h ^ (uint64_t)st->st_mtim.tv_sec * 1000000000u ^ (uint64_t)st->st_mtim.tv_nsec);
}

/* The sum does not depend on the order in which the folder lists its files. */
static uint64_t of_folder(const char *dir, int depth)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;
	uint64_t sum = 0;

	while (d && (entry = readdir(d)) != NULL) {
		FREE_ON_EXIT char *path = NULL;
		struct stat st;

		if (entry->d_name[0] == '.')
			continue;
		path = xasprintf("%s/%s", dir, entry->d_name);
		if (stat(path, &st) != 0)
			continue;
		if (!S_ISDIR(st.st_mode))
			sum += of_file(path, &st);
		else if (depth > 1)
			sum += of_folder(path, depth - 1);
	}
	if (d)
		closedir(d);
	return sum;
}

static uint64_t of_all(const struct watch *w)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < w->n; i++)
		sum += *w->dirs[i] ? of_folder(w->dirs[i], DEPTH) : 0;
	return sum;
}

void watch_init(struct watch *w, const char *const *dirs, size_t n)
{
	*w = (struct watch){ .dirs = dirs, .n = n };
	w->known = w->last = of_all(w);
}

bool watch_look(struct watch *w)
{
	uint64_t now = of_all(w);
	bool changed = now != w->known && now == w->last;

	w->last = now;
	if (changed)
		w->known = now;
	return changed;
}
