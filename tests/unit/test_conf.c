#include "common/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/err.h"
#include "common/json.h"
#include "tests/check.h"

struct test_conf {
	uint32_t port, timeout_ms;
	uint64_t max_bytes;
	double share;
	bool enabled;
	const char *url, *key;
	int format;
	struct conf_list bidders, hidden;
	json_t *adapters, *hidden_tree;
};

#define CONF_T struct test_conf
static const struct conf_key keys[] = {
	CONF_U32("server.port", "PORT", port, "8000", 1, 65535, 0, "listening port"),
	CONF_U32("idr.timeout_ms", "IDR_TIMEOUT_MS", timeout_ms, "50", 1, 1000, CONF_RELOAD, "wait"),
	CONF_BOOL("idr.enabled", "IDR_ENABLED", enabled, "true", CONF_RELOAD, "ask the router"),
	CONF_STR("server.url", "TEST_URL|TEST_HOST_URL", url, "http://localhost", 0, "own address"),
	CONF_U64("limits.max_bytes", "", max_bytes, "1048576", 1, 1e12, 0, "body"),
	CONF_DOUBLE("share", "SHARE", share, "0.5", 0, 1, CONF_RELOAD, "of traffic"),
	CONF_SECRET("key", "API_KEY", key, 0, "key"),
	CONF_ENUM("log.format", "LOG_FORMAT", format, "json", "json|console", 0, "log lines"),
	CONF_LIST("bidders", "BIDDERS", bidders, "a,b", CONF_RELOAD, "names"),
	CONF_TREE("adapters", adapters, CONF_RELOAD, "per bidder"),
	CONF_LIST("hidden", "HIDDEN", hidden, "", CONF_HIDDEN, "keys"),
	CONF_TREE("hidden_tree", hidden_tree, CONF_HIDDEN, "keys"),
	CONF_IGNORED("garbage_collector_threshold", "no collector here"),
};

static int check_values(const void *values, struct errtext *why)
{
	const struct test_conf *c = values;

	if (c->port == 666) {
		errtext_set(why, "server.port: not this one");
		return ERR_INPUT;
	}
	return 0;
}

/* A body of one byte stands for one that follows from the timeout. */
static void derive_values(struct conf *conf, void *values)
{
	struct test_conf *c = values;

	if (c->max_bytes != 1)
		return;
	c->max_bytes = 1000 * (uint64_t)c->timeout_ms;
	conf_derived(conf, "limits.max_bytes", "from %u ms", c->timeout_ms);
}

static const struct conf_table table = { "test",         "TEST_",       keys,        ARRAY_LEN(keys),
					 sizeof(CONF_T), derive_values, check_values };
static char file[64];

static struct conf *load(const char *yaml, char *const *env, struct errtext *why)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	fputs(yaml, f);
	fclose(f);
	return conf_load(&table, file, env, why);
}

static void layers(void **state)
{
	char *env[] = { "IDR_TIMEOUT_MS=70",
			"TEST_HOST_URL=http://b",
			"TEST_SHARE=0.25",
			"BIDDERS= x, y ,",
			"EMPTY=",
			"NAME=n1",
			"LOG_FORMAT=",
			NULL };
	struct errtext why = { "" };
	struct conf *c = load("server: {port: 9000}\n"
			      "idr:\n  timeout_ms: 60\n  enabled: ${ASK:-no}\n"
			      "limits:\n  max_bytes: ${BYTES:-4096}\n"
			      "log: {format: console}\n"
			      "key: ${NAME}-$${x}\n"
			      "adapters: {a: {endpoint: 'http://${NAME}/', disabled: '${OFF:-true}'}}\n",
			      env, &why);
	const struct test_conf *v;

	(void)state;
	CHECK(why.text, c != NULL);
	v = conf_values(c);
	CHECK("YAML over default", v->port == 9000);
	CHECK("variable over YAML", v->timeout_ms == 70);
	CHECK("default inside braces", !v->enabled);
	CHECK("a number out of a variable", v->max_bytes == 4096);
	CHECK("second alias", strcmp(v->url, "http://b") == 0);
	CHECK("derived variable", v->share == 0.25);
	CHECK("an empty variable is unset", v->format == 1);
	CHECK("list",
	      v->bidders.n == 2 && strcmp(v->bidders.v[0], "x") == 0 && strcmp(v->bidders.v[1], "y") == 0);
	CHECK("expansion and escape", strcmp(v->key, "n1-${x}") == 0);
	CHECK_STR("inside trees", json_str_at(v->adapters, "a.endpoint"), "http://n1/");
	CHECK("typed inside trees", json_is_true(json_at(v->adapters, "a.disabled")));
	CHECK("the line of a tree's member", conf_line(c, "adapters.a") == 9);
	conf_free(c);
}

