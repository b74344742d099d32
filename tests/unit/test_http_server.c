#include "common/http_server.h"

#include "common/err.h"
#include "common/gzip.h"
#include "common/http_text.h"
#include "common/mem.h"
#include "tests/http_check.h"

enum { MAX_BODY = 100000 };

static struct loop *loop;
static struct http_server *server;
static struct http_request *parked; /* by /later */
static int n_after, last_status, n_parked;
static char seen[512];

static void handle_echo(struct http_request *req)
{
	http_reply(req, 200, "application/json", req->body);
}

static void handle_later(struct http_request *req)
{
	parked = req;
	n_parked++;
}

static void note_arg(void *ctx, struct str name, struct str value)
{
	(void)ctx;
	snprintf(seen + strlen(seen), sizeof seen - strlen(seen), STR_FMT "=" STR_FMT ";", STR_ARG(name),
		 STR_ARG(value));
}

static void handle_show(struct http_request *req)
{
	struct str s;
	bool found;

	seen[0] = '\0';
	http_request_args(req, note_arg, NULL);
	s = http_request_arg(req, "a", &found);
	http_reply_header(req, "X-Path", req->path);
	http_reply_header(req, "X-A", found ? s : STR("missing"));
	http_reply_header(req, "X-Cookie", http_request_cookie(req, "uids"));
	http_reply_header(req, "X-Peer", req->peer_ip);
	http_reply_header(req, "X-Evil", STR("a\r\nSet-Cookie: x"));
	http_reply(req, 200, "text/plain", str_of(seen));
}

static void handle_big(struct http_request *req)
{
	struct buf b;

	buf_init(&b, 1 << 23);
	for (size_t i = 0; i < 1 << 22; i++)
		buf_add_c(&b, (char)('a' + i % 7));
	http_reply_buf(req, 200, "text/plain", &b);
}

static const struct http_route routes[] = {
	{ .methods = HTTP_POST | HTTP_PUT, .path = "/echo", .handle = handle_echo, .name = "echo" },
	{ .methods = HTTP_POST,
	  .path = "/small",
	  .handle = handle_echo,
	  .name = "small",
	  .max_body_bytes = 10 },
	{ .methods = HTTP_GET | HTTP_POST, .path = "/later", .handle = handle_later, .name = "later" },
	{ .methods = HTTP_GET, .path = "/show", .handle = handle_show, .name = "show" },
	{ .methods = HTTP_GET, .path = "/tree/*", .handle = handle_show, .name = "tree" },
	{ .methods = HTTP_GET, .path = "/big", .handle = handle_big, .name = "big" },
};

static void on_after(struct http_request *req)
{
	n_after++;
	last_status = req->status;
}

static void start(struct http_server_options opt)
{
	struct errtext why = { "" };

	opt.routes = routes;
	opt.n_routes = ARRAY_LEN(routes);
	opt.after = on_after;
	if (!opt.host.n)
		opt.host = STR("127.0.0.1");
	if (!opt.max_body_bytes)
		opt.max_body_bytes = MAX_BODY;
	n_after = last_status = n_parked = 0;
	parked = NULL;
	loop = loop_new();
	server = http_server_new(loop, &opt, &why);
	if (!server)
		fail_msg("%s", why.text);
}

static void stop(void)
{
	TURN_UNTIL("no request is left open", loop, http_server_open_requests(server) == 0);
	http_server_free(server);
	loop_free(loop);
}

/* --- a client that reads whole replies --- */

struct reply {
	struct buf b;
	int status;
	size_t head_n; /* up to and with the blank line; 0 = not there yet */
	size_t total_n;
	bool open; /* the connection */
};

static struct str head_of(const struct reply *r)
{
	return (struct str){ r->b.p, r->head_n };
}

static struct str body_of(const struct reply *r)
{
	return (struct str){ r->b.p + r->head_n, r->total_n - r->head_n };
}

/* The n-th (from 0) header of that name; NULL-text when there is none. */
static struct str header_n(const struct reply *r, const char *name, int n)
{
	struct str head = head_of(r);

	while (head.p) {
		struct str value = str_cut(&head, '\n'), found = str_cut(&value, ':');

		if (value.p && str_eq_nocase(found, str_of(name)) && n-- == 0) {
			if (value.n && value.p[value.n - 1] == '\r')
				value.n--;
			return str_trim(value);
		}
	}
	return (struct str){ NULL, 0 };
}

static struct str header(const struct reply *r, const char *name)
{
	struct str s = header_n(r, name, 0);

	return s.p ? s : STR("(none)");
}

