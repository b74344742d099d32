#include "idr/store/pg.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/err.h"
#include "common/idr_wire.h"
#include "common/mem.h"
#include "idr/store/context_bytes.h"
#include "idr/store/pg_schema.h"

enum { DAY_MS = 86400000, PIECE_MAX_BYTES = 256 << 20 };

#define LATENCY_NAME(ms)  ", latency_le_" #ms
#define LATENCY_COUNT(ms) ", count(*) FILTER (WHERE response_time_ms <= " #ms ")"
#define LATENCY_ADD(ms)   ", latency_le_" #ms " = t.latency_le_" #ms " + excluded.latency_le_" #ms

#define FIGURE_NAMES                                                                                         \
	"configured, called, bids, wins, timeouts, errors, cpm_sum, revenue, latency_count" CELL_BUCKETS(    \
		LATENCY_NAME)
#define FIGURE_VALUES                                                                                        \
	"count(*), count(*) FILTER (WHERE status <> 'not_called'), count(*) FILTER (WHERE status = 'bid'),"  \
	" coalesce(sum(wins), 0), count(*) FILTER (WHERE status = 'timeout'),"                               \
	" count(*) FILTER (WHERE status = 'error'), coalesce(sum(cpm_usd) FILTER (WHERE status = 'bid'), "   \
	"0),"                                                                                                \
	" coalesce(sum(revenue_usd), 0), count(response_time_ms)" CELL_BUCKETS(LATENCY_COUNT)
#define FIGURE_ADDS                                                                                          \
	"configured = t.configured + excluded.configured, called = t.called + excluded.called,"              \
	" bids = t.bids + excluded.bids, wins = t.wins + excluded.wins,"                                     \
	" timeouts = t.timeouts + excluded.timeouts, errors = t.errors + excluded.errors,"                   \
	" cpm_sum = t.cpm_sum + excluded.cpm_sum, revenue = t.revenue + excluded.revenue,"                   \
	" latency_count = t.latency_count + excluded.latency_count" CELL_BUCKETS(LATENCY_ADD)

static const char *const write_steps[] = {
	"INSERT INTO routing_decisions SELECT * FROM stage_auctions",
	"INSERT INTO auction_events SELECT * FROM stage_bidders",
	"INSERT INTO publishers AS t SELECT publisher_id, min(ts), max(ts) FROM stage_auctions GROUP BY 1"
	" ORDER BY 1 ON CONFLICT(publisher_id) DO UPDATE SET"
	" first_seen = least(t.first_seen, excluded.first_seen),"
	" last_seen = greatest(t.last_seen, excluded.last_seen)",
	"INSERT INTO bidder_performance_hourly AS t (hour, publisher_id, bidder_code, country, device_type,"
	" ad_format, " FIGURE_NAMES ") SELECT date_trunc('hour', ts), publisher_id, bidder_code,"
	" coalesce(country, ''), coalesce(device_type, ''), coalesce(ad_format, ''), " FIGURE_VALUES
	" FROM stage_bidders GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6"
	" ON CONFLICT(publisher_id, hour, bidder_code, country, device_type, ad_format) DO UPDATE "
	"SET " FIGURE_ADDS,
	"INSERT INTO publisher_stats_daily AS t (day, publisher_id, " FIGURE_NAMES
	") SELECT (ts AT TIME ZONE 'UTC')::date, publisher_id, " FIGURE_VALUES
	" FROM stage_bidders GROUP BY 1, 2 ORDER BY 1, 2 ON CONFLICT(publisher_id, day) DO UPDATE "
	"SET " FIGURE_ADDS,
	/* Auctions, and bidders that were configured but are not told one by one. */
	"INSERT INTO publisher_stats_daily AS t (day, publisher_id, auctions, configured)"
	" SELECT (a.ts AT TIME ZONE 'UTC')::date, a.publisher_id, count(*),"
	" sum(greatest(a.total_configured - (SELECT count(*) FROM stage_bidders b WHERE b.seq = a.seq), 0))"
	" FROM stage_auctions a GROUP BY 1, 2 ORDER BY 1, 2 ON CONFLICT(publisher_id, day) DO UPDATE SET"
	" auctions = t.auctions + excluded.auctions, configured = t.configured + excluded.configured",
};

/* --- rows as COPY text --- */

void pg_piece_init(struct pg_piece *p)
{
	*p = (struct pg_piece){ 0 };
	buf_init(&p->auctions, PIECE_MAX_BYTES);
	buf_init(&p->bidders, PIECE_MAX_BYTES);
}

