/* Numbered, checksummed migrations, each with a form per tier. One that was released is never edited: a change is a new
 * one at the end, which the program before it can run against. */
#include "idr/store/pg_schema.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/err.h"
#include "common/mem.h"

#define LATENCY_COLUMN(ms) ", latency_le_" #ms " bigint NOT NULL DEFAULT 0"
#define FIGURE_COLUMNS                                                                                       \
	"configured bigint NOT NULL DEFAULT 0, called bigint NOT NULL DEFAULT 0,"                            \
	" bids bigint NOT NULL DEFAULT 0, wins bigint NOT NULL DEFAULT 0,"                                   \
	" timeouts bigint NOT NULL DEFAULT 0, errors bigint NOT NULL DEFAULT 0,"                             \
	" cpm_sum double precision NOT NULL DEFAULT 0, revenue double precision NOT NULL DEFAULT 0,"         \
	" latency_count bigint NOT NULL DEFAULT 0" CELL_BUCKETS(LATENCY_COLUMN)

#define BASE_TABLES                                                                                          \
	"CREATE TABLE nexus_forwarded(store_id bigint PRIMARY KEY, seq bigint NOT NULL,"                     \
	" updated_at timestamptz NOT NULL DEFAULT now());"                                                   \
	"CREATE TABLE publishers(publisher_id text PRIMARY KEY, first_seen timestamptz NOT NULL,"            \
	" last_seen timestamptz NOT NULL);"
#define RAW_TABLES(kind)                                                                                     \
	"CREATE TABLE routing_decisions(" AUCTION_COLUMNS ", PRIMARY KEY(store_id, seq, ts))" kind ";"       \
	"CREATE INDEX ON routing_decisions(publisher_id, ts);"                                               \
	"CREATE TABLE auction_events(" BIDDER_COLUMNS ", PRIMARY KEY(store_id, seq, pos, ts))" kind ";"      \
	"CREATE INDEX ON auction_events(publisher_id, bidder_code, ts);"
#define HYPERTABLE(table)                                                                                    \
	"SELECT create_hypertable('" table "', 'ts', chunk_time_interval => interval '1 day',"               \
	" create_default_indexes => false);"
#define ROLLUP_TABLES                                                                                        \
	"CREATE TABLE bidder_performance_hourly(hour timestamptz NOT NULL, publisher_id text NOT NULL,"      \
	" bidder_code text NOT NULL, country text NOT NULL, device_type text NOT NULL,"                      \
	" ad_format text NOT NULL, " FIGURE_COLUMNS                                                          \
	", PRIMARY KEY(publisher_id, hour, bidder_code, country, device_type, ad_format));"                  \
	"CREATE TABLE publisher_stats_daily(day date NOT NULL, publisher_id text NOT NULL,"                  \
	" auctions bigint NOT NULL DEFAULT 0, " FIGURE_COLUMNS ", PRIMARY KEY(publisher_id, day));"

#define ON_TIMESCALE                                                                                         \
	BASE_TABLES RAW_TABLES("") HYPERTABLE("routing_decisions") HYPERTABLE("auction_events") ROLLUP_TABLES

/* Days older than a week are compressed; only where the tables really are hypertables. Without it they are as
 * good, only larger: a refusal is no failure of the migration. */
#define COMPRESSED(table)                                                                                    \
	"IF EXISTS (SELECT FROM timescaledb_information.hypertables WHERE hypertable_name = '" table "')"    \
	" THEN ALTER TABLE " table " SET (timescaledb.compress,"                                             \
	" timescaledb.compress_segmentby = 'publisher_id', timescaledb.compress_orderby = 'ts');"            \
	" PERFORM add_compression_policy('" table "', interval '7 days', if_not_exists => true); END IF;"

#define ADD_COLUMNS_3 "ALTER TABLE routing_decisions ADD COLUMN context bytea, ADD COLUMN floors text"

static const char *const migrations[][PG_TIERS] = {
	{ [PG_PLAIN] = BASE_TABLES RAW_TABLES(" PARTITION BY RANGE(ts)") ROLLUP_TABLES,
	  [PG_TIMESCALE_APACHE] = ON_TIMESCALE,
	  [PG_TIMESCALE] = ON_TIMESCALE },
	{ [PG_PLAIN] = "",
	  [PG_TIMESCALE_APACHE] = "",
	  [PG_TIMESCALE] = "DO $$ BEGIN " COMPRESSED("routing_decisions")
		  COMPRESSED("auction_events") " EXCEPTION WHEN OTHERS THEN RAISE WARNING 'not compressed: "
					       "%', SQLERRM; END $$" },
	{ [PG_PLAIN] = ADD_COLUMNS_3, [PG_TIMESCALE_APACHE] = ADD_COLUMNS_3, [PG_TIMESCALE] = ADD_COLUMNS_3 },
};

