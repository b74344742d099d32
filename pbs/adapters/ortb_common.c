#include "pbs/adapters/ortb_common.h"

#include "common/mem.h"
#include "pbs/adapters/ortb_ext.h"

const struct ortb_status ortb_status_s1 = {
	"Unexpected status code: %d. Run with request.debug = 1 for more info",
	"Unexpected status code: %d. Run with request.debug = 1 for more info",
	ADAPTER_BAD_INPUT,
	ADAPTER_BAD_SERVER_RESPONSE,
};
const struct ortb_status ortb_status_stop = {
	"Unexpected status code: %d. Run with request.debug = 1 for more info.",
	"Unexpected status code: %d. Run with request.debug = 1 for more info.",
	ADAPTER_BAD_INPUT,
	ADAPTER_BAD_SERVER_RESPONSE,
};
const struct ortb_status ortb_status_plain = {
	"Unexpected status code: %d. Run with request.debug = 1 for more info",
	"Unexpected status code: %d. Run with request.debug = 1 for more info",
	ADAPTER_BAD_INPUT,
	ADAPTER_PLAIN,
};

#define FIELD(key, label, kind) TYPED_FIELD(key, label, TYPED_##kind, TYPED_GIVEN)

static const struct typed_field prebid_fields[] = {
	FIELD("is_rewarded_inventory", "IsRewardedInventory", INT),
	FIELD("adunitcode", "AdUnitCode", STR),
	FIELD("bidder", "Bidder", MAP),
	FIELD("imp", "Imp", MAP),
	FIELD("storedrequest", "StoredRequest", MAP),
	FIELD("storedauctionresponse", "StoredAuctionResponse", MAP),
	FIELD("options", "Options", MAP),
	FIELD("floors", "Floors", MAP),
	FIELD("passthrough", "Passthrough", RAW),
};
const struct typed_struct ortb_ext_imp_prebid = { "openrtb_ext.ExtImpPrebid", prebid_fields,
						  ARRAY_LEN(prebid_fields) };

static const struct typed_field wrapper_fields[] = {
	{ "prebid", "Prebid", &ortb_ext_imp_prebid, 6, TYPED_OBJECT, TYPED_GIVEN, false },
	FIELD("bidder", "Bidder", RAW),
	FIELD("ae", "AuctionEnvironment", INT),
};
const struct typed_struct ortb_ext_imp_bidder = { "adapters.ExtImpBidder", wrapper_fields,
						  ARRAY_LEN(wrapper_fields) };

json_t *ortb_typed(struct arena *a, json_t *in, const struct typed_struct *type, struct errtext *why)
{
	json_t *decoded = typed_decode(in, type, why, NULL);

	return decoded ? arena_own_json(a, decoded) : NULL;
}

bool ortb_is_map(const json_t *v, struct errtext *why)
{
	static const struct typed_struct map = { "", NULL, 0 };
	json_t *decoded;

	if (json_is_object(v))
		return true;
	decoded = typed_decode((json_t *)v, &map, why, NULL);
	json_decref(decoded);
	return decoded != NULL;
}

json_t *ortb_strings(struct arena *a, json_t *v, struct errtext *why)
{
	static const struct typed_field field = { "v", "v", NULL, 1, TYPED_STR, TYPED_GIVEN, true };
	static const struct typed_struct box = { NULL, &field, 1 };
	json_t *boxed = json_pack("{s:O}", "v", v), *decoded = typed_decode(boxed, &box, why, NULL), *list;

	json_decref(boxed);
	if (!decoded)
		return NULL;
	list = json_object_get(decoded, "v");
	list = arena_own_json(a, list ? json_incref(list) : json_array());
	json_decref(decoded);
	return list;
}

/* The wrapper is dropped at once: its members live on in the imp. */
json_t *ortb_params(struct arena *a, const json_t *imp, const struct typed_struct *params,
		    struct errtext *why)
{
	json_t *wrapper = typed_decode(json_object_get(imp, "ext"), &ortb_ext_imp_bidder, why, NULL),
	       *decoded;

	if (!wrapper)
		return NULL;
	decoded = ortb_typed(a, json_object_get(wrapper, "bidder"), params, why);
	json_decref(wrapper);
	return decoded;
}

void ortb_headers(struct arena *a, struct adapter_call *call, enum ortb_headers headers)
{
	if (headers == ORTB_HEADERS_NONE)
		return;
	adapter_call_header(a, call, "Content-Type", STR("application/json;charset=utf-8"));
	if (headers == ORTB_HEADERS_JSON)
		adapter_call_header(a, call, "Accept", STR("application/json"));
}

json_t *ortb_body(struct adapter_request *r, json_t *imps)
{
	json_t *body = arena_own_json(r->arena, json_copy(r->root));

	json_object_set_new(body, "imp", imps);
	return body;
}

struct adapter_call *ortb_call(struct adapter_request *r, struct adapter_calls *out, struct str uri,
			       json_t *imps, enum ortb_headers headers)
{
	struct adapter_call *call = adapter_call_add(r, out, uri, ortb_body(r, imps));

	ortb_headers(r->arena, call, headers);
	return call;
}

