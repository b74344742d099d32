#include "common/deadlines.h"

#include "common/mem.h"

static void on_timer(struct loop_timer *t)
{
	struct deadlines *all = container_of(t, struct deadlines, timer);
	uint64_t now = loop_now_ms(all->loop);
	struct deadline *d;

	while ((d = all->first) && d->due_ms <= now) {
		deadline_clear(all, d);
		all->late(d);
	}
	if (d)
		loop_timer_start(all->loop, t, d->due_ms - now, on_timer);
}

void deadlines_init(struct deadlines *all, struct loop *loop, uint64_t delay_ms,
		    void (*late)(struct deadline *d))
{
	*all = (struct deadlines){ .loop = loop, .delay_ms = delay_ms, .late = late };
	all->end = &all->first;
}

void deadlines_deinit(struct deadlines *all)
{
	if (all->loop)
		loop_timer_cancel(all->loop, &all->timer);
}

void deadline_start(struct deadlines *all, struct deadline *d)
{
	deadline_clear(all, d);
	d->due_ms = loop_now_ms(all->loop) + all->delay_ms;
	d->link = all->end;
	*all->end = d;
	all->end = &d->next;
	if (!all->timer.heap_at) /* else it looks at the first, and then at the next */
		loop_timer_start(all->loop, &all->timer, all->delay_ms, on_timer);
}

void deadline_clear(struct deadlines *all, struct deadline *d)
{
	if (!d->link)
		return;
	*d->link = d->next;
	if (d->next)
		d->next->link = d->link;
	else
		all->end = d->link;
	d->link = NULL;
	d->next = NULL;
}
