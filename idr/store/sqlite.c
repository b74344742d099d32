#include "idr/store/sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/mem.h"
#include "common/path.h"

enum {
	NAMES_MAX = 500000,

	DROP_ROWS = 2000,   /* as the statements say */
	VACUUM_PAGES = 256, /* given back per call of maintain */
	SPARE_PAGES = 256,  /* stay for what comes next, or a sixteenth of the file if that is more */
};

static const char *const statement_sql[] = {
#define X(name, sql) [ST_##name] = sql,
	SQLITE_STATEMENTS(X)
#undef X
};

sqlite3_stmt *sqlite_statement(struct sqlite_store *s, enum sqlite_statement st, struct errtext *why)
{
	if (s->st[st]) {
		sqlite3_reset(s->st[st]);
		return s->st[st];
	}
	if (sqlite3_prepare_v3(s->db, statement_sql[st], -1, SQLITE_PREPARE_PERSISTENT, &s->st[st], NULL) !=
	    SQLITE_OK) {
		sqlite_error(s, statement_sql[st], why);
		return NULL;
	}
	return s->st[st];
}

/* What an operator can cure (space, permissions, a failing disk) is told apart from our own mistakes. */
int sqlite_error(struct sqlite_store *s, const char *doing, struct errtext *why)
{
	switch (sqlite3_errcode(s->db) & 0xff) {
	case SQLITE_FULL: errtext_set(why, "the store's disk is full (%s)", doing); return ERR_UNAVAILABLE;
	case SQLITE_IOERR:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PERM:
		errtext_set(why, "the store cannot be written: %s (%s)", sqlite3_errmsg(s->db), doing);
		return ERR_UNAVAILABLE;
	default: errtext_set(why, "store: %s (%s)", sqlite3_errmsg(s->db), doing); return ERR_INTERNAL;
	}
}

int sqlite_run(struct sqlite_store *s, sqlite3_stmt *st, const char *doing, struct errtext *why)
{
	int rc, err;

	if (!st)
		return ERR_UNAVAILABLE;
	rc = sqlite3_step(st);
	err = rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : sqlite_error(s, doing, why);
	sqlite3_reset(st);
	return err;
}

int sqlite_begin(struct sqlite_store *s, struct errtext *why)
{
	return sqlite_run(s, sqlite_statement(s, ST_BEGIN, why), "begin", why);
}

static int save_names(struct sqlite_store *s, struct errtext *why)
{
	int err = 0;

	for (uint32_t id = s->names_saved; id < s->names.n && !err; id++) {
		sqlite3_stmt *st = sqlite_statement(s, ST_NAME_ADD, why);

		if (!st)
			return ERR_UNAVAILABLE;
		sqlite3_bind_int64(st, 1, id);
		bind_str(st, 2, names_text(&s->names, id));
		err = sqlite_run(s, st, "adding a name", why);
	}
	return err;
}

int sqlite_end(struct sqlite_store *s, int err, struct errtext *why)
{
	if (!err)
		err = save_names(s, why);
	if (!err)
		err = sqlite_run(s, sqlite_statement(s, ST_COMMIT, why), "commit", why);
	if (!err) {
		s->names_saved = s->names.n;
		return 0;
	}
	/* SQLite may have rolled back by itself already. */
	if (!sqlite3_get_autocommit(s->db))
		(void)sqlite_run(s, sqlite_statement(s, ST_ROLLBACK, NULL), "rollback", NULL);
	names_truncate(&s->names, s->names_saved);
	return err;
}

static int load_names(struct sqlite_store *s, struct errtext *why)
{
	sqlite3_stmt *st;
	int rc;

	if (sqlite3_prepare_v2(s->db, "SELECT id, name FROM names ORDER BY id", -1, &st, NULL) != SQLITE_OK)
		return sqlite_error(s, "reading names", why);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		if (names_id(&s->names, column_str(st, 1)) != (uint32_t)sqlite3_column_int64(st, 0)) {
			errtext_set(why, "table names has a hole before id %lld",
				    (long long)sqlite3_column_int64(st, 0));
			sqlite3_finalize(st);
			return ERR_INTERNAL;
		}
	sqlite3_finalize(st);
	s->names_saved = s->names.n;
	return rc == SQLITE_DONE ? 0 : sqlite_error(s, "reading names", why);
}

static int64_t read_number(struct sqlite_store *s, const char *sql)
{
	sqlite3_stmt *st;
	int64_t v = 0;

	if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
		v = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return v;
}

static int add_again(void *arg, const struct event *e)
{
	struct sqlite_store *s = arg;

	rollup_add(&s->rollup, &s->names, e);
	floor_map_add(&s->floors, &s->names, e);
	return 0;
}

