#include "common/args.h"

#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/api_key.h"
#include "common/buf.h"
#include "common/mem.h"
#include "common/probe.h"
#include "common/version.h"

enum { HEALTH_TIMEOUT_MS = 3000 };

enum action { RUN, CHECK_CONFIG, PRINT_CONFIG, CONFIG_REFERENCE, HEALTH, NEW_KEY, VERSION, HELP };

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "check-config", no_argument, NULL, CHECK_CONFIG },
	{ "print-config", no_argument, NULL, PRINT_CONFIG },
	{ "config-reference", no_argument, NULL, CONFIG_REFERENCE },
	{ "health", no_argument, NULL, HEALTH },
	{ "new-key", no_argument, NULL, NEW_KEY },
	{ "version", no_argument, NULL, VERSION },
	{ "help", no_argument, NULL, HELP },
	{ 0 },
};

static void usage(const struct args_program *p, FILE *f)
{
	fprintf(f,
		"usage: %s [--config FILE] [--check-config | --print-config | --config-reference | --health "
		"| "
		"--new-key | --version]\n",
		p->name);
	if (p->more_usage)
		fputs(p->more_usage, f);
}

/* False for options nobody knows. */
static bool parse(int argc, char *const *argv, enum action *ret_action, const char **ret_path)
{
	int opt;

	opterr = 0;
	optind = 0; /* glibc: start anew */
	while ((opt = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		if (opt == 'c')
			*ret_path = optarg;
		else if (opt == '?')
			return false;
		else
			*ret_action = (enum action)opt;
	}
	return optind == argc;
}

static const char *find_config(const struct args_program *p, char *const *env)
{
	FREE_ON_EXIT char *name = xasprintf("%sCONFIG", p->table->var_prefix);
	size_t n = strlen(name);

	for (; env && *env; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=' && (*env)[n + 1])
			return *env + n + 1;
	for (size_t i = 0; p->places && p->places[i]; i++)
		if (access(p->places[i], R_OK) == 0)
			return p->places[i];
	return NULL;
}

static int print_config(const struct conf *c, FILE *out)
{
	struct buf b;
	bool ok;

	buf_init(&b, CONF_PRINT_MAX_BYTES);
	conf_print(c, &b);
	ok = !b.overflow && fwrite(buf_cstr(&b), 1, b.n, out) == b.n;
	buf_deinit(&b);
	return !ok;
}

static int print_reference(const struct conf_table *t, FILE *out)
{
	struct buf b;
	bool ok;

	buf_init(&b, CONF_PRINT_MAX_BYTES);
	conf_reference(t, &b);
	ok = !b.overflow && fwrite(buf_cstr(&b), 1, b.n, out) == b.n;
	buf_deinit(&b);
	return !ok;
}

static int ask_health(const struct args_program *p, const struct conf *c, FILE *out, FILE *err)
{
	struct errtext why;
	struct str host;
	uint16_t port;

	p->health_address(conf_values(c), &host, &port);
	if (probe_http(host, port, "/health", HEALTH_TIMEOUT_MS, &why) < 0) {
		fprintf(err, "%s: unhealthy: %s\n", p->name, why.text);
		return 1;
	}
	fprintf(out, "healthy\n");
	return 0;
}

static int print_new_key(FILE *out)
{
	char key[API_KEY_TEXT + 1];

	return !api_key_generate(key) || fprintf(out, "%s\n", key) < 0;
}

/* Takes `c`. */
static int check_config(const struct args_program *p, struct conf *c, const char *path, FILE *out, FILE *err)
{
	struct errtext why = { "" };

	if (*conf_warnings(c))
		fprintf(err, "%s\n", conf_warnings(c));
	if (!p->check) {
		conf_free(c);
	} else if (p->check(c, &why) < 0) {
		fprintf(err, "%s\n", why.text);
		return 1;
	}
	return fprintf(out, "configuration is sound (%s)\n", path ? path : "no file") < 0;
}

/* What needs no configuration. False when the action is another one. */
static bool without_config(const struct args_program *p, enum action action, FILE *out, int *ret_exit)
{
	switch (action) {
	case CONFIG_REFERENCE: *ret_exit = print_reference(p->table, out); return true;
	case NEW_KEY: *ret_exit = print_new_key(out); return true;
	case VERSION:
		fprintf(out, "%s %s (%s)\n", p->name, NEXUS_VERSION, NEXUS_REVISION);
		*ret_exit = 0;
		return true;
	case HELP:
		usage(p, out);
		*ret_exit = 0;
		return true;
	default: return false;
	}
}

struct conf *args_start(const struct args_program *p, int argc, char *const *argv, char *const *env,
			FILE *out, FILE *err, int *ret_exit)
{
	enum action action = RUN;
	const char *path = NULL;
	struct errtext why;
	struct conf *c;

	if (!parse(argc, argv, &action, &path)) {
		usage(p, err);
		*ret_exit = 2;
		return NULL;
	}
	if (without_config(p, action, out, ret_exit))
		return NULL;
	if (!path)
		path = find_config(p, env);
	c = conf_load(p->table, path, env, &why);
	if (!c) {
		fprintf(err, "%s\n", why.text);
		*ret_exit = 1;
		return NULL;
	}
	switch (action) {
	case PRINT_CONFIG: *ret_exit = print_config(c, out); break;
	case HEALTH: *ret_exit = ask_health(p, c, out, err); break;
	case CHECK_CONFIG: *ret_exit = check_config(p, c, path, out, err); return NULL;
	default: return c;
	}
	return conf_free(c);
}
