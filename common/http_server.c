/* The life of a request in libmicrohttpd's terms: the request line makes an exchange (on_uri), the access
 * handler is visited once with the headers, then with each piece of the body, then once more with none: that
 * visit hands it to the route. Without a reply by then the connection is suspended; the reply resumes it, and
 * a last visit queues the response. on_completed ends the exchange, also when the client left.
 *
 * A response can only be queued at the last visit without losing the connection, so a request that is refused
 * has its body read and dropped first, within bounds. Beyond them, and for slow senders, the answer is
 * written past libmicrohttpd straight to the socket and the connection shut. */
#include "common/http_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/deadlines.h"
#include "common/err.h"
#include "common/gzip.h"
#include "common/http_cors.h"
#include "common/http_listen.h"
#include "common/http_route.h"
#include "common/http_text.h"
#include "common/mem.h"

enum {
	DEFAULT_HEADER_BYTES = 32768,
	DEFAULT_IDLE_MS = 15000,
	DRAIN_BYTES = 1 << 20,   /* of a refused body that is still read, so that the answer is */
	MAX_ARGUMENTS = 200,     /* in a query */
	FIRST_BODY_ROOM = 65536, /* believed of a Content-Length before the bytes come */
};

enum phase { AT_HEADERS, AT_BODY, AT_HANDLER, AT_REPLY };

struct header {
	const char *name;
	const char *value;
	struct header *next;
};

struct exchange {
	struct http_request req;
	struct conn *conn;
	enum phase phase;
	bool suspended, cut_off;
	int refused; /* status that answers it in place of a route; 0 = none so far */
	const char *refused_why;
	size_t max_body, dropped_bytes;
	struct buf body;        /* as received, then decompressed */
	struct buf reply_bytes; /* of http_reply_buf, or compressed */
	struct header *headers, **headers_end;
	bool has_cache_control;
	struct MHD_Response *response;
	struct exchange *next, **link; /* of those handed over */
};

struct conn {
	struct http_server *server;
	struct MHD_Connection *mhd;
	struct exchange *exchange;
	int fd;
	char ip[INET6_ADDRSTRLEN];
	struct deadline patience; /* with a client that is silent or slow; none while a handler works */
};

struct http_server {
	struct loop *loop;
	struct http_server_options opt;
	struct MHD_Daemon *daemon;
	struct loop_fd watch;
	struct loop_hook hook;
	struct deadlines patience;
	bool due, closing, ending;
	uint16_t port;
	struct rng rng;
	struct exchange *open;
	size_t n_open;
};

static struct exchange *exchange_of(const struct http_request *req)
{
	return (struct exchange *)(uintptr_t)req; /* the first member */
}

/* --- connections --- */

/* Says its last word past libmicrohttpd, which sees the socket closed and ends the exchange. */
static void cut_off(struct conn *c, int status, const char *reason)
{
	struct exchange *x = c->exchange;
	char text[256];
	int n;

	if (x && x->phase < AT_HANDLER) {
		x->req.status = status;
		x->cut_off = true;
		n = snprintf(text, sizeof text,
			     "HTTP/1.1 %d %s\r\nX-Request-ID: %s\r\nContent-Length: 0\r\nConnection: "
			     "close\r\n\r\n",
			     status, reason, x->req.id);
		if (n > 0)
			(void)send(c->fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	(void)shutdown(c->fd, SHUT_RDWR);
}

static void on_late(struct deadline *d)
{
	cut_off(container_of(d, struct conn, patience), 408, "Request Timeout");
}

static void write_ip(struct conn *c)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *sa = info ? info->client_addr : NULL;

	if (sa && sa->sa_family == AF_INET) {
		inet_ntop(AF_INET, &((const struct sockaddr_in *)sa)->sin_addr, c->ip, sizeof c->ip);
	} else if (sa && sa->sa_family == AF_INET6) {
		const struct in6_addr *a = &((const struct sockaddr_in6 *)sa)->sin6_addr;

		if (IN6_IS_ADDR_V4MAPPED(a))
			inet_ntop(AF_INET, a->s6_addr + 12, c->ip, sizeof c->ip);
		else
			inet_ntop(AF_INET6, a, c->ip, sizeof c->ip);
	}
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct conn *c = *socket_context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		c = xcalloc(1, sizeof *c);
		c->server = cls;
		c->mhd = mhd;
		c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		write_ip(c);
		deadline_start(&c->server->patience, &c->patience);
		*socket_context = c;
		if (c->server->opt.connection)
			c->server->opt.connection(c->server->opt.ctx, true);
	} else if (c) {
		if (c->server->opt.connection)
			c->server->opt.connection(c->server->opt.ctx, false);
		deadline_clear(&c->server->patience, &c->patience);
		free(c);
	}
}

