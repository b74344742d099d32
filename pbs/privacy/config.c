#include "pbs/privacy/config.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"
#include "pbs/privacy/activity.h"

enum { IPV4_KEEP_BITS = 24, IPV6_KEEP_BITS = 56 };

static const char *const channel_names[CHANNELS] = {
	[CHANNEL_WEB] = "web",     [CHANNEL_APP] = "app",   [CHANNEL_AMP] = "amp",
	[CHANNEL_VIDEO] = "video", [CHANNEL_DOOH] = "dooh",
};

/* Where GDPR may be in force when nobody says so; ISO 3166-1 alpha-3. */
static struct str eea[] = {
#define C(code)                                                                                              \
	{                                                                                                    \
#code, 3                                                                                     \
	}
	C(ALA), C(AUT), C(BEL), C(BGR), C(HRV), C(CYP), C(CZE), C(DNK), C(EST), C(FIN), C(FRA),
	C(GUF), C(DEU), C(GIB), C(GRC), C(GLP), C(GGY), C(HUN), C(ISL), C(IRL), C(IMN), C(ITA),
	C(JEY), C(LVA), C(LIE), C(LTU), C(LUX), C(MLT), C(MTQ), C(MYT), C(NLD), C(NOR), C(POL),
	C(PRT), C(REU), C(ROU), C(BLM), C(MAF), C(SPM), C(SVK), C(SVN), C(ESP), C(SWE), C(GBR),
#undef C
};

/* ---- members ---- */

static int read_tri(const json_t *obj, const char *key, struct errtext *why, int8_t *ret_v)
{
	const json_t *v = setting_find(obj, key);

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_boolean(v)) {
		errtext_set(why, "%s must be true or false", key);
		return ERR_INPUT;
	}
	*ret_v = json_is_true(v) ? TRI_YES : TRI_NO;
	return 0;
}

static int read_bool(const json_t *obj, const char *key, struct errtext *why, bool *ret_v)
{
	int8_t v = TRI_UNSET;
	int err = read_tri(obj, key, why, &v);

	if (!err && v != TRI_UNSET)
		*ret_v = v == TRI_YES;
	return err;
}

/* A member that may be missing, but not be anything other than an object. */
static int read_object(const json_t *obj, const char *key, struct errtext *why, const json_t **ret_v)
{
	const json_t *v = setting_find(obj, key);

	if (v && !json_is_object(v) && !json_is_null(v)) {
		errtext_set(why, "%s must be an object", key);
		return ERR_INPUT;
	}
	*ret_v = json_is_object(v) ? v : NULL;
	return 0;
}

static int read_channels(const json_t *obj, const char *key, struct errtext *why, int8_t ret_v[CHANNELS])
{
	const json_t *channels = NULL;
	int err = read_object(obj, key, why, &channels);

	for (int i = 0; i < CHANNELS && !err; i++)
		err = read_tri(channels, channel_names[i], why, &ret_v[i]);
	if (err)
		errtext_prefix(why, "%s: ", key);
	return err;
}

/* ---- the part that host and account share ---- */

static int read_purpose(const json_t *tree, int purpose, struct errtext *why, struct purpose_rules *r)
{
	const json_t *p = NULL, *algo;
	char key[24];
	int err;

	snprintf(key, sizeof key, "purpose%d", purpose);
	err = read_object(tree, key, why, &p);
	if (err || !p)
		return err;
	algo = setting_find(p, "enforce_algo");
	if (str_eq(json_str(algo), STR("full")) || str_eq(json_str(algo), STR("basic"))) {
		r->full = str_eq(json_str(algo), STR("full")) ? TRI_YES : TRI_NO;
	} else if (algo && !json_is_null(algo) && json_string_length(algo) != 0) {
		errtext_set(why, "%s.enforce_algo must be \"basic\" or \"full\"", key);
		return ERR_INPUT;
	}
	err = read_tri(p, "enforce_purpose", why, &r->enforce_purpose);
	if (!err)
		err = read_tri(p, "enforce_vendors", why, &r->enforce_vendors);
	if (!err)
		err = names_read(setting_find(p, "vendor_exceptions"), "vendor_exceptions", why,
				 &r->vendor_exceptions);
	if (err)
		errtext_prefix(why, "%s.", key);
	return err;
}

static int read_special(const json_t *tree, struct errtext *why, struct gdpr_rules *r)
{
	const json_t *sf1 = NULL, *p1 = NULL;
	int err = read_object(tree, "special_feature1", why, &sf1);

	if (!err)
		err = read_tri(sf1, "enforce", why, &r->sf1_enforce);
	if (!err)
		err = names_read(setting_find(sf1, "vendor_exceptions"), "special_feature1.vendor_exceptions",
				 why, &r->sf1_exceptions);
	if (!err)
		err = read_object(tree, "purpose_one_treatment", why, &p1);
	if (!err)
		err = read_tri(p1, "enabled", why, &r->p1_treatment);
	/* the reference reads one spelling from YAML and the other from JSON */
	if (!err)
		err = read_tri(p1, "accessallowed", why, &r->p1_access_allowed);
	if (!err)
		err = read_tri(p1, "access_allowed", why, &r->p1_access_allowed);
	return err;
}

