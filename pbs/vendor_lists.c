#include "pbs/vendor_lists.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/http_client.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/version.h"
#include "common/worker.h"
#include "pbs/config.h"
#include "pbs/metrics.h"
#include "pbs/vendor_list_files.h"

enum {
	MIN_SPECIFICATION = 2,
	SPECIFICATIONS = 2, /* 2 and 3 */
	VERSIONS = 4096,
	MAX_LISTS = 1024,
	MAX_WAITING = 64,
	MAX_REPLY_BYTES = 32 << 20,
	GAP_MS = 100,   /* between two fetches: nobody's strings shall make us hammer the IAB's server */
	NEWS_AHEAD = 8, /* how far beyond the newest known version one may be that was published since */
	MAX_RETRY_S = 3600,
};

static const uint64_t ASKED = UINT64_MAX;

struct place {
	_Atomic(struct gvl *) list;     /* set once, never changed */
	_Atomic uint64_t not_before_ms; /* when it may be asked for again; ASKED while it is on its way */
	unsigned failures;              /* the thread's own */
};

struct want {
	struct mailbox_msg msg;
	struct vendor_lists *lists;
	struct place *place;
};

struct vendor_lists {
	const struct pbs_config *config;
	struct metrics_set *metrics_set;
	struct workers *thread;
	_Atomic(struct gvl *) latest;
	struct place places[SPECIFICATIONS][VERSIONS];

	/* the thread's own from here on */
	struct metrics *metrics;
	struct loop *loop;
	struct http_client *http;
	struct http_call call;
	struct buf url;
	struct place *fetching; /* NULL while the newest list is fetched */
	bool busy, latest_due;
	unsigned latest_failures, preload_next, preload_left;
	struct place *waiting[MAX_WAITING];
	size_t n_waiting, n_lists;
	struct vendor_list_stamp stamp;
	struct loop_timer gap, refresh;
};

static uint64_t now_ms(void)
{
	return clock_mono_us() / 1000;
}

static unsigned specification_of(const struct vendor_lists *v, const struct place *p)
{
	return MIN_SPECIFICATION + (unsigned)((p - v->places[0]) / VERSIONS);
}

static unsigned version_of(const struct vendor_lists *v, const struct place *p)
{
	return (unsigned)((p - v->places[0]) % VERSIONS);
}

static struct place *place_at(struct vendor_lists *v, unsigned specification, unsigned version)
{
	if (specification < MIN_SPECIFICATION || specification >= MIN_SPECIFICATION + SPECIFICATIONS ||
	    version < 1 || version >= VERSIONS)
		return NULL;
	return &v->places[specification - MIN_SPECIFICATION][version];
}

/* --- what is at hand --- */

/* Takes the list. One that is there already stays: readers may be in it. */
static void keep(void *ctx, struct gvl *list)
{
	struct vendor_lists *v = ctx;
	struct place *p = place_at(v, list->specification, list->version);
	struct gvl *latest = atomic_load(&v->latest);

	if (!p || atomic_load(&p->list) || v->n_lists == MAX_LISTS) {
		gvl_free(list);
		return;
	}
	atomic_store_explicit(&p->list, list, memory_order_release);
	metrics_gauge_set(v->metrics, M_GVL_LISTS, (double)++v->n_lists);
	if (list->specification == 3 && (!latest || latest->version < list->version))
		atomic_store_explicit(&v->latest, list, memory_order_release);
}

const struct gvl *vendor_lists_latest(struct vendor_lists *v)
{
	return v ? atomic_load_explicit(&v->latest, memory_order_acquire) : NULL;
}

static void on_want(struct mailbox_msg *m);

/* Hostile strings name versions that never were: those far ahead of the newest are not asked for. */
static bool may_exist(struct vendor_lists *v, unsigned specification, unsigned version)
{
	const struct gvl *latest = vendor_lists_latest(v);

	return specification != 3 || !latest || version <= latest->version + NEWS_AHEAD;
}

static void ask(struct vendor_lists *v, struct place *p)
{
	uint64_t not_before = atomic_load(&p->not_before_ms);
	struct want *w;

	if (!v->thread || not_before == ASKED || not_before > now_ms() ||
	    !atomic_compare_exchange_strong(&p->not_before_ms, &not_before, ASKED))
		return;
	w = xcalloc(1, sizeof *w);
	*w = (struct want){ .lists = v, .place = p };
	if (!workers_post(v->thread, 0, &w->msg, on_want))
		free(w);
}

const struct gvl *vendor_lists_find(struct vendor_lists *v, unsigned specification, unsigned version)
{
	struct place *p = v ? place_at(v, specification, version) : NULL;
	const struct gvl *list = p ? atomic_load_explicit(&p->list, memory_order_acquire) : NULL;

	if (p && !list && may_exist(v, specification, version))
		ask(v, p);
	return list;
}

/* --- fetching --- */

static void next(struct vendor_lists *v);

static void on_gap(struct loop_timer *t)
{
	struct vendor_lists *v = container_of(t, struct vendor_lists, gap);

	v->busy = false;
	next(v);
}

