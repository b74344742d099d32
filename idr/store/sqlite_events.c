/* The journal: writing auctions, and reading them back in the order of their numbers. */
#include <stdlib.h>

#include "common/err.h"
#include "common/mem.h"
#include "idr/store/context_bytes.h"
#include "idr/store/sqlite.h"

enum {
	PENDING_MAX =
		4000 /* roll-up rows in memory before they are written: few, so that no reader waits for many */
};

static int64_t auction_key(const struct event *e)
{
	return (e->ts_ms / 3600000) << 40 | (int64_t)(str_hash(e->auction_id) & 0xffffffffff);
}

static void bind_name(struct sqlite_store *s, sqlite3_stmt *st, int at, struct str name)
{
	uint32_t id = names_id(&s->names, name);

	if (id)
		sqlite3_bind_int64(st, at, id);
	else
		sqlite3_bind_null(st, at);
}

/* Zero says as much as NULL and takes no space as NULL. */
static void bind_real(sqlite3_stmt *st, int at, float v, bool told)
{
	if (told)
		sqlite3_bind_double(st, at, (double)v);
	else
		sqlite3_bind_null(st, at);
}

static int find_duplicate(struct sqlite_store *s, struct event *e, struct errtext *why)
{
	sqlite3_stmt *st = sqlite_statement(s, ST_FIND_AUCTION, why);
	int rc;

	if (!st)
		return ERR_UNAVAILABLE;
	sqlite3_bind_int64(st, 1, auction_key(e));
	bind_str(st, 2, e->auction_id);
	sqlite3_bind_int64(st, 3, e->ts_ms);
	rc = sqlite3_step(st);
	e->duplicate = rc == SQLITE_ROW;
	if (e->duplicate)
		e->seq = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : sqlite_error(s, "looking for a duplicate", why);
}

static int add_auction(struct sqlite_store *s, const struct event *e, struct errtext *why)
{
	sqlite3_stmt *st = sqlite_statement(s, ST_ADD_AUCTION, why);
	unsigned char context[CONTEXT_BYTES];
	const struct str names[] = { e->publisher, e->country, e->device,  e->format,
				     e->size,      e->os,      e->browser, e->mode };

	if (!st)
		return ERR_UNAVAILABLE;
	sqlite3_bind_int64(st, 1, e->seq);
	sqlite3_bind_int64(st, 2, auction_key(e));
	bind_str(st, 3, e->auction_id);
	sqlite3_bind_int64(st, 4, e->ts_ms);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		bind_name(s, st, 5 + (int)i, names[i]);
	sqlite3_bind_int(st, 13, e->group);
	sqlite3_bind_int(st, 14, e->total_configured);
	bind_real(st, 15, e->ctx.floor_usd, e->ctx.floor_usd > 0);
	sqlite3_bind_blob(st, 16, context, (int)context_write(&e->ctx, context), SQLITE_STATIC);
	if (e->floors)
		sqlite3_bind_int(st, 17, e->floors);
	else
		sqlite3_bind_null(st, 17);
	return sqlite_run(s, st, "recording an auction", why);
}

static int add_bidder(struct sqlite_store *s, const struct event *e, size_t pos, struct errtext *why)
{
	const struct event_bidder *b = &e->bidders[pos];
	sqlite3_stmt *st = sqlite_statement(s, ST_ADD_BIDDER, why);

	if (!st)
		return ERR_UNAVAILABLE;
	sqlite3_bind_int64(st, 1, e->seq);
	sqlite3_bind_int64(st, 2, (int64_t)pos);
	bind_name(s, st, 3, b->code);
	sqlite3_bind_int(st, 4, b->status);
	sqlite3_bind_int(st, 5, b->selected);
	bind_real(st, 6, b->latency_ms, b->latency_ms >= 0);
	sqlite3_bind_int(st, 7, b->bids);
	sqlite3_bind_int(st, 8, b->wins);
	bind_real(st, 9, b->cpm_usd, b->cpm_usd > 0);
	bind_real(st, 10, b->revenue_usd, b->revenue_usd > 0);
	bind_real(st, 11, b->score, b->score >= 0);
	return sqlite_run(s, st, "recording a bidder", why);
}

