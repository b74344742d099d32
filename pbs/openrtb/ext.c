/* One row per member: key, label, kind, when it is written. The labels appear in error texts only. */
#include "pbs/openrtb/ext.h"

#include "common/json.h"
#include "common/mem.h"
#include "pbs/openrtb/model.h"
#include "pbs/openrtb/report.h"

#define ONE(key, kind_, mark_)                                                                               \
	{                                                                                                    \
		.name = (key), .label = (key), .len = sizeof(key) - 1, .kind = TYPED_##kind_,                \
		.mark = TYPED_##mark_                                                                        \
	}
#define LIST(key, kind_, mark_)                                                                              \
	{                                                                                                    \
		.name = (key), .label = (key), .len = sizeof(key) - 1, .kind = TYPED_##kind_,                \
		.mark = TYPED_##mark_, .list = true                                                          \
	}
#define OBJECT(key, of, mark_)                                                                               \
	{                                                                                                    \
		.name = (key), .label = (key), .type = &(of), .len = sizeof(key) - 1, .kind = TYPED_OBJECT,  \
		.mark = TYPED_##mark_                                                                        \
	}
#define OBJECTS(key, of, mark_)                                                                              \
	{                                                                                                    \
		.name = (key), .label = (key), .type = &(of), .len = sizeof(key) - 1, .kind = TYPED_OBJECT,  \
		.mark = TYPED_##mark_, .list = true                                                          \
	}
#define TYPE(name, rows)                                                                                     \
	{                                                                                                    \
		.owner = (name), .fields = (rows), .n_fields = ARRAY_LEN(rows)                               \
	}

/* clang-format off */
static const struct typed_field ad_server_targeting_fields[] = {
	ONE("key", STR, NONZERO), ONE("source", STR, NONZERO), ONE("value", STR, NONZERO),
};
static const struct typed_struct ad_server_targeting = TYPE("adservertargeting", ad_server_targeting_fields);

static const struct typed_field alternate_codes_fields[] = {
	ONE("enabled", BOOL, ALWAYS), ONE("bidders", MAP, GIVEN),
};
static const struct typed_struct alternate_codes = TYPE("alternatebiddercodes", alternate_codes_fields);

static const struct typed_field ortb2_fields[] = {
	ONE("site", MAP, GIVEN), ONE("app", MAP, GIVEN), ONE("user", MAP, GIVEN), ONE("device", MAP, GIVEN),
};
static const struct typed_struct ortb2 = TYPE("ortb2", ortb2_fields);
static const struct typed_field fpd_config_fields[] = { OBJECT("ortb2", ortb2, GIVEN) };
static const struct typed_struct fpd_config = TYPE("config", fpd_config_fields);
static const struct typed_field bidder_config_fields[] = {
	LIST("bidders", STR, NONZERO), OBJECT("config", fpd_config, GIVEN),
};
static const struct typed_struct bidder_config = TYPE("bidderconfig", bidder_config_fields);

static const struct typed_field cache_kind_fields[] = { ONE("returnCreative", BOOL, GIVEN) };
static const struct typed_struct cache_kind = TYPE("cache", cache_kind_fields);
static const struct typed_field cache_fields[] = {
	OBJECT("bids", cache_kind, GIVEN), OBJECT("vastxml", cache_kind, GIVEN),
};
static const struct typed_struct cache = TYPE("cache", cache_fields);

static const struct typed_field channel_fields[] = { ONE("name", STR, ALWAYS), ONE("version", STR, ALWAYS) };
static const struct typed_struct channel = TYPE("channel", channel_fields);

static const struct typed_field currency_fields[] = {
	ONE("rates", MAP, NONZERO), ONE("usepbsrates", BOOL, GIVEN),
};
static const struct typed_struct currency = TYPE("currency", currency_fields);

static const struct typed_field eid_permission_fields[] = {
	ONE("source", STR, ALWAYS), LIST("bidders", STR, ALWAYS),
};
static const struct typed_struct eid_permission = TYPE("eidpermissions", eid_permission_fields);
static const struct typed_field data_fields[] = {
	OBJECTS("eidpermissions", eid_permission, NONZERO), LIST("bidders", STR, GIVEN),
};
static const struct typed_struct data = TYPE("data", data_fields);

