/* The account of a request that is no auction: looked up, merged over the host's defaults, judged.
 *
 * Owns    the gate lives in the request's arena and must stay there until `done`, which comes exactly once,
 *         perhaps from inside account_gate_ask().
 * Source  Prebid Server's account resolution. */
#ifndef PBS_ENDPOINTS_ACCOUNT_GATE_H
#define PBS_ENDPOINTS_ACCOUNT_GATE_H

#include "pbs/exchange/account.h"
#include "pbs/stored/stored.h"

struct http_request;

struct account_gate {
	void (*done)(struct account_gate *g);
	struct http_request *req;
	struct str id; /* empty counts as "unknown" */
	uint32_t timeout_ms;

	enum account_state state;
	struct account account;      /* when the state is ACCOUNT_OK */
	struct errtext why;          /* otherwise */
	struct stored_lookup lookup; /* the gate's own */
};

void account_gate_ask(struct account_gate *g);

/* The words of cookie_sync and setuid. */
struct str account_gate_sync_text(enum account_state state);
/* The reply of event and vtrack to an account that may not be served. */
void account_gate_refuse(struct account_gate *g);

#endif