static int add_event(struct sqlite_store *s, struct event *e, int64_t seq, struct errtext *why)
{
	sqlite3_stmt *st;
	int err;

	e->seq = seq;
	err = add_auction(s, e, why);
	for (size_t i = 0; i < e->n_bidders && !err; i++)
		err = add_bidder(s, e, i, why);
	if (err || !(st = sqlite_statement(s, ST_SEE_PUBLISHER, why)))
		return err ? err : ERR_UNAVAILABLE;
	sqlite3_bind_int64(st, 1, names_id(&s->names, e->publisher));
	sqlite3_bind_int64(st, 2, e->ts_ms);
	return sqlite_run(s, st, "recording a publisher", why);
}

static int set_meta(struct sqlite_store *s, const char *key, int64_t value, struct errtext *why)
{
	sqlite3_stmt *st = sqlite_statement(s, ST_META_SET, why);

	if (!st)
		return ERR_UNAVAILABLE;
	bind_str(st, 1, str_of(key));
	sqlite3_bind_int64(st, 2, value);
	return sqlite_run(s, st, key, why);
}

int sqlite_append(struct store *base, struct event *const *events, size_t n, struct errtext *why)
{
	struct sqlite_store *s = container_of(base, struct sqlite_store, base);
	int64_t seq = s->last_seq, newest_ms = s->newest_ms;
	int err = sqlite_begin(s, why);

	if (err)
		return err;
	for (size_t i = 0; i < n && !err; i++) {
		err = find_duplicate(s, events[i], why);
		if (!err && !events[i]->duplicate)
			err = add_event(s, events[i], ++seq, why);
		if (events[i]->ts_ms > newest_ms)
			newest_ms = events[i]->ts_ms;
	}
	if (!err && seq != s->last_seq)
		err = set_meta(s, "last_seq", seq, why);
	if (!err && newest_ms != s->newest_ms)
		err = set_meta(s, "newest_ms", newest_ms, why);
	err = sqlite_end(s, err, why);
	if (err)
		return err;
	s->last_seq = seq;
	s->newest_ms = newest_ms;
	for (size_t i = 0; i < n; i++)
		if (!events[i]->duplicate) {
			rollup_add(&s->rollup, &s->names, events[i]);
			floor_map_add(&s->floors, &s->names, events[i]);
		}
	/* The events are safe; sums that cannot be written now are written later. */
	if (s->rollup.n > PENDING_MAX)
		(void)sqlite_flush(s, NULL);
	return 0;
}

static struct str name_at(const struct sqlite_store *s, sqlite3_stmt *st, int column)
{
	return names_text(&s->names, (uint32_t)sqlite3_column_int64(st, column));
}

static float real_or(sqlite3_stmt *st, int column, float missing)
{
	return sqlite3_column_type(st, column) == SQLITE_NULL ? missing
							      : (float)sqlite3_column_double(st, column);
}

/* Reads the rows of e->seq from the second cursor, which stands on its next row (*row tells whether it does).
 */
static size_t read_bidders(struct sqlite_store *s, sqlite3_stmt *st, int *rc, int64_t seq,
			   struct event_bidder *bidders)
{
	size_t n = 0;

	for (; *rc == SQLITE_ROW && sqlite3_column_int64(st, 0) <= seq; *rc = sqlite3_step(st)) {
		if (sqlite3_column_int64(st, 0) < seq || n == EVENT_BIDDERS)
			continue;
		bidders[n++] = (struct event_bidder){
			.code = name_at(s, st, 1),
			.status = (uint8_t)sqlite3_column_int(st, 2),
			.selected = sqlite3_column_int(st, 3) != 0,
			.latency_ms = real_or(st, 4, -1),
			.bids = (uint16_t)sqlite3_column_int(st, 5),
			.wins = (uint16_t)sqlite3_column_int(st, 6),
			.cpm_usd = real_or(st, 7, 0),
			.revenue_usd = real_or(st, 8, 0),
			.score = real_or(st, 9, -1),
		};
	}
	return n;
}