static bool is_whole(struct reply *r, bool head_only)
{
	const char *end = r->b.n ? memmem(r->b.p, r->b.n, "\r\n\r\n", 4) : NULL;
	uint64_t n = 0;

	if (!end)
		return false;
	r->head_n = (size_t)(end - r->b.p) + 4;
	r->status = atoi(r->b.p + 9);
	if (!head_only)
		(void)str_parse_u64(header(r, "Content-Length"), 0, UINT64_MAX, &n);
	r->total_n = r->head_n + n;
	return r->b.n >= r->total_n;
}

static struct reply read_reply(const char *why, int fd, bool head_only)
{
	struct reply r = { .open = true };

	buf_init(&r.b, 1 << 24);
	TURN_UNTIL(why, loop, (r.open = raw_receive(fd, &r.b), is_whole(&r, head_only) || !r.open));
	if (!is_whole(&r, head_only))
		r.status = 0;
	return r;
}

static void reply_free(struct reply *r)
{
	buf_deinit(&r->b);
}

static struct reply exchange(const char *why, const char *request)
{
	int fd = raw_connect(http_server_port(server));
	struct reply r;

	raw_send(fd, str_of(request));
	r = read_reply(why, fd, strncmp(request, "HEAD", 4) == 0);
	close(fd);
	return r;
}

#define HOST "Host: x\r\n"

/* --- tests --- */

static void statuses(void **state)
{
	static const struct {
		const char *why, *request;
		int status;
		const char *body, *header, *value;
	} rows[] = {
		{ "echo", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}", 200, "{}",
		  "Content-Type", "application/json" },
		{ "chunked",
		  "POST /echo HTTP/1.1\r\n" HOST
		  "Transfer-Encoding: chunked\r\n\r\n2\r\n{\"\r\n3\r\na\"}\r\n0\r\n\r\n",
		  200, "{\"a\"}", NULL, NULL },
		{ "empty body", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 200, "", NULL,
		  NULL },
		{ "unknown path", "GET /nothing HTTP/1.1\r\n" HOST "\r\n", 404, "404 page not found\n",
		  "Content-Type", "text/plain; charset=utf-8" },
		{ "wrong method", "GET /echo HTTP/1.1\r\n" HOST "\r\n", 405, "Method Not Allowed\n", "Allow",
		  "OPTIONS, POST, PUT" },
		{ "a method nobody knows", "BREW /echo HTTP/1.1\r\n" HOST "\r\n", 405, "Method Not Allowed\n",
		  "Allow", "OPTIONS, POST, PUT" },
		{ "plain OPTIONS tells the methods", "OPTIONS /show HTTP/1.1\r\n" HOST "\r\n", 200, "",
		  "Allow", "GET, HEAD, OPTIONS" },
		{ "slash at the end", "POST /echo/ HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}", 307, "",
		  "Location", "/echo" },
		{ "letter case", "POST /ECHO?a=1 HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}", 307, "",
		  "Location", "/echo?a=1" },
		{ "GET is redirected for good", "GET /show/ HTTP/1.1\r\n" HOST "\r\n", 301, "", "Location",
		  "/show" },
		{ "no redirect where the method has no route", "GET /echo/ HTTP/1.1\r\n" HOST "\r\n", 404,
		  "404 page not found\n", NULL, NULL },
		{ "wildcard", "GET /tree/a/b HTTP/1.1\r\n" HOST "\r\n", 200, "", "X-Path", "/tree/a/b" },
		{ "the wildcard's own path is not longer", "GET /tree/ HTTP/1.1\r\n" HOST "\r\n", 404,
		  "404 page not found\n", NULL, NULL },
		{ "absolute form", "GET http://x/show?a=b HTTP/1.1\r\n" HOST "\r\n", 200, "a=b;", "X-A",
		  "b" },
		{ "escaped path", "GET /sho%77 HTTP/1.1\r\n" HOST "\r\n", 200, "", "X-Path", "/show" },
		{ "a NUL ends no path", "GET /show%00x HTTP/1.1\r\n" HOST "\r\n", 404, "404 page not found\n",
		  NULL, NULL },
		{ "arguments", "GET /show?a=1%202&b=x+y&&a=3&c&=d HTTP/1.1\r\n" HOST "\r\n", 200,
		  "a=1 2;b=x y;a=3;c=;=d;", "X-A", "1 2" },
		{ "missing argument", "GET /show?b=1 HTTP/1.1\r\n" HOST "\r\n", 200, "b=1;", "X-A",
		  "missing" },
		{ "cookie", "GET /show HTTP/1.1\r\n" HOST "Cookie: a=b; uids=eyJ0Zw==; c=\"d\"\r\n\r\n", 200,
		  "", "X-Cookie", "eyJ0Zw==" },
		{ "a header cannot be split", "GET /show HTTP/1.1\r\n" HOST "\r\n", 200, "", "X-Evil",
		  "(none)" },
		{ "peer", "GET /show HTTP/1.1\r\n" HOST "\r\n", 200, "", "X-Peer", "127.0.0.1" },
		{ "HEAD is a GET without a body", "HEAD /show?a=1 HTTP/1.1\r\n" HOST "\r\n", 200, "",
		  "Content-Length", "4" },
		{ "body over the route's cap",
		  "POST /small HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\n0123456789a", 413,
		  "{\"error\":\"request size exceeded max size of 10 bytes.\"}", "Content-Type",
		  "application/json" },
		{ "body of exactly the cap",
		  "POST /small HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n0123456789", 200, "0123456789",
		  NULL, NULL },
		{ "chunked body over the cap",
		  "POST /small HTTP/1.1\r\n" HOST
		  "Transfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n6\r\n012345\r\n0\r\n\r\n",
		  413, "{\"error\":\"request size exceeded max size of 10 bytes.\"}", NULL, NULL },
		{ "announced body too large to read",
		  "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 99999999999\r\n\r\n{", 413,
		  "{\"error\":\"request size exceeded max size of 100000 bytes.\"}", NULL, NULL },
		{ "a client that waits for permission gets its answer",
		  "POST /small HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 11\r\n\r\n", 413,
		  "{\"error\":\"request size exceeded max size of 10 bytes.\"}", NULL, NULL },
		{ "unknown encoding",
		  "POST /echo HTTP/1.1\r\n" HOST "Content-Encoding: br\r\nContent-Length: 2\r\n\r\n{}", 415,
		  "{\"error\":\"Content-Encoding of type br is not supported\"}", NULL, NULL },
		{ "broken gzip",
		  "POST /echo HTTP/1.1\r\n" HOST "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", 400,
		  "{\"error\":\"gzip: invalid header\"}", NULL, NULL },
		{ "request id of the caller", "GET /show HTTP/1.1\r\n" HOST "X-Request-ID: abc-1._Z\r\n\r\n",
		  200, "", "X-Request-ID", "abc-1._Z" },
	};

	(void)state;
	start((struct http_server_options){ .gzip_requests = true });
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct reply r = exchange(rows[i].why, rows[i].request);

		if (r.status != rows[i].status)
			fail_msg("%s: status %d, want %d", rows[i].why, r.status, rows[i].status);
		if (strncmp(rows[i].request, "HEAD", 4) != 0)
			CHECK_STR(rows[i].why, body_of(&r), rows[i].body);
		if (rows[i].header)
			CHECK_STR(rows[i].why, header(&r, rows[i].header), rows[i].value);
		CHECK(rows[i].why, header_n(&r, "X-Request-ID", 0).p != NULL);
		reply_free(&r);
	}
	TURN_UNTIL("every request was logged", loop, n_after == (int)ARRAY_LEN(rows));
	stop();
}

