/* The thread, and the comparison of documents with the store. What goes out waits in outbox.h; stream.h talks to Redis. */
#include "idr/intake/sharer.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "idr/intake/outbox.h"
#include "idr/intake/shared_docs.h"
#include "idr/intake/stream.h"

enum {
	TIMEOUT_MS = 2000,
	RETRY_FIRST_MS = 200,
	RETRY_MOST_MS = 10000,
	UNDER_WAY_MAX = 4, /* batches that the learner has not learned */
};

struct sharer {
	struct sharer_options opt;
	struct workers *thread;
	struct loop *loop;
	struct loop_timer timer;
	struct mailbox_msg begin, stop;
	struct outbox outbox;
	struct stream stream;
	struct outgoing *sending; /* taken from the outbox, not acknowledged yet */
	struct shared_doc *doc_sending;
	uint32_t retry_ms;
	atomic_size_t under_way;

	/* A comparison with the store, one at a time. */
	struct keeper_job job;
	bool working, stopping, compare_all;
	struct shared_doc *theirs, *ours;
	size_t taken;

	pthread_mutex_t lock; /* of state */
	struct sharer_state state;
};

/* --- from the keeper's thread --- */

void sharer_events(struct sharer *s, const struct batch *batch)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < batch->n; i++)
		if (!batch->events[i].duplicate)
			outbox_add_event(&s->outbox, &batch->events[i], &b);
	buf_deinit(&b);
}

void sharer_doc(struct sharer *s, const struct store_doc *d)
{
	outbox_add_doc(&s->outbox, d);
}

void sharer_state(struct sharer *s, struct sharer_state *ret_s)
{
	pthread_mutex_lock(&s->lock);
	*ret_s = s->state;
	pthread_mutex_unlock(&s->lock);
	outbox_state(&s->outbox, &ret_s->waiting_bytes, &ret_s->dropped);
}

/* --- one turn: out, then in --- */

static int send_all(struct sharer *s, struct errtext *why)
{
	uint64_t docs = 0, events = 0;
	int err;

	if (!s->sending)
		s->sending = outbox_events(&s->outbox);
	if (!s->doc_sending)
		s->doc_sending = outbox_docs(&s->outbox);
	err = stream_send_docs(&s->stream, &s->ours, &docs, why);
	if (!err)
		err = stream_send_docs(&s->stream, &s->doc_sending, &docs, why);
	if (!err)
		err = stream_send_events(&s->stream, &s->sending, &events, why);
	pthread_mutex_lock(&s->lock);
	s->state.docs_published += docs;
	s->state.published += events;
	pthread_mutex_unlock(&s->lock);
	return err;
}

/* *ret_more: there may be more to read at once. */
static int receive(struct sharer *s, bool *ret_more, struct errtext *why)
{
	const struct shared_pos before = s->stream.pos;
	struct shared_batch *b;
	uint64_t refused = 0;
	int err;

	if (atomic_load(&s->under_way) >= UNDER_WAY_MAX)
		return 0;
	b = shared_batch_new(&s->under_way);
	err = stream_read(&s->stream, b, &s->theirs, &refused, why);
	pthread_mutex_lock(&s->lock);
	s->state.refused += refused;
	s->state.received += err ? 0 : b->n;
	pthread_mutex_unlock(&s->lock);
	if (err || memcmp(&before, &b->pos, sizeof before) == 0) { /* nothing new */
		shared_batch_free(b);
		return err;
	}
	*ret_more = !b->last;
	learner_take_shared(s->opt.learner, b);
	return 0;
}

static int read_all_docs(struct sharer *s, struct errtext *why)
{
	int err = stream_read_all_docs(&s->stream, &s->theirs, why);

	s->compare_all |= !err;
	return err;
}

static int connect_to(struct sharer *s, struct errtext *why)
{
	s->stream.redis = redis_connect(&s->opt.address, TIMEOUT_MS, why);
	if (!s->stream.redis)
		return ERR_UNREACHABLE;
	s->retry_ms = 0;
	/* Whatever was changed meanwhile, here or there; the first time, the unknown mark sees to that. */
	return *s->stream.mark ? read_all_docs(s, why) : 0;
}

static int turn(struct sharer *s, bool *ret_more, struct errtext *why)
{
	bool forgot = false;
	int err;

	if (!s->stream.redis && (err = connect_to(s, why)))
		return err;
	if ((err = stream_check_mark(&s->stream, &forgot, why)) ||
	    (forgot && (err = read_all_docs(s, why))) || (err = send_all(s, why)))
		return err;
	return receive(s, ret_more, why);
}

/* --- the thread --- */

static void on_timer(struct loop_timer *t);

static void note(struct sharer *s, int err, const struct errtext *why)
{
	pthread_mutex_lock(&s->lock);
	if (err && s->state.connected)
		log_event(LOG_WARN, "redis_down", LOG_Z("error", why->text));
	if (!err && !s->state.connected) {
		log_event(LOG_INFO, "redis_up", LOG_Z("host", s->opt.address.host));
		s->state.connections++;
	}
	s->state.connected = !err;
	if (err)
		s->state.why = *why;
	pthread_mutex_unlock(&s->lock);
	outbox_take_docs(&s->outbox, !err);
}

