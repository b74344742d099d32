/* Numbered migrations. One that was released is never edited: a change is a new one at the end, written so
 * that the program before it can still run against the result (columns are added, never renamed). */
#include <string.h>

#include "common/err.h"
#include "common/mem.h"
#include "idr/store/sqlite.h"

#define COUNT_COLUMN(name) " " #name " INTEGER NOT NULL DEFAULT 0,"
#define SUM_COLUMN(name)   " " #name " REAL NOT NULL DEFAULT 0,"
#define LATENCY_COLUMN(ms) " latency_" #ms " INTEGER NOT NULL DEFAULT 0,"

#define ROLLUP_TABLE(table)                                                                                  \
	"CREATE TABLE " table "(publisher INTEGER NOT NULL, dim INTEGER NOT NULL, at INTEGER NOT NULL,"      \
	" key INTEGER NOT NULL," CELL_COUNTS_1(COUNT_COLUMN) CELL_SUMS_1(SUM_COLUMN)                         \
		CELL_BUCKETS(LATENCY_COLUMN) " latency_more INTEGER NOT NULL DEFAULT 0,"                     \
					     " PRIMARY KEY(publisher, dim, at, key)) WITHOUT ROWID;"

#define MORE(table, column, type) "ALTER TABLE " table " ADD COLUMN " column " " type " NOT NULL DEFAULT 0;"
#define MORE_COLUMNS(table)                                                                                  \
	MORE(table, "squared", "INTEGER") MORE(table, "called_sq", "REAL") MORE(table, "latency_sq", "REAL")

static const char *const migrations[] = {
	/* 1 */
	"CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;"
	"INSERT INTO meta VALUES('store_id', random());"
	"CREATE TABLE names(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
	"CREATE TABLE publishers(publisher INTEGER PRIMARY KEY, first_seen_ms INTEGER NOT NULL,"
	" last_seen_ms INTEGER NOT NULL);"
	/* auction_key: hour of ts in the high bits, hash of auction_id in the low 40. New keys land close to
	 * each other in the index, and old auctions are a range of it. */
	"CREATE TABLE routing_decisions(seq INTEGER PRIMARY KEY, auction_key INTEGER NOT NULL,"
	" auction_id TEXT NOT NULL, ts_ms INTEGER NOT NULL, publisher INTEGER NOT NULL, country INTEGER,"
	" device_type INTEGER, ad_format INTEGER, ad_size INTEGER, os INTEGER, browser INTEGER,"
	" routing_mode INTEGER, experiment_group INTEGER, total_configured INTEGER, floor_usd REAL,"
	" context BLOB);"
	"CREATE INDEX routing_decisions_key ON routing_decisions(auction_key);"
	"CREATE TABLE auction_events(seq INTEGER NOT NULL, pos INTEGER NOT NULL, bidder INTEGER NOT NULL,"
	" status INTEGER NOT NULL, was_selected INTEGER NOT NULL, response_time_ms REAL, bids INTEGER,"
	" wins INTEGER, cpm_usd REAL, revenue_usd REAL, routing_score REAL, PRIMARY KEY(seq, pos))"
	" WITHOUT ROWID;" ROLLUP_TABLE("bidder_performance_hourly")
		ROLLUP_TABLE("publisher_stats_daily") "CREATE TABLE floor_history(publisher INTEGER NOT "
						      "NULL, day INTEGER NOT NULL,"
						      " ad_format INTEGER NOT NULL, ad_size INTEGER NOT "
						      "NULL, country INTEGER NOT NULL,"
						      " device_type INTEGER NOT NULL, prices BLOB NOT NULL,"
						      " PRIMARY KEY(publisher, day, ad_format, ad_size, "
						      "country, device_type)) WITHOUT ROWID;"
						      "CREATE TABLE documents(kind TEXT NOT NULL, key TEXT "
						      "NOT NULL, version INTEGER NOT NULL, body TEXT,"
						      " updated_ms INTEGER NOT NULL, actor TEXT NOT NULL, "
						      "PRIMARY KEY(kind, key, version)) WITHOUT ROWID;",
	/* 2: intervals for calls and latency; the experiment with floors */
	MORE_COLUMNS("bidder_performance_hourly") MORE_COLUMNS(
		"publisher_stats_daily") "ALTER TABLE routing_decisions ADD COLUMN floors INTEGER;",
	/* 3: who did what; documents had their own record of it before, which stays beside it */
	"CREATE TABLE audit(id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, who TEXT NOT NULL,"
	" address TEXT NOT NULL, action TEXT NOT NULL, object TEXT NOT NULL, before INTEGER NOT NULL,"
	" after INTEGER NOT NULL, outcome TEXT NOT NULL);"
	"CREATE INDEX audit_at ON audit(at_ms);"
	"CREATE INDEX audit_refused ON audit(id) WHERE outcome <> 'ok';",
};

const char *const sqlite_rollup_tables[ROLLUP_STEPS] = {
	[STEP_HOUR] = "bidder_performance_hourly",
	[STEP_DAY] = "publisher_stats_daily",
};

static int user_version(sqlite3 *db)
{
	sqlite3_stmt *st;
	int version = -1;

	if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		version = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return version;
}

int sqlite_migrate(sqlite3 *db, struct errtext *why)
{
	int have = user_version(db);

	if (have < 0) {
		errtext_set(why, "cannot read the schema's version: %s", sqlite3_errmsg(db));
		return ERR_UNAVAILABLE;
	}
	/* A newer program's additions are no hindrance: everything this one names is still there. */
	for (int v = have; v < (int)ARRAY_LEN(migrations); v++) {
		char *sql = sqlite3_mprintf("BEGIN IMMEDIATE; %s PRAGMA user_version = %d; COMMIT;",
					    migrations[v], v + 1);
		int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

		sqlite3_free(sql);
		if (rc != SQLITE_OK) {
			errtext_set(why, "migration %d: %s", v + 1, sqlite3_errmsg(db));
			sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
			return ERR_UNAVAILABLE;
		}
	}
	return 0;
}
