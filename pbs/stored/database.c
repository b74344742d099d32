/* Happy path: the ids of all jobs that wait go into one query per kind of data, and each job takes its rows. */
#include "pbs/stored/database.h"

#include <stdlib.h>
#include <time.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/pg.h"
#include "pbs/metrics.h"
#include "pbs/stored/sql.h"
#include "pbs/stored/updates.h"

enum {
	WAITING_MAX = 4096,
	WAITING_MAX_BYTES = 16 << 20,
	GROUP_IDS = 1000, /* in one query */
	PAUSE_MS = 250,   /* after a failure */
	RETRY_INIT_MS = 5000
};

struct stored_database {
	struct stored_database_options opt;
	PGconn *conn; /* NULL = not connected */
	uint64_t pause_until_us;
	struct errtext reason;
	bool initialised;
	char updated[40]; /* when the changes we know of were asked for */
	struct sql_query query;
	struct helper *helper;
};

/* Which query knows which kinds, and under which name it gets the ids of each. */
static const struct {
	size_t query; /* offset in the options */
	struct {
		enum stored_kind kind;
		const char *list;
	} kinds[2];
	size_t n_kinds;
} queries[] = {
	{ offsetof(struct stored_database_options, request_query),
	  { { STORED_REQUEST, "$REQUEST_ID_LIST" }, { STORED_IMP, "$IMP_ID_LIST" } },
	  2 },
	{ offsetof(struct stored_database_options, response_query), { { STORED_RESPONSE, "$ID_LIST" } }, 1 },
	{ offsetof(struct stored_database_options, account_query), { { STORED_ACCOUNT, "$ID_LIST" } }, 1 },
};

static const char *const type_names[STORED_TOLD_KINDS] = {
	[STORED_REQUEST] = "request",
	[STORED_IMP] = "imp",
	[STORED_RESPONSE] = "response",
	[STORED_ACCOUNT] = "account",
};

static const char *query_text(const struct stored_database *d, size_t q)
{
	return *(const char *const *)(const void *)((const char *)&d->opt + queries[q].query);
}

/* --- jobs --- */

static void drop(struct helper_job *j)
{
	struct stored_database_job *job = container_of(j, struct stored_database_job, job);

	for (size_t i = 0; i < job->n; i++) {
		free(job->items[i].id);
		json_decref(job->items[i].value);
	}
	free(job);
}

struct stored_database_job *stored_database_job_new(size_t n)
{
	struct stored_database_job *j = xcalloc(1, sizeof *j + n * sizeof *j->items);

	j->job.drop = drop;
	j->job.bytes = sizeof *j;
	return j;
}

void stored_database_job_add(struct stored_database_job *j, enum stored_kind kind, struct str id)
{
	j->items[j->n++] = (struct stored_database_item){ .kind = kind, .id = xstrndup(id.p, id.n) };
	j->job.bytes += sizeof *j->items + id.n;
}

static struct stored_database_job *job_of(struct helper_job *j)
{
	return container_of(j, struct stored_database_job, job);
}

/* --- the connection --- */

static void lost(struct stored_database *d)
{
	log_limited(LOG_WARN, "stored_database_failed", LOG_Z("reason", d->reason.text));
	PQfinish(d->conn);
	d->conn = NULL;
	d->pause_until_us = clock_mono_us() + PAUSE_MS * 1000;
}

static bool is_connected(struct stored_database *d)
{
	if (d->conn)
		return true;
	if (clock_mono_us() < d->pause_until_us)
		return false;
	d->conn = pg_connect(d->opt.url, "nexus-pbs", d->opt.timeout_ms, &d->reason);
	if (!d->conn)
		lost(d);
	return d->conn;
}

static bool ask_once(struct stored_database *d, uint32_t timeout_ms, PGresult **ret_rows)
{
	int err;

	if (!is_connected(d))
		return false;
	err = pg_ask(d->conn, buf_cstr(&d->query.text), d->query.params, d->query.n_params, timeout_ms,
		     ret_rows, &d->reason);
	if (err == ERR_UPSTREAM)
		log_limited(LOG_WARN, "stored_database_failed", LOG_Z("reason", d->reason.text));
	else if (err)
		lost(d);
	return err == 0;
}