static struct conn *conn_of(struct MHD_Connection *mhd)
{
	return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* --- exchanges --- */

static void split_uri(struct exchange *x, const char *uri)
{
	struct str rest = arena_str(x->req.arena, str_of(uri));

	if (str_starts(rest, STR("http://"))) { /* the absolute form, which proxies send */
		const char *slash = memchr(rest.p + 7, '/', rest.n - 7);

		rest = slash ? (struct str){ slash, (size_t)(rest.p + rest.n - slash) } : STR("/");
	}
	x->req.path = http_text_decode(x->req.arena, str_cut(&rest, '?'), false);
	x->req.query = rest.p ? rest : STR("");
}

/* libmicrohttpd takes the query apart into the connection's memory, and waits for ever when it is used up. */
static bool has_many_arguments(struct str query)
{
	size_t n = 0;

	for (size_t i = 0; i < query.n; i++)
		n += query.p[i] == '&';
	return n >= MAX_ARGUMENTS;
}

/* The request line is there. */
static void *on_uri(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	struct http_server *s = cls;
	struct arena *a = arena_new();
	struct exchange *x = ARENA_NEW(a, struct exchange);

	x->req.arena = a;
	x->conn = conn_of(mhd);
	x->conn->exchange = x;
	x->max_body = s->opt.max_body_bytes;
	x->headers_end = &x->headers;
	x->req.peer_ip = str_of(x->conn->ip);
	x->req.body = STR("");
	split_uri(x, uri);
	deadline_start(&s->patience, &x->conn->patience);
	if (has_many_arguments(x->req.query))
		cut_off(x->conn, 414, "URI Too Long");
	return x;
}

static void unlink_open(struct exchange *x)
{
	if (!x->link)
		return;
	*x->link = x->next;
	if (x->next)
		x->next->link = x->link;
	x->link = NULL;
	x->conn->server->n_open--;
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **req_cls,
			 enum MHD_RequestTerminationCode why)
{
	struct http_server *s = cls;
	struct exchange *x = *req_cls;

	(void)mhd;
	if (!x)
		return;
	if (why == MHD_REQUEST_TERMINATED_WITH_ERROR && x->phase == AT_HEADERS && !x->cut_off)
		cut_off(x->conn, 431, "Request Header Fields Too Large"); /* its memory is used up */
	unlink_open(x);
	x->conn->exchange = NULL;
	deadline_start(&s->patience, &x->conn->patience);
	if (x->phase > AT_HEADERS && s->opt.after)
		s->opt.after(&x->req);
	if (x->response)
		MHD_destroy_response(x->response);
	buf_deinit(&x->body);
	buf_deinit(&x->reply_bytes);
	arena_free(x->req.arena);
	*req_cls = NULL;
}

/* --- what a handler may ask --- */

void *http_request_ctx(const struct http_request *req)
{
	return exchange_of(req)->conn->server->opt.ctx;
}

bool http_request_has_header(const struct http_request *req, const char *name)
{
	return MHD_lookup_connection_value_n(exchange_of(req)->conn->mhd, MHD_HEADER_KIND, name, strlen(name),
					     NULL, NULL) == MHD_YES;
}

struct str http_request_header(const struct http_request *req, const char *name)
{
	struct str v = STR("");
	const char *p;
	size_t n;

	if (MHD_lookup_connection_value_n(exchange_of(req)->conn->mhd, MHD_HEADER_KIND, name, strlen(name),
					  &p, &n) == MHD_YES &&
	    p)
		v = (struct str){ p, n };
	return v;
}

/* --- replying --- */

void http_reply_header(struct http_request *req, const char *name, struct str value)
{
	struct exchange *x = exchange_of(req);
	struct header *h;

	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] == '\r' || value.p[i] == '\n' || value.p[i] == '\0')
			return;
	h = ARENA_NEW(req->arena, struct header);
	h->name = arena_strdup(req->arena, name);
	h->value = arena_str(req->arena, value).p;
	*x->headers_end = h;
	x->headers_end = &h->next;
	if (str_eq_nocase(str_of(name), STR("Cache-Control")))
		x->has_cache_control = true;
}