void pg_piece_deinit(struct pg_piece *p)
{
	buf_deinit(&p->auctions);
	buf_deinit(&p->bidders);
}

void pg_piece_clear(struct pg_piece *p)
{
	buf_clear(&p->auctions);
	buf_clear(&p->bidders);
	p->last_seq = 0;
	p->events = p->days = 0;
}

static void add_text(struct buf *b, struct str s)
{
	buf_add_c(b, '\t');
	if (s.n == 0) {
		buf_add_z(b, "\\N");
		return;
	}
	for (size_t i = 0; i < s.n; i++) {
		static const char special[] = "\\\t\n\r", letter[] = "\\tnr";
		const char *at = memchr(special, s.p[i], sizeof special - 1);

		if (at)
			buf_add_c(b, '\\');
		buf_add_c(b, at ? letter[at - special] : s.p[i]);
	}
}

static void add_real(struct buf *b, float v, bool told)
{
	if (told)
		buf_addf(b, "\t%.9g", (double)v);
	else
		buf_add_z(b, "\t\\N");
}

static void add_time(struct buf *b, int64_t ms)
{
	time_t at = (time_t)(ms / 1000);
	struct tm tm;
	char text[32];

	gmtime_r(&at, &tm);
	strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
	buf_addf(b, "\t%s.%03d+00", text, (int)(ms % 1000));
}

static void add_bidder(struct buf *b, int64_t store_id, const struct event *e, size_t pos)
{
	const struct event_bidder *x = &e->bidders[pos];

	buf_addf(b, "%lld\t%lld\t%zu", (long long)store_id, (long long)e->seq, pos);
	add_time(b, e->ts_ms);
	add_text(b, e->auction_id);
	add_text(b, e->publisher);
	add_text(b, e->country);
	add_text(b, e->device);
	add_text(b, e->format);
	add_text(b, x->code);
	add_text(b, str_of(idr_status_names[x->status]));
	buf_add_z(b, x->selected ? "\tt" : "\tf");
	add_real(b, x->latency_ms, x->latency_ms >= 0);
	buf_addf(b, "\t%u\t%u", x->bids, x->wins);
	add_real(b, x->cpm_usd, x->cpm_usd > 0);
	add_real(b, x->revenue_usd, x->revenue_usd > 0);
	add_real(b, x->score, x->score >= 0);
	buf_add_c(b, '\n');
}

static bool add_day(struct pg_piece *p, int64_t day)
{
	for (size_t i = p->days; i-- > 0;)
		if (p->day[i] == day)
			return true;
	if (p->days == PG_PIECE_DAYS)
		return false;
	p->day[p->days++] = day;
	return true;
}

static void add_bytes(struct buf *b, const unsigned char *bytes, size_t n)
{
	buf_add_z(b, "\t\\\\x");
	for (size_t i = 0; i < n; i++)
		buf_addf(b, "%02x", bytes[i]);
}

bool pg_piece_add(struct pg_piece *p, int64_t store_id, const struct event *e)
{
	struct buf *b = &p->auctions;
	unsigned char context[CONTEXT_BYTES];
	const struct str texts[] = { e->auction_id, e->publisher,
				     e->country,    e->device,
				     e->format,     e->size,
				     e->os,         e->browser,
				     e->mode,       str_of(event_group_name((enum event_group)e->group)) };

	if (!add_day(p, e->ts_ms / DAY_MS))
		return false;
	buf_addf(b, "%lld\t%lld", (long long)store_id, (long long)e->seq);
	add_time(b, e->ts_ms);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		add_text(b, texts[i]);
	buf_addf(b, "\t%u", e->total_configured);
	add_real(b, e->ctx.floor_usd, e->ctx.floor_usd > 0);
	add_bytes(b, context, context_write(&e->ctx, context));
	add_text(b, str_of(event_floors_name((enum event_floors)e->floors)));
	buf_add_c(b, '\n');
	for (size_t i = 0; i < e->n_bidders; i++)
		add_bidder(&p->bidders, store_id, e, i);
	p->last_seq = e->seq;
	p->events++;
	return true;
}

/* --- talking to the server --- */

int pg_failed(PGconn *c, PGresult *r, const char *doing, struct errtext *why)
{
	const char *text = r ? PQresultErrorMessage(r) : PQerrorMessage(c);

	errtext_set(why, "%s: %.*s", doing, (int)strcspn(text, "\n"), text);
	PQclear(r);
	return PQstatus(c) == CONNECTION_OK ? ERR_UPSTREAM : ERR_UNREACHABLE;
}