static void derived(void **state)
{
	char *env[] = { "IDR_TIMEOUT_MS=70", NULL };
	struct errtext why = { "" };
	struct conf *said = load("limits: {max_bytes: 2}\n", env, &why),
		    *not_said = load("limits: {max_bytes: 1}\n", env, &why), *again;
	struct buf b;

	(void)state;
	CHECK("stays", ((const struct test_conf *)conf_values(said))->max_bytes == 2);
	CHECK("follows", ((const struct test_conf *)conf_values(not_said))->max_bytes == 70000);
	CHECK_STR("why", str_of(conf_origin(not_said, "limits.max_bytes")), "from 70 ms");
	CHECK_STR("others", str_of(conf_origin(not_said, "idr.timeout_ms")), "IDR_TIMEOUT_MS");
	buf_init(&b, 65536);
	conf_print(not_said, &b);
	CHECK("printed", strstr(buf_cstr(&b), "max_bytes: 70000  # from 70 ms\n"));
	buf_deinit(&b);
	again = conf_reload(not_said, env, &why);
	CHECK("the same again is no change", again && !*conf_warnings(again));
	conf_free(again);
	env[0] = (char *)(uintptr_t) "IDR_TIMEOUT_MS=80";
	again = conf_reload(not_said, env, &why);
	CHECK("another one is", again && strstr(conf_warnings(again), "limits.max_bytes"));
	CHECK("and waits for the restart",
	      ((const struct test_conf *)conf_values(again))->max_bytes == 70000);
	CHECK_STR("with its reason", str_of(conf_origin(again, "limits.max_bytes")), "from 70 ms");
	conf_free(again);
	conf_free(said);
	conf_free(not_said);
}

