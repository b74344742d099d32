#include "idr/intake/keeper.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "idr/intake/settings_docs.h"

enum { COMMIT_ROWS = 40000, DAY_MS = 86400000, AUDIT_REFUSED_MAX = 10000 };

struct keeper {
	struct keeper_options opt;
	struct workers *thread;
	struct loop *loop;
	struct store *store;
	struct batch *first, **last; /* waiting for the next transaction */
	struct loop_task commit;
	struct loop_timer maintain;
	struct mailbox_msg load, again;
	struct snapshot_view settings;
	struct settings scratch;
	int64_t newest_ms; /* of all events seen; the clock when it is theirs */

	atomic_size_t rows;
	pthread_mutex_t lock; /* of state */
	struct keeper_state state;
};

static void note(struct keeper *k, int err, const struct errtext *why)
{
	pthread_mutex_lock(&k->lock);
	k->state.err = err;
	if (err)
		k->state.why = *why;
	k->store->ops->totals(k->store, &k->state.totals);
	pthread_mutex_unlock(&k->lock);
	if (err)
		log_limited(LOG_ERROR, "store_failed", LOG_Z("error", why->text));
}

void keeper_state(struct keeper *k, struct keeper_state *ret_s)
{
	pthread_mutex_lock(&k->lock);
	*ret_s = k->state;
	pthread_mutex_unlock(&k->lock);
	ret_s->rows_queued = atomic_load_explicit(&k->rows, memory_order_relaxed);
}

int64_t keeper_now_ms(const struct keeper *k)
{
	return k->opt.event_clock ? k->newest_ms : clock_wall_ms();
}

int64_t keeper_age_ms(const struct keeper *k)
{
	int64_t wall_ms = clock_wall_ms();

	return k->opt.event_clock || k->newest_ms < wall_ms ? k->newest_ms : wall_ms;
}

/* --- events --- */

static void on_answer(struct mailbox_msg *m)
{
	struct keeper_wait *w = container_of(m, struct keeper_wait, msg);

	w->done(w);
}

static void answer(struct keeper_wait *w)
{
	/* Workers end only when they have no open request, so the one that waits is there. */
	if (!workers_post(w->answers_to, w->worker, &w->msg, on_answer))
		log_event(LOG_ERROR, "answer_lost", LOG_INT("worker", w->worker));
}

static void settle(struct keeper *k, struct batch *b, int err, const struct errtext *why)
{
	struct keeper_wait *w = b->to;

	w->err = err;
	if (err) {
		w->why = *why;
		batch_free(b);
	} else {
		w->accepted = b->n;
		for (size_t i = 0; i < b->n; i++)
			w->duplicates += b->events[i].duplicate;
		if (k->opt.on_recorded)
			k->opt.on_recorded(k->opt.arg, b);
		learner_take(k->opt.learner, b);
	}
	answer(w);
}

/* Which side of the experiment an auction was on. Audits and control are decided by the auction's id, here as
 * in /route; anything PBS did not route normally is on neither side. */
static void set_group(struct keeper *k, struct event *e)
{
	const struct router *r = learner_router(k->opt.learner);
	uint64_t auction = classify_name(e->auction_id);
	const struct settings *s = settings_find(settings_tree_in(&k->settings), &e->ctx, &k->scratch);

	if (!str_eq(e->mode, str_of(route_mode_name(ROUTE_NORMAL))))
		e->group = GROUP_UNROUTED;
	else if (router_is_control(r, s, auction))
		e->group = GROUP_CONTROL;
	else if (router_is_audit(r, s, auction))
		e->group = GROUP_AUDIT;
	else
		e->group = GROUP_ROUTED;
}

/* Cuts the batches of the next transaction off the queue. */
static struct batch *take_group(struct keeper *k, size_t *ret_events, size_t *ret_rows)
{
	struct batch *head = k->first, *b = head;
	size_t events = b->n, rows = b->rows;

	while (b->next && rows + b->next->rows <= COMMIT_ROWS) {
		b = b->next;
		events += b->n;
		rows += b->rows;
	}
	k->first = b->next;
	if (!k->first)
		k->last = &k->first;
	b->next = NULL;
	*ret_events = events;
	*ret_rows = rows;
	return head;
}

static void count_commit(struct keeper *k, size_t events, size_t rows, size_t duplicates, uint64_t us,
			 int err)
{
	pthread_mutex_lock(&k->lock);
	k->state.commits += !err;
	k->state.failures += err != 0;
	k->state.commit_us += us;
	if (!err) {
		k->state.events += events - duplicates;
		k->state.rows += rows;
		k->state.duplicates += duplicates;
	}
	pthread_mutex_unlock(&k->lock);
}

