/* The parts of http_server.h that need nothing but its other parts: what is read from a request's texts, and
 * the one form of error replies. */
#include "common/http_server.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/http_text.h"

enum { ERROR_BYTES = 4096 };

struct str http_request_cookie(const struct http_request *req, const char *name)
{
	struct str v;

	return http_text_cookie(http_request_header(req, "Cookie"), str_of(name), &v) ? v : STR("");
}

struct str http_request_arg(const struct http_request *req, const char *name, bool *ret_found)
{
	struct str rest = req->query, found, value;

	if (ret_found)
		*ret_found = true;
	while (http_text_next_arg(&rest, &found, &value))
		if (str_eq(http_text_decode(req->arena, found, true), str_of(name)))
			return http_text_decode(req->arena, value, true);
	if (ret_found)
		*ret_found = false;
	return STR("");
}

void http_request_args(const struct http_request *req,
		       void (*each)(void *ctx, struct str name, struct str value), void *ctx)
{
	struct str rest = req->query, name, value;

	while (http_text_next_arg(&rest, &name, &value))
		each(ctx, http_text_decode(req->arena, name, true),
		     http_text_decode(req->arena, value, true));
}

static void add_json_text(struct buf *b, const char *z)
{
	for (; *z; z++) {
		unsigned char c = (unsigned char)*z;

		if (c == '"' || c == '\\')
			buf_addf(b, "\\%c", c);
		else if (c < 0x20)
			buf_addf(b, "\\u%04x", c);
		else
			buf_add_c(b, (char)c);
	}
}

void http_reply_error(struct http_request *req, int status, const char *fmt, ...)
{
	char text[ERROR_BYTES];
	struct buf b;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	buf_init(&b, 8 * sizeof text);
	buf_add_z(&b, "{\"error\":\"");
	add_json_text(&b, text);
	buf_add_z(&b, "\"}");
	http_reply_buf(req, status, "application/json", &b);
}