static void refusals(void **state)
{
	static const struct {
		const char *why, *yaml, *env, *want; /* FILE stands for the file's name */
	} rows[] = {
		{ "range in YAML", "idr:\n  timeout_ms: 5000\n", "",
		  "FILE line 2: idr.timeout_ms: 5000 is not a whole number in 1..1000" },
		{ "range in a variable", "", "IDR_TIMEOUT_MS=0",
		  "IDR_TIMEOUT_MS: idr.timeout_ms: 0 is not a whole number in 1..1000" },
		{ "negative", "", "PORT=-1", "PORT: server.port: -1 is not a whole number in 1..65535" },
		{ "quoted number", "server: {port: '80'}\n", "",
		  "FILE line 1: server.port: the quoted text 80 is not a whole number in 1..65535" },
		{ "fraction", "server: {port: 80.5}\n", "",
		  "FILE line 1: server.port: 80.5 is not a whole number in 1..65535" },
		{ "boolean", "idr: {enabled: 3}\n", "", "FILE line 1: idr.enabled: 3 is not true or false" },
		{ "enum", "log: {format: xml}\n", "",
		  "FILE line 1: log.format: xml is not one of json|console" },
		{ "mapping for a text", "server:\n  url: {a: 1}\n", "",
		  "FILE line 2: server.url: a mapping is not a text" },
		{ "scalar for a tree", "adapters: 3\n", "",
		  "FILE line 1: adapters: the value is not a mapping or list" },
		{ "unknown key with a neighbour", "idr:\n  timout_ms: 50\n", "",
		  "FILE line 2: idr.timout_ms: unknown key (did you mean idr.timeout_ms?)" },
		{ "unknown group with a neighbour", "\nsevrer: {port: 1}\n", "",
		  "FILE line 2: sevrer: unknown key (did you mean server?)" },
		{ "unknown key without one", "zzzzzz: 1\n", "", "FILE line 1: zzzzzz: unknown key" },
		{ "scalar for a group", "server: 1\n", "", "FILE line 1: server: must be a mapping" },
		{ "unset variable", "server:\n\n  url: ${NOPE}\n", "",
		  "FILE line 3: server.url: ${NOPE} is not set and has no default" },
		{ "unclosed braces", "server: {url: '${NOPE'}\n", "",
		  "FILE line 1: server.url: ${ without }" },
		{ "bad name", "server: {url: '${a b}'}\n", "",
		  "FILE line 1: server.url: ${a b} does not name a variable" },
		{ "two at once", "share: 2\nidr: {enabled: x}\n", "",
		  "FILE line 1: share: 2 is not a number in 0..1\n"
		  "FILE line 2: idr.enabled: the quoted text x is not true or false" },
		{ "across keys", "server: {port: 666}\n", "", "server.port: not this one" },
		{ "not a mapping", "- 1\n", "", "FILE: must be a mapping of keys" },
		{ "repeated", "share: 1\nshare: 1\n", "", "FILE line 2: repeated key share" },
		{ "secret file that is not there", "", "API_KEY_FILE=/nonexistent/key",
		  "API_KEY_FILE: /nonexistent/key: cannot be read" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *env[] = { (char *)(uintptr_t)rows[i].env, NULL };
		struct errtext why = { "" };
		struct buf want;
		const char *p = rows[i].want, *at;

		CHECK(rows[i].why, load(rows[i].yaml, env, &why) == NULL);
		buf_init(&want, 4096);
		for (; (at = strstr(p, "FILE line")) || (at = strstr(p, "FILE:")); p = at + 4) {
			if (at > p && at[-1] == '_')
				break;
			buf_add(&want, p, (size_t)(at - p));
			buf_add_z(&want, file);
		}
		buf_add_z(&want, p);
		CHECK_STR(rows[i].why, str_of(why.text), buf_cstr(&want));
		buf_deinit(&want);
	}
}

static void secrets_from_files(void **state)
{
	char path[] = "/tmp/conf-secret-XXXXXX", var[64];
	char *env[] = { var, NULL, NULL };
	int fd = mkstemp(path);
	struct errtext why = { "" };
	struct conf *c;

	(void)state;
	assert_true(fd >= 0 && write(fd, "s3cret\n", 7) == 7);
	close(fd);
	snprintf(var, sizeof var, "API_KEY_FILE=%s", path);
	c = load("", env, &why);
	CHECK(why.text, c != NULL);
	CHECK("without the line end", strcmp(((const struct test_conf *)conf_values(c))->key, "s3cret") == 0);
	conf_free(c);
	env[1] = "API_KEY=x";
	CHECK("both are ambiguous", load("", env, &why) == NULL);
	unlink(path);
}

static void printing(void **state)
{
	char *env[] = { "API_KEY=s3cret", "PORT=81", NULL };
	struct errtext why = { "" };
	struct conf *c = load("server: {url: 'x$${y}'}\nadapters: {a: {password: p, n: 1}}\n"
			      "garbage_collector_threshold: 9\n",
			      env, &why);
	struct conf *again;
	struct buf b;
	FREE_ON_EXIT char *want = NULL;

	(void)state;
	CHECK(why.text, c != NULL);
	buf_init(&b, 1 << 16);
	conf_print(c, &b);
	want = xasprintf("server:\n  port: 81  # PORT\n  url: \"x$${y}\"  # %s line 1\n"
			 "idr:\n  timeout_ms: 50  # default\n  enabled: true  # default\n"
			 "limits:\n  max_bytes: 1048576  # default\nshare: 0.5  # default\n"
			 "key: \"***\"  # API_KEY\nlog:\n  format: json  # default\n"
			 "bidders: [\"a\", \"b\"]  # default\n"
			 "adapters: {\"a\":{\"password\":\"***\",\"n\":1}}  # %s line 2\n"
			 "hidden: []  # default\n",
			 file, file);
	CHECK_STR("the whole text", buf_str(&b), want);
	CHECK("keys without effect are named",
	      strstr(conf_warnings(c), "line 3: garbage_collector_threshold has no effect") != NULL);
	again = load(buf_cstr(&b), env, &why);
	CHECK("is valid input", again != NULL);
	CHECK("with the same meaning",
	      strcmp(((const struct test_conf *)conf_values(again))->url, "x${y}") == 0);
	conf_free(again);
	buf_clear(&b);
	conf_reference(&table, &b);
	CHECK("reference",
	      str_contains(buf_str(&b), STR("| `idr.timeout_ms` | `IDR_TIMEOUT_MS` `TEST_IDR_TIMEOUT_MS` "
					    "| `50` | 1..1000 | yes | wait |\n")));
	CHECK("secrets name their files",
	      str_contains(buf_str(&b), STR("`API_KEY` `TEST_KEY` (or each with")));
	buf_deinit(&b);
	conf_free(c);
}

static void secrets_stay(void **state)
{
	static const struct {
		const char *why, *yaml, *line;
	} rows[] = {
		{ "a list", "hidden: [s3cret, \"s3cret:pub\"]\n", "hidden: [\"***\", \"***\"]" },
		{ "a tree", "hidden_tree: [s3cret, {key: s3cret, n: 1, yes: true}]\n",
		  "hidden_tree: [\"***\",{\"key\":\"***\",\"n\":\"***\",\"yes\":true}]" },
		{ "a number", "adapters: {a: {password: 12345, n: 1}}\n",
		  "adapters: {\"a\":{\"password\":\"***\",\"n\":1}}" },
		{ "below a member so named", "adapters: {a: {api_keys: [s3cret], tokens: {x: s3cret}}}\n",
		  "adapters: {\"a\":{\"api_keys\":[\"***\"],\"tokens\":{\"x\":\"***\"}}}" },
		{ "a URL", "server: {url: 'https://me:s3cret@host:1/p@th'}\n",
		  "url: \"https://***@host:1/p@th\"" },
		{ "a user alone, who may be a token", "server: {url: 'https://s3cret@host'}\n",
		  "url: \"https://***@host\"" },
		{ "a password with an @", "server: {url: 'https://a:s3cret@s3cret@host'}\n",
		  "url: \"https://***@host\"" },
		{ "a URL in a list", "bidders: ['x://s3cret@h', b]\n", "bidders: [\"x://***@h\", \"b\"]" },
		{ "a URL in a tree", "adapters: {a: {endpoint: 'http://u:s3cret@h/'}}\n",
		  "adapters: {\"a\":{\"endpoint\":\"http://***@h/\"}}" },
		{ "an empty text stays", "adapters: {a: {x: ''}}\n", "adapters: {\"a\":{\"x\":\"\"}}" },
		{ "no user", "server: {url: 'https://host/a@b?c=@#@'}\n", "url: \"https://host/a@b?c=@#@\"" },
		{ "nothing before the @", "server: {url: 'https://@host'}\n", "url: \"https://@host\"" },
		{ "no URL", "server: {url: 'a@b'}\n", "url: \"a@b\"" },
	};
	char *env[] = { NULL };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct errtext why = { "" };
		struct conf *c = load(rows[i].yaml, env, &why);
		struct buf b;

		CHECK(rows[i].why, c != NULL);
		buf_init(&b, 1 << 16);
		conf_print(c, &b);
		CHECK(rows[i].why, str_contains(buf_str(&b), str_of(rows[i].line)));
		CHECK(rows[i].why, !str_contains(buf_str(&b), STR("s3cret")));
		buf_deinit(&b);
		conf_free(c);
	}
}

