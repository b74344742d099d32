/* The settings under which an auction runs: the publisher's account over the host's defaults.
 *
 * Source  Prebid Server's account resolution, messages and codes included.
 */
#ifndef PBS_EXCHANGE_ACCOUNT_H
#define PBS_EXCHANGE_ACCOUNT_H

#include <jansson.h>

#include "pbs/exchange/floors.h"

struct auction;

/* Merges `stored` (NULL: not known) over the host's account_defaults into a->account. ERR_DENIED with the
 * message filed when the account may not be served. */
int account_settle(struct auction *a, const json_t *stored);

/* price_floors of the account, with the reference's defaults. */
void account_floors(const json_t *account, struct floors_account *ret_f);

#endif
