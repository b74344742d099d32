/* Routing settings as documents of the store, and the tree that is built of all of them.
 *
 * Keys: "*" global, "P" publisher, "P/site/S", "P/unit/U", "P/site/S/unit/U"; names are percent-encoded in them,
 * so that a slash or a star in a name is no separator.
 */
#ifndef IDR_INTAKE_SETTINGS_DOCS_H
#define IDR_INTAKE_SETTINGS_DOCS_H

#include <jansson.h>

#include "common/mem.h"
#include "common/snapshot.h"
#include "idr/core/settings.h"
#include "idr/store/store.h"

struct settings_snapshot {
	struct snapshot snapshot;
	struct settings_tree *tree;
};
static inline const struct settings_tree *settings_tree_in(struct snapshot_view *v)
{
	return container_of(snapshot_view_get(v), struct settings_snapshot, snapshot)->tree;
}

/* `global` comes from the configuration and may be NULL; the document "*" goes over it. A document that this
 * version cannot read is passed over and logged, so that one bad row cannot keep the service down. */
int settings_docs_publish(struct store *s, const json_t *global, struct snapshot_slot *slot,
			  struct errtext *why);

struct settings_place {
	uint64_t publisher, site, unit;
};
bool settings_docs_place(struct str key, struct settings_place *ret_p);

#endif
