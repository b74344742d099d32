#include "common/probe.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/err.h"
#include "common/mem.h"

static struct str loopback_for(struct str host)
{
	if (host.n == 0 || str_eq(host, STR("0.0.0.0")) || str_eq(host, STR("*")))
		return STR("127.0.0.1");
	/* A dual-stack listener answers here as well, also where the container has no IPv6. */
	if (str_eq(host, STR("::")))
		return STR("localhost");
	return host;
}

/* Connected to one of the addresses, with the timeout set for what follows; -1 when none answers. */
static int connect_any(const struct addrinfo *list, uint32_t timeout_ms)
{
	const struct timeval limit = { .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000 };

	for (; list; list = list->ai_next) {
		int fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
		if (connect(fd, list->ai_addr, list->ai_addrlen) == 0)
			return fd;
		close(fd);
	}
	return -1;
}

static int ask(int fd, struct str host, const char *path, struct errtext *why)
{
	FREE_ON_EXIT char *request = xasprintf(
		"GET %s HTTP/1.1\r\nHost: " STR_FMT "\r\nConnection: close\r\n\r\n", path, STR_ARG(host));
	char reply[16]; /* "HTTP/1.1 200" */
	size_t got = 0;
	int status;

	if (send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request)) {
		errtext_set(why, "cannot send: %m");
		return ERR_UPSTREAM;
	}
	while (got < 12) {
		ssize_t n = recv(fd, reply + got, sizeof reply - 1 - got, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			errtext_set(why, "no answer in time");
			return ERR_TIMEOUT;
		}
		if (n <= 0) {
			errtext_set(why, "closed the connection without an answer");
			return ERR_UPSTREAM;
		}
		got += (size_t)n;
	}
	reply[got] = '\0';
	if (sscanf(reply, "HTTP/1.%*1[01] %3d", &status) != 1) {
		errtext_set(why, "the answer is not HTTP");
		return ERR_UPSTREAM;
	}
	if (status < 200 || status > 299) {
		errtext_set(why, "answered %d", status);
		return ERR_UPSTREAM;
	}
	return 0;
}

int probe_http(struct str host, uint16_t port, const char *path, uint32_t timeout_ms, struct errtext *why)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct str target = loopback_for(host);
	FREE_ON_EXIT char *name = xstrndup(target.p, target.n);
	struct addrinfo *list = NULL;
	char service[8];
	int fd, err;

	snprintf(service, sizeof service, "%u", port);
	if (getaddrinfo(name, service, &hints, &list) != 0) {
		errtext_set(why, "%s does not resolve", name);
		return ERR_UNREACHABLE;
	}
	fd = connect_any(list, timeout_ms);
	freeaddrinfo(list);
	if (fd < 0) {
		errtext_set(why, "nobody listens on %s port %u", name, port);
		return ERR_UNREACHABLE;
	}
	err = ask(fd, target, path, why);
	close(fd);
	return err;
}
