/* A fixed set of threads, each with a loop and a mailbox of its own.
 *
 * Shapes  `init` runs on the worker's thread before its loop turns; it makes the worker's state. `deinit`
 *         runs there once the loop was stopped, also after a failed init. A worker ends when its loop is
 *         stopped (loop_stop(w->loop)), which it usually does itself when it has nothing more to finish.
 * Errors  workers_start waits for every init; when one fails, all are stopped and joined, and *why is that
 *         one's.
 * Threads workers_post and workers_each may be called from any thread until workers_join begins; messages
 *         to a worker that has ended are refused.
 */
#ifndef COMMON_WORKER_H
#define COMMON_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/errtext.h"
#include "common/mailbox.h"

struct workers;

struct worker {
	size_t index;        /* 0.. */
	struct workers *set; /* that it is one of, for others to post to: known before it runs */
	struct loop *loop;
	void *arg;   /* what workers_start was given */
	void *state; /* init's */
};

struct worker_class {
	const char *name; /* of the threads, at most 10 characters */
	int (*init)(struct worker *w, struct errtext *why);
	void (*deinit)(struct worker *w);
};

/* How many there are to be: as configured, or one per core that is online for 0. */
size_t workers_wanted(uint32_t configured);
struct workers *workers_start(size_t n, const struct worker_class *cls, void *arg, struct errtext *why);
size_t workers_count(const struct workers *ws);

bool workers_post(struct workers *ws, size_t index, struct mailbox_msg *m, void (*run)(struct mailbox_msg *))
	__attribute__((warn_unused_result));

/* Calls run(worker, arg) on every worker's thread, and `done(arg)`, unless NULL, on the last one's
 * afterwards. Returns at once. A worker that has ended is passed over. */
void workers_each(struct workers *ws, void (*run)(struct worker *w, void *arg), void (*done)(void *arg),
		  void *arg);

void workers_stop(struct workers *ws); /* asks all loops to stop */
void workers_join(struct workers *ws); /* waits for all, and frees; NULL is fine */

#endif
