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
#include "idr/intake/event_bytes.h"
#include "idr/intake/heard.h"
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
	struct shared_pos shared, saved_shared;
	struct shared_event shared_event;
	struct stand_ins stand_ins;
	struct heard heard;   /* until the stream was read to its end */
	pthread_mutex_t lock; /* of stats */
	struct router_stats stats;
};

enum { PRICES_MS = 200 };

struct file_header {
	char magic[8];
	int64_t store_id, seq;
};
/* Version 2 has the place in the shared stream behind the header. */
static const char magic[8] = "NXIDRS2", magic_1[8] = "NXIDRS1", prices_magic[8] = "NXIDRP1";

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

bool learner_load(struct learner *l, int64_t store_id, int64_t last_seq, int64_t *ret_seq,
		  struct errtext *why)
{
	FCLOSE_ON_EXIT FILE *f = l->opt.snapshot_path ? fopen(l->opt.snapshot_path, "rb") : NULL;
	struct file_header h;
	struct shared_pos shared = { 0 };

	errtext_set(why, "%s", "");
	l->store_id = store_id;
	if (!f)
		return false;
	if (read_bytes(f, &h, sizeof h) < 0 ||
	    (memcmp(h.magic, magic, sizeof magic) == 0 ? read_bytes(f, &shared, sizeof shared) < 0
						       : memcmp(h.magic, magic_1, sizeof magic_1) != 0)) {
		errtext_set(why, "not a snapshot");
		return false;
	}
	if (h.store_id != store_id || h.seq > last_seq) {
		errtext_set(why, "it belongs to another store, or to a later state of this one");
		return false;
	}
	if (router_load(l->router, read_bytes, f, why) < 0)
		return false;
	l->seq = l->saved_seq = h.seq;
	l->shared = l->saved_shared = shared;
	*ret_seq = h.seq;
	return true;
}

struct shared_pos learner_shared_pos(const struct learner *l)
{
	return l->shared;
}

typedef int save_fn(const struct learner *l, FILE *f);

static int save_index(const struct learner *l, FILE *f)
{
	int err = write_bytes(f, &l->shared, sizeof l->shared);

	return err ? err : router_save(l->router, write_bytes, f);
}

static int save_price_rows(const struct learner *l, FILE *f)
{
	return router_save_prices(l->router, write_bytes, f);
}

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
		err = write_body(l, f);
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
	bool shared = memcmp(&l->shared, &l->saved_shared, sizeof l->shared) != 0;

	if (!l->opt.snapshot_path || (l->seq == l->saved_seq && !shared) ||
	    !replace_file(l, l->opt.snapshot_path, magic, save_index, true))
		return;
	l->saved_seq = l->seq;
	l->saved_shared = l->shared;
}

static void save_prices(const struct learner *l)
{
	if (l->opt.prices_path)
		(void)replace_file(l, l->opt.prices_path, prices_magic, save_price_rows, false);
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

static void learn(struct learner *l, const struct event *e)
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
}

void learner_learn(struct learner *l, const struct event *e)
{
	learn(l, e);
	l->seq = e->seq;
}

void learner_learn_elsewhere(struct learner *l, const struct event *e)
{
	learn(l, e);
	heard_add(&l->heard, classify_name(e->auction_id), e->ts_ms);
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

static void tick_soon(struct learner *l)
{
	if (!l->tick_due)
		loop_defer(l->loop, &l->tick, on_tick);
	l->tick_due = true;
}

static void on_batch(struct mailbox_msg *m)
{
	struct batch *b = container_of(m, struct batch, msg);
	struct learner *l = b->to;

	for (size_t i = 0; i < b->n; i++)
		if (!b->events[i].duplicate)
			learner_learn(l, &b->events[i]);
	batch_free(b);
	tick_soon(l);
}

/* ts_ms negative = the event's own. */
static bool learn_shared(struct learner *l, struct str bytes, int64_t ts_ms)
{
	struct shared_event *e = &l->shared_event;

	if (!event_bytes_parse(bytes, e) || (ts_ms < 0 && heard_before(&l->heard, e->auction, e->ts_ms)))
		return false;
	if (ts_ms >= 0)
		e->ts_ms = ts_ms;
	router_learn(l->router,
		     &(struct learn_event){
			     .ctx = &e->ctx,
			     .outcome = e->outcome,
			     .n = e->n,
			     .auction = e->auction,
			     .now_ms = e->ts_ms,
			     .settings = settings_find(settings_tree_in(&l->settings), &e->ctx, &l->scratch),
		     });
	if (e->ts_ms > l->newest_ms)
		l->newest_ms = e->ts_ms;
	return true;
}

static void on_shared(struct mailbox_msg *m)
{
	struct shared_batch *b = container_of(m, struct shared_batch, msg);
	struct learner *l = b->to;

	for (size_t i = 0; i < b->n; i++) {
		struct str bytes = shared_batch_bytes(b, i);
		uint64_t bits = str_hash(bytes);
		int64_t ts_ms;

		if (!learn_shared(l, bytes, -1))
			continue;
		ts_ms = l->shared_event.ts_ms;
		stand_ins_add(&l->stand_ins, bytes);
		for (uint32_t k = 1; k < b->event[i].weight; k++) {
			bits = bits * 6364136223846793005u + 1442695040888963407u;
			(void)learn_shared(l, stand_ins_pick(&l->stand_ins, bits >> 33), ts_ms);
		}
	}
	l->shared = b->pos;
	if (b->last)
		heard_deinit(&l->heard);
	shared_batch_free(b);
	tick_soon(l);
}

void learner_take_shared(struct learner *l, struct shared_batch *b)
{
	b->to = l;
	if (!l->thread || !workers_post(l->thread, 0, &b->msg, on_shared))
		shared_batch_free(b);
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
	stand_ins_deinit(&l->stand_ins);
	heard_deinit(&l->heard);
	snapshot_view_deinit(&l->settings);
	pthread_mutex_destroy(&l->lock);
	free(l);
}
