#include "pbs/openrtb/convert.h"

#include "common/json.h"
#include "common/mem.h"
#include "pbs/openrtb/model.h"
#include "pbs/openrtb/report.h"

enum { GPP_TCF_EU_V2 = 2, GPP_US_PRIVACY_V1 = 6 };

/* What core reads inside extensions; decoded for the check alone, nothing is dropped. An ext itself is a map,
 * so its members fail without a name. */
#define ONE(key, label_, kind_) TYPED_FIELD(key, label_, TYPED_##kind_, TYPED_GIVEN)
#define OBJECT(key, label_, of)                                                                              \
	{                                                                                                    \
		.name = (key), .label = (label_), .type = &(of), .len = sizeof(key) - 1,                     \
		.kind = TYPED_OBJECT, .mark = TYPED_GIVEN                                                    \
	}
#define TYPE(name, rows)                                                                                     \
	{                                                                                                    \
		.owner = (name), .fields = (rows), .n_fields = ARRAY_LEN(rows)                               \
	}

static const struct typed_struct any_ext = { NULL, NULL, 0 }; /* what null is, and no other kind */

static const struct typed_field ad_server_fields[] = { ONE("name", "Name", STR),
						       ONE("adslot", "AdSlot", STR) };
static const struct typed_struct ad_server = TYPE("openrtb_ext.ExtImpDataAdServer", ad_server_fields);
static const struct typed_field imp_data_fields[] = { ONE("pbadslot", "PbAdslot", STR),
						      OBJECT("adserver", "AdServer", ad_server) };
static const struct typed_struct imp_data = TYPE("openrtb_ext.ExtImpData", imp_data_fields);
static const struct typed_field imp_prebid_fields[] = { ONE("is_rewarded_inventory", "IsRewardedInventory",
							    INT) };
static const struct typed_struct imp_prebid = TYPE("openrtb_ext.ExtImpPrebid", imp_prebid_fields);
static const struct typed_field imp_ext_fields[] = {
	OBJECT("prebid", "Prebid", imp_prebid),
	OBJECT("data", "Data", imp_data),
	ONE("tid", "Tid", STR),
	ONE("gpid", "GPID", STR),
};
static const struct typed_struct imp_ext = TYPE(NULL, imp_ext_fields);

static const struct typed_field user_prebid_fields[] = { ONE("buyeruids", "BuyerUIDs", MAP) };
static const struct typed_struct user_prebid = TYPE("openrtb_ext.ExtUserPrebid", user_prebid_fields);
static const struct typed_field providers_fields[] = { ONE("consented_providers", "ConsentedProvidersString",
							   STR) };
static const struct typed_struct providers =
	TYPE("openrtb_ext.ConsentedProvidersSettingsIn", providers_fields);
static const struct typed_field user_ext_fields[] = {
	ONE("consent", "Consent", STR),
	OBJECT("prebid", "Prebid", user_prebid),
	OBJECT("ConsentedProvidersSettings", "ConsentedProvidersSettings", providers),
};
static const struct typed_struct user_ext = TYPE(NULL, user_ext_fields);

static bool reads_as(json_t *ext, const struct typed_struct *type, struct errtext *why)
{
	json_t *typed = typed_decode(ext, type, why, NULL);

	json_decref(typed);
	return typed != NULL;
}

static bool reads_as_user_ext(json_t *ext, struct errtext *why)
{
	return reads_as(ext, &user_ext, why);
}

/* The one ext whose members have texts of their own. */
static bool reads_as_regs_ext(json_t *ext, struct errtext *why)
{
	const json_t *gdpr = json_object_get(ext, "gdpr"), *us_privacy = json_object_get(ext, "us_privacy");

	if (gdpr && !json_is_integer(gdpr) && !json_is_null(gdpr)) {
		errtext_set(why, "gdpr must be an integer");
		return false;
	}
	if (us_privacy && !json_is_string(us_privacy) && !json_is_null(us_privacy)) {
		errtext_set(why, "us_privacy must be a string");
		return false;
	}
	return true;
}

/* The object's ext, the caller's own; NULL when it has none. False when it is no object. */
static bool own_ext(json_t *obj, json_t **ret_ext, struct errtext *why)
{
	json_t *ext = json_object_get(obj, "ext");

	if (ext && !json_is_object(ext) && !reads_as(ext, &any_ext, why))
		return false;
	if (json_is_null(ext))
		json_object_del(obj, "ext");
	*ret_ext = json_own(obj, "ext");
	return true;
}

