#include "pbs/openrtb/validate_ext.h"

#include "common/json.h"
#include "common/mem.h"
#include "pbs/openrtb/multibid.h"
#include "pbs/openrtb/report.h"

enum { MAX_PRECISION = 15, MAX_GVL_ID = UINT16_MAX };

static int check_alias(const struct validate_rules *rules, struct str alias, const json_t *target_json,
		       struct messages *m)
{
	struct str target = json_str(target_json), core = target;
	enum bidder_status status = rules->find_bidder(rules->bidder_ctx, target, &core);

	if (!json_is_string(target_json))
		return refuse(m, "req.ext is invalid: ext.prebid.aliases." STR_FMT " must be a string",
			      STR_ARG(alias));
	if (status == BIDDER_DISABLED || (status == BIDDER_UNKNOWN && bidder_retired_hint(target)))
		return refuse(m, "request.ext.prebid.aliases." STR_FMT " refers to disabled bidder: " STR_FMT,
			      STR_ARG(alias), STR_ARG(target));
	if (status == BIDDER_WHITE_LABEL)
		return refuse(m,
			      "request.ext.prebid.aliases." STR_FMT
			      " refers to a bidder that cannot be aliased: " STR_FMT,
			      STR_ARG(alias), STR_ARG(target));
	if (status == BIDDER_UNKNOWN)
		return refuse(m, "request.ext.prebid.aliases." STR_FMT " refers to unknown bidder: " STR_FMT,
			      STR_ARG(alias), STR_ARG(target));
	if (str_eq(alias, core))
		return refuse(m,
			      "request.ext.prebid.aliases." STR_FMT
			      " defines a no-op alias. Choose a different alias, or remove this entry.",
			      STR_ARG(alias));
	return 0;
}

static int check_aliases(const json_t *prebid, const struct validate_rules *rules,
			 const struct bidder_names *names, struct messages *m)
{
	json_t *gvl_ids = json_object_get(prebid, "aliasgvlids"), *v;
	const char *key;
	size_t len;
	int err;

	json_object_keylen_foreach((json_t *)(uintptr_t)names->aliases, key, len, v)
	{
		err = check_alias(rules, (struct str){ key, len }, v, m);
		if (err)
			return err;
	}
	json_object_keylen_foreach(gvl_ids, key, len, v)
	{
		struct str alias = { key, len };
		long long id = json_integer_value(v);

		if (!json_is_integer(v) || id < 0 || id > MAX_GVL_ID)
			return refuse(m,
				      "req.ext is invalid: ext.prebid.aliasgvlids." STR_FMT
				      " must be a number between 0 and %d",
				      STR_ARG(alias), MAX_GVL_ID);
		if (!bidder_is_alias(names, alias))
			return refuse(
				m,
				"request.ext.prebid.aliasgvlids. vendorId %lld refers to unknown bidder "
				"alias: " STR_FMT,
				id, STR_ARG(alias));
		if (id < 1)
			return refuse(
				m,
				"request.ext.prebid.aliasgvlids. Invalid vendorId %lld for alias: " STR_FMT
				". Choose a different vendorId, or remove this entry.",
				id, STR_ARG(alias));
	}
	return 0;
}

/* Adds to a set; false when it was there. */
static bool set_add(json_t *set, struct str key)
{
	if (json_object_getn(set, key.p, key.n))
		return false;
	json_object_setn_new_nocheck(set, key.p, key.n, json_true());
	return true;
}

static int check_factor(struct str bidder, const json_t *factor, const struct validate_rules *rules,
			const struct bidder_names *names, json_t *seen, struct messages *m)
{
	struct str core = bidder;
	bool is_core;

	if (!json_is_number(factor))
		return refuse(
			m, "req.ext is invalid: ext.prebid.bidadjustmentfactors." STR_FMT " must be a number",
			STR_ARG(bidder));
	if (!(json_number_value(factor) > 0))
		return refuse(m,
			      "request.ext.prebid.bidadjustmentfactors." STR_FMT
			      " must be a positive number. Got %f",
			      STR_ARG(bidder), json_number_value(factor));
	is_core = rules->find_bidder(rules->bidder_ctx, bidder, &core) == BIDDER_ACTIVE;
	if (!set_add(seen, is_core ? core : bidder))
		return refuse(m, "cannot have multiple bidders that differ only in case style");
	if (!is_core && !bidder_is_alias(names, bidder))
		return refuse(m,
			      "request.ext.prebid.bidadjustmentfactors." STR_FMT
			      " is not a known bidder or alias",
			      STR_ARG(bidder));
	return 0;
}

