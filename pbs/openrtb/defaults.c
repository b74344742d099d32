#include "pbs/openrtb/defaults.h"

#include "common/json.h"
#include "common/mem.h"
#include "common/uuid.h"
#include "pbs/openrtb/report.h"
#include "pbs/price/granularity.h"

/* The request's own ranges, with `min` as it must be; NULL when one of them cannot be read. */
static json_t *new_ranges_from(const json_t *given)
{
	json_t *ranges = json_array(), *zero = json_integer(0), *min = zero;

	for (size_t i = 0; i < json_array_size(given); i++) {
		const json_t *one = json_array_get(given, i);
		json_t *max = json_object_get(one, "max"), *step = json_object_get(one, "increment");
		json_t *range;

		if (!json_is_object(one) || (max && !json_is_number(max)) ||
		    (step && !json_is_number(step))) {
			json_decref(ranges);
			ranges = NULL;
			break;
		}
		range = json_object();
		json_object_set_nocheck(range, "min", min);
		json_object_set_nocheck(range, "max", max ? max : zero);
		json_object_set_nocheck(range, "increment", step ? step : zero);
		json_array_append_new(ranges, range);
		min = max ? max : zero;
	}
	json_decref(zero);
	return ranges;
}

/* The granularity as a whole: what the request says when it has ranges, else a named one. An incomplete
 * granularity is replaced as a whole, so its precision goes with it. Whether ranges make sense is for
 * validation to say. */
static int fill_granularity(json_t *parent, const char *key, const char *place, struct messages *m)
{
	const json_t *given = json_object_get(parent, key), *precision = json_object_get(given, "precision");
	const json_t *own_ranges = json_object_get(given, "ranges");
	const struct granularity *named = granularity_named(STR("medium"));
	json_t *full, *ranges;

	if (json_is_string(given))
		named = granularity_named(json_str(given));
	else if (given && !json_is_object(given) && !json_is_null(given))
		named = NULL;
	if (!named || (precision && !json_is_integer(precision) && !json_is_null(precision)) ||
	    (own_ranges && !json_is_array(own_ranges) && !json_is_null(own_ranges)))
		return refuse(m, "req.ext is invalid: %s is not a price granularity", place);
	full = granularity_render(named);
	if (json_array_size(own_ranges)) {
		ranges = new_ranges_from(own_ranges);
		if (!ranges) {
			json_decref(full);
			return refuse(m, "req.ext is invalid: %s.ranges holds something that is not a range",
				      place);
		}
		json_object_set_new_nocheck(full, "ranges", ranges);
		if (json_is_integer(precision))
			json_object_set_nocheck(full, "precision", (json_t *)(uintptr_t)precision);
	}
	json_object_set_new_nocheck(parent, key, full);
	return 0;
}

static int fill_media_granularity(json_t *targeting, struct messages *m)
{
	static const struct {
		const char *key, *place;
	} types[] = {
		{ "banner", "ext.prebid.targeting.mediatypepricegranularity.banner" },
		{ "video", "ext.prebid.targeting.mediatypepricegranularity.video" },
		{ "native", "ext.prebid.targeting.mediatypepricegranularity.native" },
	};
	json_t *by_type = json_own(targeting, "mediatypepricegranularity");
	int err;

	if (!json_is_object(by_type))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		const json_t *given = json_object_get(by_type, types[i].key);

		if (!given || json_is_null(given))
			continue;
		err = fill_granularity(by_type, types[i].key, types[i].place, m);
		if (err)
			return err;
	}
	return 0;
}

static int fill_targeting(json_t *prebid, struct messages *m)
{
	json_t *targeting = json_own(prebid, "targeting");
	int err;

	if (!json_is_object(targeting))
		return 0;
	if (!json_is_boolean(json_object_get(targeting, "includewinners")))
		json_set_bool(targeting, "includewinners", true);
	if (!json_is_boolean(json_object_get(targeting, "includebidderkeys")))
		json_set_bool(targeting, "includebidderkeys", true);
	err = fill_granularity(targeting, "pricegranularity", "ext.prebid.targeting.pricegranularity", m);
	return err ? err : fill_media_granularity(targeting, m);
}

static json_t *own_prebid(json_t *req)
{
	return json_own_object(json_own_object(req, "ext"), "prebid");
}

static void fill_channel(json_t *req, const struct enrich_rules *rules)
{
	const char *name = rules->is_amp ? "amp" : json_object_get(req, "app") ? "app" : NULL;
	json_t *channel;

	if (!name || json_is_object(json_at(req, "ext.prebid.channel")))
		return;
	channel = json_own_object(own_prebid(req), "channel");
	json_set_str(channel, "name", str_of(name));
	json_set_str(channel, "version", STR(""));
}

static bool wants_tid(const json_t *given, const struct enrich_rules *rules)
{
	struct str tid = json_str(given);

	return tid.n == 0 || str_eq(tid, STR("{{UUID}}")) ||
	       (rules->generate_request_id && rules->used_stored_request);
}

static void fill_tid(json_t *obj, const struct enrich_rules *rules, struct rng *rng)
{
	char uuid[UUID_TEXT + 1];

	if (!wants_tid(json_object_get(obj, "tid"), rules))
		return;
	uuid_v4(rng, uuid);
	json_set_str(obj, "tid", (struct str){ uuid, UUID_TEXT });
}

static void fill_imps(json_t *req, const struct enrich_rules *rules, struct rng *rng)
{
	json_t *imps = json_own(req, "imp");

	for (size_t i = 0; i < json_array_size(imps); i++) {
		json_t *imp = json_own_element(imps, i);

		if (!json_is_object(imp))
			continue;
		if (!json_object_get(imp, "secure"))
			json_set_int(imp, "secure", 1);
		if (rules->auto_gen_source_tid)
			fill_tid(json_own_object(imp, "ext"), rules, rng);
	}
}

int defaults_fill(json_t *req, const struct enrich_rules *rules, struct rng *rng, struct messages *m)
{
	const json_t *prebid = json_at(req, "ext.prebid");

	if (json_int_at(req, "tmax", 0) == 0 && rules->tmax_default_ms > 0)
		json_set_int(req, "tmax", rules->tmax_default_ms);
	if (rules->auto_gen_source_tid)
		fill_tid(json_own_object(req, "source"), rules, rng);
	fill_imps(req, rules, rng);
	fill_channel(req, rules);
	if (rules->default_integration.n && json_str_at(prebid, "integration").n == 0)
		json_set_str(own_prebid(req), "integration", rules->default_integration);
	return json_object_get(prebid, "targeting") ? fill_targeting(own_prebid(req), m) : 0;
}
