/* The store's thread, the learner and readers of the index at work together: batches are recorded and learned, settings are
 * published, snapshots are written, and all the while decisions are made. ThreadSanitizer sees every thread that the service
 * has there; without it the counts must still come out right. */
#include "tests/check.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/err.h"
#include "common/loop.h"
#include "common/mem.h"
#include "idr/intake/event_bytes.h"
#include "idr/intake/keeper.h"
#include "idr/intake/settings_docs.h"

enum { WRITERS = 2, READERS = 2, BATCHES = 60, EVENTS = 20, DOCS = 15, SHARED = 30 };

static const struct rates rates;
static const struct event_limits limits = { .max_ts_ms = 4102444800000, .rates = &rates };

static struct {
	char dir[40], snapshot[64], prices[64];
	struct snapshot_slot settings;
	struct learner *learner;
	struct keeper *keeper;
	struct workers *answers; /* those that wait for the keeper */
	_Atomic(const struct router *) router;
	atomic_size_t accepted, duplicates, failed, documents, noted, recorded, decisions, shared;
	atomic_bool stop;
} t;

static struct store *open_store(void *arg, struct errtext *why)
{
	(void)arg;
	(void)why;
	return memory_store_new();
}

static int publish_settings(void *arg, struct store *s, struct errtext *why)
{
	(void)arg;
	return settings_docs_publish(s, NULL, &t.settings, why);
}

static void on_loaded(void *arg)
{
	(void)arg;
	atomic_store(&t.router, learner_router(t.learner));
}

static void on_recorded(void *arg, const struct batch *b)
{
	(void)arg;
	atomic_fetch_add(&t.recorded, b->n);
}

/* --- writers: batches, and an event of each again --- */

static void on_answer(struct keeper_wait *w)
{
	if (w->err)
		atomic_fetch_add(&t.failed, 1);
	atomic_fetch_add(&t.accepted, w->accepted);
	atomic_fetch_add(&t.duplicates, w->duplicates);
	free(w);
}

static struct batch *make_batch(int writer, int number)
{
	struct errtext why = { "" };
	struct batch *b = NULL;
	struct buf body;

	buf_init(&body, 1 << 20);
	for (int i = 0; i <= EVENTS; i++) /* the last is the first once more */
		buf_addf(&body,
			 "{\"auction_id\":\"%d-%d-%d\",\"ts\":%d,\"publisher_id\":\"p%d\",\"country\":"
			 "\"GBR\",\"imps\":"
			 "[{\"id\":\"1\",\"ad_format\":\"banner\"}],\"bidders\":[{\"bidder_code\":\"b%d\","
			 "\"status\":"
			 "\"bid\",\"response_time_ms\":80,\"bids\":[{\"imp\":\"1\",\"cpm\":1.5,\"won\":true}]"
			 "},"
			 "{\"bidder_code\":\"c%d\",\"status\":\"no_bid\",\"response_time_ms\":90}]}\n",
			 writer, number, i % EVENTS, 1767225600 + number, number % 5, i % 7, i % 3);
	if (batch_parse(buf_str(&body), true, &limits, &b, &why) < 0)
		fail_msg("%s", why.text);
	buf_deinit(&body);
	return b;
}

static void *write_on(void *arg)
{
	int writer = *(int *)arg;

	for (int n = 0; n < BATCHES; n++) {
		struct keeper_wait *w = xcalloc(1, sizeof *w);

		w->done = on_answer;
		w->answers_to = t.answers;
		w->worker = (size_t)writer;
		while (keeper_append(t.keeper, make_batch(writer, n), w) < 0)
			usleep(1000); /* too much is under way, as it may be */
	}
	return NULL;
}

/* --- settings, and what other machines tell --- */

struct put {
	struct keeper_job job;
	int number;
};

