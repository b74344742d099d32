/* The sockets that libcurl wants watched, by descriptor, kept in the loop between one call and the next.
 *
 * A socket that has carried a reply is one that libcurl will close through the close callback. When libcurl
 * has no use for it just now, it stays in the loop as it is, for the next call on that connection wants the
 * same events. Others may be closed without a word (a name lookup's, one that is still connecting), and
 * leave the loop at once.
 *
 * Shapes  zero-initialised but for loop and on_ready. Owner is whatever should hear of events.
 */
#ifndef COMMON_HTTP_SOCKETS_H
#define COMMON_HTTP_SOCKETS_H

#include <stddef.h>

#include "common/loop.h"

struct http_socket;

struct http_sockets {
	struct loop *loop;
	void (*on_ready)(void *owner, int fd, unsigned events);
	struct http_socket **by_fd;
	size_t n;
};

void http_sockets_want(struct http_sockets *hs, int fd, unsigned events, void *owner);
void http_sockets_release(struct http_sockets *hs, int fd); /* no events are wanted at present */
void http_sockets_opened(struct http_sockets *hs, int fd);
void http_sockets_replied(struct http_sockets *hs, int fd); /* it carried a reply */
void http_sockets_closing(struct http_sockets *hs, int fd);
void http_sockets_deinit(struct http_sockets *hs);

#endif
