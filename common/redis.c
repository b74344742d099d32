#include "common/redis.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/mem.h"
#include "common/url.h"

enum { DEFAULT_PORT = 6379, OUT_MAX_BYTES = 256 << 20, REPLY_MAX_BYTES = 256 << 20 };

struct redis {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl; /* NULL = plain */
	redisReader *reader;
	struct buf out;
};

/* --- addresses --- */

static char *decoded(struct str s, bool *ok)
{
	struct buf b;

	buf_init(&b, 4096);
	*ok &= url_decode(s, &b) && !memchr(buf_str(&b).p, 0, b.n);
	return buf_take(&b);
}

int redis_address_parse(struct str text, struct redis_address *ret_a, struct errtext *why)
{
	struct redis_address a = { 0 };
	struct url u;
	bool ok = true;

	if (url_parse(text, &u, NULL) < 0 ||
	    (!str_eq(u.scheme, STR("redis")) && !str_eq(u.scheme, STR("rediss"))) || u.query.n ||
	    u.fragment.n) {
		errtext_set(why, "must look like redis[s]://[user:password@]host:port/db");
		return ERR_INPUT;
	}
	if (u.path.n > 1)
		ok = str_parse_u32((struct str){ u.path.p + 1, u.path.n - 1 }, 0, 65535, &a.db);
	if (!ok) {
		errtext_set(why, "the part behind the host must be the number of a database");
		return ERR_INPUT;
	}
	a.tls = u.scheme.n == 6;
	a.port = u.port ? u.port : DEFAULT_PORT;
	a.host = xstrndup(u.host.p, u.host.n);
	a.user = decoded(str_cut(&u.userinfo, ':'), &ok);
	a.password = decoded(u.userinfo.p ? u.userinfo : STR(""), &ok);
	if (!ok || (*a.user && !*a.password)) {
		redis_address_deinit(&a);
		errtext_set(why, "user and password must be percent-encoded, as user:password or :password");
		return ERR_INPUT;
	}
	*ret_a = a;
	return 0;
}

void redis_address_deinit(struct redis_address *a)
{
	free(a->host);
	free(a->user);
	free(a->password);
	*a = (struct redis_address){ 0 };
}

/* --- connecting --- */

static int open_socket(const struct redis_address *a, uint32_t timeout_ms, struct errtext *why)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const struct timeval limit = { .tv_sec = timeout_ms / 1000,
				       .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000 };
	struct addrinfo *list = NULL;
	char port[8];
	int fd = -1, rc, on = 1;

	snprintf(port, sizeof port, "%u", a->port);
	if ((rc = getaddrinfo(a->host, port, &hints, &list))) {
		errtext_set(why, "%s: %s", a->host, gai_strerror(rc));
		return -1;
	}
	for (struct addrinfo *i = list; i && fd < 0; i = i->ai_next) {
		fd = socket(i->ai_family, i->ai_socktype | SOCK_CLOEXEC, i->ai_protocol);
		if (fd < 0)
			continue;
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		if (connect(fd, i->ai_addr, i->ai_addrlen) != 0) {
			errtext_set(why, "%s port %s: %s", a->host, port,
				    errno == EINPROGRESS ? "timeout" : strerror(errno));
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(list);
	return fd;
}

static bool start_tls(struct redis *r, const struct redis_address *a, struct errtext *why)
{
	unsigned char ip[16];
	bool is_ip = inet_pton(AF_INET, a->host, ip) == 1 || inet_pton(AF_INET6, a->host, ip) == 1;
	long verdict;

	r->ctx = SSL_CTX_new(TLS_client_method());
	if (r->ctx) {
		SSL_CTX_set_min_proto_version(r->ctx, TLS1_2_VERSION);
		SSL_CTX_set_verify(r->ctx, SSL_VERIFY_PEER, NULL);
		SSL_CTX_set_default_verify_paths(r->ctx);
		r->ssl = SSL_new(r->ctx);
	}
	if (!r->ssl || !SSL_set_fd(r->ssl, r->fd) ||
	    !(is_ip ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(r->ssl), a->host)
		    : SSL_set1_host(r->ssl, a->host)) ||
	    (!is_ip && !SSL_set_tlsext_host_name(r->ssl, a->host))) {
		errtext_set(why, "TLS cannot be set up");
		return false;
	}
	if (SSL_connect(r->ssl) == 1)
		return true;
	verdict = SSL_get_verify_result(r->ssl);
	errtext_set(why, "TLS with %s: %s", a->host,
		    verdict != X509_V_OK ? X509_verify_cert_error_string(verdict) : "the handshake failed");
	ERR_clear_error();
	return false;
}

