/* Mailboxes, workers and snapshots: what crosses threads. Run under ThreadSanitizer too. */
#include "common/mailbox.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/err.h"
#include "common/mem.h"
#include "common/snapshot.h"
#include "common/worker.h"
#include "tests/check.h"

enum { POSTERS = 4, PER_POSTER = 2000, WORKERS = 3 };

struct number {
	struct mailbox_msg msg;
	int poster, n;
};

static struct loop *loop;
static struct mailbox *mb;
static int last_of[POSTERS], received;

static void on_number(struct mailbox_msg *m)
{
	struct number *x = container_of(m, struct number, msg);

	CHECK("one poster's messages keep their order", x->n == last_of[x->poster] + 1);
	last_of[x->poster] = x->n;
	received++;
	free(x);
	if (received == POSTERS * PER_POSTER)
		loop_stop(loop);
}

static void *post_numbers(void *arg)
{
	for (int i = 1; i <= PER_POSTER; i++) {
		struct number *x = xcalloc(1, sizeof *x);

		x->poster = (int)(intptr_t)arg;
		x->n = i;
		if (!mailbox_post(mb, &x->msg, on_number))
			abort();
	}
	return NULL;
}

static void many_posters(void **state)
{
	pthread_t t[POSTERS];

	(void)state;
	loop = loop_new();
	mb = mailbox_new(loop);
	for (int i = 0; i < POSTERS; i++)
		pthread_create(&t[i], NULL, post_numbers, (void *)(intptr_t)i);
	loop_run(loop);
	for (int i = 0; i < POSTERS; i++)
		pthread_join(t[i], NULL);
	CHECK("nothing is lost", received == POSTERS * PER_POSTER);
	mailbox_free(mb);
	loop_free(loop);
}

static int n_run;

static void on_counted(struct mailbox_msg *m)
{
	(void)m;
	n_run++;
}

static void closing(void **state)
{
	struct mailbox_msg a, b;

	(void)state;
	loop = loop_new();
	mb = mailbox_new(loop);
	n_run = 0;
	CHECK("open", mailbox_post(mb, &a, on_counted));
	CHECK("not run by the poster", n_run == 0);
	mailbox_close(mb);
	CHECK("what was posted still runs", n_run == 1);
	CHECK("closed", !mailbox_post(mb, &b, on_counted));
	mailbox_free(mb);
	CHECK("and a refused message never runs", n_run == 1);
	loop_free(loop);
}

/* --- workers --- */

struct tally {
	atomic_int inits, deinits, ran, done;
	atomic_bool fail_second;
};

static int worker_init(struct worker *w, struct errtext *why)
{
	struct tally *t = w->arg;

	atomic_fetch_add(&t->inits, 1);
	if (w->index == 1 && atomic_load(&t->fail_second)) {
		errtext_set(why, "second worker is broken");
		return ERR_UNAVAILABLE;
	}
	w->state = xmalloc(16);
	return 0;
}

static void worker_deinit(struct worker *w)
{
	struct tally *t = w->arg;

	free(w->state);
	atomic_fetch_add(&t->deinits, 1);
}

static const struct worker_class cls = { "test", worker_init, worker_deinit };

static void count_me(struct worker *w, void *arg)
{
	struct tally *t = arg;

	(void)w;
	atomic_fetch_add(&t->ran, 1);
}

static void stop_me(struct worker *w, void *arg)
{
	(void)arg;
	loop_stop(w->loop);
}

static void count_done(void *arg)
{
	struct tally *t = arg;

	CHECK("all ran before done", atomic_load(&t->ran) == WORKERS);
	atomic_fetch_add(&t->done, 1);
}

static void workers(void **state)
{
	struct tally t = { 0 };
	struct errtext why = { "" };
	struct workers *ws = workers_start(WORKERS, &cls, &t, &why);

	(void)state;
	CHECK("started", ws != NULL);
	CHECK("every init ran before start returned", atomic_load(&t.inits) == WORKERS);
	workers_each(ws, count_me, count_done, &t);
	workers_each(ws, stop_me, NULL, NULL);
	workers_join(ws);
	CHECK("all ran", atomic_load(&t.ran) == WORKERS);
	CHECK("done once", atomic_load(&t.done) == 1);
	CHECK("all ended", atomic_load(&t.deinits) == WORKERS);
}

static void worker_that_fails(void **state)
{
	struct tally t = { .fail_second = true };
	struct errtext why = { "" };

	(void)state;
	CHECK("refused", workers_start(WORKERS, &cls, &t, &why) == NULL);
	CHECK_STR("reason", str_of(why.text), "second worker is broken");
	CHECK("all were ended", atomic_load(&t.deinits) == WORKERS);
}

/* --- snapshots --- */

struct pair {
	struct snapshot snapshot;
	int a, b; /* always equal */
};

static atomic_int pairs_alive;
static struct snapshot_slot slot;

static void pair_drop(struct snapshot *s)
{
	struct pair *p = container_of(s, struct pair, snapshot);

	p->a = -1;
	atomic_fetch_sub(&pairs_alive, 1);
	free(p);
}

static struct snapshot *pair_new(int n)
{
	struct pair *p = xcalloc(1, sizeof *p);

	snapshot_init(&p->snapshot, pair_drop);
	p->a = p->b = n;
	atomic_fetch_add(&pairs_alive, 1);
	return &p->snapshot;
}

static void *read_pairs(void *arg)
{
	struct snapshot_view view;
	int last = 0;

	(void)arg;
	snapshot_view_init(&view, &slot);
	while (last < PER_POSTER) {
		struct snapshot *s = snapshot_view_get(&view);
		struct pair *p = container_of(s, struct pair, snapshot);

		if (p->a != p->b || p->a < last)
			abort();
		last = p->a;
		s = snapshot_acquire(&slot);
		snapshot_unref(s);
	}
	snapshot_view_deinit(&view);
	return NULL;
}

static void snapshots(void **state)
{
	pthread_t t[POSTERS];

	(void)state;
	snapshot_slot_init(&slot);
	CHECK("nothing published yet", snapshot_acquire(&slot) == NULL);
	snapshot_publish(&slot, pair_new(0));
	for (int i = 0; i < POSTERS; i++)
		pthread_create(&t[i], NULL, read_pairs, NULL);
	for (int n = 1; n <= PER_POSTER; n++)
		snapshot_publish(&slot, pair_new(n));
	for (int i = 0; i < POSTERS; i++)
		pthread_join(t[i], NULL);
	CHECK("only the current one is left", atomic_load(&pairs_alive) == 1);
	snapshot_slot_deinit(&slot);
	CHECK("none is left", atomic_load(&pairs_alive) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_posters),      cmocka_unit_test(closing),   cmocka_unit_test(workers),
		cmocka_unit_test(worker_that_fails), cmocka_unit_test(snapshots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