static int load_state(struct sqlite_store *s, struct errtext *why)
{
	int64_t kept;
	int err = load_names(s, why);

	if (err)
		return err;
	for (int g = 0; g < EVENT_GROUPS; g++)
		names_id(&s->names, str_of(event_group_name((enum event_group)g)));
	for (int i = FLOORS_NO_LOT + 1; i < EVENT_FLOORS; i++)
		names_id(&s->names, str_of(event_floors_name((enum event_floors)i)));
	/* Retention may have dropped the newest rows too (replayed old events); numbers never come twice. */
	s->last_seq = read_number(s, "SELECT max(seq) FROM routing_decisions");
	kept = read_number(s, "SELECT value FROM meta WHERE key = 'last_seq'");
	if (kept > s->last_seq)
		s->last_seq = kept;
	s->rolled_seq = read_number(s, "SELECT value FROM meta WHERE key = 'rolled_seq'");
	s->newest_ms = read_number(s, "SELECT value FROM meta WHERE key = 'newest_ms'");
	s->store_id = read_number(s, "SELECT value FROM meta WHERE key = 'store_id'");
	return sqlite_replay(&s->base, s->rolled_seq, add_again, s, why);
}

static int sqlite_maintain(struct store *base, int64_t raw_before_ms, int64_t hourly_before_ms,
			   bool *ret_more, struct errtext *why);
static void sqlite_totals(struct store *base, struct store_totals *ret_t);
static void sqlite_free(struct store *base);

static const struct store_ops sqlite_ops = {
	.name = "sqlite",
	.free = sqlite_free,
	.append = sqlite_append,
	.replay = sqlite_replay,
	.tail = sqlite_tail,
	.stats = sqlite_stats,
	.publishers = sqlite_publishers,
	.floor_history = sqlite_floor_history,
	.doc_put = sqlite_doc_put,
	.docs = sqlite_docs,
	.doc_history = sqlite_doc_history,
	.audit_add = sqlite_audit_add,
	.audit = sqlite_audit,
	.audit_drop = sqlite_audit_drop,
	.maintain = sqlite_maintain,
	.totals = sqlite_totals,
};

int sqlite_store_check(const char *path, struct errtext *why)
{
	static const char magic[16] = "SQLite format 3"; /* what every such file begins with */
	FCLOSE_ON_EXIT FILE *f = fopen(path, "re");
	char head[sizeof magic];
	size_t n;

	if (!f && errno == ENOENT)
		return 0; /* it will be made, with its folder */
	if (path_check_file(path, why) < 0)
		return ERR_UNAVAILABLE;
	if (!f) {
		errtext_set(why, "%s: cannot be read", path);
		return ERR_UNAVAILABLE;
	}
	n = fread(head, 1, sizeof head, f);
	if (n == 0 || (n == sizeof head && memcmp(head, magic, sizeof head) == 0))
		return 0;
	errtext_set(why, "%s: not a database; move the file away, or set store.dir (IDR_DATA_DIR)", path);
	return ERR_UNAVAILABLE;
}

struct store *sqlite_store_new(const struct sqlite_store_options *opt, struct errtext *why)
{
	struct sqlite_store *s = xcalloc(1, sizeof *s);
	/* auto_vacuum must come before the first table; the others hold for the connection. */
	const char *pragmas = "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;"
			      "PRAGMA journal_size_limit = 67108864; PRAGMA wal_autocheckpoint = 4000;"
			      "PRAGMA cache_size = -32000; PRAGMA temp_store = MEMORY;"
			      "PRAGMA foreign_keys = OFF;";