static void on_refresh(struct loop_timer *t)
{
	struct vendor_lists *v = container_of(t, struct vendor_lists, refresh);

	v->latest_due = true;
	next(v);
}

static uint64_t retry_ms(const struct vendor_lists *v, unsigned failures)
{
	uint64_t s = (uint64_t)v->config->gvl_retry_s << (failures < 12 ? failures : 12);

	return 1000 * (s < MAX_RETRY_S ? s : MAX_RETRY_S);
}

static void failed(struct vendor_lists *v, const char *reason)
{
	struct place *p = v->fetching;
	uint64_t wait_ms = retry_ms(v, p ? p->failures++ : v->latest_failures++);

	metrics_inc(v->metrics, M_GVL_FETCHES, GVL_FAILED);
	if (!p)
		metrics_inc(v->metrics, M_LIVE_GVL, CALL_FAILED);
	log_event(LOG_WARN, "vendor_list_not_fetched", LOG_Z("url", buf_cstr(&v->url)),
		  LOG_Z("reason", reason), LOG_INT("retry_seconds", wait_ms / 1000));
	if (p)
		atomic_store(&p->not_before_ms, now_ms() + wait_ms);
	else
		loop_timer_start(v->loop, &v->refresh, wait_ms, on_refresh);
}

static void copy_header(const struct http_call *call, const char *name, char *to, size_t room)
{
	struct str value = http_call_reply_header(call, name);

	snprintf(to, room, STR_FMT, STR_ARG(value.n < room ? value : STR("")));
}

/* The newest list came, or it is still the one we have. */
static void settle_latest(struct vendor_lists *v, const struct gvl *list)
{
	v->latest_failures = 0;
	if (list) {
		v->stamp.version = list->version;
		copy_header(&v->call, "ETag", v->stamp.etag, sizeof v->stamp.etag);
		copy_header(&v->call, "Last-Modified", v->stamp.last_modified, sizeof v->stamp.last_modified);
		if (*v->config->gvl_dir)
			vendor_list_files_save_stamp(v->config->gvl_dir, &v->stamp);
	}
	v->preload_next = v->stamp.version;
	v->preload_left = v->config->gvl_preload;
	loop_timer_start(v->loop, &v->refresh, (uint64_t)v->config->gvl_refresh_s * 1000, on_refresh);
}

static void take(struct vendor_lists *v, struct str text)
{
	struct place *p = v->fetching;
	struct errtext why;
	struct gvl *list = gvl_parse(text, &why);
	unsigned specification, version;

	if (!list) {
		failed(v, why.text);
		return;
	}
	specification = list->specification;
	version = list->version;
	if (p ? place_at(v, specification, version) != p : specification != 3) {
		gvl_free(list);
		failed(v, "the list is of another version than was asked for");
		return;
	}
	metrics_inc(v->metrics, M_GVL_FETCHES, GVL_FETCHED);
	if (!p)
		metrics_inc(v->metrics, M_LIVE_GVL, CALL_OK);
	log_event(LOG_INFO, "vendor_list_fetched", LOG_INT("specification", specification),
		  LOG_INT("version", version), LOG_INT("vendors", list->n_vendors));
	if (*v->config->gvl_dir)
		vendor_list_files_save(v->config->gvl_dir, specification, version, text);
	if (!p)
		settle_latest(v, list);
	keep(v, list);
}

static void on_reply(struct http_call *call, const struct http_call_reply *reply)
{
	struct vendor_lists *v = container_of(call, struct vendor_lists, call);
	char text[32];

	if (!reply->err)
		metrics_inc(v->metrics, M_GVL_REQUESTS);
	if (reply->err) {
		failed(v, reply->error_text ? reply->error_text : err_name(reply->err));
	} else if (reply->status == 200) {
		take(v, reply->body);
	} else if (reply->status == 304 && !v->fetching && v->stamp.version) {
		metrics_inc(v->metrics, M_GVL_FETCHES, GVL_NOT_MODIFIED);
		metrics_inc(v->metrics, M_LIVE_GVL, CALL_OK);
		settle_latest(v, NULL);
	} else {
		snprintf(text, sizeof text, "status %d", reply->status);
		failed(v, text);
	}
	loop_timer_start(v->loop, &v->gap, GAP_MS, on_gap);
}

/* %s is the specification, %d the version. */
static void make_url(struct vendor_lists *v, const char *pattern, unsigned specification, unsigned version)
{
	buf_clear(&v->url);
	for (const char *p = pattern; *p; p++) {
		if (p[0] == '%' && (p[1] == 's' || p[1] == 'd'))
			buf_addf(&v->url, "%u", *++p == 's' ? specification : version);
		else
			buf_add_c(&v->url, *p);
	}
}

