/* Three habits keep libcurl cheap. Easy handles are pooled together with all that a transfer needs, and
 * options that stay the same are set once. URLs are parsed once and shared (CURLOPT_CURLU); CURLOPT_URL is
 * set beside it because libcurl takes the address of a retry from there. Sockets stay in
 * the event loop between calls (http_sockets.h). Deadlines are the loop's timers, not libcurl's, whose tree is
 * slower. */
#include "common/http_client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/gzip.h"
#include "common/http_address.h"
#include "common/http_lanes.h"
#include "common/http_trust.h"
#include "common/http_url.h"
#include "common/mem.h"

enum {
	DEFAULT_MAX_OPEN = 20000,
	DEFAULT_LANES = 32,
	DEFAULT_IDLE_CONNECTIONS = 8000,
	DEFAULT_REPLY_BYTES = 1 << 20,
	MAX_TIMEOUT_MS = 120000,
	MAX_REDIRECTS = 5,
	MAX_HEADER_BYTES = 65536, /* of a request, all together */
	MAX_POOLED = 4096,
	KEEP_REPLY_BYTES = 16384, /* of a pooled transfer's reply buffer */
	RECEIVE_BUFFER = 2047,
	DNS_CACHE_SECONDS = 60,
	/* A name to which no connection comes about is looked up again, not more often than so; one that is connected to may
	 * only be slow, and is looked up again after so many calls in a row without an answer. */
	UNREACHED_LOOK_UP_MS = 1000,
	SILENT_CALLS = 3,
	SILENT_LOOK_UP_MS = 10000,
};

struct http_transfer {
	struct http_client *client;
	CURL *easy;
	struct http_lane *lane;
	struct http_call *call;
	struct http_url *url;
	struct loop_timer deadline;
	struct buf reply;
	struct buf gzipped;     /* the request's body */
	struct buf header_text; /* the request's headers and the list nodes that libcurl walks */
	size_t max_reply_bytes;
	bool over_limit, head_ended, deny_private, denied;
	bool was_public; /* the address of the request before */
	/* what the easy handle's options say at present */
	bool set_follow, set_judge, set_tls, set_fresh;
	const char *set_method;
	char error_text[CURL_ERROR_SIZE];
	struct http_transfer *next, *prev; /* the pool, or the open ones */
};

struct http_client {
	struct loop *loop;
	struct http_client_options opt;
	size_t n_open, n_pooled;
	struct http_lanes lanes;
	struct http_trust *trust; /* NULL when nobody is verified */
	CURLSH *share;            /* DNS answers and TLS sessions, across lanes */
	struct http_transfer *open, *pool;
	struct http_url_cache urls;
};

/* --- sockets --- */

/* Whoever answered chose where a redirect leads. */
static bool is_redirected(const struct http_transfer *t)
{
	long n = 0;

	return curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_COUNT, &n) == CURLE_OK && n > 0;
}

static bool is_private(const struct http_transfer *t, const struct sockaddr *sa)
{
	const struct http_client_options *opt = &t->client->opt;

	return (opt->is_private ? opt->is_private : http_address_is_private)(sa);
}

static bool is_denied(struct http_transfer *t, const struct sockaddr *sa)
{
	if (!t->deny_private && !(t->was_public && is_redirected(t)))
		return false;
	t->denied = is_private(t, sa);
	return t->denied;
}

static curl_socket_t on_open_socket(void *userp, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_transfer *t = userp;
	int fd;

	(void)purpose;
	if (is_denied(t, &address->addr))
		return CURL_SOCKET_BAD;
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	http_sockets_opened(&t->client->lanes.sockets, fd);
	return fd;
}

static int on_close_socket(void *userp, curl_socket_t fd)
{
	struct http_client *c = userp;

	http_sockets_closing(&c->lanes.sockets, fd);
	return close(fd);
}

/* Connected, nothing sent. A connection that another call opened may lead to a private address too. */
static int on_connected(void *userp, char *remote_ip, char *local_ip, int remote_port, int local_port)
{
	struct http_transfer *t = userp;
	struct sockaddr_storage remote;

	(void)local_ip;
	(void)remote_port;
	(void)local_port;
	http_address_read(str_of(remote_ip), &remote);
	if (is_denied(t, (const struct sockaddr *)&remote))
		return CURL_PREREQFUNC_ABORT;
	t->was_public = !is_private(t, (const struct sockaddr *)&remote);
	return CURL_PREREQFUNC_OK;
}

