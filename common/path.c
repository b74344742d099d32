#include "common/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/mem.h"

enum { DIR_MODE = 0750 };

static int refuse(const char *path, int error, struct errtext *why)
{
	errtext_set(why, "%s: %s", path, strerror(error));
	return ERR_UNAVAILABLE;
}

int path_make_dir(const char *path, struct errtext *why)
{
	FREE_ON_EXIT char *part = xstrdup(path);

	for (char *slash = strchr(part + 1, '/'); *part && slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		(void)mkdir(part, DIR_MODE); /* what is missing for a reason shows at the last one */
		*slash = '/';
	}
	return mkdir(path, DIR_MODE) == 0 || errno == EEXIST ? 0 : refuse(path, errno, why);
}

/* 0, or what the system would say. By the rights the process acts with, as open(2) asks for them. */
static int writing_fails(const char *path, bool is_dir)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return errno;
	if (S_ISDIR(st.st_mode) != is_dir)
		return is_dir ? ENOTDIR : EISDIR;
	return faccessat(AT_FDCWD, path, is_dir ? W_OK | X_OK : W_OK, AT_EACCESS) == 0 ? 0 : errno;
}

/* With a slash in it, for cut_last_part(). */
static char *copy_path(const char *path)
{
	return xasprintf("%s%s", *path == '/' ? "" : "./", path);
}

/* Leaves the folder that the last part is in: "/" and "." at the end, which are always there. */
static void cut_last_part(char *path)
{
	char *slash = strrchr(path, '/');

	slash[slash == path] = '\0';
}

int path_check_dir(const char *path, struct errtext *why)
{
	FREE_ON_EXIT char *part = copy_path(path);
	int error;

	while ((error = writing_fails(part, true)) == ENOENT)
		cut_last_part(part);
	return error ? refuse(path, error, why) : 0;
}

int path_check_file(const char *path, struct errtext *why)
{
	FREE_ON_EXIT char *dir = copy_path(path);
	int error = writing_fails(path, false);

	if (error == ENOENT) {
		cut_last_part(dir);
		error = writing_fails(dir, true);
	}
	return error ? refuse(path, error, why) : 0;
}