const char *pg_tier_name(enum pg_tier tier)
{
	static const char *const names[PG_TIERS] = { "plain PostgreSQL", "TimescaleDB, Apache licence",
						     "TimescaleDB, community licence" };

	return names[tier];
}

static int find_tier(PGconn *c, enum pg_tier *ret_tier, struct errtext *why)
{
	int64_t v;
	int err = pg_number(
		c,
		"SELECT CASE WHEN NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')"
		" THEN 0 WHEN current_setting('timescaledb.license', true) = 'timescale' THEN 2"
		" ELSE 1 END",
		"tier", &v, why);

	if (!err)
		*ret_tier = (enum pg_tier)v;
	return err;
}

int pg_has_partitions(PGconn *c, int64_t *ret_yes, struct errtext *why)
{
	return pg_number(c,
			 "SELECT count(*) FROM pg_partitioned_table"
			 " WHERE partrelid = to_regclass('auction_events')",
			 "kind of table", ret_yes, why);
}

static void checksum(const char *sql, char text[20])
{
	snprintf(text, 20, "%016llx", (unsigned long long)str_hash(str_of(sql)));
}

/* True for the checksum of one of the forms; rows of the time before checksums have none. */
static bool is_ours(int64_t version, const char *sum)
{
	char text[20];

	if (!*sum || version < 1 || version > (int64_t)ARRAY_LEN(migrations))
		return true;
	for (int t = 0; t < PG_TIERS; t++) {
		checksum(migrations[version - 1][t], text);
		if (strcmp(sum, text) == 0)
			return true;
	}
	return false;
}

/* A newer program's additions are no hindrance: what this one names is still there. Another text under the same number
 * is. */
static int check_applied(PGconn *c, int64_t *ret_have, struct errtext *why)
{
	PGresult *r = PQexec(c, "SELECT version, coalesce(checksum, '') FROM nexus_schema ORDER BY version");
	int64_t have = 0;
	int err = 0;

	if (PQresultStatus(r) != PGRES_TUPLES_OK)
		return pg_failed(c, r, "version", why);
	for (int i = 0; i < PQntuples(r) && !err; i++) {
		have = strtoll(PQgetvalue(r, i, 0), NULL, 10);
		if (!is_ours(have, PQgetvalue(r, i, 1))) {
			errtext_set(why, "migration %lld in the database is not the one of this program",
				    (long long)have);
			err = ERR_UPSTREAM;
		}
	}
	PQclear(r);
	*ret_have = have;
	return err;
}

static int apply(PGconn *c, int64_t version, const char *sql, struct errtext *why)
{
	char sum[20], record[120];
	int err = *sql ? pg_run(c, sql, "migration", why) : 0;

	checksum(sql, sum);
	snprintf(record, sizeof record, "INSERT INTO nexus_schema(version, checksum) VALUES(%lld, '%s')",
		 (long long)version, sum);
	return err ? err : pg_run(c, record, "migration", why);
}

static int migrate_locked(PGconn *c, struct pg_schema *ret_s, struct errtext *why)
{
	int err;

	if ((err = pg_run(c, "SELECT pg_advisory_xact_lock(" SCHEMA_LOCK ")", "lock", why)) ||
	    (err = pg_run(c,
			  "CREATE TABLE IF NOT EXISTS nexus_schema(version integer PRIMARY KEY,"
			  " applied_at timestamptz NOT NULL DEFAULT now());"
			  "ALTER TABLE nexus_schema ADD COLUMN IF NOT EXISTS checksum text",
			  "schema table", why)) ||
	    (err = find_tier(c, &ret_s->tier, why)) || (err = check_applied(c, &ret_s->before, why)))
		return err;
	ret_s->after = ret_s->before;
	while (ret_s->after < (int64_t)ARRAY_LEN(migrations) && !err) {
		err = apply(c, ret_s->after + 1, migrations[ret_s->after][ret_s->tier], why);
		ret_s->after += !err;
	}
	return err;
}

int pg_migrate(PGconn *c, struct pg_schema *ret_s, struct errtext *why)
{
	int err = pg_run(c, "SET client_min_messages = warning", "set", why);

	if (!err)
		err = pg_run(c, "BEGIN", "begin", why);
	if (!err)
		err = migrate_locked(c, ret_s, why);
	if (!err)
		err = pg_run(c, "COMMIT", "commit", why);
	return err ? pg_undo(c, err) : 0;
}
