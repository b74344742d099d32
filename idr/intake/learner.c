#include "idr/intake/learner.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/worker.h"
#include "idr/intake/settings_docs.h"

struct learner {
	struct learner_options opt;
	struct router *router;
	struct workers *thread;
	struct loop *loop;
	struct loop_timer snapshot, prices;
	struct snapshot_view settings;
	struct settings scratch;
	struct outcome outcomes[EVENT_BIDDERS];
	struct loop_task tick;
	bool tick_due, prices_due;
	int64_t store_id, seq, saved_seq, newest_ms;
	pthread_mutex_t lock; /* of stats */
	struct router_stats stats;
};

enum { PRICES_MS = 200 };

struct file_header {
	char magic[8];
	int64_t store_id, seq;
};
static const char magic[8] = "NXIDRS1", prices_magic[8] = "NXIDRP1";

struct learner *learner_new(const struct learner_options *opt)
{
	struct learner *l = xcalloc(1, sizeof *l);

	l->opt = *opt;
	l->router = router_new(&opt->router);
	snapshot_view_init(&l->settings, opt->settings);
	pthread_mutex_init(&l->lock, NULL);
	l->stats.kept_estimate = -1;
	return l;
}

const struct router *learner_router(const struct learner *l)
{
	return l->router;
}

/* --- snapshots --- */

static int read_bytes(void *arg, void *p, size_t n)
{
	return fread(p, 1, n, arg) == n ? 0 : ERR_INPUT;
}

static int write_bytes(void *arg, const void *p, size_t n)
{
	return fwrite(p, 1, n, arg) == n ? 0 : ERR_UNAVAILABLE;
}

int64_t learner_load(struct learner *l, int64_t store_id, int64_t last_seq, struct errtext *why)
{
	FCLOSE_ON_EXIT FILE *f = l->opt.snapshot_path ? fopen(l->opt.snapshot_path, "rb") : NULL;
	struct file_header h;

	errtext_set(why, "%s", "");
	l->store_id = store_id;
	if (!f)
		return 0;
	if (read_bytes(f, &h, sizeof h) < 0 || memcmp(h.magic, magic, sizeof magic) != 0) {
		errtext_set(why, "not a snapshot");
		return 0;
	}
	if (h.store_id != store_id || h.seq > last_seq) {
		errtext_set(why, "it belongs to another store, or to a later state of this one");
		return 0;
	}
	if (router_load(l->router, read_bytes, f, why) < 0)
		return 0;
	l->seq = l->saved_seq = h.seq;
	return h.seq;
}

typedef int save_fn(const struct router *r, router_write_fn *write, void *arg);

static int write_file(const struct learner *l, const char *path, const char *kind, save_fn *write_body,
		      bool sync)
{
	FILE *f = fopen(path, "wb");
	struct file_header h = { .store_id = l->store_id, .seq = l->seq };
	int err;

	if (!f)
		return ERR_UNAVAILABLE;
	memcpy(h.magic, kind, sizeof h.magic);
	err = write_bytes(f, &h, sizeof h);
	if (!err)
		err = write_body(l->router, write_bytes, f);
	if (!err && (fflush(f) != 0 || (sync && fsync(fileno(f)) != 0)))
		err = ERR_UNAVAILABLE;
	if (fclose(f) != 0)
		err = ERR_UNAVAILABLE;
	return err;
}

/* Written aside and renamed, so that there is always one that is whole. A disk that is full costs only the
 * time that the next start takes. */
static bool replace_file(const struct learner *l, const char *path, const char *kind, save_fn *write_body,
			 bool sync)
{
	FREE_ON_EXIT char *aside = xasprintf("%s.new", path);

	if (write_file(l, aside, kind, write_body, sync) == 0 && rename(aside, path) == 0)
		return true;
	log_limited(LOG_WARN, "snapshot_failed", LOG_Z("path", path), LOG_Z("error", strerror(errno)));
	(void)unlink(aside);
	return false;
}

static void save(struct learner *l)
{
	if (l->opt.snapshot_path && l->seq != l->saved_seq &&
	    replace_file(l, l->opt.snapshot_path, magic, router_save, true))
		l->saved_seq = l->seq;
}

static void save_prices(const struct learner *l)
{
	if (l->opt.prices_path)
		(void)replace_file(l, l->opt.prices_path, prices_magic, router_save_prices, false);
}

