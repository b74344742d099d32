/* For tests of the HTTP modules: a server and raw sockets in one thread, which turn the same loop until a
 * condition holds. A test that would hang fails after a few seconds instead. */
#ifndef TESTS_HTTP_CHECK_H
#define TESTS_HTTP_CHECK_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/loop.h"
#include "tests/check.h"

#define TURN_UNTIL(why, loop, cond)                                                                          \
	do {                                                                                                 \
		uint64_t give_up_ = clock_mono_us() + 20000000;                                              \
		while (!(cond)) {                                                                            \
			loop_turn((loop), 10);                                                               \
			if (clock_mono_us() > give_up_)                                                      \
				fail_msg("%s: never came true: %s", (why), #cond);                           \
		}                                                                                            \
	} while (0)

static inline struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static inline int raw_connect(uint16_t port)
{
	struct sockaddr_in sa = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK("socket", fd >= 0);
	CHECK("connect", connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0);
	CHECK("nonblocking", fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	return fd;
}

static inline int raw_listen(uint16_t *ret_port)
{
	struct sockaddr_in sa = loopback(0);
	socklen_t n = sizeof sa;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	CHECK("socket", fd >= 0);
	CHECK("bind", bind(fd, (struct sockaddr *)&sa, sizeof sa) == 0);
	CHECK("listen", listen(fd, 1024) == 0);
	CHECK("getsockname", getsockname(fd, (struct sockaddr *)&sa, &n) == 0);
	*ret_port = ntohs(sa.sin_port);
	return fd;
}

static inline void raw_send(int fd, struct str s)
{
	while (s.n) {
		ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);

		CHECK("send", n > 0);
		s.p += n;
		s.n -= (size_t)n;
	}
}

/* What has arrived is added to *b. False once the peer has closed. */
static inline bool raw_receive(int fd, struct buf *b)
{
	char p[65536];
	ssize_t n;

	while ((n = recv(fd, p, sizeof p, MSG_DONTWAIT)) > 0)
		buf_add(b, p, (size_t)n);
	return n < 0 && errno == EAGAIN;
}

#endif