static int check_factors(const json_t *prebid, const struct validate_rules *rules,
			 const struct bidder_names *names, struct messages *m)
{
	json_t *factors = json_object_get(prebid, "bidadjustmentfactors"), *seen, *v;
	const char *key;
	size_t len;
	int err = 0;

	if (!factors)
		return 0;
	seen = json_object();
	json_object_keylen_foreach(factors, key, len, v)
	{
		err = check_factor((struct str){ key, len }, v, rules, names, seen, m);
		if (err)
			break;
	}
	json_decref(seen);
	return err;
}

static int check_schains(const json_t *prebid, struct messages *m)
{
	const json_t *schains = json_object_get(prebid, "schains");
	json_t *seen;
	int err = 0;

	if (!schains)
		return 0;
	seen = json_object();
	for (size_t i = 0; i < json_array_size(schains) && !err; i++) {
		const json_t *bidders = json_object_get(json_array_get(schains, i), "bidders");

		for (size_t k = 0; k < json_array_size(bidders) && !err; k++) {
			struct str bidder = json_str(json_array_get(bidders, k));

			if (!set_add(seen, bidder))
				err = refuse(m,
					     "request.ext.prebid.schains contains multiple schains for "
					     "bidder " STR_FMT
					     "; it must contain no more than one per bidder.",
					     STR_ARG(bidder));
		}
	}
	json_decref(seen);
	return err;
}

#define PERMISSION "request.ext.prebid.data.eidpermissions[%zu]"

/* An unknown bidder is only worth a warning: ids are shared no further because of it, and old stored requests
 * outlive the bidders they name. The reference refuses the request. */
static int check_permission(size_t i, const json_t *one, const struct bidder_names *names, json_t *seen,
			    struct messages *m)
{
	struct str source = json_str_at(one, "source");
	const json_t *bidders = json_object_get(one, "bidders");

	if (source.n == 0)
		return refuse(m, PERMISSION " missing required field: \"source\"", i);
	if (!set_add(seen, source))
		return refuse(m, PERMISSION " duplicate entry with field: \"source\"", i);
	if (json_array_size(bidders) == 0)
		return refuse(m, PERMISSION " missing or empty required field: \"bidders\"", i);
	for (size_t k = 0; k < json_array_size(bidders); k++) {
		struct str bidder = json_str(json_array_get(bidders, k));

		if (str_eq(bidder, STR("*"))) {
			if (json_array_size(bidders) > 1)
				return refuse(m,
					      PERMISSION
					      " contains bidder wildcard \"*\" mixed with specific bidders",
					      i);
		} else if (!bidder_is_known(names, bidder)) {
			warn(m, WARN_PLAIN, PERMISSION " contains unrecognized bidder \"" STR_FMT "\"", i,
			     STR_ARG(bidder));
		}
	}
	return 0;
}

static int check_permissions(const json_t *prebid, const struct bidder_names *names, struct messages *m)
{
	const json_t *list = json_at(prebid, "data.eidpermissions");
	json_t *seen;
	int err = 0;

	if (!list)
		return 0;
	seen = json_object();
	for (size_t i = 0; i < json_array_size(list) && !err; i++)
		err = check_permission(i, json_array_get(list, i), names, seen, m);
	json_decref(seen);
	return err;
}

static int check_currency(const struct validate_rules *rules, struct str code, struct messages *m)
{
	if (!rules->is_currency || rules->is_currency(code))
		return 0;
	return refuse_as(m, ERROR_BAD_INPUT, "currency code " STR_FMT " is not recognized or malformed",
			 STR_ARG(code));
}

static int check_rates(const json_t *prebid, const struct validate_rules *rules, struct messages *m)
{
	json_t *rates = json_at(prebid, "currency.rates"), *row, *rate;
	const char *from, *to;
	size_t from_len, to_len;
	int err;

	json_object_keylen_foreach(rates, from, from_len, row)
	{
		if (!json_is_object(row) && !json_is_null(row))
			return refuse(m, "req.ext is invalid: ext.prebid.currency.rates must hold objects");
		err = check_currency(rules, (struct str){ from, from_len }, m);
		if (err)
			return err;
		json_object_keylen_foreach(row, to, to_len, rate)
		{
			if (!json_is_number(rate))
				return refuse(m, "req.ext is invalid: ext.prebid.currency.rates must hold "
						 "numbers");
			err = check_currency(rules, (struct str){ to, to_len }, m);
			if (err)
				return err;
		}
	}
	return 0;
}

