#include "common/mailbox.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/mem.h"

struct mailbox {
	struct loop *loop;
	struct loop_fd watch;
	int fd;
	pthread_mutex_t lock; /* of what follows */
	struct mailbox_msg *first, **end;
	bool closed;
};

static struct mailbox_msg *take_all(struct mailbox *mb)
{
	struct mailbox_msg *all;

	pthread_mutex_lock(&mb->lock);
	all = mb->first;
	mb->first = NULL;
	mb->end = &mb->first;
	pthread_mutex_unlock(&mb->lock);
	return all;
}

static void run_all(struct mailbox *mb)
{
	for (struct mailbox_msg *m = take_all(mb), *next; m; m = next) {
		next = m->next;
		m->run(m);
	}
}

static void on_mail(struct loop_fd *w, unsigned events)
{
	struct mailbox *mb = container_of(w, struct mailbox, watch);
	uint64_t count;

	(void)events;
	(void)!read(mb->fd, &count, sizeof count); /* before taking, so that a later post rings again */
	run_all(mb);
}

struct mailbox *mailbox_new(struct loop *loop)
{
	struct mailbox *mb = xcalloc(1, sizeof *mb);

	mb->loop = loop;
	mb->end = &mb->first;
	pthread_mutex_init(&mb->lock, NULL);
	mb->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (mb->fd < 0 || loop_fd_add(loop, &mb->watch, mb->fd, LOOP_READ, on_mail) < 0) {
		mailbox_free(mb);
		return NULL;
	}
	return mb;
}

bool mailbox_post(struct mailbox *mb, struct mailbox_msg *m, void (*run)(struct mailbox_msg *))
{
	uint64_t one = 1;
	bool was_empty, closed;

	m->run = run;
	m->next = NULL;
	pthread_mutex_lock(&mb->lock);
	closed = mb->closed;
	was_empty = !mb->first;
	if (!closed) {
		*mb->end = m;
		mb->end = &m->next;
		/* inside the lock: once it is given back a closing receiver may free the mailbox */
		if (was_empty)
			(void)!write(mb->fd, &one, sizeof one);
	}
	pthread_mutex_unlock(&mb->lock);
	return !closed;
}

void mailbox_close(struct mailbox *mb)
{
	pthread_mutex_lock(&mb->lock);
	mb->closed = true;
	pthread_mutex_unlock(&mb->lock);
	run_all(mb);
}

void mailbox_free(struct mailbox *mb)
{
	if (!mb)
		return;
	mailbox_close(mb);
	loop_fd_del(mb->loop, &mb->watch);
	if (mb->fd >= 0)
		close(mb->fd);
	pthread_mutex_destroy(&mb->lock);
	free(mb);
}
