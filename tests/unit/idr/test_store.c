/* What every store must do, run against each maker of one. */
#include "tests/check.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/err.h"
#include "common/mem.h"
#include "idr/store/store.h"

enum { HOUR = 3600000 };
static const int64_t t0 = 1767225600000; /* 2026-01-01, midnight */

struct maker {
	const char *name;
	bool durable;
};
static const struct maker makers[] = { { "memory", false }, { "sqlite", true } };

static char dir[] = "/tmp/test_store_XXXXXX";
static char path[64];

static struct store *open_store(const struct maker *m)
{
	struct errtext why = { "" };
	struct store *s = m->durable ? sqlite_store_new(&(struct sqlite_store_options){ .path = path }, &why)
				     : memory_store_new();

	if (!s)
		fail_msg("%s: %s", m->name, why.text);
	return s;
}

static void remove_files(void)
{
	char name[80];

	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof name, "%s%s", path, (const char *[]){ "", "-wal", "-shm" }[i]);
		(void)unlink(name);
	}
}

/* Runs the test on a fresh store of each kind. */
static void with_each(void (*test)(const struct maker *m, struct store *s))
{
	for (size_t i = 0; i < ARRAY_LEN(makers); i++) {
		remove_files();
		test(&makers[i], open_store(&makers[i]));
	}
	remove_files();
}

static struct event_bidder two[] = {
	{ .code = { "rubicon", 7 },
	  .status = OUTCOME_BID,
	  .selected = true,
	  .bids = 1,
	  .wins = 1,
	  .cpm_usd = 1.5f,
	  .revenue_usd = 1.5f,
	  .latency_ms = 80,
	  .score = 87.5f },
	{ .code = { "openx", 5 }, .status = OUTCOME_NOT_CALLED, .latency_ms = -1, .score = -1 },
};

static struct event make(const char *id, int64_t ts_ms, const char *publisher)
{
	struct event e = {
		.ts_ms = ts_ms,
		.auction_id = str_of(id),
		.publisher = str_of(publisher),
		.country = STR("GBR"),
		.device = STR("mobile"),
		.format = STR("banner"),
		.size = STR("300x250"),
		.os = STR("ios"),
		.browser = STR("safari"),
		.mode = STR("normal"),
		.total_configured = 2,
		.bidders = two,
		.n_bidders = 2,
		.ctx = { .publisher = 77,
			 .country = 0x4742,
			 .width = 300,
			 .height = 250,
			 .hour = 13,
			 .device = DEVICE_MOBILE,
			 .ids = 5,
			 .floor_usd = 0.5f,
			 .site = 0xfedcba9876543210 },
	};
	return e;
}

static int append(struct store *s, struct event *events, size_t n)
{
	struct event *list[64];

	assert_true(n <= ARRAY_LEN(list));
	for (size_t i = 0; i < n; i++)
		list[i] = &events[i];
	return s->ops->append(s, list, n, NULL);
}

struct seen {
	size_t n;
	int64_t seq[64];
	struct event last;
	struct event_bidder bidder[2];
	char id[64], code[64];
};

static int see(void *arg, const struct event *e)
{
	struct seen *seen = arg;

	seen->seq[seen->n++ % ARRAY_LEN(seen->seq)] = e->seq;
	seen->last = *e;
	snprintf(seen->id, sizeof seen->id, STR_FMT, STR_ARG(e->auction_id));
	for (size_t i = 0; i < e->n_bidders && i < 2; i++)
		seen->bidder[i] = e->bidders[i];
	return 0;
}

