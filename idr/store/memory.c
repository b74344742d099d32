/* The store without a disk: for tests, and the measure of what the other one must answer. Everything is kept
 * until it is freed, so searches are plain walks. */
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/mem.h"
#include "idr/store/store.h"

struct memory_store {
	struct store base;
	struct names names;
	struct event *event;
	size_t n_events, cap_events;
	int64_t last_seq, newest_ms;
	struct rollup rollup;
	struct floor_map floors;
	struct store_doc *doc;
	size_t n_docs, cap_docs;
	struct store_audit *audit;
	size_t n_audit, cap_audit;
	int64_t last_audit;
};

static struct memory_store *memory_of(struct store *s)
{
	return container_of(s, struct memory_store, base);
}

static struct str copy(struct str s)
{
	return (struct str){ xstrndup(s.n ? s.p : "", s.n), s.n };
}

static void drop(struct str s)
{
	free((char *)(uintptr_t)s.p);
}

/* Names of a kept event are those of the table, so they are not copied again. */
static struct str intern(struct memory_store *m, struct str s)
{
	return names_text(&m->names, names_id(&m->names, s));
}

static struct event keep_event(struct memory_store *m, const struct event *e)
{
	struct event kept = *e;
	struct event_bidder *b = xcalloc(e->n_bidders + 1, sizeof *b);

	kept.auction_id = copy(e->auction_id);
	kept.publisher = intern(m, e->publisher);
	kept.country = intern(m, e->country);
	kept.device = intern(m, e->device);
	kept.format = intern(m, e->format);
	kept.size = intern(m, e->size);
	kept.os = intern(m, e->os);
	kept.browser = intern(m, e->browser);
	kept.mode = intern(m, e->mode);
	for (size_t i = 0; i < e->n_bidders; i++) {
		b[i] = e->bidders[i];
		b[i].code = intern(m, b[i].code);
	}
	kept.bidders = b;
	return kept;
}

static int memory_append(struct store *s, struct event *const *events, size_t n, struct errtext *why)
{
	struct memory_store *m = memory_of(s);

	(void)why;
	for (size_t i = 0; i < n; i++) {
		struct event *e = events[i];

		e->duplicate = false;
		for (size_t k = 0; k < m->n_events && !e->duplicate; k++)
			if (m->event[k].ts_ms == e->ts_ms && str_eq(m->event[k].auction_id, e->auction_id)) {
				e->duplicate = true;
				e->seq = m->event[k].seq;
			}
		if (e->duplicate)
			continue;
		if (m->n_events == m->cap_events) {
			m->cap_events = m->cap_events ? m->cap_events * 2 : 64;
			m->event = xrealloc(m->event, m->cap_events * sizeof *m->event);
		}
		e->seq = ++m->last_seq;
		if (e->ts_ms > m->newest_ms)
			m->newest_ms = e->ts_ms;
		m->event[m->n_events++] = keep_event(m, e);
		rollup_add(&m->rollup, &m->names, e);
		floor_map_add(&m->floors, &m->names, e);
	}
	return 0;
}

static int memory_replay(struct store *s, int64_t after_seq, store_event_fn *each, void *arg,
			 struct errtext *why)
{
	struct memory_store *m = memory_of(s);
	int err = 0;

	(void)why;
	for (size_t i = 0; i < m->n_events && !err; i++)
		if (m->event[i].seq > after_seq)
			err = each(arg, &m->event[i]);
	return err;
}

static int64_t memory_tail(struct store *s, size_t rows)
{
	struct memory_store *m = memory_of(s);
	size_t i = m->n_events;

	for (; i > 0 && m->event[i - 1].n_bidders <= rows; i--)
		rows -= m->event[i - 1].n_bidders;
	return i ? m->event[i - 1].seq : 0;
}

static int by_time_and_key(const void *a, const void *b)
{
	const struct rollup_row *const *x = a, *const *y = b;

	if ((*x)->k.at != (*y)->k.at)
		return (*x)->k.at < (*y)->k.at ? -1 : 1;
	return ((*x)->k.key > (*y)->k.key) - ((*x)->k.key < (*y)->k.key);
}

static int memory_stats(struct store *s, const struct stats_query *q, store_stats_fn *each, void *arg,
			struct errtext *why)
{
	struct memory_store *m = memory_of(s);
	uint32_t publisher = names_find(&m->names, q->publisher);
	const struct rollup_row **found = xcalloc(m->rollup.n + 1, sizeof(void *));
	int64_t step_ms = rollup_step_ms(q->step);
	size_t n = 0;

