/* The file source: a folder per kind, read whole at start and on reload. Ids are file names, so an id from a
 * request is never used to build a path. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/yaml.h"
#include "pbs/stored/cache.h"
#include "pbs/stored/category_files.h"
#include "pbs/stored/stored.h"

enum { MAX_FILE_BYTES = 4 << 20 };

static const char *const folders[STORED_TOLD_KINDS] = {
	[STORED_REQUEST] = "stored_requests",
	[STORED_IMP] = "stored_imps",
	[STORED_RESPONSE] = "stored_responses",
	[STORED_ACCOUNT] = "accounts",
};

struct stored_files {
	struct snapshot snapshot;
	json_t *by_id[STORED_KINDS]; /* objects: id -> value */
};

static int load_file(json_t *by_id, const char *dir, struct str name, struct errtext *why)
{
	FREE_ON_EXIT char *path = xasprintf("%s/" STR_FMT, dir, STR_ARG(name));
	json_t *value;
	size_t suffix;

	if (str_ends(name, STR(".json"))) {
		suffix = 5;
		value = json_parse_file(path, MAX_FILE_BYTES, why);
	} else if (str_ends(name, STR(".yaml"))) {
		suffix = 5;
		value = yaml_parse_file(path, MAX_FILE_BYTES, why);
	} else {
		return 0; /* editors' and version control's leftovers */
	}
	if (!value)
		return ERR_INPUT;
	json_object_setn_new_nocheck(by_id, name.p, name.n - suffix, value);
	return 0;
}

static int load_folder(json_t *by_id, const char *dir, struct errtext *why)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int err = 0;

	if (!d)
		return errno == ENOENT ? 0 : (errtext_set(why, "%s: %s", dir, strerror(errno)), ERR_INPUT);
	while (err == 0 && (entry = readdir(d)))
		if (entry->d_name[0] != '.')
			err = load_file(by_id, dir, str_of(entry->d_name), why);
	closedir(d);
	return err;
}

static void drop_files(struct snapshot *snapshot)
{
	struct stored_files *f = container_of(snapshot, struct stored_files, snapshot);

	for (int kind = 0; kind < STORED_KINDS; kind++)
		json_decref(f->by_id[kind]);
	free(f);
}

static json_t *load_kind(int kind, const char *dir, struct errtext *why)
{
	FREE_ON_EXIT char *folder = NULL;
	json_t *by_id;

	if (dir && kind == STORED_CATEGORY)
		return category_files_load(dir, why);
	by_id = json_object();
	if (!dir)
		return by_id;
	folder = xasprintf("%s/%s", dir, folders[kind]);
	if (load_folder(by_id, folder, why) == 0)
		return by_id;
	json_decref(by_id);
	return NULL;
}

struct stored_files *stored_files_load(const struct stored_dirs *dirs, struct errtext *why)
{
	struct stored_files *f = xcalloc(1, sizeof *f);

	snapshot_init(&f->snapshot, drop_files);
	for (int kind = 0; kind < STORED_KINDS; kind++) {
		f->by_id[kind] = load_kind(kind, dirs->of[kind], why);
		if (!f->by_id[kind]) {
			stored_files_free(f);
			return NULL;
		}
	}
	return f;
}

void stored_files_free(struct stored_files *f)
{
	if (f)
		snapshot_unref(&f->snapshot);
}

void stored_files_publish(struct snapshot_slot *slot, struct stored_files *f)
{
	snapshot_publish(slot, &f->snapshot);
}

const struct stored_files *stored_files_of(struct snapshot *s)
{
	return s ? container_of(s, struct stored_files, snapshot) : NULL;
}

const struct stored_files *stored_files_view(struct snapshot_view *v)
{
	return stored_files_of(snapshot_view_get(v));
}

json_t *stored_files_find(const struct stored_files *f, enum stored_kind kind, struct str id)
{
	return f ? json_object_getn(f->by_id[kind], id.p, id.n) : NULL;
}

void stored_files_refresh(const struct stored_files *f, const struct stored_files *old,
			  struct stored_cache *c)
{
	for (int kind = 0; c && kind < STORED_KINDS; kind++) {
		const char *id;
		size_t n;
		json_t *value;

		json_object_keylen_foreach(
			f->by_id[kind], id, n,
			value) if (!old || !json_equal(value, json_object_getn(old->by_id[kind], id, n)))
			stored_cache_forget(c, kind, (struct str){ id, n });
	}
}

size_t stored_files_count(const struct stored_files *f, enum stored_kind kind)
{
	return f ? json_object_size(f->by_id[kind]) : 0;
}
