/* Shared by the files of the SQLite store; nobody else includes it.
 *
 * Happy path: append runs one transaction over the batch and, once it is committed, adds the events to the
 * roll-ups in memory; those are written by flush, with the number of the last event in them, in a transaction
 * of their own. Failure: any error rolls the transaction back and takes new names back; what is in memory
 * always matches what is committed. After a crash, open adds the events behind the flush again.
 */
#ifndef IDR_STORE_SQLITE_H
#define IDR_STORE_SQLITE_H

#include <sqlite3.h>

#include "idr/store/store.h"

#define SQLITE_STATEMENTS(X)                                                                                        \
	X(BEGIN, "BEGIN IMMEDIATE")                                                                                 \
	X(COMMIT, "COMMIT")                                                                                         \
	X(ROLLBACK, "ROLLBACK")                                                                                     \
	X(NAME_ADD, "INSERT INTO names(id, name) VALUES(?1, ?2)")                                                   \
	X(META_SET, "INSERT INTO meta(key, value) VALUES(?1, ?2)"                                                   \
		    " ON CONFLICT(key) DO UPDATE SET value = excluded.value")                                       \
	X(FIND_AUCTION, "SELECT seq FROM routing_decisions"                                                         \
			" WHERE auction_key = ?1 AND auction_id = ?2 AND ts_ms = ?3")                               \
	X(ADD_AUCTION,                                                                                              \
	  "INSERT INTO routing_decisions(seq, auction_key, auction_id, ts_ms, publisher, country,"                  \
	  " device_type, ad_format, ad_size, os, browser, routing_mode, experiment_group,"                          \
	  " total_configured, floor_usd, context, floors)"                                                          \
	  " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17)")                                    \
	X(ADD_BIDDER, "INSERT INTO auction_events(seq, pos, bidder, status, was_selected, response_time_ms,"        \
		      " bids, wins, cpm_usd, revenue_usd, routing_score)"                                           \
		      " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)")                                                \
	X(SEE_PUBLISHER, "INSERT INTO publishers(publisher, first_seen_ms, last_seen_ms) VALUES(?1, ?2, ?2)"        \
			 " ON CONFLICT(publisher) DO UPDATE SET last_seen_ms = max(last_seen_ms, ?2),"              \
			 " first_seen_ms = min(first_seen_ms, ?2)")                                                 \
	X(READ_AUCTIONS,                                                                                            \
	  "SELECT seq, auction_id, ts_ms, publisher, country, device_type, ad_format, ad_size,"                     \
	  " os, browser, routing_mode, experiment_group, total_configured, context, floors"                         \
	  " FROM routing_decisions WHERE seq > ?1 ORDER BY seq")                                                    \
	X(READ_BIDDERS, "SELECT seq, bidder, status, was_selected, response_time_ms, bids, wins, cpm_usd,"          \
			" revenue_usd, routing_score FROM auction_events WHERE seq > ?1 ORDER BY seq, pos")         \
	X(COUNT_ROWS, "SELECT count(*) FROM auction_events WHERE seq > ?1")                                         \
	X(FLOOR_GET, "SELECT prices FROM floor_history WHERE publisher = ?1 AND day = ?2 AND ad_format = ?3"        \
		     " AND ad_size = ?4 AND country = ?5 AND device_type = ?6")                                     \
	X(FLOOR_PUT, "INSERT OR REPLACE INTO floor_history(publisher, day, ad_format, ad_size, country,"            \
		     " device_type, prices) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)")                                    \
	X(FLOOR_READ, "SELECT ad_format, ad_size, country, device_type, prices FROM floor_history"                  \
		      " WHERE publisher = ?1 AND day >= ?2 AND day < ?3")                                           \
	X(PUBLISHERS, "SELECT n.name, p.first_seen_ms, p.last_seen_ms FROM publishers p"                            \
		      " JOIN names n ON n.id = p.publisher ORDER BY n.name")                                        \
	X(DOC_VERSION, "SELECT max(version) FROM documents WHERE kind = ?1 AND key = ?2")                           \
	X(DOC_ADD, "INSERT INTO documents(kind, key, version, body, updated_ms, actor)"                             \
		   " VALUES(?1, ?2, ?3, ?4, ?5, ?6)")                                                               \
	X(DOC_ALL, "SELECT key, version, body, updated_ms, actor FROM documents d WHERE kind = ?1"                  \
		   " AND version = (SELECT max(version) FROM documents WHERE kind = ?1 AND key = d.key)"            \
		   " AND body IS NOT NULL ORDER BY key")                                                            \
	X(DOC_ONE, "SELECT key, version, body, updated_ms, actor FROM documents WHERE kind = ?1"                    \
		   " AND key = ?2 ORDER BY version DESC LIMIT 1")                                                   \
	X(DOC_HISTORY, "SELECT key, version, body, updated_ms, actor FROM documents"                                \
		       " WHERE kind = ?1 AND key = ?2 ORDER BY version DESC")                                       \
	X(AUDIT_ADD, "INSERT INTO audit(at_ms, who, address, action, object, before, after, outcome)"               \
		     " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")                                                     \
	X(AUDIT_READ, "SELECT id, at_ms, who, address, action, object, before, after, outcome FROM audit"           \
		      " WHERE id < ?1 AND at_ms >= ?2 ORDER BY id DESC LIMIT ?3")                                   \
	X(AUDIT_DROP_OLD,                                                                                           \
	  "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at_ms < ?1 LIMIT 2000)")                       \
	X(AUDIT_DROP_REFUSED, "DELETE FROM audit WHERE outcome <> 'ok' AND id <= (SELECT id FROM audit"             \
			      " WHERE outcome <> 'ok' ORDER BY id DESC LIMIT 1 OFFSET ?1)")                         \
	X(OLD_AUCTIONS, "SELECT seq FROM routing_decisions WHERE auction_key < ?1 LIMIT 2000")                      \
	X(DROP_AUCTION, "DELETE FROM routing_decisions WHERE seq = ?1")                                             \
	X(DROP_BIDDERS, "DELETE FROM auction_events WHERE seq = ?1")                                                \
	/* The keys begin with the publisher: a walk over publishers finds what is old without reading the rest. */ \
	X(DROP_HOURS, "DELETE FROM bidder_performance_hourly WHERE (publisher, dim, at, key) IN"                    \
		      " (SELECT h.publisher, h.dim, h.at, h.key FROM (SELECT publisher FROM publishers"             \
		      " UNION ALL SELECT 0) p CROSS JOIN (VALUES(0),(1),(2),(3),(4),(5),(6)) d"                     \
		      " CROSS JOIN bidder_performance_hourly h WHERE h.publisher = p.publisher"                     \
		      " AND h.dim = d.column1 AND h.at < ?1 LIMIT 2000)")                                           \
	X(DROP_FLOORS, "DELETE FROM floor_history WHERE (publisher, day, ad_format, ad_size, country,"              \
		       " device_type) IN (SELECT f.publisher, f.day, f.ad_format, f.ad_size, f.country,"            \
		       " f.device_type FROM publishers p CROSS JOIN floor_history f"                                \
		       " WHERE f.publisher = p.publisher AND f.day < ?1 LIMIT 2000)")