int pg_run(PGconn *c, const char *sql, const char *doing, struct errtext *why)
{
	PGresult *r = PQexec(c, sql);
	ExecStatusType st = PQresultStatus(r);

	if (st != PGRES_COMMAND_OK && st != PGRES_TUPLES_OK)
		return pg_failed(c, r, doing, why);
	PQclear(r);
	return 0;
}

int pg_undo(PGconn *c, int err)
{
	if (PQstatus(c) == CONNECTION_OK && PQtransactionStatus(c) != PQTRANS_IDLE)
		(void)pg_run(c, "ROLLBACK", "rollback", NULL);
	return err;
}

int pg_number(PGconn *c, const char *sql, const char *doing, int64_t *ret_v, struct errtext *why)
{
	PGresult *r = PQexec(c, sql);

	if (PQresultStatus(r) != PGRES_TUPLES_OK)
		return pg_failed(c, r, doing, why);
	*ret_v = PQntuples(r) ? strtoll(PQgetvalue(r, 0, 0), NULL, 10) : 0;
	PQclear(r);
	return 0;
}

int pg_position(PGconn *c, int64_t store_id, int64_t *ret_seq, struct errtext *why)
{
	char sql[128];

	snprintf(sql, sizeof sql, "SELECT seq FROM nexus_forwarded WHERE store_id = %lld",
		 (long long)store_id);
	return pg_number(c, sql, "position", ret_seq, why);
}

static void day_text(int64_t ms, bool dashes, char text[32])
{
	time_t at = (time_t)(ms / 1000);
	struct tm tm;

	gmtime_r(&at, &tm);
	if (dashes)
		strftime(text, 32, "%Y-%m-%d", &tm);
	else
		strftime(text, 32, "%Y%m%d", &tm);
}

static int make_partitions(PGconn *c, const struct pg_piece *p, struct errtext *why)
{
	static const char *const tables[] = { "routing_decisions", "auction_events" };
	int64_t partitions;
	int err = pg_has_partitions(c, &partitions, why);

	if (err || !partitions)
		return err;
	for (size_t i = 0; i < p->days && !err; i++)
		for (size_t t = 0; t < ARRAY_LEN(tables) && !err; t++) {
			char name[32], from[32], to[32], sql[256];

			day_text(p->day[i] * DAY_MS, false, name);
			day_text(p->day[i] * DAY_MS, true, from);
			day_text((p->day[i] + 1) * DAY_MS, true, to);
			snprintf(sql, sizeof sql,
				 "CREATE TABLE IF NOT EXISTS %s_%s PARTITION OF %s"
				 " FOR VALUES FROM ('%s 00:00+00') TO ('%s 00:00+00')",
				 tables[t], name, tables[t], from, to);
			err = pg_run(c, sql, "partition", why);
		}
	return err;
}

static int copy_in(PGconn *c, const char *sql, struct str rows, struct errtext *why)
{
	PGresult *r = PQexec(c, sql);

	if (PQresultStatus(r) != PGRES_COPY_IN)
		return pg_failed(c, r, "copy", why);
	PQclear(r);
	for (size_t at = 0; at < rows.n;) {
		size_t n = rows.n - at < 65536 ? rows.n - at : 65536;

		if (PQputCopyData(c, rows.p + at, (int)n) != 1)
			return pg_failed(c, NULL, "copy", why);
		at += n;
	}
	if (PQputCopyEnd(c, NULL) != 1)
		return pg_failed(c, NULL, "copy", why);
	r = PQgetResult(c);
	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		return pg_failed(c, r, "copy", why);
	PQclear(r);
	while ((r = PQgetResult(c)))
		PQclear(r);
	return 0;
}

/* Moves the position; that nobody else did meanwhile is what makes the piece count once. */
static int advance(PGconn *c, int64_t store_id, int64_t after_seq, int64_t seq, struct errtext *why)
{
	char sql[256];
	PGresult *r;

	if (after_seq)
		snprintf(sql, sizeof sql,
			 "UPDATE nexus_forwarded SET seq = %lld, updated_at = now()"
			 " WHERE store_id = %lld AND seq = %lld",
			 (long long)seq, (long long)store_id, (long long)after_seq);
	else
		snprintf(sql, sizeof sql, "INSERT INTO nexus_forwarded(store_id, seq) VALUES(%lld, %lld)",
			 (long long)store_id, (long long)seq);
	r = PQexec(c, sql);
	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		return pg_failed(c, r, "position", why);
	if (strcmp(PQcmdTuples(r), "1") != 0) {
		PQclear(r);
		errtext_set(why, "position: somebody else moved it");
		return ERR_UPSTREAM;
	}
	PQclear(r);
	return 0;
}

