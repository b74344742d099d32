/* `nexus-idr migrate`: brings the schema of the configured database up to date and ends. What the running service does
 * by itself, as a step of its own for those who deploy with other rights than they serve with. Safe to run twice, and
 * by several at a time.
 *
 * `optional` (--if-configured): without a database there is nothing to do, which is no error. For deployments whose every
 * release runs this step, whether a database belongs to them or not. */
#ifndef IDR_MIGRATE_H
#define IDR_MIGRATE_H

#include <stdbool.h>
#include <stdio.h>

#include "common/conf.h"

int migrate_run(struct conf *conf, bool optional, FILE *out, FILE *err); /* the exit status. Takes `conf`. */

#endif