static void request_ids(void **state)
{
	struct reply a, b;

	(void)state;
	start((struct http_server_options){ 0 });
	a = exchange("first", "GET /show HTTP/1.1\r\n" HOST "X-Request-ID: not well formed\r\n\r\n");
	b = exchange("second", "GET /show HTTP/1.1\r\n" HOST "\r\n");
	CHECK("a UUID", header(&a, "X-Request-ID").n == 36);
	CHECK("version 4", header(&a, "X-Request-ID").p[14] == '4');
	CHECK("variant 1", strchr("89ab", header(&a, "X-Request-ID").p[19]) != NULL);
	CHECK("a new one each time", !str_eq(header(&a, "X-Request-ID"), header(&b, "X-Request-ID")));
	reply_free(&a);
	reply_free(&b);
	stop();
}

static void oversize_headers(void **state)
{
	struct buf b;
	struct reply r;

	(void)state;
	start((struct http_server_options){ 0 });
	buf_init(&b, 1 << 20);
	buf_add_z(&b, "GET /show HTTP/1.1\r\n" HOST "X-Long: ");
	for (int i = 0; i < 60000; i++)
		buf_add_c(&b, 'x');
	buf_add_z(&b, "\r\n\r\n");
	r = exchange("60 KB of headers", buf_cstr(&b));
	CHECK("431", r.status == 431);
	reply_free(&r);
	buf_clear(&b);
	buf_add_z(&b, "GET /show HTTP/1.1\r\n" HOST "X-Long: ");
	for (int i = 0; i < 12000; i++)
		buf_add_c(&b, 'x');
	buf_add_z(&b, "\r\n\r\n");
	r = exchange("12 KB of headers", buf_cstr(&b));
	CHECK("fine", r.status == 200);
	reply_free(&r);
	buf_deinit(&b);
	stop();
}

