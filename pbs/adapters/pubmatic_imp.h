/* PubMatic's imps: its parameters become a tag, a size, a floor and the keys of imp.ext.
 *
 * Private to pubmatic.c.
 */
#ifndef PBS_ADAPTERS_PUBMATIC_IMP_H
#define PBS_ADAPTERS_PUBMATIC_IMP_H

#include "pbs/adapters/ortb_common.h"

/* What the request's ext and then its imps say about the request as a whole. */
struct pubmatic_request {
	bool has_wrapper;
	int64_t profile, version; /* 0: not known yet, the next imp may say */
	struct str publisher_id;  /* of the first imp that has one */
	struct str sdk, sdk_version;
};

extern const struct typed_struct pubmatic_wrapper; /* profile, version, biddercode */

/* Takes what the wrapper adds to what is known already. */
void pubmatic_take_wrapper(struct pubmatic_request *p, const json_t *wrapper);

/* The hook for ortb_visit_imps(); the request's scratch is a struct pubmatic_request. */
enum ortb_verdict pubmatic_imp(struct ortb_imp *x);

#endif
