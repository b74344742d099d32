/* Where IDR keeps what it must not forget: the journal of auctions, roll-ups of it, and small documents
 * (settings, floors, stored requests) with every version they had.
 *
 * One vtable, two makers: sqlite_store_new() for the product, memory_store_new() for tests and for machines
 * without a disk. Both pass the same test file.
 *
 * Threads  a store is used by one thread at a time: its keeper (keeper.h). Calls block.
 * Errors   ERR_UNAVAILABLE with `why` when the disk is full or cannot be written: nothing of the call
 * happened, the store stays usable and the next call tries again. ERR_INTERNAL for anything else of that
 * kind.
 */
#ifndef IDR_STORE_STORE_H
#define IDR_STORE_STORE_H

#include <stdint.h>

#include "common/errtext.h"
#include "idr/store/event.h"
#include "idr/store/floor_history.h"
#include "idr/store/rollup.h"

struct store;

struct stats_query {
	struct str publisher; /* "" = all of them together */
	enum rollup_dim dim;
	enum rollup_step step;
	int64_t from_ms, to_ms; /* hours or days that begin in [from, to) */
};

/* A document: JSON text under (kind, key). Versions count from 1 per key; a deleted one has no body. */
struct store_doc {
	struct str kind, key, body;
	int64_t version, updated_ms;
	struct str actor;
	struct str address; /* from where the actor asked, for the audit; of no document that is read */
	bool deleted;
};

/* Something that was done, or was refused. */
struct store_audit {
	int64_t id, at_ms;
	struct str who, address;
	struct str action;     /* "login", "logout", "floors.put", "settings.delete"… */
	struct str object;     /* what it was done to: a publisher, a session, a path */
	int64_t before, after; /* versions of a document; 0 = there was none, or it is none */
	struct str outcome;    /* AUDIT_OK, or why not */
};
#define AUDIT_OK STR("ok")

struct audit_query {
	int64_t since_ms;  /* at this time or later */
	int64_t before_id; /* 0 = from the newest on */
	size_t limit;
};

typedef int store_event_fn(void *arg, const struct event *e); /* non-zero ends the walk and is returned */
typedef void store_stats_fn(void *arg, int64_t at_ms, struct str key, const struct cell *c);
typedef void store_doc_fn(void *arg, const struct store_doc *d);
typedef void store_audit_fn(void *arg, const struct store_audit *a);
typedef void store_name_fn(void *arg, struct str name, int64_t first_ms, int64_t last_ms);

struct store_totals {
	int64_t store_id;  /* random, made with the store */
	int64_t newest_ms; /* the latest time of any event */
	int64_t last_seq, bytes, free_bytes;
};

struct store_ops {
	const char *name;
	void (*free)(struct store *s);

	/* Records the events in order and durably, all or none. Writes seq and duplicate of each: one that
	 * was recorded before (same auction_id and ts) is a duplicate, keeps its first number and changes
	 * nothing. Borrows everything. */
	int (*append)(struct store *s, struct event *const *events, size_t n, struct errtext *why);
	/* Lends every event with seq > after_seq to `each`, in order. */
	int (*replay)(struct store *s, int64_t after_seq, store_event_fn *each, void *arg,
		      struct errtext *why);

	/* The number behind which about so many of the newest bidder rows lie; 0 = all of them. */
	int64_t (*tail)(struct store *s, size_t rows);

	/* Lends the rows of a query in order of time; what was appended before the call is in them. */
	int (*stats)(struct store *s, const struct stats_query *q, store_stats_fn *each, void *arg,
		     struct errtext *why);
	int (*publishers)(struct store *s, store_name_fn *each, void *arg, struct errtext *why);
	/* Lends what is known of the prices of days that begin in [from, to), per publisher and cell. */
	int (*floor_history)(struct store *s, struct str publisher, int64_t from_ms, int64_t to_ms,
			     floor_cell_fn *each, void *arg, struct errtext *why);

	/* body "" deletes. Writes the audit of it too, both or none. ret_version may be NULL. */
	int (*doc_put)(struct store *s, const struct store_doc *d, int64_t *ret_version, struct errtext *why);
	/* The live document of each key of a kind, in order of key; `key` "" = all of them, else that one. */
	int (*docs)(struct store *s, struct str kind, struct str key, store_doc_fn *each, void *arg,
		    struct errtext *why);
	/* Every version, newest first. */
	int (*doc_history)(struct store *s, struct str kind, struct str key, store_doc_fn *each, void *arg,
			   struct errtext *why);

	/* What no document tells; the id is given. */
	int (*audit_add)(struct store *s, const struct store_audit *a, struct errtext *why);
	/* Newest first. */
	int (*audit)(struct store *s, const struct audit_query *q, store_audit_fn *each, void *arg,
		     struct errtext *why);
	/* Drops a bounded piece of what is older than before_ms, and of refusals beyond the newest `refused`: whoever
	 * guesses passwords must not push out what administrators did. */
	int (*audit_drop)(struct store *s, int64_t before_ms, size_t refused, struct errtext *why);

	/* Periodic work, a bounded piece per call: writes roll-ups out, drops raw events older than
	 * raw_before_ms and hourly roll-ups older than hourly_before_ms, gives space back. True in *ret_more
	 * when there is more to do at once. */
	int (*maintain)(struct store *s, int64_t raw_before_ms, int64_t hourly_before_ms, bool *ret_more,
			struct errtext *why);
	void (*totals)(struct store *s, struct store_totals *ret_t);
};

struct store {
	const struct store_ops *ops;
};

/* The action that putting `d` is in the audit: "floors.put". */
enum { STORE_ACTION_BYTES = 64 };
struct str store_doc_action(const struct store_doc *d, char text[STORE_ACTION_BYTES]);

static inline struct store *store_free(struct store *s)
{
	if (s)
		s->ops->free(s);
	return NULL;
}

struct sqlite_store_options {
	const char *path;
	bool full_sync; /* fsync each commit: also safe against loss of power, not only against kill -9 */
};

struct store *sqlite_store_new(const struct sqlite_store_options *opt, struct errtext *why);
/* Whether that would open `path`, also while somebody has it open; writes nothing. */
int sqlite_store_check(const char *path, struct errtext *why);
struct store *memory_store_new(void);

#endif
