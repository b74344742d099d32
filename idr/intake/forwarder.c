#include "idr/intake/forwarder.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/pg.h"
#include "idr/store/pg.h"

enum {
	RETRY_FIRST_MS = 500,
	RETRY_MOST_MS = 30000,
	RETENTION_EVERY_MS = 3600000,
	FULL = 1,
	DAY_MS = 86400000
};

struct forwarder {
	struct forwarder_options opt;
	struct workers *thread;
	struct loop *loop;
	struct loop_timer timer;
	PGconn *conn;
	struct keeper_job job; /* one at a time */
	struct mailbox_msg begin, stop;
	bool reading, stopping, full; /* full: there is more behind the piece */
	uint32_t piece_events;        /* opt.max_events, or less while the database is slow */
	int64_t store_id, seq, now_ms;
	uint64_t retention_at_ms;
	uint32_t retry_ms;
	struct pg_piece piece;

	pthread_mutex_t lock; /* of state */
	struct forwarder_state state;
};

char *forwarder_conninfo(const char *host, uint32_t port, const char *name, const char *user,
			 const char *password)
{
	const char *const values[] = { host, name, user, password };
	const char *const keys[] = { "host", "dbname", "user", "password" };
	struct buf b;

	buf_init(&b, 16384);
	buf_addf(&b, "port=%u", port);
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		if (!*values[i])
			continue;
		buf_addf(&b, " %s='", keys[i]);
		for (const char *p = values[i]; *p; p++) {
			if (*p == '\'' || *p == '\\')
				buf_add_c(&b, '\\');
			buf_add_c(&b, *p);
		}
		buf_add_c(&b, '\'');
	}
	return buf_take(&b);
}

void forwarder_state(struct forwarder *f, struct forwarder_state *ret_s)
{
	pthread_mutex_lock(&f->lock);
	*ret_s = f->state;
	pthread_mutex_unlock(&f->lock);
}

static void note(struct forwarder *f, int err, const struct errtext *why)
{
	pthread_mutex_lock(&f->lock);
	if (err && f->state.connected)
		log_event(LOG_WARN, "postgres_down", LOG_Z("error", why->text));
	if (!err && !f->state.connected)
		log_event(LOG_INFO, "postgres_up", LOG_INT("seq", f->seq));
	f->state.connected = !err;
	f->state.seq = f->seq;
	if (err)
		f->state.why = *why;
	pthread_mutex_unlock(&f->lock);
}

static void on_timer(struct loop_timer *t);

/* The connection is given up after any failure: whatever the server did, the position tells. */
static void fail(struct forwarder *f, int err, const struct errtext *why)
{
	note(f, err, why);
	PQfinish(f->conn);
	f->conn = NULL;
	f->retry_ms = f->retry_ms ? f->retry_ms * 2 : RETRY_FIRST_MS;
	if (f->retry_ms > RETRY_MOST_MS)
		f->retry_ms = RETRY_MOST_MS;
	loop_timer_start(f->loop, &f->timer, f->retry_ms, on_timer);
}

static int add_event(void *arg, const struct event *e)
{
	struct forwarder *f = arg;

	if (!pg_piece_add(&f->piece, f->store_id, e))
		return FULL;
	return f->piece.events >= f->piece_events || f->piece.bidders.n > (32u << 20) ? FULL : 0;
}

/* On the keeper's thread; the piece is not touched by ours meanwhile. */
static void read_piece(struct keeper_job *j, struct store *s)
{
	struct forwarder *f = container_of(j, struct forwarder, job);
	struct store_totals totals;

	f->now_ms = keeper_age_ms(j->keeper);
	pg_piece_clear(&f->piece);
	if (!f->store_id) {
		s->ops->totals(s, &totals);
		f->store_id = totals.store_id;
		return;
	}
	j->err = s->ops->replay(s, f->seq, add_event, f, &j->why);
	f->full = j->err == FULL;
	if (f->full)
		j->err = 0;
}

/* Only while that leaves time enough: at twice the size it takes twice as long. */
static void grow_piece(struct forwarder *f, uint64_t took_us)
{
	if (f->full && took_us < f->opt.timeout_ms * 1000ull / 4)
		f->piece_events =
			f->piece_events < f->opt.max_events / 2 ? f->piece_events * 2 : f->opt.max_events;
}

static void on_piece(struct keeper_job *j);

static void ask(struct forwarder *f)
{
	f->reading = true;
	f->job = (struct keeper_job){ .work = read_piece, .done = on_piece, .answers_to = f->thread };
	keeper_submit(f->opt.keeper, &f->job);
}