static void rest(struct sharer *s, uint64_t ms)
{
	loop_timer_start(s->loop, &s->timer, ms, on_timer);
}

static void forget_theirs(struct sharer *s)
{
	shared_docs_free(s->theirs);
	s->theirs = NULL;
	s->compare_all = false;
}

static void fail(struct sharer *s, int err, const struct errtext *why)
{
	note(s, err, why);
	redis_free(s->stream.redis);
	s->stream.redis = NULL;
	forget_theirs(s);
	s->retry_ms = s->retry_ms ? s->retry_ms * 2 : RETRY_FIRST_MS;
	if (s->retry_ms > RETRY_MOST_MS)
		s->retry_ms = RETRY_MOST_MS;
	rest(s, s->retry_ms);
}

/* On the keeper's thread; ours does not touch the lists meanwhile. */
static void merge(struct keeper_job *j, struct store *store)
{
	struct sharer *s = container_of(j, struct sharer, job);
	struct shared_doc *ours = NULL, **end;
	bool settings = false;

	j->err = shared_docs_merge(store, s->theirs, s->compare_all, &ours, &s->taken, &settings, &j->why);
	if (settings && !j->err)
		j->err = keeper_reload_settings(j->keeper, &j->why);
	for (end = &s->ours; *end; end = &(*end)->next)
		;
	*end = ours;
}

static void on_merged(struct keeper_job *j)
{
	struct sharer *s = container_of(j, struct sharer, job);

	s->working = false;
	if (s->stopping) {
		loop_stop(s->loop);
		return;
	}
	if (j->err) {
		/* Compared again as soon as the store can be read and written. */
		log_limited(LOG_WARN, "shared_documents_failed", LOG_Z("error", j->why.text));
		*s->stream.mark = 0;
	}
	forget_theirs(s);
	pthread_mutex_lock(&s->lock);
	s->state.docs_taken += j->err ? 0 : s->taken;
	pthread_mutex_unlock(&s->lock);
	rest(s, j->err ? s->opt.interval_ms : 0);
}

static void on_timer(struct loop_timer *t)
{
	struct sharer *s = container_of(t, struct sharer, timer);
	struct errtext why = { "" };
	bool more = false;
	int err = turn(s, &more, &why);

	if (err) {
		fail(s, err, &why);
		return;
	}
	note(s, 0, NULL);
	if (!s->theirs && !s->compare_all) {
		rest(s, more ? 0 : s->opt.interval_ms);
		return;
	}
	s->working = true;
	s->job = (struct keeper_job){ .work = merge, .done = on_merged, .answers_to = s->thread };
	keeper_submit(s->opt.keeper, &s->job);
}

static int on_init(struct worker *w, struct errtext *why)
{
	struct sharer *s = w->arg;

	(void)why;
	s->loop = w->loop;
	return 0;
}

struct sharer *sharer_start(const struct sharer_options *opt, struct errtext *why)
{
	static const struct worker_class cls = { .name = "sharer", .init = on_init };
	struct sharer *s = xcalloc(1, sizeof *s);

	s->opt = *opt;
	outbox_init(&s->outbox, opt->sample_rate, opt->seed);
	stream_init(&s->stream, opt->prefix, opt->max_events);
	pthread_mutex_init(&s->lock, NULL);
	errtext_set(&s->state.why, "not connected yet");
	s->thread = workers_start(1, &cls, s, why);
	if (s->thread)
		return s;
	sharer_free(s);
	return NULL;
}

static void on_begin(struct mailbox_msg *m)
{
	struct sharer *s = container_of(m, struct sharer, begin);

	if (!s->stopping)
		on_timer(&s->timer);
}

void sharer_begin(struct sharer *s, int64_t store_id)
{
	snprintf(s->stream.me, sizeof s->stream.me, "%016" PRIx64, (uint64_t)store_id);
	s->stream.pos = learner_shared_pos(s->opt.learner);
	if (!workers_post(s->thread, 0, &s->begin, on_begin))
		log_event(LOG_ERROR, "sharer_lost");
}

/* The keeper may be at work for us: its answer must find the thread. */
static void on_stop(struct mailbox_msg *m)
{
	struct sharer *s = container_of(m, struct sharer, stop);
	struct errtext why = { "" };

	s->stopping = true;
	loop_timer_cancel(s->loop, &s->timer);
	if (s->stream.redis && !s->working)
		(void)send_all(s, &why);
	if (!s->working)
		loop_stop(s->loop);
}

void sharer_stop(struct sharer *s)
{
	if (!s || !s->thread)
		return;
	if (!workers_post(s->thread, 0, &s->stop, on_stop))
		workers_stop(s->thread);
	workers_join(s->thread);
	s->thread = NULL;
	outbox_close(&s->outbox);
}

void sharer_free(struct sharer *s)
{
	if (!s)
		return;
	sharer_stop(s);
	outgoing_free(s->sending);
	shared_docs_free(s->doc_sending);
	shared_docs_free(s->theirs);
	shared_docs_free(s->ours);
	outbox_deinit(&s->outbox);
	stream_deinit(&s->stream);
	redis_address_deinit(&s->opt.address);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
