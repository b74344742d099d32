#include "pbs/exchange/account.h"

#include "common/err.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "pbs/config.h"
#include "pbs/exchange/account_keys.h"
#include "pbs/exchange/auction.h"
#include "pbs/openrtb/report.h"
#include "pbs/privacy_settings.h"

/* The id stands between the two halves of a text, or nowhere. */
static const struct {
	int status, code, err;
	const char *before_id, *after_id; /* after_id NULL: the id is not named */
} states[] = {
	[ACCOUNT_MISSING] = { 400, ERROR_ACCOUNT_REQUIRED, ERR_DENIED,
			      "Prebid-server has been configured to discard requests without a valid Account "
			      "ID. "
			      "Please reach out to the prebid server host.",
			      NULL },
	[ACCOUNT_UNVERIFIED] = { 400, ERROR_ACCOUNT_REQUIRED, ERR_DENIED,
				 "Prebid-server could not verify the Account ID. Please reach out to the "
				 "prebid "
				 "server host.",
				 NULL },
	[ACCOUNT_MALFORMED] = { 500, ERROR_MALFORMED_ACCOUNT, ERR_INTERNAL,
				"The prebid-server account config for account id \"",
				"\" is malformed. Please reach out to the prebid server host." },
	[ACCOUNT_DISABLED] = { 503, ERROR_ACCOUNT_DISABLED, ERR_DENIED,
			       "Prebid-server has disabled Account ID: ",
			       ", please reach out to the prebid server host." },
};

int account_status(enum account_state state)
{
	return states[state].status;
}

enum kind { K_BOOL, K_NUMBER, K_TEXT, K_OBJECT, K_LIST };

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
	{ "targeting", K_OBJECT },
	{ "secondary_bidders", K_LIST },
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
	case K_LIST: return json_is_array(j);
	}
	return false;
}

static int check_settings(const json_t *account, struct errtext *why)
{
	static const char *const names[] = { "true or false", "a number", "a text", "an object", "a list" };

	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		const json_t *v = json_at(account, settings[i].path);

		if (!v || json_is_null(v) || is_kind(v, settings[i].kind))
			continue;
		errtext_set(why, "%s: expected %s", settings[i].path, names[settings[i].kind]);
		return ERR_INPUT;
	}
	return 0;
}

json_t *account_default_dsa(const json_t *account, struct arena *a)
{
	json_t *given = json_at(account, "privacy.dsa.default");

	return json_is_string(given) ? arena_own_json(a, json_parse(json_str(given), NULL)) : given;
}

/* Nothing, or an object. */
static bool dsa_is_readable(const json_t *account, struct arena *a)
{
	const json_t *given = json_at(account, "privacy.dsa.default");

	return !given || json_is_null(given) || (json_is_string(given) && json_string_length(given) == 0) ||
	       json_is_object(account_default_dsa(account, a));
}

static void describe(enum account_state state, bool bad_dsa, struct str id, struct errtext *why)
{
	if (bad_dsa)
		errtext_set(why,
			    "The prebid-server account config DSA for account id \"" STR_FMT
			    "\" is malformed. Please reach out to the prebid server host.",
			    STR_ARG(id));
	else if (states[state].after_id)
		errtext_set(why, "%s" STR_FMT "%s", states[state].before_id, STR_ARG(id),
			    states[state].after_id);
	else
		errtext_set(why, "%s", states[state].before_id);
}

static enum account_state merge(const struct pbs_config *c, struct str id, const json_t *stored,
				struct arena *a, const json_t **ret_account)
{
	const json_t *account = stored ? stored : c->account_defaults;

	if (c->account_required && str_eq(id, STR("unknown")))
		return ACCOUNT_MISSING;
	if (!stored && c->account_required && json_bool_at(c->account_defaults, "disabled", false))
		return ACCOUNT_UNVERIFIED;
	if (stored && !json_is_object(stored))
		return ACCOUNT_MALFORMED;
	if (stored && c->account_defaults)
		account = arena_own_json(a, json_merge_patch(c->account_defaults, stored));
	if (json_bool_at(account, "disabled", false))
		return ACCOUNT_DISABLED;
	*ret_account = account;
	return ACCOUNT_OK;
}

enum account_state account_resolve(const struct pbs_config *config, struct privacy_accounts *accounts,
				   struct str id, const json_t *stored, struct arena *a,
				   struct account *ret_account, struct errtext *why)
{
	struct errtext reason = { "not an object" };
	struct account out = { 0 };
	enum account_state state = merge(config, id, stored, a, &out.settings);
	bool is_new = stored && !privacy_accounts_knows(accounts, stored, config->account_defaults);
	bool bad_dsa = false;

	if (state == ACCOUNT_OK && check_settings(stored, &reason) < 0)
		state = ACCOUNT_MALFORMED;
	if (state == ACCOUNT_OK && privacy_accounts_get(accounts, stored, config->account_defaults,
							out.settings, a, &reason, &out.privacy) < 0)
		state = ACCOUNT_MALFORMED;
	if (state == ACCOUNT_OK && !dsa_is_readable(out.settings, a)) {
		errtext_set(&reason, "privacy.dsa.default: expected an object, or a text that holds one");
		state = ACCOUNT_MALFORMED;
		bad_dsa = true;
	}
	if (state == ACCOUNT_MALFORMED)
		log_limited(LOG_ERROR, "account_malformed", LOG_STR("account", id),
			    LOG_Z("reason", reason.text));
	if (state == ACCOUNT_OK && is_new)
		account_keys_report(id, stored);
	if (state == ACCOUNT_OK)
		*ret_account = out;
	else
		describe(state, bad_dsa, id, why);
	return state;
}

int account_settle(struct auction *a, const json_t *stored)
{
	struct account account;
	struct errtext why;
	enum account_state state = account_resolve(a->config, a->x->privacy_accounts, a->account_id, stored,
						   a->arena, &account, &why);

	if (state != ACCOUNT_OK) {
		(void)refuse_as(&a->messages, states[state].code, "%s", why.text);
		return states[state].err;
	}
	a->account = account.settings;
	a->privacy_account = account.privacy;
	return 0;
}

void account_floors(const json_t *account, struct floors_account *ret_f)
{
	floors_account_parse(json_object_get(account, "price_floors"), ret_f);
}
