#include "pbs/privacy/gdpr.h"

/* 2026-03-01T00:00Z, from which on TC strings must say which vendors were shown to the user. */
static const int64_t tcf23_ms = 1772323200000;

static bool overlay(const int8_t *account, int8_t host)
{
	return (account && *account != TRI_UNSET ? *account : host) == TRI_YES;
}

static const struct names *overlay_names(const struct names *account, const struct names *host)
{
	return account && account->set ? account : host;
}

void gdpr_init(struct gdpr *g, const struct gdpr_rules *h, const struct gdpr_rules *a)
{
	static const struct names none;

	*g = (struct gdpr){ 0 };
	for (int p = 1; p <= GDPR_PURPOSES; p++) {
		const struct purpose_rules *hp = &h->purpose[p], *ap = a ? &a->purpose[p] : NULL;

		g->purpose[p] = (struct gdpr_purpose){
			.full = overlay(ap ? &ap->full : NULL, hp->full),
			.enforce_purpose = overlay(ap ? &ap->enforce_purpose : NULL, hp->enforce_purpose),
			.enforce_vendors = overlay(ap ? &ap->enforce_vendors : NULL, hp->enforce_vendors),
			.exceptions =
				overlay_names(ap ? &ap->vendor_exceptions : NULL, &hp->vendor_exceptions),
		};
	}
	g->sf1_enforce = overlay(a ? &a->sf1_enforce : NULL, h->sf1_enforce);
	g->sf1_exceptions = overlay_names(a ? &a->sf1_exceptions : NULL, &h->sf1_exceptions);
	g->basic_vendors = a ? &a->basic_vendors : &none;
	g->p1_treatment = overlay(a ? &a->p1_treatment : NULL, h->p1_treatment);
	g->p1_access_allowed = overlay(a ? &a->p1_access_allowed : NULL, h->p1_access_allowed);
}

void gdpr_consent(struct gdpr *g, const struct tcf *tcf, const struct gvl *gvl, bool disclosed_only)
{
	g->tcf = tcf;
	g->gvl = gvl;
	g->disclosed_only = disclosed_only;
}

bool gdpr_needs_disclosure(const struct tcf *t)
{
	return t->created_ms >= tcf23_ms || t->last_updated_ms >= tcf23_ms;
}

void gdpr_vendor_read(const struct gdpr *g, struct str core, uint16_t id, struct gdpr_vendor *v)
{
	*v = (struct gdpr_vendor){ .core = core, .id = id, .listed = id ? gvl_find(g->gvl, id) : NULL };
	v->disclosed = !g->disclosed_only || id_set_has(&g->tcf->vendors_disclosed, id);
	v->consent = v->disclosed && id_set_has(&g->tcf->vendors_consent, id);
	v->li = v->disclosed && id_set_has(&g->tcf->vendors_li, id);
	v->basic = names_has(g->basic_vendors, core);
	tcf_restrictions_of(g->tcf, id, v->restrictions);
}

static bool full_basis(const struct gdpr *g, const struct gdpr_vendor *v, unsigned p, bool by_purpose,
		       bool by_vendor)
{
	uint32_t consent_purposes = v->listed ? v->listed->purposes | v->listed->flexible_purposes : 0;
	uint32_t li_purposes = v->listed ? v->listed->li_purposes | v->listed->flexible_purposes : 0;
	bool consent = tcf_bit(consent_purposes, p) &&
		       (!by_purpose || tcf_bit(g->tcf->purposes_consent, p)) && (!by_vendor || v->consent);
	bool li = tcf_bit(li_purposes, p) && (!by_purpose || tcf_bit(g->tcf->purposes_li, p)) &&
		  (!by_vendor || v->li);

	if (v->restrictions[p] & 1u << TCF_REQUIRE_CONSENT)
		return consent;
	if (v->restrictions[p] & 1u << TCF_REQUIRE_LI)
		return li;
	return consent || li;
}

static bool basic_basis(const struct gdpr *g, const struct gdpr_vendor *v, struct gdpr_ask ask,
			bool by_purpose, bool by_vendor)
{
	bool consent = tcf_bit(g->tcf->purposes_consent, ask.purpose);

	if (by_vendor && !v->disclosed)
		return false;
	if (v->basic && (!by_purpose || consent))
		return true;
	if (by_purpose && ask.basic_li && tcf_bit(g->tcf->purposes_li, ask.purpose))
		return true;
	if (by_purpose && !consent)
		return false;
	return !by_vendor || v->consent;
}

bool gdpr_has_basis(const struct gdpr *g, const struct gdpr_vendor *v, struct gdpr_ask ask)
{
	const struct gdpr_purpose *p = &g->purpose[ask.purpose];
	bool by_purpose = ask.strictly || p->enforce_purpose, by_vendor = ask.strictly || p->enforce_vendors;
	bool full = p->full && (ask.purpose == 1 || !v->basic);

	if (full && v->restrictions[ask.purpose] & 1u << TCF_NOT_ALLOWED)
		return false;
	if (!by_purpose && !by_vendor)
		return true;
	if (ask.exceptions && names_has(p->exceptions, v->core))
		return true;
	return full ? full_basis(g, v, ask.purpose, by_purpose, by_vendor)
		    : basic_basis(g, v, ask, by_purpose, by_vendor);
}

bool gdpr_may_call(const struct gdpr *g, const struct gdpr_vendor *v)
{
	return gdpr_has_basis(g, v, (struct gdpr_ask){ .purpose = 2, .basic_li = true, .exceptions = true });
}

uint16_t gdpr_id_purposes(const struct gdpr *g, const struct gdpr_vendor *v)
{
	uint16_t set = 0;

	for (unsigned p = 2; p <= GDPR_PURPOSES; p++) {
		struct gdpr_ask ask = {
			.purpose = p, .strictly = true, .basic_li = p == 2, .exceptions = true
		};

		if (gdpr_has_basis(g, v, ask))
			set |= (uint16_t)(1u << p);
	}
	return set;
}

bool gdpr_may_pass_geo(const struct gdpr *g, const struct gdpr_vendor *v)
{
	if (!g->sf1_enforce || names_has(g->sf1_exceptions, v->core))
		return true;
	return v->disclosed && tcf_bit(g->tcf->special_features, 1) &&
	       (v->basic || (v->listed && v->listed->special_features & 1));
}

bool gdpr_default_call(const struct gdpr *g)
{
	return !g->purpose[2].enforce_purpose;
}

bool gdpr_default_geo(const struct gdpr *g)
{
	return !g->sf1_enforce;
}

bool gdpr_is_eea(const struct gdpr_rules *host, const struct gdpr_rules *account, struct str country)
{
	return names_has(overlay_names(account ? &account->eea_countries : NULL, &host->eea_countries),
			 country);
}
