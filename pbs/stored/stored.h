/* Stored requests, imps, responses and accounts, from wherever the host keeps them.
 *
 * A lookup asks each source in turn for what is still missing: files first, then what HTTP said lately, then
 * HTTP. Sources that answer from memory answer at once; only one that has to wait uses the callback.
 *
 * Shapes  item->value is lent and valid until the lookup's owner is done with its arena; NULL = nobody knows
 * the id. Errors  stored_lookup.problem holds the text of a source that failed; its items stay NULL. Owns the
 * caller keeps the lookup and its items alive until done or stored_cancel(), which is idempotent. References
 *         to values are hung on `arena`.
 * Threads one `struct stored` per worker; what the file source loaded is shared and immutable.
 */
#ifndef PBS_STORED_STORED_H
#define PBS_STORED_STORED_H

#include <jansson.h>
#include <stdbool.h>

#include "common/arena.h"
#include "common/errtext.h"
#include "common/http_client.h"
#include "common/snapshot.h"
#include "common/str.h"

enum stored_kind { STORED_REQUEST, STORED_IMP, STORED_RESPONSE, STORED_ACCOUNT, STORED_KINDS };

struct stored_item {
	enum stored_kind kind;
	struct str id;
	json_t *value;
	bool known_missing; /* the module's own: no source needs to be asked */
};

struct stored_lookup {
	void (*done)(struct stored_lookup *l);
	struct arena *arena;
	struct stored_item *items;
	size_t n_items;
	struct errtext problem;
	/* the module's own */
	struct stored *stored;
	struct http_call call;
	uint32_t timeout_ms;
	unsigned asked; /* which HTTP endpoints were asked already */
};

struct stored_files; /* what was read from a folder; immutable, replaced whole by a reload */
struct stored;

struct stored_options {
	struct snapshot_slot *files;  /* of struct stored_files; NULL = no folder */
	struct str http_endpoint;     /* requests and imps; empty = none */
	struct str accounts_endpoint; /* empty = none */
	size_t max_reply_bytes;
	struct str api_key; /* sent as X-API-Key when not empty */
	struct loop *loop;  /* of the worker: tells how old cached data is */
	size_t cache_entries;
	uint64_t cache_ttl_ms; /* 0: nothing is cached */
};

/* Reads <dir>/{stored_requests,stored_imps,stored_responses,accounts}/<id>.{json,yaml}; a missing folder is
 * an empty one. Errors: NULL with file and line when a file cannot be read or parsed. */
struct stored_files *stored_files_load(const char *dir, struct errtext *why);
void stored_files_free(struct stored_files *f); /* gives the maker's reference back */
/* Hands the maker's reference to the slot; what readers still hold lives until they move on. */
void stored_files_publish(struct snapshot_slot *slot, struct stored_files *f);
const struct stored_files *stored_files_view(struct snapshot_view *v); /* lent until the view's next use */
json_t *stored_files_find(const struct stored_files *f, enum stored_kind kind, struct str id); /* lent */
size_t stored_files_count(const struct stored_files *f, enum stored_kind kind);

struct stored *stored_new(struct http_client *http, const struct stored_options *opt);
void stored_free(struct stored *s);

/* True: everything was answered at once and `done` will not come. False: `done` comes once, from the loop. */
bool stored_fetch(struct stored *s, struct stored_lookup *l, uint32_t timeout_ms);
void stored_cancel(struct stored_lookup *l);

#endif
