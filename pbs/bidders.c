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

/* One bidder while it is read: where it stands, for whoever has to mend it. */
struct entry {
	const char *name, *path;
	json_t *lines; /* of its file */
};

struct loader {
	const struct pbs_config *config;
	struct registry *registry;
	const struct registry *before;
};

/* Reasons begin with the key that they are about. */
static unsigned line_of(const struct entry *e, const char *reason)
{
	FREE_ON_EXIT char *key = xstrndup(reason, strcspn(reason, ": "));

	return e->lines ? yaml_line(e->lines, key) : 0;
}

static void say(const char *event, const struct entry *e, const char *reason)
{
	log_event(LOG_ERROR, event, LOG_Z("bidder", e->name), LOG_Z("file", e->path),
		  LOG_INT("line", line_of(e, reason)), LOG_Z("reason", reason));
}

/* A file that cannot even be parsed does not say whether it is an alias: what it was counts. */
static bool was_alias(const struct loader *l, const char *name)
{
	const struct registry_bidder *b = l->before ? registry_find(l->before, str_of(name)) : NULL;

	return b && b->info.alias_of;
}

/* What a wrong file leaves of its bidder: what it was before, or nothing. */
static void fall_back(struct loader *l, const struct entry *e, const char *event, const char *reason)
{
	bool kept =
		registry_keep(l->registry, l->before, e->name, json_object_get(l->config->adapters, e->name));

	say(kept ? "bidder_kept" : event, e, reason);
}

static json_t *read_params(const char *dir, const char *name, struct errtext *why)
{
	FREE_ON_EXIT char *path = xasprintf("%s/%s.json", dir, name);

	return access(path, R_OK) == 0 ? json_parse_file(path, MAX_FILE_BYTES, why) : NULL;
}

static void take_file(struct loader *l, const struct entry *e, json_t *file)
{
	struct errtext why = { "" };
	bool ok = expand_variables(file, &why);
	json_t *params = ok ? read_params(l->config->bidder_params_dir, e->name, &why) : NULL;
	const struct registry_bidder *b;

	ok = ok && why.text[0] == '\0' &&
	     registry_add(l->registry, e->name, file, params, json_object_get(l->config->adapters, e->name),
			  &why) == 0;
	b = ok ? registry_find(l->registry, str_of(e->name)) : NULL;
	if (!ok)
		fall_back(l, e, "bidder_left_out", why.text);
	else if (b->why_disabled)
		fall_back(l, e, "bidder_disabled", b->why_disabled);
	json_decref(params);
}

static void add_bidder(struct loader *l, const char *dir, const char *file_name, bool aliases)
{
	FREE_ON_EXIT char *path = xasprintf("%s/%s", dir, file_name);
	FREE_ON_EXIT char *name = xstrndup(file_name, strlen(file_name) - strlen(".yaml"));
	struct entry e = { .name = name, .path = path };
	struct errtext why = { "" };
	json_t *file = yaml_parse_file_lines(path, MAX_FILE_BYTES, &e.lines, &why);

	if (file && (json_at(file, "aliasOf") != NULL) == aliases)
		take_file(l, &e, file);
	else if (!file && was_alias(l, name) == aliases)
		fall_back(l, &e, "bidder_left_out", why.text);
	json_decref(e.lines);
	json_decref(file);
}

static int add_folder(struct loader *l, const char *path, bool aliases, struct errtext *why)
{
	struct folder f = { .path = path };

	f.n = scandir(path, &f.entries, only_yaml, alphasort);
	if (f.n < 0) {
		errtext_set(why, "bidder_info_dir: %s: %s", path, strerror(errno));
		return -1;
	}
	for (int i = 0; i < f.n; i++)
		add_bidder(l, path, f.entries[i]->d_name, aliases);
	free_folder(&f);
	return 0;
}

static int add_all(struct loader *l, struct errtext *why)
{
	const struct pbs_config *c = l->config;

	for (int aliases = 0; aliases < 2; aliases++) {
		if (add_folder(l, c->bidder_info_dir, aliases, why) < 0 ||
		    (*c->host_bidder_info_dir && add_folder(l, c->host_bidder_info_dir, aliases, why) < 0))
			return -1;
	}
	return 0;
}

/* At the start a bidder whose user sync is wrong is left out; later nothing changes. NULL with the reason. */
static struct syncers *make_syncers(struct loader *l, struct errtext *why)
{
	const struct pbs_config *c = l->config;
	struct syncers_options opt = {
		.external_url = str_of(*c->sync_external_url ? c->sync_external_url : c->external_url),
		.redirect_url = str_of(c->sync_redirect_url),
	};
	struct syncers *syncers;
	const char *wrong;

	while (!(syncers = syncers_new(l->registry, &opt, &wrong, why)) && !l->before) {
		struct entry e = { .name = wrong, .path = c->bidder_info_dir };

		say("bidder_left_out", &e, why->text);
		registry_remove(l->registry, wrong); /* so the next round has one wrong bidder fewer */
	}
	return syncers;
}

static void drop(struct snapshot *s)
{
	struct bidder_set *set = container_of(s, struct bidder_set, snapshot);

	syncers_free(set->syncers);
	registry_free(set->registry);
	free(set);
}

struct bidder_set *bidders_load(const struct pbs_config *c, const struct bidder_set *before,
				struct errtext *why)
{
	struct adapter_host host = { .external_url = c->external_url,
				     .datacenter = c->datacenter,
				     .version = NEXUS_VERSION };
	struct loader l = { .config = c,
			    .registry = registry_new(&host),
			    .before = before ? before->registry : NULL };
	struct syncers *syncers = add_all(&l, why) == 0 ? make_syncers(&l, why) : NULL;
	struct bidder_set *set;

	if (!syncers) {
		registry_free(l.registry);
		return NULL;
	}
	set = xcalloc(1, sizeof *set);
	snapshot_init(&set->snapshot, drop);
	set->registry = l.registry;
	set->syncers = syncers;
	return set;
}

void bidders_unref(struct bidder_set *set)
{
	if (set)
		snapshot_unref(&set->snapshot);
}

const struct bidder_set *bidders_lend(struct snapshot_view *view, struct arena *arena)
{
	return container_of(snapshot_view_lend(view, arena), struct bidder_set, snapshot);
}