static void drop_if_empty(json_t *obj, const char *key)
{
	const json_t *v = json_object_get(obj, key);

	if (json_is_object(v) && json_object_size(v) == 0)
		json_object_del(obj, key);
}

/* Takes ext[key] away; true when it said something and `obj` does not say it yet. The value then waits, with
 * a reference of its own, in *ret_value. */
static bool take(json_t *obj, json_t *ext, const char *key, json_t **ret_value)
{
	json_t *v = json_object_get(ext, key);
	bool wanted;

	if (!v)
		return false;
	wanted = !json_is_null(v) && !json_object_get(obj, key);
	if (wanted)
		*ret_value = json_incref(v);
	json_object_del(ext, key);
	return wanted;
}

static json_t *typed_schain(json_t *schain, struct errtext *why)
{
	json_t *typed = ortb_decode(schain, ORTB_SUPPLY_CHAIN, why, NULL);

	json_decref(schain);
	return typed;
}

/* ext.schain (2.4) → source.ext.schain (2.5) → source.schain (2.6), in one move. */
static int raise_schain(json_t *req, struct messages *m)
{
	json_t *source = json_own(req, "source"), *ext, *source_ext = NULL, *oldest = NULL, *old = NULL;
	struct errtext why = { "" };

	if (!own_ext(req, &ext, &why))
		return refuse(m, "req.ext is invalid: %s", why.text);
	if (source && !own_ext(source, &source_ext, &why))
		return refuse(m, "req.source.ext is invalid: %s", why.text);
	(void)take(NULL, ext, "schain", &oldest);
	if (oldest && !(oldest = typed_schain(oldest, &why)))
		return refuse(m, "req.ext is invalid: %s", why.text);
	(void)take(NULL, source_ext, "schain", &old);
	if (old && !(old = typed_schain(old, &why))) {
		json_decref(oldest);
		return refuse(m, "req.source.ext is invalid: %s", why.text);
	}
	if (!old)
		old = json_incref(oldest);
	json_decref(oldest);
	if (old && !json_object_get(source, "schain"))
		json_object_set_nocheck(json_own_object(req, "source"), "schain", old);
	json_decref(old);
	drop_if_empty(source, "ext");
	drop_if_empty(req, "ext");
	return 0;
}

static int raise_members(json_t *req, const char *parent, bool (*reads)(json_t *ext, struct errtext *why),
			 const char *const *keys, struct messages *m)
{
	json_t *obj = json_own(req, parent), *ext, *v;
	struct errtext why = { "" };

	if (!obj)
		return 0;
	if (!own_ext(obj, &ext, &why) || (ext && !reads(ext, &why)))
		return refuse(m, "req.%s.ext is invalid: %s", parent, why.text);
	for (; ext && *keys; keys++) {
		if (!take(obj, ext, *keys, &v))
			continue;
		if (json_is_string(v) && json_string_length(v) == 0)
			json_decref(v);
		else
			json_object_set_new_nocheck(obj, *keys, v);
	}
	drop_if_empty(obj, "ext");
	return 0;
}

/* user.ext.eids as OpenRTB has them; NULL when they cannot be read, an empty object when there are none. */
static json_t *typed_eids(json_t *given, struct errtext *why)
{
	const struct typed_field field = { .name = "eids",
					   .type = ortb_struct(ORTB_EID),
					   .len = sizeof "eids" - 1,
					   .kind = TYPED_OBJECT,
					   .mark = TYPED_NONZERO,
					   .list = true };
	const struct typed_struct box = { NULL, &field, 1 };
	json_t *boxed = json_pack("{s:O}", "eids", given), *typed = typed_decode(boxed, &box, why, NULL);

	json_decref(boxed);
	return typed;
}

static int raise_eids(json_t *req, struct messages *m)
{
	json_t *user, *ext, *eids;
	struct errtext why = { "" };

	if (!json_at(req, "user.ext.eids"))
		return 0;
	user = json_own(req, "user");
	ext = json_own(user, "ext");
	eids = typed_eids(json_object_get(ext, "eids"), &why);
	if (!eids)
		return refuse(m, "req.user.ext is invalid: %s", why.text);
	if (json_object_get(eids, "eids") && !json_object_get(user, "eids"))
		json_object_set_nocheck(user, "eids", json_object_get(eids, "eids"));
	json_decref(eids);
	json_object_del(ext, "eids");
	return 0;
}

