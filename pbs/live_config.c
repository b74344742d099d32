#include "pbs/live_config.h"

#include <stdlib.h>

#include "common/err.h"
#include "common/mem.h"
#include "pbs/privacy_settings.h"

static void drop(struct snapshot *s)
{
	struct live_config *live = container_of(s, struct live_config, snapshot);

	privacy_host_free(live->privacy);
	api_keys_free(live->keys);
	conf_free(live->conf);
	free(live);
}

static int refuse(const char *key, struct errtext *why)
{
	errtext_prefix(why, "%s: ", key);
	return ERR_INPUT;
}

static int add_keys(struct api_keys *keys, const struct pbs_config *c, struct errtext *why)
{
	if (*c->api_key_default && api_keys_add(keys, str_of(c->api_key_default), why) < 0)
		return refuse("auth.api_key (API_KEY_DEFAULT)", why);
	if (*c->api_keys && api_keys_add_list(keys, str_of(c->api_keys), why) < 0)
		return refuse("auth.api_keys (API_KEYS)", why);
	if (c->api_keys_tree && api_keys_add_json(keys, c->api_keys_tree, why) < 0)
		return refuse("auth.keys", why);
	if (c->auth_enabled && api_keys_count(keys) == 0) {
		errtext_set(why, "auth.enabled is true but there is no API key. Make one with `openssl rand "
				 "-hex 24` and set "
				 "API_KEY_DEFAULT to it, or set AUTH_ENABLED=false if something in front "
				 "checks callers.");
		return ERR_INPUT;
	}
	return 0;
}

struct live_config *live_config_new(struct conf *conf, struct errtext *why)
{
	struct live_config *live = xcalloc(1, sizeof *live);

	snapshot_init(&live->snapshot, drop);
	live->values = conf_values(conf);
	live->keys = api_keys_new();
	if (add_keys(live->keys, live->values, why) < 0 ||
	    privacy_settings_host(live->values, why, &live->privacy) < 0) {
		drop(&live->snapshot);
		return NULL;
	}
	live->conf = conf;
	return live;
}

const struct live_config *live_config_get(struct snapshot_view *view)
{
	return container_of(snapshot_view_get(view), struct live_config, snapshot);
}

const struct live_config *live_config_lend(struct snapshot_view *view, struct arena *arena)
{
	return container_of(snapshot_view_lend(view, arena), struct live_config, snapshot);
}
