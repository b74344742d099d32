/* The RESOLVE stage: from bytes to one JSON request with everything that is stored elsewhere merged in, and
 * the account it belongs to. Waits only when stored data is not in memory. */
#include <assert.h>

#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"
#include "pbs/config.h"
#include "pbs/exchange/account.h"
#include "pbs/exchange/auction.h"
#include "pbs/openrtb/report.h"

/* Paths at which a publisher names its account, first hit wins. Source: Prebid Server, account id search. */
static const char *const account_paths[] = {
	"app.publisher.ext.prebid.parentAccount",  "app.publisher.id",
	"site.publisher.ext.prebid.parentAccount", "site.publisher.id",
	"dooh.publisher.ext.prebid.parentAccount", "dooh.publisher.id",
};

static int find_account_id(struct auction *a)
{
	for (size_t i = 0; i < ARRAY_LEN(account_paths); i++) {
		const json_t *v = json_at(a->request, account_paths[i]);

		if (!v || json_is_null(v))
			continue;
		if (!json_is_string(v))
			return refuse(&a->messages, "%s must be a string", account_paths[i]);
		if (json_string_length(v)) {
			a->account_id = json_str(v);
			return 0;
		}
	}
	a->account_id = STR("unknown");
	return 0;
}

static enum stage with_account(struct auction *a)
{
	if (account_settle(a, a->lookup.items[0].value) < 0)
		return auction_refuse(a);
	return STAGE_ENRICH;
}

static void on_account(struct stored_lookup *l)
{
	struct auction *a = container_of(l, struct auction, lookup);

	assert(a->stage == STAGE_RESOLVE);
	auction_enter(a, with_account(a));
}

enum stage auction_resolve(struct auction *a)
{
	struct errtext why;

	a->request = arena_own_json(a->arena, json_parse(a->body, &why));
	if (!a->request || !json_is_object(a->request)) {
		(void)refuse(&a->messages, "the body is not a JSON object: %s",
			     a->request ? "expect { or n" : why.text);
		return auction_refuse(a);
	}
	if (find_account_id(a) < 0)
		return auction_refuse(a);
	a->lookup.arena = a->arena;
	a->lookup.items = ARENA_NEW(a->arena, struct stored_item);
	a->lookup.items[0] = (struct stored_item){ .kind = STORED_ACCOUNT, .id = a->account_id };
	a->lookup.n_items = 1;
	a->lookup.done = on_account;
	if (!stored_fetch(a->x->stored, &a->lookup, a->x->config->stored_timeout_ms))
		return STAGE_WAIT;
	return with_account(a);
}
