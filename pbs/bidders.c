#include "pbs/bidders.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/conf_value.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/version.h"
#include "common/yaml.h"

enum { MAX_FILE_BYTES = 1 << 20 };

/* The files of one folder. Aliases come in a second round, when their parents are there. */
struct folder {
	const char *path;
	struct dirent **entries;
	int n;
};

static int only_yaml(const struct dirent *e)
{
	return e->d_name[0] != '.' && str_ends(str_of(e->d_name), STR(".yaml"));
}

static void free_folder(struct folder *f)
{
	for (int i = 0; i < f->n; i++)
		free(f->entries[i]);
	free(f->entries);
}

/* obj[key] with its variables expanded, when it is a text. */
static bool expand_text(json_t *obj, const char *key, struct errtext *why)
{
	const json_t *text = json_object_get(obj, key);
	struct buf out;
	bool changed = false, ok;

	if (!json_is_string(text))
		return true;
	buf_init(&out, MAX_FILE_BYTES);
	ok = conf_expand(json_str(text), environ, &out, &changed, why);
	if (!ok)
		errtext_prefix(why, "%s: ", key);
	if (ok && changed)
		ok = json_object_set_new(obj, key, json_stringn(buf_str(&out).p, out.n)) == 0;
	if (!ok && changed)
		errtext_set(why, "%s: not UTF-8 once variables are expanded", key);
	buf_deinit(&out);
	return ok;
}

/* Where a bidder's file may name variables: its endpoint and what authorises its calls. Elsewhere ${…} is the
 * bidder's own, as in the macros of its user sync. */
static bool expand_variables(json_t *file, struct errtext *why)
{
	static const char *const places[] = { "xapi", "generic.auth", "generic.extraHeaders" };

	if (!expand_text(file, "endpoint", why))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		json_t *place = json_at(file, places[i]), *v;
		const char *key;

		json_object_foreach (place, key, v) {
			if (!expand_text(place, key, why)) {
				errtext_prefix(why, "%s.", places[i]);
				return false;
			}
		}
	}
	return true;
}

static json_t *read_params(const char *dir, const char *name, struct errtext *why)
{
	FREE_ON_EXIT char *path = xasprintf("%s/%s.json", dir, name);

	return access(path, R_OK) == 0 ? json_parse_file(path, MAX_FILE_BYTES, why) : NULL;
}

static void add_bidder(struct registry *r, const struct pbs_config *c, const char *dir, const char *file_name,
		       bool aliases)
{
	FREE_ON_EXIT char *path = xasprintf("%s/%s", dir, file_name);
	FREE_ON_EXIT char *name = xstrndup(file_name, strlen(file_name) - strlen(".yaml"));
	struct errtext why = { "" };
	json_t *file = yaml_parse_file(path, MAX_FILE_BYTES, &why), *params = NULL;
	bool ok = file != NULL;

	if (ok && (json_at(file, "aliasOf") != NULL) != aliases) {
		json_decref(file);
		return;
	}
	ok = ok && expand_variables(file, &why);
	if (ok) {
		params = read_params(c->bidder_params_dir, name, &why);
		ok = why.text[0] == '\0' &&
		     registry_add(r, name, file, params, json_object_get(c->adapters, name), &why) == 0;
	}
	if (!ok)
		log_event(LOG_ERROR, "bidder_left_out", LOG_Z("bidder", name), LOG_Z("file", path),
			  LOG_Z("reason", why.text));
	json_decref(params);
	json_decref(file);
}

static int add_folder(struct registry *r, const struct pbs_config *c, const char *path, bool aliases,
		      struct errtext *why)
{
	struct folder f = { .path = path };

	f.n = scandir(path, &f.entries, only_yaml, alphasort);
	if (f.n < 0) {
		errtext_set(why, "bidder_info_dir: %s: %s", path, strerror(errno));
		return -1;
	}
	for (int i = 0; i < f.n; i++)
		add_bidder(r, c, path, f.entries[i]->d_name, aliases);
	free_folder(&f);
	return 0;
}

static void log_disabled(const struct registry *r)
{
	for (size_t i = 0; i < registry_count(r); i++) {
		const struct registry_bidder *b = registry_at(r, i);

		if (b->why_disabled)
			log_event(LOG_WARN, "bidder_disabled", LOG_Z("bidder", b->bidder.name),
				  LOG_Z("reason", b->why_disabled));
	}
}

struct registry *bidders_load(const struct pbs_config *c, struct errtext *why)
{
	struct adapter_host host = { .external_url = c->external_url,
				     .datacenter = c->datacenter,
				     .version = NEXUS_VERSION };
	struct registry *r = registry_new(&host);

	for (int aliases = 0; aliases < 2; aliases++) {
		if (add_folder(r, c, c->bidder_info_dir, aliases, why) < 0 ||
		    (*c->host_bidder_info_dir && add_folder(r, c, c->host_bidder_info_dir, aliases, why) < 0))
			return registry_free(r);
	}
	log_disabled(r);
	return r;
}
