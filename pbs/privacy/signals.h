/* Reads the privacy signals of a request into struct privacy: the part of a judgement that is the same for
 * all bidders. Used by verdict.c alone. */
#ifndef PBS_PRIVACY_SIGNALS_H
#define PBS_PRIVACY_SIGNALS_H

#include "pbs/privacy/gdpr.h"
#include "pbs/privacy/verdict.h"

struct signals {
	struct gdpr gdpr;    /* to judge vendors by; only with p->gdpr_enforced */
	unsigned us_demands; /* enum us_demand, of the sections that apply */
	bool bad_us_privacy; /* regs.us_privacy must not reach anybody */
};

int signals_read(const struct privacy_input *in, struct arena *a, struct errtext *why, struct privacy *p,
		 struct signals *s);

#endif
