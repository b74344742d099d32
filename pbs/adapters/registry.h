/* Which adapters there are, and the bidders that this host has made of them.
 *
 * Shapes  adapter_find() knows code by name; a registry knows bidders by the name that requests use, aliases
 *         and bidders without code included. Look-up ignores ASCII case.
 * Errors  a bidder that cannot be built is kept as disabled, with the reason in `why_disabled`.
 * Owns    a registry owns its arena, the infos and the compiled schemas; it is immutable once filled, so that
 *         a reload builds another one and swaps them.
 */
#ifndef PBS_ADAPTERS_REGISTRY_H
#define PBS_ADAPTERS_REGISTRY_H

#include "pbs/adapters/adapter.h"
#include "pbs/adapters/bidder_info.h"
#include "pbs/adapters/schema.h"

/* NULL when no code has that name: such a bidder runs on adapter_generic. */
const struct adapter *adapter_find(struct str name);
size_t adapter_count(void);
const struct adapter *adapter_at(size_t i); /* in alphabetic order */

struct registry_bidder {
	struct bidder bidder;
	struct bidder_info info;
	const struct schema *params; /* NULL: anything goes */
	const json_t *params_json;   /* the schema's text, for GET /bidders/params; NULL: none */
	bool disabled;
	const char *why_disabled; /* NULL when the host disabled it */
	unsigned number;          /* of its name, the same in later registries; see registry_set_number() */
	const json_t *file, *params_file; /* what registry_add() was given */
};

struct registry;

struct registry *registry_new(const struct adapter_host *host); /* copies *host */
struct registry *registry_free(struct registry *r);

/* Adds one bidder. An alias (`aliasOf` in its file) must come after its parent, whose schema it uses when
 * `params` is NULL. `host` are the host's overrides or NULL. Fails on a file that cannot be read; what is
 * merely not configured gives a disabled bidder. */
int registry_add(struct registry *r, const char *name, const json_t *file, const json_t *params,
		 const json_t *host, struct errtext *why);

/* The bidder again as it was in `before`, instead of what its file has become; false, and nothing changes, when
 * it was not there or did not run. `before` may be NULL. */
bool registry_keep(struct registry *r, const struct registry *before, const char *name, const json_t *host);

void registry_remove(struct registry *r, const char *name); /* before the registry is shared */

/* For whoever counts by bidder through reloads; before the registry is shared. */
void registry_set_number(struct registry *r, size_t i, unsigned number);

const struct registry_bidder *registry_find(const struct registry *r, struct str name);
size_t registry_count(const struct registry *r);
const struct registry_bidder *registry_at(const struct registry *r, size_t i); /* by name */

#endif