/* One imp through params and hook. */
static enum ortb_verdict visit_imp(struct ortb_imp *x, const struct ortb_rules *rules)
{
	struct errtext why;

	if (rules->params) {
		x->params = ortb_params(x->r->arena, x->imp, rules->params, &why);
		if (!x->params) {
			adapter_error(x->errors, rules->bad_params ? rules->bad_params : ADAPTER_BAD_INPUT,
				      "%s", why.text);
			return rules->abort_on_bad_params ? ORTB_ABORT : ORTB_DROP;
		}
	}
	return rules->each_imp ? rules->each_imp(x) : ORTB_KEEP;
}

bool ortb_visit_imps(struct adapter_request *r, struct adapter_errors *errors)
{
	const struct ortb_rules *rules = r->bidder->adapter->rules;
	json_t *imps = json_object_get(r->root, "imp"), *kept;
	size_t n = json_array_size(imps);

	if (!rules->params && !rules->each_imp)
		return true;
	kept = json_array();
	for (size_t i = 0; i < n; i++) {
		struct ortb_imp x = { r, errors, json_array_get(imps, i), NULL, i };
		enum ortb_verdict verdict = visit_imp(&x, rules);

		if (verdict == ORTB_ABORT) {
			json_decref(kept);
			return false;
		}
		if (verdict == ORTB_KEEP)
			json_array_append(kept, x.imp);
	}
	json_object_set_new(r->root, "imp", kept);
	return true;
}

void ortb_make_requests(struct adapter_request *r, struct adapter_calls *out)
{
	const struct ortb_rules *rules = r->bidder->adapter->rules;
	struct adapter_call *call;

	if (!ortb_visit_imps(r, &out->errors))
		return;
	if (json_array_size(json_object_get(r->root, "imp")) == 0 && !rules->send_empty) {
		if (rules->nothing_left)
			rules->nothing_left(&out->errors);
		return;
	}
	if (rules->request && rules->request(r, &out->errors) == ORTB_ABORT)
		return;
	call = adapter_call_add(r, out, str_of(r->bidder->endpoint), r->root);
	ortb_headers(r->arena, call, rules->headers);
	if (rules->add_headers)
		rules->add_headers(r, call);
}

void ortb_floor_param(json_t *imp, double floor, enum ortb_floor when)
{
	double now = json_num_at(imp, "bidfloor", 0);
	bool use = when == FLOOR_OVERRIDE || (when == FLOOR_IF_ZERO && now == 0) ||
		   (when == FLOOR_IF_NOT_POSITIVE && now <= 0) || (when == FLOOR_MAX && floor > now);

	if (floor > 0 && use)
		json_set_real(imp, "bidfloor", floor);
}

int ortb_floor_usd(const struct adapter_request *r, json_t *imp, double *ret_usd, struct errtext *why)
{
	double floor = json_num_at(imp, "bidfloor", 0);
	struct str cur = json_str_at(imp, "bidfloorcur");

	if (floor <= 0 || cur.n == 0 || str_eq_nocase(cur, STR("USD")))
		return 1;
	return adapter_convert(r, floor, cur, STR("USD"), ret_usd, why);
}

void ortb_banner_size(json_t *imp, enum ortb_size when)
{
	json_t *banner = json_object_get(imp, "banner");
	const json_t *first = json_array_get(json_object_get(banner, "format"), 0);
	bool w = json_object_get(banner, "w") != NULL, h = json_object_get(banner, "h") != NULL;

	if (!first || (when == SIZE_BOTH_ABSENT && (w || h)) || (when == SIZE_EITHER_ABSENT && w && h))
		return;
	banner = json_own(imp, "banner");
	json_set_int(banner, "w", json_int_at(first, "w", 0));
	json_set_int(banner, "h", json_int_at(first, "h", 0));
}

void ortb_publisher_id(json_t *root, const char *where, struct str id)
{
	json_t *publisher = json_own_object(json_own_object(root, where), "publisher");

	if (id.n > 0)
		json_set_str(publisher, "id", id);
	else
		json_object_del(publisher, "id");
}

/* The texts are constants of the tables, each with one %d at most. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
enum ortb_gate ortb_status_gate(int status, const struct ortb_status *texts, struct adapter_errors *e)
{
	if (status == 204)
		return ORTB_GATE_NOTHING;
	if (status == 200)
		return ORTB_GATE_OK;
	if (status == 400)
		adapter_error(e, texts->bad_request_code, texts->bad_request, status);
	else
		adapter_error(e, texts->other_code, texts->other, status);
	return ORTB_GATE_ERROR;
}
#pragma GCC diagnostic pop

json_t *ortb_reply_json(struct arena *a, const struct adapter_reply *reply, struct errtext *why)
{
	json_t *json;

	if (reply->json)
		return reply->json;
	json = str_trim(reply->bytes).n > 0 ? json_parse(reply->bytes, why) : NULL;
	return json ? arena_own_json(a, json) : NULL;
}

json_t *ortb_reply(struct arena *a, const struct adapter_reply *reply, const struct typed_struct *type,
		   struct errtext *why)
{
	json_t *json = ortb_reply_json(a, reply, why);

	if (!json && str_trim(reply->bytes).n > 0)
		return NULL; /* not JSON, which `why` says */
	return ortb_typed(a, json, type, why);
}

