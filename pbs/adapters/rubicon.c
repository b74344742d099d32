/* Rubicon (Magnite) takes one imp a call, with nearly everything in extensions of its own.
 *
 * Order of work: the request is brought to OpenRTB 2.6, each imp becomes one imp or one for each of its
 * formats, and each of these gets a body of its own that shares with the request what it does not change. The
 * request itself stays as it came: replies are read against its imps.
 *
 * Source  fact sheet "rubicon" of the reference's adapters.
 */
#include "pbs/adapters/rubicon.h"

#include <stdlib.h>

#include "common/base64.h"
#include "common/err.h"
#include "common/mem.h"
#include "pbs/adapters/bidder_info.h"
#include "pbs/adapters/bidders.h"
#include "pbs/adapters/ortb_ext.h"
#include "pbs/adapters/ortb_text.h"
#include "pbs/exchange/messages.h"
#include "pbs/openrtb/convert.h"

/* Requests ----------------------------------------------------------------------------------------- */

static bool to_26(struct adapter_request *r, struct adapter_errors *errors)
{
	struct messages m;

	messages_init(&m, r->arena);
	if (convert_up(r->root, &m) < 0) {
		struct str text = m.buckets ? m.buckets->first->text : STR("the request cannot be read");

		adapter_error(errors, ADAPTER_PLAIN, STR_FMT, STR_ARG(text));
		return false;
	}
	return true;
}

/* One imp to be sent, with what its ext says. */
struct planned {
	json_t *imp; /* own */
	const json_t *ext;
};

struct plan {
	struct planned *at;
	size_t n;
};

/* The imp whole, or one copy for each of its formats. */
static void plan_imp(struct arena *a, struct plan *plan, json_t *imp, const json_t *ext)
{
	static const enum media order[] = { MEDIA_BANNER, MEDIA_VIDEO, MEDIA_NATIVE, MEDIA_AUDIO };
	bool split = json_bool_at(ext, "bidder.bidonmultiformat", false);

	if (!split)
		plan->at[plan->n++] = (struct planned){ arena_own_json(a, json_copy(imp)), ext };
	for (size_t i = 0; split && i < ARRAY_LEN(order); i++) {
		json_t *copy;

		if (!json_object_get(imp, media_name(order[i])))
			continue;
		copy = arena_own_json(a, json_copy(imp));
		for (size_t k = 0; k < ARRAY_LEN(order); k++)
			if (k != i)
				json_object_del(copy, media_name(order[k]));
		plan->at[plan->n++] = (struct planned){ copy, ext };
	}
}

/* All imps are read before the first is built, so errors of decoding come first. */
static struct plan plan_imps(struct adapter_request *r, struct adapter_errors *errors)
{
	const json_t *imps = json_object_get(r->root, "imp");
	size_t n = json_array_size(imps);
	struct plan plan = { ARENA_ARRAY(r->arena, struct planned, n * MEDIA_KINDS), 0 };

	for (size_t i = 0; i < n; i++) {
		json_t *imp = json_array_get(imps, i);
		struct errtext why;
		const json_t *ext = ortb_typed(r->arena, json_object_get(imp, "ext"), &rubicon_imp_ext, &why);

		if (ext)
			plan_imp(r->arena, &plan, imp, ext);
		else
			adapter_error(errors, ADAPTER_BAD_INPUT, "%s", why.text);
	}
	return plan;
}

static void add_call(struct adapter_request *r, const struct planned *p, struct adapter_calls *out)
{
	const struct rubicon_state *state = r->bidder->state;
	struct rubicon_imp x = { r,      &out->errors, state, p->ext, json_object_get(p->ext, "bidder"),
				 p->imp, NULL };
	struct adapter_call *call;

	if (!x.params)
		x.params = arena_own_json(r->arena, json_object());
	x.body = ortb_body(r, json_pack("[O]", p->imp));
	if (!rubicon_set_imp(&x) || !rubicon_set_user(&x))
		return;
	rubicon_set_device(&x);
	if (!rubicon_set_media(&x) || !rubicon_set_site(&x) || !rubicon_set_rest(&x))
		return;
	call = adapter_call_add(r, out, state->uri, x.body);
	ortb_headers(r->arena, call, ORTB_HEADERS_JSON);
	adapter_call_header(r->arena, call, "User-Agent", STR("prebid-server/1.0"));
	adapter_call_header(r->arena, call, "Authorization", state->authorization);
}