static void malformed(void **state)
{
	static const char *const requests[] = {
		"\0\1\2\3\r\n\r\n",
		"GET\r\n\r\n",
		"GET /show HTTP/9.9\r\n" HOST "\r\n",
		"GET /show HTTP/1.1\r\nno colon\r\n\r\n",
		"POST /echo HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n",
		"POST /echo HTTP/1.1\r\n" HOST "Content-Length: x\r\n\r\n",
		"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
	};

	(void)state;
	start((struct http_server_options){ .idle_timeout_ms = 50 });
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct reply r = exchange(requests[i], requests[i][0] ? requests[i] : "\1\2\r\n\r\n");

		CHECK(requests[i], r.status == 0 || r.status >= 400);
		reply_free(&r);
	}
	stop();
}

static void gzip_both_ways(void **state)
{
	struct buf plain, packed, request, again;
	struct reply r;

	(void)state;
	start((struct http_server_options){
		.gzip_requests = true, .gzip_replies = true, .gzip_min_bytes = 100 });
	buf_init(&plain, MAX_BODY + 1);
	for (int i = 0; i < MAX_BODY; i++)
		buf_add_c(&plain, (char)('a' + i % 5));
	buf_init(&packed, MAX_BODY);
	buf_init(&request, MAX_BODY);
	CHECK("compress", gzip_compress(buf_str(&plain), &packed) == 0);
	buf_addf(&request,
		 "POST /echo HTTP/1.1\r\n" HOST
		 "Accept-Encoding: br, gzip;q=0.5\r\nContent-Encoding: gzip\r\n"
		 "Content-Length: %zu\r\n\r\n",
		 packed.n);
	buf_add_str(&request, buf_str(&packed));
	int fd = raw_connect(http_server_port(server));
	raw_send(fd, buf_str(&request));
	r = read_reply("gzip", fd, false);
	close(fd);
	CHECK("200", r.status == 200);
	CHECK_STR("encoding", header(&r, "Content-Encoding"), "gzip");
	CHECK_STR("caches are told", header(&r, "Vary"), "Accept-Encoding");
	buf_init(&again, MAX_BODY);
	CHECK("decompress", gzip_decompress(body_of(&r), &again) == 0);
	CHECK("same bytes", str_eq(buf_str(&again), buf_str(&plain)));
	reply_free(&r);

	buf_add_c(&plain, 'x');
	buf_clear(&packed);
	buf_clear(&request);
	CHECK("compress", gzip_compress(buf_str(&plain), &packed) == 0);
	buf_addf(&request,
		 "POST /echo HTTP/1.1\r\n" HOST "Content-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
		 packed.n);
	buf_add_str(&request, buf_str(&packed));
	fd = raw_connect(http_server_port(server));
	raw_send(fd, buf_str(&request));
	r = read_reply("gzip", fd, false);
	close(fd);
	CHECK("the cap is on the decompressed body", r.status == 413);
	reply_free(&r);

	r = exchange("short",
		     "POST /echo HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}");
	CHECK_STR("short replies stay plain", header(&r, "Content-Encoding"), "(none)");
	reply_free(&r);
	buf_deinit(&plain);
	buf_deinit(&packed);
	buf_deinit(&request);
	buf_deinit(&again);
	stop();
}

