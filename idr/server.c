/* Start: store → keeper thread → workers → the keeper loads the index → ready. End: /ready turns 503, listeners
 * stop, each worker ends when its last request is answered, then the keeper commits what it still has, then the
 * learner learns that and writes a snapshot. Nothing is dropped on that path; only its length is bounded. */
#include "idr/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/err.h"
#include "common/http_listen.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/path.h"
#include "common/version.h"
#include "idr/auth/session.h"
#include "idr/endpoints/endpoints.h"
#include "idr/intake/cold_start.h"
#include "idr/intake/settings_docs.h"
#include "idr/routes.h"
#include "idr/spans.h"

const struct live_config *idr_live_config(struct idr_worker *w)
{
	return container_of(snapshot_view_get(&w->config), struct live_config, snapshot);
}

const struct settings_tree *idr_settings(struct idr_worker *w)
{
	return settings_tree_in(&w->settings);
}

int64_t idr_now_ms(const struct idr_worker *w, int64_t ts_ms)
{
	return w->idr->start->clock == CLOCK_EVENT && ts_ms > 0 ? ts_ms : clock_wall_ms();
}

bool idr_is_ready(const struct idr *idr)
{
	return atomic_load(&idr->router) && !atomic_load(&idr->draining);
}

/* --- workers --- */

static int worker_init(struct worker *thread, struct errtext *why)
{
	struct idr *idr = thread->arg;
	const struct idr_config *c = idr->start;
	struct idr_worker *w = xcalloc(1, sizeof *w);
	struct http_server_options opt = {
		.host = str_of(c->host),
		.port = idr->port,
		.routes = idr->routes,
		.n_routes = idr_n_routes,
		.max_body_bytes = c->max_request_bytes,
		.max_connections = c->max_connections,
		.idle_timeout_ms = c->idle_timeout_ms,
		.gzip_requests = c->gzip_requests,
		.gzip_replies = c->gzip_replies,
		.gzip_min_bytes = 4096,
		.ctx = w,
		.before = routes_before,
		.after = routes_after,
	};

	thread->state = w;
	w->idr = idr;
	w->index = thread->index;
	w->set = thread->set;
	w->loop = thread->loop;
	w->metrics = metrics_new(idr->metrics);
	snapshot_view_init(&w->config, &idr->config);
	snapshot_view_init(&w->settings, &idr->settings);
	if (spans_start(w, why) < 0)
		return ERR_UNAVAILABLE;
	w->passwords = auth_port_new(idr->auth, w->loop);
	if (!w->passwords) {
		errtext_set(why, "no descriptor is left for the way to the passwords' thread");
		return ERR_UNAVAILABLE;
	}
	w->server = http_server_new(w->loop, &opt, why);
	return w->server ? 0 : ERR_UNAVAILABLE;
}

static void worker_deinit(struct worker *thread)
{
	struct idr_worker *w = thread->state;

	if (w->server)
		http_server_free(w->server);
	spans_stop(w);
	helper_port_free(w->passwords);
	snapshot_view_deinit(&w->config);
	snapshot_view_deinit(&w->settings);
	free(w);
}

static const struct worker_class worker_class = { "worker", worker_init, worker_deinit };

/* Looked at again and again because a request may end anywhere; 5 ms is below what anybody notices. */
static void on_drain(struct loop_timer *t)
{
	struct idr_worker *w = container_of(t, struct idr_worker, drain);
	bool open = http_server_open_requests(w->server) > 0;

	if (!open && spans_are_sent(w))
		loop_stop(w->loop);
	else
		loop_timer_start(w->loop, &w->drain, 5, on_drain);
}

static void drain_worker(struct worker *thread, void *arg)
{
	struct idr_worker *w = thread->state;

	(void)arg;
	http_server_stop_listening(w->server);
	on_drain(&w->drain);
}

/* --- what the keeper asks for --- */

/* A restart must not bring a session back that was ended, nor a code that was used. */
static void remember_login(void *arg, const struct store_audit *a)
{
	struct idr *idr = arg;

	if (str_eq(a->action, STR("logout")))
		auth_end_session(idr->auth, a->object, a->at_ms / 1000 + SESSION_LIFE_S);
	else if (str_eq(a->action, STR("login")) && str_eq(a->outcome, AUDIT_OK))
		auth_note_login(idr->auth, a->who, a->at_ms / 1000);
}

