/* GET /openrtb2/amp: the auction of an AMP page, whose request is stored and whose answer is targeting alone. */
#include "common/http_server.h"
#include "common/json.h"
#include "common/mem.h"
#include "pbs/endpoints/endpoints.h"
#include "pbs/endpoints/front.h"
#include "pbs/exchange/amp_request.h"
#include "pbs/exchange/tally.h"
#include "pbs/openrtb/report.h"
#include "pbs/server.h"

enum { MAX_ANSWER_BYTES = 16 << 20, MAX_REQUEST_BYTES = 8 << 20 };

struct amp_call {
	struct http_request *req;
	struct auction *auction;
	json_t *query;
	struct stored_lookup lookup;
	struct stored_item item;
	struct buf body;
};

static json_t *render(const struct auction *a)
{
	static const char *const members[] = { "errors", "warnings", "debug" };
	static const char *const prebid_members[] = { "modules", "seatnonbid" };
	json_t *answer = json_object(), *ext = json_own_object(json_own_object(answer, "ortb2"), "ext");
	const json_t *theirs = json_object_get(a->answer, "ext");

	json_object_set_new_nocheck(answer, "targeting", amp_targeting(a->answer));
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		json_t *v = json_object_get(theirs, members[i]);

		if (v)
			json_object_set_nocheck(ext, members[i], v);
	}
	for (size_t i = 0; i < ARRAY_LEN(prebid_members); i++) {
		json_t *v = json_object_get(json_object_get(theirs, "prebid"), prebid_members[i]);

		if (v)
			json_object_set_nocheck(json_own_object(ext, "prebid"), prebid_members[i], v);
	}
	return answer;
}

static void answer(struct auction *a)
{
	json_t *j;
	struct buf b;

	if (!front_settle(a))
		return;
	j = render(a);
	buf_init(&b, MAX_ANSWER_BYTES);
	json_write(&b, j);
	json_decref(j);
	buf_add_c(&b, '\n');
	http_reply_header(a->front_ctx, "X-Content-Type-Options", STR("nosniff"));
	http_reply_buf(a->front_ctx, 200, "text/plain; charset=utf-8", &b);
}

static const struct auction_front front = { "amp", ADAPTER_AMP, answer };

static void refuse_request(struct amp_call *c)
{
	int status = report_status(&c->auction->messages);
	struct buf b;

	tally_refused(c->auction, status);
	buf_init(&b, 1 << 20);
	report_body(&c->auction->messages, &b);
	http_reply_header(c->req, "X-Content-Type-Options", STR("nosniff"));
	http_reply_buf(c->req, status, "text/plain; charset=utf-8", &b);
}

static void drop_body(void *b)
{
	buf_deinit(b);
}

static void with_stored(struct amp_call *c)
{
	struct auction *a = c->auction;
	const struct pbs_config *config = a->config;
	struct amp_rules rules = {
		.timeout_adjustment_ms = config->amp_timeout_adjustment_ms,
		.gdpr_enabled = a->privacy_host->gdpr_enabled,
		.generate_request_id = config->generate_request_id,
	};
	json_t *request;

	if (!c->item.value) {
		(void)refuse(&a->messages, "Stored Request with ID=\"" STR_FMT "\" not found.",
			     STR_ARG(c->item.id));
		refuse_request(c);
		return;
	}
	if (amp_request(c->item.value, c->query, &rules, &a->x->rng, a->arena, &a->messages, &request) < 0) {
		refuse_request(c);
		return;
	}
	buf_init(&c->body, MAX_REQUEST_BYTES);
	arena_defer(a->arena, drop_body, &c->body);
	json_write(&c->body, request);
	json_decref(request);
	a->body = buf_str(&c->body);
	a->query = c->query;
	front_auction_start(a);
}

static void on_stored(struct stored_lookup *l)
{
	with_stored(container_of(l, struct amp_call, lookup));
}

static void keep_first(void *query, struct str name, struct str value)
{
	if (!json_object_getn(query, name.p, name.n) && !memchr(name.p, 0, name.n))
		json_object_setn_new_nocheck(query, name.p, name.n, json_stringn(value.p, value.n));
}

/* AMP's own kind of CORS. */
static void allow_origin(struct http_request *req, const json_t *query)
{
	struct str origin = json_str(json_object_get(query, "__amp_source_origin"));

	if (origin.n == 0)
		origin = http_request_header(req, "Origin");
	if (origin.n)
		http_reply_header(req, "AMP-Access-Control-Allow-Source-Origin", origin);
	http_reply_header(req, "Access-Control-Expose-Headers",
			  STR("AMP-Access-Control-Allow-Source-Origin"));
}

void endpoint_amp(struct http_request *req)
{
	struct amp_call *c = ARENA_NEW(req->arena, struct amp_call);
	struct pbs_worker *w = pbs_worker_of(req);

	c->req = req;
	c->query = arena_own_json(req->arena, json_object());
	http_request_args(req, keep_first, c->query);
	c->auction = front_auction_new(req, &front);
	if (!c->auction)
		return;
	allow_origin(req, c->query);
	if (amp_check_query(c->query, &c->auction->messages) < 0) {
		refuse_request(c);
		return;
	}
	c->item = (struct stored_item){ .kind = STORED_REQUEST,
					.id = json_str(json_object_get(c->query, "tag_id")) };
	c->lookup = (struct stored_lookup){
		.arena = req->arena, .items = &c->item, .n_items = 1, .done = on_stored
	};
	if (stored_fetch(w->exchange.stored, &c->lookup, c->auction->config->stored_timeout_ms))
		with_stored(c);
}
