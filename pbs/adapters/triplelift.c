/* TripleLift takes one inventory code per imp and floors in USD.
 *
 * Source  fact sheet "triplelift" of the reference's adapters.
 */
#include "common/mem.h"
#include "pbs/adapters/bidders.h"
#include "pbs/adapters/ortb_common.h"

#define FIELD(key, label, kind) TYPED_FIELD(key, label, TYPED_##kind, TYPED_GIVEN)

static const struct typed_field param_fields[] = {
	FIELD("inventoryCode", "InvCode", STR),
	FIELD("floor", "Floor", FLOAT),
};
static const struct typed_struct params = { "openrtb_ext.ExtImpTriplelift", param_fields,
					    ARRAY_LEN(param_fields) };

/* A floor that was given counts even when it is 0 or negative. */
static void set_floor(json_t *imp, json_t *floor)
{
	if (!floor)
		return;
	if (json_number_value(floor) != 0)
		json_object_set(imp, "bidfloor", floor);
	else
		json_object_del(imp, "bidfloor");
}

static enum ortb_verdict set_inventory(struct ortb_imp *x)
{
	struct str code = json_str_at(x->params, "inventoryCode");
	struct errtext why;
	double usd;
	int err;

	if (!(media_of_imp(x->imp) & (MEDIA_BANNER | MEDIA_VIDEO))) {
		adapter_error(x->errors, ADAPTER_PLAIN, "neither Banner nor Video object specified");
		return ORTB_DROP;
	}
	if (code.n > 0)
		json_set_str(x->imp, "tagid", code);
	else
		json_object_del(x->imp, "tagid");
	set_floor(x->imp, json_object_get(x->params, "floor"));
	if (json_num_at(x->imp, "bidfloor", 0) <= 0)
		return ORTB_KEEP;
	err = ortb_floor_usd(x->r, x->imp, &usd, &why);
	if (err < 0) {
		adapter_error(x->errors, ADAPTER_BAD_INPUT,
			      "Unable to convert bid floor from " STR_FMT " to USD: %s",
			      STR_ARG(json_str_at(x->imp, "bidfloorcur")), why.text);
		return ORTB_DROP;
	}
	if (err == 0)
		json_set_real(x->imp, "bidfloor", usd);
	json_set_str(x->imp, "bidfloorcur", STR("USD"));
	return ORTB_KEEP;
}

static void nothing_left(struct adapter_errors *e)
{
	adapter_error(e, ADAPTER_PLAIN, "No valid impressions for triplelift");
}

static const struct typed_field inner_fields[] = { FIELD("format", "Format", INT) };
static const struct typed_struct inner = { "triplelift.TripleliftInnerExt", inner_fields, 1 };
static const struct typed_field bid_ext_fields[] = {
	{ "triplelift_pb", "Triplelift", &inner, 13, TYPED_OBJECT, TYPED_GIVEN, false },
};
static const struct typed_struct bid_ext = { "triplelift.TripleliftRespExt", bid_ext_fields, 1 };

static enum ortb_verdict read_bid(struct ortb_bid *x)
{
	struct errtext why;
	const json_t *ext = ortb_typed(x->r->arena, json_object_get(x->bid, "ext"), &bid_ext, &why);
	int64_t format;

	if (!ext) {
		adapter_error(&x->out->errors, ADAPTER_FAILED_TO_UNMARSHAL, "%s", why.text);
		return ORTB_DROP;
	}
	format = json_int_at(ext, "triplelift_pb.format", 0);
	x->b->type = format == 11 || format == 12 || format == 17 ? STR("video") : STR("banner");
	return ORTB_KEEP;
}

static const struct ortb_rules rules = {
	.params = &params,
	.bad_params = ADAPTER_FAILED_TO_UNMARSHAL,
	.headers = ORTB_HEADERS_JSON,
	.each_imp = set_inventory,
	.nothing_left = nothing_left,
	.status = &ortb_status_plain,
	.currency = ORTB_CURRENCY_USD,
	.each_bid = read_bid,
};

const struct adapter adapter_triplelift = {
	.name = "triplelift",
	.rules = &rules,
	.make_requests = ortb_make_requests,
	.parse_bids = ortb_parse_bids,
};
