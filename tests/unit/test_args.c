#include "common/args.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/api_key.h"
#include "common/err.h"
#include "common/version.h"
#include "tests/check.h"

struct test_conf {
	uint32_t port;
};
#define CONF_T struct test_conf
static const struct conf_key keys[] = { CONF_U32("port", "PORT", port, "1", 1, 65535, 0, "where") };
static const struct conf_table table = { "test", "TEST_", keys, 1, sizeof(CONF_T), NULL, NULL };

static void address(const void *values, struct str *ret_host, uint16_t *ret_port)
{
	*ret_host = STR("0.0.0.0");
	*ret_port = (uint16_t)((const struct test_conf *)values)->port;
}

/* As a service whose start would fail at port 13. */
static int check(struct conf *conf, struct errtext *why)
{
	bool bad = ((const struct test_conf *)conf_values(conf))->port == 13;

	if (bad)
		errtext_set(why, "port: 13 is unlucky");
	conf_free(conf);
	return bad ? ERR_INPUT : 0;
}

static const struct args_program program = { "nexus-test", &table, NULL, address, check, "" };
static char out_text[4096], err_text[4096];

/* Runs with one argument; the exit status, or -1 when the service would run. */
static int run(const char *arg, const char *var)
{
	char *argv[] = { (char *)"x", (char *)(uintptr_t)arg, NULL },
	     *env[] = { (char *)(uintptr_t)var, NULL };
	FILE *out = fmemopen(out_text, sizeof out_text, "w"), *err = fmemopen(err_text, sizeof err_text, "w");
	int status = -1;
	struct conf *c = args_start(&program, arg ? 2 : 1, argv, env, out, err, &status);

	fclose(out);
	fclose(err);
	if (c)
		status = -1;
	conf_free(c);
	return status;
}

static void actions(void **state)
{
	static const struct {
		const char *why, *arg, *var;
		int want;
		const char *out, *err;
	} rows[] = {
		{ "runs", NULL, NULL, -1, "", "" },
		{ "version", "--version", NULL, 0, "nexus-test " NEXUS_VERSION " (" NEXUS_REVISION ")\n",
		  "" },
		{ "unknown option", "--frob", NULL, 2, "", "usage: nexus-test" },
		{ "stray argument", "frob", NULL, 2, "", "usage: nexus-test" },
		{ "help", "--help", NULL, 0, "usage: nexus-test", "" },
		{ "check", "--check-config", "PORT=7", 0, "configuration is sound (no file)\n", "" },
		{ "check finds", "--check-config", "PORT=x", 1, "",
		  "PORT: port: x is not a whole number in 1..65535\n" },
		{ "check runs the start's own", "--check-config", "PORT=13", 1, "", "port: 13 is unlucky\n" },
		{ "print", "--print-config", "PORT=7", 0, "port: 7  # PORT\n", "" },
		{ "reference", "--config-reference", NULL, 0, "## nexus-test\n", "" },
		{ "file that is not there", "--config=/nonexistent", NULL, 1, "",
		  "/nonexistent: No such file or directory\n" },
		{ "the same by variable", NULL, "TEST_CONFIG=/nonexistent", 1, "",
		  "/nonexistent: No such file or directory\n" },
		{ "nobody is there to be healthy", "--health", "PORT=1", 1, "",
		  "nexus-test: unhealthy: nobody listens on 127.0.0.1 port 1\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		memset(out_text, 0, sizeof out_text);
		memset(err_text, 0, sizeof err_text);
		CHECK(rows[i].why, run(rows[i].arg, rows[i].var) == rows[i].want);
		CHECK(rows[i].why, strncmp(out_text, rows[i].out, strlen(rows[i].out)) == 0);
		CHECK(rows[i].why, strncmp(err_text, rows[i].err, strlen(rows[i].err)) == 0);
	}
	CHECK("new key", run("--new-key", NULL) == 0 && strlen(out_text) == API_KEY_TEXT + 1);
}

static const char *answer;

static void *serve_one(void *arg)
{
	int fd = accept(*(int *)arg, NULL, NULL);
	char request[256];

	assert_true(recv(fd, request, sizeof request, 0) > 0);
	if (*answer)
		assert_true(send(fd, answer, strlen(answer), MSG_NOSIGNAL) > 0);
	close(fd);
	return NULL;
}

static void health(void **state)
{
	static const struct {
		const char *why, *answer;
		int want;
	} rows[] = {
		{ "well", "HTTP/1.1 200 OK\r\n\r\n", 0 },
		{ "degraded but serving", "HTTP/1.0 204 No Content\r\n\r\n", 0 },
		{ "ill", "HTTP/1.1 503 Service Unavailable\r\n\r\n", 1 },
		{ "garbage", "SSH-2.0-OpenSSH_9.2\r\n", 1 },
		{ "silence", "", 1 },
	};
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	char var[32];

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &n), 0);
	snprintf(var, sizeof var, "PORT=%u", ntohs(a.sin_port));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		pthread_t t;

		answer = rows[i].answer;
		pthread_create(&t, NULL, serve_one, &listener);
		CHECK(rows[i].why, run("--health", var) == rows[i].want);
		pthread_join(t, NULL);
	}
	close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(actions), cmocka_unit_test(health) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
