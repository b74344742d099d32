/* Privacy settings as the server uses them: the host's from its configuration, each account's parsed once and
 * shared by its auctions.
 *
 * Errors  ERR_INPUT with the path of the member that is wrong.
 * Owns    privacy_accounts keeps what it parsed while there is room; an auction holds what it uses until its
 *         arena is freed.
 * Threads the host's settings are shared and constant; one privacy_accounts per worker.
 */
#ifndef PBS_PRIVACY_SETTINGS_H
#define PBS_PRIVACY_SETTINGS_H

#include <jansson.h>

#include "common/arena.h"
#include "common/errtext.h"
#include "pbs/privacy/config.h"

struct pbs_config;
struct privacy_accounts;

/* Also checks what account_defaults say about privacy, so that a mistake stops the start. */
int privacy_settings_host(const struct pbs_config *c, struct errtext *why, struct privacy_host **ret_host);

struct privacy_accounts *privacy_accounts_new(void);
void privacy_accounts_free(struct privacy_accounts *accounts);

/* `merged` are the settings to read; `stored` and `defaults`, of which they were made, tell accounts apart, as
 * `merged` may be made anew for each request. NULL settings give NULL. */
/* Were these very settings parsed before, as far as is remembered? */
bool privacy_accounts_knows(const struct privacy_accounts *accounts, const json_t *stored,
			    const json_t *defaults);
int privacy_accounts_get(struct privacy_accounts *accounts, const json_t *stored, const json_t *defaults,
			 const json_t *merged, struct arena *a, struct errtext *why,
			 const struct privacy_account **ret_account);

#endif