/* Members that nobody reads are not looked at. The keys of `values` are rules, which floors judge. */
static const struct typed_field floor_schema_fields[] = { LIST("fields", STR, NONZERO), ONE("delimiter", STR, NONZERO) };
static const struct typed_struct floor_schema = TYPE("schema", floor_schema_fields);
static const struct typed_field floor_group_fields[] = {
	ONE("currency", STR, NONZERO), ONE("modelweight", INT, GIVEN), ONE("modelversion", STR, NONZERO),
	ONE("skiprate", INT, NONZERO), OBJECT("schema", floor_schema, GIVEN), ONE("values", MAP, NONZERO),
	ONE("default", FLOAT, NONZERO),
};
static const struct typed_struct floor_group = TYPE("modelgroups", floor_group_fields);
static const struct typed_field floor_data_fields[] = {
	ONE("currency", STR, NONZERO), ONE("skiprate", INT, NONZERO), ONE("floorsschemaversion", NUMBER, NONZERO),
	ONE("modeltimestamp", RAW, NONZERO), OBJECTS("modelgroups", floor_group, NONZERO),
	ONE("floorprovider", STR, NONZERO), ONE("usefetchdatarate", INT, GIVEN),
};
static const struct typed_struct floor_data = TYPE("data", floor_data_fields);
static const struct typed_field floor_enforcement_fields[] = {
	ONE("enforcejs", BOOL, GIVEN), ONE("enforcepbs", BOOL, GIVEN), ONE("floordeals", BOOL, GIVEN),
	ONE("bidadjustment", BOOL, GIVEN), ONE("enforcerate", INT, NONZERO),
};
static const struct typed_struct floor_enforcement = TYPE("enforcement", floor_enforcement_fields);
static const struct typed_field floor_endpoint_fields[] = { ONE("url", STR, NONZERO) };
static const struct typed_struct floor_endpoint = TYPE("floorendpoint", floor_endpoint_fields);
static const struct typed_field floors_fields[] = {
	ONE("floormin", FLOAT, NONZERO), ONE("floormincur", STR, NONZERO), ONE("skiprate", INT, NONZERO),
	OBJECT("floorendpoint", floor_endpoint, GIVEN), OBJECT("data", floor_data, GIVEN),
	OBJECT("enforcement", floor_enforcement, GIVEN), ONE("enabled", BOOL, GIVEN), ONE("skipped", BOOL, GIVEN),
	ONE("floorprovider", STR, NONZERO), ONE("fetchstatus", STR, NONZERO), ONE("location", STR, NONZERO),
};
static const struct typed_struct floors = TYPE("floors", floors_fields);

static const struct typed_field multibid_fields[] = {
	ONE("bidder", STR, NONZERO), LIST("bidders", STR, GIVEN), ONE("maxbids", INT, GIVEN),
	ONE("targetbiddercodeprefix", STR, NONZERO),
};
static const struct typed_struct multibid = TYPE("multibid", multibid_fields);

static const struct typed_field renderer_fields[] = {
	ONE("name", STR, ALWAYS), ONE("version", STR, ALWAYS), ONE("url", STR, NONZERO), ONE("data", RAW, NONZERO),
};
static const struct typed_struct renderer = TYPE("renderers", renderer_fields);
static const struct typed_field sdk_fields[] = { OBJECTS("renderers", renderer, NONZERO) };
static const struct typed_struct sdk = TYPE("sdk", sdk_fields);

static const struct typed_field server_fields[] = {
	ONE("externalurl", STR, NONZERO), ONE("gvlid", INT, NONZERO), ONE("datacenter", STR, NONZERO),
};
static const struct typed_struct server = TYPE("server", server_fields);

static const struct typed_field stored_id_fields[] = { ONE("id", STR, ALWAYS) };
static const struct typed_struct stored_id = TYPE("storedrequest", stored_id_fields);

static const struct typed_field brand_category_fields[] = {
	ONE("primaryadserver", INT, ALWAYS), ONE("publisher", STR, ALWAYS), ONE("withcategory", BOOL, ALWAYS),
	ONE("translatecategories", BOOL, GIVEN),
};
static const struct typed_struct brand_category = TYPE("includebrandcategory", brand_category_fields);
static const struct typed_field media_granularity_fields[] = {
	ONE("banner", RAW, NONZERO), ONE("video", RAW, NONZERO), ONE("native", RAW, NONZERO),
};
static const struct typed_struct media_granularity = TYPE("mediatypepricegranularity", media_granularity_fields);
static const struct typed_field targeting_fields[] = {
	ONE("pricegranularity", RAW, NONZERO), OBJECT("mediatypepricegranularity", media_granularity, GIVEN),
	ONE("includewinners", BOOL, GIVEN), ONE("includebidderkeys", BOOL, GIVEN),
	OBJECT("includebrandcategory", brand_category, GIVEN), ONE("includeformat", BOOL, NONZERO),
	LIST("durationrangesec", INT, NONZERO), ONE("preferdeals", BOOL, NONZERO),
	ONE("appendbiddernames", BOOL, NONZERO), ONE("alwaysincludedeals", BOOL, NONZERO),
	ONE("prefix", STR, NONZERO),
};
static const struct typed_struct targeting = TYPE("targeting", targeting_fields);

static const struct typed_field auction_options_fields[] = { LIST("secondarybidders", STR, NONZERO) };
static const struct typed_struct auction_options = TYPE("auctionoptions", auction_options_fields);

/* The chain's own type is one of OpenRTB's; who sends a chain decodes it. */
static const struct typed_field schain_fields[] = {
	LIST("bidders", STR, NONZERO), ONE("schain", MAP, ALWAYS),
};
static const struct typed_struct schain = TYPE("schains", schain_fields);

