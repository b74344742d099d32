#include "common/helper.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/err.h"
#include "common/mem.h"

struct helper {
	struct helper_class cls;
	void *ctx;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t wake;
	struct helper_job *first, **end;
	size_t n_waiting, waiting_bytes;
	bool stopping;
};

/* Lives until its loop has let go of it and the last of its jobs is back. */
struct helper_port {
	struct helper *helper;
	struct loop *loop;
	pthread_mutex_t lock;    /* of mailbox */
	struct mailbox *mailbox; /* NULL: the loop has let go */
	bool ending;             /* the loop's: nobody is to be called any more */
	atomic_size_t refs;
};

static void port_unref(struct helper_port *p)
{
	if (atomic_fetch_sub(&p->refs, 1) != 1)
		return;
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static void drop_job(struct helper_job *j)
{
	struct helper_port *p = j->port;

	j->drop(j);
	port_unref(p);
}

/* --- on the helper's thread --- */

/* On the loop's thread again. */
static void come_back(struct mailbox_msg *m)
{
	struct helper_job *j = container_of(m, struct helper_job, back);
	struct helper_call *c = j->call;

	if (c && !j->port->ending) {
		helper_cancel(c);
		c->done(c, j);
	}
	drop_job(j);
}

static bool post(struct helper_job *j)
{
	struct helper_port *p = j->port;
	bool posted;

	pthread_mutex_lock(&p->lock);
	posted = p->mailbox && mailbox_post(p->mailbox, &j->back, come_back);
	pthread_mutex_unlock(&p->lock);
	return posted;
}

static void send_back(struct helper_job *jobs)
{
	for (struct helper_job *j = jobs, *next; j; j = next) {
		next = j->next;
		if (!post(j))
			drop_job(j);
	}
}

static struct timespec in_ms(uint64_t ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += (time_t)(ms / 1000);
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

static bool is_past(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > t->tv_sec || (now.tv_sec == t->tv_sec && now.tv_nsec >= t->tv_nsec);
}

/* Waits for jobs, the time of the next tick, or the end; false at the end. */
static bool wait_for_work(struct helper *h, const struct timespec *tick_at, struct helper_job **ret_jobs)
{
	bool go_on;

	pthread_mutex_lock(&h->lock);
	while (!h->first && !h->stopping && !(h->cls.tick && is_past(tick_at)))
		if (h->cls.tick)
			pthread_cond_timedwait(&h->wake, &h->lock, tick_at);
		else
			pthread_cond_wait(&h->wake, &h->lock);
	*ret_jobs = h->first;
	h->first = NULL;
	h->end = &h->first;
	h->n_waiting = h->waiting_bytes = 0;
	go_on = !h->stopping;
	pthread_mutex_unlock(&h->lock);
	return go_on;
}

static void *run(void *arg)
{
	struct helper *h = arg;
	struct timespec tick_at = in_ms(0);
	struct helper_job *jobs;

	while (wait_for_work(h, &tick_at, &jobs)) {
		if (jobs) {
			h->cls.work(h->ctx, jobs);
			send_back(jobs);
		}
		if (h->cls.tick && is_past(&tick_at))
			tick_at = in_ms(h->cls.tick(h->ctx));
	}
	if (h->cls.finish && jobs)
		h->cls.work(h->ctx, jobs);
	send_back(jobs); /* otherwise undone, as their owners may see */
	return NULL;
}

/* --- from outside --- */

struct helper *helper_new(const struct helper_class *cls, void *ctx, struct errtext *why)
{
	struct helper *h = xcalloc(1, sizeof *h);
	pthread_condattr_t attr;
	int rc;

	h->cls = *cls;
	h->ctx = ctx;
	h->end = &h->first;
	pthread_mutex_init(&h->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&h->wake, &attr);
	pthread_condattr_destroy(&attr);
	rc = pthread_create(&h->thread, NULL, run, h);
	if (rc) {
		errtext_set(why, "cannot start thread %s: %s", cls->name, strerror(rc));
		pthread_mutex_destroy(&h->lock);
		pthread_cond_destroy(&h->wake);
		free(h);
		return NULL;
	}
	pthread_setname_np(h->thread, cls->name);
	return h;
}

void helper_free(struct helper *h)
{
	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	h->stopping = true;
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->thread, NULL);
	pthread_mutex_destroy(&h->lock);
	pthread_cond_destroy(&h->wake);
	free(h);
}

struct helper_port *helper_port_new(struct helper *h, struct loop *loop)
{
	struct helper_port *p = xcalloc(1, sizeof *p);

	p->helper = h;
	p->loop = loop;
	atomic_init(&p->refs, 1);
	pthread_mutex_init(&p->lock, NULL);
	p->mailbox = mailbox_new(loop);
	if (p->mailbox)
		return p;
	port_unref(p);
	return NULL;
}

void helper_port_free(struct helper_port *p)
{
	struct mailbox *mailbox;

	if (!p)
		return;
	p->ending = true;
	pthread_mutex_lock(&p->lock);
	mailbox = p->mailbox;
	p->mailbox = NULL;
	pthread_mutex_unlock(&p->lock);
	mailbox_free(mailbox); /* what is in it is dropped */
	port_unref(p);
}

static bool put_in_line(struct helper *h, struct helper_job *j)
{
	bool ok;

	pthread_mutex_lock(&h->lock);
	ok = !h->stopping && h->n_waiting < h->cls.max_waiting &&
	     h->waiting_bytes + j->bytes <= h->cls.max_waiting_bytes;
	if (ok) {
		j->next = NULL;
		*h->end = j;
		h->end = &j->next;
		h->n_waiting++;
		h->waiting_bytes += j->bytes;
		pthread_cond_signal(&h->wake);
	}
	pthread_mutex_unlock(&h->lock);
	return ok;
}

static void on_timeout(struct loop_timer *t)
{
	struct helper_call *c = container_of(t, struct helper_call, timer);

	helper_cancel(c);
	c->done(c, NULL);
}

static bool hand_over(struct helper_port *p, struct helper_call *c, struct helper_job *job)
{
	job->port = p;
	job->call = c;
	atomic_fetch_add(&p->refs, 1);
	if (put_in_line(p->helper, job))
		return true;
	drop_job(job);
	return false;
}

bool helper_tell(struct helper_port *p, struct helper_job *job)
{
	return hand_over(p, NULL, job);
}

bool helper_ask(struct helper_port *p, struct helper_call *c, struct helper_job *job, uint32_t timeout_ms)
{
	if (!hand_over(p, c, job))
		return false;
	c->port = p;
	c->job = job; /* it comes back by this loop's mailbox, so not before this */
	loop_timer_start(p->loop, &c->timer, timeout_ms, on_timeout);
	return true;
}

void helper_cancel(struct helper_call *c)
{
	if (!c->port)
		return;
	loop_timer_cancel(c->port->loop, &c->timer);
	c->job->call = NULL;
	c->port = NULL;
	c->job = NULL;
}