static int log_in(struct redis *r, const struct redis_address *a, struct errtext *why)
{
	redisReply *reply;
	char db[12];
	int err = 0;

	if (*a->password) {
		struct str args[3] = { STR("AUTH"), str_of(a->user), str_of(a->password) };

		if (!*a->user)
			args[1] = args[2];
		err = redis_ask(r, args, *a->user ? 3 : 2, &reply, why);
		if (err)
			return err;
		freeReplyObject(reply);
	}
	if (a->db) {
		snprintf(db, sizeof db, "%u", a->db);
		err = REDIS_ASK(r, &reply, why, STR("SELECT"), str_of(db));
		if (!err)
			freeReplyObject(reply);
	}
	return err;
}

struct redis *redis_connect(const struct redis_address *a, uint32_t timeout_ms, struct errtext *why)
{
	struct redis *r = xcalloc(1, sizeof *r);

	buf_init(&r->out, OUT_MAX_BYTES);
	r->reader = redisReaderCreate();
	r->fd = open_socket(a, timeout_ms, why);
	if (r->fd >= 0 && r->reader && (!a->tls || start_tls(r, a, why)) && log_in(r, a, why) == 0)
		return r;
	redis_free(r);
	return NULL;
}

void redis_free(struct redis *r)
{
	if (!r)
		return;
	SSL_free(r->ssl);
	SSL_CTX_free(r->ctx);
	if (r->fd >= 0)
		close(r->fd);
	if (r->reader)
		redisReaderFree(r->reader);
	buf_deinit(&r->out);
	free(r);
}

bool redis_is_closed(const struct redis *r)
{
	char c;
	ssize_t n = recv(r->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}

/* --- talking --- */

void redis_add(struct redis *r, const struct str *args, size_t n)
{
	buf_addf(&r->out, "*%zu\r\n", n);
	for (size_t i = 0; i < n; i++) {
		buf_addf(&r->out, "$%zu\r\n", args[i].n);
		buf_add_str(&r->out, args[i]);
		buf_add_z(&r->out, "\r\n");
	}
}

static int broken(const char *doing, ssize_t n, struct errtext *why)
{
	bool slow = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);

	errtext_set(why, "%s: %s", doing,
		    n == 0 ? "the connection was closed"
		    : slow ? "timeout"
			   : strerror(errno ? errno : EIO));
	ERR_clear_error();
	return slow ? ERR_TIMEOUT : ERR_UNREACHABLE;
}

static int flush(struct redis *r, struct errtext *why)
{
	if (r->out.overflow) {
		errtext_set(why, "too much to send at once");
		return ERR_LIMIT;
	}
	for (size_t at = 0; at < r->out.n;) {
		size_t left = r->out.n - at, piece = left < 1 << 20 ? left : 1 << 20;
		ssize_t n = r->ssl ? SSL_write(r->ssl, r->out.p + at, (int)piece)
				   : send(r->fd, r->out.p + at, piece, MSG_NOSIGNAL);

		if (n <= 0)
			return broken("send", n, why);
		at += (size_t)n;
	}
	buf_clear(&r->out);
	return 0;
}

int redis_reply(struct redis *r, redisReply **ret_reply, struct errtext *why)
{
	size_t total = 0;
	int err = flush(r, why);

	while (!err) {
		static _Thread_local char bytes[65536];
		void *reply = NULL;
		ssize_t n;

		if (redisReaderGetReply(r->reader, &reply) != REDIS_OK || total > REPLY_MAX_BYTES) {
			errtext_set(why, "receive: %s",
				    total > REPLY_MAX_BYTES ? "the reply is too large" : r->reader->errstr);
			return ERR_UPSTREAM;
		}
		if (reply) {
			*ret_reply = reply;
			return 0;
		}
		n = r->ssl ? SSL_read(r->ssl, bytes, sizeof bytes) : recv(r->fd, bytes, sizeof bytes, 0);
		if (n <= 0)
			err = broken("receive", n, why);
		else
			redisReaderFeed(r->reader, bytes, (size_t)n);
		total += n > 0 ? (size_t)n : 0;
	}
	return err;
}

int redis_ask(struct redis *r, const struct str *args, size_t n, redisReply **ret_reply, struct errtext *why)
{
	redisReply *reply;
	int err;

	redis_add(r, args, n);
	err = redis_reply(r, &reply, why);
	if (!err && reply->type == REDIS_REPLY_ERROR) {
		errtext_set(why, STR_FMT ": %.*s", STR_ARG(args[0]), (int)reply->len, reply->str);
		freeReplyObject(reply);
		err = ERR_UPSTREAM;
	}
	if (!err)
		*ret_reply = reply;
	return err;
}
