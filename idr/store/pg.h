/* The product's schema in PostgreSQL, and writing into it. Calls block.
 *
 * PostgreSQL 13 or newer. Roll-ups are kept up by whoever inserts, in every tier. Raw tables are partitioned by day, and
 * retention drops whole partitions; where the extension timescaledb was there when the tables were made they are
 * hypertables with chunks instead, and compressed where its licence allows it.
 * Errors  ERR_UNREACHABLE or ERR_UPSTREAM with `why` in the server's words; the transaction is then undone.
 */
#ifndef IDR_STORE_PG_H
#define IDR_STORE_PG_H

#include <libpq-fe.h>

#include "common/buf.h"
#include "common/errtext.h"
#include "idr/store/event.h"

/* Rows of a piece of the journal in COPY's text form. */
enum { PG_PIECE_DAYS = 200 };
struct pg_piece {
	struct buf auctions, bidders;
	int64_t day[PG_PIECE_DAYS]; /* on which its events lie, since 1970 */
	size_t days;
	int64_t last_seq;
	size_t events;
};
void pg_piece_init(struct pg_piece *p);
void pg_piece_deinit(struct pg_piece *p);
void pg_piece_clear(struct pg_piece *p);
/* False, and nothing is added, when it is of one day too many: the piece is full. */
bool pg_piece_add(struct pg_piece *p, int64_t store_id, const struct event *e);

typedef void pg_event_fn(void *arg, const struct event *e);

enum pg_tier { PG_PLAIN, PG_TIMESCALE_APACHE, PG_TIMESCALE, PG_TIERS };
const char *pg_tier_name(enum pg_tier tier);

struct pg_schema {
	enum pg_tier tier;
	int64_t before, after; /* the schema's version */
};
/* Brings the schema to the newest version, in one transaction; several may try at the same time. */
int pg_migrate(PGconn *c, struct pg_schema *ret_s, struct errtext *why);
/* The last event of this store that is in the database; 0 for none. */
int pg_position(PGconn *c, int64_t store_id, int64_t *ret_seq, struct errtext *why);
/* Writes the piece if the database is still where it was (`after_seq`). */
int pg_write(PGconn *c, int64_t store_id, int64_t after_seq, const struct pg_piece *p, struct errtext *why);
/* Raw rows of days before the one, and hourly roll-ups before the other; daily ones stay. */
int pg_drop_before(PGconn *c, int64_t raw_before_ms, int64_t hourly_before_ms, struct errtext *why);

/* Lends what other machines recorded, in order of time: of each the last events, together about max_events. What the model
 * learns from is filled in; texts and rows are valid during the call. */
int pg_history(PGconn *c, int64_t except_store, uint32_t max_events, pg_event_fn *each, void *arg,
	       struct errtext *why);

#endif
