#include "common/http_sockets.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

struct http_socket {
	struct loop_fd watch;
	struct http_sockets *set;
	void *owner;
	bool kept;   /* a reply came over it */
	bool in_use; /* libcurl asked for events; false = it stays in the loop just in case */
};

static struct http_socket *find(const struct http_sockets *hs, int fd)
{
	return (size_t)fd < hs->n ? hs->by_fd[fd] : NULL;
}

static struct http_socket *find_or_make(struct http_sockets *hs, int fd)
{
	size_t n = hs->n ? hs->n : 64;

	while (n <= (size_t)fd)
		n *= 2;
	if (n > hs->n) {
		hs->by_fd = xrealloc(hs->by_fd, n * sizeof(struct http_socket *));
		memset(hs->by_fd + hs->n, 0, (n - hs->n) * sizeof(struct http_socket *));
		hs->n = n;
	}
	if (!hs->by_fd[fd]) {
		hs->by_fd[fd] = xcalloc(1, sizeof(struct http_socket));
		hs->by_fd[fd]->set = hs;
	}
	return hs->by_fd[fd];
}

static void on_watch(struct loop_fd *w, unsigned events)
{
	struct http_socket *s = container_of(w, struct http_socket, watch);

	if (s->in_use)
		s->set->on_ready(s->owner, w->fd, events);
	else /* closed by the other side while idle; libcurl finds out when it wants it next */
		loop_fd_del(s->set->loop, w);
}

void http_sockets_want(struct http_sockets *hs, int fd, unsigned events, void *owner)
{
	struct http_socket *s = find_or_make(hs, fd);

	s->owner = owner;
	s->in_use = true;
	if (s->watch.active)
		loop_fd_set(hs->loop, &s->watch, events);
	else
		(void)loop_fd_add(hs->loop, &s->watch, fd, events, on_watch);
}

void http_sockets_release(struct http_sockets *hs, int fd)
{
	struct http_socket *s = find(hs, fd);

	if (s && s->kept)
		s->in_use = false;
	else
		http_sockets_closing(hs, fd);
}

/* The number may be that of a socket which libcurl closed while connecting, and for which it wants the same
 * events still: then it does not ask again. */
void http_sockets_opened(struct http_sockets *hs, int fd)
{
	struct http_socket *s = find(hs, fd);
	unsigned events;

	if (!s)
		return;
	events = s->watch.events;
	s->kept = false;
	if (!s->watch.active)
		return;
	loop_fd_del(hs->loop, &s->watch);
	if (s->in_use)
		(void)loop_fd_add(hs->loop, &s->watch, fd, events, on_watch);
}

void http_sockets_replied(struct http_sockets *hs, int fd)
{
	find_or_make(hs, fd)->kept = true;
}

void http_sockets_closing(struct http_sockets *hs, int fd)
{
	struct http_socket *s = find(hs, fd);

	if (!s)
		return;
	loop_fd_del(hs->loop, &s->watch);
	hs->by_fd[fd] = NULL;
	free(s);
}

void http_sockets_deinit(struct http_sockets *hs)
{
	for (size_t i = 0; i < hs->n; i++)
		http_sockets_closing(hs, (int)i);
	free(hs->by_fd);
	hs->by_fd = NULL;
	hs->n = 0;
}
