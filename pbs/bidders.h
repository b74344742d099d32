/* Makes the host's bidders from its files: <dir>/<bidder>.yaml, <params>/<bidder>.json, and overrides in
 * pbs.yaml.
 *
 * Errors  NULL only when a folder cannot be read. A bidder whose file is wrong is left out, one that is not
 * configured is disabled; either is one log line that names file and reason.
 */
#ifndef PBS_BIDDERS_H
#define PBS_BIDDERS_H

#include "common/errtext.h"
#include "pbs/adapters/registry.h"
#include "pbs/config.h"

struct registry *bidders_load(const struct pbs_config *config, struct errtext *why);

#endif
