/* GET / and /static/…: the host's own pages, such as the one on which people opt out of ids.
 *
 * They are read at the start; a path from outside is compared with their names and never opened. */
#include "pbs/endpoints/static.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/http_server.h"
#include "common/json.h"
#include "common/mem.h"
#include "pbs/endpoints/endpoints.h"
#include "pbs/server.h"

enum { MAX_FILE_BYTES = 1 << 20, MAX_FILES = 200 };

static const struct {
	const char *suffix, *type;
} types[] = {
	{ ".html", "text/html; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".json", "application/json" },
	{ ".png", "image/png" },
	{ ".svg", "image/svg+xml" },
	{ ".ico", "image/x-icon" },
	{ ".txt", "text/plain; charset=utf-8" },
};

static const char *type_of(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_ends(name, str_of(types[i].suffix)))
			return types[i].type;
	return "application/octet-stream";
}

/* --- loading --- */

static int load_file(json_t *pages, const char *dir, const char *name, struct errtext *why)
{
	FREE_ON_EXIT char *path = xasprintf("%s/%s", dir, name);
	struct stat st;
	struct buf b;
	bool ok;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return 0;
	if (json_object_size(pages) == MAX_FILES) {
		errtext_set(why, "%s: there may be %d pages", path, MAX_FILES);
		return ERR_INPUT;
	}
	buf_init(&b, MAX_FILE_BYTES);
	ok = buf_add_file(&b, path, why);
	if (ok)
		json_object_set_new_nocheck(pages, name, json_stringn_nocheck(b.n ? b.p : "", b.n));
	buf_deinit(&b);
	return ok ? 0 : ERR_INPUT;
}

json_t *static_load(const char *dir, struct errtext *why)
{
	json_t *pages = json_object();
	const struct dirent *entry;
	int err = 0;
	DIR *d;

	if (!*dir)
		return pages;
	d = opendir(dir);
	if (!d) {
		errtext_set(why, "%s: %s", dir, strerror(errno));
		json_decref(pages);
		return NULL;
	}
	while (err == 0 && (entry = readdir(d)) != NULL)
		if (entry->d_name[0] != '.')
			err = load_file(pages, dir, entry->d_name, why);
	closedir(d);
	if (err == 0)
		return pages;
	json_decref(pages);
	return NULL;
}

/* --- serving --- */

static void reply_page(struct http_request *req, struct str name)
{
	const json_t *pages = pbs_worker_of(req)->server->pages;
	const json_t *page = json_object_getn(pages, name.p, name.n);

	http_reply_header(req, "X-Content-Type-Options", STR("nosniff"));
	if (page)
		http_reply(req, 200, type_of(name), json_str(page));
	else
		http_reply(req, 404, "text/plain; charset=utf-8", STR("404 page not found\n"));
}

void endpoint_root(struct http_request *req)
{
	reply_page(req, STR("index.html"));
}

void endpoint_static(struct http_request *req)
{
	static const size_t skip = sizeof "/static/" - 1;

	reply_page(req, (struct str){ req->path.p + skip, req->path.n - skip });
}