static int raise_imp(json_t *imp, size_t i, struct messages *m)
{
	struct errtext why = { "" };
	json_t *ext, *prebid, *rewarded = NULL;

	if (!own_ext(imp, &ext, &why) || (ext && !reads_as(ext, &imp_ext, &why)))
		return refuse(m, "imp[%zu].imp.ext is invalid: %s", i, why.text);
	if (!json_at(ext, "prebid.is_rewarded_inventory"))
		return 0;
	prebid = json_own(ext, "prebid");
	rewarded = json_object_get(prebid, "is_rewarded_inventory");
	if (json_integer_value(rewarded) != 0 && json_int_at(imp, "rwdd", 0) == 0)
		json_object_set_nocheck(imp, "rwdd", rewarded);
	json_object_del(prebid, "is_rewarded_inventory");
	drop_if_empty(ext, "prebid");
	drop_if_empty(imp, "ext");
	return 0;
}

int convert_up(json_t *req, struct messages *m)
{
	static const char *const regs_keys[] = { "gdpr", "us_privacy", NULL };
	static const char *const user_keys[] = { "consent", NULL };
	json_t *imps;
	int err = raise_schain(req, m);

	if (!err)
		err = raise_members(req, "regs", reads_as_regs_ext, regs_keys, m);
	if (!err)
		err = raise_eids(req, m);
	if (!err)
		err = raise_members(req, "user", reads_as_user_ext, user_keys, m);
	imps = json_own(req, "imp");
	for (size_t i = 0; i < json_array_size(imps) && !err; i++)
		err = raise_imp(json_own_element(imps, i), i, m);
	return err;
}

/* obj[key] → obj.ext[key] */
static void lower(json_t *req, const char *parent, const char *key)
{
	json_t *obj = json_object_get(req, parent), *v = json_object_get(obj, key);

	if (!v)
		return;
	obj = json_own(req, parent);
	json_object_set_nocheck(json_own_object(obj, "ext"), key, v);
	json_object_del(obj, key);
}

void convert_down(json_t *req)
{
	json_t *imps = json_object_get(req, "imp");

	lower(req, "source", "schain");
	lower(req, "regs", "gdpr");
	lower(req, "regs", "us_privacy");
	lower(req, "user", "consent");
	lower(req, "user", "eids");
	for (size_t i = 0; i < json_array_size(imps); i++) {
		json_t *rewarded = json_object_get(json_array_get(imps, i), "rwdd"), *imp, *prebid;

		if (json_integer_value(rewarded) == 0)
			continue;
		imps = json_own(req, "imp");
		imp = json_own_element(imps, i);
		prebid = json_own_object(json_own_object(imp, "ext"), "prebid");
		json_object_set_nocheck(prebid, "is_rewarded_inventory", rewarded);
		json_object_del(imp, "rwdd");
	}
}

static bool lists_section(const json_t *gpp_sid, json_int_t section)
{
	for (size_t i = 0; i < json_array_size(gpp_sid); i++)
		if (json_integer_value(json_array_get(gpp_sid, i)) == section)
			return true;
	return false;
}

void convert_gpp_down(json_t *req, const struct gpp_sections *gpp)
{
	const json_t *regs = json_object_get(req, "regs"), *sid = json_object_get(regs, "gpp_sid");

	if (sid && !json_object_get(regs, "gdpr"))
		json_set_int(json_own_object(req, "regs"), "gdpr", lists_section(sid, GPP_TCF_EU_V2));
	if (gpp->tcf_eu_v2.n && json_str_at(req, "user.consent").n == 0)
		json_set_str(json_own_object(req, "user"), "consent", gpp->tcf_eu_v2);
	if (gpp->us_privacy_v1.n && lists_section(sid, GPP_US_PRIVACY_V1) &&
	    json_str_at(req, "regs.us_privacy").n == 0)
		json_set_str(json_own_object(req, "regs"), "us_privacy", gpp->us_privacy_v1);
}
