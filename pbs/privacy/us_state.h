/* What the US sections of a GPP string ask for: opt-outs of sale, sharing and targeted advertising, limits on
 * sensitive data, and protection of children.
 *
 * Only sections that regs.gpp_sid names apply; where several do, any of them can restrict.
 *
 * Source  IAB Tech Lab, GPP US sections; IAB MSPA. Following Prebid's own reading, an opt-out whose notice
 * was not given counts as exercised: nobody can have agreed to what they were not told.
 */
#ifndef PBS_PRIVACY_US_STATE_H
#define PBS_PRIVACY_US_STATE_H

#include <jansson.h>
#include <stdbool.h>

#include "pbs/privacy/gpp.h"

enum us_demand {
	US_DEMAND_OPT_OUT = 1 << 0, /* sale, sharing or targeted advertising, or MSPA service provider mode */
	US_DEMAND_SENSITIVE = 1 << 1, /* some kind of sensitive data must not be used */
	US_DEMAND_GEO = 1 << 2,       /* … precise geolocation in particular */
	US_DEMAND_CHILD = 1 << 3,     /* a known child under 13 */
	US_DEMAND_GPC = 1 << 4,       /* the browser's Global Privacy Control was on */
};

unsigned us_state_demands(unsigned section_id, const struct gpp_us *us);

#endif
