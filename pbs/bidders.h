/* The host's bidders and how their users' ids are fetched, made from its files: <dir>/<bidder>.yaml,
 * <params>/<bidder>.json, and overrides in pbs.yaml. A reload makes another set and publishes it.
 *
 * Errors  bidders_load() gives NULL when a folder cannot be read, in a reload also for a user sync that is
 *         wrong. A bidder whose file is wrong is left out, one that is not configured is disabled; in a reload
 *         either stays as it was. Each is one log line that names bidder, file, line and reason.
 * Owns    a set is immutable; who reads it holds a reference, as every auction does until its arena is freed.
 */
#ifndef PBS_BIDDERS_H
#define PBS_BIDDERS_H

#include "common/arena.h"
#include "common/errtext.h"
#include "common/snapshot.h"
#include "pbs/adapters/registry.h"
#include "pbs/config.h"
#include "pbs/usersync/syncer.h"

struct bidder_set {
	struct snapshot snapshot;
	struct registry *registry;
	struct syncers *syncers;
};

/* `before` is the set that a reload replaces, or NULL. */
struct bidder_set *bidders_load(const struct pbs_config *config, const struct bidder_set *before,
				struct errtext *why);
void bidders_unref(struct bidder_set *set); /* NULL is fine */

/* The set of now, held until the arena is freed. */
const struct bidder_set *bidders_lend(struct snapshot_view *view, struct arena *arena);

#endif
