/* What the HTTP modules cost: CPU microseconds of one thread per request served or per call made, and memory
 * per open call. The other side of the wire is a bare epoll responder in another process, so that it is not
 * measured.
 *
 *   http-bench server [connections…]   an echo server; the child sends 2.5 KB posts over keep-alive
 * connections http-bench client [open calls…]    calls with 2 KB bodies; the child answers each with 1 KB
 *   http-bench memory [open calls…]    the same, none answered until all are out: resident memory per open
 * call
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/http_client.h"
#include "common/http_server.h"
#include "common/mem.h"

enum {
	POST_BYTES = 2500,
	CALL_BYTES = 2000,
	REPLY_BYTES = 1000,
	HOSTS = 5, /* calls are spread over as many ports, like bidders */
	WARM_UP = 20000,
	MEASURED = 100000,
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static double cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	(void)sched_setaffinity(0, sizeof set, &set); /* figures without it are only noisier */
}

static int listen_any(uint16_t *ret_port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof sa;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof sa) < 0 || listen(fd, 8192) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &n) < 0)
		die("listen");
	*ret_port = ntohs(sa.sin_port);
	return fd;
}

/* --- the other side --- */

/* Does [p, p + n) hold a whole message with a Content-Length? */
static bool is_whole(const char *p, size_t n)
{
	const char *end = memmem(p, n, "\r\n\r\n", 4), *length;

	if (!end)
		return false;
	length = memmem(p, (size_t)(end - p), "Content-Length: ", 16);
	return n >= (size_t)(end - p) + 4 + (length ? strtoul(length + 16, NULL, 10) : 0);
}

struct side {
	int epfd;
	char *message; /* what is sent whenever something whole has come */
	size_t message_n;
	struct {
		char p[8192];
		size_t n;
	} * in; /* by descriptor */
};

static void side_add(struct side *s, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	s->in[fd].n = 0;
	if (epoll_ctl(s->epfd, EPOLL_CTL_ADD, fd, &ev) < 0)
		die("epoll_ctl");
}

static void side_send(struct side *s, int fd)
{
	if (send(fd, s->message, s->message_n, MSG_NOSIGNAL) != (ssize_t)s->message_n)
		exit(0); /* the measured side is gone */
}

static bool side_receive(struct side *s, int fd)
{
	ssize_t n = recv(fd, s->in[fd].p + s->in[fd].n, sizeof s->in[fd].p - s->in[fd].n, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && s->in[fd].n == 0)) {
		close(fd);
		return false;
	}
	s->in[fd].n += n > 0 ? (size_t)n : 0;
	if (!is_whole(s->in[fd].p, s->in[fd].n))
		return false;
	s->in[fd].n = 0;
	return true;
}

static void side_init(struct side *s, const char *head, size_t body_n)
{
	s->epfd = epoll_create1(0);
	s->in = xcalloc(20000, sizeof *s->in);
	s->message = xcalloc(1, 512 + body_n);
	s->message_n = (size_t)snprintf(s->message, 512, "%sContent-Length: %zu\r\n\r\n", head, body_n);
	memset(s->message + s->message_n, 'x', body_n);
	s->message_n += body_n;
}

