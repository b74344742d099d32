#include "common/http_cors.h"

#include "common/http_text.h"
#include "common/mem.h"

static bool method_allowed(struct str method)
{
	return http_text_list_has(STR("GET,POST,HEAD,OPTIONS"), method);
}

/* The reference's list, and the two in which a page's API key may travel. */
static bool headers_allowed(struct str list)
{
	struct str allowed = STR("Origin,X-Requested-With,Content-Type,Accept,X-API-Key,Authorization");

	while (list.p) {
		struct str name = str_trim(str_cut(&list, ','));

		if (name.n && !http_text_list_has(allowed, name))
			return false;
	}
	return true;
}

/* A refused preflight gets the same 204 without the headers that would let the browser go on. */
static void answer_preflight(struct http_request *req, struct str origin, struct str method)
{
	struct str headers = http_request_header(req, "Access-Control-Request-Headers");

	http_reply_header(req, "Vary",
			  STR("Origin, Access-Control-Request-Method, Access-Control-Request-Headers"));
	if (origin.n && method_allowed(method) && headers_allowed(headers)) {
		http_reply_header(req, "Access-Control-Allow-Origin", origin);
		http_reply_header(req, "Access-Control-Allow-Methods", method);
		if (headers.n)
			http_reply_header(req, "Access-Control-Allow-Headers", headers);
		http_reply_header(req, "Access-Control-Allow-Credentials", STR("true"));
	}
	http_reply(req, 204, NULL, STR(""));
}

bool http_cors_apply(struct http_request *req)
{
	struct str origin = http_request_header(req, "Origin");
	struct str method;

	if (req->method == HTTP_OPTIONS) {
		method = http_request_header(req, "Access-Control-Request-Method");
		if (method.n) {
			answer_preflight(req, origin, method);
			return true;
		}
	}
	http_reply_header(req, "Vary", STR("Origin"));
	if (origin.n && req->method & (HTTP_GET | HTTP_POST | HTTP_HEAD | HTTP_OPTIONS)) {
		http_reply_header(req, "Access-Control-Allow-Origin", origin);
		http_reply_header(req, "Access-Control-Allow-Credentials", STR("true"));
	}
	return false;
}
