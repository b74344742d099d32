/* The versions of the Global Vendor List that are at hand, and how more of them come.
 *
 * A consent string names the version it was made for. A version that is missing is asked for: a helper thread
 * fetches it while the request goes on without (gdpr.vendor_list.when_missing). At start and once a day the
 * newest list is fetched, after the first time with a conditional request, and some older versions behind it.
 *
 * Shapes  versions 1..4095 of the specifications 2 and 3. Published lists never change, so that each is kept,
 *         in memory and on disk.
 * Errors  a list that cannot be fetched is tried again after gdpr.vendor_list.retry_seconds, doubled with each
 *         failure up to an hour, and only if somebody still asks.
 * Threads find and latest from any, without a lock; the rest from the thread that starts the server.
 * Source  IAB Tech Lab, Global Vendor List; the settings are Prebid Server's. Its time-outs default to 0,
 *         which never loads a list, and a request waits for its list; neither is so here.
 */
#ifndef PBS_VENDOR_LISTS_H
#define PBS_VENDOR_LISTS_H

#include "common/errtext.h"
#include "pbs/privacy/gvl.h"

struct metrics_set;
struct pbs_config;
struct vendor_lists;

/* Reads what is on disk; fetches nothing yet. */
struct vendor_lists *vendor_lists_new(const struct pbs_config *c, struct metrics_set *metrics);
int vendor_lists_start(struct vendor_lists *v, struct errtext *why);
void vendor_lists_free(struct vendor_lists *v); /* ends the thread; NULL is fine */

/* NULL when it is not at hand (it is asked for then). Valid until vendor_lists_free. `v` may be NULL. */
const struct gvl *vendor_lists_find(struct vendor_lists *v, unsigned specification, unsigned version);
/* The newest list; NULL while there is none. `v` may be NULL. */
const struct gvl *vendor_lists_latest(struct vendor_lists *v);

#endif
