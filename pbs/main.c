/* nexus-pbs: configuration, data, workers, serve, drain. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/args.h"
#include "common/err.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "pbs/server.h"
#include "pbs/stored/watch.h"

enum { LOG_FLUSH_S = 10 };

/* Read by jemalloc before main. Bursts leave pages behind: they are given back after a second, not ten. An auction makes a
 * thousand and more small objects and frees them together: the thread's cache must be able to hold them all, or every
 * auction empties and fills it through the arena. */
extern const char *malloc_conf;
const char *malloc_conf = "dirty_decay_ms:1000,muzzy_decay_ms:0,narenas:4,"
			  "tcache_nslots_small_max:2000,lg_tcache_nslots_mul:4";

static int fail(const char *what, const struct errtext *why)
{
	fprintf(stderr, "nexus-pbs: %s: %s\n", what, why->text);
	return 1;
}

/* Every client and every bidder call is a descriptor. A limit that cannot be raised is only worth a warning. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		log_event(LOG_WARN, "file_limit", LOG_INT("files", limit.rlim_cur));
}

static void reload(struct pbs_server *server, int (*how)(struct pbs_server *s, struct errtext *why))
{
	struct errtext why = { "" };

	if (how(server, &why) < 0)
		log_event(LOG_ERROR, "reload_refused", LOG_Z("reason", why.text));
}

/* Each folder once. */
static size_t list_dirs(const struct stored_dirs *stored, const char *ret_dirs[STORED_KINDS])
{
	size_t n = 0;

	for (int kind = 0; kind < STORED_KINDS; kind++) {
		size_t i = 0;

		while (stored->of[kind] && i < n && strcmp(ret_dirs[i], stored->of[kind]) != 0)
			i++;
		if (stored->of[kind] && i == n)
			ret_dirs[n++] = stored->of[kind];
	}
	return n;
}

/* Blocks until a signal asks for the end. SIGHUP reads configuration, bidders, stored data and accounts anew, a change in
 * the files of stored data all but the configuration. Now and then the log says what it left out in the meantime. */
static void wait_for_end(const sigset_t *signals, struct pbs_server *server)
{
	const struct pbs_config *c = server->config;
	const struct stored_dirs stored = pbs_stored_dirs(c);
	const char *dirs[STORED_KINDS];
	size_t n_dirs = list_dirs(&stored, dirs);
	const struct timespec look = { .tv_sec = c->stored_watch_s ? c->stored_watch_s : LOG_FLUSH_S };
	struct watch files;
	int number;

	watch_init(&files, dirs, c->stored_watch_s ? n_dirs : 0);
	do {
		number = sigtimedwait(signals, NULL, &look);
		if (number < 0)
			log_flush_limited();
		if (number == SIGHUP)
			reload(server, pbs_server_reload);
		else if (number < 0 && watch_look(&files))
			reload(server, pbs_server_reload_files);
	} while (number != SIGTERM && number != SIGINT);
	log_event(LOG_INFO, "draining", LOG_INT("signal", number));
}

static void tell_capacity(const struct pbs_server *server)
{
	const struct pbs_config *c = server->config;
	const struct conf *conf = server->first->conf;

	log_event(LOG_INFO, "capacity_per_worker", LOG_INT("auctions", c->max_auctions),
		  LOG_Z("auctions_by", conf_origin(conf, "limits.max_auctions")),
		  LOG_INT("connections", c->max_connections),
		  LOG_Z("connections_by", conf_origin(conf, "limits.max_connections")));
}

static int serve(struct conf *conf)
{
	const struct pbs_config *config = conf_values(conf);
	struct pbs_server server;
	struct errtext why = { "" };
	sigset_t signals;
	int status = 0;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL); /* workers inherit it: only this thread hears them */
	signal(SIGPIPE, SIG_IGN);
	json_object_seed(0);
	raise_file_limit();
	if (pbs_server_load(&server, conf, &why) < 0) {
		status = fail("cannot start", &why);
	} else if (pbs_server_start(&server, &why) < 0) {
		status = fail("cannot start", &why);
	} else {
		log_event(LOG_INFO, "listening", LOG_Z("host", config->host), LOG_INT("port", config->port),
			  LOG_INT("workers", workers_count(server.workers)));
		tell_capacity(&server);
		wait_for_end(&signals, &server);
		pbs_server_drain(&server);
		log_flush_limited();
		log_event(LOG_INFO, "stopped");
	}
	pbs_server_unload(&server);
	return status;
}

static void start_log(const struct pbs_config *c, enum log_level level)
{
	log_init(level, (enum log_format)c->log_format, STDERR_FILENO, "pbs");
}

/* What the log says while it loads is worth reading only where it is a warning. */
static int check(struct conf *conf, struct errtext *why)
{
	start_log(conf_values(conf), LOG_WARN);
	json_object_seed(0);
	return pbs_server_check(conf, why);
}

static void health_address(const void *values, struct str *ret_host, uint16_t *ret_port)
{
	const struct pbs_config *c = values;

	*ret_host = str_of(c->host);
	*ret_port = (uint16_t)c->port;
}

int main(int argc, char **argv)
{
	static const char *const places[] = { "pbs/config/pbs.yaml", "/etc/nexus/pbs.yaml", NULL };
	static const struct args_program program = {
		.name = "nexus-pbs",
		.table = &pbs_conf_table,
		.places = places,
		.health_address = health_address,
		.check = check,
	};
	const struct pbs_config *config;
	int status;
	struct conf *conf = args_start(&program, argc, argv, environ, stdout, stderr, &status);

	if (!conf)
		return status;
	config = conf_values(conf);
	start_log(config, (enum log_level)config->log_level);
	return serve(conf);
}
