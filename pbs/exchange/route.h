/* The ROUTE stage: which of the bidders that may be called are worth calling. */
#ifndef PBS_EXCHANGE_ROUTE_H
#define PBS_EXCHANGE_ROUTE_H

#include <jansson.h>

struct auction;

/* ext.debug.routing: who was selected, who was not and why, and whose decision it was. A new reference. */
json_t *route_render(const struct auction *a);

#endif