/* --- transfers --- */

static size_t on_body(char *p, size_t size, size_t n, void *userp)
{
	struct http_transfer *t = userp;

	(void)size;
	if (n > t->max_reply_bytes - t->reply.n || !buf_add(&t->reply, p, n)) {
		t->over_limit = true;
		return 0;
	}
	return n;
}

/* libcurl takes a connection that ends within the head for a complete reply; the blank line tells. */
static size_t on_head_line(char *p, size_t size, size_t n, void *userp)
{
	struct http_transfer *t = userp;

	(void)size;
	t->head_ended = n > 0 && (p[0] == '\r' || p[0] == '\n');
	return n;
}

static CURLcode on_tls_context(CURL *easy, void *ssl_ctx, void *userp)
{
	struct http_client *c = userp;

	(void)easy;
	http_trust_apply(c->trust, ssl_ctx);
	return CURLE_OK;
}

static void set_constant_options(struct http_transfer *t)
{
	const struct http_client_options *opt = &t->client->opt;
	CURL *e = t->easy;

	curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error_text);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_head_line);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
	curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, t->client);
	curl_easy_setopt(e, CURLOPT_PREREQDATA, t);
	curl_easy_setopt(e, CURLOPT_SHARE, t->client->share);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_NOPROGRESS, 1L);
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L); /* do not wait for a name lookup's thread on cancel */
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_MAXREDIRS, (long)MAX_REDIRECTS);
	curl_easy_setopt(e, CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER);
	curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
	curl_easy_setopt(e, CURLOPT_DNS_CACHE_TIMEOUT, (long)DNS_CACHE_SECONDS);
	curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip");
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, opt->verify_tls ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, opt->verify_tls ? 2L : 0L);
	/* libcurl would read the whole bundle once for every lane */
	curl_easy_setopt(e, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	if (t->client->trust) {
		curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, on_tls_context);
		curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, t->client);
	}
	if (opt->user_agent)
		curl_easy_setopt(e, CURLOPT_USERAGENT, opt->user_agent);
}

static void transfer_free(struct http_transfer *t)
{
	if (t->easy)
		curl_easy_cleanup(t->easy);
	http_url_unref(t->url);
	buf_deinit(&t->reply);
	buf_deinit(&t->gzipped);
	buf_deinit(&t->header_text);
	free(t);
}

static struct http_transfer *transfer_get(struct http_client *c)
{
	struct http_transfer *t = c->pool;

	if (t) {
		c->pool = t->next;
		c->n_pooled--;
		return t;
	}
	t = xcalloc(1, sizeof *t);
	t->client = c;
	t->easy = curl_easy_init();
	if (!t->easy)
		abort(); /* out of memory, as elsewhere */
	set_constant_options(t);
	return t;
}

static void transfer_put(struct http_transfer *t)
{
	struct http_client *c = t->client;

	buf_deinit(&t->gzipped);
	if (t->reply.cap > KEEP_REPLY_BYTES)
		buf_deinit(&t->reply);
	buf_clear(&t->reply);
	if (c->n_pooled == MAX_POOLED) {
		transfer_free(t);
		return;
	}
	t->next = c->pool;
	c->pool = t;
	c->n_pooled++;
}

static void transfer_link(struct http_transfer *t)
{
	struct http_client *c = t->client;

	t->prev = NULL;
	t->next = c->open;
	if (c->open)
		c->open->prev = t;
	c->open = t;
	c->n_open++;
}

/* Takes the transfer out of libcurl's hands, and the call out of the transfer's. */
static struct http_call *transfer_detach(struct http_transfer *t)
{
	struct http_client *c = t->client;
	struct http_call *call = t->call;

	http_lane_remove(t->lane, t->easy);
	loop_timer_cancel(c->loop, &t->deadline);
	if (t->prev)
		t->prev->next = t->next;
	else
		c->open = t->next;
	if (t->next)
		t->next->prev = t->prev;
	c->n_open--;
	t->call = NULL;
	call->transfer = NULL;
	return call;
}

static int error_of(const struct http_transfer *t, CURLcode code)
{
	if (t->over_limit)
		return ERR_LIMIT;
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT: return ERR_TIMEOUT;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT: return ERR_UNREACHABLE;
	case CURLE_FILESIZE_EXCEEDED: return ERR_LIMIT;
	default: return ERR_UPSTREAM;
	}
}

