/* The configuration as it holds now, with what is computed from it; a reload publishes a new one.
 *
 * Errors  NULL and `why`, for keys and privacy rules that cannot be read.
 * Owns    immutable; who reads it holds a reference, as every auction and every request that asks does until its
 *         arena is freed.
 */
#ifndef PBS_LIVE_CONFIG_H
#define PBS_LIVE_CONFIG_H

#include "common/api_key.h"
#include "common/arena.h"
#include "common/snapshot.h"
#include "pbs/config.h"
#include "pbs/privacy/config.h"

struct live_config {
	struct snapshot snapshot;
	struct conf *conf; /* owned */
	const struct pbs_config *values;
	struct api_keys *keys;
	struct privacy_host *privacy;
};

/* Takes `conf`, unless it fails. */
struct live_config *live_config_new(struct conf *conf, struct errtext *why);

/* The one of now: valid until the next call for that view, or held until the arena is freed. */
const struct live_config *live_config_get(struct snapshot_view *view);
const struct live_config *live_config_lend(struct snapshot_view *view, struct arena *arena);

#endif