static int read_rules(const json_t *tree, struct errtext *why, struct gdpr_rules *r)
{
	int err = 0;

	for (int p = 1; p <= GDPR_PURPOSES && !err; p++)
		err = read_purpose(tree, p, why, &r->purpose[p]);
	return err ? err : read_special(tree, why, r);
}

static void rules_fill(struct gdpr_rules *r, int8_t v)
{
	r->enabled = v;
	memset(r->channel_enabled, TRI_UNSET, sizeof r->channel_enabled);
	for (int p = 0; p <= GDPR_PURPOSES; p++)
		r->purpose[p].full = r->purpose[p].enforce_purpose = r->purpose[p].enforce_vendors = v;
	r->sf1_enforce = r->p1_treatment = r->p1_access_allowed = v;
}

static void rules_deinit(struct gdpr_rules *r)
{
	for (int p = 0; p <= GDPR_PURPOSES; p++)
		names_deinit(&r->purpose[p].vendor_exceptions);
	names_deinit(&r->sf1_exceptions);
	names_deinit(&r->basic_vendors);
	if (r->eea_countries.v != eea)
		names_deinit(&r->eea_countries);
}

/* ---- host ---- */

static int read_default_value(const json_t *gdpr, struct errtext *why, bool *ret_applies)
{
	const json_t *v = setting_find(gdpr, "default_value");
	struct str text = json_str(v);

	if (!v || json_is_null(v))
		return 0;
	if (json_is_integer(v) && (json_integer_value(v) == 0 || json_integer_value(v) == 1)) {
		*ret_applies = json_integer_value(v) == 1;
		return 0;
	}
	if (!str_eq(text, STR("0")) && !str_eq(text, STR("1"))) {
		errtext_set(why, "gdpr.default_value must be 0 or 1");
		return ERR_INPUT;
	}
	*ret_applies = str_eq(text, STR("1"));
	return 0;
}

static int read_when_missing(const json_t *gdpr, struct errtext *why, bool *ret_strict)
{
	const json_t *list = NULL, *v;
	int err = read_object(gdpr, "vendor_list", why, &list);

	v = setting_find(list, "when_missing");
	if (err || !v || json_is_null(v))
		return err;
	*ret_strict = str_eq(json_str(v), STR("strict"));
	if (*ret_strict || str_eq(json_str(v), STR("default")))
		return 0;
	errtext_set(why, "gdpr.vendor_list.when_missing must be \"default\" or \"strict\"");
	return ERR_INPUT;
}

static int read_host_gdpr(const json_t *tree, struct errtext *why, struct privacy_host *h)
{
	const json_t *gdpr = NULL, *tcf2 = NULL;
	int64_t vendor;
	int err = read_object(tree, "gdpr", why, &gdpr);

	if (!err)
		err = read_object(gdpr, "tcf2", why, &tcf2);
	if (!err)
		err = read_bool(gdpr, "enabled", why, &h->gdpr_enabled);
	if (!err)
		err = read_when_missing(gdpr, why, &h->strict_missing_list);
	if (!err)
		err = read_default_value(gdpr, why, &h->gdpr_default_applies);
	if (!err)
		err = read_bool(gdpr, "strict-disclosed-vendors-treatment", why,
				&h->strict_disclosed_vendors);
	if (!err)
		err = read_bool(gdpr, "strict_disclosed_vendors_treatment", why,
				&h->strict_disclosed_vendors);
	if (!err)
		err = names_read(setting_find(gdpr, "non_standard_publishers"),
				 "gdpr.non_standard_publishers", why, &h->non_standard_publishers);
	if (!err)
		err = names_read(setting_find(gdpr, "eea_countries"), "gdpr.eea_countries", why,
				 &h->gdpr.eea_countries);
	if (!err)
		err = read_tri(tcf2, "enabled", why, &h->gdpr.enabled);
	if (!err)
		err = read_rules(tcf2, why, &h->gdpr);
	vendor = json_int_at(gdpr, "host_vendor_id", 0);
	if (!err && (vendor < 0 || vendor > UINT16_MAX)) {
		errtext_set(why, "gdpr.host_vendor_id must be in 0..65535");
		return ERR_INPUT;
	}
	h->host_vendor_id = (uint16_t)vendor;
	return err;
}

static int read_switches(const json_t *tree, struct errtext *why, struct privacy_host *h)
{
	const json_t *ccpa = NULL, *lmt = NULL, *privacy = NULL;
	int err = read_object(tree, "ccpa", why, &ccpa);

	if (!err)
		err = read_bool(ccpa, "enforce", why, &h->ccpa_enforce);
	if (!err)
		err = read_object(tree, "lmt", why, &lmt);
	if (!err)
		err = read_bool(lmt, "enforce", why, &h->lmt_enforce);
	if (!err)
		err = read_object(tree, "privacy", why, &privacy);
	if (!err)
		err = read_bool(privacy, "enforce_gdpr", why, &h->enforce_gdpr);
	if (!err)
		err = read_bool(privacy, "enforce_ccpa", why, &h->enforce_ccpa);
	if (!err)
		err = read_bool(privacy, "enforce_coppa", why, &h->enforce_coppa);
	if (!err)
		err = read_bool(privacy, "strict_mode", why, &h->strict);
	return err;
}

