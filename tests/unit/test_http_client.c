#include "common/http_client.h"

#include "common/http_server.h"
#include "tests/http_check.h"

static struct loop *loop;
static struct http_server *server;
static struct http_client *client;

static void echo(struct http_request *req)
{
	http_reply(req, 200, "application/json", req->body);
}

static const struct http_route routes[] = {
	{ .methods = HTTP_POST, .path = "/echo", .handle = echo, .name = "echo" },
};

struct outcome {
	struct http_call call;
	int n_done, err, status;
	char body[256];
	bool reused;
};

static void on_done(struct http_call *call, const struct http_call_reply *reply)
{
	struct outcome *o = (struct outcome *)call;

	o->n_done++;
	o->err = reply->err;
	o->status = reply->status;
	o->reused = reply->reused_connection;
	snprintf(o->body, sizeof o->body, STR_FMT, STR_ARG(reply->body));
}

static void echoes(void **state)
{
	struct http_server_options so = {
		.host = STR("127.0.0.1"), .routes = routes, .n_routes = 1, .max_body_bytes = 1000
	};
	struct http_client_options co = { 0 };
	struct outcome o = { .call.done = on_done };
	struct http_call_request req = { .method = "POST", .body = STR("{}"), .timeout_ms = 1000 };
	char url[100];

	(void)state;
	loop = loop_new();
	server = http_server_new(loop, &so, NULL);
	client = http_client_new(loop, &co);
	snprintf(url, sizeof url, "http://127.0.0.1:%d/echo", http_server_port(server));
	req.url = url;
	for (int i = 1; i <= 3; i++) {
		CHECK("start", http_client_start(client, &o.call, &req) == 0);
		CHECK("done is not called inside start", o.n_done == i - 1);
		TURN_UNTIL("reply", loop, o.n_done == i);
		CHECK("err", o.err == 0);
		CHECK("status", o.status == 200);
		CHECK_STR("body", str_of(o.body), "{}");
		CHECK("the second call finds the first one's connection", o.reused == (i > 1));
	}
	http_client_free(client);
	http_server_free(server);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(echoes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