/* Those of another store, or of a state that the journal lost, are no use. */
static void load_prices(struct learner *l)
{
	FCLOSE_ON_EXIT FILE *f = l->opt.prices_path ? fopen(l->opt.prices_path, "rb") : NULL;
	struct file_header h;

	if (!f)
		return;
	if (read_bytes(f, &h, sizeof h) < 0 || memcmp(h.magic, prices_magic, sizeof h.magic) != 0 ||
	    h.store_id != l->store_id || h.seq > l->seq || router_load_prices(l->router, read_bytes, f) < 0)
		log_event(LOG_WARN, "prices_ignored", LOG_Z("path", l->opt.prices_path));
}

/* --- learning --- */

void learner_learn(struct learner *l, const struct event *e)
{
	struct learn_event le = {
		.ctx = &e->ctx,
		.outcome = l->outcomes,
		.n = e->n_bidders,
		.auction = classify_name(e->auction_id),
		.now_ms = e->ts_ms,
	};

	for (size_t i = 0; i < e->n_bidders; i++) {
		const struct event_bidder *b = &e->bidders[i];

		l->outcomes[i] = (struct outcome){
			.code = b->code,
			.status = b->status,
			.won = b->wins > 0,
			.cpm_usd = b->cpm_usd,
			.latency_ms = b->latency_ms,
		};
	}
	le.settings = settings_find(settings_tree_in(&l->settings), &e->ctx, &l->scratch);
	router_learn(l->router, &le);
	l->newest_ms = e->ts_ms;
	l->seq = e->seq;
}

static void publish_stats(struct learner *l)
{
	struct router_stats s;

	router_stats(l->router, &s);
	pthread_mutex_lock(&l->lock);
	l->stats = s;
	pthread_mutex_unlock(&l->lock);
}

void learner_stats(struct learner *l, struct router_stats *ret_s)
{
	pthread_mutex_lock(&l->lock);
	*ret_s = l->stats;
	pthread_mutex_unlock(&l->lock);
}

static void on_prices_due(struct loop_timer *t)
{
	struct learner *l = container_of(t, struct learner, prices);

	l->prices_due = false;
	save_prices(l);
}

/* Once per turn, however many batches it brought: prices per call follow the calls that were made. */
static void on_tick(struct loop_task *t)
{
	struct learner *l = container_of(t, struct learner, tick);

	l->tick_due = false;
	router_tick(l->router, l->newest_ms);
	publish_stats(l);
	if (!l->prices_due)
		loop_timer_start(l->loop, &l->prices, PRICES_MS, on_prices_due);
	l->prices_due = true;
}

static void on_batch(struct mailbox_msg *m)
{
	struct batch *b = container_of(m, struct batch, msg);
	struct learner *l = b->to;

	for (size_t i = 0; i < b->n; i++)
		if (!b->events[i].duplicate)
			learner_learn(l, &b->events[i]);
	batch_free(b);
	if (!l->tick_due)
		loop_defer(l->loop, &l->tick, on_tick);
	l->tick_due = true;
}

void learner_take(struct learner *l, struct batch *b)
{
	b->to = l;
	/* Without a thread the index could not be loaded: what is recorded is learned by the next start. */
	if (!l->thread || !workers_post(l->thread, 0, &b->msg, on_batch))
		batch_free(b);
}

/* --- the thread --- */

static void on_snapshot_due(struct loop_timer *t)
{
	struct learner *l = container_of(t, struct learner, snapshot);

	save(l);
	loop_timer_start(l->loop, &l->snapshot, l->opt.snapshot_seconds * 1000ull, on_snapshot_due);
}

static int on_init(struct worker *w, struct errtext *why)
{
	struct learner *l = w->arg;

	(void)why;
	l->loop = w->loop;
	loop_timer_start(l->loop, &l->snapshot, l->opt.snapshot_seconds * 1000ull, on_snapshot_due);
	return 0;
}

static void on_deinit(struct worker *w)
{
	save(w->arg);
	save_prices(w->arg);
}

int learner_start(struct learner *l, struct errtext *why)
{
	static const struct worker_class cls = { .name = "learner", .init = on_init, .deinit = on_deinit };

	load_prices(l);
	publish_stats(l);
	l->thread = workers_start(1, &cls, l, why);
	return l->thread ? 0 : ERR_INTERNAL;
}

void learner_free(struct learner *l)
{
	if (!l)
		return;
	if (l->thread) {
		workers_stop(l->thread);
		workers_join(l->thread);
	}
	router_free(l->router);
	snapshot_view_deinit(&l->settings);
	pthread_mutex_destroy(&l->lock);
	free(l);
}