static void check_numbers(const struct maker *m, struct store *s)
{
	struct event e[3] = { make("a", t0, "p1"), make("b", t0 + 1, "p1"), make("a", t0, "p1") };
	struct seen seen = { 0 };
	struct store_totals totals;

	assert_int_equal(append(s, e, 3), 0);
	CHECK(m->name, e[0].seq == 1 && e[1].seq == 2 && !e[0].duplicate);
	CHECK("the same auction in one batch is a duplicate", e[2].duplicate && e[2].seq == 1);
	e[0] = make("a", t0 + 5, "p1");
	assert_int_equal(append(s, e, 2), 0);
	CHECK("another time is another event", !e[0].duplicate && e[0].seq == 3);
	CHECK("known from an earlier batch", e[1].duplicate && e[1].seq == 2);
	if (m->durable) {
		s = store_free(s);
		s = open_store(m);
		e[0] = make("c", t0, "p1");
		assert_int_equal(append(s, e, 2), 0);
		CHECK("numbers go on after a restart", e[0].seq == 4);
		CHECK("duplicates are known after a restart", e[1].duplicate);
	}
	s->ops->totals(s, &totals);
	CHECK("the newest event's time", totals.newest_ms == t0 + 5);
	assert_int_equal(s->ops->replay(s, 1, see, &seen, NULL), 0);
	CHECK("replay begins behind the number given", seen.n >= 2 && seen.seq[0] == 2 && seen.seq[1] == 3);
	store_free(s);
}

static void check_whole(const struct maker *m, struct store *s)
{
	struct event e = make("auction \"1\"", t0 + 123, "p1");
	struct seen seen = { 0 };

	e.group = GROUP_AUDIT;
	assert_int_equal(append(s, &e, 1), 0);
	if (m->durable) {
		store_free(s);
		s = open_store(m);
	}
	assert_int_equal(s->ops->replay(s, 0, see, &seen, NULL), 0);
	CHECK(m->name, seen.n == 1 && seen.last.ts_ms == t0 + 123 && seen.last.group == GROUP_AUDIT);
	CHECK_STR("auction_id", str_of(seen.id), "auction \"1\"");
	CHECK_STR("publisher", seen.last.publisher, "p1");
	CHECK_STR("size", seen.last.size, "300x250");
	CHECK_STR("mode", seen.last.mode, "normal");
	CHECK("the context comes back", seen.last.ctx.site == 0xfedcba9876543210 && seen.last.ctx.ids == 5 &&
						seen.last.ctx.floor_usd == 0.5f && seen.last.ctx.hour == 13 &&
						seen.last.ctx.height == 250);
	CHECK("bidders in their order", seen.last.n_bidders == 2);
	CHECK_STR("first bidder", seen.bidder[0].code, "rubicon");
	CHECK("its figures", seen.bidder[0].cpm_usd == 1.5f && seen.bidder[0].wins == 1 &&
				     seen.bidder[0].latency_ms == 80 && seen.bidder[0].score == 87.5f);
	CHECK("what was not told stays so", seen.bidder[1].latency_ms < 0 && seen.bidder[1].score < 0 &&
						    seen.bidder[1].status == OUTCOME_NOT_CALLED);
	store_free(s);
}

struct sums {
	struct cell c;
	size_t rows;
	int64_t first_ms;
	char keys[256];
};

static void add_sums(void *arg, int64_t at_ms, struct str key, const struct cell *c)
{
	struct sums *sums = arg;
	size_t n = strlen(sums->keys);

	if (sums->rows++ == 0)
		sums->first_ms = at_ms;
	cell_add(&sums->c, c);
	snprintf(sums->keys + n, sizeof sums->keys - n, STR_FMT " ", STR_ARG(key));
}

static struct sums stats(struct store *s, const char *publisher, enum rollup_dim dim, enum rollup_step step,
			 int64_t from_ms, int64_t to_ms)
{
	struct sums sums = { 0 };

	assert_int_equal(s->ops->stats(s,
				       &(struct stats_query){ .publisher = str_of(publisher),
							      .dim = dim,
							      .step = step,
							      .from_ms = from_ms,
							      .to_ms = to_ms },
				       add_sums, &sums, NULL),
			 0);
	return sums;
}

