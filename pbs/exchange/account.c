#include "pbs/exchange/account.h"

#include "common/err.h"
#include "common/json.h"
#include "common/log.h"
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
