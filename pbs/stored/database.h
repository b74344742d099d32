/* Stored data in PostgreSQL, asked by a thread of its own, which also brings changes into the cache.
 *
 * Shapes  queries give rows (id, data, type); data is JSON, type is request, imp, response or account and may be left
 *         out where a query serves one kind. What waits together is asked together.
 * Errors  a job that could not be asked says why in `problem`; its items stay without a value.
 * Units   timeout_ms bounds connecting and each query; callers have deadlines of their own.
 * Threads jobs are worked on by the helper (common/helper.h).
 */
#ifndef PBS_STORED_DATABASE_H
#define PBS_STORED_DATABASE_H

#include "common/helper.h"
#include "pbs/stored/cache.h"
#include "pbs/stored/stored.h"

struct stored_database;

struct stored_database_options {
	const char *url;
	const char *request_query, *response_query, *account_query; /* "" = this kind is not there */
	const char *init_query, *poll_query;                        /* all kinds; "" = none */
	uint32_t timeout_ms, init_timeout_ms, poll_timeout_ms, refresh_ms;
	struct stored_cache *cache; /* for init and poll */
	struct metrics *metrics;    /* the thread's own; pbs/metrics.h */
};

struct stored_database_item {
	enum stored_kind kind;
	char *id;
	json_t *value; /* NULL: there is none */
};

struct stored_database_job {
	struct helper_job job;
	bool asked; /* the database answered for all items */
	bool away;  /* it could not be asked, for there is no connection */
	struct errtext problem;
	size_t n;
	struct stored_database_item items[];
};

struct stored_database *stored_database_new(const struct stored_database_options *opt, struct errtext *why);
void stored_database_free(struct stored_database *d); /* NULL is fine */
struct helper *stored_database_helper(struct stored_database *d);
bool stored_database_has(const struct stored_database *d, enum stored_kind kind);

/* Room for n items; the caller adds them with _add(). */
struct stored_database_job *stored_database_job_new(size_t n);
void stored_database_job_add(struct stored_database_job *j, enum stored_kind kind, struct str id);

#endif
