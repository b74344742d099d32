/* The configuration as it holds now, with what is computed from it; a reload publishes a new one. */
#ifndef IDR_LIVE_CONFIG_H
#define IDR_LIVE_CONFIG_H

#include "common/api_key.h"
#include "common/snapshot.h"
#include "idr/auth/users.h"
#include "idr/config.h"
#include "idr/intake/rates.h"

struct live_config {
	struct snapshot snapshot;
	struct conf *conf; /* owned */
	const struct idr_config *values;
	struct api_keys *keys;
	struct users users; /* none: the login is off */
	struct rates rates;
};

/* Takes `conf`, unless it fails: NULL and `why` for keys or users that cannot be read. */
struct live_config *live_config_new(struct conf *conf, struct errtext *why);

#endif
