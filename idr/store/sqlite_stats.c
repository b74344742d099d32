/* Roll-ups and price history: merged in on flush, read back as cells. */
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/mem.h"
#include "idr/store/sqlite.h"

#define COLUMN(name)       "," #name
#define LATENCY_COLUMN(ms) ",latency_" #ms
#define PLUS(name)         "," #name "=" #name "+excluded." #name
#define LATENCY_PLUS(ms)   PLUS(latency_##ms)
#define MARK(name)         ",?"
#define ALL_COLUMNS        CELL_COUNTS(COLUMN) CELL_SUMS(COLUMN) CELL_BUCKETS(LATENCY_COLUMN) ",latency_more"
#define ALL_MARKS          CELL_COUNTS(MARK) CELL_SUMS(MARK) CELL_BUCKETS(MARK) ",?"
#define ALL_PLUS           CELL_COUNTS(PLUS) CELL_SUMS(PLUS) CELL_BUCKETS(LATENCY_PLUS) PLUS(latency_more)

/* The first update has no comma before it: the key updates itself. */
#define PUT_SQL                                                                                              \
	"INSERT INTO %s(publisher,dim,at,key" ALL_COLUMNS ") VALUES(?,?,?,?" ALL_MARKS                       \
	") ON CONFLICT(publisher,dim,at,key) DO UPDATE SET key=key" ALL_PLUS
#define GET_SQL                                                                                              \
	"SELECT at,key" ALL_COLUMNS                                                                          \
	" FROM %s WHERE publisher=?1 AND dim=?2 AND at>=?3 AND at<?4 ORDER BY at,key"

static sqlite3_stmt *prepare(struct sqlite_store *s, sqlite3_stmt **st, const char *format,
			     enum rollup_step step, struct errtext *why)
{
	char *sql;

	if (*st) {
		sqlite3_reset(*st);
		return *st;
	}
	sql = sqlite3_mprintf(format, sqlite_rollup_tables[step]);
	if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, st, NULL) != SQLITE_OK)
		(void)sqlite_error(s, "preparing a roll-up", why);
	sqlite3_free(sql);
	return *st;
}

static int put_row(struct sqlite_store *s, const struct rollup_row *row, struct errtext *why)
{
	enum rollup_step step = (enum rollup_step)row->k.step;
	sqlite3_stmt *st = prepare(s, &s->rollup_put[step], PUT_SQL, step, why);
	int at = 0;

	if (!st)
		return ERR_UNAVAILABLE;
	sqlite3_bind_int64(st, ++at, row->k.publisher);
	sqlite3_bind_int64(st, ++at, row->k.dim);
	sqlite3_bind_int64(st, ++at, row->k.at);
	sqlite3_bind_int64(st, ++at, row->k.key);
#define X(name) sqlite3_bind_int64(st, ++at, row->c.name);
	CELL_COUNTS(X)
#undef X
#define X(name) sqlite3_bind_double(st, ++at, row->c.name);
	CELL_SUMS(X)
#undef X
	for (size_t i = 0; i < CELL_LATENCY_BUCKETS; i++)
		sqlite3_bind_int64(st, ++at, row->c.latency[i]);
	return sqlite_run(s, st, "writing a roll-up", why);
}

static void bind_floor_key(sqlite3_stmt *st, const struct floor_row *row)
{
	const int64_t key[] = { row->k.publisher, row->k.day,     row->k.format,
				row->k.size,      row->k.country, row->k.device };

	for (size_t i = 0; i < ARRAY_LEN(key); i++)
		sqlite3_bind_int64(st, (int)i + 1, key[i]);
}

static int put_floor(struct sqlite_store *s, const struct floor_row *row, struct errtext *why)
{
	unsigned char bytes[FLOOR_CELL_MAX_BYTES];
	struct floor_cell sum = row->c, kept;
	sqlite3_stmt *st = sqlite_statement(s, ST_FLOOR_GET, why);
	int rc;

	if (!st)
		return ERR_UNAVAILABLE;
	bind_floor_key(st, row);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW &&
	    floor_cell_parse(sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0), &kept))
		floor_cell_add(&sum, &kept);
	sqlite3_reset(st);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return sqlite_error(s, "reading prices", why);
	if (!(st = sqlite_statement(s, ST_FLOOR_PUT, why)))
		return ERR_UNAVAILABLE;
	bind_floor_key(st, row);
	sqlite3_bind_blob(st, 7, bytes, (int)floor_cell_write(&sum, bytes), SQLITE_STATIC);
	return sqlite_run(s, st, "writing prices", why);
}