static void start(struct vendor_lists *v, struct place *p)
{
	struct http_header headers[2];
	struct http_call_request req = {
		.method = "GET",
		.headers = headers,
		.follow_redirects = true,
		.max_reply_bytes = MAX_REPLY_BYTES,
		.timeout_ms = p ? v->config->gvl_active_timeout_ms : v->config->gvl_init_timeout_ms,
	};

	v->busy = true;
	v->fetching = p;
	if (p) {
		make_url(v, v->config->gvl_archive_url, specification_of(v, p), version_of(v, p));
	} else {
		make_url(v, v->config->gvl_latest_url, 3, 0);
		if (v->stamp.version && *v->stamp.etag)
			headers[req.n_headers++] =
				(struct http_header){ STR("If-None-Match"), str_of(v->stamp.etag) };
		if (v->stamp.version && *v->stamp.last_modified)
			headers[req.n_headers++] = (struct http_header){ STR("If-Modified-Since"),
									 str_of(v->stamp.last_modified) };
	}
	req.url = buf_cstr(&v->url);
	v->call.done = on_reply;
	if (http_client_start(v->http, &v->call, &req) < 0) {
		failed(v, "the URL cannot be used");
		loop_timer_start(v->loop, &v->gap, GAP_MS, on_gap);
	}
}

/* The version before the last one that was preloaded, if it is missing and nobody asked for it yet. */
static struct place *next_to_preload(struct vendor_lists *v)
{
	while (v->preload_left && v->preload_next > 1) {
		struct place *p = place_at(v, 3, --v->preload_next);
		uint64_t idle = 0;

		v->preload_left--;
		if (!atomic_load(&p->list) && atomic_compare_exchange_strong(&p->not_before_ms, &idle, ASKED))
			return p;
	}
	return NULL;
}

/* One fetch at a time: the newest list, then what requests wait for, then older ones. */
static void next(struct vendor_lists *v)
{
	struct place *p;

	if (v->busy || !v->http) /* the thread may have ended: what was posted is still delivered */
		return;
	if (v->latest_due) {
		v->latest_due = false;
		start(v, NULL);
	} else if (v->n_waiting) {
		p = v->waiting[0];
		v->n_waiting--;
		memmove(v->waiting, v->waiting + 1, v->n_waiting * sizeof(struct place *));
		start(v, p);
	} else {
		p = next_to_preload(v);
		if (p)
			start(v, p);
	}
}

static void on_want(struct mailbox_msg *m)
{
	struct want *w = container_of(m, struct want, msg);
	struct vendor_lists *v = w->lists;
	struct place *p = w->place;

	free(w);
	if (v->n_waiting == MAX_WAITING || atomic_load(&p->list)) {
		atomic_store(&p->not_before_ms, now_ms() + 1000);
		return;
	}
	v->waiting[v->n_waiting++] = p;
	next(v);
}

/* --- life --- */

struct vendor_lists *vendor_lists_new(const struct pbs_config *c, struct metrics_set *metrics)
{
	struct vendor_lists *v = xcalloc(1, sizeof *v);

	v->config = c;
	v->metrics_set = metrics;
	v->metrics = metrics_new(metrics);
	buf_init(&v->url, 8192);
	if (*c->gvl_dir) {
		vendor_list_files_load(c->gvl_dir, keep, v);
		vendor_list_files_load_stamp(c->gvl_dir, &v->stamp);
		/* "not modified" would be no help without the list itself */
		if (!v->stamp.version || !vendor_lists_find(v, 3, v->stamp.version))
			v->stamp = (struct vendor_list_stamp){ 0 };
	}
	return v;
}

static int init_thread(struct worker *w, struct errtext *why)
{
	struct vendor_lists *v = w->arg;
	struct http_client_options options = {
		.max_open = 2,
		.multis = 1,
		.max_idle_connections = 2,
		.verify_tls = v->config->verify_tls,
		.allow_private_addresses = v->config->allow_private_addresses,
		.user_agent = "nexus-pbs/" NEXUS_VERSION,
	};

	v->loop = w->loop;
	v->http = http_client_new(w->loop, &options);
	if (!v->http) {
		errtext_set(why, "vendor lists: the system's certificates cannot be read");
		return ERR_UNAVAILABLE;
	}
	loop_timer_start(v->loop, &v->refresh, 0, on_refresh);
	return 0;
}

static void deinit_thread(struct worker *w)
{
	struct vendor_lists *v = w->arg;

	if (v->http)
		http_client_free(v->http);
	v->http = NULL;
	loop_timer_cancel(w->loop, &v->gap);
	loop_timer_cancel(w->loop, &v->refresh);
}

int vendor_lists_start(struct vendor_lists *v, struct errtext *why)
{
	static const struct worker_class cls = { "gvl", init_thread, deinit_thread };

	if (!v->config->gvl_enabled || !v->config->gdpr_enabled)
		return 0;
	v->thread = workers_start(1, &cls, v, why);
	return v->thread ? 0 : ERR_UNAVAILABLE;
}

void vendor_lists_free(struct vendor_lists *v)
{
	if (!v)
		return;
	if (v->thread) {
		workers_stop(v->thread);
		workers_join(v->thread);
	}
	for (size_t i = 0; i < SPECIFICATIONS * (size_t)VERSIONS; i++)
		gvl_free(atomic_load(&v->places[i / VERSIONS][i % VERSIONS].list));
	buf_deinit(&v->url);
	free(v);
}