static void check_stats(const struct maker *m, struct store *s)
{
	struct event e[4] = { make("a", t0, "p1"), make("b", t0 + HOUR, "p1"),
			      make("c", t0 + 30 * HOUR, "p1"), make("d", t0, "p2") };
	struct sums sums;

	assert_int_equal(append(s, e, 2), 0);
	sums = stats(s, "p1", DIM_TOTAL, STEP_DAY, t0, t0 + 48 * HOUR);
	CHECK("read between two appends", sums.c.auctions == 2);
	assert_int_equal(append(s, e, 4), 0);
	if (m->durable) {
		store_free(s);
		s = open_store(m);
	}
	sums = stats(s, "p1", DIM_TOTAL, STEP_DAY, t0, t0 + 48 * HOUR);
	CHECK("a day per row", sums.rows == 2 && sums.first_ms == t0);
	CHECK("duplicates count once", sums.c.auctions == 3 && sums.c.configured == 6 && sums.c.called == 3);
	CHECK("sums", sums.c.revenue == 4.5 && sums.c.cpm_sum == 4.5 && sums.c.revenue_sq == 6.75);
	CHECK("floors", sums.c.floor_known == 3 && sums.c.floor_cleared == 3);
	sums = stats(s, "p1", DIM_TOTAL, STEP_HOUR, t0 + 1, t0 + 48 * HOUR);
	CHECK("hours that begin in the range", sums.rows == 2 && sums.c.auctions == 2);
	sums = stats(s, "p1", DIM_BIDDER, STEP_DAY, t0, t0 + 24 * HOUR);
	CHECK("a row per bidder", sums.rows == 2 && sums.c.called == 2 && sums.c.configured == 4);
	CHECK_STR("their codes", str_of(sums.keys), "rubicon openx ");
	sums = stats(s, "", DIM_TOTAL, STEP_DAY, t0, t0 + 48 * HOUR);
	CHECK("all publishers", sums.c.auctions == 4);
	sums = stats(s, "nobody", DIM_TOTAL, STEP_DAY, t0, t0 + 48 * HOUR);
	CHECK("an unknown publisher has no rows", sums.rows == 0);
	store_free(s);
}

struct prices {
	size_t n;
	struct floor_cell sum;
};

static void add_prices(void *arg, const struct floor_key *k, const struct floor_cell *c)
{
	struct prices *p = arg;

	p->n++;
	floor_cell_add(&p->sum, c);
	CHECK_STR("format of a price cell", k->format, "banner");
}

static void check_prices(const struct maker *m, struct store *s)
{
	struct event e[2] = { make("a", t0, "p1"), make("b", t0 + 25 * HOUR, "p1") };
	struct prices p = { 0 };

	assert_int_equal(append(s, e, 1), 0);
	assert_int_equal(s->ops->floor_history(s, STR("p1"), t0, t0 + 24 * HOUR, add_prices, &p, NULL), 0);
	assert_int_equal(append(s, e, 2), 0);
	if (m->durable) {
		store_free(s);
		s = open_store(m);
	}
	p = (struct prices){ 0 };
	assert_int_equal(s->ops->floor_history(s, STR("p1"), t0, t0 + 48 * HOUR, add_prices, &p, NULL), 0);
	CHECK(m->name, p.n == 2 && p.sum.auctions == 2);
	CHECK("the best bid", p.sum.best[price_bucket_of(1.5f)] == 2 && p.sum.second[0] == 0);
	store_free(s);
}

static void list_doc(void *arg, const struct store_doc *d)
{
	char *text = arg;
	size_t n = strlen(text);

	snprintf(text + n, 256 - n, STR_FMT "#%lld=" STR_FMT "(" STR_FMT ") ", STR_ARG(d->key),
		 (long long)d->version, STR_ARG(d->body), STR_ARG(d->actor));
}

static void list_audit(void *arg, const struct store_audit *a)
{
	char *text = arg;
	size_t n = strlen(text);

	snprintf(text + n, 1024 - n,
		 "%lld:" STR_FMT "@" STR_FMT " " STR_FMT " " STR_FMT " %lld>%lld " STR_FMT "\n",
		 (long long)a->id, STR_ARG(a->who), STR_ARG(a->address), STR_ARG(a->action),
		 STR_ARG(a->object), (long long)a->before, (long long)a->after, STR_ARG(a->outcome));
}