int validate_ext(const json_t *prebid, const struct validate_rules *rules, const struct bidder_names *names,
		 struct messages *m)
{
	const json_t *channel = json_object_get(prebid, "channel");
	int err = check_aliases(prebid, rules, names, m);

	if (!err)
		err = check_factors(prebid, rules, names, m);
	if (!err)
		err = check_schains(prebid, m);
	if (!err)
		err = check_permissions(prebid, names, m);
	if (!err)
		err = check_rates(prebid, rules, m);
	if (!err && channel && json_str_at(channel, "name").n == 0)
		err = refuse(m, "ext.prebid.channel.name can't be empty");
	return err;
}

static int check_granularity(const json_t *g, struct messages *m)
{
	const json_t *precision = json_object_get(g, "precision"), *ranges = json_object_get(g, "ranges");
	double max = 0;

	if (!g || json_is_null(g))
		return 0;
	if (!json_is_integer(precision))
		return refuse(m, "Price granularity error: precision is required");
	if (json_integer_value(precision) < 0)
		return refuse(m, "Price granularity error: precision must be non-negative");
	if (json_integer_value(precision) > MAX_PRECISION)
		return refuse(m,
			      "Price granularity error: precision of more than %d significant figures is not "
			      "supported",
			      MAX_PRECISION);
	for (size_t i = 0; i < json_array_size(ranges); i++) {
		const json_t *range = json_array_get(ranges, i);

		if (!(json_num_at(range, "max", 0) > max))
			return refuse(m,
				      "Price granularity error: range list must be ordered with increasing "
				      "\"max\"");
		if (!(json_num_at(range, "increment", 0) > 0))
			return refuse(m,
				      "Price granularity error: increment must be a nonzero positive number");
		max = json_num_at(range, "max", 0);
	}
	return 0;
}

static int check_targeting(const json_t *targeting, struct messages *m)
{
	static const char *const types[] = { "video", "banner", "native" };
	const json_t *by_type = json_object_get(targeting, "mediatypepricegranularity");
	int err = check_granularity(json_object_get(targeting, "pricegranularity"), m);

	for (size_t i = 0; i < ARRAY_LEN(types) && by_type && !err; i++)
		err = check_granularity(json_object_get(by_type, types[i]), m);
	return err;
}

int validate_ext_features(json_t *prebid, const struct validate_rules *rules, struct messages *m)
{
	const json_t *cache = json_object_get(prebid, "cache");
	const json_t *adjustments = json_object_get(prebid, "bidadjustments");
	int err;

	if (cache && !json_object_get(cache, "bids") && !json_object_get(cache, "vastxml"))
		return refuse(m,
			      "request.ext is invalid: request.ext.prebid.cache requires one of the \"bids\" "
			      "or \"vastxml\" properties");
	err = check_targeting(json_object_get(prebid, "targeting"), m);
	if (err)
		return err;
	multibid_normalise(prebid, m);
	if (adjustments && !json_is_null(adjustments) && rules->is_adjustments &&
	    !rules->is_adjustments(adjustments)) {
		warn(m, WARN_BID_ADJUSTMENT, "bid adjustment from request was invalid");
		json_object_del(prebid, "bidadjustments");
	}
	return 0;
}

int validate_ext_nosale(const json_t *prebid, const struct bidder_names *names, struct messages *m)
{
	const json_t *nosale = json_object_get(prebid, "nosale");
	size_t n = json_array_size(nosale);

	for (size_t i = 0; i < n; i++) {
		struct str bidder = json_str(json_array_get(nosale, i));

		if (str_eq(bidder, STR("*"))) {
			if (n == 1)
				return 0;
			return refuse(m, "request.ext.prebid.nosale is invalid: can only specify all bidders "
					 "if no other bidders are provided");
		}
		if (!bidder_is_known(names, bidder))
			return refuse(
				m, "request.ext.prebid.nosale is invalid: unrecognized bidder '" STR_FMT "'",
				STR_ARG(bidder));
	}
	return 0;
}