static void drop_old(struct forwarder *f)
{
	struct errtext why = { "" };

	if (loop_now_ms(f->loop) < f->retention_at_ms)
		return;
	f->retention_at_ms = loop_now_ms(f->loop) + RETENTION_EVERY_MS;
	if (pg_drop_before(f->conn, f->now_ms - f->opt.retention_days * (int64_t)DAY_MS,
			   f->now_ms - f->opt.hourly_days * (int64_t)DAY_MS, &why) < 0)
		log_limited(LOG_WARN, "postgres_retention_failed", LOG_Z("error", why.text));
}

static void on_piece(struct keeper_job *j)
{
	struct forwarder *f = container_of(j, struct forwarder, job);
	struct errtext why = { "" };
	uint64_t begin_us;
	int err = 0;

	f->reading = false;
	if (f->stopping) {
		loop_stop(f->loop);
		return;
	}
	if (j->err || !f->conn) { /* the store's trouble, or the first call, which told the store's name */
		loop_timer_start(f->loop, &f->timer, j->err ? f->opt.interval_ms : 0, on_timer);
		return;
	}
	begin_us = clock_mono_us();
	if (f->piece.events)
		err = pg_write(f->conn, f->store_id, f->seq, &f->piece, &why);
	if (err) {
		f->piece_events = f->piece.events > 1 ? (uint32_t)f->piece.events / 2 : 1;
		fail(f, err, &why);
		return;
	}
	if (f->piece.events)
		f->seq = f->piece.last_seq;
	grow_piece(f, clock_mono_us() - begin_us);
	note(f, 0, NULL);
	drop_old(f);
	loop_timer_start(f->loop, &f->timer, f->full ? 0 : f->opt.interval_ms, on_timer);
}

static int connect_to(struct forwarder *f, struct errtext *why)
{
	struct pg_schema schema;
	int err;

	/* Nothing here may block for longer than a shutdown may take. */
	f->conn = pg_open(f->opt.conninfo, "nexus-idr", 3, f->opt.timeout_ms, why);
	if (!f->conn)
		return ERR_UNREACHABLE;
	err = pg_migrate(f->conn, &schema, why);
	if (!err)
		err = pg_position(f->conn, f->store_id, &f->seq, why);
	if (!err)
		f->retry_ms = 0;
	return err;
}

static void on_timer(struct loop_timer *t)
{
	struct forwarder *f = container_of(t, struct forwarder, timer);
	struct errtext why = { "" };
	int err;

	if (f->store_id && !f->conn && (err = connect_to(f, &why))) {
		fail(f, err, &why);
		return;
	}
	ask(f);
}

static int on_init(struct worker *w, struct errtext *why)
{
	struct forwarder *f = w->arg;

	(void)why;
	f->loop = w->loop;
	return 0;
}

static void on_begin(struct mailbox_msg *m)
{
	on_timer(&container_of(m, struct forwarder, begin)->timer);
}

struct forwarder *forwarder_start(const struct forwarder_options *opt, struct errtext *why)
{
	static const struct worker_class cls = { .name = "forwarder", .init = on_init };
	struct forwarder *f = xcalloc(1, sizeof *f);

	f->opt = *opt;
	f->piece_events = opt->max_events;
	pg_piece_init(&f->piece);
	pthread_mutex_init(&f->lock, NULL);
	errtext_set(&f->state.why, "not connected yet");
	f->thread = workers_start(1, &cls, f, why);
	/* By message, so that the thread knows its own name when the first answer is to come. */
	if (f->thread && workers_post(f->thread, 0, &f->begin, on_begin))
		return f;
	forwarder_free(f);
	return NULL;
}

/* The keeper may be at work for us: its answer must find the thread. */
static void on_stop(struct mailbox_msg *m)
{
	struct forwarder *f = container_of(m, struct forwarder, stop);

	f->stopping = true;
	loop_timer_cancel(f->loop, &f->timer);
	if (!f->reading)
		loop_stop(f->loop);
}

void forwarder_free(struct forwarder *f)
{
	if (!f)
		return;
	if (f->thread) {
		if (!workers_post(f->thread, 0, &f->stop, on_stop))
			workers_stop(f->thread);
		workers_join(f->thread);
	}
	PQfinish(f->conn);
	pg_piece_deinit(&f->piece);
	pthread_mutex_destroy(&f->lock);
	free(f->opt.conninfo);
	free(f);
}
