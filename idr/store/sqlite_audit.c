/* Who did what. Rows are few beside events: nothing is kept in memory. */
#include "common/err.h"
#include "common/mem.h"
#include "idr/store/sqlite.h"

static int add(struct sqlite_store *s, const struct store_audit *a, struct errtext *why)
{
	sqlite3_stmt *st = sqlite_statement(s, ST_AUDIT_ADD, why);

	if (!st)
		return ERR_UNAVAILABLE;
	sqlite3_bind_int64(st, 1, a->at_ms);
	bind_str(st, 2, a->who);
	bind_str(st, 3, a->address.p ? a->address : STR(""));
	bind_str(st, 4, a->action);
	bind_str(st, 5, a->object.p ? a->object : STR(""));
	sqlite3_bind_int64(st, 6, a->before);
	sqlite3_bind_int64(st, 7, a->after);
	bind_str(st, 8, a->outcome);
	return sqlite_run(s, st, "writing the audit", why);
}

int sqlite_audit_doc(struct sqlite_store *s, const struct store_doc *d, int64_t before, struct errtext *why)
{
	char action[STORE_ACTION_BYTES];
	struct store_audit a = {
		.at_ms = d->updated_ms,
		.who = d->actor,
		.address = d->address,
		.action = store_doc_action(d, action),
		.object = d->key,
		.before = before,
		.after = before + 1,
		.outcome = AUDIT_OK,
	};

	return add(s, &a, why);
}

int sqlite_audit_add(struct store *base, const struct store_audit *a, struct errtext *why)
{
	struct sqlite_store *s = container_of(base, struct sqlite_store, base);
	int err = sqlite_begin(s, why);

	return err ? err : sqlite_end(s, add(s, a, why), why);
}

int sqlite_audit(struct store *base, const struct audit_query *q, store_audit_fn *each, void *arg,
		 struct errtext *why)
{
	struct sqlite_store *s = container_of(base, struct sqlite_store, base);
	sqlite3_stmt *st = sqlite_statement(s, ST_AUDIT_READ, why);
	int rc, err;

	if (!st)
		return ERR_UNAVAILABLE;
	sqlite3_bind_int64(st, 1, q->before_id ? q->before_id : INT64_MAX);
	sqlite3_bind_int64(st, 2, q->since_ms);
	sqlite3_bind_int64(st, 3, (int64_t)q->limit);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		each(arg, &(struct store_audit){ .id = sqlite3_column_int64(st, 0),
						 .at_ms = sqlite3_column_int64(st, 1),
						 .who = column_str(st, 2),
						 .address = column_str(st, 3),
						 .action = column_str(st, 4),
						 .object = column_str(st, 5),
						 .before = sqlite3_column_int64(st, 6),
						 .after = sqlite3_column_int64(st, 7),
						 .outcome = column_str(st, 8) });
	err = rc == SQLITE_DONE ? 0 : sqlite_error(s, "reading the audit", why);
	sqlite3_reset(st);
	return err;
}

int sqlite_audit_drop(struct store *base, int64_t before_ms, size_t refused, struct errtext *why)
{
	struct sqlite_store *s = container_of(base, struct sqlite_store, base);
	const struct {
		enum sqlite_statement st;
		int64_t arg;
	} drops[] = { { ST_AUDIT_DROP_OLD, before_ms }, { ST_AUDIT_DROP_REFUSED, (int64_t)refused } };
	int err = 0;

	for (size_t i = 0; i < ARRAY_LEN(drops) && !err; i++) {
		sqlite3_stmt *st = sqlite_statement(s, drops[i].st, why);

		if (!st)
			return ERR_UNAVAILABLE;
		sqlite3_bind_int64(st, 1, drops[i].arg);
		err = sqlite_run(s, st, "dropping old audit", why);
	}
	return err;
}
