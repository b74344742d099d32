#include "pbs/privacy/sync.h"

#include "common/err.h"
#include "pbs/privacy/gdpr.h"

bool privacy_sync_in_scope(const struct privacy_sync *in)
{
	bool applies = in->gdpr == TRI_UNSET ? in->host->gdpr_default_applies : in->gdpr == TRI_YES;

	return applies && in->host->enforce_gdpr && in->host->gdpr_enabled;
}

static int deny(struct errtext *why, const char *reason)
{
	errtext_set(why, "%s", reason);
	return ERR_DENIED;
}

static int check(const struct privacy_sync *in, struct str core, uint16_t id, bool is_bidder, struct arena *a,
		 struct errtext *why)
{
	struct gdpr_vendor vendor;
	const struct gvl *gvl;
	struct gdpr g;
	struct tcf *tcf;
	bool disclosed_only;

	if (in->consent.n == 0)
		return deny(why, "there is no consent string");
	if (tcf_parse(in->consent, a, why, &tcf) < 0)
		return ERR_INPUT;
	disclosed_only = in->host->strict_disclosed_vendors && gdpr_needs_disclosure(tcf);
	if (disclosed_only && id_set_is_empty(&tcf->vendors_disclosed))
		return deny(why, "the consent string lists no disclosed vendors");
	gvl = in->find_gvl ? in->find_gvl(in->ctx, tcf->policy_version >= 4 ? 3 : 2, tcf->vendor_list_version)
			   : NULL;
	if (!gvl)
		return deny(why, "the vendor list of the consent string is not at hand");
	gdpr_init(&g, &in->host->gdpr, in->account ? &in->account->gdpr : NULL);
	gdpr_consent(&g, tcf, gvl, disclosed_only);
	if (!g.purpose[1].enforce_purpose)
		return 0;
	if (g.p1_treatment && tcf->purpose_one_treatment)
		return g.p1_access_allowed
			       ? 0
			       : deny(why, "purpose one is treated apart and access is not allowed");
	gdpr_vendor_read(&g, core, id, &vendor);
	if (!gdpr_has_basis(&g, &vendor, (struct gdpr_ask){ .purpose = 1, .exceptions = is_bidder }))
		return deny(why, "there is no legal basis for purpose 1");
	return 0;
}

int privacy_sync_bidder(const struct privacy_sync *in, struct str core, uint16_t gvl_id, struct arena *a,
			struct errtext *why)
{
	if (!privacy_sync_in_scope(in))
		return 0;
	if (in->latest_gvl && in->latest_gvl->n_vendors && !gvl_find(in->latest_gvl, gvl_id))
		gvl_id = 0;
	if (gvl_id == 0)
		return deny(why, "the bidder has no vendor id");
	return check(in, core, gvl_id, true, a, why);
}

int privacy_sync_host(const struct privacy_sync *in, struct arena *a, struct errtext *why)
{
	if (!privacy_sync_in_scope(in) || in->host->host_vendor_id == 0)
		return 0;
	return check(in, STR(""), in->host->host_vendor_id, false, a, why);
}