static void socket_keep(struct http_transfer *t)
{
	curl_socket_t fd = CURL_SOCKET_BAD;

	if (curl_easy_getinfo(t->easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK && fd != CURL_SOCKET_BAD)
		http_sockets_replied(&t->client->lanes.sockets, fd);
}

/* The call whose `done` is running: it may ask for its reply's headers, but has no transfer any more. */
static _Thread_local struct {
	const struct http_call *call;
	CURL *easy;
} delivering;

static uint64_t time_of(struct http_transfer *t, CURLINFO what)
{
	curl_off_t us = 0;

	curl_easy_getinfo(t->easy, what, &us);
	return us > 0 ? (uint64_t)us : 0;
}

static uint64_t since(uint64_t earlier, uint64_t later)
{
	return later > earlier ? later - earlier : 0;
}

/* libcurl counts all of them from the start of the call. */
static void read_times(struct http_transfer *t, struct http_call_reply *r)
{
	uint64_t connected = time_of(t, CURLINFO_CONNECT_TIME_T), ready = connected;

	if (t->url->tls) {
		ready = time_of(t, CURLINFO_APPCONNECT_TIME_T);
		r->tls_us = since(connected, ready);
	}
	r->lookup_us = time_of(t, CURLINFO_NAMELOOKUP_TIME_T);
	r->connect_us = ready;
	r->first_byte_us =
		since(time_of(t, CURLINFO_PRETRANSFER_TIME_T), time_of(t, CURLINFO_STARTTRANSFER_TIME_T));
	r->total_us = time_of(t, CURLINFO_TOTAL_TIME_T);
}

/* Whoever does not answer may have moved: a container that was replaced leaves nothing at its old address, not even what
 * would close its connections. */
static void note_answer(struct http_transfer *t, const struct http_call_reply *r)
{
	bool silent = (r->err == ERR_TIMEOUT || r->err == ERR_UNREACHABLE) && r->first_byte_us == 0;

	t->url->unanswered = silent ? t->url->unanswered + 1 : 0;
	t->url->unreached = silent && time_of(t, CURLINFO_PRETRANSFER_TIME_T) == 0;
}

static void finish(struct http_transfer *t, int err, const char *error_text)
{
	struct http_call_reply reply = { .err = err, .body = buf_str(&t->reply), .error_text = error_text };
	long status = 0, connects = 0;
	struct http_call *call;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connects);
	reply.status = (int)status;
	reply.reused_connection = connects == 0;
	read_times(t, &reply);
	note_answer(t, &reply);
	if (err == 0 && connects > 0)
		socket_keep(t);
	call = transfer_detach(t);
	delivering.call = call;
	delivering.easy = t->easy;
	call->done(call, &reply);
	/* *call may be gone, or under way again with another transfer */
	delivering.call = NULL;
	transfer_put(t);
}

static void on_deadline(struct loop_timer *timer)
{
	finish(container_of(timer, struct http_transfer, deadline), ERR_TIMEOUT, "deadline passed");
}

static void on_done(CURL *easy, CURLcode code)
{
	struct http_transfer *t;
	char *p;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &p);
	t = (struct http_transfer *)(void *)p;
	if (code == CURLE_OK && t->head_ended)
		finish(t, 0, NULL);
	else if (code == CURLE_OK)
		finish(t, ERR_UPSTREAM, "connection closed in the middle of the reply's head");
	else if (t->denied)
		finish(t, ERR_DENIED, "a private address, which outsiders must not choose");
	else
		finish(t, error_of(t, code), *t->error_text ? t->error_text : curl_easy_strerror(code));
}

/* --- starting --- */

static bool header_is_sound(const struct http_header *h)
{
	for (size_t i = 0; i < h->name.n; i++)
		if ((unsigned char)h->name.p[i] <= ' ' || h->name.p[i] == ':' || h->name.p[i] == 0x7f)
			return false;
	for (size_t i = 0; i < h->value.n; i++)
		if (h->value.p[i] == '\r' || h->value.p[i] == '\n' || h->value.p[i] == '\0')
			return false;
	return h->name.n > 0;
}

/* What libcurl would add by itself; "Name:" alone tells it not to. */
static const char *const unwanted[] = { "Content-Type", "Expect", "Accept" };

static bool is_given(const struct http_call_request *req, const char *name)
{
	for (size_t i = 0; i < req->n_headers; i++)
		if (str_eq_nocase(req->headers[i].name, str_of(name)))
			return true;
	return false;
}

