/* Stored requests, imps, responses, accounts and category mappings, from wherever the host keeps them.
 *
 * A lookup asks each source in turn for what is still missing: what was pushed here or fetched lately, then files, then
 * the database, then HTTP. Sources that answer from memory answer at once; only one that has to wait uses the callback.
 *
 * Shapes  ids are the host's own; of a category mapping it is category_files.h's name, "dfp" or "dfp/publisher".
 *         item->value is lent and valid until the lookup's owner is done with its arena; NULL = nobody knows the id.
 * Errors  stored_lookup.problem holds the text of a source that failed, or is left alone since it has been silent; its
 *         items stay NULL.
 * Owns    the caller keeps the lookup and its items alive until done. References to values are hung on `arena`.
 * Threads one `struct stored` per worker; files, cache and database are shared by all.
 */
#ifndef PBS_STORED_STORED_H
#define PBS_STORED_STORED_H

#include <jansson.h>
#include <stdbool.h>

#include "common/arena.h"
#include "common/errtext.h"
#include "common/helper.h"
#include "common/http_client.h"
#include "common/snapshot.h"
#include "common/str.h"

enum stored_kind {
	STORED_REQUEST,
	STORED_IMP,
	STORED_RESPONSE,
	STORED_ACCOUNT,
	STORED_TOLD_KINDS, /* those above are in databases too, and updates tell of them */
	STORED_CATEGORY = STORED_TOLD_KINDS,
	STORED_KINDS,
};

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
	struct helper_call database_call;
	uint64_t deadline_ms;
	uint32_t wait_ms, ticket; /* of the source that was asked last: how long, and its breaker's */
	unsigned asked;           /* how many of the sources that have to be waited for */
	bool waited, failed;      /* a source was asked; one did not answer */
	unsigned error;           /* … and why: STORED_ERROR_* */
	uint64_t asked_us;        /* when the last HTTP source was asked */
};

struct metrics;
struct stored_cache;
struct stored_database;
struct stored_files; /* what was read from a folder; immutable, replaced whole by a reload */
struct stored;

struct stored_options {
	struct snapshot_slot *files;  /* of struct stored_files; NULL = no folder */
	struct str http_endpoint;     /* requests and imps; empty = none */
	struct str accounts_endpoint; /* empty = none */
	struct str category_endpoint; /* empty = none */
	size_t max_reply_bytes;
	uint32_t usual_wait_ms; /* what a source may be expected to answer within */
	struct str api_key;     /* sent as X-API-Key when not empty, but not to category_endpoint */
	struct loop *loop;
	struct stored_cache *cache;       /* NULL = nothing is kept */
	struct stored_database *database; /* NULL = none */
	struct metrics *metrics;          /* NULL = nobody counts; else pbs/metrics.h */
};

/* Where the files of each kind are: <dir>/{stored_requests,stored_imps,stored_responses,accounts}/<id>.{json,yaml}, and
 * category mappings (category_files.h). NULL = that kind has none; borrowed. */
struct stored_dirs {
	const char *of[STORED_KINDS];
};

/* A missing folder is an empty one. Errors: NULL with file and line when a file cannot be read or parsed. */
struct stored_files *stored_files_load(const struct stored_dirs *dirs, struct errtext *why);
void stored_files_free(struct stored_files *f); /* gives the maker's reference back */
/* Hands the maker's reference to the slot; what readers still hold lives until they move on. */
void stored_files_publish(struct snapshot_slot *slot, struct stored_files *f);
const struct stored_files *stored_files_of(struct snapshot *s);        /* NULL for NULL */
const struct stored_files *stored_files_view(struct snapshot_view *v); /* lent until the view's next use */
json_t *stored_files_find(const struct stored_files *f, enum stored_kind kind, struct str id); /* lent */
/* What differs from `old` is no longer to be answered from the cache. NULL is fine for `old`. */
void stored_files_refresh(const struct stored_files *f, const struct stored_files *old,
			  struct stored_cache *c);
size_t stored_files_count(const struct stored_files *f, enum stored_kind kind);

struct stored *stored_new(struct http_client *http, const struct stored_options *opt);
void stored_free(struct stored *s);

/* True: everything was answered at once and `done` will not come. False: `done` comes once, from the loop. */
bool stored_fetch(struct stored *s, struct stored_lookup *l, uint32_t timeout_ms);

#endif