	(void)why;
	for (uint32_t i = 0; i < m->rollup.n; i++) {
		const struct rollup_row *row = &m->rollup.row[i];

		if (row->k.publisher == publisher && (publisher || !q->publisher.n) &&
		    row->k.dim == (uint16_t)q->dim && row->k.step == (uint16_t)q->step &&
		    row->k.at * step_ms >= q->from_ms && row->k.at * step_ms < q->to_ms)
			found[n++] = row;
	}
	qsort(found, n, sizeof *found, by_time_and_key);
	for (size_t i = 0; i < n; i++)
		each(arg, found[i]->k.at * step_ms, names_text(&m->names, found[i]->k.key), &found[i]->c);
	free(found);
	return 0;
}

static int memory_publishers(struct store *s, store_name_fn *each, void *arg, struct errtext *why)
{
	struct memory_store *m = memory_of(s);

	(void)why;
	for (uint32_t id = 1; id < m->names.n; id++) {
		int64_t first = INT64_MAX, last = INT64_MIN;

		for (size_t i = 0; i < m->n_events; i++)
			if (str_eq(m->event[i].publisher, names_text(&m->names, id))) {
				first = m->event[i].ts_ms < first ? m->event[i].ts_ms : first;
				last = m->event[i].ts_ms > last ? m->event[i].ts_ms : last;
			}
		if (last != INT64_MIN)
			each(arg, names_text(&m->names, id), first, last);
	}
	return 0;
}

static int memory_floor_history(struct store *s, struct str publisher, int64_t from_ms, int64_t to_ms,
				floor_cell_fn *each, void *arg, struct errtext *why)
{
	struct memory_store *m = memory_of(s);
	uint32_t id = names_find(&m->names, publisher);

	(void)why;
	for (uint32_t i = 0; i < m->floors.n && id; i++) {
		const struct floor_row *row = &m->floors.row[i];
		const struct floor_key key = {
			names_text(&m->names, row->k.format),
			names_text(&m->names, row->k.size),
			names_text(&m->names, row->k.country),
			names_text(&m->names, row->k.device),
		};

		if (row->k.publisher == id && row->k.day * 86400000LL >= from_ms &&
		    row->k.day * 86400000LL < to_ms)
			each(arg, &key, &row->c);
	}
	return 0;
}

static const struct store_doc *newest(const struct memory_store *m, struct str kind, struct str key)
{
	for (size_t i = m->n_docs; i-- > 0;)
		if (str_eq(m->doc[i].kind, kind) && str_eq(m->doc[i].key, key))
			return &m->doc[i];
	return NULL;
}

static int memory_audit_add(struct store *s, const struct store_audit *a, struct errtext *why)
{
	struct memory_store *m = memory_of(s);

	(void)why;
	if (m->n_audit == m->cap_audit) {
		m->cap_audit = m->cap_audit ? m->cap_audit * 2 : 16;
		m->audit = xrealloc(m->audit, m->cap_audit * sizeof *m->audit);
	}
	m->audit[m->n_audit++] = (struct store_audit){
		.id = ++m->last_audit,
		.at_ms = a->at_ms,
		.who = copy(a->who),
		.address = copy(a->address),
		.action = copy(a->action),
		.object = copy(a->object),
		.before = a->before,
		.after = a->after,
		.outcome = copy(a->outcome),
	};
	return 0;
}

static void drop_audit(struct store_audit *a)
{
	drop(a->who);
	drop(a->address);
	drop(a->action);
	drop(a->object);
	drop(a->outcome);
}

static int memory_audit(struct store *s, const struct audit_query *q, store_audit_fn *each, void *arg,
			struct errtext *why)
{
	struct memory_store *m = memory_of(s);
	size_t n = 0;

	(void)why;
	for (size_t i = m->n_audit; i-- > 0 && n < q->limit;)
		if (m->audit[i].at_ms >= q->since_ms && (!q->before_id || m->audit[i].id < q->before_id)) {
			each(arg, &m->audit[i]);
			n++;
		}
	return 0;
}

static int memory_audit_drop(struct store *s, int64_t before_ms, size_t refused, struct errtext *why)
{
	struct memory_store *m = memory_of(s);
	size_t kept = 0, n = 0, newer = 0;

	(void)why;
	for (size_t i = 0; i < m->n_audit; i++)
		n += !str_eq(m->audit[i].outcome, AUDIT_OK);
	for (size_t i = 0; i < m->n_audit; i++) {
		bool is_refused = !str_eq(m->audit[i].outcome, AUDIT_OK);

		newer += is_refused;
		if (m->audit[i].at_ms < before_ms || (is_refused && n - newer >= refused))
			drop_audit(&m->audit[i]);
		else
			m->audit[kept++] = m->audit[i];
	}
	m->n_audit = kept;
	return 0;
}

static int memory_doc_put(struct store *s, const struct store_doc *d, int64_t *ret_version,
			  struct errtext *why)
{
	struct memory_store *m = memory_of(s);
	const struct store_doc *before = newest(m, d->kind, d->key);
	int64_t version = before ? before->version + 1 : 1;
	char action[STORE_ACTION_BYTES];

