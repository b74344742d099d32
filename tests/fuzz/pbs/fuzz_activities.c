/* Account settings may come from a database that others write to; reading them must fail cleanly. */
#include "common/arena.h"
#include "common/json.h"
#include "pbs/privacy/activity.h"
#include "pbs/privacy/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct errtext why;
	json_t *tree = json_parse((struct str){ (const char *)data, size }, &why);
	struct activity_scope scope;
	struct privacy_account *acc;
	struct privacy_host *host;

	if (tree && privacy_account_parse(tree, &why, &acc) == 0) {
		activity_scope_read(tree, &scope);
		for (unsigned i = 0; i < ACTIVITY_COUNT; i++)
			(void)activity_allowed(acc->activities, i, COMPONENT_BIDDER, STR("a"), &scope);
		privacy_account_free(acc);
	}
	if (tree && privacy_host_parse(tree, &why, &host) == 0)
		privacy_host_free(host);
	json_decref(tree);
	return 0;
}
