/* A thread for what must block, such as a database, and the way back to the loops that asked.
 *
 * Shapes  a job is embedded in the caller's heap object. The thread takes all jobs that wait at once and hands the
 *         list, in the order of asking, to `work`: so one pipeline or one query serves many. Then each job goes back
 *         to the loop that it came from, where the call's `done` gets it.
 * Errors  helper_ask is false when too many jobs wait already; the job was dropped. `done` gets no job (NULL) when
 *         the time was up first; what the job does all the same is dropped when it is ready.
 * Owns    a job belongs to the helper from helper_ask on; it is lent to `done`, and `drop` frees it, on any thread.
 *         The caller keeps the call alive until `done` or helper_cancel(), which is idempotent.
 * Threads helper_new/_free from the owner's; ports and calls belong to one loop each. `work` and `tick` run on the
 *         helper's thread and bound how long they block.
 */
#ifndef COMMON_HELPER_H
#define COMMON_HELPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/errtext.h"
#include "common/loop.h"
#include "common/mailbox.h"

struct helper;
struct helper_port; /* one loop's way in and out */
struct helper_call;

struct helper_job {
	void (*drop)(struct helper_job *j);
	size_t bytes; /* what it weighs while it waits */
	struct helper_job *next;
	/* the module's own */
	struct helper_port *port;
	struct helper_call *call; /* read and written on the loop's thread only */
	struct mailbox_msg back;
};

struct helper_call {
	void (*done)(struct helper_call *c, struct helper_job *job);
	/* the module's own */
	struct helper_port *port; /* NULL = not under way */
	struct helper_job *job;
	struct loop_timer timer;
};

struct helper_class {
	const char *name; /* of the thread, at most 15 characters */
	void (*work)(void *ctx, struct helper_job *jobs);
	/* Called at the start and again when the time that it returned has passed, in ms. NULL = never. */
	uint64_t (*tick)(void *ctx);
	size_t max_waiting, max_waiting_bytes;
	bool finish; /* at the end, what waits is worked on first */
};

struct helper *helper_new(const struct helper_class *cls, void *ctx, struct errtext *why);
void helper_free(struct helper *h); /* waits for what is being worked on; NULL is fine */

struct helper_port *helper_port_new(struct helper *h, struct loop *loop); /* NULL when out of descriptors */
void helper_port_free(struct helper_port *p); /* calls under way are forgotten; NULL is fine */

bool helper_ask(struct helper_port *p, struct helper_call *c, struct helper_job *job, uint32_t timeout_ms);
void helper_cancel(struct helper_call *c);
/* Without an answer: the job is dropped once it was worked on. False: it was dropped at once, too many wait. */
bool helper_tell(struct helper_port *p, struct helper_job *job);

#endif