static void cors(void **state)
{
	static const struct {
		const char *why, *request;
		int status;
		const char *origin, *credentials, *methods, *headers, *vary;
	} rows[] = {
		{ "with an origin",
		  "POST /echo HTTP/1.1\r\n" HOST "Origin: https://a.b\r\nContent-Length: 0\r\n\r\n", 200,
		  "https://a.b", "true", "(none)", "(none)", "Origin" },
		{ "without", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 200, "(none)",
		  "(none)", "(none)", "(none)", "Origin" },
		{ "also on 404", "GET /none HTTP/1.1\r\n" HOST "Origin: https://a.b\r\n\r\n", 404,
		  "https://a.b", "true", "(none)", "(none)", "Origin" },
		{ "not for a method that is not allowed",
		  "PUT /echo HTTP/1.1\r\n" HOST "Origin: https://a.b\r\nContent-Length: 0\r\n\r\n", 200,
		  "(none)", "(none)", "(none)", "(none)", "Origin" },
		{ "preflight",
		  "OPTIONS /echo HTTP/1.1\r\n" HOST
		  "Origin: https://a.b\r\nAccess-Control-Request-Method: POST\r\n"
		  "Access-Control-Request-Headers: content-type\r\n\r\n",
		  204, "https://a.b", "true", "POST", "content-type",
		  "Origin, Access-Control-Request-Method, Access-Control-Request-Headers" },
		{ "preflight of a page that sends its API key",
		  "OPTIONS /echo HTTP/1.1\r\n" HOST
		  "Origin: https://a.b\r\nAccess-Control-Request-Method: POST\r\n"
		  "Access-Control-Request-Headers: content-type,x-api-key\r\n\r\n",
		  204, "https://a.b", "true", "POST", "content-type,x-api-key",
		  "Origin, Access-Control-Request-Method, Access-Control-Request-Headers" },
		{ "preflight for a header that is not allowed",
		  "OPTIONS /echo HTTP/1.1\r\n" HOST
		  "Origin: https://a.b\r\nAccess-Control-Request-Method: POST\r\n"
		  "Access-Control-Request-Headers: content-type, x-evil\r\n\r\n",
		  204, "(none)", "(none)", "(none)", "(none)",
		  "Origin, Access-Control-Request-Method, Access-Control-Request-Headers" },
		{ "preflight for a method that is not allowed",
		  "OPTIONS /echo HTTP/1.1\r\n" HOST
		  "Origin: https://a.b\r\nAccess-Control-Request-Method: DELETE\r\n\r\n",
		  204, "(none)", "(none)", "(none)", "(none)",
		  "Origin, Access-Control-Request-Method, Access-Control-Request-Headers" },
		{ "preflight without an origin",
		  "OPTIONS /echo HTTP/1.1\r\n" HOST "Access-Control-Request-Method: POST\r\n\r\n", 204,
		  "(none)", "(none)", "(none)", "(none)",
		  "Origin, Access-Control-Request-Method, Access-Control-Request-Headers" },
	};

	(void)state;
	start((struct http_server_options){ .cors = true, .no_store = true });
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct reply r = exchange(rows[i].why, rows[i].request);

		CHECK(rows[i].why, r.status == rows[i].status);
		CHECK_STR(rows[i].why, header(&r, "Access-Control-Allow-Origin"), rows[i].origin);
		CHECK_STR(rows[i].why, header(&r, "Access-Control-Allow-Credentials"), rows[i].credentials);
		CHECK_STR(rows[i].why, header(&r, "Access-Control-Allow-Methods"), rows[i].methods);
		CHECK_STR(rows[i].why, header(&r, "Access-Control-Allow-Headers"), rows[i].headers);
		CHECK_STR(rows[i].why, header(&r, "Vary"), rows[i].vary);
		CHECK_STR(rows[i].why, header(&r, "Cache-Control"), "no-cache, no-store, must-revalidate");
		CHECK_STR(rows[i].why, header(&r, "Pragma"), "no-cache");
		CHECK_STR(rows[i].why, header(&r, "Expires"), "0");
		reply_free(&r);
	}
	stop();
}

static void replies_later(void **state)
{
	struct reply r;
	int fd;

	(void)state;
	start((struct http_server_options){ 0 });
	fd = raw_connect(http_server_port(server));
	for (int i = 1; i <= 3; i++) {
		raw_send(fd, STR("POST /later HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}"));
		TURN_UNTIL("handed over", loop, n_parked == i);
		CHECK("open", http_server_open_requests(server) == 1);
		http_reply(parked, 200, NULL, parked->body);
		r = read_reply("reply", fd, false);
		CHECK_STR("body", body_of(&r), "{}");
		CHECK_STR("no content type was given", header(&r, "Content-Type"), "(none)");
		CHECK("the connection stays", r.open);
		reply_free(&r);
		TURN_UNTIL("after", loop, n_after == i);
	}
	close(fd);
	stop();
}

static void pipelining(void **state)
{
	struct buf b;
	struct reply r = { 0 };
	int fd;

	(void)state;
	start((struct http_server_options){ 0 });
	buf_init(&b, 1 << 16);
	fd = raw_connect(http_server_port(server));
	for (int i = 0; i < 20; i++)
		buf_addf(&b, "POST /%s HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n%02d",
			 i % 3 == 1 ? "later" : "echo", i);
	raw_send(fd, buf_str(&b));
	buf_init(&r.b, 1 << 16);
	for (int i = 0; i < 20; i++) {
		char want[16];

		snprintf(want, sizeof want, "%02d", i);
		if (i % 3 == 1) {
			TURN_UNTIL("one at a time", loop, parked != NULL);
			http_reply(parked, 200, NULL, parked->body);
			parked = NULL;
		}
		TURN_UNTIL("reply", loop, (raw_receive(fd, &r.b), is_whole(&r, false)));
		CHECK_STR("in order", body_of(&r), want);
		memmove(r.b.p, r.b.p + r.total_n, r.b.n - r.total_n);
		r.b.n -= r.total_n;
	}
	buf_deinit(&b);
	reply_free(&r);
	close(fd);
	TURN_UNTIL("after", loop, n_after == 20);
	stop();
}

