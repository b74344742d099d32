#include "pbs/privacy/lmt.h"

#include "common/json.h"

/* "14.2" or "14.2.1"; anything else says nothing. */
static bool read_version(struct str osv, unsigned *ret_major, unsigned *ret_minor)
{
	struct str major = str_cut(&osv, '.'), minor = osv.p ? str_cut(&osv, '.') : STR("");
	uint32_t v[3] = { 0 };

	if (!str_parse_u32(major, 0, 1000, &v[0]) || !str_parse_u32(minor, 0, 1000, &v[1]) ||
	    (osv.p && !str_parse_u32(osv, 0, UINT32_MAX, &v[2])))
		return false;
	*ret_major = v[0];
	*ret_minor = v[1];
	return true;
}

bool lmt_ios(const json_t *request, int *ret_lmt)
{
	const json_t *device = json_object_get(request, "device"), *atts = json_at(device, "ext.atts");
	struct str ifa = json_str_at(device, "ifa");
	unsigned major, minor;

	if (!json_object_get(request, "app") || !str_eq_nocase(json_str_at(device, "os"), STR("ios")) ||
	    !read_version(json_str_at(device, "osv"), &major, &minor) || major < 14)
		return false;
	if (major == 14 && minor < 2) {
		*ret_lmt = ifa.n == 0 || str_eq(ifa, STR("00000000-0000-0000-0000-000000000000"));
		return true;
	}
	if (!json_is_integer(atts) || json_integer_value(atts) < 0 || json_integer_value(atts) > 3)
		return false;
	*ret_lmt = json_integer_value(atts) != 3;
	return true;
}