static void read_auction(struct sqlite_store *s, sqlite3_stmt *st, struct event *e)
{
	*e = (struct event){
		.seq = sqlite3_column_int64(st, 0),
		.auction_id = column_str(st, 1),
		.ts_ms = sqlite3_column_int64(st, 2),
		.publisher = name_at(s, st, 3),
		.country = name_at(s, st, 4),
		.device = name_at(s, st, 5),
		.format = name_at(s, st, 6),
		.size = name_at(s, st, 7),
		.os = name_at(s, st, 8),
		.browser = name_at(s, st, 9),
		.mode = name_at(s, st, 10),
		.group = (uint8_t)sqlite3_column_int(st, 11),
		.total_configured = (uint16_t)sqlite3_column_int(st, 12),
	};
	if (e->group >= EVENT_GROUPS)
		e->group = GROUP_ROUTED;
	e->floors = (uint8_t)sqlite3_column_int(st, 14);
	if (e->floors >= EVENT_FLOORS)
		e->floors = FLOORS_NO_LOT;
	/* A context of an unknown version leaves the event for the statistics, not for learning. */
	(void)context_parse(sqlite3_column_blob(st, 13), (size_t)sqlite3_column_bytes(st, 13), &e->ctx);
}

int sqlite_replay(struct store *base, int64_t after_seq, store_event_fn *each, void *arg, struct errtext *why)
{
	struct sqlite_store *s = container_of(base, struct sqlite_store, base);
	sqlite3_stmt *auctions = sqlite_statement(s, ST_READ_AUCTIONS, why);
	sqlite3_stmt *rows = sqlite_statement(s, ST_READ_BIDDERS, why);
	struct event_bidder *bidders;
	int err = 0, rc = SQLITE_DONE, rows_rc;

	if (!auctions || !rows)
		return ERR_UNAVAILABLE;
	bidders = xcalloc(EVENT_BIDDERS, sizeof *bidders);
	sqlite3_bind_int64(auctions, 1, after_seq);
	sqlite3_bind_int64(rows, 1, after_seq);
	rows_rc = sqlite3_step(rows);
	while (!err && (rc = sqlite3_step(auctions)) == SQLITE_ROW) {
		struct event e;

		read_auction(s, auctions, &e);
		e.bidders = bidders;
		e.n_bidders = read_bidders(s, rows, &rows_rc, e.seq, bidders);
		err = each(arg, &e);
	}
	if (!err && (rc != SQLITE_DONE || (rows_rc != SQLITE_ROW && rows_rc != SQLITE_DONE)))
		err = sqlite_error(s, "reading the journal", why);
	sqlite3_reset(auctions);
	sqlite3_reset(rows);
	free(bidders);
	return err;
}

/* Rows per auction are those of the newest ones: counting all of them would take as long as reading them. */
int64_t sqlite_tail(struct store *base, size_t rows)
{
	enum { SAMPLE = 2000 };
	struct sqlite_store *s = container_of(base, struct sqlite_store, base);
	sqlite3_stmt *st = sqlite_statement(s, ST_COUNT_ROWS, NULL);
	int64_t sampled = s->last_seq < SAMPLE ? s->last_seq : SAMPLE, found = 0, events;

	if (!st || sampled == 0)
		return 0;
	sqlite3_bind_int64(st, 1, s->last_seq - sampled);
	if (sqlite3_step(st) == SQLITE_ROW)
		found = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	events = (int64_t)((double)rows * (double)sampled / (double)(found > sampled ? found : sampled));
	return s->last_seq > events ? s->last_seq - events : 0;
}