static void make_requests(struct adapter_request *r, struct adapter_calls *out)
{
	struct plan plan;

	if (!to_26(r, &out->errors))
		return;
	plan = plan_imps(r, &out->errors);
	for (size_t i = 0; i < plan.n; i++)
		add_call(r, &plan.at[i], out);
}

/* Replies ------------------------------------------------------------------------------------------ */

/* bid.ext as the bidder's part of the reference writes it again. */
static const struct typed_field ext_fields[] = {
	{ "prebid", "Prebid", &ortb_ext_bid_prebid, 6, TYPED_OBJECT, TYPED_GIVEN, false },
	TYPED_FIELD("bidder", "Bidder", TYPED_RAW, TYPED_GIVEN),
};
static const struct typed_struct ext_struct = { "openrtb_ext.ExtBid", ext_fields, ARRAY_LEN(ext_fields) };

/* One reply while it is read. OpenRTB does not know the seat's buyer and the bid's adm_native, which are read
 * from the tree as it came, at the same places. */
struct reply {
	const struct adapter_request *r;
	struct adapter_bids *out;
	struct str type, bidid;
	double price; /* 0: that of the bid */
};

static void set_or_drop(json_t *obj, const char *key, json_t *v, bool given)
{
	if (given)
		json_object_set(obj, key, v);
	else
		json_object_del(obj, key);
	json_decref(v);
}

/* Who bought it goes into the bid's own ext; one that does not decode stays as it is. */
static void set_meta(json_t *bid, int64_t buyer, struct str seat)
{
	json_t *old = json_object_get(bid, "ext"), *ext, *meta;

	if (buyer <= 0 && seat.n == 0)
		return;
	ext = typed_decode(old ? old : json_null(), &ext_struct, NULL, NULL);
	if (!ext)
		return;
	json_object_set_new(bid, "ext", json_copy(ext));
	json_decref(ext);
	meta = json_own_object(json_own_object(json_object_get(bid, "ext"), "prebid"), "meta");
	set_or_drop(meta, "networkId", json_integer(buyer), buyer != 0);
	set_or_drop(meta, "seat", json_new_str(seat), seat.n > 0);
}

/* A test aid: the price that the bid's imp asks for, or the request. */
static double price_override(const struct reply *reply, const json_t *bid)
{
	const json_t *imp = ortb_imp_by_id(reply->r->root, json_str_at(bid, "impid"));
	json_t *raw = json_object_get(imp, "ext"),
	       *ext = raw ? typed_decode(raw, &rubicon_imp_ext, NULL, NULL) : NULL;
	double price = json_num_at(ext, "bidder.debug.cpmoverride", 0);

	json_decref(ext);
	return price != 0 ? price : reply->price;
}

/* The markup as text, escaped as JSON is that may come to stand inside HTML or a script. */
static struct str markup(struct arena *a, const json_t *adm_native)
{
	static const struct {
		const char *what, *with;
	} escapes[] = {
		{ "<", "\\u003c" },
		{ ">", "\\u003e" },
		{ "&", "\\u0026" },
		{ "\xe2\x80\xa8", "\\u2028" },
		{ "\xe2\x80\xa9", "\\u2029" },
	};
	char *text = json_text(adm_native ? adm_native : json_null());
	struct str out = str_of(arena_strdup(a, text));

	free(text);
	for (size_t i = 0; i < ARRAY_LEN(escapes); i++)
		out = ortb_replace(a, out, str_of(escapes[i].what), str_of(escapes[i].with));
	return out;
}

static void read_bid(struct reply *reply, json_t *bid, const json_t *raw, int64_t buyer, struct str seat)
{
	double price;

	set_meta(bid, buyer, seat);
	price = price_override(reply, bid);
	if (price > 0)
		json_set_real(bid, "price", price);
	if (json_num_at(bid, "price", 0) == 0)
		return;
	if (str_eq(json_str_at(bid, "id"), STR("0")))
		json_set_str(bid, "id", reply->bidid);
	if (json_str_at(bid, "adm").n == 0)
		json_set_str(bid, "adm", markup(reply->r->arena, typed_get(raw, "adm_native")));
	(void)adapter_bid_add(reply->r->arena, reply->out, bid, reply->type);
}

static const struct typed_field buyer_fields[] = { TYPED_FIELD("buyer", "Buyer", TYPED_STR, TYPED_GIVEN) };
static const struct typed_struct buyer_struct = { "rubicon.rubiconSeatBid", buyer_fields, 1 };