static struct store *open_store(void *arg, struct errtext *why)
{
	const struct idr *idr = arg;
	const struct audit_query recent = { .since_ms = clock_wall_ms() - SESSION_LIFE_S * 1000ll,
					    .limit = 1000000 };
	struct store *s =
		sqlite_store_new(&(struct sqlite_store_options){ .path = idr->store_path,
								 .full_sync = idr->start->sync == SYNC_FULL },
				 why);

	return s && s->ops->audit(s, &recent, remember_login, arg, why) < 0 ? store_free(s) : s;
}

static int publish_settings(void *arg, struct store *s, struct errtext *why)
{
	struct idr *idr = arg;
	struct snapshot *config = snapshot_acquire(&idr->config);
	int err = settings_docs_publish(
		s, container_of(config, struct live_config, snapshot)->values->router_settings,
		&idr->settings, why);

	snapshot_unref(config);
	return err;
}

static void on_loaded(void *arg)
{
	struct idr *idr = arg;

	atomic_store(&idr->router, learner_router(idr->learner));
	if (idr->sharer) {
		struct keeper_state st;

		keeper_state(idr->keeper, &st);
		sharer_begin(idr->sharer, st.totals.store_id);
	}
}

static void learn_elsewhere(void *arg, int64_t store_id)
{
	struct idr *idr = arg;
	FREE_ON_EXIT char *conninfo = idr_conninfo(idr->start);

	if (conninfo && idr->start->catch_up_events)
		cold_start(&(struct cold_start){ .conninfo = conninfo,
						 .learner = idr->learner,
						 .store_id = store_id,
						 .max_events = idr->start->catch_up_events,
						 .timeout_ms = idr->start->database_timeout_ms });
}

static void on_recorded(void *arg, const struct batch *b)
{
	struct idr *idr = arg;

	if (idr->sharer)
		sharer_events(idr->sharer, b);
}

static void on_doc(void *arg, const struct store_doc *d)
{
	struct idr *idr = arg;

	if (idr->sharer)
		sharer_doc(idr->sharer, d);
}

/* --- start --- */

static int make_data_dir(const struct idr_config *c, int (*make)(const char *path, struct errtext *why),
			 struct errtext *why)
{
	int err = make(c->data_dir, why);

	if (err)
		errtext_prefix(why, "store.dir: ");
	return err;
}

static char *store_path(const struct idr_config *c)
{
	return xasprintf("%s/idr.db", c->data_dir);
}

static int start_keeper(struct idr *idr, struct errtext *why)
{
	const struct idr_config *c = idr->start;
	struct learner_options lo = {
		.settings = &idr->settings,
		.snapshot_path = idr->snapshot_path,
		.prices_path = idr->prices_path,
		.snapshot_seconds = c->snapshot_seconds,
	};
	struct keeper_options ko = {
		.open = open_store,
		.settings = &idr->settings,
		.max_rows = c->max_queued_rows,
		.maintain_seconds = c->maintain_seconds,
		.retention_days = c->retention_days,
		.hourly_days = c->hourly_days,
		.audit_days = c->audit_days,
		.event_clock = c->clock == CLOCK_EVENT,
		.replay_rows = c->replay_rows,
		.publish_settings = publish_settings,
		.learn_elsewhere = learn_elsewhere,
		.on_loaded = on_loaded,
		.on_recorded = on_recorded,
		.on_doc = on_doc,
		.arg = idr,
	};

	router_conf_default(&lo.router);
	lo.router.memory_bytes = (size_t)c->router_memory_mb << 20;
	lo.router.seed = c->router_seed;
	lo.router.learning_auctions = c->learning_auctions;
	idr->learner = learner_new(&lo);
	ko.learner = idr->learner;
	idr->keeper = keeper_start(&ko, why);
	return idr->keeper ? 0 : ERR_UNAVAILABLE;
}

char *idr_conninfo(const struct idr_config *c)
{
	if (*c->database_url)
		return xstrdup(c->database_url);
	return *c->database_host ? forwarder_conninfo(c->database_host, c->database_port, c->database_name,
						      c->database_user, c->database_password)
				 : NULL;
}

static int start_forwarder(struct idr *idr, struct errtext *why)
{
	const struct idr_config *c = idr->start;
	struct forwarder_options opt = {
		.keeper = idr->keeper,
		.interval_ms = c->forward_ms,
		.max_events = c->forward_events,
		.timeout_ms = c->database_timeout_ms,
		.retention_days = c->retention_days,
		.hourly_days = c->hourly_days,
	};

	opt.conninfo = idr_conninfo(c);
	if (!opt.conninfo)
		return 0;
	idr->forwarder = forwarder_start(&opt, why);
	return idr->forwarder ? 0 : ERR_INTERNAL;
}

