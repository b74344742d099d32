#include "common/http_listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/err.h"
#include "common/mem.h"

enum { BACKLOG = 1024 };

static int bind_to(const struct addrinfo *ai)
{
	int one = 1, off = 0;
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) < 0 ||
	    (ai->ai_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) < 0) ||
	    bind(fd, ai->ai_addr, ai->ai_addrlen) < 0) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

static int open_socket(struct str host, uint16_t port, struct errtext *why)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
				  .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV };
	char *host_z FREE_ON_EXIT = host.n ? xstrndup(host.p, host.n) : xstrdup("::");
	struct addrinfo *ai;
	char port_z[8];
	int fd, rc;

	snprintf(port_z, sizeof port_z, "%u", port);
	rc = getaddrinfo(host_z, port_z, &hints, &ai);
	if (rc != 0) {
		errtext_set(why, "cannot listen on \"%s\": %s", host_z, gai_strerror(rc));
		return -1;
	}
	fd = bind_to(ai);
	freeaddrinfo(ai);
	if (fd < 0 && errno == EAFNOSUPPORT &&
	    strcmp(host_z, "::") == 0) /* "::" means every address there is */
		return open_socket(STR("0.0.0.0"), port, why);
	if (fd < 0)
		errtext_set(why, "cannot listen on %s port %s: %s", host_z, port_z, strerror(errno));
	return fd;
}

int http_listen(struct str host, uint16_t port, struct errtext *why)
{
	int fd = open_socket(host, port, why);

	if (fd >= 0 && listen(fd, BACKLOG) < 0) {
		errtext_set(why, "cannot listen on %.*s port %u: %s", (int)host.n, host.p, port,
			    strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

int http_listen_check(struct str host, struct errtext *why)
{
	int fd = open_socket(host, 0, why);

	if (fd < 0)
		return ERR_INPUT;
	close(fd);
	return 0;
}

uint16_t http_listen_port(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} sa = { .v6 = { 0 } };
	socklen_t n = sizeof sa;

	if (getsockname(fd, &sa.any, &n) < 0)
		return 0;
	return ntohs(sa.any.sa_family == AF_INET6 ? sa.v6.sin6_port : sa.v4.sin_port);
}