/* A connection that the server closed while nobody used it is made again at once. */
static bool ask(struct stored_database *d, uint32_t timeout_ms, PGresult **ret_rows)
{
	bool was_connected = d->conn;

	if (ask_once(d, timeout_ms, ret_rows))
		return true;
	if (!was_connected || d->conn)
		return false;
	d->pause_until_us = 0;
	return ask_once(d, timeout_ms, ret_rows);
}

/* --- rows --- */

/* STORED_TOLD_KINDS for a type that we do not know. */
static enum stored_kind kind_of_row(const PGresult *rows, int row, enum stored_kind only)
{
	const char *type = PQnfields(rows) > 2 ? PQgetvalue(rows, row, 2) : "";
	enum stored_kind kind = 0;

	if (PQnfields(rows) == 2)
		return only;
	while (kind < STORED_TOLD_KINDS && strcmp(type, type_names[kind]) != 0)
		kind++;
	if (kind == STORED_TOLD_KINDS)
		log_limited(LOG_WARN, "stored_database_row", LOG_Z("id", PQgetvalue(rows, row, 0)),
			    LOG_Z("unknown_type", type));
	return kind;
}

/* NULL also for data that is no JSON. */
static json_t *data_of_row(const PGresult *rows, int row)
{
	struct str text = { PQgetvalue(rows, row, 1), (size_t)PQgetlength(rows, row, 1) };
	struct errtext why;
	json_t *j = text.n ? json_parse(text, &why) : NULL;

	if (text.n && !j)
		log_limited(LOG_WARN, "stored_database_row", LOG_Z("id", PQgetvalue(rows, row, 0)),
			    LOG_Z("reason", why.text));
	return json_is_null(j) ? NULL : j;
}

static bool has_columns(struct stored_database *d, const PGresult *rows)
{
	if (PQnfields(rows) >= 2)
		return true;
	errtext_set(&d->reason, "a query must give the columns id, data and type");
	log_limited(LOG_WARN, "stored_database_failed", LOG_Z("reason", d->reason.text));
	return false;
}

static void give(struct helper_job *jobs, const struct helper_job *end, enum stored_kind kind, const char *id,
		 json_t *value)
{
	for (; jobs != end; jobs = jobs->next)
		for (size_t i = 0; i < job_of(jobs)->n; i++) {
			struct stored_database_item *item = &job_of(jobs)->items[i];

			if (item->kind == kind && !item->value && strcmp(item->id, id) == 0)
				item->value = json_incref(value);
		}
}

/* --- look-ups --- */

struct wanted {
	const char *ids[2][GROUP_IDS];
	size_t n[2];
};

static void collect(struct helper_job *jobs, const struct helper_job *end, size_t q, struct wanted *w)
{
	w->n[0] = w->n[1] = 0;
	for (; jobs != end; jobs = jobs->next)
		for (size_t i = 0; i < job_of(jobs)->n; i++)
			for (size_t k = 0; k < queries[q].n_kinds; k++)
				if (job_of(jobs)->items[i].kind == queries[q].kinds[k].kind &&
				    w->n[k] < GROUP_IDS)
					w->ids[k][w->n[k]++] = job_of(jobs)->items[i].id;
}

static bool run_query(struct stored_database *d, struct helper_job *jobs, const struct helper_job *end,
		      size_t q)
{
	static _Thread_local struct wanted w;
	struct sql_list lists[2];
	PGresult *rows = NULL;
	bool ok;

	collect(jobs, end, q, &w);
	if (w.n[0] + w.n[1] == 0 || !*query_text(d, q))
		return true;
	for (size_t k = 0; k < queries[q].n_kinds; k++)
		lists[k] = (struct sql_list){ queries[q].kinds[k].list, w.ids[k], w.n[k], false };
	ok = sql_build(&d->query, str_of(query_text(d, q)), lists, queries[q].n_kinds);
	if (!ok)
		errtext_set(&d->reason, "too many ids in one query");
	ok = ok && ask(d, d->opt.timeout_ms, &rows) && has_columns(d, rows);
	for (int row = 0; ok && row < PQntuples(rows); row++) {
		json_t *value = data_of_row(rows, row);

		if (value)
			give(jobs, end, kind_of_row(rows, row, queries[q].kinds[0].kind),
			     PQgetvalue(rows, row, 0), value);
		json_decref(value);
	}
	PQclear(rows);
	buf_deinit(&d->query.text);
	return ok;
}

