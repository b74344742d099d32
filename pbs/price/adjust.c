#include "pbs/price/adjust.h"

#include <float.h>
#include <math.h>

#include "common/json.h"
#include "common/mem.h"

/* What a non-deal bid that an adjustment took to nothing is worth. */
static const double SMALLEST_PRICE = 0.1;
static const double MAX_MULTIPLIER = 100;

static const char *const media_keys[] = { "banner", "video-instream", "video-outstream",
					  "audio",  "native",         "*" };

double adjust_factor(const json_t *factors, struct str seat, struct str bidder)
{
	double by_bidder = 1;
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)factors, key, v) {
		if (!json_is_number(v))
			continue;
		if (str_eq_nocase(str_of(key), seat))
			return json_number_value(v);
		if (str_eq_nocase(str_of(key), bidder))
			by_bidder = json_number_value(v);
	}
	return by_bidder;
}

static bool is_valid_adjustment(const json_t *adj)
{
	struct str type = json_str_at(adj, "adjtype");
	const json_t *value = json_object_get(adj, "value");
	double v = json_number_value(value);

	if ((value && !json_is_number(value)) || v < 0)
		return false;
	if (str_eq(type, STR("multiplier")))
		return v < MAX_MULTIPLIER;
	if (str_eq(type, STR("cpm")) || str_eq(type, STR("static")))
		return v < DBL_MAX && json_str_at(adj, "currency").n > 0;
	return false;
}

static bool is_valid_list(const json_t *list)
{
	size_t i;
	json_t *adj;

	if (!json_is_array(list))
		return false;
	json_array_foreach (list, i, adj)
		if (!is_valid_adjustment(adj))
			return false;
	return true;
}

static bool is_valid_media(json_t *bidders)
{
	const char *bidder, *deal;
	json_t *deals, *list;

	if (!json_is_object(bidders))
		return false;
	json_object_foreach (bidders, bidder, deals) {
		if (!json_is_object(deals))
			return false;
		json_object_foreach (deals, deal, list)
			if (!is_valid_list(list))
				return false;
	}
	return true;
}

bool adjust_rules_are_valid(const json_t *bidadjustments)
{
	const json_t *by_media = json_object_get(bidadjustments, "mediatype");

	if (!bidadjustments || json_is_null(bidadjustments))
		return true;
	if (!json_is_object(bidadjustments) || (by_media && !json_is_object(by_media)))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(media_keys); i++) {
		json_t *bidders = json_object_get(by_media, media_keys[i]);

		if (bidders && !json_is_null(bidders) && !is_valid_media(bidders))
			return false;
	}
	return true;
}

/* Members of `base` that `top` lacks are added to the private copy of `top`, two levels deep. */
static json_t *merge_bidders(json_t *top, json_t *base)
{
	json_t *merged = json_is_object(top) ? json_copy(top) : json_object();
	const char *bidder;
	json_t *deals;

	json_object_foreach (base, bidder, deals) {
		json_t *own;

		if (!json_object_get(merged, bidder)) {
			json_object_set_nocheck(merged, bidder, deals);
			continue;
		}
		own = json_own(merged, bidder);
		json_object_update_missing(own, deals);
	}
	return merged;
}

void adjust_rules_merge(const json_t *request, const json_t *account, struct arena *a,
			struct adjust_rules *ret_rules)
{
	json_t *top = json_object_get(request, "mediatype"), *base = json_object_get(account, "mediatype");
	json_t *merged;

	*ret_rules = (struct adjust_rules){ NULL };
	if (!top && !base)
		return;
	merged = json_object();
	for (size_t i = 0; i < ARRAY_LEN(media_keys); i++) {
		json_t *bidders = merge_bidders(json_object_get(top, media_keys[i]),
						json_object_get(base, media_keys[i]));

		if (json_object_size(bidders))
			json_object_set_new_nocheck(merged, media_keys[i], bidders);
		else
			json_decref(bidders);
	}
	arena_own_json(a, merged);
	if (json_object_size(merged))
		ret_rules->by_media = merged;
}

struct str adjust_media_key(struct str bid_type, const json_t *imp)
{
	enum { PLCMT_ACCOMPANYING = 2 }; /* OpenRTB 2.6: standing beside content, not in it */

	if (!str_eq(bid_type, STR("video")))
		return bid_type;
	return json_int_at(imp, "video.plcmt", 0) == PLCMT_ACCOMPANYING ? STR("video-outstream")
									: STR("video-instream");
}

static const json_t *get(const json_t *j, struct str key)
{
	return json_object_getn(j, key.p, key.n);
}

/* Most specific first; a wildcard deal costs less than a wildcard bidder, a wildcard medium is in between. */
static const json_t *find_rule(const struct adjust_rules *rules, struct str media, struct str bidder,
			       struct str deal)
{
	const struct str any = STR("*");
	const struct {
		bool needs_deal;
		struct str media, bidder, deal;
	} order[] = {
		{ true, media, bidder, deal }, { false, media, bidder, any }, { true, media, any, deal },
		{ true, any, bidder, deal },   { false, media, any, any },    { false, any, bidder, any },
		{ true, any, any, deal },      { false, any, any, any },
	};

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		const json_t *list;

		if (order[i].needs_deal && deal.n == 0)
			continue;
		list = get(get(get(rules->by_media, order[i].media), order[i].bidder), order[i].deal);
		if (list)
			return list;
	}
	return NULL;
}

/* One entry; false when its currency cannot be converted. */
static bool apply_one(const json_t *adj, struct str cur, const struct currency_rates *rates, double *price)
{
	struct str type = json_str_at(adj, "adjtype");
	double value = json_num_at(adj, "value", 0), rate;

	if (str_eq(type, STR("multiplier"))) {
		*price *= value;
		return true;
	}
	if (currency_rate(rates, json_str_at(adj, "currency"), cur, &rate, NULL) < 0)
		return false;
	*price = str_eq(type, STR("cpm")) ? *price - value * rate : value * rate;
	return true;
}

double adjust_apply(const struct adjust_rules *rules, struct str media, struct str bidder, struct str dealid,
		    double price, struct str cur, const struct currency_rates *rates)
{
	const json_t *list = rules->by_media ? find_rule(rules, media, bidder, dealid) : NULL;
	double adjusted = price;
	size_t i;
	json_t *adj;

	if (json_array_size(list) == 0)
		return price;
	json_array_foreach (list, i, adj)
		if (!apply_one(adj, cur, rates, &adjusted))
			return price;
	adjusted = round(adjusted * 10000) / 10000;
	if (dealid.n)
		return adjusted < 0 ? 0 : adjusted;
	return adjusted <= 0 ? SMALLEST_PRICE : adjusted;
}
