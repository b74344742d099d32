/* ext.debug.privacy: what was read, where it stood, and what follows for whom. Written for the person who has
 * to answer "why did bidder X get (or not get) this user's data"; it holds no consent strings and no ids. */
#include "common/json.h"
#include "common/mem.h"
#include "pbs/privacy/gpp.h"
#include "pbs/privacy/tcf.h"
#include "pbs/privacy/verdict.h"

static const char *const consent_names[] = {
	[CONSENT_UNREAD] = "not needed",
	[CONSENT_MISSING] = "missing",
	[CONSENT_INVALID] = "malformed",
	[CONSENT_UNDISCLOSED] = "no disclosed vendors",
	[CONSENT_NO_LIST] = "vendor list not at hand",
	[CONSENT_VALID] = "valid",
};

static const struct {
	unsigned scrub;
	const char *signal;
} rules[] = {
#define X(id, name, scrub, signal) [PRIVACY_##id] = { scrub, signal },
	PRIVACY_RULES(X)
#undef X
};

static void set_text(json_t *obj, const char *key, const char *text)
{
	json_set_str(obj, key, str_of(text));
}

static json_t *mask_new(uint32_t mask, unsigned first)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < 32; i++)
		if (mask >> i & 1)
			json_array_append_new(list, json_integer((json_int_t)i + first));
	return list;
}

static json_t *tcf_new(const struct tcf *t)
{
	json_t *o = json_object();

	json_set_int(o, "created", t->created_ms / 1000);
	json_set_int(o, "last_updated", t->last_updated_ms / 1000);
	json_set_int(o, "cmp_id", t->cmp_id);
	json_set_int(o, "vendor_list_version", t->vendor_list_version);
	json_set_int(o, "policy_version", t->policy_version);
	json_object_set_new_nocheck(o, "purposes_consent", mask_new(t->purposes_consent, 1));
	json_object_set_new_nocheck(o, "purposes_li", mask_new(t->purposes_li, 1));
	json_object_set_new_nocheck(o, "special_features", mask_new(t->special_features, 1));
	json_set_int(o, "publisher_restrictions", (json_int_t)t->n_restrictions);
	json_set_bool(o, "disclosed_vendors", t->segments & TCF_DISCLOSED);
	return o;
}

static json_t *gdpr_new(const struct privacy *p)
{
	json_t *o = json_object();

	json_set_bool(o, "applies", p->gdpr_applies);
	set_text(o, "source", p->gdpr_source);
	json_set_bool(o, "enforced", p->gdpr_enforced);
	set_text(o, "consent", consent_names[p->consent_state]);
	set_text(o, "consent_source", p->consent_source);
	if (p->tcf_error)
		set_text(o, "error", p->tcf_error);
	if (p->tcf)
		json_object_set_new_nocheck(o, "tcf", tcf_new(p->tcf));
	return o;
}

static json_t *us_new(const struct privacy *p)
{
	json_t *o = json_object(), *sections;

	json_set_bool(o, "enforced", p->us_enforced);
	json_set_bool(o, "us_privacy_opt_out", p->us_opt_out);
	set_text(o, "us_privacy_source", p->us_privacy_source);
	if (p->us_section)
		set_text(o, "gpp_section", gpp_section_name(p->us_section));
	if (!p->gpp)
		return o;
	sections = json_array();
	for (size_t i = 0; i < p->gpp->n; i++)
		json_array_append_new(sections, json_integer((json_int_t)p->gpp->sections[i].id));
	json_object_set_new_nocheck(o, "gpp_sections", sections);
	return o;
}

static const char *signal_of(const struct privacy *p, enum privacy_rule rule)
{
	switch (rule) {
	case PRIVACY_GDPR_CALL:
	case PRIVACY_GDPR_IDS:
	case PRIVACY_GDPR_GEO: return p->consent.n ? p->consent_source : p->gdpr_source;
	case PRIVACY_CCPA: return p->us_privacy_source;
	default: return rules[rule].signal;
	}
}

static json_t *removed_new(unsigned scrub)
{
	json_t *list = json_array();

	for (int i = 0; i < SCRUB_KINDS; i++)
		if (scrub >> i & 1)
			json_array_append_new(list, json_new_str(str_of(scrub_name(1 << i))));
	return list;
}

static json_t *bidder_new(const struct privacy *p, const struct privacy_verdict *v)
{
	json_t *o = json_object(), *list = json_array();

	set_text(o, "verdict", v->blocked ? "blocked" : v->scrub ? "scrubbed" : "allowed");
	if (v->vendor_id)
		json_set_int(o, "gvl_id", v->vendor_id);
	if (p->consent_state == CONSENT_VALID)
		json_object_set_new_nocheck(o, "legal_purposes", mask_new(v->legal_purposes, 0));
	for (unsigned rule = 0; rule < PRIVACY_RULE_COUNT; rule++) {
		json_t *r;

		if (!(v->rules >> rule & 1))
			continue;
		r = json_object();
		set_text(r, "rule", privacy_rule_name(rule));
		set_text(r, "signal", signal_of(p, rule));
		if (rules[rule].scrub)
			json_object_set_new_nocheck(r, "removes", removed_new(rules[rule].scrub));
		else
			set_text(r, "effect", "not called");
		json_array_append_new(list, r);
	}
	json_object_set_new_nocheck(o, "rules", list);
	return o;
}

json_t *privacy_debug_new(const struct privacy *p)
{
	json_t *o = json_object(), *bidders = json_object();

	json_object_set_new_nocheck(o, "gdpr", gdpr_new(p));
	json_object_set_new_nocheck(o, "us", us_new(p));
	json_set_bool(o, "gpc", p->gpc);
	json_set_bool(o, "lmt", p->lmt);
	json_set_bool(o, "coppa", p->coppa);
	for (size_t i = 0; i < p->n_bidders; i++)
		json_object_setn_new_nocheck(bidders, p->bidders[i].code.p, p->bidders[i].code.n,
					     bidder_new(p, &p->bidders[i]));
	json_object_set_new_nocheck(o, "bidders", bidders);
	return o;
}