static const struct typed_field request_fields[] = {
	OBJECTS("adservertargeting", ad_server_targeting, NONZERO), ONE("aliases", MAP, NONZERO),
	ONE("aliasgvlids", MAP, NONZERO), OBJECT("alternatebiddercodes", alternate_codes, GIVEN),
	ONE("analytics", MAP, NONZERO), OBJECT("auctionoptions", auction_options, GIVEN),
	ONE("bidadjustmentfactors", MAP, NONZERO), ONE("bidadjustments", RAW, NONZERO),
	ONE("biddercontrols", MAP, NONZERO), OBJECTS("bidderconfig", bidder_config, NONZERO),
	ONE("bidderparams", RAW, NONZERO), OBJECT("cache", cache, GIVEN), OBJECT("channel", channel, GIVEN),
	OBJECT("currency", currency, GIVEN), OBJECT("data", data, GIVEN), ONE("debug", BOOL, NONZERO),
	ONE("events", RAW, NONZERO), ONE("experiment", MAP, GIVEN), OBJECT("floors", floors, GIVEN),
	ONE("integration", STR, NONZERO), ONE("macros", MAP, NONZERO), OBJECTS("multibid", multibid, NONZERO),
	LIST("nosale", STR, NONZERO), ONE("passthrough", RAW, NONZERO),
	ONE("returnallbidstatus", BOOL, NONZERO), OBJECTS("schains", schain, NONZERO),
	OBJECT("sdk", sdk, GIVEN), OBJECT("server", server, GIVEN), OBJECT("storedrequest", stored_id, GIVEN),
	ONE("supportdeals", BOOL, NONZERO), OBJECT("targeting", targeting, GIVEN), ONE("trace", STR, NONZERO),
};
const struct typed_struct ext_request_prebid = TYPE("openrtb_ext.ExtRequestPrebid", request_fields);

static const struct typed_field stored_bid_fields[] = {
	ONE("id", STR, ALWAYS), ONE("bidder", STR, ALWAYS), ONE("replaceimpid", BOOL, GIVEN),
};
static const struct typed_struct stored_bid = TYPE("storedbidresponse", stored_bid_fields);
static const struct typed_field options_fields[] = { ONE("echovideoattrs", BOOL, ALWAYS) };
static const struct typed_struct options = TYPE("options", options_fields);
static const struct typed_field imp_floors_fields[] = {
	ONE("floorrule", STR, NONZERO), ONE("floorrulevalue", FLOAT, NONZERO), ONE("floorvalue", FLOAT, NONZERO),
	ONE("floormin", FLOAT, NONZERO), ONE("floormincur", STR, NONZERO),
};
static const struct typed_struct imp_floors = TYPE("floors", imp_floors_fields);
static const struct typed_field imp_fields[] = {
	ONE("bidder", MAP, GIVEN), OBJECT("storedrequest", stored_id, GIVEN),
	OBJECT("storedauctionresponse", stored_id, GIVEN), OBJECTS("storedbidresponse", stored_bid, NONZERO),
	ONE("is_rewarded_inventory", INT, GIVEN), OBJECT("options", options, GIVEN),
	ONE("adunitcode", STR, NONZERO), ONE("passthrough", RAW, NONZERO), OBJECT("floors", imp_floors, GIVEN),
	ONE("imp", MAP, NONZERO),
};
const struct typed_struct ext_imp_prebid = TYPE("openrtb_ext.ExtImpPrebid", imp_fields);
/* clang-format on */

/* `ext` is owned. Decodes ext.prebid; the texts of a failure name both the type and the place. */
static bool decode_prebid(json_t *ext, const struct typed_struct *type, struct errtext *why)
{
	json_t *prebid = json_object_get(ext, "prebid"), *typed;
	struct errtext where = { "" };

	if (!prebid)
		return true;
	typed = typed_decode(prebid, type, why, &where);
	if (!typed) {
		if (*where.text)
			errtext_set(why, "prebid%s%s", *where.text == ':' ? "" : ".", where.text);
		return false;
	}
	if (typed == prebid)
		json_decref(typed);
	else
		json_object_set_new_nocheck(ext, "prebid", typed);
	return true;
}

/* The object's `ext`, the caller's own; NULL when there is none. A null counts as none. */
static json_t *own_ext(json_t *obj)
{
	if (json_is_null(json_object_get(obj, "ext")))
		json_object_del(obj, "ext");
	return json_own(obj, "ext");
}

int ext_decode(json_t *req, struct messages *m)
{
	json_t *ext = own_ext(req), *imps = json_own(req, "imp");
	struct errtext why;

	if (ext && !json_is_object(ext))
		return refuse(m, "req.ext is invalid: expected an object");
	if (ext && !decode_prebid(ext, &ext_request_prebid, &why))
		return refuse(m, "req.ext is invalid: %s", why.text);
	for (size_t i = 0; i < json_array_size(imps); i++) {
		ext = own_ext(json_own_element(imps, i));
		if (ext && !json_is_object(ext))
			return refuse(m, "imp[%zu].imp.ext is invalid: expected an object", i);
		if (ext && !decode_prebid(ext, &ext_imp_prebid, &why))
			return refuse(m, "imp[%zu].imp.ext is invalid: %s", i, why.text);
	}
	return 0;
}
