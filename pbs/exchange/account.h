/* The settings under which a request is served: the publisher's account over the host's defaults.
 *
 * Source  Prebid Server's account resolution, messages and codes included.
 */
#ifndef PBS_EXCHANGE_ACCOUNT_H
#define PBS_EXCHANGE_ACCOUNT_H

#include <jansson.h>

#include "common/arena.h"
#include "common/errtext.h"
#include "pbs/exchange/floors.h"

struct auction;
struct pbs_config;
struct privacy_account;
struct privacy_accounts;

enum account_state {
	ACCOUNT_OK,
	ACCOUNT_MISSING,    /* one is required and none was named */
	ACCOUNT_UNVERIFIED, /* one is required and this one is not known */
	ACCOUNT_MALFORMED,
	ACCOUNT_DISABLED,
};

/* Both parts are NULL when nothing is set anywhere; they live as long as the arena. */
struct account {
	const json_t *settings;
	const struct privacy_account *privacy;
};

/* Merges `stored` (NULL: not known) over the host's account_defaults. `why`, what the client is told, is
 * written unless ACCOUNT_OK. */
enum account_state account_resolve(const struct pbs_config *config, struct privacy_accounts *accounts,
				   struct str id, const json_t *stored, struct arena *a,
				   struct account *ret_account, struct errtext *why);
int account_status(enum account_state state); /* of HTTP, for every other state */

/* The same for an auction, into a->account. ERR_DENIED with the message filed when the account may not be
 * served. */
int account_settle(struct auction *a, const json_t *stored);

/* What the account wants said about the Digital Services Act where the request says nothing, written as an object or,
 * as in the reference, as JSON inside a text. Lent; no object when there is none. */
json_t *account_default_dsa(const json_t *account, struct arena *a);

/* price_floors of the account, with the reference's defaults. */
void account_floors(const json_t *account, struct floors_account *ret_f);

#endif
