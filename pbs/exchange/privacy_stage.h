/* What earlier stages need to know of privacy. */
#ifndef PBS_EXCHANGE_PRIVACY_STAGE_H
#define PBS_EXCHANGE_PRIVACY_STAGE_H

#include <stdbool.h>

#include "common/str.h"
#include "pbs/privacy/activity.h"

struct auction;
struct validate_rules;

/* Reads regs.gpp, once for the whole auction, and gives validation its answers. */
void privacy_stage_read(struct auction *a, struct validate_rules *rules);

/* Does the account allow `what` of this auction to the analytics component of that name? */
bool privacy_stage_allows_sink(const struct auction *a, enum activity what, struct str sink);

/* Does the account allow adding to the user's data (activity enrichUfpd, component general/topics)? */
bool privacy_stage_may_enrich(const struct auction *a);

#endif