static void add(struct MHD_Response *r, const char *name, const char *value)
{
	(void)MHD_add_response_header(r, name, value); /* fails for an empty value, which may be left out */
}

static void add_headers(struct exchange *x, const char *content_type, bool gzipped)
{
	struct http_server *s = x->conn->server;
	struct MHD_Response *r = x->response;

	if (content_type)
		add(r, "Content-Type", content_type);
	add(r, "X-Request-ID", x->req.id);
	if (s->opt.no_store && !x->has_cache_control) {
		add(r, "Cache-Control", "no-cache, no-store, must-revalidate");
		add(r, "Pragma", "no-cache");
		add(r, "Expires", "0");
	}
	for (const struct header *h = x->headers; h; h = h->next)
		add(r, h->name, h->value);
	if (gzipped)
		add(r, "Content-Encoding", "gzip");
	if (s->opt.gzip_replies)
		add(r, "Vary", "Accept-Encoding");
	if (s->closing)
		add(r, "Connection", "close");
}

/* Images are compressed already. */
static bool worth_gzip(const struct exchange *x, const char *content_type, struct str body)
{
	const struct http_server_options *opt = &x->conn->server->opt;

	return opt->gzip_replies && body.n > 0 && body.n >= opt->gzip_min_bytes &&
	       !(content_type && str_starts(str_of(content_type), STR("image/"))) &&
	       http_text_accepts_gzip(http_request_header(&x->req, "Accept-Encoding"));
}

void http_reply(struct http_request *req, int status, const char *content_type, struct str body)
{
	struct exchange *x = exchange_of(req);
	struct http_server *s = x->conn->server;
	bool gzipped = false;
	struct buf out;

	assert(!x->response);
	if (worth_gzip(x, content_type, body)) {
		buf_init(&out, body.n); /* only when it gets shorter */
		gzipped = gzip_compress(body, &out) == 0;
		if (gzipped) {
			buf_deinit(&x->reply_bytes);
			x->reply_bytes = out;
			body = buf_str(&out);
		} else {
			buf_deinit(&out);
		}
	}
	req->status = status;
	req->reply_bytes = body.n;
	x->response =
		MHD_create_response_from_buffer(body.n, (void *)(uintptr_t)body.p, MHD_RESPMEM_PERSISTENT);
	if (!x->response)
		abort(); /* out of memory, as elsewhere */
	add_headers(x, content_type, gzipped);
	if (x->suspended) {
		x->suspended = false;
		MHD_resume_connection(x->conn->mhd);
		s->due = true;
	}
}

void http_reply_buf(struct http_request *req, int status, const char *content_type, struct buf *body)
{
	struct exchange *x = exchange_of(req);

	x->reply_bytes = *body;
	buf_init(body, body->max_bytes);
	http_reply(req, status, content_type, buf_str(&x->reply_bytes));
}

/* --- visits --- */

static void refuse(struct exchange *x, int status, const char *why)
{
	if (x->refused)
		return;
	x->refused = status;
	x->refused_why = why;
	buf_deinit(&x->body);
}

static void refuse_size(struct exchange *x)
{
	refuse(x, 413,
	       arena_printf(x->req.arena, "request size exceeded max size of %zu bytes.", x->max_body));
}

static void write_request_id(struct exchange *x)
{
	struct str given = http_request_header(&x->req, "X-Request-ID");
	struct rng *rng = &x->conn->server->rng;
	uint64_t a, b;

	if (http_text_is_request_id(given)) {
		memcpy(x->req.id, given.p, given.n);
		return;
	}
	a = rng_u64(rng);
	b = rng_u64(rng);
	snprintf(x->req.id, sizeof x->req.id, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32),
		 (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff), (unsigned)(b >> 48 & 0x3fff) | 0x8000u,
		 (unsigned long long)(b & 0xffffffffffffu));
}

static enum MHD_Result queue(struct exchange *x)
{
	x->phase = AT_REPLY;
	return MHD_queue_response(x->conn->mhd, (unsigned)x->req.status, x->response);
}

