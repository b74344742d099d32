/* The thread for what must block: many jobs in one go, late answers, cancelled calls, loops that end first. Run under
 * ThreadSanitizer too. */
#include "common/helper.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/mem.h"
#include "tests/check.h"

enum { LONG_MS = 60000 };

struct job {
	struct helper_job job;
	int n, answer;
};

struct caller {
	struct helper_call call;
	int answer; /* -1: the time was up */
};

static atomic_int dropped, batches;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* held: the helper's work does not go on */
static struct loop *loop;
static int open_calls;

static void drop(struct helper_job *j)
{
	free(container_of(j, struct job, job));
	atomic_fetch_add(&dropped, 1);
}

static void work(void *ctx, struct helper_job *jobs)
{
	(void)ctx;
	atomic_fetch_add(&batches, 1);
	for (; jobs; jobs = jobs->next) {
		struct job *j = container_of(jobs, struct job, job);

		j->answer = j->n * 2;
	}
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
}

static void on_done(struct helper_call *c, struct helper_job *job)
{
	struct caller *caller = container_of(c, struct caller, call);

	caller->answer = job ? container_of(job, struct job, job)->answer : -1;
	open_calls--;
}

static void run_until_open(int n)
{
	while (open_calls > n)
		loop_turn(loop, 1000);
}

static bool ask(struct helper_port *p, struct caller *c, int n, size_t bytes, uint32_t timeout_ms)
{
	struct job *j = xcalloc(1, sizeof *j);

	j->job = (struct helper_job){ .drop = drop, .bytes = bytes };
	j->n = n;
	c->call.done = on_done;
	open_calls++;
	if (helper_ask(p, &c->call, &j->job, timeout_ms))
		return true;
	open_calls--;
	return false;
}

static const struct helper_class cls = {
	.name = "test", .work = work, .max_waiting = 10, .max_waiting_bytes = 100
};

static struct helper *new_helper(const struct helper_class *c, struct helper_port **ret_port)
{
	struct errtext why;
	struct helper *h = helper_new(c, NULL, &why);

	CHECK("a thread", h != NULL);
	loop = loop_new();
	*ret_port = helper_port_new(h, loop);
	CHECK("a port", *ret_port != NULL);
	atomic_store(&dropped, 0);
	atomic_store(&batches, 0);
	open_calls = 0;
	return h;
}

static void end(struct helper *h, struct helper_port *p)
{
	helper_port_free(p);
	loop_free(loop);
	helper_free(h);
}

static void answers(void **state)
{
	struct caller callers[5] = { 0 };
	struct helper_port *p;
	struct helper *h = new_helper(&cls, &p);

	(void)state;
	for (int i = 0; i < 5; i++)
		CHECK("taken", ask(p, &callers[i], i, 1, LONG_MS));
	run_until_open(0);
	for (int i = 0; i < 5; i++)
		CHECK("each gets its own", callers[i].answer == i * 2);
	CHECK("every job is dropped", atomic_load(&dropped) == 5);
	end(h, p);
}

/* While the helper is busy with one job, others wait and are then worked on in one go. */
static void busy(struct helper_port *p, struct caller *first)
{
	pthread_mutex_lock(&gate);
	CHECK("taken", ask(p, first, 1, 1, LONG_MS));
	while (atomic_load(&batches) == 0)
		sched_yield();
}

static void limits(void **state)
{
	struct caller first = { 0 }, rest[11] = { 0 }, heavy = { 0 };
	struct helper_port *p;
	struct helper *h = new_helper(&cls, &p);

	(void)state;
	busy(p, &first);
	CHECK("too heavy", !ask(p, &heavy, 1, 101, LONG_MS));
	for (int i = 0; i < 10; i++)
		CHECK("waits", ask(p, &rest[i], i, 1, LONG_MS));
	CHECK("one too many", !ask(p, &rest[10], 1, 1, LONG_MS));
	CHECK("both were dropped", atomic_load(&dropped) == 2);
	pthread_mutex_unlock(&gate);
	run_until_open(0);
	CHECK("one batch for all that waited", atomic_load(&batches) == 2);
	CHECK("in their order", rest[9].answer == 18);
	end(h, p);
}

static void late(void **state)
{
	struct caller first = { 0 }, second = { 0 }, third = { 0 };
	struct helper_port *p;
	struct helper *h = new_helper(&cls, &p);

	(void)state;
	busy(p, &first);
	CHECK("waits", ask(p, &second, 2, 1, 1));
	CHECK("waits", ask(p, &third, 3, 1, LONG_MS));
	helper_cancel(&third.call);
	helper_cancel(&third.call);
	third.answer = 7;
	open_calls--;
	run_until_open(1);
	CHECK("the time was up", second.answer == -1);
	pthread_mutex_unlock(&gate);
	run_until_open(0);
	CHECK("the first has its answer", first.answer == 2);
	CHECK("nobody calls a cancelled call", third.answer == 7);
	end(h, p);
	CHECK("no job is left", atomic_load(&dropped) == 3);
}

/* A loop may end while its jobs are still worked on. */
static void loop_ends_first(void **state)
{
	struct caller first = { 0 }, second = { 0 };
	struct helper_port *p;
	struct helper *h = new_helper(&cls, &p);

	(void)state;
	busy(p, &first);
	CHECK("waits", ask(p, &second, 2, 1, LONG_MS));
	helper_cancel(&first.call);
	helper_cancel(&second.call);
	helper_port_free(p);
	loop_free(loop);
	pthread_mutex_unlock(&gate);
	helper_free(h);
	CHECK("no job is left", atomic_load(&dropped) == 2);
}

static atomic_int ticks;

static uint64_t tick(void *ctx)
{
	(void)ctx;
	atomic_fetch_add(&ticks, 1);
	return 1;
}

static void ticking(void **state)
{
	const struct helper_class with_ticks = {
		.name = "test", .work = work, .tick = tick, .max_waiting = 10, .max_waiting_bytes = 100
	};
	struct caller c = { 0 };
	struct helper_port *p;
	struct helper *h = new_helper(&with_ticks, &p);

	(void)state;
	while (atomic_load(&ticks) < 3)
		sched_yield();
	CHECK("jobs are worked on in between", ask(p, &c, 4, 1, LONG_MS));
	run_until_open(0);
	CHECK("the answer", c.answer == 8);
	end(h, p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),         cmocka_unit_test(limits),  cmocka_unit_test(late),
		cmocka_unit_test(loop_ends_first), cmocka_unit_test(ticking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
