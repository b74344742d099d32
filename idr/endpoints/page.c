/* GET /, /login and /assets/…: the dashboard. All it shows it asks of the same endpoints as everybody. */
#include "idr/endpoints/endpoints.h"
#include "idr/web/files.h"

static void reply_file(struct http_request *req, struct str name)
{
	static const struct {
		const char *name;
		struct str value;
	} headers[] = {
		/* Only what this server sends runs or is shown, nothing that is written into the page by whatever way. */
		{ "Content-Security-Policy",
		  STR("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src "
		      "'self'; "
		      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'") },
		{ "X-Content-Type-Options", STR("nosniff") },
		{ "Referrer-Policy", STR("no-referrer") },
		{ "Cross-Origin-Opener-Policy", STR("same-origin") },
		{ "Cache-Control", STR("no-store") },
	};
	const struct web_file *f = web_file_find(name);

	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		http_reply_header(req, headers[i].name, headers[i].value);
	if (f)
		http_reply(req, 200, f->type, f->bytes);
	else
		http_reply_error(req, 404, "there is no such file");
}

void endpoint_page(struct http_request *req)
{
	reply_file(req, STR("index.html"));
}

void endpoint_asset(struct http_request *req)
{
	struct str name;

	if (endpoint_rest(req, &name))
		reply_file(req, name);
}
