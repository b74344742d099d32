/* One turn is: wait, ready descriptors, due timers, then rounds of deferred tasks and hooks, so that a reply
 * made anywhere in the turn is written in the same turn.
 *
 * A descriptor may be closed, and its number given to another, while events for it are still in the batch
 * from epoll_wait. Each registration therefore carries a generation: events of an older one are dropped. */
#include "common/loop.h"

#include <assert.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/mem.h"

enum {
	EVENTS_PER_WAIT = 256,
	MAX_ROUNDS = 4, /* of tasks and hooks in one turn, so that neither starves the descriptors */
};

struct slot { /* by descriptor number */
	struct loop_fd *w;
	uint32_t generation;
};

struct loop {
	int epfd, wakefd;
	atomic_bool stopping;
	uint64_t now_us, now_ms;
	struct slot *slots;
	size_t n_slots;
	struct loop_timer **heap; /* binary, earliest first */
	size_t n_timers, cap_timers;
	struct loop_task *tasks, **tasks_end;
	struct loop_hook *hooks;
	int64_t hooks_wait_ms; /* what the hooks asked for; -1 = nothing */
};

static void read_clock(struct loop *l)
{
	l->now_us = clock_mono_us();
	l->now_ms = l->now_us / 1000;
}

struct loop *loop_new(void)
{
	struct loop *l = xcalloc(1, sizeof *l);
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = UINT64_MAX };

	l->tasks_end = &l->tasks;
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	l->wakefd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->epfd < 0 || l->wakefd < 0 || epoll_ctl(l->epfd, EPOLL_CTL_ADD, l->wakefd, &ev) < 0) {
		loop_free(l);
		return NULL;
	}
	read_clock(l);
	return l;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	if (l->epfd >= 0)
		close(l->epfd);
	if (l->wakefd >= 0)
		close(l->wakefd);
	free(l->slots);
	free(l->heap);
	free(l);
}

uint64_t loop_now_ms(const struct loop *l)
{
	return l->now_ms;
}

uint64_t loop_now_us(const struct loop *l)
{
	return l->now_us;
}

void loop_wake(struct loop *l)
{
	uint64_t one = 1;

	/* Fails only when the counter is full, and then the loop wakes anyway. */
	(void)!write(l->wakefd, &one, sizeof one);
}

void loop_stop(struct loop *l)
{
	atomic_store(&l->stopping, true);
	loop_wake(l);
}

/* --- descriptors --- */

static uint32_t to_epoll(unsigned events)
{
	return (events & LOOP_READ ? EPOLLIN | EPOLLRDHUP : 0u) | (events & LOOP_WRITE ? EPOLLOUT : 0u);
}

static struct slot *slot_for(struct loop *l, int fd)
{
	size_t i = (size_t)fd, n = l->n_slots;

	if (i >= n) {
		n = n ? n : 64;
		while (n <= i)
			n *= 2;
		l->slots = xrealloc(l->slots, n * sizeof *l->slots);
		memset(l->slots + l->n_slots, 0, (n - l->n_slots) * sizeof *l->slots);
		l->n_slots = n;
	}
	return &l->slots[i];
}

int loop_fd_add(struct loop *l, struct loop_fd *w, int fd, unsigned events,
		void (*on_ready)(struct loop_fd *, unsigned))
{
	struct slot *s = slot_for(l, fd);
	struct epoll_event ev = { .events = to_epoll(events) };

	assert(!w->active);
	if (s->w) /* its descriptor was closed behind our back, or this number could not come again */
		s->w->active = false;
	ev.data.u64 = (uint64_t)(s->generation + 1) << 32 | (uint32_t)fd;
	if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, &ev) < 0)
		return ERR_INTERNAL;
	s->generation++;
	s->w = w;
	*w = (struct loop_fd){ .on_ready = on_ready, .fd = fd, .events = events, .active = true };
	return 0;
}

void loop_fd_set(struct loop *l, struct loop_fd *w, unsigned events)
{
	struct epoll_event ev = { .events = to_epoll(events) };

	assert(w->active);
	if (w->events == events)
		return;
	w->events = events;
	ev.data.u64 = (uint64_t)l->slots[w->fd].generation << 32 | (uint32_t)w->fd;
	(void)epoll_ctl(l->epfd, EPOLL_CTL_MOD, w->fd, &ev);
}

void loop_fd_del(struct loop *l, struct loop_fd *w)
{
	if (!w->active)
		return;
	l->slots[w->fd].w = NULL;
	w->active = false;
	(void)epoll_ctl(l->epfd, EPOLL_CTL_DEL, w->fd, NULL);
}

static void dispatch(struct loop *l, const struct epoll_event *ev)
{
	size_t fd = (uint32_t)ev->data.u64;
	unsigned ready = 0;
	struct slot *s;
	uint64_t count;

	if (ev->data.u64 == UINT64_MAX) {
		(void)!read(l->wakefd, &count, sizeof count);
		return;
	}
	s = &l->slots[fd];
	if (!s->w || s->generation != (uint32_t)(ev->data.u64 >> 32))
		return;
	if (ev->events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP))
		ready |= LOOP_READ;
	if (ev->events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
		ready |= LOOP_WRITE & s->w->events;
	if (ready)
		s->w->on_ready(s->w, ready);
}

/* --- timers --- */

static void heap_put(struct loop *l, size_t i, struct loop_timer *t)
{
	l->heap[i] = t;
	t->heap_at = i + 1;
}

