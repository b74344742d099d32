/* Many deadlines of one delay, such as a server's connections have: whoever starts last is due last, so a list in order of
 * starting is a queue in order of time. Starting and clearing cost a few pointers, where a timer each would cost a heap.
 *
 * Owns    a deadline is embedded in what it belongs to, zero-initialised, and cleared before that dies.
 * Units   milliseconds.
 */
#ifndef COMMON_DEADLINES_H
#define COMMON_DEADLINES_H

#include "common/loop.h"

struct deadline {
	uint64_t due_ms;
	struct deadline *next, **link; /* link NULL = not running */
};

struct deadlines {
	struct loop *loop;
	uint64_t delay_ms;
	void (*late)(struct deadline *d); /* it has ended and may be started again; others may be cleared */
	struct loop_timer timer;
	struct deadline *first, **end;
};

void deadlines_init(struct deadlines *all, struct loop *loop, uint64_t delay_ms,
		    void (*late)(struct deadline *d));
void deadlines_deinit(struct deadlines *all); /* those that run never end; fine when all is zero */

void deadline_start(struct deadlines *all, struct deadline *d); /* anew when it runs */
void deadline_clear(struct deadlines *all, struct deadline *d); /* idempotent */

#endif