static void take_currency(struct adapter_bids *out, const json_t *response, enum ortb_currency rule)
{
	struct str cur = json_str_at(response, "cur");

	if (rule == ORTB_CURRENCY_VERBATIM || (rule == ORTB_CURRENCY_OR_USD && cur.n > 0))
		out->currency = cur;
}

/* Appends the bids of one seat; false when a hook gave up the response. */
static bool visit_bids(struct ortb_bid *x, enum ortb_verdict (*each_bid)(struct ortb_bid *x))
{
	json_t *bids = json_object_get(x->seatbid, "bid");

	for (size_t i = 0; i < json_array_size(bids); i++) {
		struct adapter_bid b = { .bid = json_array_get(bids, i) };
		enum ortb_verdict verdict;
		struct adapter_bid *kept, *next;

		x->bid = b.bid;
		x->b = &b;
		verdict = each_bid(x);
		if (verdict == ORTB_ABORT)
			return false;
		if (verdict == ORTB_DROP)
			continue;
		kept = adapter_bid_add(x->r->arena, x->out, b.bid, b.type);
		next = kept->next;
		*kept = b;
		kept->next = next;
	}
	return true;
}

void ortb_parse_bids(const struct adapter_request *r, const struct adapter_call *sent,
		     const struct adapter_reply *reply, struct adapter_bids *out)
{
	ortb_parse_by(r->bidder->adapter->rules, r, sent, reply, out);
}

void ortb_parse_by(const struct ortb_rules *rules, const struct adapter_request *r,
		   const struct adapter_call *sent, const struct adapter_reply *reply,
		   struct adapter_bids *out)
{
	struct ortb_bid x = { .r = r, .sent = sent, .out = out };
	const json_t *response, *seats;
	struct errtext why;

	if (ortb_status_gate(reply->status, rules->status ? rules->status : &ortb_status_s1, &out->errors) !=
	    ORTB_GATE_OK)
		return;
	response = ortb_reply(r->arena, reply, ortb_struct(ORTB_BID_RESPONSE), &why);
	if (!response) {
		adapter_error(&out->errors, rules->bad_body ? rules->bad_body : ADAPTER_FAILED_TO_UNMARSHAL,
			      "%s%s", rules->bad_body_prefix ? rules->bad_body_prefix : "", why.text);
		return;
	}
	seats = json_object_get(response, "seatbid");
	if (rules->seats && rules->seats(seats, &out->errors) == ORTB_ABORT)
		return;
	out->answered = true;
	take_currency(out, response, rules->currency);
	x.response = response;
	for (size_t i = 0; i < json_array_size(seats); i++) {
		x.seatbid = json_array_get(seats, i);
		if (!visit_bids(&x, rules->each_bid)) {
			struct adapter_errors errors = out->errors;

			adapter_bids_init(out, r->arena); /* nothing of the response remains but its errors */
			out->errors = errors;
			return;
		}
	}
	if (rules->response)
		rules->response(r, response, out);
}

const json_t *ortb_imp_by_id(const json_t *root, struct str id)
{
	const json_t *imps = json_object_get(root, "imp");

	for (size_t i = 0; i < json_array_size(imps); i++)
		if (str_eq(json_str_at(json_array_get(imps, i), "id"), id))
			return json_array_get(imps, i);
	return NULL;
}

enum media ortb_imp_media(const json_t *imp, const enum media *order)
{
	unsigned has = media_of_imp(imp);

	for (; *order != MEDIA_NONE; order++)
		if (has & *order)
			return *order;
	return MEDIA_NONE;
}

/* The owner's names are those of the shared reader of bid.ext. */
static const struct typed_field bid_ext_fields[] = {
	{ "prebid", "Prebid", &ortb_ext_bid_prebid, 6, TYPED_OBJECT, TYPED_GIVEN, false },
};
static const struct typed_struct bid_ext = { "openrtb_ext.ExtBid", bid_ext_fields, 1 };

bool ortb_has_prebid(const json_t *bid)
{
	json_t *ext = typed_decode(json_object_get(bid, "ext"), &bid_ext, NULL, NULL);
	bool has = json_object_get(ext, "prebid") != NULL;

	json_decref(ext);
	return has;
}

bool ortb_prebid_type(const json_t *bid, struct str *ret_type, struct errtext *why)
{
	json_t *ext = typed_decode(json_object_get(bid, "ext"), &bid_ext, why, NULL);
	struct str text;
	enum media media;

	if (!ext)
		return false;
	text = json_str_at(ext, "prebid.type");
	media = media_parse(text);
	if (media == MEDIA_NONE)
		errtext_set(why, "invalid BidType: " STR_FMT, STR_ARG(text));
	else
		*ret_type = str_of(media_name(media));
	json_decref(ext);
	return media != MEDIA_NONE;
}

struct str ortb_first_str(const json_t *list)
{
	return json_str(json_array_get(list, 0));
}