	s->base.ops = &sqlite_ops;
	names_init(&s->names, NAMES_MAX);
	s->names_saved = s->names.n;
	if (sqlite3_open_v2(opt->path, &s->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK) {
		errtext_set(why, "%s: %s", opt->path, s->db ? sqlite3_errmsg(s->db) : "out of memory");
		goto fail;
	}
	sqlite3_busy_timeout(s->db, 5000);
	if (sqlite3_exec(s->db, pragmas, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(s->db, opt->full_sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL",
			 NULL, NULL, NULL) != SQLITE_OK) {
		errtext_set(why, "%s: %s", opt->path, sqlite3_errmsg(s->db));
		goto fail;
	}
	if (sqlite_migrate(s->db, why) < 0 || load_state(s, why) < 0) {
		errtext_prefix(why, "%s: ", opt->path);
		goto fail;
	}
	return &s->base;
fail:
	sqlite_free(&s->base);
	return NULL;
}

static void sqlite_free(struct store *base)
{
	struct sqlite_store *s = container_of(base, struct sqlite_store, base);

	if (s->db && s->rollup.n)
		(void)sqlite_flush(s, NULL); /* else the next start adds the events again */
	for (size_t i = 0; i < ST_COUNT; i++)
		sqlite3_finalize(s->st[i]);
	for (size_t i = 0; i < ROLLUP_STEPS; i++) {
		sqlite3_finalize(s->rollup_put[i]);
		sqlite3_finalize(s->rollup_get[i]);
	}
	sqlite3_close(s->db);
	names_deinit(&s->names);
	rollup_deinit(&s->rollup);
	floor_map_deinit(&s->floors);
	free(s);
}

/* Drops up to one piece of auctions that began before `before_ms`. */
static int drop_old(struct sqlite_store *s, int64_t before_ms, bool *ret_more, struct errtext *why)
{
	static const enum sqlite_statement drops[] = { ST_DROP_BIDDERS, ST_DROP_AUCTION };
	int64_t seqs[DROP_ROWS];
	size_t n = 0;
	sqlite3_stmt *st = sqlite_statement(s, ST_OLD_AUCTIONS, why);
	int err = 0;

	if (!st)
		return ERR_UNAVAILABLE;
	sqlite3_bind_int64(st, 1, (before_ms / 3600000) << 40);
	while (n < ARRAY_LEN(seqs) && sqlite3_step(st) == SQLITE_ROW)
		seqs[n++] = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	for (size_t i = 0; i < n && !err; i++)
		for (size_t d = 0; d < ARRAY_LEN(drops) && !err; d++) {
			st = sqlite_statement(s, drops[d], why);
			if (!st)
				return ERR_UNAVAILABLE;
			sqlite3_bind_int64(st, 1, seqs[i]);
			err = sqlite_run(s, st, "dropping old events", why);
		}
	*ret_more = n == ARRAY_LEN(seqs);
	return err;
}

/* A piece of what is before `before`, unless that is known to be gone; *done moves there when it was the last. */
static int drop_by_time(struct sqlite_store *s, enum sqlite_statement which, int64_t before, int64_t *done,
			bool *ret_more, struct errtext *why)
{
	sqlite3_stmt *st;
	int err;

	if (before <= *done)
		return 0;
	if (!(st = sqlite_statement(s, which, why)))
		return ERR_UNAVAILABLE;
	sqlite3_bind_int64(st, 1, before);
	err = sqlite_run(s, st, "dropping old roll-ups", why);
	if (!err && sqlite3_changes(s->db) == DROP_ROWS)
		*ret_more = true;
	else if (!err)
		*done = before;
	return err;
}

/* A piece of what is free beyond the spare goes back to the file system; writers wait for no more than that. */
static int give_back(struct sqlite_store *s, bool *ret_more, struct errtext *why)
{
	int64_t spare = read_number(s, "PRAGMA page_count") / 16;
	int64_t unused = read_number(s, "PRAGMA freelist_count");
	char sql[64];

	if (unused <= (spare > SPARE_PAGES ? spare : SPARE_PAGES))
		return 0;
	snprintf(sql, sizeof sql, "PRAGMA incremental_vacuum(%d)", VACUUM_PAGES);
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return sqlite_error(s, "giving space back", why);
	*ret_more = true;
	return 0;
}

static int sqlite_maintain(struct store *base, int64_t raw_before_ms, int64_t hourly_before_ms,
			   bool *ret_more, struct errtext *why)
{
	struct sqlite_store *s = container_of(base, struct sqlite_store, base);
	bool more = false;
	int err = sqlite_flush(s, why);

	if (err || (err = sqlite_begin(s, why)))
		return err;
	err = drop_old(s, raw_before_ms, &more, why);
	if (!err)
		err = drop_by_time(s, ST_DROP_HOURS, hourly_before_ms / 3600000, &s->hours_dropped, &more,
				   why);
	if (!err)
		err = drop_by_time(s, ST_DROP_FLOORS, raw_before_ms / 86400000, &s->floors_dropped, &more,
				   why);
	err = sqlite_end(s, err, why);
	if (!err)
		err = give_back(s, &more, why);
	*ret_more = !err && more;
	return err;
}

static void sqlite_totals(struct store *base, struct store_totals *ret_t)
{
	struct sqlite_store *s = container_of(base, struct sqlite_store, base);
	int64_t page = read_number(s, "PRAGMA page_size");

	*ret_t = (struct store_totals){
		.store_id = s->store_id,
		.last_seq = s->last_seq,
		.newest_ms = s->newest_ms,
		.bytes = page * read_number(s, "PRAGMA page_count"),
		.free_bytes = page * read_number(s, "PRAGMA freelist_count"),
	};
}