static void put_settings(struct keeper_job *j, struct store *s)
{
	struct put *p = container_of(j, struct put, job);
	char body[40];
	struct store_doc d = { .kind = KEEPER_SETTINGS, .key = STR("p1"), .actor = STR("test") };

	snprintf(body, sizeof body, "{\"max_bidders\":%d}", 1 + p->number % 5);
	d.body = str_of(body);
	j->err = keeper_put_doc(j->keeper, s, &d, NULL, &j->why);
}

static void on_put(struct keeper_job *j)
{
	atomic_fetch_add(j->err ? &t.failed : &t.documents, 1);
	free(container_of(j, struct put, job));
}

/* Nobody waits for a line of the audit; at the end all are written, and the sanitizers see that all are freed. */
static void note(struct keeper_job *j, struct store *s)
{
	struct store_audit a = { .who = STR("ann"), .action = STR("login"), .outcome = AUDIT_OK };

	atomic_fetch_add(keeper_audit(j->keeper, s, &a, &j->why) ? &t.failed : &t.noted, 1);
	free(j);
}

static void tell(int number)
{
	struct shared_batch *b = shared_batch_new(&t.shared);
	struct event_bidder x = { .code = STR("b1"), .status = OUTCOME_BID, .cpm_usd = 2, .latency_ms = 50 };
	struct event e = { .ts_ms = 1767225600000, .auction_id = STR("told"), .bidders = &x, .n_bidders = 1 };
	struct buf bytes;

	buf_init(&bytes, 4096);
	event_bytes_write(&e, &bytes);
	(void)shared_batch_add(b, buf_str(&bytes), 3);
	b->pos.ms = (uint64_t)number;
	buf_deinit(&bytes);
	learner_take_shared(t.learner, b);
}

/* --- readers --- */

static void decide(const struct router *r, struct snapshot_view *settings, unsigned n)
{
	static const struct str codes[] = {
		{ "b0", 2 }, { "b1", 2 }, { "b2", 2 }, { "c0", 2 }, { "new", 3 }
	};
	struct candidate cand[ARRAY_LEN(codes)];
	struct settings scratch;
	struct context c = { .publisher = classify_name(STR("p1")), .country = 'G' << 8 | 'B' };
	struct decision d;

	router_resolve(r, codes, ARRAY_LEN(codes), cand);
	router_decide(
		r,
		&(struct decide_in){ .ctx = &c,
				     .settings = settings_find(settings_tree_in(settings), &c, &scratch),
				     .cand = cand,
				     .n = ARRAY_LEN(codes),
				     .auction = n,
				     .scores = n % 2 },
		&d);
}

static void *read_on(void *arg)
{
	struct snapshot_view settings;
	struct router_stats rs;
	struct keeper_state ks;

	(void)arg;
	snapshot_view_init(&settings, &t.settings);
	for (unsigned n = 0; !atomic_load(&t.stop); n++) {
		const struct router *r = atomic_load(&t.router);

		if (r) {
			decide(r, &settings, n);
			atomic_fetch_add(&t.decisions, 1);
		}
		learner_stats(t.learner, &rs);
		keeper_state(t.keeper, &ks);
	}
	snapshot_view_deinit(&settings);
	return NULL;
}

/* --- the whole --- */

static struct learner *make_learner(void)
{
	struct learner_options opt = { .settings = &t.settings,
				       .snapshot_path = t.snapshot,
				       .prices_path = t.prices,
				       .snapshot_seconds = 1 };

	router_conf_default(&opt.router);
	opt.router.memory_bytes = 1 << 20;
	opt.router.learning_auctions = 10;
	return learner_new(&opt);
}

