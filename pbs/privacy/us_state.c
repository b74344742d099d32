#include "pbs/privacy/us_state.h"

#include "common/mem.h"

enum { OPTED_OUT = 1, NO_CONSENT = 1, NOTICE_NOT_GIVEN = 2, MODE_YES = 1 };

/* An absent field has value 0, "not applicable". */
static const struct {
	enum gpp_field field;
	unsigned value;
	unsigned demands; /* enum us_demand */
} scalars[] = {
	{ GPP_SALE_OPT_OUT, OPTED_OUT, US_DEMAND_OPT_OUT },
	{ GPP_SHARING_OPT_OUT, OPTED_OUT, US_DEMAND_OPT_OUT },
	{ GPP_TARGETED_OPT_OUT, OPTED_OUT, US_DEMAND_OPT_OUT },
	{ GPP_SALE_OPT_OUT_NOTICE, NOTICE_NOT_GIVEN, US_DEMAND_OPT_OUT },
	{ GPP_SHARING_OPT_OUT_NOTICE, NOTICE_NOT_GIVEN, US_DEMAND_OPT_OUT },
	{ GPP_TARGETED_NOTICE, NOTICE_NOT_GIVEN, US_DEMAND_OPT_OUT },
	{ GPP_SHARING_NOTICE, NOTICE_NOT_GIVEN, US_DEMAND_OPT_OUT },
	{ GPP_PROCESSING_NOTICE, NOTICE_NOT_GIVEN, US_DEMAND_OPT_OUT },
	{ GPP_MSPA_SERVICE_MODE, MODE_YES, US_DEMAND_OPT_OUT },
	{ GPP_SENSITIVE_NOTICE, NOTICE_NOT_GIVEN, US_DEMAND_SENSITIVE | US_DEMAND_GEO },
	{ GPP_SENSITIVE_LIMIT_NOTICE, NOTICE_NOT_GIVEN, US_DEMAND_SENSITIVE | US_DEMAND_GEO },
	{ GPP_SENSITIVE_OPT_OUT_NOTICE, NOTICE_NOT_GIVEN, US_DEMAND_SENSITIVE | US_DEMAND_GEO },
	{ GPP_GPC, 1, US_DEMAND_GPC },
};

/* Each kind of sensitive data: 1 is an opt-out, or a consent that was refused. */
static unsigned sensitive_demands(unsigned section_id, const struct gpp_us *us)
{
	int geo = gpp_geo_index(section_id);
	unsigned demands = 0;

	for (int i = 0; i < us->n[GPP_SENSITIVE]; i++)
		if (us->value[GPP_SENSITIVE][i] == NO_CONSENT)
			demands |= i == geo ? US_DEMAND_GEO : US_DEMAND_SENSITIVE;
	return demands;
}

/* Under 13, any answer but "not applicable" says that a child is there, and its own consent counts for
 * nothing. For teenagers, a consent that was refused is an opt-out. */
static unsigned child_demands(unsigned section_id, const struct gpp_us *us)
{
	unsigned under_13 = gpp_under_13(section_id), demands = 0;

	for (unsigned i = 0; i < us->n[GPP_CHILD]; i++) {
		unsigned v = us->value[GPP_CHILD][i];

		if (under_13 >> i & 1 && v != 0)
			demands |= US_DEMAND_CHILD;
		else if (v == NO_CONSENT)
			demands |= US_DEMAND_OPT_OUT | US_DEMAND_SENSITIVE;
	}
	return demands;
}

unsigned us_state_demands(unsigned section_id, const struct gpp_us *us)
{
	unsigned demands = sensitive_demands(section_id, us) | child_demands(section_id, us);

	for (size_t i = 0; i < ARRAY_LEN(scalars); i++)
		if (us->value[scalars[i].field][0] == scalars[i].value)
			demands |= scalars[i].demands;
	return demands;
}
