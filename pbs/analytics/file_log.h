/* A file of lines, written by a thread of its own and changed for a new one when it is full.
 *
 * Shapes  <path> is the newest; <path>.1 was it before, then <path>.2, up to `keep`. When somebody else moves the file
 *         away (logrotate), the next lines go to a new one. A line is whole or not there.
 * Errors  file_log_add is false when too many lines wait. Lines that the disk does not take are dropped; both are
 *         counted (pbs/metrics.h), and the server goes on.
 * Threads file_log_new/_free from the owner's; a port belongs to one loop.
 */
#ifndef PBS_ANALYTICS_FILE_LOG_H
#define PBS_ANALYTICS_FILE_LOG_H

#include "common/buf.h"
#include "common/helper.h"
#include "common/metrics.h"

struct file_log;

struct file_log_options {
	const char *path;
	uint64_t max_bytes; /* of one file */
	uint32_t keep;      /* older files */
	size_t max_waiting_bytes;
	struct metrics *metrics; /* the thread's own */
};

/* NULL with `why` when the file cannot be opened. */
struct file_log *file_log_new(const struct file_log_options *opt, struct errtext *why);
void file_log_free(struct file_log *f); /* what waits is written first; NULL is fine */

struct helper_port *file_log_port(struct file_log *f, struct loop *loop);
/* Takes the bytes, which end in a newline. */
bool file_log_add(struct helper_port *p, struct buf *line);

#endif
