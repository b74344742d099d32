#include "common/loop.h"

#include <unistd.h>

#include "common/clock.h"
#include "common/deadlines.h"
#include "common/mem.h"
#include "tests/check.h"

static char trace[64];
static struct loop *l;

static void note(char c)
{
	size_t n = strlen(trace);

	CHECK("trace fits", n + 1 < sizeof trace);
	trace[n] = c;
	trace[n + 1] = '\0';
}

static int setup(void **state)
{
	(void)state;
	trace[0] = '\0';
	l = loop_new();
	return l ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	loop_free(l);
	return 0;
}

struct named_timer {
	struct loop_timer timer;
	char name;
	struct named_timer *victim; /* cancelled when this one fires */
};

static void on_named(struct loop_timer *t)
{
	struct named_timer *n = container_of(t, struct named_timer, timer);

	note(n->name);
	if (n->victim)
		loop_timer_cancel(l, &n->victim->timer);
}

static void turn_until_ms(uint64_t ms)
{
	uint64_t end = loop_now_ms(l) + ms;

	while (loop_now_ms(l) < end)
		loop_turn(l, (int64_t)(end - loop_now_ms(l)));
}

struct named_deadline {
	struct deadline deadline;
	char name;
	struct named_deadline *victim; /* cleared when this one is late */
};

static struct deadlines all;

static void on_late(struct deadline *d)
{
	struct named_deadline *n = container_of(d, struct named_deadline, deadline);

	note(n->name);
	if (n->victim)
		deadline_clear(&all, &n->victim->deadline);
}

