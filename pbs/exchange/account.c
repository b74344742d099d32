#include "pbs/exchange/account.h"

#include "common/err.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "pbs/config.h"
#include "pbs/exchange/auction.h"
#include "pbs/openrtb/report.h"
#include "pbs/privacy_settings.h"

static int malformed(struct auction *a, const char *reason)
{
	log_limited(LOG_ERROR, "account_malformed", LOG_STR("account", a->account_id),
		    LOG_Z("reason", reason));
	(void)refuse_as(&a->messages, ERROR_MALFORMED_ACCOUNT,
			"The prebid-server account config for account id \"" STR_FMT
			"\" is malformed. Please reach "
			"out to the prebid server host.",
			STR_ARG(a->account_id));
	return ERR_INTERNAL;
}

enum kind { K_BOOL, K_NUMBER, K_TEXT, K_OBJECT };

/* What each setting must be; privacy's are checked where they are parsed. */
static const struct {
	const char *path;
	enum kind kind;
} settings[] = {
	{ "disabled", K_BOOL },
	{ "debug_allow", K_BOOL },
	{ "tolerant_params", K_BOOL },
	{ "exact_price_buckets", K_BOOL },
	{ "default_integration", K_TEXT },
	{ "bid_rounding", K_TEXT },
	{ "targeting_prefix", K_TEXT },
	{ "default_bid_limit", K_NUMBER },
	{ "truncate_target_attr", K_NUMBER },
	{ "cache_ttl", K_OBJECT },
	{ "cache_ttl.banner", K_NUMBER },
	{ "cache_ttl.video", K_NUMBER },
	{ "cache_ttl.audio", K_NUMBER },
	{ "cache_ttl.native", K_NUMBER },
	{ "events", K_OBJECT },
	{ "events.enabled", K_BOOL },
	{ "routing", K_OBJECT },
	{ "routing.enabled", K_BOOL },
	{ "alternatebiddercodes", K_OBJECT },
	{ "bidadjustments", K_OBJECT },
	{ "preferredmediatype", K_OBJECT },
	{ "validations", K_OBJECT },
	{ "validations.banner_creative_max_size", K_TEXT },
	{ "validations.secure_markup", K_TEXT },
	{ "validations.max_creative_width", K_NUMBER },
	{ "validations.max_creative_height", K_NUMBER },
	{ "price_floors", K_OBJECT },
	{ "price_floors.enabled", K_BOOL },
	{ "price_floors.enforce_floors_rate", K_NUMBER },
	{ "price_floors.adjust_for_bid_adjustment", K_BOOL },
	{ "price_floors.enforce_deal_floors", K_BOOL },
	{ "price_floors.use_dynamic_data", K_BOOL },
	{ "price_floors.max_rules", K_NUMBER },
	{ "price_floors.max_schema_dims", K_NUMBER },
	{ "price_floors.fetch", K_OBJECT },
	{ "price_floors.fetch.enabled", K_BOOL },
	{ "price_floors.fetch.url", K_TEXT },
};

static bool is_kind(const json_t *j, enum kind kind)
{
	switch (kind) {
	case K_BOOL: return json_is_boolean(j);
	case K_NUMBER: return json_is_number(j);
	case K_TEXT: return json_is_string(j);
	case K_OBJECT: return json_is_object(j);
	}
	return false;
}

static int check_settings(const json_t *account, struct errtext *why)
{
	static const char *const names[] = { "true or false", "a number", "a text", "an object" };

	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		const json_t *v = json_at(account, settings[i].path);

		if (!v || json_is_null(v) || is_kind(v, settings[i].kind))
			continue;
		errtext_set(why, "%s: expected %s", settings[i].path, names[settings[i].kind]);
		return ERR_INPUT;
	}
	return 0;
}

static int deny(struct auction *a, int code, const char *text)
{
	(void)refuse_as(&a->messages, code, "%s", text);
	return ERR_DENIED;
}

int account_settle(struct auction *a, const json_t *stored)
{
	const struct pbs_config *c = a->x->config;
	bool unknown = str_eq(a->account_id, STR("unknown"));
	struct errtext why;

	if (c->account_required && unknown)
		return deny(a, ERROR_ACCOUNT_REQUIRED,
			    "Prebid-server has been configured to discard requests without a valid Account "
			    "ID. Please "
			    "reach out to the prebid server host.");
	if (!stored && c->account_required && json_bool_at(c->account_defaults, "disabled", false))
		return deny(a, ERROR_ACCOUNT_REQUIRED,
			    "Prebid-server could not verify the Account ID. Please reach out to the prebid "
			    "server host.");
	if (stored && !json_is_object(stored))
		return malformed(a, "not an object");
	if (check_settings(stored, &why) < 0)
		return malformed(a, why.text);
	if (stored && c->account_defaults)
		a->account = arena_own_json(a->arena, json_merge_patch(c->account_defaults, stored));
	else
		a->account = stored ? stored : c->account_defaults;
	if (json_bool_at(a->account, "disabled", false)) {
		(void)refuse_as(&a->messages, ERROR_ACCOUNT_DISABLED,
				"Prebid-server has disabled Account ID: " STR_FMT
				", please reach out to the prebid server host.",
				STR_ARG(a->account_id));
		return ERR_DENIED;
	}
	if (privacy_accounts_get(a->x->privacy_accounts, stored ? stored : c->account_defaults, a->account,
				 a->arena, &why, &a->privacy_account) < 0)
		return malformed(a, why.text);
	return 0;
}

void account_floors(const json_t *account, struct floors_account *ret_f)
{
	floors_account_parse(json_object_get(account, "price_floors"), ret_f);
}