static int start_sharer(struct idr *idr, struct errtext *why)
{
	const struct idr_config *c = idr->start;
	struct sharer_options opt = {
		.keeper = idr->keeper,
		.learner = idr->learner,
		.prefix = c->redis_prefix,
		.sample_rate = c->redis_sample_rate,
		.seed = c->router_seed,
		.interval_ms = c->redis_interval_ms,
		.max_events = c->redis_max_events,
	};

	if (*c->redis_url) {
		if (redis_address_parse(str_of(c->redis_url), &opt.address, why) < 0)
			return ERR_INPUT; /* check() of the configuration has seen it */
	} else if (*c->redis_host) {
		opt.address = (struct redis_address){ .host = xstrdup(c->redis_host),
						      .user = xstrdup(""),
						      .password = xstrdup(c->redis_password),
						      .port = (uint16_t)c->redis_port };
	} else {
		return 0;
	}
	idr->sharer = sharer_start(&opt, why);
	return idr->sharer ? 0 : ERR_INTERNAL;
}

/* All workers must share one port, so "any" is chosen before they start. *ret_fd keeps it ours. */
static int choose_port(uint16_t *port, int *ret_fd, struct errtext *why)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6 };
	socklen_t n = sizeof sa;
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, off = 0;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0 ||
	    bind(fd, (struct sockaddr *)&sa, n) != 0 || getsockname(fd, (struct sockaddr *)&sa, &n) != 0) {
		errtext_set(why, "no free port: %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return ERR_UNAVAILABLE;
	}
	*port = ntohs(sa.sin6_port);
	*ret_fd = fd;
	return 0;
}

static void copy_routes(struct idr *idr)
{
	idr->routes = xcalloc(idr_n_routes, sizeof *idr->routes);
	memcpy(idr->routes, idr_routes, idr_n_routes * sizeof *idr->routes);
	for (size_t i = 0; i < idr_n_routes; i++)
		if (idr->routes[i].handle == endpoint_analytics)
			idr->routes[i].max_body_bytes = idr->start->max_analytics_bytes;
}

/* All that requests tell of or hand their events to, before the first request. The sharing begins when the index is
 * loaded; what is loaded must not be recorded meanwhile, or it would be learned twice. */
static int start_behind(struct idr *idr, struct errtext *why)
{
	int err = start_sharer(idr, why);

	if (err)
		return err;
	keeper_load(idr->keeper);
	return start_forwarder(idr, why);
}

static int start(struct idr *idr, struct errtext *why)
{
	const struct idr_config *c = idr->start;
	int err, held = -1;

	idr->port = (uint16_t)c->port;
	copy_routes(idr);
	if (!(idr->auth = auth_new(why)))
		return ERR_UNAVAILABLE;
	if ((err = make_data_dir(c, path_make_dir, why)) || (err = start_keeper(idr, why)) ||
	    (!idr->port && (err = choose_port(&idr->port, &held, why))))
		return err;
	if (!(err = start_behind(idr, why)) &&
	    !(idr->workers = workers_start(workers_wanted(c->workers), &worker_class, idr, why)))
		err = ERR_UNAVAILABLE;
	if (held >= 0)
		close(held);
	if (err)
		return err;
	log_event(LOG_INFO, "listening", LOG_Z("host", c->host), LOG_INT("port", idr->port),
		  LOG_INT("workers", workers_count(idr->workers)), LOG_Z("version", NEXUS_VERSION));
	return 0;
}

/* --- signals --- */

static void reload_settings(struct keeper_job *j, struct store *s)
{
	(void)s;
	if (keeper_reload_settings(j->keeper, &j->why) < 0)
		log_event(LOG_ERROR, "settings_reload_failed", LOG_Z("error", j->why.text));
	free(j);
}

static void reload(struct idr *idr)
{
	struct snapshot *running = snapshot_acquire(&idr->config);
	struct errtext why = { "" };
	struct conf *conf =
		conf_reload(container_of(running, struct live_config, snapshot)->conf, environ, &why);
	struct live_config *live = conf ? live_config_new(conf, &why) : NULL;
	struct keeper_job *job;

	snapshot_unref(running);
	if (!live) {
		conf_free(conf);
		log_event(LOG_ERROR, "reload_refused", LOG_Z("error", why.text));
		return;
	}
	if (*conf_warnings(conf))
		log_event(LOG_WARN, "reload_needs_restart", LOG_Z("keys", conf_warnings(conf)));
	log_set_level((enum log_level)live->values->log_level);
	snapshot_publish(&idr->config, &live->snapshot);
	job = xcalloc(1, sizeof *job);
	job->work = reload_settings;
	keeper_submit(idr->keeper, job);
	log_event(LOG_INFO, "reloaded");
}