static void start(void)
{
	static const struct worker_class cls = { .name = "answers" };
	struct errtext why = { "" };
	struct keeper_options opt = { .open = open_store,
				      .settings = &t.settings,
				      .max_rows = 3000,
				      .maintain_seconds = 1,
				      .retention_days = 36500,
				      .hourly_days = 36500,
				      .replay_rows = 1000000,
				      .event_clock = true,
				      .publish_settings = publish_settings,
				      .on_loaded = on_loaded,
				      .on_recorded = on_recorded };

	snapshot_slot_init(&t.settings);
	opt.learner = t.learner = make_learner();
	t.keeper = keeper_start(&opt, &why);
	t.answers = workers_start(WRITERS, &cls, NULL, &why);
	if (!t.keeper || !t.answers)
		fail_msg("%s", why.text);
	keeper_load(t.keeper);
}

static void wait_for(atomic_size_t *count, size_t n)
{
	for (int i = 0; atomic_load(count) < n; i++) {
		assert_true(i < 60000);
		usleep(1000);
	}
}

static void all_at_once(void **state)
{
	pthread_t writer[WRITERS], reader[READERS];
	int number[WRITERS];
	struct router_stats rs;
	const size_t sent = WRITERS * BATCHES * EVENTS;

	(void)state;
	start();
	for (int i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&reader[i], NULL, read_on, NULL), 0);
	for (int i = 0; i < WRITERS; i++) {
		number[i] = i;
		assert_int_equal(pthread_create(&writer[i], NULL, write_on, &number[i]), 0);
	}
	for (int i = 0; i < DOCS; i++) {
		struct put *p = xcalloc(1, sizeof *p);

		p->number = i;
		p->job = (struct keeper_job){ .work = put_settings, .done = on_put, .answers_to = t.answers };
		keeper_submit(t.keeper, &p->job);
	}
	while (!atomic_load(&t.router))
		usleep(1000);
	for (int i = 0; i < SHARED; i++)
		tell(i + 1);
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_join(writer[i], NULL), 0);
	wait_for(&t.accepted, sent + WRITERS * BATCHES);
	wait_for(&t.documents, DOCS);
	wait_for(&t.decisions, 100);
	atomic_store(&t.stop, true);
	for (int i = 0; i < READERS; i++)
		assert_int_equal(pthread_join(reader[i], NULL), 0);
	for (int i = 0; i < DOCS; i++) {
		struct keeper_job *j = xcalloc(1, sizeof *j);

		j->work = note;
		keeper_submit(t.keeper, j);
	}
	keeper_stop(t.keeper);
	learner_free(t.learner); /* learns what it was given, writes the last snapshot */
	keeper_free(t.keeper);
	workers_stop(t.answers);
	workers_join(t.answers);
	CHECK("noted to the last", atomic_load(&t.noted) == DOCS);
	CHECK("nothing failed", atomic_load(&t.failed) == 0);
	CHECK("each once", atomic_load(&t.duplicates) == WRITERS * BATCHES);
	CHECK("told on", atomic_load(&t.recorded) == sent + WRITERS * BATCHES);
	CHECK("all that was shared is given back", atomic_load(&t.shared) == 0);
	t.learner = make_learner();
	{
		struct errtext why = { "" };
		int64_t seq = 0;

		CHECK("the memory store's id is 0, its snapshot is there",
		      learner_load(t.learner, 0, INT64_MAX, &seq, &why));
		CHECK("up to the last event", seq == (int64_t)sent);
		CHECK("and of the other machines'", learner_shared_pos(t.learner).ms == SHARED);
		router_stats(learner_router(t.learner), &rs);
		CHECK("all of them, and what the told ones stand for", rs.events == sent + SHARED * 3);
	}
	learner_free(t.learner);
	snapshot_slot_deinit(&t.settings);
}

static int make_dir(void **state)
{
	(void)state;
	snprintf(t.dir, sizeof t.dir, "/tmp/test_keeper_XXXXXX");
	if (!mkdtemp(t.dir))
		return -1;
	snprintf(t.snapshot, sizeof t.snapshot, "%s/snapshot", t.dir);
	snprintf(t.prices, sizeof t.prices, "%s/prices", t.dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	(void)unlink(t.snapshot);
	(void)unlink(t.prices);
	return rmdir(t.dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(all_at_once) };

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
