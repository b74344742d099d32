#include "common/metrics.h"

#include <pthread.h>

#include "tests/check.h"

enum { L_STATUS = 1, L_BIDDER, L_FLAG };
static const char *const statuses[] = { "ok", "bad\"in\\put" };
static const char *const bidders[] = { "one", "two", "three" };
static const char *const flags[] = { "false", "true" };
static const struct metric_label labels[] = {
	[L_STATUS] = { "status", statuses, 2, false },
	[L_BIDDER] = { "adapter", bidders, 3, true },
	[L_FLAG] = { "video", flags, 2, false },
};
static const double times[] = { 0.05, 0.1, 1 };

#define TEST_METRICS(X)                                                                                      \
	X(M_REQUESTS, METRIC_COUNTER, "requests", "Requests answered", L_STATUS)                             \
	X(M_OPEN, METRIC_GAUGE, "open", "Auctions in flight")                                                \
	X(M_BIDS, METRIC_COUNTER, "adapter_bids", "Bids", L_BIDDER, L_FLAG)                                  \
	X(M_TIME, METRIC_HISTOGRAM(times), "adapter_time_seconds", "Time", L_BIDDER)
enum { TEST_METRICS(METRIC_ENUM) M_COUNT };
static const struct metric_def defs[] = { TEST_METRICS(METRIC_ROW) };

static struct metrics_set *new_set(void)
{
	return metrics_set_new("nexus", defs, M_COUNT, labels, ARRAY_LEN(labels));
}

static void text(void **state)
{
	struct metrics_set *s = new_set();
	struct metrics *a = metrics_new(s), *b = metrics_new(s);
	struct buf out;

	(void)state;
	metrics_inc(a, M_REQUESTS, 1);
	metrics_add(b, M_REQUESTS, 2, 1);
	metrics_gauge_add(a, M_OPEN, 3);
	metrics_gauge_add(b, M_OPEN, -1);
	metrics_inc(b, M_BIDS, 2, 1);
	metrics_observe(a, M_TIME, 0.05, 1);
	metrics_observe(b, M_TIME, 0.5, 1);
	metrics_observe(b, M_TIME, 9, 1);
	buf_init(&out, 1 << 16);
	metrics_write(s, &out);
	CHECK_STR("the whole text", buf_str(&out),
		  "# HELP nexus_requests Requests answered\n"
		  "# TYPE nexus_requests counter\n"
		  "nexus_requests{status=\"ok\"} 0\n"
		  "nexus_requests{status=\"bad\\\"in\\\\put\"} 3\n"
		  "# HELP nexus_open Auctions in flight\n"
		  "# TYPE nexus_open gauge\n"
		  "nexus_open 2\n"
		  "# HELP nexus_adapter_bids Bids\n"
		  "# TYPE nexus_adapter_bids counter\n"
		  "nexus_adapter_bids{adapter=\"three\",video=\"true\"} 1\n"
		  "# HELP nexus_adapter_time_seconds Time\n"
		  "# TYPE nexus_adapter_time_seconds histogram\n"
		  "nexus_adapter_time_seconds_bucket{adapter=\"two\",le=\"0.05\"} 1\n"
		  "nexus_adapter_time_seconds_bucket{adapter=\"two\",le=\"0.1\"} 1\n"
		  "nexus_adapter_time_seconds_bucket{adapter=\"two\",le=\"1\"} 2\n"
		  "nexus_adapter_time_seconds_bucket{adapter=\"two\",le=\"+Inf\"} 3\n"
		  "nexus_adapter_time_seconds_sum{adapter=\"two\"} 9.55\n"
		  "nexus_adapter_time_seconds_count{adapter=\"two\"} 3\n");
	CHECK("a counter reads as the sum", metrics_read(s, M_REQUESTS, 1) == 3);
	CHECK("a histogram reads as its count", metrics_read(s, M_TIME, 1) == 3);
	CHECK("a gauge reads as the sum", metrics_read(s, M_OPEN) == 2);
	buf_clear(&out);
	metrics_hide(s, M_REQUESTS);
	metrics_hide(s, M_TIME);
	metrics_hide(s, M_BIDS);
	metrics_write(s, &out);
	CHECK_STR("what is not hidden", buf_str(&out),
		  "# HELP nexus_open Auctions in flight\n"
		  "# TYPE nexus_open gauge\n"
		  "nexus_open 2\n");
	CHECK("what is hidden counts on", metrics_read(s, M_REQUESTS, 1) == 3);
	buf_clear(&out);
	metrics_write_process("nexus", "1.0", &out);
	CHECK("build", str_contains(buf_str(&out), STR("nexus_build_info{version=\"1.0\"} 1\n")));
	CHECK("memory is known", !str_contains(buf_str(&out), STR("resident_memory_bytes 0\n")));
	CHECK("start is known", !str_contains(buf_str(&out), STR("start_time_seconds 0\n")));
	buf_deinit(&out);
	metrics_set_free(s);
}

enum { ROUNDS = 20000 };

static void *count(void *arg)
{
	struct metrics *m = metrics_new(arg);

	for (int i = 0; i < ROUNDS; i++) {
		metrics_inc(m, M_REQUESTS, 0);
		metrics_observe(m, M_TIME, 0.01, 0);
	}
	return NULL;
}

static void threads_and_a_reader(void **state)
{
	struct metrics_set *s = new_set();
	pthread_t t[3];
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 16);
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, count, s);
	for (int i = 0; i < 50; i++) {
		buf_clear(&out);
		metrics_write(s, &out);
	}
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	CHECK("nothing is lost", metrics_read(s, M_REQUESTS, 0) == 3 * ROUNDS);
	CHECK("histograms too", metrics_read(s, M_TIME, 0) == 3 * ROUNDS);
	buf_deinit(&out);
	metrics_set_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text),
		cmocka_unit_test(threads_and_a_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