static void check_encoding(struct exchange *x)
{
	struct str encoding = http_request_header(&x->req, "Content-Encoding");

	if (encoding.n == 0 || str_eq_nocase(encoding, STR("identity")))
		return;
	if (!x->conn->server->opt.gzip_requests || !str_eq_nocase(encoding, STR("gzip")))
		refuse(x, 415,
		       arena_printf(x->req.arena, "Content-Encoding of type " STR_FMT " is not supported",
				    STR_ARG(encoding)));
}

static void answer_refused(struct exchange *x)
{
	struct http_server *s = x->conn->server;

	if (!s->opt.reject || !s->opt.reject(&x->req, x->refused, x->refused_why))
		http_reply_error(&x->req, x->refused, "%s", x->refused_why);
}

static enum MHD_Result visit_headers(struct exchange *x, const char *method)
{
	struct http_server *s = x->conn->server;
	struct http_request *req = &x->req;
	struct str length = http_request_header(req, "Content-Length");
	uint64_t n = 0;

	x->phase = AT_BODY;
	req->method = http_route_method(method);
	req->arrived_us = loop_now_us(s->loop);
	write_request_id(x);
	req->route = http_route_find(s->opt.routes, s->opt.n_routes, req, NULL);
	if (req->route && req->route->max_body_bytes)
		x->max_body = req->route->max_body_bytes;
	check_encoding(x);
	buf_init(&x->body, x->max_body);
	if (length.n == 0 || !str_parse_u64(length, 0, UINT64_MAX, &n))
		return MHD_YES;
	if (n > x->max_body)
		refuse_size(x);
	else if (!x->refused && n)
		(void)buf_reserve(&x->body, n < FIRST_BODY_ROOM ? n : FIRST_BODY_ROOM);
	if (n > x->max_body && (n > x->max_body + DRAIN_BYTES || http_request_has_header(req, "Expect"))) {
		if (!s->opt.cors || !http_cors_apply(req))
			answer_refused(x);
		return queue(x); /* which closes the connection: the body is not wanted */
	}
	return MHD_YES;
}

static enum MHD_Result visit_body(struct exchange *x, const char *p, size_t *n)
{
	size_t got = *n;

	*n = 0;
	if (x->cut_off)
		return MHD_NO;
	if (!x->refused && !buf_add(&x->body, p, got))
		refuse_size(x);
	if (x->refused)
		x->dropped_bytes += got;
	if (x->dropped_bytes > x->max_body + DRAIN_BYTES) {
		cut_off(x->conn, x->refused, "Content Too Large");
		return MHD_NO;
	}
	return MHD_YES;
}

static void unzip_body(struct exchange *x)
{
	struct str encoding = http_request_header(&x->req, "Content-Encoding");
	struct buf plain;
	int err;

	if (x->refused || !str_eq_nocase(encoding, STR("gzip")))
		return;
	buf_init(&plain, x->max_body);
	err = gzip_decompress(buf_str(&x->body), &plain);
	buf_deinit(&x->body);
	x->body = plain;
	if (err == ERR_LIMIT)
		refuse_size(x);
	else if (err)
		refuse(x, 400, "gzip: invalid header");
}

/* The request is whole: answers it or hands it to its route. */
static void hand_over(struct exchange *x)
{
	struct http_server *s = x->conn->server;
	struct http_request *req = &x->req;

	if (s->ending) {
		http_reply(req, 503, NULL, STR(""));
		return;
	}
	if (s->opt.cors && http_cors_apply(req))
		return;
	if (!req->route) {
		http_route_reply_none(s->opt.routes, s->opt.n_routes, req);
		return;
	}
	unzip_body(x);
	if (x->refused) {
		answer_refused(x);
		return;
	}
	req->body = buf_str(&x->body);
	x->next = s->open;
	x->link = &s->open;
	if (s->open)
		s->open->link = &x->next;
	s->open = x;
	s->n_open++;
	if (!s->opt.before || s->opt.before(req))
		req->route->handle(req);
}

