#include "pbs/exchange/account_keys.h"

#include "common/log.h"
#include "common/mem.h"

enum { NAMES_MAX_BYTES = 512, DEPTH_MAX = 4, NAME_SHOWN = 64 };

/* Every object that has members of its own rows is looked into; one that ends in '*' may hold anything, or is checked where
 * it is parsed. */
static const char *const known[] = {
	"alternatebiddercodes*",
	"analytics*",
	"bid_rounding",
	"bidadjustments*",
	"cache_ttl.audio",
	"cache_ttl.banner",
	"cache_ttl.native",
	"cache_ttl.video",
	"ccpa.channel_enabled*",
	"ccpa.enabled",
	"cookie_sync.default_coop_sync",
	"cookie_sync.default_limit",
	"cookie_sync.disabled_iframe_bidders",
	"cookie_sync.max_limit",
	"cookie_sync.priority_groups",
	"cookie_sync.priority_groups_only",
	"debug_allow",
	"default_bid_limit",
	"default_integration",
	"disabled",
	"events.enabled",
	"exact_price_buckets",
	"gdpr*",
	"hooks*",
	"id",
	"preferredmediatype*",
	"price_floors.adjust_for_bid_adjustment",
	"price_floors.enabled",
	"price_floors.enforce_deal_floors",
	"price_floors.enforce_floors_rate",
	"price_floors.fetch*",
	"price_floors.max_rules",
	"price_floors.max_schema_dims",
	"price_floors.use_dynamic_data",
	"privacy*",
	"routing.enabled",
	"secondary_bidders",
	"targeting*",
	"targeting_prefix",
	"tolerant_params",
	"truncate_target_attr",
	"validations.banner_creative_max_size",
	"validations.max_creative_height",
	"validations.max_creative_width",
	"validations.secure_markup",
};

enum match { UNKNOWN, LEAF, INNER };

static enum match match_of(struct str path)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		struct str row = str_of(known[i]);

		if (str_eq(row, path))
			return LEAF;
		if (!str_starts(row, path))
			continue;
		if (row.n == path.n + 1 && row.p[path.n] == '*')
			return LEAF;
		if (row.p[path.n] == '.')
			return INNER;
	}
	return UNKNOWN;
}

static size_t look_into(const json_t *obj, struct str prefix, int depth, struct buf *names)
{
	const char *name;
	json_t *value;
	size_t n = 0;

	json_object_foreach ((json_t *)(uintptr_t)obj, name, value) {
		FREE_ON_EXIT char *path =
			xasprintf(STR_FMT "%s%.*s", STR_ARG(prefix), prefix.n ? "." : "", NAME_SHOWN, name);
		enum match m = match_of(str_of(path));

		if (m == INNER && json_is_object(value) && depth < DEPTH_MAX) {
			n += look_into(value, str_of(path), depth + 1, names);
		} else if (m == UNKNOWN) {
			buf_addf(names, "%s%s", names->n ? ", " : "", path);
			n++;
		}
	}
	return n;
}

size_t account_keys_unknown(const json_t *account, struct buf *ret_names)
{
	return look_into(account, STR(""), 1, ret_names);
}

void account_keys_report(struct str id, const json_t *account)
{
	struct buf names;
	size_t n;

	buf_init(&names, NAMES_MAX_BYTES);
	n = account_keys_unknown(account, &names);
	if (n)
		log_limited(LOG_WARN, "account_unknown_keys", LOG_STR("account", id), LOG_INT("keys", n),
			    LOG_STR("names", buf_str(&names)));
	buf_deinit(&names);
}
