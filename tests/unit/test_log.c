#include "common/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/json.h"
#include "common/mem.h"
#include "tests/check.h"

static int pipe_fds[2];
static char text[1 << 16];

static void open_log(enum log_level level, enum log_format format)
{
	CHECK("pipe", pipe2(pipe_fds, O_NONBLOCK) == 0);
	log_init(level, format, pipe_fds[1], "test");
}

/* Everything written since the last call. */
static struct str written(void)
{
	ssize_t n = read(pipe_fds[0], text, sizeof text);

	return (struct str){ text, n > 0 ? (size_t)n : 0 };
}

static void close_log(void)
{
	log_init(LOG_OFF, LOG_JSON, 2, "test");
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static json_t *line_json(struct str s)
{
	struct errtext why = { "" };
	json_t *j = json_parse(s, &why);

	CHECK(why.text, j != NULL);
	return j;
}

static void json_lines(void **state)
{
	json_t *j;

	(void)state;
	open_log(LOG_INFO, LOG_JSON);
	log_event(LOG_DEBUG, "unseen");
	CHECK("below the level", written().n == 0);
	log_event(LOG_WARN, "some", LOG_Z("a", "q\"\n\\"), LOG_INT("n", -3), LOG_REAL("r", 0.5),
		  LOG_BOOL("b", true), LOG_STR("bad", ((struct str){ "x\xff\x80y", 4 })), LOG_Z("ü", "ü"));
	j = line_json(written());
	CHECK_STR("level", json_str_at(j, "level"), "warn");
	CHECK_STR("service", json_str_at(j, "service"), "test");
	CHECK_STR("event", json_str_at(j, "event"), "some");
	CHECK_STR("text is escaped", json_str_at(j, "a"), "q\"\n\\");
	CHECK("integer", json_int_at(j, "n", 0) == -3);
	CHECK("real", json_num_at(j, "r", 0) == 0.5);
	CHECK("bool", json_bool_at(j, "b", false));
	CHECK_STR("what is not UTF-8", json_str_at(j, "bad"), "x??y");
	CHECK_STR("what is", json_str_at(j, "ü"), "ü");
	CHECK("time", json_str_at(j, "ts").n == 24);
	json_decref(j);
	log_set_request(STR("req-1"), STR("7d1c"));
	log_event(LOG_ERROR, "other");
	j = line_json(written());
	CHECK_STR("the request is named", json_str_at(j, "request_id"), "req-1");
	CHECK_STR("and its trace", json_str_at(j, "trace_id"), "7d1c");
	json_decref(j);
	log_set_request(STR(""), STR(""));
	close_log();
}

static void long_fields(void **state)
{
	FREE_ON_EXIT char *big = xmalloc(100000);
	struct str s = { big, 100000 };
	json_t *j;

	(void)state;
	memset(big, '\x01', 100000); /* each takes six bytes */
	open_log(LOG_INFO, LOG_JSON);
	log_event(LOG_INFO, "long", LOG_STR("s", s), LOG_INT("after", 1));
	j = line_json(written());
	CHECK("a field that does not fit is left out", json_at(j, "s") == NULL);
	CHECK("those behind it stay", json_int_at(j, "after", 0) == 1);
	CHECK("and the line says so", json_bool_at(j, "truncated", false));
	json_decref(j);
	memset(big, 'x', 100000);
	log_event(LOG_INFO, "long", LOG_STR("s", s));
	j = line_json(written());
	CHECK("a long text is cut", json_str_at(j, "s").n == 2048);
	json_decref(j);
	close_log();
}

static void console(void **state)
{
	struct str s;

	(void)state;
	open_log(LOG_INFO, LOG_CONSOLE);
	log_event(LOG_INFO, "hello", LOG_Z("name", "x y"), LOG_INT("n", 2));
	s = written();
	CHECK("time in front", s.n > 13);
	CHECK_STR("text", ((struct str){ s.p + 12, s.n - 12 }), " info  hello name=\"x y\" n=2\n");
	close_log();
}

static void limits(void **state)
{
	static struct log_site site = { .event = "e", .level = LOG_WARN };
	uint64_t left_out = 9;

	(void)state;
	CHECK("the first is written", log_site_open(&site, 1000, &left_out) && left_out == 0);
	CHECK("the second is not", !log_site_open(&site, 1001, &left_out));
	CHECK("nor the last of the interval", !log_site_open(&site, 1000 + LOG_LIMIT_MS - 1, &left_out));
	CHECK("the next interval tells",
	      log_site_open(&site, 1000 + LOG_LIMIT_MS, &left_out) && left_out == 2);
	open_log(LOG_INFO, LOG_JSON);
	for (int i = 0; i < 5; i++)
		log_limited(LOG_WARN, "again", LOG_INT("i", i));
	CHECK("one line of five", str_contains(written(), STR("\"event\":\"again\",\"i\":0}\n")));
	log_flush_limited();
	CHECK("the rest is owed", str_contains(written(), STR("\"event\":\"again\",\"repeated\":4}\n")));
	log_flush_limited();
	CHECK("once", written().n == 0);
	close_log();
}

static void *shout(void *arg)
{
	(void)arg;
	log_set_request(STR("t"), STR(""));
	for (int i = 0; i < 40; i++) {
		log_event(LOG_INFO, "thread", LOG_INT("i", i));
		log_limited(LOG_INFO, "crowd");
	}
	return NULL;
}

static void threads(void **state)
{
	pthread_t t[4];
	struct str s, line;
	size_t n = 0;

	(void)state;
	open_log(LOG_INFO, LOG_JSON);
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, shout, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	s = written();
	for (line = str_cut(&s, '\n'); line.n; line = str_cut(&s, '\n'), n++)
		json_decref(line_json(line));
	CHECK("every line is whole", n == 4 * 40 + 1);
	log_flush_limited();
	CHECK("nothing left out is forgotten", str_contains(written(), STR("\"repeated\":159")));
	CHECK("nothing was lost", log_lost() == 0);
	close_log();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_lines), cmocka_unit_test(long_fields), cmocka_unit_test(console),
		cmocka_unit_test(limits),     cmocka_unit_test(threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
