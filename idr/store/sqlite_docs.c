/* Documents: every put is a new row, so that every version can be read; who put it and from where is a row of the
 * audit, in the same transaction. */
#include "common/err.h"
#include "common/mem.h"
#include "idr/store/sqlite.h"

int sqlite_doc_put(struct store *base, const struct store_doc *d, int64_t *ret_version, struct errtext *why)
{
	struct sqlite_store *s = container_of(base, struct sqlite_store, base);
	int err = sqlite_begin(s, why);
	int64_t version = 0;
	sqlite3_stmt *st;

	if (err)
		return err;
	if ((st = sqlite_statement(s, ST_DOC_VERSION, why))) {
		bind_str(st, 1, d->kind);
		bind_str(st, 2, d->key);
		if (sqlite3_step(st) == SQLITE_ROW)
			version = sqlite3_column_int64(st, 0) + 1;
		sqlite3_reset(st);
	}
	if (version == 0)
		return sqlite_end(s, sqlite_error(s, "reading a document's version", why), NULL);
	if ((st = sqlite_statement(s, ST_DOC_ADD, why))) {
		bind_str(st, 1, d->kind);
		bind_str(st, 2, d->key);
		sqlite3_bind_int64(st, 3, version);
		if (d->body.n)
			bind_str(st, 4, d->body);
		else
			sqlite3_bind_null(st, 4);
		sqlite3_bind_int64(st, 5, d->updated_ms);
		bind_str(st, 6, d->actor);
	}
	err = sqlite_run(s, st, "writing a document", why);
	if (!err)
		err = sqlite_audit_doc(s, d, version - 1, why);
	err = sqlite_end(s, err, why);
	if (!err && ret_version)
		*ret_version = version;
	return err;
}

static int read_docs(struct sqlite_store *s, sqlite3_stmt *st, struct str kind, bool deleted_too,
		     store_doc_fn *each, void *arg, struct errtext *why)
{
	int rc, err;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_doc d = {
			.kind = kind,
			.key = column_str(st, 0),
			.version = sqlite3_column_int64(st, 1),
			.deleted = sqlite3_column_type(st, 2) == SQLITE_NULL,
			.body = column_str(st, 2),
			.updated_ms = sqlite3_column_int64(st, 3),
			.actor = column_str(st, 4),
		};

		if (deleted_too || !d.deleted)
			each(arg, &d);
	}
	err = rc == SQLITE_DONE ? 0 : sqlite_error(s, "reading documents", why);
	sqlite3_reset(st);
	return err;
}

int sqlite_docs(struct store *base, struct str kind, struct str key, store_doc_fn *each, void *arg,
		struct errtext *why)
{
	struct sqlite_store *s = container_of(base, struct sqlite_store, base);
	sqlite3_stmt *st = sqlite_statement(s, key.n ? ST_DOC_ONE : ST_DOC_ALL, why);

	if (!st)
		return ERR_UNAVAILABLE;
	bind_str(st, 1, kind);
	if (key.n)
		bind_str(st, 2, key);
	return read_docs(s, st, kind, false, each, arg, why);
}

int sqlite_doc_history(struct store *base, struct str kind, struct str key, store_doc_fn *each, void *arg,
		       struct errtext *why)
{
	struct sqlite_store *s = container_of(base, struct sqlite_store, base);
	sqlite3_stmt *st = sqlite_statement(s, ST_DOC_HISTORY, why);

	if (!st)
		return ERR_UNAVAILABLE;
	bind_str(st, 1, kind);
	bind_str(st, 2, key);
	return read_docs(s, st, kind, true, each, arg, why);
}
