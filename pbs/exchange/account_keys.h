/* Which settings an account may have: what nobody reads is most likely a slip of the pen, and is said.
 *
 * Pure but for the log.
 */
#ifndef PBS_EXCHANGE_ACCOUNT_KEYS_H
#define PBS_EXCHANGE_ACCOUNT_KEYS_H

#include <jansson.h>

#include "common/buf.h"
#include "common/str.h"

/* Appends "a.b, c" for every member that nobody reads; how many there are. */
size_t account_keys_unknown(const json_t *account, struct buf *ret_names);
/* One log line, account_unknown_keys, when there are any. */
void account_keys_report(struct str id, const json_t *account);

#endif