/* Answers; with `hold` > 0 not before so many requests wait. */
static void run_upstream(const int *listeners, size_t hold)
{
	struct side s;
	struct epoll_event ev[256];
	int *waiting = xcalloc(20000, sizeof *waiting);
	size_t n_waiting = 0;

	pin(1);
	side_init(&s, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n", REPLY_BYTES);
	for (int i = 0; i < HOSTS; i++)
		side_add(&s, listeners[i]);
	for (;;) {
		int n = epoll_wait(s.epfd, ev, 256, -1);

		for (int i = 0; i < n; i++) {
			int fd = ev[i].data.fd, c;
			bool is_listener = false;

			for (int k = 0; k < HOSTS; k++)
				is_listener |= fd == listeners[k];
			if (is_listener) {
				while ((c = accept4(fd, NULL, NULL, SOCK_NONBLOCK)) >= 0)
					side_add(&s, c);
			} else if (side_receive(&s, fd)) {
				if (!hold)
					side_send(&s, fd);
				else
					waiting[n_waiting++] = fd;
			}
		}
		while (hold && n_waiting >= hold)
			for (hold = 0; n_waiting > 0;)
				side_send(&s, waiting[--n_waiting]);
	}
}

static void run_downstream(uint16_t port, int connections)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct side s;
	struct epoll_event ev[256];

	pin(1);
	side_init(&s, "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n",
		  POST_BYTES);
	for (int i = 0; i < connections; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof sa) < 0)
			die("connect");
		side_add(&s, fd);
		side_send(&s, fd);
	}
	for (;;) {
		int n = epoll_wait(s.epfd, ev, 256, -1);

		for (int i = 0; i < n; i++)
			if (side_receive(&s, ev[i].data.fd))
				side_send(&s, ev[i].data.fd);
	}
}

/* --- the measured side --- */

static struct loop *loop;
static size_t n_done, n_target;
static bool suspend;

static void count_one(void)
{
	if (++n_done == n_target)
		loop_stop(loop);
}

struct later {
	struct loop_task task;
	struct http_request *req;
};

static void on_later(struct loop_task *t)
{
	struct http_request *req = container_of(t, struct later, task)->req;

	http_reply(req, 200, "application/json", req->body);
}

static void handle_echo(struct http_request *req)
{
	struct later *l;

	count_one();
	if (!suspend) {
		http_reply(req, 200, "application/json", req->body);
		return;
	}
	l = ARENA_NEW(req->arena, struct later);
	l->req = req;
	loop_defer(loop, &l->task, on_later);
}

static void run_until(size_t target)
{
	n_target = target;
	while (n_done < target)
		loop_turn(loop, -1);
}

static void bench_server(int connections)
{
	static const struct http_route routes[] = {
		{ .methods = HTTP_POST, .path = "/echo", .handle = handle_echo, .name = "echo" },
	};
	struct http_server_options opt = { .host = STR("127.0.0.1"),
					   .routes = routes,
					   .n_routes = 1,
					   .max_body_bytes = 1 << 20,
					   .idle_timeout_ms = 15000,
					   .cors = true,
					   .no_store = true,
					   .max_connections = 10000 };
	struct http_server *server;
	double cpu;
	uint64_t start;
	pid_t child;

	loop = loop_new();
	server = http_server_new(loop, &opt, NULL);
	child = fork();
	if (child == 0)
		run_downstream(http_server_port(server), connections);
	for (int i = 0; i < 2; i++) {
		suspend = i == 1;
		n_done = 0;
		run_until(WARM_UP);
		cpu = cpu_us();
		start = clock_mono_us();
		run_until(WARM_UP + MEASURED);
		printf("server %5d connections%s: %5.1f us CPU/request, %6.0f requests/s\n", connections,
		       suspend ? ", suspended" : "           ", (cpu_us() - cpu) / MEASURED,
		       MEASURED * 1e6 / (double)(clock_mono_us() - start));
	}
	fflush(stdout);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	http_server_free(server);
	loop_free(loop);
}

struct one {
	struct http_call call;
	struct http_call_request req;
	char url[64];
};

static struct http_client *client;
static char call_body[CALL_BYTES];
static bool again;
static size_t n_failed, n_reused;

static void on_done(struct http_call *call, const struct http_call_reply *reply)
{
	struct one *o = container_of(call, struct one, call);

	n_failed += reply->err != 0;
	n_reused += reply->reused_connection;
	count_one();
	if (again && http_client_start(client, &o->call, &o->req) < 0)
		die("start");
}

