#include "pbs/stored/category_files.h"

#include <dirent.h>
#include <errno.h>

#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"

enum { MAX_FILE_BYTES = 4 << 20 };

/* The name of dfp.json is "dfp", that of dfp_<publisher>.json "dfp/<publisher>"; NULL for other files. */
static char *name_of_file(const char *ad_server, struct str file)
{
	const struct str suffix = STR(".json"), server = str_of(ad_server);
	struct str rest;

	if (!str_starts(file, server) || !str_ends(file, suffix))
		return NULL;
	rest = (struct str){ file.p + server.n, file.n - server.n - suffix.n };
	if (rest.n == 0)
		return xasprintf("%s", ad_server);
	return rest.p[0] == '_' ? xasprintf("%s/%.*s", ad_server, (int)rest.n - 1, rest.p + 1) : NULL;
}

static int load_file(json_t *all, const char *dir, const char *ad_server, struct str name,
		     struct errtext *why)
{
	FREE_ON_EXIT char *path = NULL, *key = name_of_file(ad_server, name);
	json_t *mapping;

	if (!key)
		return 0;
	path = xasprintf("%s/%s/" STR_FMT, dir, ad_server, STR_ARG(name));
	mapping = json_parse_file(path, MAX_FILE_BYTES, why);
	if (!json_is_object(mapping)) {
		if (mapping)
			errtext_set(why, "%s: not an object", path);
		json_decref(mapping);
		return ERR_INPUT;
	}
	json_object_set_new_nocheck(all, key, mapping);
	return 0;
}

static int load_folder(json_t *all, const char *dir, const char *ad_server, struct errtext *why)
{
	FREE_ON_EXIT char *path = xasprintf("%s/%s", dir, ad_server);
	DIR *d = opendir(path);
	const struct dirent *entry;
	int err = 0;

	if (!d) {
		if (errno == ENOENT)
			return 0;
		errtext_set(why, "%s: %s", path, strerror(errno));
		return ERR_INPUT;
	}
	while (err == 0 && (entry = readdir(d)) != NULL)
		err = load_file(all, dir, ad_server, str_of(entry->d_name), why);
	closedir(d);
	return err;
}

json_t *category_files_load(const char *dir, struct errtext *why)
{
	json_t *all = json_object();

	if (load_folder(all, dir, "dfp", why) == 0 && load_folder(all, dir, "freewheel", why) == 0)
		return all;
	json_decref(all);
	return NULL;
}