/* Lays the list nodes and their texts into one block, which libcurl only reads. */
static struct curl_slist *headers_lay(struct http_transfer *t, const struct http_call_request *req)
{
	size_t n_nodes = req->n_headers + ARRAY_LEN(unwanted) + 1,
	       n_bytes = n_nodes * sizeof(struct curl_slist);
	struct curl_slist *node, *first;
	size_t used = 0;
	char *p;

	for (size_t i = 0; i < req->n_headers; i++)
		n_bytes += req->headers[i].name.n + req->headers[i].value.n + 3;
	n_bytes += 64 + 32;
	t->header_text.max_bytes = MAX_HEADER_BYTES;
	buf_clear(&t->header_text);
	if (!buf_reserve(&t->header_text, n_bytes))
		return NULL;
	first = node = (struct curl_slist *)(void *)t->header_text.p;
	p = (char *)(node + n_nodes);
	for (size_t i = 0; i < req->n_headers; i++) {
		const struct http_header *h = &req->headers[i];

		if (!header_is_sound(h))
			return NULL;
		node[used++].data = p;
		p = mempcpy(p, h->name.p, h->name.n);
		p = mempcpy(p, h->value.n ? ": " : ";", h->value.n ? 2 : 1);
		p = h->value.n ? mempcpy(p, h->value.p, h->value.n) : p;
		*p++ = '\0';
	}
	for (size_t i = 0; i < ARRAY_LEN(unwanted); i++) {
		if (is_given(req, unwanted[i]))
			continue;
		node[used++].data = p;
		p = stpcpy(stpcpy(p, unwanted[i]), ":") + 1;
	}
	if (req->gzip)
		node[used++].data = strcpy(p, "Content-Encoding: gzip");
	for (size_t i = 0; i < used; i++)
		node[i].next = i + 1 < used ? &node[i + 1] : NULL;
	return first;
}

static void set_method(struct http_transfer *t, const char *method, struct str body)
{
	CURL *e = t->easy;
	bool has_body = body.n > 0 || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;

	if (!t->set_method || strcmp(t->set_method, method) != 0 || !has_body) {
		curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, NULL);
		if (strcmp(method, "HEAD") == 0)
			curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
		else
			curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
		if (strcmp(method, has_body ? "POST" : "GET") != 0)
			curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, method);
	}
	t->set_method = has_body ? method : NULL;
	if (has_body) {
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, body.p ? body.p : "");
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
	}
}

static void set_url(struct http_transfer *t, struct http_url *u)
{
	if (t->url == u) {
		http_url_unref(u);
		return;
	}
	http_url_unref(t->url);
	t->url = u;
	curl_easy_setopt(t->easy, CURLOPT_URL, u->text);
	curl_easy_setopt(t->easy, CURLOPT_CURLU, u->parsed);
	if (t->set_tls == u->tls)
		return;
	/* In the clear nothing can be multiplexed, and waiting for a connection to tell would only cost time.
	 */
	curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION,
			 (long)(u->tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
	curl_easy_setopt(t->easy, CURLOPT_PIPEWAIT, u->tls ? 1L : 0L);
	t->set_tls = u->tls;
}

static void set_policy(struct http_transfer *t, const struct http_call_request *req)
{
	bool open = t->client->opt.allow_private_addresses;
	bool judge = !open && (req->deny_private_addresses || req->follow_redirects);

	t->deny_private = !open && req->deny_private_addresses;
	t->was_public = false;
	if (t->set_follow != req->follow_redirects)
		curl_easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION, req->follow_redirects ? 1L : 0L);
	if (t->set_judge != judge)
		curl_easy_setopt(t->easy, CURLOPT_PREREQFUNCTION, judge ? on_connected : NULL);
	t->set_follow = req->follow_redirects;
	t->set_judge = judge;
}

static bool look_up_is_due(const struct http_url *u, uint64_t now)
{
	if (!u->unreached && u->unanswered < SILENT_CALLS)
		return false;
	return now - u->looked_up_ms >= (u->unreached ? UNREACHED_LOOK_UP_MS : SILENT_LOOK_UP_MS);
}

/* A new connection to wherever the name leads now. */
static void set_look_up(struct http_transfer *t)
{
	struct http_url *u = t->url;
	uint64_t now = loop_now_ms(t->client->loop);
	bool fresh = look_up_is_due(u, now);

	if (!fresh && !t->set_fresh)
		return;
	curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
	curl_easy_setopt(t->easy, CURLOPT_RESOLVE, fresh ? &u->forget : NULL);
	if (fresh)
		u->looked_up_ms = now;
	t->set_fresh = fresh;
}

