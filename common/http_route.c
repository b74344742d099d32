#include "common/http_route.h"

#include "common/mem.h"

static const struct {
	const char *name;
	enum http_method method;
} methods[] = {
	{ "DELETE", HTTP_DELETE },   { "GET", HTTP_GET },   { "HEAD", HTTP_HEAD },
	{ "OPTIONS", HTTP_OPTIONS }, { "POST", HTTP_POST }, { "PUT", HTTP_PUT },
};

enum http_method http_route_method(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (strcmp(name, methods[i].name) == 0)
			return methods[i].method;
	return 0;
}

static unsigned methods_of(const struct http_route *r)
{
	return r->methods | (r->methods & HTTP_GET ? HTTP_HEAD : 0u);
}

static bool route_matches(const struct http_route *r, struct str path)
{
	size_t n = strlen(r->path);

	if (n && r->path[n - 1] == '*')
		return path.n >= n && memcmp(path.p, r->path, n - 1) == 0;
	return path.n == n && memcmp(path.p, r->path, n) == 0;
}

const struct http_route *http_route_find(const struct http_route *routes, size_t n,
					 const struct http_request *req, unsigned *ret_allowed)
{
	unsigned allowed = 0;

	for (size_t i = 0; i < n; i++) {
		if (!route_matches(&routes[i], req->path))
			continue;
		if (methods_of(&routes[i]) & req->method)
			return &routes[i];
		allowed |= methods_of(&routes[i]);
	}
	if (ret_allowed)
		*ret_allowed = allowed;
	return NULL;
}

static void reply_plain(struct http_request *req, int status, struct str body)
{
	http_reply_header(req, "X-Content-Type-Options", STR("nosniff"));
	http_reply(req, status, "text/plain; charset=utf-8", body);
}

static void reply_wrong_method(struct http_request *req, unsigned allowed)
{
	struct buf b;

	buf_init(&b, 256);
	allowed |= HTTP_OPTIONS;
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (allowed & methods[i].method)
			buf_addf(&b, "%s%s", b.n ? ", " : "", methods[i].name);
	http_reply_header(req, "Allow", buf_str(&b));
	buf_deinit(&b);
	if (req->method == HTTP_OPTIONS)
		http_reply(req, 200, NULL, STR(""));
	else
		reply_plain(req, 405, STR("Method Not Allowed\n"));
}

/* A path that differs from a route's by a slash at the end or by letter case leads there. */
static bool reply_redirect(const struct http_route *routes, size_t n, struct http_request *req)
{
	struct str path = req->path;
	const char *to;

	if (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	for (size_t i = 0; i < n; i++) {
		const struct http_route *r = &routes[i];

		if (!(methods_of(r) & req->method) || !str_eq_nocase(path, str_of(r->path)))
			continue;
		to = arena_printf(req->arena, "%s%s" STR_FMT, r->path, req->query.n ? "?" : "",
				  STR_ARG(req->query));
		http_reply_header(req, "Location", str_of(to));
		http_reply(req, req->method == HTTP_GET ? 301 : 307, NULL, STR(""));
		return true;
	}
	return false;
}

void http_route_reply_none(const struct http_route *routes, size_t n, struct http_request *req)
{
	unsigned allowed = 0;

	(void)http_route_find(routes, n, req, &allowed);
	if (allowed)
		reply_wrong_method(req, allowed);
	else if (!reply_redirect(routes, n, req))
		reply_plain(req, 404, STR("404 page not found\n"));
}