	if (m->n_docs == m->cap_docs) {
		m->cap_docs = m->cap_docs ? m->cap_docs * 2 : 16;
		m->doc = xrealloc(m->doc, m->cap_docs * sizeof *m->doc);
	}
	m->doc[m->n_docs++] = (struct store_doc){
		.kind = copy(d->kind),
		.key = copy(d->key),
		.body = copy(d->body),
		.actor = copy(d->actor),
		.version = version,
		.updated_ms = d->updated_ms,
		.deleted = d->body.n == 0,
	};
	if (ret_version)
		*ret_version = version;
	return memory_audit_add(s,
				&(struct store_audit){ .at_ms = d->updated_ms,
						       .who = d->actor,
						       .address = d->address,
						       .action = store_doc_action(d, action),
						       .object = d->key,
						       .before = version - 1,
						       .after = version,
						       .outcome = AUDIT_OK },
				why);
}

static int by_key(const void *a, const void *b)
{
	const struct store_doc *const *x = a, *const *y = b;

	return str_cmp((*x)->key, (*y)->key);
}

static int memory_docs(struct store *s, struct str kind, struct str key, store_doc_fn *each, void *arg,
		       struct errtext *why)
{
	struct memory_store *m = memory_of(s);
	const struct store_doc **found = xcalloc(m->n_docs + 1, sizeof(void *));
	size_t n = 0;

	(void)why;
	for (size_t i = 0; i < m->n_docs; i++) {
		const struct store_doc *d = &m->doc[i];

		if (str_eq(d->kind, kind) && (!key.n || str_eq(d->key, key)) && !d->deleted &&
		    newest(m, kind, d->key) == d)
			found[n++] = d;
	}
	qsort(found, n, sizeof *found, by_key);
	for (size_t i = 0; i < n; i++)
		each(arg, found[i]);
	free(found);
	return 0;
}

static int memory_doc_history(struct store *s, struct str kind, struct str key, store_doc_fn *each, void *arg,
			      struct errtext *why)
{
	struct memory_store *m = memory_of(s);

	(void)why;
	for (size_t i = m->n_docs; i-- > 0;)
		if (str_eq(m->doc[i].kind, kind) && str_eq(m->doc[i].key, key))
			each(arg, &m->doc[i]);
	return 0;
}

static void drop_event(struct event *e)
{
	drop(e->auction_id);
	free((void *)(uintptr_t)e->bidders);
}

static int memory_maintain(struct store *s, int64_t raw_before_ms, int64_t hourly_before_ms, bool *ret_more,
			   struct errtext *why)
{
	struct memory_store *m = memory_of(s);
	size_t kept = 0;

	(void)hourly_before_ms;
	(void)why;
	for (size_t i = 0; i < m->n_events; i++) {
		if (m->event[i].ts_ms / 3600000 < raw_before_ms / 3600000)
			drop_event(&m->event[i]);
		else
			m->event[kept++] = m->event[i];
	}
	m->n_events = kept;
	*ret_more = false;
	return 0;
}

static void memory_totals(struct store *s, struct store_totals *ret_t)
{
	*ret_t = (struct store_totals){ .last_seq = memory_of(s)->last_seq,
					.newest_ms = memory_of(s)->newest_ms };
}

static void memory_free(struct store *s)
{
	struct memory_store *m = memory_of(s);

	for (size_t i = 0; i < m->n_events; i++)
		drop_event(&m->event[i]);
	for (size_t i = 0; i < m->n_docs; i++) {
		drop(m->doc[i].kind);
		drop(m->doc[i].key);
		drop(m->doc[i].body);
		drop(m->doc[i].actor);
	}
	for (size_t i = 0; i < m->n_audit; i++)
		drop_audit(&m->audit[i]);
	free(m->audit);
	free(m->event);
	free(m->doc);
	names_deinit(&m->names);
	rollup_deinit(&m->rollup);
	floor_map_deinit(&m->floors);
	free(m);
}

struct store *memory_store_new(void)
{
	static const struct store_ops ops = {
		.name = "memory",
		.free = memory_free,
		.append = memory_append,
		.replay = memory_replay,
		.tail = memory_tail,
		.stats = memory_stats,
		.publishers = memory_publishers,
		.floor_history = memory_floor_history,
		.doc_put = memory_doc_put,
		.docs = memory_docs,
		.doc_history = memory_doc_history,
		.audit_add = memory_audit_add,
		.audit = memory_audit,
		.audit_drop = memory_audit_drop,
		.maintain = memory_maintain,
		.totals = memory_totals,
	};
	struct memory_store *m = xcalloc(1, sizeof *m);

	m->base.ops = &ops;
	names_init(&m->names, 500000);
	return &m->base;
}