static enum MHD_Result on_visit(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
				const char *version, const char *upload, size_t *upload_n, void **req_cls)
{
	struct exchange *x = *req_cls;

	(void)cls;
	(void)url;
	(void)version;
	if (x->phase == AT_HEADERS)
		return visit_headers(x, method);
	if (x->phase == AT_BODY && *upload_n)
		return visit_body(x, upload, upload_n);
	if (x->phase == AT_BODY) {
		x->phase = AT_HANDLER;
		deadline_clear(&x->conn->server->patience, &x->conn->patience);
		hand_over(x);
		if (!x->response) {
			x->suspended = true;
			MHD_suspend_connection(mhd);
			return MHD_YES;
		}
	}
	return x->response ? queue(x) : MHD_YES;
}

/* --- the server --- */

static void on_daemon_ready(struct loop_fd *w, unsigned events)
{
	(void)events;
	container_of(w, struct http_server, watch)->due = true;
}

static int64_t before_wait(struct loop_hook *h)
{
	struct http_server *s = container_of(h, struct http_server, hook);
	MHD_UNSIGNED_LONG_LONG ms;

	if (!s->due && MHD_get_timeout(s->daemon, &ms) == MHD_YES && ms == 0)
		s->due = true;
	if (s->due) {
		s->due = false;
		(void)MHD_run(s->daemon);
	}
	return MHD_get_timeout(s->daemon, &ms) == MHD_YES ? (int64_t)ms : -1;
}

struct http_server *http_server_new(struct loop *loop, const struct http_server_options *opt,
				    struct errtext *why)
{
	struct http_server *s = xcalloc(1, sizeof *s);
	size_t memory = opt->max_header_bytes ? opt->max_header_bytes : DEFAULT_HEADER_BYTES;
	int fd;

	s->loop = loop;
	s->opt = *opt;
	if (s->opt.idle_timeout_ms == 0)
		s->opt.idle_timeout_ms = DEFAULT_IDLE_MS;
	deadlines_init(&s->patience, loop, s->opt.idle_timeout_ms, on_late);
	rng_seed_os(&s->rng);
	fd = http_listen(opt->host, opt->port, why);
	if (fd < 0)
		goto fail;
	s->port = http_listen_port(fd);
	s->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_visit, s,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, on_uri, s,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)(opt->max_connections ? opt->max_connections : 10000),
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)(s->opt.idle_timeout_ms / 1000 + 1), MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_END);
	if (!s->daemon) {
		close(fd);
		errtext_set(why, "libmicrohttpd does not start");
		goto fail;
	}
	fd = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	if (loop_fd_add(loop, &s->watch, fd, LOOP_READ, on_daemon_ready) < 0) {
		errtext_set(why, "cannot watch libmicrohttpd's descriptor");
		goto fail;
	}
	s->hook.before_wait = before_wait;
	loop_hook_add(loop, &s->hook);
	return s;
fail:
	http_server_free(s);
	return NULL;
}

uint16_t http_server_port(const struct http_server *s)
{
	return s->port;
}

void http_server_stop_listening(struct http_server *s)
{
	int fd;

	if (s->closing)
		return;
	(void)MHD_run(s->daemon); /* takes what has connected already */
	s->closing = true;
	fd = MHD_quiesce_daemon(s->daemon);
	if (fd >= 0)
		close(fd);
	s->due = true;
}

bool http_server_close_idle(struct http_server *s)
{
	bool all = true;
	char byte;

	for (struct deadline *d = s->patience.first; d; d = d->next) {
		const struct conn *c = container_of(d, struct conn, patience);

		if (c->exchange || recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
			all = false;
		else
			(void)shutdown(c->fd, SHUT_RDWR); /* which libmicrohttpd sees, and ends it */
	}
	s->due = true;
	return all;
}

size_t http_server_open_requests(const struct http_server *s)
{
	return s->n_open;
}

void http_server_free(struct http_server *s)
{
	if (!s)
		return;
	if (s->daemon) {
		/* libmicrohttpd must not be stopped with suspended connections, and this run may bring new
		 * requests */
		s->ending = true;
		for (struct exchange *x = s->open; x; x = x->next)
			if (x->suspended)
				http_reply(&x->req, 503, NULL, STR(""));
		(void)MHD_run(s->daemon);
		loop_fd_del(s->loop, &s->watch);
		loop_hook_del(s->loop, &s->hook);
		MHD_stop_daemon(s->daemon);
	}
	deadlines_deinit(&s->patience);
	free(s);
}
