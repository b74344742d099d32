/* What the router is told of an auction: who was configured, who was called, what came back, what won. No
 * identifiers, no addresses, no consent strings.
 */
#ifndef PBS_ANALYTICS_EVENT_H
#define PBS_ANALYTICS_EVENT_H

#include "common/idr_wire.h"

struct auction;

/* Fills *ret_e from a judged auction; everything lives in its arena. */
void event_of_auction(const struct auction *a, struct idr_event *ret_e);

#endif