/* False with the text when a seat's buyer is no text. */
static bool buyers_decode(const json_t *seats, struct errtext *why)
{
	for (size_t i = 0; i < json_array_size(seats); i++) {
		json_t *decoded = typed_decode(json_array_get(seats, i), &buyer_struct, why, NULL);

		if (!decoded)
			return false;
		json_decref(decoded);
	}
	return true;
}

static void read_seats(struct reply *reply, const json_t *seats, const json_t *raw_seats)
{
	for (size_t i = 0; i < json_array_size(seats); i++) {
		const json_t *seat = json_array_get(seats, i), *raw = json_array_get(raw_seats, i);
		const json_t *bids = json_object_get(seat, "bid"), *raw_bids = typed_get(raw, "bid");
		int64_t buyer;

		if (!ortb_parse_int(json_str(typed_get(raw, "buyer")), &buyer))
			buyer = 0;
		for (size_t k = 0; k < json_array_size(bids); k++) {
			json_t *bid = json_copy(json_array_get(bids, k)); /* the raw one stays as it came */

			read_bid(reply, arena_own_json(reply->r->arena, bid), json_array_get(raw_bids, k),
				 buyer, json_str_at(seat, "seat"));
		}
	}
}

/* The type of all bids is that of the one imp that was sent; false with an error when there is none. */
static bool sent_type(const struct adapter_call *sent, struct adapter_errors *errors, struct str *ret_type)
{
	const json_t *imp = json_array_get(json_object_get(sent->body, "imp"), 0);

	if (!imp) {
		adapter_error(errors, ADAPTER_PLAIN, "The request that was answered has no imp");
		return false;
	}
	*ret_type = rubicon_is_video(imp)            ? STR("video")
		    : json_object_get(imp, "banner") ? STR("banner")
						     : STR("native");
	return true;
}

static void parse_bids(const struct adapter_request *r, const struct adapter_call *sent,
		       const struct adapter_reply *answer, struct adapter_bids *out)
{
	struct reply reply = { .r = r, .out = out };
	const json_t *response, *raw;
	struct errtext why;

	if (ortb_status_gate(answer->status, &ortb_status_s1, &out->errors) != ORTB_GATE_OK)
		return;
	response = ortb_reply(r->arena, answer, ortb_struct(ORTB_BID_RESPONSE), &why);
	raw = response ? ortb_reply_json(r->arena, answer, &why) : NULL;
	if (!response || !buyers_decode(typed_get(raw, "seatbid"), &why)) {
		adapter_error(&out->errors, ADAPTER_BAD_SERVER_RESPONSE, "%s", why.text);
		return;
	}
	if (!sent_type(sent, &out->errors, &reply.type))
		return;
	out->answered = true;
	if (json_str_at(response, "cur").n > 0)
		out->currency = json_str_at(response, "cur");
	reply.bidid = json_str_at(response, "bidid");
	reply.price = json_num_at(r->root, "ext.prebid.bidders.rubicon.debug.cpmoverride", 0);
	read_seats(&reply, json_object_get(response, "seatbid"), typed_get(raw, "seatbid"));
}

/* Configuration ------------------------------------------------------------------------------------ */

static struct str basic_auth(struct arena *a, const struct bidder_info *info)
{
	struct str pair = str_of(arena_printf(a, "%s:%s", info->xapi_username, info->xapi_password)), out;
	struct buf b;

	buf_init(&b, 2 * pair.n + 16);
	buf_add_z(&b, "Basic ");
	base64_write(&b, pair);
	out = arena_str(a, buf_str(&b));
	buf_deinit(&b);
	return out;
}

static int build(struct bidder *b, struct arena *a, struct errtext *why)
{
	const struct bidder_info *info = b->info;
	struct rubicon_state *state;
	struct str endpoint = str_of(b->endpoint);

	if (!info->xapi_username || !info->xapi_password) {
		errtext_set(why, "xapi.username and xapi.password are not configured");
		return ERR_INPUT;
	}
	if (str_contains(endpoint, STR("//REGION."))) {
		errtext_set(why, "endpoint still has REGION where the region belongs: exapi-us-east, "
				 "exapi-us-west, exapi-apac or exapi-eu");
		return ERR_INPUT;
	}
	state = ARENA_NEW(a, struct rubicon_state);
	state->uri = ortb_uri_with(a, endpoint, STR("tk_xint"), str_of(info->xapi_tracker));
	state->login = str_of(info->xapi_username);
	state->authorization = basic_auth(a, info);
	b->state = state;
	return 0;
}

const struct adapter adapter_rubicon = {
	.name = "rubicon",
	.make_requests = make_requests,
	.parse_bids = parse_bids,
	.build = build,
};
