/* The store's own thread: everything that touches the store is a message to it.
 *
 * Happy path: batches that arrive while a transaction runs wait together and share the next one (group
 * commit); the requests behind them are told when it is committed; then the batches go on to the learner, in
 * the order of their events' numbers. A transaction that fails fails all its batches, with the reason, and the
 * next one is tried afresh: there is no state to recover from.
 * At the start: settings are read, the snapshot is loaded, the journal behind it is learned, and only then does
 * the index become visible; batches that come meanwhile wait. Without a snapshot it is what others recorded and the newest
 * part of the journal, so that the start takes seconds however long the history is.
 *
 * Threads  any thread may append and submit. Answers come as messages to the worker that asked.
 */
#ifndef IDR_INTAKE_KEEPER_H
#define IDR_INTAKE_KEEPER_H

#include "common/worker.h"
#include "idr/intake/batch.h"
#include "idr/intake/learner.h"
#include "idr/store/store.h"

struct keeper;

struct keeper_options {
	struct store *(*open)(void *arg, struct errtext *why); /* on the keeper's thread */
	struct learner *learner;
	struct snapshot_slot *settings; /* of struct settings_snapshot */
	size_t max_rows;                /* rows under way, from append until they are learned */
	uint32_t maintain_seconds, retention_days, hourly_days, audit_days;
	size_t replay_rows; /* of the journal, when there is no snapshot */
	bool event_clock;
	/* All on the keeper's thread. */
	void (*learn_elsewhere)(void *arg,
				int64_t store_id); /* without a snapshot, before the journal; may be NULL */
	int (*publish_settings)(void *arg, struct store *s, struct errtext *why);
	void (*on_loaded)(void *arg);                          /* the index may be read from now on */
	void (*on_recorded)(void *arg, const struct batch *b); /* before it is learned */
	void (*on_doc)(void *arg, const struct store_doc *d);  /* keeper_put_doc() was called */
	void *arg;
};

struct keeper *keeper_start(const struct keeper_options *opt, struct errtext *why);
/* Finishes what was submitted, closes the store. No worker may wait for an answer. */
void keeper_stop(struct keeper *k);
void keeper_free(struct keeper *k); /* stopped, and after the learner: its batches are counted here */
/* Begins to load the index, once; on_loaded tells when it is there. */
void keeper_load(struct keeper *k);

struct keeper_wait {
	struct mailbox_msg msg;
	void (*done)(struct keeper_wait *w); /* on the worker */
	struct workers *answers_to;
	size_t worker;               /* of those */
	size_t accepted, duplicates; /* accepted counts duplicates too: they are safe */
	int err;
	struct errtext why;
};

/* Takes the batch. ERR_UNAVAILABLE when too many rows are under way; the batch is then freed and `done` does not
 * come. Otherwise the caller keeps *w alive until `done`. */
int keeper_append(struct keeper *k, struct batch *b, struct keeper_wait *w);

struct keeper_job {
	struct mailbox_msg msg;
	void (*work)(struct keeper_job *j, struct store *s); /* on the keeper's thread; sets err and why */
	void (*done)(struct keeper_job *j);                  /* on the worker */
	struct workers
		*answers_to; /* NULL = nobody waits for it: there is no `done`, and `work` frees the job */
	size_t worker;       /* of those */
	struct keeper *keeper;
	int err;
	struct errtext why;
};
/* The clock of the history: the newest event's time when time comes from events. On the keeper's thread. */
int64_t keeper_now_ms(const struct keeper *k);
/* From when the age of history counts: the newest event at the latest, so that neither an imported history nor a clock
 * that jumped ahead costs what was just recorded. */
int64_t keeper_age_ms(const struct keeper *k);
void keeper_submit(struct keeper *k, struct keeper_job *j);
/* Puts a document that somebody here changed, body "" to delete it: publishes the settings anew when it is one of them,
 * and tells on_doc. From within a job's work. */
int keeper_put_doc(struct keeper *k, struct store *s, const struct store_doc *d, int64_t *ret_version,
		   struct errtext *why);
/* Writes down, in the store and the log, what no document tells; from within a job's work. */
int keeper_audit(struct keeper *k, struct store *s, const struct store_audit *a, struct errtext *why);
/* Publishes the settings anew; from within a job's work. */
int keeper_reload_settings(struct keeper *k, struct errtext *why);

struct keeper_state {
	bool loaded;
	int err; /* of the last write; 0 = all well */
	struct errtext why;
	size_t rows_queued;
	struct store_totals totals;
	uint64_t commits, events, rows, duplicates, failures;
	uint64_t commit_us; /* spent in all commits */
	int64_t load_ms, loaded_events;
};
void keeper_state(struct keeper *k, struct keeper_state *ret_s);

/* The kind of document that holds settings, and its keys: "*" for global, "p" for a publisher,
 * "p/site/s" and "p/unit/u" below it. */
#define KEEPER_SETTINGS STR("settings")

#endif
