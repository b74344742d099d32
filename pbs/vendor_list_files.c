#include "pbs/vendor_list_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"

enum { MAX_FILE_BYTES = 32 << 20, MAX_FILES = 2048 };

/* "v3-120.json"; nothing else in the folder is touched. */
static bool is_list_name(struct str name)
{
	uint32_t specification, version;
	struct str head;

	if (!str_starts(name, STR("v")) || !str_ends(name, STR(".json")))
		return false;
	name = (struct str){ name.p + 1, name.n - strlen("v.json") };
	head = str_cut(&name, '-');
	return name.p && str_parse_u32(head, 2, 3, &specification) && str_parse_u32(name, 1, 4095, &version);
}

static struct gvl *read_list(const char *path)
{
	struct errtext why;
	json_t *tree = json_parse_file(path, MAX_FILE_BYTES, &why);
	struct gvl *list = tree ? gvl_from_json(tree, &why) : NULL;

	json_decref(tree);
	if (!list)
		log_event(LOG_WARN, "vendor_list_unreadable", LOG_Z("file", path), LOG_Z("reason", why.text));
	return list;
}

void vendor_list_files_load(const char *dir, void (*take)(void *ctx, struct gvl *list), void *ctx)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	for (size_t n = 0; d && n < MAX_FILES && (e = readdir(d)); n++) {
		FREE_ON_EXIT char *path = xasprintf("%s/%s", dir, e->d_name);
		struct gvl *list = is_list_name(str_of(e->d_name)) ? read_list(path) : NULL;

		if (list)
			take(ctx, list);
	}
	if (d)
		closedir(d);
}

static bool write_all(const char *path, struct str text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool ok = fd >= 0;

	while (ok && text.n) {
		ssize_t n = write(fd, text.p, text.n);

		ok = n > 0 || (n < 0 && errno == EINTR);
		if (n > 0)
			text = (struct str){ text.p + n, text.n - (size_t)n };
	}
	if (fd >= 0 && close(fd) < 0)
		ok = false;
	return ok;
}

/* Another process may read the folder: a file is there whole or not at all. */
static void save(const char *dir, const char *name, struct str text)
{
	FREE_ON_EXIT char *path = xasprintf("%s/%s", dir, name);
	FREE_ON_EXIT char *half = xasprintf("%s/.%s.%ld", dir, name, (long)getpid());

	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		log_limited(LOG_WARN, "vendor_list_not_kept", LOG_Z("folder", dir),
			    LOG_Z("reason", strerror(errno)));
	else if (!write_all(half, text) || rename(half, path) < 0) {
		log_limited(LOG_WARN, "vendor_list_not_kept", LOG_Z("file", path),
			    LOG_Z("reason", strerror(errno)));
		unlink(half);
	}
}

void vendor_list_files_save(const char *dir, unsigned specification, unsigned version, struct str text)
{
	FREE_ON_EXIT char *name = xasprintf("v%u-%u.json", specification, version);

	save(dir, name, text);
}

void vendor_list_files_load_stamp(const char *dir, struct vendor_list_stamp *ret_stamp)
{
	FREE_ON_EXIT char *path = xasprintf("%s/latest-v3", dir);
	json_t *tree = access(path, R_OK) == 0 ? json_parse_file(path, 4096, NULL) : NULL;
	int64_t version = json_int_at(tree, "version", 0);

	*ret_stamp = (struct vendor_list_stamp){ 0 };
	if (version > 0 && version <= 4095) {
		ret_stamp->version = (unsigned)version;
		snprintf(ret_stamp->etag, sizeof ret_stamp->etag, STR_FMT,
			 STR_ARG(json_str_at(tree, "etag")));
		snprintf(ret_stamp->last_modified, sizeof ret_stamp->last_modified, STR_FMT,
			 STR_ARG(json_str_at(tree, "last_modified")));
	}
	json_decref(tree);
}

void vendor_list_files_save_stamp(const char *dir, const struct vendor_list_stamp *stamp)
{
	json_t *tree = json_object();
	char *text;

	json_set_int(tree, "version", stamp->version);
	json_set_str(tree, "etag", str_of(stamp->etag));
	json_set_str(tree, "last_modified", str_of(stamp->last_modified));
	text = json_text(tree);
	save(dir, "latest-v3", str_of(text));
	free(text);
	json_decref(tree);
}