static void reloading(void **state)
{
	char *env[] = { NULL };
	struct errtext why = { "" };
	struct conf *c = load("server: {port: 81}\nshare: 0.1\n", env, &why), *next;
	const struct test_conf *v;

	(void)state;
	CHECK(why.text, c != NULL);
	conf_free(load("server: {port: 82}\nshare: 0.2\nadapters: {a: 1}\n", env, &why));
	next = conf_reload(c, env, &why);
	CHECK(why.text, next != NULL);
	v = conf_values(next);
	CHECK("reloadable", v->share == 0.2 && v->adapters);
	CHECK("not reloadable", v->port == 81);
	CHECK_STR("which is told", str_of(conf_warnings(next)),
		  "server.port: changed, which needs a restart");
	conf_free(next);
	CHECK("a bad file", load("share: 7\n", env, &why) == NULL && conf_reload(c, env, &why) == NULL);
	v = conf_values(c);
	CHECK("leaves the running values alone", v->share == 0.1);
	conf_free(c);
}

static void no_file(void **state)
{
	struct errtext why = { "" };
	struct conf *c = conf_load(&table, NULL, NULL, &why);

	(void)state;
	CHECK(why.text, c != NULL);
	CHECK("defaults", ((const struct test_conf *)conf_values(c))->port == 8000);
	conf_free(c);
	CHECK("a missing file is an error", conf_load(&table, "/nonexistent.yaml", NULL, &why) == NULL);
	CHECK_STR("by name", str_of(why.text), "/nonexistent.yaml: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layers),    cmocka_unit_test(derived),
		cmocka_unit_test(refusals),  cmocka_unit_test(secrets_from_files),
		cmocka_unit_test(printing),  cmocka_unit_test(secrets_stay),
		cmocka_unit_test(reloading), cmocka_unit_test(no_file),
	};
	int fd, failed;

	snprintf(file, sizeof file, "/tmp/conf-test-XXXXXX");
	fd = mkstemp(file);
	if (fd < 0)
		return 1;
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(file);
	return failed;
}