/* Everything that can fail, and everything that differs from call to call. */
static int transfer_prepare(struct http_transfer *t, const struct http_call_request *req)
{
	struct str body = req->body;
	struct curl_slist *headers = headers_lay(t, req);

	if (!headers)
		return ERR_INPUT;
	if (req->gzip) {
		buf_init(&t->gzipped, body.n + 1024);
		if (gzip_compress(body, &t->gzipped) < 0)
			return ERR_INTERNAL;
		body = buf_str(&t->gzipped);
	}
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, headers);
	set_method(t, req->method, body);
	set_policy(t, req);
	set_look_up(t);
	t->max_reply_bytes = req->max_reply_bytes ? req->max_reply_bytes : DEFAULT_REPLY_BYTES;
	t->reply.max_bytes = t->max_reply_bytes;
	buf_clear(&t->reply);
	t->over_limit = t->head_ended = t->denied = false;
	t->error_text[0] = '\0';
	return 0;
}

int http_client_start(struct http_client *c, struct http_call *call, const struct http_call_request *req)
{
	struct http_transfer *t;
	struct http_url *u;
	int err;

	call->transfer = NULL;
	if (c->n_open >= c->opt.max_open)
		return ERR_LIMIT;
	if (req->timeout_ms < 1 || req->timeout_ms > MAX_TIMEOUT_MS)
		return ERR_INPUT;
	u = http_url_get(&c->urls, req->url);
	if (!u)
		return ERR_INPUT;
	if (req->deny_private_addresses && !c->opt.allow_private_addresses && u->private_literal) {
		http_url_unref(u);
		return ERR_DENIED;
	}
	t = transfer_get(c);
	set_url(t, u);
	err = transfer_prepare(t, req);
	if (err == 0) {
		t->lane = http_lane_for(&c->lanes, req->affinity ? req->affinity : u->host_hash);
		err = http_lane_add(t->lane, t->easy);
	}
	if (err < 0) {
		transfer_put(t);
		return err;
	}
	t->call = call;
	call->transfer = t;
	transfer_link(t);
	loop_timer_start(c->loop, &t->deadline, req->timeout_ms, on_deadline);
	return 0;
}

void http_client_cancel(struct http_client *c, struct http_call *call)
{
	struct http_transfer *t = call->transfer;

	(void)c;
	if (!t)
		return;
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): detaching takes it off the list before it can be freed */
	(void)transfer_detach(t);
	transfer_put(t);
}

size_t http_client_open_calls(const struct http_client *c)
{
	return c->n_open;
}

struct str http_call_reply_header(const struct http_call *call, const char *name)
{
	struct curl_header *h;

	if (delivering.call != call ||
	    curl_easy_header(delivering.easy, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
		return STR("");
	return str_of(h->value);
}

/* --- the client --- */

static void curl_init_once(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
}

struct http_client *http_client_new(struct loop *loop, const struct http_client_options *opt)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct http_client *c = xcalloc(1, sizeof *c);

	pthread_once(&once, curl_init_once);
	c->loop = loop;
	c->opt = *opt;
	if (!c->opt.max_open)
		c->opt.max_open = DEFAULT_MAX_OPEN;
	if (!c->opt.max_idle_connections)
		c->opt.max_idle_connections = DEFAULT_IDLE_CONNECTIONS;
	if (opt->verify_tls && !(c->trust = http_trust_load(opt->ca_file))) {
		free(c);
		return NULL;
	}
	c->share = curl_share_init();
	if (!c->share)
		abort();
	curl_share_setopt(c->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
	curl_share_setopt(c->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
	http_lanes_init(&c->lanes, loop, opt->multis ? opt->multis : DEFAULT_LANES,
			c->opt.max_idle_connections, on_done);
	return c;
}

void http_client_free(struct http_client *c)
{
	if (!c)
		return;
	while (c->open)
		http_client_cancel(c, c->open->call);
	for (struct http_transfer *t = c->pool, *next; t; t = next) {
		next = t->next;
		transfer_free(t);
	}
	http_lanes_deinit(&c->lanes);
	curl_share_cleanup(c->share);
	http_trust_free(c->trust);
	http_url_cache_deinit(&c->urls);
	free(c);
}
