#include "pbs/adapters/ortb_ext.h"

#include "common/json.h"

static void set_if_missing(json_t *obj, const char *key, json_t *value)
{
	if (json_object_get(obj, key))
		json_decref(value);
	else
		json_object_set_new(obj, key, value);
}

static void fill_codes(json_t *codes)
{
	json_t *bidders;
	const char *name;
	json_t *one;

	set_if_missing(codes, "bidders", json_null());
	bidders = json_own(codes, "bidders");
	json_object_foreach (bidders, name, one) {
		json_t *mine = json_is_object(one) ? json_own(bidders, name) : NULL;

		if (!mine)
			continue;
		set_if_missing(mine, "enabled", json_false());
		set_if_missing(mine, "allowedbiddercodes", json_null());
	}
}

void ortb_ext_request_defaults(json_t *ext)
{
	json_t *prebid = json_own(ext, "prebid"), *currency = json_own(prebid, "currency"),
	       *server = json_own(prebid, "server");

	if (currency) {
		set_if_missing(currency, "rates", json_null());
		set_if_missing(currency, "usepbsrates", json_null());
	}
	if (server) {
		set_if_missing(server, "externalurl", json_string(""));
		set_if_missing(server, "gvlid", json_integer(0));
		set_if_missing(server, "datacenter", json_string(""));
	}
	if (json_object_get(prebid, "alternatebiddercodes"))
		fill_codes(json_own(prebid, "alternatebiddercodes"));
}
