/* Improve Digital gets one call per imp, below the publisher's own path, and one seat back.
 *
 * Source  fact sheet "improvedigital" of the reference's adapters.
 */
#include "common/mem.h"
#include "pbs/adapters/bidders.h"
#include "pbs/adapters/ortb_common.h"
#include "pbs/adapters/ortb_text.h"

#define FIELD(key, label, kind) TYPED_FIELD(key, label, TYPED_##kind, TYPED_GIVEN)

/* All that is read of imp.ext; what does not decode counts as absent. */
static const struct typed_field publisher_fields[] = { FIELD("publisherId", "PublisherID", INT) };
static const struct typed_struct publisher = { "", publisher_fields, 1 };
static const struct typed_field params_fields[] = {
	{ "bidder", "Bidder", &publisher, 6, TYPED_OBJECT, TYPED_GIVEN, false },
};
static const struct typed_struct params = { "improvedigital.ImpExtBidder", params_fields, 1 };

/* imp.ext says at its top whether the imp is rewarded. */
static bool copy_rewarded(json_t *imp, struct errtext *why)
{
	json_t *ext = json_object_get(imp, "ext"), *prebid;
	const json_t *rewarded;

	if (!ortb_is_map(ext, why))
		return false;
	prebid = json_object_get(ext, "prebid");
	if (prebid && !ortb_is_map(prebid, why))
		return false;
	rewarded = json_object_get(prebid, "is_rewarded_inventory");
	if (json_is_integer(rewarded) && json_integer_value(rewarded) == 1)
		json_set_bool(json_own(imp, "ext"), "is_rewarded_inventory", true);
	return true;
}

static struct str uri_of(struct adapter_request *r, const json_t *imp)
{
	const json_t *p = ortb_typed(r->arena, json_object_get(imp, "ext"), &params, NULL);
	int64_t id = json_int_at(p, "bidder.publisherId", 0);
	struct str path = STR("");

	if (id != 0)
		path = str_of(arena_printf(r->arena, "%lld/", (long long)id));
	return ortb_replace(r->arena, str_of(r->bidder->endpoint), STR("{PublisherId}"), path);
}

static void make_requests(struct adapter_request *r, struct adapter_calls *out)
{
	const json_t *imps = json_object_get(r->root, "imp");

	for (size_t i = 0; i < json_array_size(imps); i++) {
		json_t *imp = json_array_get(imps, i);
		struct errtext why;

		if (copy_rewarded(imp, &why))
			ortb_call(r, out, uri_of(r, imp), json_pack("[O]", imp), ORTB_HEADERS_CONTENT);
		else
			adapter_error(&out->errors, ADAPTER_FAILED_TO_UNMARSHAL, "%s", why.text);
	}
}

static enum ortb_verdict check_seats(const json_t *seats, struct adapter_errors *errors)
{
	size_t n = json_array_size(seats);

	if (n > 1)
		adapter_error(errors, ADAPTER_BAD_SERVER_RESPONSE,
			      "Unexpected SeatBid! Must be only one but have: %zu", n);
	if (n != 1 || json_array_size(json_object_get(json_array_get(seats, 0), "bid")) == 0)
		return ORTB_ABORT;
	return ORTB_KEEP;
}

/* NULL, with the reason, when it cannot be told. */
static const char *type_of(const struct ortb_bid *x, struct errtext *why)
{
	struct str impid = json_str_at(x->bid, "impid");
	const json_t *imp = ortb_imp_by_id(x->r->root, impid);
	int64_t mtype = json_int_at(x->bid, "mtype", 0);
	unsigned has = media_of_imp(imp);

	if (!imp)
		errtext_set(why, "Failed to find impression for ID: \"" STR_FMT "\"", STR_ARG(impid));
	else if (media_of_mtype(mtype) != MEDIA_NONE)
		return media_name(media_of_mtype(mtype));
	else if (mtype != 0)
		errtext_set(why, "Unsupported MType %lld for impression with ID: \"" STR_FMT "\"",
			    (long long)mtype, STR_ARG(impid));
	else if (has == 0)
		errtext_set(why, "Could not determine MType from impression with ID: \"" STR_FMT "\"",
			    STR_ARG(impid));
	else if ((has & (has - 1)) != 0)
		errtext_set(why,
			    "Bid must have non-zero MType for multi format impression with ID: \"" STR_FMT
			    "\"",
			    STR_ARG(impid));
	else
		return media_name((enum media)has);
	return NULL;
}

static const struct typed_field deal_fields[] = {
	FIELD("line_item_id", "LineItemID", INT),
	FIELD("buying_type", "BuyingType", STR),
};
static const struct typed_struct deal = { "improvedigital.BidExtImprovedigital", deal_fields,
					  ARRAY_LEN(deal_fields) };
static const struct typed_field bid_ext_fields[] = {
	{ "improvedigital", "Improvedigital", &deal, 14, TYPED_OBJECT, TYPED_GIVEN, false },
};
static const struct typed_struct bid_ext = { "improvedigital.BidExt", bid_ext_fields, 1 };

static void set_deal(struct ortb_bid *x, const json_t *ext)
{
	int64_t line_item = json_int_at(ext, "improvedigital.line_item_id", 0);
	struct str buying = json_str_at(ext, "improvedigital.buying_type");

	if (line_item != 0 && (str_contains(buying, STR("classic")) || str_contains(buying, STR("deal"))))
		json_set_str(x->bid, "dealid",
			     str_of(arena_printf(x->r->arena, "%lld", (long long)line_item)));
}

static enum ortb_verdict read_bid(struct ortb_bid *x)
{
	struct errtext why;
	const char *type = type_of(x, &why);
	json_t *ext = json_object_get(x->bid, "ext");

	if (!type) {
		adapter_error(&x->out->errors, ADAPTER_BAD_SERVER_RESPONSE, "%s", why.text);
		return ORTB_ABORT;
	}
	if (ext) {
		ext = ortb_typed(x->r->arena, ext, &bid_ext, &why);
		if (!ext) {
			adapter_error(&x->out->errors, ADAPTER_FAILED_TO_UNMARSHAL, "%s", why.text);
			return ORTB_ABORT;
		}
		set_deal(x, ext);
	}
	x->b->type = str_of(type);
	return ORTB_KEEP;
}

static const struct ortb_rules rules = {
	.currency = ORTB_CURRENCY_VERBATIM,
	.seats = check_seats,
	.each_bid = read_bid,
};

const struct adapter adapter_improvedigital = {
	.name = "improvedigital",
	.rules = &rules,
	.make_requests = make_requests,
	.parse_bids = ortb_parse_bids,
};