static void on_commit(struct loop_task *t)
{
	struct keeper *k = container_of(t, struct keeper, commit);
	size_t n_events, n_rows, n = 0, duplicates = 0;
	struct batch *group = take_group(k, &n_events, &n_rows), *next;
	struct event **events = xcalloc(n_events + 1, sizeof *events);
	struct errtext why = { "" };
	uint64_t begin_us = clock_mono_us();
	int err;

	for (struct batch *b = group; b; b = b->next)
		for (size_t i = 0; i < b->n; i++) {
			set_group(k, &b->events[i]);
			if (b->events[i].ts_ms > k->newest_ms)
				k->newest_ms = b->events[i].ts_ms;
			events[n++] = &b->events[i];
		}
	err = k->store->ops->append(k->store, events, n, &why);
	for (size_t i = 0; i < n && !err; i++)
		duplicates += events[i]->duplicate;
	count_commit(k, n, n_rows, duplicates, clock_mono_us() - begin_us, err);
	note(k, err, &why);
	free(events);
	for (struct batch *b = group; b; b = next) {
		next = b->next;
		b->next = NULL;
		settle(k, b, err, &why);
	}
	if (k->first)
		loop_defer(k->loop, &k->commit, on_commit);
}

static void on_append(struct mailbox_msg *m)
{
	struct batch *b = container_of(m, struct batch, msg);
	struct keeper *k = b->keeper;

	b->next = NULL;
	if (!k->first)
		loop_defer(k->loop, &k->commit, on_commit);
	*k->last = b;
	k->last = &b->next;
}

int keeper_append(struct keeper *k, struct batch *b, struct keeper_wait *w)
{
	/* A batch larger than the ceiling must still get through when nothing else is under way. */
	size_t rows = b->rows + b->n, before = atomic_fetch_add(&k->rows, rows);

	if (before > 0 && before + rows > k->opt.max_rows) {
		atomic_fetch_sub(&k->rows, rows);
		batch_free(b);
		return ERR_UNAVAILABLE;
	}
	b->under_way = &k->rows;
	b->under_way_rows = rows;
	b->keeper = k;
	b->to = w;
	if (workers_post(k->thread, 0, &b->msg, on_append))
		return 0;
	batch_free(b);
	return ERR_UNAVAILABLE;
}

/* --- jobs --- */

static void on_job_done(struct mailbox_msg *m)
{
	struct keeper_job *j = container_of(m, struct keeper_job, msg);

	j->done(j);
}

static void on_job(struct mailbox_msg *m)
{
	struct keeper_job *j = container_of(m, struct keeper_job, msg);
	struct keeper *k = j->keeper;
	bool waited_for = j->answers_to != NULL;

	j->err = 0;
	j->work(j, k->store);
	if (waited_for && !workers_post(j->answers_to, j->worker, &j->msg, on_job_done))
		log_event(LOG_WARN, "answer_lost", LOG_INT("worker", j->worker));
}

void keeper_submit(struct keeper *k, struct keeper_job *j)
{
	j->keeper = k;
	if (!workers_post(k->thread, 0, &j->msg, on_job))
		log_event(LOG_ERROR, "job_lost", LOG_INT("worker", j->worker));
}

int keeper_reload_settings(struct keeper *k, struct errtext *why)
{
	return k->opt.publish_settings(k->opt.arg, k->store, why);
}

static void take_time(void *arg, const struct store_doc *d)
{
	int64_t *newest_ms = arg;

	if (d->updated_ms > *newest_ms)
		*newest_ms = d->updated_ms;
}

/* The log gets all of it too: it leaves the machine, and who can write the store's file cannot change it there. */
static void log_audit(const struct store_audit *a)
{
	log_event(LOG_INFO, "audit", LOG_STR("who", a->who), LOG_STR("address", a->address),
		  LOG_STR("action", a->action), LOG_STR("object", a->object), LOG_INT("after", a->after),
		  LOG_STR("outcome", a->outcome));
}

int keeper_audit(struct keeper *k, struct store *s, const struct store_audit *a, struct errtext *why)
{
	int err = s->ops->audit_add(s, a, why);

	note(k, err, why);
	log_audit(a);
	return err;
}

static void log_doc(const struct store_doc *d, int64_t version)
{
	char action[STORE_ACTION_BYTES];

	log_audit(&(struct store_audit){ .who = d->actor,
					 .address = d->address,
					 .action = store_doc_action(d, action),
					 .object = d->key,
					 .after = version,
					 .outcome = AUDIT_OK });
}

int keeper_put_doc(struct keeper *k, struct store *s, const struct store_doc *d, int64_t *ret_version,
		   struct errtext *why)
{
	struct store_doc put = *d;
	int64_t newest_ms = 0, version = 0;
	int err = s->ops->doc_history(s, d->kind, d->key, take_time, &newest_ms, why);

	if (err)
		return err;
	/* Later than the one before, also when that came from a machine whose clock is ahead. */
	if (put.updated_ms <= newest_ms)
		put.updated_ms = newest_ms + 1;
	put.deleted = put.body.n == 0;
	err = s->ops->doc_put(s, &put, &version, why);
	if (!err)
		log_doc(&put, version);
	if (!err && ret_version)
		*ret_version = version;
	if (!err && str_eq(d->kind, KEEPER_SETTINGS))
		err = keeper_reload_settings(k, why);
	if (!err && k->opt.on_doc)
		k->opt.on_doc(k->opt.arg, &put);
	return err;
}

/* --- start, upkeep, end --- */