static void client_leaves(void **state)
{
	int fd;

	(void)state;
	start((struct http_server_options){ 0 });
	fd = raw_connect(http_server_port(server));
	raw_send(fd, STR("POST /later HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}"));
	TURN_UNTIL("handed over", loop, n_parked == 1);
	close(fd);
	for (int i = 0; i < 5; i++)
		loop_turn(loop, 0);
	CHECK("the handler still owns its request", http_server_open_requests(server) == 1);
	http_reply(parked, 200, NULL, STR("late"));
	TURN_UNTIL("the reply to nobody ends the request", loop, n_after == 1);
	CHECK("closed", http_server_open_requests(server) == 0);

	fd = raw_connect(http_server_port(server));
	raw_send(fd, STR("POST /later HTTP/1.1\r\n" HOST "Content-Length: 200\r\n\r\nhalf a body"));
	for (int i = 0; i < 5; i++)
		loop_turn(loop, 0);
	close(fd);
	TURN_UNTIL("half a request is ended without a handler", loop, n_after == 2);
	CHECK("not handed over", n_parked == 1);
	fd = raw_connect(http_server_port(server));
	raw_send(fd, STR("POST /later HT"));
	loop_turn(loop, 0);
	close(fd);
	for (int i = 0; i < 5; i++)
		loop_turn(loop, 0);
	stop();
}

static void slow_senders(void **state)
{
	static const char *const parts[] = {
		"",
		"POST /ec",
		"POST /echo HTTP/1.1\r\nHos",
		"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 20\r\n\r\n",
		"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 20\r\n\r\nhalf",
	};
	uint64_t next;

	(void)state;
	start((struct http_server_options){ .idle_timeout_ms = 40 });
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		int fd = raw_connect(http_server_port(server));
		struct buf b;

		raw_send(fd, str_of(parts[i]));
		buf_init(&b, 4096);
		TURN_UNTIL("closed", loop, !raw_receive(fd, &b));
		if (i >= 2)
			CHECK(parts[i], str_starts(buf_str(&b), STR("HTTP/1.1 408 ")));
		else
			CHECK("nothing is said before there was a request", b.n == 0);
		buf_deinit(&b);
		close(fd);
	}
	/* a byte now and then does not help */
	int fd = raw_connect(http_server_port(server));
	struct buf b;

	buf_init(&b, 4096);
	raw_send(fd, str_of(parts[3]));
	next = 0;
	TURN_UNTIL("closed in spite of progress", loop, ({
			   if (loop_now_ms(loop) >= next) {
				   (void)!send(fd, "x", 1, MSG_NOSIGNAL);
				   next = loop_now_ms(loop) + 15;
			   }
			   !raw_receive(fd, &b);
		   }));
	CHECK("408", str_starts(buf_str(&b), STR("HTTP/1.1 408 ")));
	buf_deinit(&b);
	close(fd);
	for (int i = 0; i < 3; i++)
		loop_turn(loop, 0);
	CHECK("logged as such", last_status == 408);
	stop();
}

static void slow_handlers_are_not_cut_off(void **state)
{
	struct reply r;
	uint64_t end;
	int fd;

	(void)state;
	start((struct http_server_options){ .idle_timeout_ms = 20 });
	fd = raw_connect(http_server_port(server));
	raw_send(fd, STR("GET /later HTTP/1.1\r\n" HOST "\r\n"));
	TURN_UNTIL("handed over", loop, n_parked == 1);
	end = loop_now_ms(loop) + 80;
	TURN_UNTIL("time passes", loop, loop_now_ms(loop) >= end);
	http_reply(parked, 200, NULL, STR("at last"));
	r = read_reply("reply", fd, false);
	CHECK_STR("body", body_of(&r), "at last");
	reply_free(&r);
	close(fd);
	stop();
}

