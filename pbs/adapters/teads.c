/* Teads gives up the whole request, or the whole response, at the first thing that is wrong.
 *
 * Source  fact sheet "teads" of the reference's adapters.
 */
#include "common/err.h"
#include "common/mem.h"
#include "pbs/adapters/bidders.h"
#include "pbs/adapters/generic.h"
#include "pbs/adapters/ortb_common.h"

#define FIELD(key, label, kind) TYPED_FIELD(key, label, TYPED_##kind, TYPED_GIVEN)

/* All that is read of imp.ext. */
static const struct typed_field placement_fields[] = { FIELD("placementId", "PlacementId", INT) };
static const struct typed_struct placement = { "teads.bidderExt", placement_fields, 1 };
static const struct typed_field imp_ext_fields[] = {
	{ "bidder", "Bidder", &placement, 6, TYPED_OBJECT, TYPED_GIVEN, false },
};
static const struct typed_struct imp_ext = { "teads.defaultBidderImpExtension", imp_ext_fields, 1 };

static enum ortb_verdict set_placement(struct ortb_imp *x)
{
	struct arena *a = x->r->arena;
	const json_t *ext = ortb_typed(a, json_object_get(x->imp, "ext"), &imp_ext, NULL);
	int64_t id = json_int_at(ext, "bidder.placementId", 0);

	if (id == 0) {
		adapter_error(x->errors, ADAPTER_BAD_INPUT, "%s",
			      ext ? "placementId should not be 0." : "Error parsing Imp.Ext object");
		return ORTB_ABORT;
	}
	ortb_banner_size(x->imp, SIZE_ALWAYS);
	json_set_str(x->imp, "tagid", str_of(arena_printf(a, "%lld", (long long)id)));
	json_object_set_new(x->imp, "ext", json_pack("{s:{s:I}}", "kv", "placementId", (json_int_t)id));
	return ORTB_KEEP;
}

static void nothing_left(struct adapter_errors *e)
{
	adapter_error(e, ADAPTER_BAD_INPUT, "No impression in the bid request");
}

static const struct typed_field meta_fields[] = {
	FIELD("rendererName", "RendererName", STR),
	FIELD("rendererVersion", "RendererVersion", STR),
};
static const struct typed_struct meta = { "teads.meta", meta_fields, ARRAY_LEN(meta_fields) };
static const struct typed_field prebid_fields[] = {
	{ "meta", "Meta", &meta, 4, TYPED_OBJECT, TYPED_GIVEN, false },
};
static const struct typed_struct prebid = { "teads.prebidExt", prebid_fields, 1 };
static const struct typed_field bid_ext_fields[] = {
	{ "prebid", "Prebid", &prebid, 6, TYPED_OBJECT, TYPED_GIVEN, false },
};
static const struct typed_struct bid_ext = { "teads.teadsBidExt", bid_ext_fields, 1 };

/* The renderer that the bid names, or NULL with an error. */
static json_t *renderer_of(const struct ortb_bid *x)
{
	struct errtext why;
	const json_t *ext = ortb_typed(x->r->arena, json_object_get(x->bid, "ext"), &bid_ext, &why);
	json_t *renderer = json_at(ext, "prebid.meta");

	if (!ext) {
		adapter_error(&x->out->errors, ADAPTER_FAILED_TO_UNMARSHAL, "%s", why.text);
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_LEN(meta_fields); i++) {
		if (json_str_at(renderer, meta_fields[i].name).n > 0)
			continue;
		adapter_error(&x->out->errors, ADAPTER_BAD_INPUT, "%s should not be empty if present",
			      meta_fields[i].label);
		return NULL;
	}
	return renderer;
}

static enum ortb_verdict read_bid(struct ortb_bid *x)
{
	json_t *renderer = renderer_of(x);
	const json_t *imp;

	if (!renderer)
		return ORTB_ABORT;
	imp = ortb_imp_by_id(x->r->root, json_str_at(x->bid, "impid"));
	if (!imp) {
		adapter_error(&x->out->errors, ADAPTER_BAD_INPUT, "Imp ids were not equals");
		return ORTB_ABORT;
	}
	x->b->type = json_object_get(imp, "video") ? STR("video") : STR("banner");
	x->b->meta = renderer;
	return ORTB_KEEP;
}

static const struct ortb_rules rules = {
	.headers = ORTB_HEADERS_CONTENT,
	.each_imp = set_placement,
	.nothing_left = nothing_left,
	.currency = ORTB_CURRENCY_OR_USD,
	.each_bid = read_bid,
};

/* The endpoint is a template, whose placeholders stand for nothing so far. */
static int build(struct bidder *b, struct arena *a, struct errtext *why)
{
	struct str rest = str_of(b->endpoint), text, name;
	const char *resolved = "";

	while (rest.n > 0) {
		if (!generic_macro(&rest, &text, &name)) {
			errtext_set(why, "endpoint: unable to parse the template %s", b->endpoint);
			return ERR_INPUT;
		}
		resolved = arena_printf(a, "%s" STR_FMT, resolved, STR_ARG(text));
	}
	b->endpoint = resolved;
	return 0;
}

const struct adapter adapter_teads = {
	.name = "teads",
	.rules = &rules,
	.make_requests = ortb_make_requests,
	.parse_bids = ortb_parse_bids,
	.build = build,
};