static void on_maintain(struct loop_timer *t);

static void on_maintain_again(struct mailbox_msg *m)
{
	struct keeper *k = container_of(m, struct keeper, again);

	on_maintain(&k->maintain);
}

static void on_maintain(struct loop_timer *t)
{
	struct keeper *k = container_of(t, struct keeper, maintain);
	int64_t now_ms = keeper_age_ms(k);
	struct errtext why = { "" };
	bool more = false;
	int err = k->store->ops->maintain(k->store, now_ms - k->opt.retention_days * (int64_t)DAY_MS,
					  now_ms - k->opt.hourly_days * (int64_t)DAY_MS, &more, &why);

	if (!err)
		err = k->store->ops->audit_drop(k->store,
						clock_wall_ms() - k->opt.audit_days * (int64_t)DAY_MS,
						AUDIT_REFUSED_MAX, &why);
	note(k, err, &why);
	log_flush_limited();
	/* A message to ourselves lets appends in between two pieces of work. */
	if (!err && more && workers_post(k->thread, 0, &k->again, on_maintain_again))
		return;
	loop_timer_start(k->loop, &k->maintain, k->opt.maintain_seconds * 1000ull, on_maintain);
}

static int learn_again(void *arg, const struct event *e)
{
	struct keeper *k = arg;

	learner_learn(k->opt.learner, e);
	k->state.loaded_events++; /* nobody else writes it before it is published */
	if (e->ts_ms > k->newest_ms)
		k->newest_ms = e->ts_ms;
	return 0;
}

static int load_index(struct keeper *k, struct errtext *why)
{
	struct store_totals totals;
	struct errtext ignored;
	int64_t seq;

	k->store->ops->totals(k->store, &totals);
	k->newest_ms = totals.newest_ms;
	if (!learner_load(k->opt.learner, totals.store_id, totals.last_seq, &seq, &ignored)) {
		if (ignored.text[0])
			log_event(LOG_WARN, "snapshot_ignored", LOG_Z("why", ignored.text));
		if (k->opt.learn_elsewhere)
			k->opt.learn_elsewhere(k->opt.arg, totals.store_id);
		seq = k->store->ops->tail(k->store, k->opt.replay_rows);
	}
	return k->store->ops->replay(k->store, seq, learn_again, k, why);
}

static void on_load(struct mailbox_msg *m)
{
	struct keeper *k = container_of(m, struct keeper, load);
	struct errtext why = { "" };
	uint64_t begin_us = clock_mono_us();
	int err = load_index(k, &why);

	if (!err)
		err = learner_start(k->opt.learner, &why);
	if (err) {
		/* Without its history the router would route by nothing; it keeps answering with everybody. */
		note(k, err, &why);
		log_event(LOG_ERROR, "load_failed", LOG_Z("error", why.text));
		return;
	}
	pthread_mutex_lock(&k->lock);
	k->state.loaded = true;
	k->state.load_ms = (int64_t)((clock_mono_us() - begin_us) / 1000);
	pthread_mutex_unlock(&k->lock);
	log_event(LOG_INFO, "index_loaded", LOG_INT("events_replayed", k->state.loaded_events),
		  LOG_INT("ms", k->state.load_ms));
	note(k, 0, NULL);
	loop_timer_start(k->loop, &k->maintain, k->opt.maintain_seconds * 1000ull, on_maintain);
	k->opt.on_loaded(k->opt.arg);
}

static int on_init(struct worker *w, struct errtext *why)
{
	struct keeper *k = w->arg;

	k->loop = w->loop;
	k->store = k->opt.open(k->opt.arg, why);
	return k->store ? keeper_reload_settings(k, why) : ERR_UNAVAILABLE;
}

static void on_deinit(struct worker *w)
{
	struct keeper *k = w->arg;

	while (k->first)
		on_commit(&k->commit);
	k->store = store_free(k->store);
}

struct keeper *keeper_start(const struct keeper_options *opt, struct errtext *why)
{
	static const struct worker_class cls = { .name = "keeper", .init = on_init, .deinit = on_deinit };
	struct keeper *k = xcalloc(1, sizeof *k);

	k->opt = *opt;
	k->last = &k->first;
	snapshot_view_init(&k->settings, opt->settings);
	pthread_mutex_init(&k->lock, NULL);
	k->thread = workers_start(1, &cls, k, why);
	if (!k->thread) {
		snapshot_view_deinit(&k->settings);
		pthread_mutex_destroy(&k->lock);
		free(k);
		return NULL;
	}
	return k;
}

void keeper_load(struct keeper *k)
{
	if (!workers_post(k->thread, 0, &k->load, on_load))
		log_event(LOG_ERROR, "load_failed", LOG_Z("error", "the store's thread has ended"));
}

void keeper_stop(struct keeper *k)
{
	if (!k)
		return;
	workers_stop(k->thread);
	workers_join(k->thread);
}

void keeper_free(struct keeper *k)
{
	if (!k)
		return;
	snapshot_view_deinit(&k->settings);
	pthread_mutex_destroy(&k->lock);
	free(k);
}