_Static_assert(ROLLUP_DIMS == 7, "DROP_HOURS names them all");

#define X(name, sql) ST_##name,
enum sqlite_statement { SQLITE_STATEMENTS(X) ST_COUNT };
#undef X

struct sqlite_store {
	struct store base;
	sqlite3 *db;
	sqlite3_stmt *st[ST_COUNT];
	sqlite3_stmt *rollup_put[ROLLUP_STEPS], *rollup_get[ROLLUP_STEPS];
	struct names names;
	uint32_t names_saved; /* ids below are in the database */
	int64_t store_id, last_seq, rolled_seq, newest_ms;
	/* Before which hour and day nothing is left to drop. */
	int64_t hours_dropped, floors_dropped;
	struct rollup rollup;
	struct floor_map floors;
};

extern const char *const sqlite_rollup_tables[ROLLUP_STEPS];

/* Brings the schema to the newest version; fills `why` also when a newer program made the file. */
int sqlite_migrate(sqlite3 *db, struct errtext *why);

/* The prepared statement, reset and unbound; NULL with `why` when it cannot be prepared. */
sqlite3_stmt *sqlite_statement(struct sqlite_store *s, enum sqlite_statement st, struct errtext *why);
int sqlite_error(struct sqlite_store *s, const char *doing, struct errtext *why); /* the enum err to return */
/* Runs a statement that gives no rows. */
int sqlite_run(struct sqlite_store *s, sqlite3_stmt *st, const char *doing, struct errtext *why);
int sqlite_begin(struct sqlite_store *s, struct errtext *why);
/* Commits when err is 0, after writing new names; else rolls back. Returns what became of it. */
int sqlite_end(struct sqlite_store *s, int err, struct errtext *why);

int sqlite_append(struct store *s, struct event *const *events, size_t n, struct errtext *why);
int sqlite_replay(struct store *s, int64_t after_seq, store_event_fn *each, void *arg, struct errtext *why);
int64_t sqlite_tail(struct store *s, size_t rows);
int sqlite_flush(struct sqlite_store *s, struct errtext *why);
int sqlite_stats(struct store *s, const struct stats_query *q, store_stats_fn *each, void *arg,
		 struct errtext *why);
int sqlite_publishers(struct store *s, store_name_fn *each, void *arg, struct errtext *why);
int sqlite_floor_history(struct store *s, struct str publisher, int64_t from_ms, int64_t to_ms,
			 floor_cell_fn *each, void *arg, struct errtext *why);
int sqlite_doc_put(struct store *s, const struct store_doc *d, int64_t *ret_version, struct errtext *why);
int sqlite_docs(struct store *s, struct str kind, struct str key, store_doc_fn *each, void *arg,
		struct errtext *why);
int sqlite_doc_history(struct store *s, struct str kind, struct str key, store_doc_fn *each, void *arg,
		       struct errtext *why);
int sqlite_audit_add(struct store *s, const struct store_audit *a, struct errtext *why);
int sqlite_audit(struct store *s, const struct audit_query *q, store_audit_fn *each, void *arg,
		 struct errtext *why);
int sqlite_audit_drop(struct store *s, int64_t before_ms, size_t refused, struct errtext *why);
/* Within a transaction that is open. */
int sqlite_audit_doc(struct sqlite_store *s, const struct store_doc *d, int64_t before, struct errtext *why);

static inline void bind_str(sqlite3_stmt *st, int at, struct str s)
{
	sqlite3_bind_text(st, at, s.p, (int)s.n, SQLITE_STATIC);
}

static inline struct str column_str(sqlite3_stmt *st, int at)
{
	const char *p = (const char *)sqlite3_column_text(st, at);

	return (struct str){ p ? p : "", (size_t)sqlite3_column_bytes(st, at) };
}

#endif
