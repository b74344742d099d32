/* One version of the IAB's Global Vendor List: what each vendor says it does, and on which legal basis.
 *
 * Shapes  `vendorListVersion`, `gvlSpecificationVersion` and of each vendor the purposes and special
 * features; everything else in the file is left out. About 24 kB for a list of today's size. Errors  NULL
 * when the file is no vendor list, has no version, or is absurdly large. Threads immutable once parsed;
 * whoever publishes it counts the references. Source  IAB Tech Lab, "Global Vendor List" specifications 2
 * and 3.
 */
#ifndef PBS_PRIVACY_GVL_H
#define PBS_PRIVACY_GVL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/errtext.h"
#include "common/str.h"

struct gvl_vendor {
	/* bit n - 1 stands for purpose or feature n */
	uint32_t purposes, li_purposes, flexible_purposes;
	uint16_t special_purposes, special_features;
	bool known; /* ids have gaps */
};

struct gvl {
	unsigned specification, version, policy_version;
	uint32_t max_id;
	size_t n_vendors;
	struct gvl_vendor vendors[]; /* by id, 0..max_id */
};

struct gvl *gvl_parse(struct str json, struct errtext *why);
struct gvl *gvl_from_json(const json_t *tree, struct errtext *why);
void gvl_free(struct gvl *gvl);

/* NULL for an id that the list does not have; `gvl` may be NULL. */
const struct gvl_vendor *gvl_find(const struct gvl *gvl, uint32_t id);

#endif