/* A drain that hangs must not keep the process: the supervisor's kill would come without a word. */
static void on_drain_too_long(int sig)
{
	static const char text[] = "{\"level\":\"error\",\"event\":\"drain_timeout\"}\n";

	(void)sig;
	(void)!write(2, text, sizeof text - 1);
	_exit(1);
}

static void watch_signals(struct idr *idr, int fd)
{
	struct signalfd_siginfo si;

	while (read(fd, &si, sizeof si) == (ssize_t)sizeof si) {
		if (si.ssi_signo == SIGHUP) {
			reload(idr);
			continue;
		}
		log_event(LOG_INFO, "draining", LOG_INT("signal", si.ssi_signo));
		return;
	}
}

static void stop(struct idr *idr)
{
	unsigned seconds = idr->start->drain_timeout_ms / 1000 + 20;

	signal(SIGALRM, on_drain_too_long);
	alarm(seconds);
	atomic_store(&idr->draining, true);
	if (idr->workers) {
		workers_each(idr->workers, drain_worker, NULL, NULL);
		workers_join(idr->workers);
	}
	forwarder_free(idr->forwarder);
	sharer_stop(idr->sharer);
	keeper_stop(idr->keeper);
	learner_free(idr->learner);
	sharer_free(idr->sharer);
	keeper_free(idr->keeper);
	auth_free(idr->auth);
	alarm(0);
}

static int signal_fd(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of write(2), not of the process */
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static void idr_deinit(struct idr *idr)
{
	rate_limit_free(idr->rate_limit);
	idr_metrics_free(idr->metrics);
	snapshot_slot_deinit(&idr->settings);
	snapshot_slot_deinit(&idr->config);
	free(idr->routes);
	free(idr->store_path);
	free(idr->snapshot_path);
	free(idr->prices_path);
}

static int check_places(const struct idr_config *c, struct errtext *why)
{
	FREE_ON_EXIT char *store = store_path(c);
	int err = http_listen_check(str_of(c->host), why);

	if (err) {
		errtext_prefix(why, "host (IDR_HOST): ");
		return err;
	}
	err = make_data_dir(c, path_check_dir, why);
	return err ? err : sqlite_store_check(store, why);
}

int idr_check(struct conf *conf, struct errtext *why)
{
	struct live_config *live = live_config_new(conf, why);
	int err;

	if (!live) {
		conf_free(conf);
		return ERR_INPUT;
	}
	err = check_places(live->values, why);
	snapshot_unref(&live->snapshot);
	return err;
}

int idr_serve(struct conf *conf)
{
	static struct idr idr;
	struct errtext why = { "" };
	struct live_config *live = live_config_new(conf, &why);
	int signals = signal_fd(), err;

	if (!live) {
		log_event(LOG_ERROR, "start_failed", LOG_Z("error", why.text));
		conf_free(conf);
		return 1;
	}
	idr.start = live->values;
	idr.started_us = clock_mono_us();
	log_init((enum log_level)idr.start->log_level, (enum log_format)idr.start->log_format, 2, "idr");
	snapshot_slot_init(&idr.config);
	snapshot_slot_init(&idr.settings);
	snapshot_publish(&idr.config, &live->snapshot);
	snapshot_ref(&live->snapshot); /* idr.start points into it for good */
	idr.metrics = idr_metrics_new();
	idr.rate_limit = rate_limit_new(65536, clock_mono_us());
	idr.store_path = store_path(idr.start);
	idr.prices_path = xasprintf("%s/index.prices", idr.start->data_dir);
	idr.snapshot_path = xasprintf("%s/index.snapshot", idr.start->data_dir);
	err = start(&idr, &why);
	if (err)
		log_event(LOG_ERROR, "start_failed", LOG_Z("error", why.text));
	else
		watch_signals(&idr, signals);
	stop(&idr);
	log_event(LOG_INFO, "stopped");
	idr_deinit(&idr);
	snapshot_unref(&live->snapshot);
	close(signals);
	return err ? 1 : 0;
}
