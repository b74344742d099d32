#include "pbs/endpoints/account_gate.h"

#include "common/http_server.h"
#include "common/mem.h"
#include "pbs/server.h"

static void settle(struct account_gate *g)
{
	g->state =
		account_resolve(pbs_request_config(g->req), pbs_worker_of(g->req)->exchange.privacy_accounts,
				g->id, g->lookup.items[0].value, g->req->arena, &g->account, &g->why);
	g->done(g);
}

static void on_account(struct stored_lookup *l)
{
	settle(container_of(l, struct account_gate, lookup));
}

void account_gate_ask(struct account_gate *g)
{
	struct pbs_worker *w = pbs_worker_of(g->req);

	if (g->id.n == 0)
		g->id = STR("unknown");
	g->lookup = (struct stored_lookup){ .done = on_account, .arena = g->req->arena, .n_items = 1 };
	g->lookup.items = ARENA_NEW(g->req->arena, struct stored_item);
	g->lookup.items[0] = (struct stored_item){ .kind = STORED_ACCOUNT, .id = g->id };
	if (stored_fetch(w->exchange.stored, &g->lookup,
			 g->timeout_ms ? g->timeout_ms : pbs_request_config(g->req)->stored_timeout_ms))
		settle(g);
}

struct str account_gate_sync_text(enum account_state state)
{
	switch (state) {
	case ACCOUNT_DISABLED: return STR("account is disabled, please reach out to the prebid server host");
	case ACCOUNT_MALFORMED: return STR("account config is malformed and could not be read");
	default: return STR("account must be valid if provided, please reach out to the prebid server host");
	}
}

void account_gate_refuse(struct account_gate *g)
{
	http_reply(g->req, account_status(g->state), "text/plain; charset=utf-8",
		   str_of(arena_printf(g->req->arena, "Invalid request: %s\n", g->why.text)));
}