static void check_audit_is(const char *why, struct store *s, struct audit_query q, const char *want)
{
	char text[1024] = "";

	assert_int_equal(s->ops->audit(s, &q, list_audit, text, NULL), 0);
	CHECK_STR(why, str_of(text), want);
}

static void check_audit(const struct maker *m, struct store *s)
{
	const struct store_doc floors = { .kind = STR("floors"),
					  .key = STR("p1"),
					  .body = STR("{}"),
					  .actor = STR("ann"),
					  .address = STR("::1"),
					  .updated_ms = t0 };
	struct store_doc none = floors;
	struct store_audit login = {
		.at_ms = t0 + 1, .who = STR("eve"), .action = STR("login"), .outcome = STR("denied")
	};
	struct audit_query all = { .limit = 10 };

	none.body = STR("");
	assert_int_equal(s->ops->doc_put(s, &floors, NULL, NULL), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(s->ops->audit_add(s, &login, NULL), 0);
	assert_int_equal(s->ops->doc_put(s, &none, NULL, NULL), 0);
	if (m->durable) {
		store_free(s);
		s = open_store(m);
	}
	check_audit_is(
		"newest first, documents among them", s, all,
		"5:ann@::1 floors.delete p1 1>2 ok\n4:eve@ login  0>0 denied\n3:eve@ login  0>0 denied\n"
		"2:eve@ login  0>0 denied\n1:ann@::1 floors.put p1 0>1 ok\n");
	check_audit_is("a page", s, (struct audit_query){ .limit = 1, .before_id = 4 },
		       "3:eve@ login  0>0 denied\n");
	check_audit_is("since", s, (struct audit_query){ .limit = 1, .since_ms = t0 + 1 },
		       "4:eve@ login  0>0 denied\n");
	assert_int_equal(s->ops->audit_drop(s, t0, 1, NULL), 0);
	check_audit_is("refusals make room for each other only", s, all,
		       "5:ann@::1 floors.delete p1 1>2 ok\n4:eve@ login  0>0 denied\n1:ann@::1 floors.put p1 "
		       "0>1 ok\n");
	assert_int_equal(s->ops->audit_drop(s, t0 + 1, 1, NULL), 0);
	check_audit_is("age takes all", s, all, "4:eve@ login  0>0 denied\n");
	assert_int_equal(s->ops->audit_add(s, &login, NULL), 0);
	check_audit_is("no number comes twice", s, (struct audit_query){ .limit = 1 },
		       "6:eve@ login  0>0 denied\n");
	store_free(s);
}

static void put(struct store *s, const char *kind, const char *key, const char *body)
{
	struct store_doc d = { .kind = str_of(kind),
			       .key = str_of(key),
			       .body = str_of(body),
			       .actor = STR("ann"),
			       .updated_ms = t0 };

	assert_int_equal(s->ops->doc_put(s, &d, NULL, NULL), 0);
}

static void check_docs(const struct maker *m, struct store *s)
{
	static const struct {
		const char *why, *key, *want;
	} rows[] = {
		{ "all live documents by key", "", "p1#2={2}(ann) p3#1={x}(ann) " },
		{ "one", "p1", "p1#2={2}(ann) " },
		{ "deleted", "p2", "" },
		{ "unknown", "p9", "" },
	};
	char text[256];

	put(s, "floors", "p1", "{1}");
	put(s, "floors", "p2", "{1}");
	put(s, "floors", "p1", "{2}");
	put(s, "floors", "p2", "");
	put(s, "floors", "p3", "{x}");
	put(s, "settings", "p1", "{s}");
	if (m->durable) {
		store_free(s);
		s = open_store(m);
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		text[0] = 0;
		assert_int_equal(s->ops->docs(s, STR("floors"), str_of(rows[i].key), list_doc, text, NULL),
				 0);
		CHECK_STR(rows[i].why, str_of(text), rows[i].want);
	}
	text[0] = 0;
	assert_int_equal(s->ops->doc_history(s, STR("floors"), STR("p2"), list_doc, text, NULL), 0);
	CHECK_STR("history, deletion included", str_of(text), "p2#2=(ann) p2#1={1}(ann) ");
	store_free(s);
}

static void check_retention(const struct maker *m, struct store *s)
{
	struct event e[2] = { make("a", t0, "p1"), make("b", t0 + 72 * HOUR, "p1") };
	struct seen seen = { 0 };
	struct sums sums;
	bool more = true;

	assert_int_equal(append(s, e, 2), 0);
	assert_int_equal(s->ops->maintain(s, t0 + 48 * HOUR, t0, &more, NULL), 0);
	assert_int_equal(s->ops->replay(s, 0, see, &seen, NULL), 0);
	CHECK(m->name, !more && seen.n == 1 && seen.seq[0] == 2);
	sums = stats(s, "p1", DIM_TOTAL, STEP_DAY, t0, t0 + 96 * HOUR);
	CHECK("roll-ups outlive the events", sums.c.auctions == 2);
	for (int i = 0; i < 2; i++) { /* the second time there is nothing to do */
		assert_int_equal(s->ops->maintain(s, t0 + 48 * HOUR, t0 + 48 * HOUR, &more, NULL), 0);
		sums = stats(s, "p1", DIM_BIDDER, STEP_HOUR, t0, t0 + 96 * HOUR);
		CHECK("hours before the second bound are gone",
		      !more && (!m->durable || sums.c.auctions == 2));
		sums = stats(s, "", DIM_TOTAL, STEP_HOUR, t0, t0 + 96 * HOUR);
		CHECK("of all together too", !m->durable || sums.c.auctions == 1);
		sums = stats(s, "p1", DIM_TOTAL, STEP_DAY, t0, t0 + 96 * HOUR);
		CHECK("days stay", sums.c.auctions == 2);
	}
	e[0] = make("late", t0 + HOUR, "p1");
	assert_int_equal(append(s, e, 1), 0);
	assert_int_equal(s->ops->maintain(s, t0 + 49 * HOUR, t0 + 49 * HOUR, &more, NULL), 0);
	sums = stats(s, "p1", DIM_TOTAL, STEP_HOUR, t0, t0 + 96 * HOUR);
	CHECK("what came late goes with the next hour", !m->durable || sums.c.auctions == 1);
	store_free(s);
}

static void check_tail(const struct maker *m, struct store *s)
{
	struct event e[5] = { make("a", t0, "p1"), make("b", t0 + 1, "p1"), make("c", t0 + 2, "p1"),
			      make("d", t0 + 3, "p1"), make("e", t0 + 4, "p1") };
	static const struct {
		const char *why;
		size_t rows;
		int64_t want;
	} rows[] = {
		{ "two rows per auction: six are the last three", 6, 2 },
		{ "as many as there are", 10, 0 },
		{ "more than there are", 1000, 0 },
		{ "none", 0, 5 },
	};

	CHECK(m->name, s->ops->tail(s, 100) == 0);
	assert_int_equal(append(s, e, 5), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(rows[i].why, s->ops->tail(s, rows[i].rows) == rows[i].want);
	store_free(s);
}

static void check_experiments(const struct maker *m, struct store *s)
{
	struct event e[3] = { make("a", t0, "p1"), make("b", t0, "p1"), make("c", t0, "p1") };
	struct sums sums;

	e[0].floors = FLOORS_APPLIED;
	e[1].floors = FLOORS_SKIPPED;
	assert_int_equal(append(s, e, 3), 0);
	sums = stats(s, "p1", DIM_FLOORS, STEP_DAY, t0, t0 + HOUR);
	CHECK(m->name, sums.rows == 2 && sums.c.auctions == 2);
	if (m->durable) { /* as if killed: another one reads what is not in the roll-ups yet from the journal */
		struct store *again = open_store(m);

		sums = stats(again, "p1", DIM_FLOORS, STEP_DAY, t0, t0 + HOUR);
		CHECK("read back from the journal", sums.rows == 2 && sums.c.squared == 2);
		store_free(again);
	}
	store_free(s);
}

/* A hundred days are dropped while others are written: the file gets smaller, and nothing of the new is missing. */
static void test_compaction(void **state)
{
	enum { OLD = 38400, BATCH = 64 };
	static struct event e[BATCH];
	static char ids[BATCH][16];
	struct store_totals before, after;
	struct seen seen = { 0 };
	struct store *s;
	bool more = true;
	int kept = 0;

	(void)state;
	remove_files();
	s = open_store(&makers[1]);
	for (int n = 0; n < OLD; n += BATCH) {
		for (int i = 0; i < BATCH; i++) {
			snprintf(ids[i], sizeof ids[i], "a%d", n + i);
			e[i] = make(ids[i], t0 + n + i, "p1");
		}
		assert_int_equal(append(s, e, BATCH), 0);
	}
	s->ops->totals(s, &before);
	for (int turn = 0; more; turn++) {
		struct event one;
		char id[16];

		assert_true(turn < 1000);
		assert_int_equal(s->ops->maintain(s, t0 + 48 * HOUR, t0, &more, NULL), 0);
		snprintf(id, sizeof id, "n%d", turn);
		one = make(id, t0 + 72 * HOUR + turn, "p1");
		assert_int_equal(append(s, &one, 1), 0);
		kept++;
	}
	s->ops->totals(s, &after);
	CHECK("the file is a third of what it was, or less", after.bytes * 3 < before.bytes);
	assert_int_equal(s->ops->replay(s, OLD, see, &seen, NULL), 0);
	CHECK("what came meanwhile is there", kept >= 20 && (int)seen.n == kept);
	store_free(s);
	remove_files();
}

static void test_tail(void **state)
{
	(void)state;
	with_each(check_tail);
}
static void test_experiments(void **state)
{
	(void)state;
	with_each(check_experiments);
}
static void test_numbers(void **state)
{
	(void)state;
	with_each(check_numbers);
}
static void test_whole(void **state)
{
	(void)state;
	with_each(check_whole);
}
static void test_stats(void **state)
{
	(void)state;
	with_each(check_stats);
}
static void test_prices(void **state)
{
	(void)state;
	with_each(check_prices);
}
static void test_docs(void **state)
{
	(void)state;
	with_each(check_docs);
	with_each(check_audit);
}
static void test_retention(void **state)
{
	(void)state;
	with_each(check_retention);
}

/* A file that may not grow stands in for a full disk. */
static void test_disk_full(void **state)
{
	struct store *s;
	struct rlimit before, tight;
	struct errtext why = { "" };
	struct event e;
	struct event *list[1] = { &e };
	struct seen seen = { 0 };
	char id[16];
	int i, err = 0;

	(void)state;
	remove_files();
	s = open_store(&makers[1]);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	tight = before;
	tight.rlim_cur = 400000;
	setrlimit(RLIMIT_FSIZE, &tight);
	for (i = 0; i < 1000 && !err; i++) {
		snprintf(id, sizeof id, "a%d", i);
		e = make(id, t0 + i, "p1");
		err = s->ops->append(s, list, 1, &why);
	}
	setrlimit(RLIMIT_FSIZE, &before);
	CHECK("it says so", err == ERR_UNAVAILABLE && why.text[0]);
	assert_int_equal(s->ops->append(s, list, 1, &why), 0);
	CHECK("and goes on when there is room again, without a hole", e.seq == i && !e.duplicate);
	store_free(s);
	s = open_store(&makers[1]);
	assert_int_equal(s->ops->replay(s, i - 10, see, &seen, NULL), 0);
	CHECK("nothing that was acknowledged is missing", seen.n == 10 && seen.seq[9] == i);
	store_free(s);
	remove_files();
}

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof path, "%s/idr.db", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	remove_files();
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),     cmocka_unit_test(test_whole),
		cmocka_unit_test(test_stats),       cmocka_unit_test(test_prices),
		cmocka_unit_test(test_docs),        cmocka_unit_test(test_retention),
		cmocka_unit_test(test_disk_full),   cmocka_unit_test(test_tail),
		cmocka_unit_test(test_experiments), cmocka_unit_test(test_compaction),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