/* What becomes of four that are started in one turn. */
static void deadlines_are_due_in_order(void **state)
{
	static const struct {
		const char *why, *again, *cleared, *want;
		bool has_victim; /* a clears b */
	} rows[] = {
		{ "as they were started", "", "", "abcd", false },
		{ "one started anew goes last", "b", "", "acdb", false },
		{ "the last one too", "d", "", "abcd", false },
		{ "one that is cleared", "", "b", "acd", false },
		{ "the first and the last", "", "ad", "bc", false },
		{ "all", "", "abcd", "", false },
		{ "cleared by another's end", "", "", "acd", true },
		{ "cleared, and started again", "a", "c", "bda", false },
		{ "cleared twice", "", "aa", "bcd", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct named_deadline n[4] = { 0 };

		trace[0] = '\0';
		deadlines_init(&all, l, 5, on_late);
		for (size_t k = 0; k < 4; k++) {
			n[k].name = (char)('a' + k);
			deadline_start(&all, &n[k].deadline);
		}
		n[0].victim = rows[i].has_victim ? &n[1] : NULL;
		for (const char *c = rows[i].again; *c; c++)
			deadline_start(&all, &n[*c - 'a'].deadline);
		for (const char *c = rows[i].cleared; *c; c++)
			deadline_clear(&all, &n[*c - 'a'].deadline);
		while (all.timer.heap_at)
			loop_turn(l, 100);
		CHECK_STR(rows[i].why, str_of(trace), rows[i].want);
		deadline_start(&all, &n[0].deadline);
		deadlines_deinit(&all);
	}
}

static void timers_fire_in_order(void **state)
{
	struct named_timer a = { .name = 'a' }, b = { .name = 'b' }, c = { .name = 'c' };

	(void)state;
	loop_timer_start(l, &c.timer, 6, on_named);
	loop_timer_start(l, &a.timer, 2, on_named);
	loop_timer_start(l, &b.timer, 9, on_named);
	loop_timer_start(l, &b.timer, 4, on_named); /* restarts */
	turn_until_ms(15);
	CHECK_STR("earliest first, each once", str_of(trace), "abc");
}

static void cancelled_timers(void **state)
{
	struct named_timer a = { .name = 'a' }, b = { .name = 'b' };

	(void)state;
	a.victim = &b;
	loop_timer_start(l, &a.timer, 1, on_named);
	loop_timer_start(l, &b.timer, 1, on_named);
	loop_timer_cancel(l, &b.timer);
	loop_timer_cancel(l, &b.timer);
	loop_timer_start(l, &b.timer, 2, on_named);
	usleep(5000); /* both are due in the same turn */
	turn_until_ms(5);
	CHECK_STR("one that is due in this turn can still be cancelled", str_of(trace), "a");
}

static void many_timers(void **state)
{
	enum { N = 2000 };
	static struct named_timer t[N];
	struct rng rng;
	uint64_t last = 0;
	size_t running = 0;

	(void)state;
	rng_seed(&rng, 7);
	for (size_t i = 0; i < 5 * N; i++) {
		struct loop_timer *x = &t[rng_below(&rng, N)].timer;

		if (rng_below(&rng, 4) == 0)
			loop_timer_cancel(l, x);
		else
			loop_timer_start(l, x, 1000 + rng_below(&rng, 100000), on_named);
	}
	for (size_t i = 0; i < N; i++)
		running += t[i].timer.heap_at != 0;
	/* what is taken from the top, by cancelling the earliest, comes in order */
	for (size_t i = 0; i < running; i++) {
		struct named_timer *first = NULL;

		for (size_t k = 0; k < N; k++)
			if (t[k].timer.heap_at == 1)
				first = &t[k];
		CHECK("the heap has a top", first != NULL);
		CHECK("the top is the earliest", first->timer.due_ms >= last);
		last = first->timer.due_ms;
		loop_timer_cancel(l, &first->timer);
	}
}

struct named_task {
	struct loop_task task;
	char name;
	struct named_task *then, *victim;
};

static void on_task(struct loop_task *t)
{
	struct named_task *n = container_of(t, struct named_task, task);

	note(n->name);
	if (n->victim)
		loop_defer_cancel(l, &n->victim->task);
	if (n->then)
		loop_defer(l, &n->then->task, on_task);
}

static void tasks(void **state)
{
	struct named_task a = { .name = 'a' }, b = { .name = 'b' }, c = { .name = 'c' }, d = { .name = 'd' };

	(void)state;
	a.victim = &b;
	a.then = &d;
	loop_defer(l, &a.task, on_task);
	loop_defer(l, &b.task, on_task);
	loop_defer(l, &c.task, on_task);
	loop_defer(l, &c.task, on_task); /* is on the list already */
	loop_turn(l, 0);
	CHECK_STR("in order; a cancelled one does not run, one put off by another runs too", str_of(trace),
		  "acd");
	loop_defer(l, &a.task, on_task);
	loop_defer_cancel(l, &a.task);
	loop_defer(l, &c.task, on_task);
	loop_turn(l, 0);
	CHECK_STR("cancelling the last leaves the list usable", str_of(trace), "acdc");
}

static void task_that_repeats(void **state)
{
	struct named_task a = { .name = 'a' };

	(void)state;
	a.then = &a;
	loop_defer(l, &a.task, on_task);
	loop_turn(l, -1);
	CHECK("a task that puts itself off for ever does not hold up the turn", strlen(trace) < 10);
	loop_defer_cancel(l, &a.task);
}

struct named_fd {
	struct loop_fd fd;
	char name;
	unsigned events;
	struct named_fd *victim;
};

static void on_fd(struct loop_fd *w, unsigned events)
{
	struct named_fd *n = container_of(w, struct named_fd, fd);

	note(n->name);
	n->events = events;
	if (n->victim)
		loop_fd_del(l, &n->victim->fd);
}

static void descriptors(void **state)
{
	struct named_fd r = { .name = 'r' }, w = { .name = 'w' };
	int p[2];

	(void)state;
	CHECK("pipe", pipe(p) == 0);
	CHECK("add", loop_fd_add(l, &r.fd, p[0], LOOP_READ, on_fd) == 0);
	CHECK("add", loop_fd_add(l, &w.fd, p[1], LOOP_WRITE, on_fd) == 0);
	loop_turn(l, 0);
	CHECK_STR("only the writable end", str_of(trace), "w");
	loop_fd_set(l, &w.fd, 0);
	loop_turn(l, 0);
	CHECK_STR("nothing is watched any more", str_of(trace), "w");
	loop_fd_del(l, &w.fd);
	loop_fd_del(l, &w.fd);
	close(p[1]);
	loop_turn(l, 0);
	CHECK_STR("hang-up is readable", str_of(trace), "wr");
	CHECK("as LOOP_READ", r.events == LOOP_READ);
	loop_fd_del(l, &r.fd);
	close(p[0]);
}

/* Two descriptors are ready in one batch; the callback of either removes the other, closes it and lets a new
 * watch have its number: the new one must not hear the old event. */
static struct named_fd one, two, newcomer;
static int pipes[2][2];

static void on_swap(struct loop_fd *w, unsigned events)
{
	struct named_fd *other = w == &one.fd ? &two : &one;
	int number = other->fd.fd, fresh[2];

	(void)events;
	note('s');
	loop_fd_del(l, &one.fd);
	loop_fd_del(l, &two.fd);
	CHECK("pipe", pipe(fresh) == 0);
	CHECK("same number", dup2(fresh[0], number) == number);
	close(fresh[0]);
	pipes[0][1] = fresh[1]; /* kept open: nothing to read on the newcomer */
	CHECK("add", loop_fd_add(l, &newcomer.fd, number, LOOP_READ, on_fd) == 0);
}

static void stale_events(void **state)
{
	(void)state;
	newcomer.name = 'n';
	for (int i = 0; i < 2; i++) {
		CHECK("pipe", pipe(pipes[i]) == 0);
		CHECK("write", write(pipes[i][1], "x", 1) == 1);
	}
	CHECK("add", loop_fd_add(l, &one.fd, pipes[0][0], LOOP_READ, on_swap) == 0);
	CHECK("add", loop_fd_add(l, &two.fd, pipes[1][0], LOOP_READ, on_swap) == 0);
	loop_turn(l, 0);
	loop_turn(l, 0);
	CHECK_STR("the other's event was dropped", str_of(trace), "s");
	loop_fd_del(l, &newcomer.fd);
}

struct named_hook {
	struct loop_hook hook;
	int64_t wants;
	int calls;
};

static int64_t on_hook(struct loop_hook *h)
{
	struct named_hook *n = container_of(h, struct named_hook, hook);

	n->calls++;
	return n->wants;
}

static void hooks(void **state)
{
	struct named_hook h = { .hook.before_wait = on_hook, .wants = 5 };
	uint64_t start;

	(void)state;
	loop_hook_add(l, &h.hook);
	loop_turn(l, -1);
	CHECK("called in the first turn, without a wait", h.calls == 1);
	start = loop_now_us(l);
	loop_turn(l, -1);
	CHECK("called again after the wait it asked for", h.calls == 2);
	CHECK("which was that long", loop_now_us(l) - start >= 4000);
	loop_hook_del(l, &h.hook);
	loop_turn(l, 0);
	CHECK("not after it was removed", h.calls == 2);
}

static void stopping(void **state)
{
	(void)state;
	loop_wake(l);
	CHECK("woken", loop_turn(l, -1));
	loop_stop(l);
	CHECK("stopped", !loop_turn(l, -1));
	loop_run(l);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(deadlines_are_due_in_order),
		T(timers_fire_in_order),
		T(cancelled_timers),
		T(many_timers),
		T(tasks),
		T(task_that_repeats),
		T(descriptors),
		T(stale_events),
		T(hooks),
		T(stopping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
