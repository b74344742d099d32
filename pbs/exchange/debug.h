/* `ext.debug`: what was sent to whom and what came back, the request as resolved, and why the router chose as
 * it did. */
#ifndef PBS_EXCHANGE_DEBUG_H
#define PBS_EXCHANGE_DEBUG_H

#include <jansson.h>

struct auction;

json_t *debug_render(const struct auction *a); /* a new reference */

#endif