int sqlite_flush(struct sqlite_store *s, struct errtext *why)
{
	sqlite3_stmt *st;
	int err;

	if (s->rollup.n == 0)
		return 0;
	if ((err = sqlite_begin(s, why)))
		return err;
	for (uint32_t i = 0; i < s->rollup.n && !err; i++)
		err = put_row(s, &s->rollup.row[i], why);
	for (uint32_t i = 0; i < s->floors.n && !err; i++)
		err = put_floor(s, &s->floors.row[i], why);
	if (!err) {
		st = sqlite_statement(s, ST_META_SET, why);
		if (st) {
			bind_str(st, 1, STR("rolled_seq"));
			sqlite3_bind_int64(st, 2, s->last_seq);
		}
		err = sqlite_run(s, st, "rolled_seq", why);
	}
	err = sqlite_end(s, err, why);
	if (err)
		return err;
	s->rolled_seq = s->last_seq;
	rollup_clear(&s->rollup);
	floor_map_clear(&s->floors);
	return 0;
}

static void read_cell(sqlite3_stmt *st, int at, struct cell *c)
{
#define X(name) c->name = sqlite3_column_int64(st, at++);
	CELL_COUNTS(X)
#undef X
#define X(name) c->name = sqlite3_column_double(st, at++);
	CELL_SUMS(X)
#undef X
	for (size_t i = 0; i < CELL_LATENCY_BUCKETS; i++)
		c->latency[i] = sqlite3_column_int64(st, at++);
}

static int64_t round_up(int64_t ms, int64_t step)
{
	return (ms + step - 1) / step;
}

int sqlite_stats(struct store *base, const struct stats_query *q, store_stats_fn *each, void *arg,
		 struct errtext *why)
{
	struct sqlite_store *s = container_of(base, struct sqlite_store, base);
	uint32_t publisher = names_find(&s->names, q->publisher);
	int64_t step_ms = rollup_step_ms(q->step);
	sqlite3_stmt *st;
	int rc, err;

	if (q->publisher.n && !publisher)
		return 0;
	if ((err = sqlite_flush(s, why)))
		return err;
	if (!(st = prepare(s, &s->rollup_get[q->step], GET_SQL, q->step, why)))
		return ERR_UNAVAILABLE;
	sqlite3_bind_int64(st, 1, publisher);
	sqlite3_bind_int64(st, 2, q->dim);
	sqlite3_bind_int64(st, 3, round_up(q->from_ms, step_ms));
	sqlite3_bind_int64(st, 4, round_up(q->to_ms, step_ms));
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct cell c;

		read_cell(st, 2, &c);
		each(arg, sqlite3_column_int64(st, 0) * step_ms,
		     names_text(&s->names, (uint32_t)sqlite3_column_int64(st, 1)), &c);
	}
	err = rc == SQLITE_DONE ? 0 : sqlite_error(s, "reading roll-ups", why);
	sqlite3_reset(st);
	return err;
}

int sqlite_publishers(struct store *base, store_name_fn *each, void *arg, struct errtext *why)
{
	struct sqlite_store *s = container_of(base, struct sqlite_store, base);
	sqlite3_stmt *st = sqlite_statement(s, ST_PUBLISHERS, why);
	int rc;

	if (!st)
		return ERR_UNAVAILABLE;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		each(arg, column_str(st, 0), sqlite3_column_int64(st, 1), sqlite3_column_int64(st, 2));
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? 0 : sqlite_error(s, "reading publishers", why);
}

int sqlite_floor_history(struct store *base, struct str publisher, int64_t from_ms, int64_t to_ms,
			 floor_cell_fn *each, void *arg, struct errtext *why)
{
	struct sqlite_store *s = container_of(base, struct sqlite_store, base);
	uint32_t id = names_find(&s->names, publisher);
	sqlite3_stmt *st;
	int rc, err;

	if (!id)
		return 0;
	if ((err = sqlite_flush(s, why)))
		return err;
	if (!(st = sqlite_statement(s, ST_FLOOR_READ, why)))
		return ERR_UNAVAILABLE;
	sqlite3_bind_int64(st, 1, id);
	sqlite3_bind_int64(st, 2, round_up(from_ms, 86400000));
	sqlite3_bind_int64(st, 3, round_up(to_ms, 86400000));
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct floor_cell c;
		struct str name[4];

		for (int i = 0; i < 4; i++)
			name[i] = names_text(&s->names, (uint32_t)sqlite3_column_int64(st, i));
		if (floor_cell_parse(sqlite3_column_blob(st, 4), (size_t)sqlite3_column_bytes(st, 4), &c))
			each(arg, &(struct floor_key){ name[0], name[1], name[2], name[3] }, &c);
	}
	err = rc == SQLITE_DONE ? 0 : sqlite_error(s, "reading prices", why);
	sqlite3_reset(st);
	return err;
}