static void work(void *ctx, struct helper_job *jobs)
{
	struct stored_database *d = ctx;

	while (jobs) {
		struct helper_job *end = jobs;
		bool ok = true;

		for (size_t ids = 0; end && (end == jobs || ids + job_of(end)->n <= GROUP_IDS);
		     end = end->next)
			ids += job_of(end)->n;
		for (size_t q = 0; ok && q < ARRAY_LEN(queries); q++)
			ok = run_query(d, jobs, end, q);
		for (; jobs != end; jobs = jobs->next) {
			job_of(jobs)->asked = ok;
			job_of(jobs)->away = !ok && !d->conn;
			if (!ok)
				job_of(jobs)->problem = d->reason;
		}
	}
}

/* --- changes --- */

static void write_time(char *b, size_t n)
{
	int64_t ms = clock_wall_ms();
	time_t at = (time_t)(ms / 1000);
	struct tm tm;
	size_t used;

	gmtime_r(&at, &tm);
	used = strftime(b, n, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(b + used, n - used, ".%03dZ", (int)(ms % 1000));
}

static void count_changes(const struct stored_database *d, uint64_t asked_us, bool ok)
{
	metrics_observe(d->opt.metrics, M_STORED_REQUEST_FETCH_TIME,
			(double)(clock_mono_us() - asked_us) * 1e-6,
			d->initialised ? FETCH_DELTA : FETCH_ALL);
	if (!ok)
		metrics_inc(d->opt.metrics, M_STORED_REQUEST_ERRORS, STORED_ERROR_NETWORK);
}

static bool take_changes(struct stored_database *d, const char *query, uint32_t timeout_ms)
{
	uint64_t started_us = clock_mono_us();
	const char *last = d->updated;
	const struct sql_list lists[] = { { "$LAST_UPDATED", &last, 1, true } };
	PGresult *rows = NULL;
	char asked_at[sizeof d->updated];
	bool ok;

	write_time(asked_at, sizeof asked_at);
	ok = sql_build(&d->query, str_of(query), lists, ARRAY_LEN(lists)) && ask(d, timeout_ms, &rows) &&
	     has_columns(d, rows);
	for (int row = 0; ok && row < PQntuples(rows); row++) {
		enum stored_kind kind = kind_of_row(rows, row, STORED_TOLD_KINDS);
		json_t *value = data_of_row(rows, row);

		if (kind < STORED_TOLD_KINDS)
			stored_updates_apply(d->opt.cache, (int)kind, str_of(PQgetvalue(rows, row, 0)), value,
					     clock_mono_us() / 1000);
		json_decref(value);
	}
	count_changes(d, started_us, ok);
	if (ok)
		memcpy(d->updated, asked_at, sizeof asked_at);
	PQclear(rows);
	buf_deinit(&d->query.text);
	return ok;
}

static uint64_t tick(void *ctx)
{
	struct stored_database *d = ctx;

	if (!d->initialised) {
		d->initialised =
			!*d->opt.init_query || take_changes(d, d->opt.init_query, d->opt.init_timeout_ms);
		if (!d->initialised)
			return RETRY_INIT_MS;
	} else if (*d->opt.poll_query) {
		(void)take_changes(d, d->opt.poll_query, d->opt.poll_timeout_ms);
	}
	return d->opt.refresh_ms;
}

/* --- from outside --- */

struct stored_database *stored_database_new(const struct stored_database_options *opt, struct errtext *why)
{
	struct helper_class cls = { .name = "pbs-stored-db",
				    .work = work,
				    .max_waiting = WAITING_MAX,
				    .max_waiting_bytes = WAITING_MAX_BYTES };
	struct stored_database *d = xcalloc(1, sizeof *d);

	d->opt = *opt;
	write_time(d->updated, sizeof d->updated);
	if (opt->cache && (*opt->init_query || *opt->poll_query))
		cls.tick = tick;
	d->helper = helper_new(&cls, d, why);
	if (d->helper)
		return d;
	stored_database_free(d);
	return NULL;
}

void stored_database_free(struct stored_database *d)
{
	if (!d)
		return;
	helper_free(d->helper);
	PQfinish(d->conn);
	free(d);
}

struct helper *stored_database_helper(struct stored_database *d)
{
	return d->helper;
}

bool stored_database_has(const struct stored_database *d, enum stored_kind kind)
{
	for (size_t q = 0; q < ARRAY_LEN(queries); q++)
		for (size_t k = 0; k < queries[q].n_kinds; k++)
			if (queries[q].kinds[k].kind == kind)
				return *query_text(d, q);
	return false;
}
