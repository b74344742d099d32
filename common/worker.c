#include "common/worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/err.h"
#include "common/mem.h"

struct thread {
	struct worker worker;
	struct workers *set;
	struct mailbox *mailbox;
	pthread_t id;
	bool started;
	int err;
	struct errtext why;
};

struct workers {
	const struct worker_class *cls;
	size_t n, n_started;
	struct thread *threads;
	pthread_mutex_t lock; /* of n_ready */
	pthread_cond_t ready;
	size_t n_ready;
};

static void report_ready(struct workers *ws)
{
	pthread_mutex_lock(&ws->lock);
	ws->n_ready++;
	pthread_cond_signal(&ws->ready);
	pthread_mutex_unlock(&ws->lock);
}

static void *thread_main(void *arg)
{
	struct thread *t = arg;
	const struct worker_class *cls = t->set->cls;
	bool ok;

	t->err = cls->init ? cls->init(&t->worker, &t->why) : 0;
	ok = t->err == 0;
	report_ready(t->set); /* t->err and t->why are the starter's from here on */
	if (ok)
		loop_run(t->worker.loop);
	mailbox_close(t->mailbox);
	if (cls->deinit)
		cls->deinit(&t->worker);
	return NULL;
}

static bool thread_start(struct thread *t)
{
	char name[16];

	if (!t->worker.loop || !t->mailbox || pthread_create(&t->id, NULL, thread_main, t) != 0)
		return false;
	snprintf(name, sizeof name, "%.10s-%u", t->set->cls->name, (unsigned)(t->worker.index % 1000));
	(void)pthread_setname_np(t->id, name);
	return true;
}

static int first_failure(const struct workers *ws, struct errtext *why)
{
	for (size_t i = 0; i < ws->n; i++) {
		const struct thread *t = &ws->threads[i];

		if (!t->started) {
			errtext_set(why, "cannot start thread %zu of %zu", i + 1, ws->n);
			return ERR_INTERNAL;
		}
		if (t->err < 0) {
			errtext_set(why, "%s", t->why.text);
			return t->err;
		}
	}
	return 0;
}

size_t workers_wanted(uint32_t configured)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return configured ? configured : cores > 0 ? (size_t)cores : 1;
}

struct workers *workers_start(size_t n, const struct worker_class *cls, void *arg, struct errtext *why)
{
	struct workers *ws = xcalloc(1, sizeof *ws);

	ws->cls = cls;
	ws->n = n;
	ws->threads = xcalloc(n, sizeof *ws->threads);
	pthread_mutex_init(&ws->lock, NULL);
	pthread_cond_init(&ws->ready, NULL);
	for (size_t i = 0; i < n; i++) {
		struct thread *t = &ws->threads[i];

		t->set = ws;
		t->worker = (struct worker){ .index = i, .set = ws, .arg = arg, .loop = loop_new() };
		t->mailbox = t->worker.loop ? mailbox_new(t->worker.loop) : NULL;
		t->started = thread_start(t);
		ws->n_started += t->started;
	}
	pthread_mutex_lock(&ws->lock);
	while (ws->n_ready < ws->n_started)
		pthread_cond_wait(&ws->ready, &ws->lock);
	pthread_mutex_unlock(&ws->lock);
	if (first_failure(ws, why) == 0)
		return ws;
	workers_stop(ws);
	workers_join(ws);
	return NULL;
}

size_t workers_count(const struct workers *ws)
{
	return ws->n;
}

bool workers_post(struct workers *ws, size_t index, struct mailbox_msg *m, void (*run)(struct mailbox_msg *))
{
	return mailbox_post(ws->threads[index].mailbox, m, run);
}

/* --- one message to all --- */

struct round {
	atomic_size_t left;
	void (*run)(struct worker *w, void *arg);
	void (*done)(void *arg);
	void *arg;
	struct round_msg {
		struct mailbox_msg msg;
		struct round *round;
		struct worker *worker;
	} msgs[];
};

static void round_settle(struct round *r)
{
	if (atomic_fetch_sub(&r->left, 1) != 1)
		return;
	if (r->done)
		r->done(r->arg);
	free(r);
}

static void on_round(struct mailbox_msg *m)
{
	struct round_msg *rm = container_of(m, struct round_msg, msg);

	rm->round->run(rm->worker, rm->round->arg);
	round_settle(rm->round);
}

void workers_each(struct workers *ws, void (*run)(struct worker *w, void *arg), void (*done)(void *arg),
		  void *arg)
{
	struct round *r = xcalloc(1, sizeof *r + ws->n * sizeof r->msgs[0]);

	atomic_init(&r->left, ws->n + 1); /* one is ours, until all are posted */
	r->run = run;
	r->done = done;
	r->arg = arg;
	for (size_t i = 0; i < ws->n; i++) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): our own count keeps it until the last line */
		r->msgs[i].round = r;
		r->msgs[i].worker = &ws->threads[i].worker;
		if (!workers_post(ws, i, &r->msgs[i].msg, on_round))
			round_settle(r);
	}
	round_settle(r); /* NOLINT(clang-analyzer-unix.Malloc) */
}

void workers_stop(struct workers *ws)
{
	for (size_t i = 0; i < ws->n; i++)
		if (ws->threads[i].worker.loop)
			loop_stop(ws->threads[i].worker.loop);
}

void workers_join(struct workers *ws)
{
	if (!ws)
		return;
	for (size_t i = 0; i < ws->n; i++)
		if (ws->threads[i].started)
			pthread_join(ws->threads[i].id, NULL);
	/* Only now: a worker that is still ending may post to one that has ended. */
	for (size_t i = 0; i < ws->n; i++) {
		mailbox_free(ws->threads[i].mailbox);
		loop_free(ws->threads[i].worker.loop);
	}
	pthread_cond_destroy(&ws->ready);
	pthread_mutex_destroy(&ws->lock);
	free(ws->threads);
	free(ws);
}
