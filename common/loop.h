/* An event loop over epoll: file descriptors, timers, and work put off to the end of the turn. One per
 * thread.
 *
 * Shapes  watches, timers and tasks are embedded in their owner, zero-initialised; the loop never allocates
 *         for them.
 * Units   milliseconds, monotonic; loop_now_ms() is read once a turn, so it is free and consistent within
 *         one.
 * Errors  adding an fd may fail (ERR_INTERNAL); everything else cannot.
 * Owns    the owner keeps a watch, timer or task alive until it fired or was cancelled. All cancels are
 *         idempotent, and after one the callback does not come, also when it was due in this very turn.
 * Threads everything is called from the loop's own thread, but loop_stop() and loop_wake(), which any
 *         thread may call.
 */
#ifndef COMMON_LOOP_H
#define COMMON_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop_fd {
	void (*on_ready)(struct loop_fd *w, unsigned events); /* LOOP_READ also on error and hang-up */
	int fd;
	unsigned events;
	bool active;
};

struct loop_timer {
	void (*on_expire)(struct loop_timer *t);
	uint64_t due_ms;
	size_t heap_at; /* place in the heap + 1; 0 = not running */
};

struct loop_task {
	void (*run)(struct loop_task *t);
	struct loop_task *next, **link;
};

/* Called before the loop waits; returns after how many ms it wants to be called again, -1 for "when something
 * else happens". This is how libmicrohttpd is run. */
struct loop_hook {
	int64_t (*before_wait)(struct loop_hook *h);
	struct loop_hook *next;
};

struct loop *loop_new(void);
void loop_free(struct loop *l);
void loop_run(struct loop *l);                       /* until loop_stop() */
bool loop_turn(struct loop *l, int64_t max_wait_ms); /* one turn, for tests; false once stopped */
void loop_stop(struct loop *l);
void loop_wake(struct loop *l);

uint64_t loop_now_ms(const struct loop *l);
uint64_t loop_now_us(const struct loop *l);

int loop_fd_add(struct loop *l, struct loop_fd *w, int fd, unsigned events,
		void (*on_ready)(struct loop_fd *, unsigned));
void loop_fd_set(struct loop *l, struct loop_fd *w, unsigned events); /* cheap when nothing changes */
void loop_fd_del(struct loop *l, struct loop_fd *w);                  /* before the fd is closed */

void loop_timer_start(struct loop *l, struct loop_timer *t, uint64_t delay_ms,
		      void (*on_expire)(struct loop_timer *)); /* restarts a running one */
void loop_timer_cancel(struct loop *l, struct loop_timer *t);

/* Runs once, at the end of this turn. Objects die here, never inside their own callback. */
void loop_defer(struct loop *l, struct loop_task *t, void (*run)(struct loop_task *));
void loop_defer_cancel(struct loop *l, struct loop_task *t);

void loop_hook_add(struct loop *l, struct loop_hook *h);
void loop_hook_del(struct loop *l, struct loop_hook *h); /* idempotent; not from within a hook */

#endif
