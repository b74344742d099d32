#include "common/http_conf.h"

void http_reply_conf(struct http_request *req, const struct conf *c)
{
	struct buf b;

	buf_init(&b, CONF_PRINT_MAX_BYTES);
	conf_print(c, &b);
	if (b.overflow) {
		buf_deinit(&b);
		http_reply_error(req, 500, "the configuration is larger than %d bytes; use --print-config",
				 CONF_PRINT_MAX_BYTES);
		return;
	}
	http_reply_header(req, "Cache-Control", STR("no-store"));
	http_reply_buf(req, 200, "application/yaml", &b);
}
