/* Reading back what other machines recorded. The rows of an auction come one after the other; the first one has its
 * context. */
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/idr_wire.h"
#include "common/mem.h"
#include "idr/store/context_bytes.h"
#include "idr/store/pg_schema.h"

enum {
	COL_STORE,
	COL_SEQ,
	COL_MS,
	COL_AUCTION,
	COL_CONTEXT,
	COL_CODE,
	COL_STATUS,
	COL_WINS,
	COL_CPM,
	COL_LATENCY
};

/* A machine that wrote nothing for a week is no guide to today. The position of each in nexus_forwarded makes "the last
 * events" a range of the primary key; the time at which they begin keeps older partitions out of the plan. */
#define RECENT "nexus_forwarded WHERE store_id <> %lld AND updated_at > now() - interval '7 days'"
#define BEGIN_SQL                                                                                            \
	"SELECT coalesce(max(n), 0), coalesce(min(begins), now())::text FROM (SELECT count(*) OVER () AS n," \
	" (SELECT min(ts) FROM routing_decisions d WHERE d.store_id = f.store_id AND d.seq > f.seq - %lld)"  \
	" AS begins FROM (SELECT * FROM " RECENT ") f) x"
#define ROWS_SQL                                                                                             \
	"SELECT d.store_id, d.seq, (extract(epoch FROM d.ts) * 1000)::bigint, d.auction_id, CASE WHEN"       \
	" coalesce(e.pos, 0) = 0 THEN d.context END, e.bidder_code, e.status, e.wins, e.cpm_usd,"            \
	" e.response_time_ms FROM (SELECT * FROM " RECENT ") f JOIN routing_decisions d"                     \
	" ON d.store_id = f.store_id AND d.seq > f.seq - %lld AND d.ts >= '%s' LEFT JOIN auction_events e"   \
	" ON e.store_id = d.store_id AND e.seq = d.seq AND e.ts = d.ts AND e.ts >= '%s'"                     \
	" ORDER BY d.ts, d.store_id, d.seq, e.pos"

struct reading {
	pg_event_fn *each;
	void *arg;
	struct event e;
	struct event_bidder bidders[EVENT_BIDDERS];
	char codes[EVENT_BIDDERS][ROUTER_CODE_BYTES], auction_id[260];
	int64_t store_id;
	bool known; /* its context could be read */
};

static void lend(struct reading *r)
{
	if (r->e.seq && r->known)
		r->each(r->arg, &r->e);
	r->e = (struct event){ 0 };
}

static float number_at(const PGresult *row, int column, float missing)
{
	return PQgetisnull(row, 0, column) ? missing : strtof(PQgetvalue(row, 0, column), NULL);
}

static void begin_event(struct reading *r, const PGresult *row, int64_t store_id, int64_t seq)
{
	size_t n = 0;
	unsigned char *context = NULL;

	lend(r);
	r->store_id = store_id;
	snprintf(r->auction_id, sizeof r->auction_id, "%s", PQgetvalue(row, 0, COL_AUCTION));
	r->e = (struct event){
		.seq = seq,
		.ts_ms = strtoll(PQgetvalue(row, 0, COL_MS), NULL, 10),
		.auction_id = str_of(r->auction_id),
		.bidders = r->bidders,
	};
	if (!PQgetisnull(row, 0, COL_CONTEXT))
		context = PQunescapeBytea((const unsigned char *)PQgetvalue(row, 0, COL_CONTEXT), &n);
	r->known = context && context_parse(context, n, &r->e.ctx);
	PQfreemem(context);
}

static void add_bidder(struct reading *r, const PGresult *row)
{
	const char *code = PQgetvalue(row, 0, COL_CODE);
	struct str status = str_of(PQgetvalue(row, 0, COL_STATUS));
	size_t at = r->e.n_bidders;
	int s = 0;

	while (s < IDR_STATUSES && !str_eq(status, str_of(idr_status_names[s])))
		s++;
	if (PQgetisnull(row, 0, COL_CODE) || s == IDR_STATUSES || at == EVENT_BIDDERS ||
	    strlen(code) >= sizeof r->codes[0])
		return;
	strcpy(r->codes[at], code);
	r->bidders[at] = (struct event_bidder){
		.code = str_of(r->codes[at]),
		.status = (uint8_t)s,
		.wins = (uint16_t)strtoul(PQgetvalue(row, 0, COL_WINS), NULL, 10),
		.cpm_usd = number_at(row, COL_CPM, 0),
		.latency_ms = number_at(row, COL_LATENCY, -1),
		.score = -1,
	};
	r->e.n_bidders++;
}

static void take_row(struct reading *r, const PGresult *row)
{
	int64_t store_id = strtoll(PQgetvalue(row, 0, COL_STORE), NULL, 10);
	int64_t seq = strtoll(PQgetvalue(row, 0, COL_SEQ), NULL, 10);

	if (store_id != r->store_id || seq != r->e.seq)
		begin_event(r, row, store_id, seq);
	add_bidder(r, row);
}

/* Row by row, so that the whole is never in memory. */
static int read_rows(PGconn *c, const char *sql, struct reading *r, struct errtext *why)
{
	PGresult *row;
	int err = 0;

	if (!PQsendQuery(c, sql) || !PQsetSingleRowMode(c))
		return pg_failed(c, NULL, "history", why);
	while ((row = PQgetResult(c))) {
		if (PQresultStatus(row) == PGRES_SINGLE_TUPLE)
			take_row(r, row);
		else if (PQresultStatus(row) != PGRES_TUPLES_OK) {
			err = pg_failed(c, row, "history", why);
			continue;
		}
		PQclear(row);
	}
	if (!err)
		lend(r);
	return err;
}

int pg_history(PGconn *c, int64_t except_store, uint32_t max_events, pg_event_fn *each, void *arg,
	       struct errtext *why)
{
	struct reading *r;
	char sql[2048], begins[64];
	PGresult *result;
	long long machines;
	int err;

	snprintf(sql, sizeof sql, BEGIN_SQL, (long long)max_events, (long long)except_store);
	result = PQexec(c, sql);
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		return pg_failed(c, result, "history", why);
	machines = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
	snprintf(begins, sizeof begins, "%s", PQgetvalue(result, 0, 1));
	PQclear(result);
	if (machines == 0)
		return 0;
	r = xcalloc(1, sizeof *r);
	r->each = each;
	r->arg = arg;
	snprintf(sql, sizeof sql, ROWS_SQL, (long long)except_store, (long long)max_events / machines, begins,
		 begins);
	err = read_rows(c, sql, r, why);
	free(r);
	return err;
}
