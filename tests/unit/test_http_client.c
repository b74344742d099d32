#include "common/http_client.h"

#include "common/err.h"
#include "common/gzip.h"
#include "common/http_address.h"
#include "common/mem.h"
#include "tests/http_check.h"

/* --- an upstream that does exactly what a test says, bytes and all --- */

struct peer { /* one accepted connection */
	struct loop_fd watch;
	struct buf in;
	size_t n_requests;
	bool open;
};

enum { MAX_PEERS = 2000 };

static struct loop *loop;
static struct http_client *client;
static struct loop_fd listener;
static uint16_t port;
static struct peer peers[MAX_PEERS];
static size_t n_peers, n_requests;
static struct str answer; /* sent for every whole request; p NULL = nothing */
static bool close_after;  /* the answer */
static bool reset_after;  /* likewise, with a RST */
static bool close_first;  /* drop each connection at its second request, unanswered */
static char last_request[4096];
static size_t last_request_n;

static void peer_close(struct peer *p, bool reset)
{
	struct linger l = { 1, 0 };

	if (!p->open)
		return;
	p->open = false;
	if (reset)
		setsockopt(p->watch.fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
	loop_fd_del(loop, &p->watch);
	close(p->watch.fd);
	buf_deinit(&p->in);
}

/* Length of the first whole request in the buffer, 0 when there is none. */
static size_t whole_request(const struct buf *b)
{
	const char *end = b->n ? memmem(b->p, b->n, "\r\n\r\n", 4) : NULL;
	const char *length;
	size_t n;

	if (!end)
		return 0;
	n = (size_t)(end - b->p) + 4;
	length = memmem(b->p, n, "Content-Length: ", 16);
	if (length)
		n += strtoul(length + 16, NULL, 10);
	return b->n >= n ? n : 0;
}

static void on_peer(struct loop_fd *w, unsigned events)
{
	struct peer *p = container_of(w, struct peer, watch);
	size_t n;

	(void)events;
	if (!raw_receive(w->fd, &p->in)) {
		peer_close(p, false);
		return;
	}
	while (p->open && (n = whole_request(&p->in))) {
		p->n_requests++;
		n_requests++;
		last_request_n = n < sizeof last_request ? n : sizeof last_request;
		memcpy(last_request, p->in.p, last_request_n);
		memmove(p->in.p, p->in.p + n, p->in.n - n);
		p->in.n -= n;
		if (close_first && p->n_requests > 1) {
			peer_close(p, false);
			return;
		}
		if (answer.p)
			raw_send(w->fd, answer);
		if (answer.p && (close_after || reset_after))
			peer_close(p, reset_after);
	}
}

static void on_accept(struct loop_fd *w, unsigned events)
{
	int fd;

	(void)events;
	while ((fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct peer *p = &peers[n_peers++];

		CHECK("room for a peer", n_peers < MAX_PEERS);
		*p = (struct peer){ .open = true };
		buf_init(&p->in, 1 << 20);
		CHECK("watch", loop_fd_add(loop, &p->watch, fd, LOOP_READ, on_peer) == 0);
	}
}

static int setup_with(struct http_client_options opt)
{
	int fd;

	loop = loop_new();
	fd = raw_listen(&port);
	listener = (struct loop_fd){ 0 };
	CHECK("watch", loop_fd_add(loop, &listener, fd, LOOP_READ, on_accept) == 0);
	client = http_client_new(loop, &opt);
	n_peers = n_requests = 0;
	answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
	close_after = reset_after = close_first = false;
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return setup_with((struct http_client_options){ 0 });
}

static int teardown(void **state)
{
	(void)state;
	CHECK("no call is left open", http_client_open_calls(client) == 0);
	http_client_free(client);
	for (size_t i = 0; i < n_peers; i++)
		peer_close(&peers[i], false);
	loop_fd_del(loop, &listener);
	close(listener.fd);
	loop_free(loop);
	return 0;
}

/* --- calls --- */

struct outcome {
	struct http_call call;
	int n_done, err, status;
	struct buf body;
	char text[300], header[100];
	bool reused;
	uint64_t total_us;
};

static void on_done(struct http_call *call, const struct http_call_reply *reply)
{
	struct outcome *o = (struct outcome *)call;

	o->n_done++;
	o->err = reply->err;
	o->status = reply->status;
	o->reused = reply->reused_connection;
	o->total_us = reply->total_us;
	snprintf(o->text, sizeof o->text, "%s", reply->error_text ? reply->error_text : "");
	snprintf(o->header, sizeof o->header, STR_FMT, STR_ARG(http_call_reply_header(call, "x-test")));
	buf_init(&o->body, 1 << 24);
	buf_add_str(&o->body, reply->body);
}

static const char *url_to(const char *path)
{
	static char url[4][300];
	static int i;

	i = (i + 1) % 4;
	snprintf(url[i], sizeof url[i], "http://127.0.0.1:%d%s", port, path);
	return url[i];
}

static struct http_call_request post(const char *path)
{
	return (struct http_call_request){
		.method = "POST", .url = url_to(path), .body = STR("{\"id\":1}"), .timeout_ms = 10000
	};
}

static struct outcome call(const char *why, struct http_call_request req)
{
	struct outcome o = { .call.done = on_done };
	int err = http_client_start(client, &o.call, &req);

	if (err < 0)
		fail_msg("%s: start gives %s", why, err_name(err));
	CHECK("done is never called inside start", o.n_done == 0);
	TURN_UNTIL(why, loop, o.n_done > 0);
	CHECK("the call has no transfer any more", o.call.transfer == NULL);
	http_client_cancel(client, &o.call); /* is harmless now */
	for (int i = 0; i < 3; i++)
		loop_turn(loop, 0);
	CHECK("done comes once", o.n_done == 1);
	return o;
}

static void expect(const char *why, struct http_call_request req, int err, int status, const char *body)
{
	struct outcome o = call(why, req);

	if (o.err != err)
		fail_msg("%s: %s (%s), want %s", why, err_name(o.err), o.text, err_name(err));
	if (status >= 0)
		CHECK(why, o.status == status);
	if (body)
		CHECK_STR(why, buf_str(&o.body), body);
	CHECK("an error has a text", err == 0 || o.text[0]);
	buf_deinit(&o.body);
}

static bool request_has(const char *text)
{
	return memmem(last_request, last_request_n, text, strlen(text)) != NULL;
}

/* --- tests --- */

static void what_is_sent(void **state)
{
	struct http_header headers[] = { { STR("Content-Type"), STR("application/json;charset=utf-8") },
					 { STR("X-Empty"), STR("") } };
	struct http_call_request req = post("/bid?x=1");

	(void)state;
	expect("bare", req, 0, 200, "{}");
	CHECK("request line",
	      str_starts((struct str){ last_request, last_request_n }, STR("POST /bid?x=1 HTTP/1.1\r\n")));
	CHECK("body", request_has("\r\n\r\n{\"id\":1}"));
	CHECK("length", request_has("Content-Length: 8\r\n"));
	CHECK("gzip is welcome", request_has("Accept-Encoding: gzip\r\n"));
	CHECK("no form type", !request_has("Content-Type"));
	CHECK("no waiting for permission", !request_has("Expect"));
	CHECK("nothing about the agent", !request_has("User-Agent"));
	CHECK("nor what it accepts", !request_has("Accept:"));
	req.headers = headers;
	req.n_headers = 2;
	expect("with headers", req, 0, 200, "{}");
	CHECK("given type", request_has("\r\nContent-Type: application/json;charset=utf-8\r\n"));
	CHECK("empty header", request_has("\r\nX-Empty:\r\n"));
	req = post("/get");
	req.method = "GET";
	req.body = STR("");
	expect("GET", req, 0, 200, "{}");
	CHECK("GET without a body",
	      str_starts((struct str){ last_request, last_request_n }, STR("GET /get ")) &&
		      !request_has("Content-Length"));
	req = post("/put");
	req.method = "PUT";
	expect("PUT", req, 0, 200, "{}");
	CHECK("PUT", str_starts((struct str){ last_request, last_request_n }, STR("PUT /put ")) &&
			     request_has("{\"id\":1}"));
	req.method = "DELETE";
	req.body = STR("");
	expect("DELETE", req, 0, 200, "{}");
	CHECK("DELETE", str_starts((struct str){ last_request, last_request_n }, STR("DELETE /put ")));
	req = post("/again");
	req.body = STR("");
	expect("POST after all these, without a body", req, 0, 200, "{}");
	CHECK("POST", str_starts((struct str){ last_request, last_request_n }, STR("POST /again ")) &&
			      request_has("Content-Length: 0\r\n"));
	CHECK("all over one connection", n_peers == 1);
}

static void reuse_is_counted(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		struct outcome o = call("again", post("/x"));

		CHECK("only the first connects", o.reused == (i > 0));
		CHECK("time is told", o.total_us > 0);
		buf_deinit(&o.body);
	}
	CHECK("one connection", n_peers == 1);
	CHECK("ten requests", n_requests == 10);
}

static void replies(void **state)
{
	static const struct {
		const char *why, *answer;
		bool close, reset;
		int err, status;
		const char *body;
	} rows[] = {
		{ "no content", "HTTP/1.1 204 No Content\r\n\r\n", false, false, 0, 204, "" },
		{ "an error is a reply too", "HTTP/1.1 500 X\r\nContent-Length: 3\r\n\r\nbad", false, false,
		  0, 500, "bad" },
		{ "chunked",
		  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
		  false, false, 0, 200, "abc" },
		{ "until it closes", "HTTP/1.1 200 OK\r\n\r\nabc", true, false, 0, 200, "abc" },
		{ "interim reply first",
		  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", false, false,
		  0, 200, "x" },
		{ "closed without a word", "", true, false, ERR_UPSTREAM, -1, NULL },
		{ "reset without a word", "", false, true, ERR_UPSTREAM, -1, NULL },
		{ "half a head", "HTTP/1.1 200 OK\r\nContent-Le", true, false, ERR_UPSTREAM, -1, NULL },
		{ "half a body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", true, false,
		  ERR_UPSTREAM, -1, NULL },
		{ "half a body, then reset", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", false, true,
		  ERR_UPSTREAM, -1, NULL },
		{ "half a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc", true,
		  false, ERR_UPSTREAM, -1, NULL },
		{ "not HTTP", "SSH-2.0-OpenSSH_9.2\r\n", true, false, ERR_UPSTREAM, -1, NULL },
		{ "broken gzip", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
		  false, false, ERR_UPSTREAM, -1, NULL },
		{ "broken length", "HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\nabc", true, false,
		  ERR_UPSTREAM, -1, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		answer = str_of(rows[i].answer);
		close_after = rows[i].close;
		reset_after = rows[i].reset;
		expect(rows[i].why, post("/x"), rows[i].err, rows[i].status, rows[i].body);
	}
}

static void reply_headers(void **state)
{
	struct outcome o;

	(void)state;
	answer = STR("HTTP/1.1 200 OK\r\nX-Test: hello\r\nContent-Length: 0\r\n\r\n");
	o = call("header", post("/x"));
	CHECK_STR("found, whatever its letter case", str_of(o.header), "hello");
	buf_deinit(&o.body);
	answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	o = call("no header", post("/x"));
	CHECK_STR("not left over from the last call", str_of(o.header), "");
	CHECK("outside of done there are none", http_call_reply_header(&o.call, "x-test").n == 0);
	buf_deinit(&o.body);
}

static void gzip_both_ways(void **state)
{
	static char reply[100000];
	struct http_call_request req = post("/x");
	struct buf packed, plain;
	struct outcome o;
	const char *at;
	int n;

	(void)state;
	buf_init(&packed, 10000);
	CHECK("compress", gzip_compress(STR("a packed reply"), &packed) == 0);
	n = snprintf(reply, sizeof reply,
		     "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", packed.n);
	memcpy(reply + n, packed.p, packed.n);
	answer = (struct str){ reply, (size_t)n + packed.n };
	req.gzip = true;
	o = call("gzip", req);
	CHECK("fine", o.err == 0);
	CHECK_STR("unpacked", buf_str(&o.body), "a packed reply");
	CHECK("said so", request_has("Content-Encoding: gzip\r\n"));
	buf_init(&plain, 1000);
	at = memmem(last_request, last_request_n, "\r\n\r\n", 4);
	CHECK("packed",
	      gzip_decompress((struct str){ at + 4, (size_t)(last_request + last_request_n - at - 4) },
			      &plain) == 0);
	CHECK_STR("same bytes", buf_str(&plain), "{\"id\":1}");
	buf_deinit(&plain);
	buf_deinit(&o.body);
	buf_deinit(&packed);
	req.gzip = false;
	o = call("plain again", req);
	CHECK("does not say so", !request_has("Content-Encoding"));
	buf_deinit(&o.body);
}

static void too_large(void **state)
{
	struct http_call_request req = post("/x");
	struct buf plain, packed;
	static char reply[100000];
	int n;

	(void)state;
	req.max_reply_bytes = 5;
	answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n01234");
	expect("exactly the cap", req, 0, 200, "01234");
	answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n012345");
	expect("one more", req, ERR_LIMIT, -1, NULL);
	answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n012345");
	expect("an announced 100 GB", req, ERR_LIMIT, -1, NULL);
	answer = STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n4\r\n0123\r\n");
	expect("chunk by chunk", req, ERR_LIMIT, -1, NULL);
	buf_init(&plain, 1 << 20);
	buf_init(&packed, 1 << 16);
	for (int i = 0; i < 1 << 20; i++)
		buf_add_c(&plain, ' ');
	CHECK("compress", gzip_compress(buf_str(&plain), &packed) == 0);
	n = snprintf(reply, sizeof reply,
		     "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", packed.n);
	memcpy(reply + n, packed.p, packed.n);
	answer = (struct str){ reply, (size_t)n + packed.n };
	req.max_reply_bytes = 100000;
	expect("a gzip bomb", req, ERR_LIMIT, -1, NULL);
	buf_deinit(&plain);
	buf_deinit(&packed);
	answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
	expect("the next call is fine", post("/x"), 0, 200, "{}");
}

static void unreachable(void **state)
{
	struct http_call_request req = post("/x");
	uint16_t dead;
	char url[100];

	(void)state;
	close(raw_listen(&dead));
	snprintf(url, sizeof url, "http://127.0.0.1:%d/x", dead);
	req.url = url;
	expect("refused", req, ERR_UNREACHABLE, 0, "");
	req.url = "http://name.invalid/x";
	expect("no such name", req, ERR_UNREACHABLE, 0, "");
}

static void timeouts(void **state)
{
	static const struct {
		const char *why, *answer;
	} rows[] = {
		{ "no answer", NULL },
		{ "half a head", "HTTP/1.1 200 OK\r\n" },
		{ "half a body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_call_request req = post("/x");

		req.timeout_ms = 20;
		answer = rows[i].answer ? str_of(rows[i].answer) : (struct str){ NULL, 0 };
		expect(rows[i].why, req, ERR_TIMEOUT, -1, NULL);
	}
	answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
	expect("the next call gets its own answer", post("/x"), 0, 200, "{}");
}

static void bad_requests(void **state)
{
	static const struct {
		const char *why, *url;
		int err;
	} rows[] = {
		{ "no scheme the client speaks", "ftp://127.0.0.1/x", ERR_INPUT },
		{ "a file", "file:///etc/passwd", ERR_INPUT },
		{ "no host", "http://:80/x", ERR_INPUT },
		{ "no URL", "", ERR_INPUT },
		{ "relative", "/x", ERR_INPUT },
		{ "port out of range", "http://127.0.0.1:99999/", ERR_INPUT },
		{ "a blank in it", "http://127.0.0.1/a b", ERR_INPUT },
	};
	struct http_header evil = { STR("X-A"), STR("a\r\nX-B: c") };
	struct http_call_request req;
	struct outcome o = { .call.done = on_done };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		req = post("/x");
		req.url = rows[i].url;
		CHECK(rows[i].why, http_client_start(client, &o.call, &req) == rows[i].err);
	}
	req = post("/x");
	req.headers = &evil;
	req.n_headers = 1;
	CHECK("a header cannot smuggle another", http_client_start(client, &o.call, &req) == ERR_INPUT);
	req = post("/x");
	req.timeout_ms = 0;
	CHECK("no time", http_client_start(client, &o.call, &req) == ERR_INPUT);
	req.timeout_ms = 120001;
	CHECK("too much time", http_client_start(client, &o.call, &req) == ERR_INPUT);
	for (int i = 0; i < 3; i++)
		loop_turn(loop, 0);
	CHECK("none of them is done", o.n_done == 0);
}

static void limit_on_open_calls(void **state)
{
	struct outcome o[3] = { { .call.done = on_done },
				{ .call.done = on_done },
				{ .call.done = on_done } };
	struct http_call_request req = post("/x");

	(void)state;
	teardown(NULL);
	setup_with((struct http_client_options){ .max_open = 2, .multis = 1 });
	req.url = url_to("/x");
	CHECK("first", http_client_start(client, &o[0].call, &req) == 0);
	CHECK("second", http_client_start(client, &o[1].call, &req) == 0);
	CHECK("third", http_client_start(client, &o[2].call, &req) == ERR_LIMIT);
	http_client_cancel(client, &o[0].call);
	CHECK("there is room again", http_client_start(client, &o[2].call, &req) == 0);
	TURN_UNTIL("two are done", loop, o[1].n_done + o[2].n_done == 2);
	CHECK("not the cancelled one", o[0].n_done == 0);
	buf_deinit(&o[1].body);
	buf_deinit(&o[2].body);
}

/* Cancelled before anything happened, while connecting, after the request went out, in the middle of the
 * reply, and while waiting for a name. */
static void cancelling(void **state)
{
	struct outcome o = { .call.done = on_done }, lookup = { .call.done = on_done };
	struct http_call_request req = post("/x");
	int failed_before;

	(void)state;
	answer = (struct str){ NULL, 0 };
	CHECK("start", http_client_start(client, &o.call, &req) == 0);
	http_client_cancel(client, &o.call);
	http_client_cancel(client, &o.call);
	CHECK("closed at once", http_client_open_calls(client) == 0);

	CHECK("start", http_client_start(client, &o.call, &req) == 0);
	loop_turn(loop, 0);
	http_client_cancel(client, &o.call);

	CHECK("start", http_client_start(client, &o.call, &req) == 0);
	TURN_UNTIL("request is out", loop, n_requests > 0);
	http_client_cancel(client, &o.call);

	n_requests = 0;
	answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
	CHECK("start", http_client_start(client, &o.call, &req) == 0);
	TURN_UNTIL("half the reply is on its way", loop, n_requests > 0);
	loop_turn(loop, 0);
	http_client_cancel(client, &o.call);

	req.url = "http://name.invalid/x";
	CHECK("start", http_client_start(client, &lookup.call, &req) == 0);
	loop_turn(loop, 0);
	failed_before = lookup.n_done; /* the name may be known not to exist within that one turn */
	http_client_cancel(client, &lookup.call);

	for (int i = 0; i < 5; i++)
		loop_turn(loop, 1);
	CHECK("done never came", o.n_done == 0);
	CHECK("nor during or after a lookup that was cancelled", lookup.n_done == failed_before);
	CHECK("a lookup ends once", failed_before <= 1);
	CHECK("every call is closed", http_client_open_calls(client) == 0);
	answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
	expect("half-read connections are not used again", post("/x"), 0, 200, "{}");
}

struct chain { /* cancels its victim in its own `done` and starts over */
	struct http_call call;
	struct http_call *victim;
	int left;
};

static struct outcome chain_end;

static void on_chain(struct http_call *c, const struct http_call_reply *reply)
{
	struct chain *chain = (struct chain *)c;
	struct http_call_request req = post("/x");

	CHECK("fine", reply->err == 0);
	if (chain->victim)
		http_client_cancel(client, chain->victim);
	chain->victim = NULL;
	http_client_cancel(client, c); /* its own: nothing is left to cancel */
	if (chain->left-- > 0)
		CHECK("start inside done", http_client_start(client, c, &req) == 0);
	else
		chain_end.n_done = 1;
}

static void from_within_done(void **state)
{
	struct outcome victims[20];
	struct chain chains[20];
	struct http_call_request req = post("/x");
	int n = 0;

	(void)state;
	chain_end.n_done = 0;
	for (int i = 0; i < 20; i++) {
		victims[i] = (struct outcome){ .call.done = on_done };
		chains[i] = (struct chain){ .call.done = on_chain, .victim = &victims[i].call, .left = 3 };
		CHECK("start", http_client_start(client, &chains[i].call, &req) == 0);
		CHECK("start", http_client_start(client, &victims[i].call, &req) == 0);
	}
	TURN_UNTIL("all done", loop, http_client_open_calls(client) == 0);
	for (int i = 0; i < 20; i++) {
		CHECK("went on to its end", chains[i].left == -1);
		n += victims[i].n_done;
		if (victims[i].n_done)
			buf_deinit(&victims[i].body);
	}
	CHECK("at most once each", n <= 20);
}

static void thousand_at_once(void **state)
{
	enum { N = 1000 };
	static struct outcome o[N];
	struct http_call_request req = post("/x");

	(void)state;
	memset(o, 0, sizeof o);
	answer = (struct str){ NULL, 0 };
	for (int i = 0; i < N; i++) {
		o[i].call.done = on_done;
		CHECK("start", http_client_start(client, &o[i].call, &req) == 0);
	}
	CHECK("all open", http_client_open_calls(client) == N);
	TURN_UNTIL("all requests are out", loop, n_requests == N);
	CHECK("a connection each", n_peers == N);
	answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
	for (size_t i = 0; i < n_peers; i++)
		raw_send(peers[i].watch.fd, answer);
	TURN_UNTIL("all done", loop, http_client_open_calls(client) == 0);
	for (int i = 0; i < N; i++) {
		CHECK("well", o[i].n_done == 1 && o[i].err == 0 && o[i].status == 200);
		buf_deinit(&o[i].body);
		o[i].n_done = 0;
	}
	for (int i = 0; i < N; i++)
		CHECK("start", http_client_start(client, &o[i].call, &req) == 0);
	TURN_UNTIL("all done again", loop, http_client_open_calls(client) == 0);
	CHECK("over the same connections", n_peers == N);
	for (int i = 0; i < N; i++) {
		CHECK("reused", o[i].n_done == 1 && o[i].reused);
		buf_deinit(&o[i].body);
	}
}

/* Keep-alive's race: the peer closes the connection just as the next request is sent. That request is sent
 * again over a new one, and to its own address. */
static void retry_goes_to_the_right_address(void **state)
{
	(void)state;
	close_first = true;
	expect("first", post("/first"), 0, 200, "{}");
	expect("second", post("/second"), 0, 200, "{}");
	CHECK("sent again", n_peers == 2);
	CHECK("to its own address",
	      str_starts((struct str){ last_request, last_request_n }, STR("POST /second HTTP/1.1\r\n")));
	CHECK("with its own body", request_has("{\"id\":1}"));
}

static void closed_while_idle(void **state)
{
	(void)state;
	expect("first", post("/x"), 0, 200, "{}");
	peer_close(&peers[0], false);
	for (int i = 0; i < 3; i++)
		loop_turn(loop, 1);
	expect("second", post("/x"), 0, 200, "{}");
	CHECK("connected anew", n_peers == 2);
}

static void redirects(void **state)
{
	static char reply[300];
	struct http_call_request req = post("/from");

	(void)state;
	snprintf(reply, sizeof reply,
		 "HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:%d/to\r\nContent-Length: 0\r\n\r\n", port);
	answer = str_of(reply);
	expect("not followed unless asked for", req, 0, 307, "");
	req.follow_redirects = true;
	n_requests = 0;
	expect("a circle ends", req, ERR_UPSTREAM, -1, NULL);
	CHECK("after a few rounds", n_requests == 6);
	CHECK("at the other address", request_has("POST /to "));
	answer = STR("HTTP/1.1 302 Go\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n");
	expect("not to a file", req, ERR_UPSTREAM, -1, NULL);
}

static void private_addresses(void **state)
{
	struct http_call_request req = post("/x");
	struct outcome o = { .call.done = on_done };
	char url[100];

	(void)state;
	expect("allowed", req, 0, 200, "{}");
	req.deny_private_addresses = true;
	CHECK("a literal is refused at once", http_client_start(client, &o.call, &req) == ERR_DENIED);
	snprintf(url, sizeof url, "http://localhost:%d/x", port);
	req.url = url;
	expect("a name when it is resolved", req, ERR_DENIED, -1, NULL);
	CHECK("nobody was asked", n_requests == 1);
	req.deny_private_addresses = false;
	expect("allowed by name", req, 0, 200, "{}");
	req.deny_private_addresses = true;
	expect("not even over the connection that is there", req, ERR_DENIED, -1, NULL);
	CHECK("nobody was asked", n_requests == 2);
	req.deny_private_addresses = false;
	expect("the handle has not kept the rule", req, 0, 200, "{}");
}

static bool all_public(const struct sockaddr *sa)
{
	(void)sa;
	return false;
}

/* 127.0.0.1 alone is public. */
static bool only_one_public(const struct sockaddr *sa)
{
	return ((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr != htonl(INADDR_LOOPBACK);
}

/* Nobody listens at 127.0.0.2: whoever gets as far as connecting is told so. */
static void redirects_into_the_inside(void **state)
{
	static const struct {
		const char *why;
		bool (*is_private)(const struct sockaddr *sa);
		bool allow;
		int err;
	} rows[] = {
		{ "from a public address to a private one", only_one_public, false, ERR_DENIED },
		{ "where all is allowed", only_one_public, true, ERR_UNREACHABLE },
		{ "from a private address to a private one", NULL, false, ERR_UNREACHABLE },
		{ "from a public address to a public one", all_public, false, ERR_UNREACHABLE },
	};
	static char reply[300];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_call_request req;

		(void)teardown(NULL);
		setup_with((struct http_client_options){ .is_private = rows[i].is_private,
							 .allow_private_addresses = rows[i].allow });
		snprintf(reply, sizeof reply,
			 "HTTP/1.1 307 Go\r\nLocation: http://127.0.0.2:%d/to\r\nContent-Length: 0\r\n\r\n",
			 port);
		answer = str_of(reply);
		req = post("/from");
		req.follow_redirects = true;
		expect(rows[i].why, req, rows[i].err, -1, NULL);
		CHECK("asked once", n_requests == 1);
	}
}

static void address_ranges(void **state)
{
	static const struct {
		const char *host;
		bool want;
	} rows[] = {
		{ "127.0.0.1", true },
		{ "127.255.0.1", true },
		{ "10.1.2.3", true },
		{ "172.16.0.1", true },
		{ "172.32.0.1", false },
		{ "192.168.1.1", true },
		{ "169.254.169.254", true },
		{ "100.64.0.1", true },
		{ "100.128.0.1", false },
		{ "0.0.0.0", true },
		{ "255.255.255.255", true },
		{ "224.0.0.1", true },
		{ "8.8.8.8", false },
		{ "[::1]", true },
		{ "::", true },
		{ "fe80::1%eth0", true },
		{ "[fd00::1]", true },
		{ "2a00:1450:4001::1", false },
		{ "::ffff:10.0.0.1", true },
		{ "::ffff:8.8.8.8", false },
		{ "64:ff9b::7f00:1", true },
		{ "2002:7f00:1::", true },
		{ "2001:db8::1", true },
		{ "ff02::1", true },
		{ "fec0::1", true },
		{ "100::1", true },
		{ "2001::1", true },
		{ "2001:2::1", true },
		{ "2001:20::1", true },
		{ "2001:4860:4860::8888", false },
		{ "3fff::1", true },
		{ "64:ff9b:1::8.8.8.8", true },
		{ "64:ff9b::8.8.8.8", false },
		{ "2002:808:808::1", false },
		{ "::8.8.8.8", true },
		{ "::ffff:0:8.8.8.8", true },
		{ "::ffff:169.254.169.254", true },
		{ "fd00:ec2::254", true },
		{ "4000::1", true },
		{ "192.88.99.1", true },
		{ "198.18.0.1", true },
		{ "example.com", false },
		{ "", false },
		{ "10.0.0.1.example.com", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(rows[i].host, http_address_is_private_literal(str_of(rows[i].host)) == rows[i].want);
}

static void many_urls(void **state)
{
	char path[40];

	(void)state;
	for (int i = 0; i < 1500; i++) { /* more than the cache of parsed URLs holds */
		struct outcome o;

		snprintf(path, sizeof path, "/%d", i % 1200);
		o = call(path, post(path));
		CHECK(path, o.err == 0);
		snprintf(path, sizeof path, "POST /%d HTTP", i % 1200);
		CHECK(path, request_has(path));
		buf_deinit(&o.body);
	}
	CHECK("all over one connection", n_peers == 1);
}

static void freed_while_open(void **state)
{
	struct outcome o[5];
	struct http_call_request req = post("/x");

	(void)state;
	answer = (struct str){ NULL, 0 };
	for (int i = 0; i < 5; i++) {
		o[i] = (struct outcome){ .call.done = on_done };
		CHECK("start", http_client_start(client, &o[i].call, &req) == 0);
	}
	loop_turn(loop, 0);
	http_client_free(client);
	for (int i = 0; i < 5; i++)
		CHECK("cancelled", o[i].n_done == 0 && o[i].call.transfer == NULL);
	client = http_client_new(loop, &(struct http_client_options){ 0 });
}

static void large_body(void **state)
{
	struct http_call_request req = post("/x");
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 19);
	while (buf_add_z(&b, "0123456789abcde\n"))
		;
	req.body = buf_str(&b);
	expect("more than a socket takes at once", req, 0, 200, "{}");
	buf_deinit(&b);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(what_is_sent),
		T(reuse_is_counted),
		T(replies),
		T(reply_headers),
		T(gzip_both_ways),
		T(too_large),
		T(unreachable),
		T(timeouts),
		T(bad_requests),
		T(limit_on_open_calls),
		T(cancelling),
		T(from_within_done),
		T(thousand_at_once),
		T(retry_goes_to_the_right_address),
		T(closed_while_idle),
		T(redirects),
		T(private_addresses),
		T(redirects_into_the_inside),
		cmocka_unit_test(address_ranges),
		T(many_urls),
		T(freed_while_open),
		T(large_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