static int write_steps_of(PGconn *c, int64_t store_id, int64_t after_seq, const struct pg_piece *p,
			  struct errtext *why)
{
	int err;

	if ((err = pg_run(c, "BEGIN", "begin", why)) ||
	    (err = pg_run(c,
			  "CREATE TEMP TABLE IF NOT EXISTS stage_auctions(" AUCTION_COLUMNS AUCTION_COLUMNS_3
			  ") ON COMMIT DELETE ROWS;"
			  "CREATE TEMP TABLE IF NOT EXISTS stage_bidders(" BIDDER_COLUMNS
			  ") ON COMMIT DELETE ROWS",
			  "staging", why)) ||
	    (err = advance(c, store_id, after_seq, p->last_seq, why)) ||
	    (err = pg_run(c, "SELECT pg_advisory_xact_lock(" SCHEMA_LOCK ")", "lock", why)) ||
	    (err = make_partitions(c, p, why)) ||
	    (err = copy_in(c, "COPY stage_auctions FROM STDIN", buf_str(&p->auctions), why)) ||
	    (err = copy_in(c, "COPY stage_bidders FROM STDIN", buf_str(&p->bidders), why)))
		return err;
	for (size_t i = 0; i < ARRAY_LEN(write_steps) && !err; i++)
		err = pg_run(c, write_steps[i], "insert", why);
	return err ? err : pg_run(c, "COMMIT", "commit", why);
}

int pg_write(PGconn *c, int64_t store_id, int64_t after_seq, const struct pg_piece *p, struct errtext *why)
{
	int err = write_steps_of(c, store_id, after_seq, p, why);

	return err ? pg_undo(c, err) : 0;
}

static int drop_chunks(PGconn *c, int64_t before_ms, struct errtext *why)
{
	char day[32], sql[256];

	day_text(before_ms, true, day);
	snprintf(sql, sizeof sql,
		 "SELECT drop_chunks('routing_decisions', older_than => timestamptz '%s 00:00+00');"
		 "SELECT drop_chunks('auction_events', older_than => timestamptz '%s 00:00+00')",
		 day, day);
	return pg_run(c, sql, "dropping chunks", why);
}

static int drop_partitions(PGconn *c, int64_t before_ms, struct errtext *why)
{
	char day[32], sql[512];
	PGresult *r;
	int err = 0;

	day_text(before_ms, false, day);
	snprintf(sql, sizeof sql,
		 "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p"
		 " ON p.oid = i.inhparent WHERE p.relname IN ('routing_decisions', 'auction_events')"
		 " AND right(c.relname, 8) ~ '^[0-9]{8}$' AND right(c.relname, 8) < '%s'",
		 day);
	r = PQexec(c, sql);
	if (PQresultStatus(r) != PGRES_TUPLES_OK)
		return pg_failed(c, r, "partitions", why);
	for (int i = 0; i < PQntuples(r) && !err; i++) {
		snprintf(sql, sizeof sql, "DROP TABLE IF EXISTS %s", PQgetvalue(r, i, 0));
		err = pg_run(c, sql, "dropping a partition", why);
	}
	PQclear(r);
	return err;
}

int pg_drop_before(PGconn *c, int64_t raw_before_ms, int64_t hourly_before_ms, struct errtext *why)
{
	char day[32], sql[256];
	int64_t partitions;
	int err = pg_has_partitions(c, &partitions, why);

	if (!err)
		err = partitions ? drop_partitions(c, raw_before_ms, why)
				 : drop_chunks(c, raw_before_ms, why);
	if (err)
		return err;
	/* A piece at a time: what is left goes an hour later. */
	day_text(hourly_before_ms, true, day);
	snprintf(sql, sizeof sql,
		 "DELETE FROM bidder_performance_hourly WHERE ctid = ANY(ARRAY(SELECT ctid FROM"
		 " bidder_performance_hourly WHERE hour < timestamptz '%s 00:00+00' LIMIT 20000))",
		 day);
	return pg_run(c, sql, "dropping old roll-ups", why);
}