static void heap_up(struct loop *l, size_t i, struct loop_timer *t)
{
	while (i > 0 && t->due_ms < l->heap[(i - 1) / 2]->due_ms) {
		heap_put(l, i, l->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_put(l, i, t);
}

static void heap_down(struct loop *l, size_t i, struct loop_timer *t)
{
	for (size_t child = 2 * i + 1; child < l->n_timers; child = 2 * i + 1) {
		if (child + 1 < l->n_timers && l->heap[child + 1]->due_ms < l->heap[child]->due_ms)
			child++;
		if (t->due_ms <= l->heap[child]->due_ms)
			break;
		heap_put(l, i, l->heap[child]);
		i = child;
	}
	heap_put(l, i, t);
}

static void heap_place(struct loop *l, size_t i, struct loop_timer *t)
{
	if (i > 0 && t->due_ms < l->heap[(i - 1) / 2]->due_ms)
		heap_up(l, i, t);
	else
		heap_down(l, i, t);
}

void loop_timer_start(struct loop *l, struct loop_timer *t, uint64_t delay_ms,
		      void (*on_expire)(struct loop_timer *))
{
	t->on_expire = on_expire;
	t->due_ms = delay_ms > UINT64_MAX - l->now_ms ? UINT64_MAX : l->now_ms + delay_ms;
	if (t->heap_at) {
		heap_place(l, t->heap_at - 1, t);
		return;
	}
	if (l->n_timers == l->cap_timers) {
		l->cap_timers = l->cap_timers ? l->cap_timers * 2 : 64;
		l->heap = xrealloc(l->heap, l->cap_timers * sizeof(struct loop_timer *));
	}
	l->n_timers++;
	heap_up(l, l->n_timers - 1, t);
}

void loop_timer_cancel(struct loop *l, struct loop_timer *t)
{
	size_t i = t->heap_at - 1;
	struct loop_timer *last;

	if (!t->heap_at)
		return;
	t->heap_at = 0;
	last = l->heap[--l->n_timers];
	if (last != t)
		heap_place(l, i, last);
}

static void run_timers(struct loop *l)
{
	/* At most as many as there are now, so that one that restarts itself with no delay waits its turn. */
	for (size_t n = l->n_timers; n > 0 && l->n_timers > 0 && l->heap[0]->due_ms <= l->now_ms; n--) {
		struct loop_timer *t = l->heap[0];

		loop_timer_cancel(l, t);
		t->on_expire(t);
	}
}

/* --- tasks and hooks --- */

void loop_defer(struct loop *l, struct loop_task *t, void (*run)(struct loop_task *))
{
	t->run = run;
	if (t->link)
		return;
	t->next = NULL;
	t->link = l->tasks_end;
	*l->tasks_end = t;
	l->tasks_end = &t->next;
}

void loop_defer_cancel(struct loop *l, struct loop_task *t)
{
	if (!t->link)
		return;
	*t->link = t->next;
	if (t->next)
		t->next->link = t->link;
	else if (l->tasks_end == &t->next)
		l->tasks_end = t->link;
	t->link = NULL;
	t->next = NULL;
}

static void run_tasks(struct loop *l)
{
	struct loop_task *batch = l->tasks;

	if (!batch)
		return;
	batch->link = &batch; /* tasks added from here on belong to the next round */
	l->tasks = NULL;
	l->tasks_end = &l->tasks;
	while (batch) {
		struct loop_task *t = batch;

		loop_defer_cancel(l, t);
		t->run(t);
	}
}

void loop_hook_add(struct loop *l, struct loop_hook *h)
{
	h->next = l->hooks;
	l->hooks = h;
	l->hooks_wait_ms = 0;
}

void loop_hook_del(struct loop *l, struct loop_hook *h)
{
	for (struct loop_hook **p = &l->hooks; *p; p = &(*p)->next)
		if (*p == h) {
			*p = h->next;
			return;
		}
}

static void run_hooks(struct loop *l)
{
	int64_t soonest = -1;

	for (struct loop_hook *h = l->hooks, *next; h; h = next) {
		int64_t ms;

		next = h->next;
		ms = h->before_wait(h);
		if (ms >= 0 && (soonest < 0 || ms < soonest))
			soonest = ms;
	}
	l->hooks_wait_ms = soonest;
}

static int wait_ms(const struct loop *l, int64_t max_wait_ms)
{
	int64_t ms = max_wait_ms < 0 ? INT_MAX : max_wait_ms;

	if (l->tasks || atomic_load(&l->stopping))
		return 0;
	if (l->n_timers) {
		uint64_t due = l->heap[0]->due_ms, left = due > l->now_ms ? due - l->now_ms : 0;

		if (left < (uint64_t)ms)
			ms = (int64_t)left;
	}
	if (l->hooks_wait_ms >= 0 && l->hooks_wait_ms < ms)
		ms = l->hooks_wait_ms;
	return ms >= INT_MAX ? (max_wait_ms < 0 && !l->n_timers ? -1 : INT_MAX) : (int)ms;
}

bool loop_turn(struct loop *l, int64_t max_wait_ms)
{
	struct epoll_event events[EVENTS_PER_WAIT];
	int n = epoll_wait(l->epfd, events, EVENTS_PER_WAIT, wait_ms(l, max_wait_ms));

	read_clock(l);
	for (int i = 0; i < n; i++)
		dispatch(l, &events[i]);
	run_timers(l);
	for (int round = 0; round == 0 || (l->tasks && round < MAX_ROUNDS); round++) {
		run_tasks(l);
		run_hooks(l);
	}
	return !atomic_load(&l->stopping);
}

void loop_run(struct loop *l)
{
	while (loop_turn(l, -1))
		;
}
