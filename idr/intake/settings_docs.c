#include "idr/intake/settings_docs.h"

#include <stdlib.h>

#include "common/json.h"
#include "common/log.h"
#include "common/url.h"

static uint64_t name_hash(struct str encoded)
{
	struct buf b;
	uint64_t hash = 0;

	buf_init(&b, 1024);
	if (url_decode(encoded, &b))
		hash = classify_name(buf_str(&b));
	buf_deinit(&b);
	return hash;
}

bool settings_docs_place(struct str key, struct settings_place *ret_p)
{
	struct settings_place p = { 0 };
	struct str rest = key;

	if (!str_eq(key, STR("*"))) {
		p.publisher = name_hash(str_cut(&rest, '/'));
		while (rest.p) {
			struct str level = str_cut(&rest, '/'), name = str_cut(&rest, '/');
			uint64_t *to = str_eq(level, STR("site")) && !p.unit ? &p.site
				       : str_eq(level, STR("unit"))          ? &p.unit
									     : NULL;

			if (!to || *to || name.n == 0)
				return false;
			*to = name_hash(name);
		}
		if (!p.publisher)
			return false;
	}
	*ret_p = p;
	return true;
}

static void add(void *arg, const struct store_doc *d)
{
	struct settings_tree *t = arg;
	struct settings_place p;
	struct settings s;
	struct errtext why = { "" };
	json_t *j = json_parse(d->body, &why);

	if (j && settings_parse(j, &s, &why) == 0 && settings_docs_place(d->key, &p))
		settings_tree_set(t, p.publisher, p.site, p.unit, &s);
	else
		log_event(LOG_WARN, "settings_ignored", LOG_STR("key", d->key), LOG_Z("error", why.text));
	json_decref(j);
}

static void drop(struct snapshot *s)
{
	struct settings_snapshot *ss = container_of(s, struct settings_snapshot, snapshot);

	settings_tree_free(ss->tree);
	free(ss);
}

int settings_docs_publish(struct store *s, const json_t *global, struct snapshot_slot *slot,
			  struct errtext *why)
{
	struct settings_snapshot *ss;
	struct settings_tree *t = settings_tree_new();
	struct settings g;
	int err;

	if (global && settings_parse(global, &g, why) == 0)
		settings_tree_set(t, 0, 0, 0, &g);
	err = s->ops->docs(s, STR("settings"), STR(""), add, t, why);
	if (err) {
		settings_tree_free(t);
		return err;
	}
	ss = xcalloc(1, sizeof *ss);
	snapshot_init(&ss->snapshot, drop);
	ss->tree = t;
	snapshot_publish(slot, &ss->snapshot);
	return 0;
}
