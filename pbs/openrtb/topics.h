/* The browser's interest topics (header Sec-Browsing-Topics) as OpenRTB user data.
 *
 * Shapes  "(1 2);v=chrome.1:1:2, ();p=P000" gives one data object per taxonomy and classifier, named after
 *         the account's topics domain; an existing one of the same name and kind is completed, not repeated.
 * Errors  none: a field that cannot be read is skipped with a warning for debug.
 * Source  Privacy Sandbox Topics; IAB segment taxonomies 600 and up; Prebid Server's privacy sandbox support.
 */
#ifndef PBS_OPENRTB_TOPICS_H
#define PBS_OPENRTB_TOPICS_H

#include <jansson.h>

#include "common/str.h"
#include "pbs/exchange/messages.h"

/* `req` must be the caller's own; `user` is made when there is something to say. */
void topics_add(json_t *req, struct str header, struct str domain, struct messages *m);

#endif
