/* Sharethrough gets one call per imp and kind of ad, and lists of what is blocked that grow from imp to imp.
 *
 * Source  fact sheet "sharethrough" of the reference's adapters. It decodes its own request again before it reads the
 *         reply, which stored responses fail, having none; here they are read.
 */
#include "common/mem.h"
#include "pbs/adapters/bidders.h"
#include "pbs/adapters/ortb_common.h"

static const char ADAPTER_VERSION[] = "10.0";

#define FIELD(key, label, kind) TYPED_FIELD(key, label, TYPED_##kind, TYPED_GIVEN)

static const struct typed_field param_fields[] = {
	FIELD("pkey", "Pkey", STR),
	{ "badv", "BAdv", NULL, 4, TYPED_STR, TYPED_GIVEN, true },
	{ "bcat", "BCat", NULL, 4, TYPED_STR, TYPED_GIVEN, true },
};
static const struct typed_struct params = { "openrtb_ext.ExtImpSharethrough", param_fields,
					    ARRAY_LEN(param_fields) };

static void set_source(struct adapter_request *r)
{
	json_t *ext = json_own_object(json_own_object(r->root, "source"), "ext");

	json_set_str(ext, "str", str_of(ADAPTER_VERSION));
	json_set_str(ext, "version", str_of(r->bidder->host->version));
}

/* The list of the request grows; earlier calls keep the list that they have. */
static void extend_list(json_t *root, const char *key, json_t *more)
{
	json_t *list;

	if (json_array_size(more) == 0)
		return;
	list = json_object_get(root, key) ? json_copy(json_object_get(root, key)) : json_array();
	json_array_extend(list, more);
	json_object_set_new(root, key, list);
}

static void add_calls(struct adapter_request *r, json_t *imp, struct adapter_calls *out)
{
	static const enum media kinds[] = { MEDIA_BANNER, MEDIA_VIDEO, MEDIA_NATIVE };
	unsigned has = media_of_imp(imp);

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		json_t *one;

		if (!(has & kinds[i]))
			continue;
		one = json_copy(imp);
		for (size_t k = 0; k < MEDIA_KINDS; k++)
			if (media_order[k] != kinds[i])
				json_object_del(one, media_name(media_order[k]));
		ortb_call(r, out, str_of(r->bidder->endpoint), json_pack("[o]", one), ORTB_HEADERS_JSON);
	}
}

/* False, with the reason, when everything is given up. */
static bool visit_imp(struct adapter_request *r, json_t *imp, struct adapter_calls *out, struct errtext *why)
{
	const json_t *p = ortb_params(r->arena, imp, &params, why);
	struct str pkey = json_str_at(p, "pkey");
	double usd;
	int err;

	if (!p) {
		adapter_error(&out->errors, ADAPTER_FAILED_TO_UNMARSHAL, "%s", why->text);
		return true;
	}
	err = ortb_floor_usd(r, imp, &usd, why);
	if (err < 0)
		return false;
	if (err == 0) {
		json_set_real(imp, "bidfloor", usd);
		json_set_str(imp, "bidfloorcur", STR("USD"));
	}
	if (pkey.n > 0)
		json_set_str(imp, "tagid", pkey);
	else
		json_object_del(imp, "tagid");
	extend_list(r->root, "bcat", json_object_get(p, "bcat"));
	extend_list(r->root, "badv", json_object_get(p, "badv"));
	if (media_of_imp(imp) & (MEDIA_BANNER | MEDIA_VIDEO | MEDIA_NATIVE))
		add_calls(r, imp, out);
	else
		adapter_error(&out->errors, ADAPTER_BAD_INPUT,
			      "Invalid MediaType. Sharethrough only supports Banner, Video and Native.");
	return true;
}

static void make_requests(struct adapter_request *r, struct adapter_calls *out)
{
	const json_t *imps = json_object_get(r->root, "imp");

	set_source(r);
	for (size_t i = 0; i < json_array_size(imps); i++) {
		struct errtext why;

		if (visit_imp(r, json_array_get(imps, i), out, &why))
			continue;
		adapter_calls_init(out, r->arena); /* an unknown rate leaves nothing but itself */
		adapter_error(&out->errors, ADAPTER_PLAIN, "%s", why.text);
		return;
	}
}

/* The bid is passed on in any case, with an empty type when it does not say one. */
static enum ortb_verdict read_bid(struct ortb_bid *x)
{
	struct errtext why;

	if (!ortb_has_prebid(x->bid))
		adapter_error(&x->out->errors, ADAPTER_BAD_SERVER_RESPONSE,
			      "Failed to parse bid mediatype for impression \"" STR_FMT "\"",
			      STR_ARG(json_str_at(x->bid, "impid")));
	else if (!ortb_prebid_type(x->bid, &x->b->type, &why))
		adapter_error(&x->out->errors, ADAPTER_PLAIN, "%s", why.text);
	return ORTB_KEEP;
}

static const struct ortb_status status = {
	"Unexpected status code: %d. Run with request.debug = 1 for more info",
	"unexpected status code: %d. Run with request.debug = 1 for more info",
	ADAPTER_BAD_INPUT,
	ADAPTER_PLAIN,
};

static const struct ortb_rules rules = {
	.status = &status,
	.currency = ORTB_CURRENCY_USD,
	.each_bid = read_bid,
};

const struct adapter adapter_sharethrough = {
	.name = "sharethrough",
	.rules = &rules,
	.make_requests = make_requests,
	.parse_bids = ortb_parse_bids,
};
