/* GumGum reads the placement from the site, which the last imp that names one decides.
 *
 * Source  fact sheet "gumgum" of the reference's adapters.
 */
#include "common/mem.h"
#include "pbs/adapters/bidders.h"
#include "pbs/adapters/ortb_common.h"
#include "pbs/adapters/ortb_text.h"

#define FIELD(key, label, kind) TYPED_FIELD(key, label, TYPED_##kind, TYPED_GIVEN)

/* pubId and slot are integers by the schema, and decimals to whoever reads them. */
static const struct typed_field param_fields[] = {
	FIELD("zone", "Zone", STR),   FIELD("pubId", "PubID", FLOAT),   FIELD("irisid", "IrisID", STR),
	FIELD("slot", "Slot", FLOAT), FIELD("product", "Product", STR),
};
static const struct typed_struct params = { "openrtb_ext.ExtImpGumGum", param_fields,
					    ARRAY_LEN(param_fields) };

/* The format with the longest side; among equals a later one that is smaller in no direction. */
static json_t *slot_of(json_t *slot, const json_t *formats)
{
	int64_t max_w = 0, max_h = 0, longest = 0;
	json_t *ext = json_pack("{s:O}", "si", slot);

	for (size_t i = 0; i < json_array_size(formats); i++) {
		const json_t *format = json_array_get(formats, i);
		int64_t w = json_int_at(format, "w", 0), h = json_int_at(format, "h", 0),
			side = w > h ? w : h;

		if (side > longest || (side == longest && w >= max_w && h >= max_h)) {
			longest = side;
			max_w = w;
			max_h = h;
		}
	}
	if (max_w != 0)
		json_set_int(ext, "maxw", max_w);
	if (max_h != 0)
		json_set_int(ext, "maxh", max_h);
	return ext;
}

static void set_banner(json_t *imp, json_t *slot)
{
	json_t *banner = json_object_get(imp, "banner");
	const json_t *formats = json_object_get(banner, "format");

	if (json_array_size(formats) == 0 || json_object_get(banner, "w") || json_object_get(banner, "h"))
		return;
	ortb_banner_size(imp, SIZE_ALWAYS);
	banner = json_object_get(imp, "banner"); /* its own now */
	if (json_number_value(slot) != 0)
		json_object_set_new(banner, "ext", slot_of(slot, formats));
}

static void set_site(json_t *root, const json_t *p, struct arena *a)
{
	struct str zone = json_str_at(p, "zone");
	double publisher = json_num_at(p, "pubId", 0);

	if (!json_object_get(root, "site"))
		return;
	if (zone.n > 0)
		json_set_str(json_own(root, "site"), "id", zone);
	if (publisher != 0)
		ortb_publisher_id(root, "site", ortb_decimal(a, publisher));
}

static enum ortb_verdict set_unit(struct ortb_imp *x)
{
	/* the wrapper has decoded, so its members are what they should be */
	const json_t *prebid = typed_get(json_object_get(x->imp, "ext"), "prebid");
	struct str unit = json_str(typed_get(prebid, "adunitcode")), iris = json_str_at(x->params, "irisid"),
		   product = json_str_at(x->params, "product");

	if (unit.n > 0)
		json_set_str(x->imp, "tagid", unit);
	set_banner(x->imp, json_object_get(x->params, "slot"));
	if (json_object_get(x->imp, "video") && iris.n > 0) {
		json_t *ext = json_object();

		json_set_str(ext, "irisid", iris);
		json_object_set_new(json_own(x->imp, "video"), "ext", ext);
	}
	if (product.n > 0) {
		json_t *ext = json_object();

		json_set_str(ext, "product", product);
		json_object_set_new(x->imp, "ext", ext);
	}
	set_site(x->r->root, x->params, x->r->arena);
	return ORTB_KEEP;
}

static enum ortb_verdict read_bid(struct ortb_bid *x)
{
	const json_t *imp = ortb_imp_by_id(x->r->root, json_str_at(x->bid, "impid"));
	struct str adm = json_str_at(x->bid, "adm"), price;

	if (json_object_get(imp, "banner")) {
		x->b->type = STR("banner");
		return ORTB_KEEP;
	}
	x->b->type = STR("video");
	if (str_contains(adm, STR("${AUCTION_PRICE}"))) {
		price = ortb_decimal(x->r->arena, json_num_at(x->bid, "price", 0));
		json_set_str(x->bid, "adm", ortb_replace(x->r->arena, adm, STR("${AUCTION_PRICE}"), price));
	}
	return ORTB_KEEP;
}

static const struct ortb_status status = {
	"Bad user input: HTTP status %d",
	"Bad server response: HTTP status %d",
	ADAPTER_BAD_INPUT,
	ADAPTER_BAD_SERVER_RESPONSE,
};

static const struct ortb_rules rules = {
	.params = &params,
	.headers = ORTB_HEADERS_JSON,
	.each_imp = set_unit,
	.status = &status,
	.currency = ORTB_CURRENCY_OR_USD,
	.bad_body = ADAPTER_BAD_SERVER_RESPONSE,
	.bad_body_prefix = "Bad server response: ",
	.each_bid = read_bid,
};

const struct adapter adapter_gumgum = {
	.name = "gumgum",
	.rules = &rules,
	.make_requests = ortb_make_requests,
	.parse_bids = ortb_parse_bids,
};
