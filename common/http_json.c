#include "common/http_json.h"

#include "common/json.h"

enum { MAX_BYTES = 64 << 20 };

void http_reply_json(struct http_request *req, int status, const json_t *j)
{
	struct buf b;

	buf_init(&b, MAX_BYTES);
	json_write(&b, j);
	if (b.overflow) {
		buf_deinit(&b);
		http_reply_error(req, 500, "the answer is too large");
		return;
	}
	http_reply_buf(req, status, "application/json", &b);
}

void http_reply_json_new(struct http_request *req, int status, json_t *j)
{
	http_reply_json(req, status, j);
	json_decref(j);
}
