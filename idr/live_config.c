#include <stdlib.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"
#include "idr/live_config.h"

enum { MAX_KEYS_BYTES = 4 << 20 };

static void drop(struct snapshot *s)
{
	struct live_config *live = container_of(s, struct live_config, snapshot);

	api_keys_free(live->keys);
	users_deinit(&live->users);
	conf_free(live->conf);
	free(live);
}

static int add_file(struct api_keys *keys, const char *path, struct errtext *why)
{
	int err = ERR_INPUT;
	struct buf b;

	buf_init(&b, MAX_KEYS_BYTES);
	if (buf_add_file(&b, path, why))
		err = api_keys_add_list(keys, buf_str(&b), why);
	buf_deinit(&b);
	if (err)
		errtext_prefix(why, "auth.api_keys_file: ");
	return err;
}

static int add_keys(struct api_keys *keys, const struct idr_config *c, struct errtext *why)
{
	int err = *c->api_key_default ? api_keys_add(keys, str_of(c->api_key_default), why) : 0;

	if (err) {
		errtext_prefix(why, "auth.api_key: ");
		return err;
	}
	for (size_t i = 0; i < c->api_keys.n; i++)
		if ((err = api_keys_add(keys, str_of(c->api_keys.v[i]), why))) {
			errtext_prefix(why, "auth.api_keys: ");
			return err;
		}
	return *c->api_keys_file ? add_file(keys, c->api_keys_file, why) : 0;
}

struct live_config *live_config_new(struct conf *conf, struct errtext *why)
{
	struct live_config *live = xcalloc(1, sizeof *live);

	snapshot_init(&live->snapshot, drop);
	live->conf = conf;
	live->values = conf_values(conf);
	live->keys = api_keys_new();
	if (add_keys(live->keys, live->values, why) < 0 ||
	    users_parse(str_of(live->values->admin_users), &live->users, why) < 0 ||
	    rates_parse(live->values->usd_per_unit, &live->rates, why) < 0) {
		live->conf = NULL;
		drop(&live->snapshot);
		return NULL;
	}
	return live;
}