int privacy_host_parse(json_t *tree, struct errtext *why, struct privacy_host **ret_host)
{
	struct privacy_host *h = xcalloc(1, sizeof *h);
	int err;

	rules_fill(&h->gdpr, TRI_YES);
	h->gdpr_enabled = h->strict_disclosed_vendors = h->ccpa_enforce = h->lmt_enforce = true;
	h->enforce_gdpr = h->enforce_ccpa = h->enforce_coppa = true;
	h->tree = json_incref(tree);
	err = read_host_gdpr(tree, why, h);
	if (!err)
		err = read_switches(tree, why, h);
	if (err) {
		privacy_host_free(h);
		return err;
	}
	if (!h->gdpr.eea_countries.set)
		h->gdpr.eea_countries = (struct names){ eea, ARRAY_LEN(eea), true };
	*ret_host = h;
	return 0;
}

void privacy_host_free(struct privacy_host *h)
{
	if (!h)
		return;
	rules_deinit(&h->gdpr);
	names_deinit(&h->non_standard_publishers);
	free(h->private_nets);
	json_decref(h->tree);
	free(h);
}

/* ---- account ---- */

static int read_account_gdpr(const json_t *account, struct errtext *why, struct privacy_account *acc)
{
	const json_t *gdpr = NULL;
	int err = read_object(account, "gdpr", why, &gdpr);

	if (err)
		return err;
	err = read_tri(gdpr, "enabled", why, &acc->gdpr.enabled);
	if (!err) /* the name it had before */
		err = read_channels(gdpr, "integration_enabled", why, acc->gdpr.channel_enabled);
	if (!err)
		err = read_channels(gdpr, "channel_enabled", why, acc->gdpr.channel_enabled);
	if (!err)
		err = read_rules(gdpr, why, &acc->gdpr);
	if (!err)
		err = names_read(setting_find(gdpr, "basic_enforcement_vendors"), "basic_enforcement_vendors",
				 why, &acc->gdpr.basic_vendors);
	if (!err)
		err = names_read(setting_find(gdpr, "eea_countries"), "eea_countries", why,
				 &acc->gdpr.eea_countries);
	if (err)
		errtext_prefix(why, "gdpr.");
	return err;
}

static int read_account_ccpa(const json_t *account, struct errtext *why, struct privacy_account *acc)
{
	const json_t *ccpa = NULL;
	int err = read_object(account, "ccpa", why, &ccpa);

	if (err)
		return err;
	err = read_tri(ccpa, "enabled", why, &acc->ccpa_enabled);
	if (!err)
		err = read_channels(ccpa, "integration_enabled", why, acc->ccpa_channel_enabled);
	if (!err)
		err = read_channels(ccpa, "channel_enabled", why, acc->ccpa_channel_enabled);
	if (err)
		errtext_prefix(why, "ccpa.");
	return err;
}

/* Out of range falls back to the default, as in the reference. */
static uint8_t read_keep_bits(const json_t *privacy, const char *family, int64_t max, uint8_t fallback)
{
	const json_t *v = setting_find(setting_find(privacy, family), "anon_keep_bits");
	int64_t bits = json_is_integer(v) ? json_integer_value(v) : fallback;

	return bits < 0 || bits > max ? fallback : (uint8_t)bits;
}

int privacy_account_parse(json_t *account, struct errtext *why, struct privacy_account **ret_account)
{
	struct privacy_account *acc = xcalloc(1, sizeof *acc);
	const json_t *privacy = NULL, *activities;
	int err;

	rules_fill(&acc->gdpr, TRI_UNSET);
	acc->ccpa_enabled = TRI_UNSET;
	memset(acc->ccpa_channel_enabled, TRI_UNSET, sizeof acc->ccpa_channel_enabled);
	acc->tree = json_incref(account);
	err = read_account_gdpr(account, why, acc);
	if (!err)
		err = read_account_ccpa(account, why, acc);
	if (!err)
		err = read_object(account, "privacy", why, &privacy);
	activities = setting_find(privacy, "allowactivities");
	if (!err && activities && !json_is_null(activities)) {
		err = activities_parse(activities, why, &acc->activities);
		if (err)
			errtext_prefix(why, "privacy.allowactivities: ");
	}
	if (err) {
		privacy_account_free(acc);
		return err;
	}
	acc->ipv4_keep_bits = read_keep_bits(privacy, "ipv4", 32, IPV4_KEEP_BITS);
	acc->ipv6_keep_bits = read_keep_bits(privacy, "ipv6", 128, IPV6_KEEP_BITS);
	*ret_account = acc;
	return 0;
}

void privacy_account_free(struct privacy_account *acc)
{
	if (!acc)
		return;
	rules_deinit(&acc->gdpr);
	activities_free(acc->activities);
	json_decref(acc->tree);
	free(acc);
}