static long rss_kib(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f && fscanf(f, "%*d %ld", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static struct one *start_calls(size_t open, const uint16_t *ports)
{
	static const struct http_header headers[] = {
		{ { "Content-Type", 12 }, { "application/json;charset=utf-8", 30 } },
		{ { "Accept", 6 }, { "application/json", 16 } },
		{ { "X-Prebid", 8 }, { "pbs-go/1.0", 10 } },
	};
	struct one *calls = xcalloc(open, sizeof *calls);

	for (size_t i = 0; i < open; i++) {
		struct one *o = &calls[i];

		snprintf(o->url, sizeof o->url, "http://127.0.0.1:%u/bid", ports[i % HOSTS]);
		o->call.done = on_done;
		o->req = (struct http_call_request){ .method = "POST",
						     .url = o->url,
						     .headers = headers,
						     .n_headers = 3,
						     .body = { call_body, sizeof call_body },
						     .timeout_ms = 60000 };
		if (http_client_start(client, &o->call, &o->req) < 0)
			die("start");
	}
	return calls;
}

static pid_t start_upstream(uint16_t *ports, size_t hold)
{
	int listeners[HOSTS];
	pid_t child;

	for (int i = 0; i < HOSTS; i++)
		listeners[i] = listen_any(&ports[i]);
	child = fork();
	if (child == 0)
		run_upstream(listeners, hold);
	for (int i = 0; i < HOSTS; i++)
		close(listeners[i]);
	return child;
}

static void bench_client(size_t open)
{
	uint16_t ports[HOSTS];
	pid_t child = start_upstream(ports, 0);
	struct one *calls;
	uint64_t start;
	double cpu;

	loop = loop_new();
	client = http_client_new(loop, &(struct http_client_options){ 0 });
	n_done = n_failed = n_reused = 0;
	again = true;
	calls = start_calls(open, ports);
	run_until(WARM_UP);
	cpu = cpu_us();
	start = clock_mono_us();
	n_failed = n_reused = 0;
	run_until(WARM_UP + MEASURED);
	printf("client %5zu open calls: %5.1f us CPU/call, %6.0f calls/s, %.1f %% new connections, %zu "
	       "failed\n",
	       open, (cpu_us() - cpu) / MEASURED, MEASURED * 1e6 / (double)(clock_mono_us() - start),
	       100.0 - 100.0 * (double)n_reused / MEASURED, n_failed);
	fflush(stdout);
	http_client_free(client);
	loop_free(loop);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	free(calls);
}

static void bench_memory(size_t open)
{
	uint16_t ports[HOSTS];
	pid_t child = start_upstream(ports, open);
	struct one *calls;
	long before;

	loop = loop_new();
	client = http_client_new(loop, &(struct http_client_options){ 0 });
	n_done = n_failed = 0;
	again = false;
	before = rss_kib();
	calls = start_calls(open, ports);
	run_until(1);
	printf("memory %5zu open calls: %ld KiB before, %ld KiB with all open, %.1f KiB per open call\n",
	       open, before, rss_kib(), (double)(rss_kib() - before) / (double)open);
	run_until(open);
	printf("memory %5zu done: %ld KiB, %zu failed\n", open, rss_kib(), n_failed);
	fflush(stdout);
	http_client_free(client);
	loop_free(loop);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	free(calls);
}

int main(int argc, char **argv)
{
	static const int all[] = { 5, 100, 1000, 5000 };
	const char *mode = argc > 1 ? argv[1] : "";
	struct rlimit rl;

	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
	pin(0);
	for (int i = 0; i < (argc > 2 ? argc - 2 : (int)ARRAY_LEN(all)); i++) {
		int n = argc > 2 ? atoi(argv[i + 2]) : all[i];

		if (n < 1 || n > 9000) {
			fprintf(stderr, "between 1 and 9000, please\n");
			return 2;
		} else if (strcmp(mode, "server") == 0) {
			bench_server(n);
		} else if (strcmp(mode, "client") == 0) {
			bench_client((size_t)n);
		} else if (strcmp(mode, "memory") == 0) {
			bench_memory((size_t)n);
		} else {
			fprintf(stderr, "usage: http-bench server|client|memory [concurrency…]\n");
			return 2;
		}
	}
	return 0;
}