static void endless_body(void **state)
{
	static char junk[65536];
	struct buf b;
	int fd;
	bool open = true;

	(void)state;
	start((struct http_server_options){ .max_body_bytes = 1000 });
	fd = raw_connect(http_server_port(server));
	raw_send(fd, STR("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nfffffff\r\n"));
	buf_init(&b, 4096);
	memset(junk, 'x', sizeof junk);
	TURN_UNTIL("given up on", loop, ({
			   (void)!send(fd, junk, sizeof junk, MSG_NOSIGNAL);
			   open = open && raw_receive(fd, &b);
			   !open;
		   }));
	CHECK("with the status, where it still arrives",
	      b.n == 0 || str_starts(buf_str(&b), STR("HTTP/1.1 413 ")));
	buf_deinit(&b);
	close(fd);
	TURN_UNTIL("after", loop, n_after == 1);
	CHECK("logged as such", last_status == 413);
	stop();
}

static void large_reply(void **state)
{
	struct reply r;

	(void)state;
	start((struct http_server_options){ 0 });
	r = exchange("4 MiB", "GET /big HTTP/1.1\r\n" HOST "\r\n");
	CHECK("whole", r.status == 200 && body_of(&r).n == 1 << 22);
	reply_free(&r);
	stop();
}

static void quiesce(void **state)
{
	struct sockaddr_in sa;
	struct reply r;
	int fd, other;

	(void)state;
	start((struct http_server_options){ 0 });
	sa = loopback(http_server_port(server));
	fd = raw_connect(http_server_port(server));
	raw_send(fd, STR("GET /later HTTP/1.1\r\n" HOST "\r\n"));
	TURN_UNTIL("handed over", loop, n_parked == 1);
	other = raw_connect(http_server_port(server));
	raw_send(other, STR("GET /show HTTP/1.1\r\n" HOST "\r\n"));
	http_server_stop_listening(server);
	r = read_reply("who had connected is served", other, false);
	CHECK("200", r.status == 200);
	CHECK_STR("and told that it was the last time", header(&r, "Connection"), "close");
	reply_free(&r);
	close(other);
	other = socket(AF_INET, SOCK_STREAM, 0);
	CHECK("nobody listens",
	      connect(other, (struct sockaddr *)&sa, sizeof sa) < 0 && errno == ECONNREFUSED);
	close(other);
	http_reply(parked, 200, NULL, STR("done"));
	r = read_reply("open requests end well", fd, false);
	CHECK_STR("body", body_of(&r), "done");
	reply_free(&r);
	close(fd);
	stop();
}

static void closing_idle_connections(void **state)
{
	struct reply r;
	struct buf left;
	int idle, asking, half;

	(void)state;
	start((struct http_server_options){ 0 });
	idle = raw_connect(http_server_port(server));
	raw_send(idle, STR("GET /show HTTP/1.1\r\n" HOST "\r\n"));
	r = read_reply("kept alive", idle, false);
	CHECK("200", r.status == 200);
	reply_free(&r);
	asking = raw_connect(http_server_port(server));
	raw_send(asking, STR("GET /show HTTP/1.1\r\n" HOST "\r\n"));
	r = read_reply("kept alive too", asking, false);
	reply_free(&r);
	half = raw_connect(http_server_port(server));
	raw_send(half, STR("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nab"));
	r = exchange("what was sent before this is read as well", "GET /show HTTP/1.1\r\n" HOST "\r\n");
	reply_free(&r);
	http_server_stop_listening(server);
	raw_send(asking, STR("GET /show HTTP/1.1\r\n" HOST "\r\n"));
	CHECK("two are not idle: one has just asked, of one a part is here", !http_server_close_idle(server));
	r = read_reply("what came in is served", asking, false);
	CHECK("200", r.status == 200);
	reply_free(&r);
	raw_send(half, STR("cd"));
	r = read_reply("what was coming in is served", half, false);
	CHECK_STR("whole", body_of(&r), "abcd");
	reply_free(&r);
	buf_init(&left, 64);
	CHECK("the quiet one was told to go", !raw_receive(idle, &left) && left.n == 0);
	buf_deinit(&left);
	CHECK("nobody is left", http_server_close_idle(server));
	close(idle);
	close(asking);
	close(half);
	stop();
}

static void freed_with_open_requests(void **state)
{
	int fd;

	(void)state;
	start((struct http_server_options){ 0 });
	fd = raw_connect(http_server_port(server));
	raw_send(fd, STR("GET /later HTTP/1.1\r\n" HOST "\r\n"));
	TURN_UNTIL("handed over", loop, n_parked == 1);
	http_server_free(server);
	CHECK("ended", n_after == 1 && last_status == 503);
	close(fd);
	loop_free(loop);
}

static bool reject_in_own_words(struct http_request *req, int status, const char *why)
{
	char text[200];

	if (status == 415)
		return false;
	snprintf(text, sizeof text, "Invalid request: %s\n", why);
	http_reply(req, 400, "text/plain", arena_str(req->arena, str_of(text)));
	return true;
}

