/* POST /openrtb2/auction: takes the request over from HTTP, and gives the answer back to it. */
#include "common/http_server.h"
#include "common/json.h"
#include "pbs/endpoints/endpoints.h"
#include "pbs/endpoints/front.h"
#include "pbs/server.h"

enum { MAX_ANSWER_BYTES = 64 << 20 };

static void answer(struct auction *a)
{
	struct buf b;

	if (!front_settle(a))
		return;
	buf_init(&b, MAX_ANSWER_BYTES);
	json_write(&b, a->answer);
	buf_add_c(&b, '\n');
	http_reply_buf(a->front_ctx, a->status, "application/json", &b);
}

static const struct auction_front front = { "openrtb2", ADAPTER_AUCTION, answer };

void endpoint_auction(struct http_request *req)
{
	const struct api_key *key = pbs_request_key(req);
	struct auction *a = front_auction_new(req, &front);

	if (!a)
		return;
	a->body = req->body;
	if (key)
		a->bound_publisher = str_of(key->publisher);
	front_auction_start(a);
}
