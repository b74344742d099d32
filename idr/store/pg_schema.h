/* Shared by the files of the PostgreSQL store; nobody else includes it. */
#ifndef IDR_STORE_PG_SCHEMA_H
#define IDR_STORE_PG_SCHEMA_H

#include "idr/store/cell.h"
#include "idr/store/pg.h"

/* Held while the schema changes and partitions come and go, so that several machines do not race. */
#define SCHEMA_LOCK "7233173040"

#define AUCTION_COLUMNS                                                                                      \
	"store_id bigint NOT NULL, seq bigint NOT NULL, ts timestamptz NOT NULL, auction_id text NOT NULL,"  \
	" publisher_id text NOT NULL, country text, device_type text, ad_format text, ad_size text, os "     \
	"text,"                                                                                              \
	" browser text, routing_mode text, experiment_group text, total_configured integer,"                 \
	" floor_usd real"
/* Of migration 3: what the model learns from, for machines that start cold; and the experiment with floors. */
#define AUCTION_COLUMNS_3 ", context bytea, floors text"
#define BIDDER_COLUMNS                                                                                       \
	"store_id bigint NOT NULL, seq bigint NOT NULL, pos integer NOT NULL, ts timestamptz NOT NULL,"      \
	" auction_id text NOT NULL, publisher_id text NOT NULL, country text, device_type text,"             \
	" ad_format text, bidder_code text NOT NULL, status text NOT NULL, was_selected boolean NOT NULL,"   \
	" response_time_ms real, bids integer, wins integer, cpm_usd real, revenue_usd real,"                \
	" routing_score real"

/* Numbered; one that was released is never edited. */

int pg_failed(PGconn *c, PGresult *r, const char *doing,
	      struct errtext *why); /* clears r; the enum err to return */
int pg_run(PGconn *c, const char *sql, const char *doing, struct errtext *why);
int pg_number(PGconn *c, const char *sql, const char *doing, int64_t *ret_v, struct errtext *why);
int pg_undo(PGconn *c, int err); /* ends an open transaction; gives err */

/* Are the raw tables partitioned by us? Otherwise they are hypertables, whose chunks come by themselves. */
int pg_has_partitions(PGconn *c, int64_t *ret_yes, struct errtext *why);

#endif