static bool before_refuses(struct http_request *req)
{
	if (!http_request_has_header(req, "X-Refuse"))
		return true;
	http_reply_error(req, 401, "no \"key\"\n");
	return false;
}

static void callbacks(void **state)
{
	struct reply r;

	(void)state;
	start((struct http_server_options){ .reject = reject_in_own_words, .before = before_refuses });
	r = exchange("own words", "POST /small HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\n0123456789a");
	CHECK("own status", r.status == 400);
	CHECK_STR("own text", body_of(&r), "Invalid request: request size exceeded max size of 10 bytes.\n");
	reply_free(&r);
	r = exchange("gzip is off",
		     "POST /echo HTTP/1.1\r\n" HOST "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}");
	CHECK("the server's words", r.status == 415);
	reply_free(&r);
	r = exchange("refused", "POST /echo HTTP/1.1\r\n" HOST "X-Refuse:\r\nContent-Length: 2\r\n\r\n{}");
	CHECK("401", r.status == 401);
	CHECK_STR("escaped", body_of(&r), "{\"error\":\"no \\\"key\\\"\\u000a\"}");
	reply_free(&r);
	stop();
}

static void addresses(void **state)
{
	struct http_server_options opt = { .host = STR("::"), .routes = routes, .n_routes = 1 };
	struct errtext why = { "" };
	struct http_server *second;
	struct reply r;

	(void)state;
	start((struct http_server_options){ .host = STR("::") });
	r = exchange("IPv4 reaches the dual-stack address", "GET /show HTTP/1.1\r\n" HOST "\r\n");
	CHECK_STR("and shows as IPv4", header(&r, "X-Peer"), "127.0.0.1");
	reply_free(&r);
	opt.port = http_server_port(server);
	second = http_server_new(loop, &opt, &why);
	CHECK("a second worker shares the port", second != NULL);
	http_server_free(second);
	opt.host = STR("example.com");
	CHECK("a name is no address", http_server_new(loop, &opt, &why) == NULL);
	CHECK("and the reason is told", str_contains(str_of(why.text), STR("example.com")));
	opt.host = STR("192.0.2.1");
	CHECK("somebody else's address", http_server_new(loop, &opt, &why) == NULL);
	CHECK("is told too", str_contains(str_of(why.text), STR("192.0.2.1")));
	stop();
}

static void many_connections(void **state)
{
	enum { N = 300 };
	static int fds[N];

	(void)state;
	start((struct http_server_options){ .max_connections = N });
	for (int i = 0; i < N; i++) {
		fds[i] = raw_connect(http_server_port(server));
		raw_send(fds[i], STR("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}"));
	}
	for (int i = 0; i < N; i++) {
		struct reply r = read_reply("reply", fds[i], false);

		CHECK("200", r.status == 200);
		reply_free(&r);
	}
	for (int i = 0; i < N; i++)
		close(fds[i]);
	stop();
}

static void accepts_gzip(void **state)
{
	static const struct {
		const char *header;
		bool want;
	} rows[] = {
		{ "", false },
		{ "gzip", true },
		{ "GZIP", true },
		{ "br, gzip", true },
		{ "gzip;q=0", false },
		{ "gzip; q=0.0, *", false },
		{ "gzip;q=0.001", true },
		{ "*", true },
		{ "*;q=0", false },
		{ "*;q=0, gzip", true },
		{ "identity", false },
		{ "gzipped", false },
		{ "deflate;q=1", false },
		{ ",,gzip", true },
		{ "gzip;x=0", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(rows[i].header, http_text_accepts_gzip(str_of(rows[i].header)) == rows[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses),
		cmocka_unit_test(request_ids),
		cmocka_unit_test(oversize_headers),
		cmocka_unit_test(malformed),
		cmocka_unit_test(gzip_both_ways),
		cmocka_unit_test(cors),
		cmocka_unit_test(replies_later),
		cmocka_unit_test(pipelining),
		cmocka_unit_test(client_leaves),
		cmocka_unit_test(slow_senders),
		cmocka_unit_test(slow_handlers_are_not_cut_off),
		cmocka_unit_test(endless_body),
		cmocka_unit_test(large_reply),
		cmocka_unit_test(quiesce),
		cmocka_unit_test(closing_idle_connections),
		cmocka_unit_test(freed_with_open_requests),
		cmocka_unit_test(callbacks),
		cmocka_unit_test(addresses),
		cmocka_unit_test(many_connections),
		cmocka_unit_test(accepts_gzip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
