#include "pbs/privacy/verdict.h"

#include "common/json.h"
#include "common/mem.h"
#include "pbs/privacy/gpp.h"
#include "pbs/privacy/gvl.h"
#include "pbs/privacy/signals.h"
#include "pbs/privacy/us_state.h"

static const struct {
	const char *name;
	unsigned scrub;
} rules[] = {
#define X(id, name, scrub, signal) [PRIVACY_##id] = { name, scrub },
	PRIVACY_RULES(X)
#undef X
};

_Static_assert(PRIVACY_RULE_COUNT <= 32, "rules are kept as bits of a word");

/* What is the same for every bidder. */
struct judge {
	const struct privacy_input *in;
	struct privacy *p;
	struct signals signals;
	const struct activities *activities;
	struct activity_scope scope;
	const json_t *alias_gvl_ids, *nosale;
	uint32_t common; /* rules that no bidder escapes */
};

const char *privacy_rule_name(enum privacy_rule rule)
{
	return rules[rule].name;
}

static void apply_rule(struct privacy_verdict *v, enum privacy_rule rule)
{
	v->rules |= 1u << rule;
	v->scrub |= rules[rule].scrub;
	v->blocked |= rules[rule].scrub == 0;
}

/* The request may name vendor ids for its aliases. An id that is gone from the latest list counts as none. */
static uint16_t vendor_id(const struct judge *j, const struct privacy_bidder *b)
{
	const json_t *given = json_object_getn(j->alias_gvl_ids, b->code.p, b->code.n);
	json_int_t id = json_is_integer(given) ? json_integer_value(given) : b->gvl_id;

	if (id < 0 || id > UINT16_MAX)
		return 0;
	if (j->in->latest_gvl && j->in->latest_gvl->n_vendors && !gvl_find(j->in->latest_gvl, (uint32_t)id))
		return 0;
	return (uint16_t)id;
}

static void judge_gdpr(const struct judge *j, struct privacy_verdict *v)
{
	const struct gdpr *g = &j->signals.gdpr;
	struct gdpr_vendor vendor;

	if (!j->p->gdpr_enforced)
		return;
	if (j->p->consent_state != CONSENT_VALID) {
		if (!gdpr_default_call(g) ||
		    (j->p->consent_state == CONSENT_NO_LIST && j->in->host->strict_missing_list))
			apply_rule(v, PRIVACY_GDPR_CALL);
		apply_rule(v, PRIVACY_GDPR_IDS);
		if (!gdpr_default_geo(g))
			apply_rule(v, PRIVACY_GDPR_GEO);
		return;
	}
	gdpr_vendor_read(g, v->core, v->vendor_id, &vendor);
	v->legal_purposes = gdpr_id_purposes(g, &vendor);
	if (!gdpr_may_call(g, &vendor))
		apply_rule(v, PRIVACY_GDPR_CALL);
	if (!v->legal_purposes)
		apply_rule(v, PRIVACY_GDPR_IDS);
	if (!gdpr_may_pass_geo(g, &vendor))
		apply_rule(v, PRIVACY_GDPR_GEO);
}

static void judge_activities(const struct judge *j, struct privacy_verdict *v)
{
	static const struct {
		enum activity activity;
		enum privacy_rule rule;
	} checks[] = {
		{ ACTIVITY_FETCH_BIDS, PRIVACY_FETCH_BIDS },
		{ ACTIVITY_TRANSMIT_UFPD, PRIVACY_UFPD },
		{ ACTIVITY_TRANSMIT_EIDS, PRIVACY_EIDS },
		{ ACTIVITY_TRANSMIT_PRECISE_GEO, PRIVACY_PRECISE_GEO },
		{ ACTIVITY_TRANSMIT_TID, PRIVACY_TID },
	};

	for (size_t i = 0; j->activities && i < ARRAY_LEN(checks); i++)
		if (!activity_allowed(j->activities, checks[i].activity, COMPONENT_BIDDER, v->code,
				      &j->scope))
			apply_rule(v, checks[i].rule);
}

/* The publisher vouches that this bidder's use of the data is no sale. */
static bool is_no_sale(const struct judge *j, struct str code)
{
	for (size_t i = 0; i < json_array_size(j->nosale); i++) {
		struct str name = json_str(json_array_get(j->nosale, i));

		if (str_eq(name, STR("*")) || str_eq_nocase(name, code))
			return true;
	}
	return false;
}

static void judge_bidder(const struct judge *j, const struct privacy_bidder *b, struct privacy_verdict *v)
{
	*v = (struct privacy_verdict){ .code = b->code, .core = b->core, .vendor_id = vendor_id(j, b) };
	v->gpp_downgrade = !b->gpp_supported && j->p->gpp_downgrade;
	judge_activities(j, v);
	judge_gdpr(j, v);
	if (j->p->us_enforced && j->p->us_opt_out && !is_no_sale(j, b->code))
		apply_rule(v, PRIVACY_CCPA);
	for (unsigned rule = 0; j->common >> rule; rule++)
		if (j->common >> rule & 1)
			apply_rule(v, rule);
}

/* Rules that follow from the request alone. */
static uint32_t common_rules(const struct privacy *p, const struct signals *s)
{
	const struct {
		bool holds;
		enum privacy_rule rule;
	} all[] = {
		{ p->us_enforced && s->us_demands & US_DEMAND_OPT_OUT, PRIVACY_US_OPT_OUT },
		{ p->us_enforced && s->us_demands & US_DEMAND_SENSITIVE, PRIVACY_US_SENSITIVE },
		{ p->us_enforced && s->us_demands & US_DEMAND_GEO, PRIVACY_US_GEO },
		{ p->us_enforced && s->us_demands & US_DEMAND_CHILD, PRIVACY_US_CHILD },
		{ p->us_enforced && s->us_demands & US_DEMAND_GPC, PRIVACY_GPC },
		{ p->lmt, PRIVACY_LMT },
		{ p->coppa, PRIVACY_COPPA },
		{ s->bad_us_privacy, PRIVACY_BAD_US_PRIVACY },
	};
	uint32_t set = 0;

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		set |= (uint32_t)all[i].holds << all[i].rule;
	return set;
}

int privacy_judge(const struct privacy_input *in, struct arena *a, struct errtext *why,
		  struct privacy **ret_privacy)
{
	struct privacy *p = ARENA_NEW(a, struct privacy);
	struct judge j = { .in = in,
			   .p = p,
			   .activities = in->account ? in->account->activities : NULL,
			   .alias_gvl_ids = json_at(in->request, "ext.prebid.aliasgvlids"),
			   .nosale = json_at(in->request, "ext.prebid.nosale") };
	int err = signals_read(in, a, why, p, &j.signals);

	if (err)
		return err;
	p->gpp_downgrade = p->gpp || json_array_size(json_at(in->request, "regs.gpp_sid"));
	activity_scope_read(in->request, &j.scope);
	if (in->sec_gpc && j.scope.gpc.n == 0)
		j.scope.gpc = STR("1");
	j.common = common_rules(p, &j.signals);
	p->n_bidders = in->n_bidders;
	p->bidders = in->n_bidders ? ARENA_ARRAY(a, struct privacy_verdict, in->n_bidders) : NULL;
	for (size_t i = 0; i < in->n_bidders; i++) {
		judge_bidder(&j, &in->bidders[i], &p->bidders[i]);
		p->rules |= p->bidders[i].rules;
	}
	*ret_privacy = p;
	return 0;
}

/* ---- what follows ---- */

static bool lists_section(const json_t *sid, json_int_t section)
{
	for (size_t i = 0; i < json_array_size(sid); i++)
		if (json_integer_value(json_array_get(sid, i)) == section)
			return true;
	return false;
}

/* For bidders that do not read GPP: what the container says, in the older places that are still empty. */
static void downgrade(const struct privacy *p, json_t *request)
{
	const json_t *sid = json_at(request, "regs.gpp_sid");
	const struct gpp_section *tcf = gpp_find(p->gpp, GPP_TCFEU), *usp = gpp_find(p->gpp, GPP_USP);

	if (json_array_size(sid) && !json_at(request, "regs.gdpr"))
		json_set_int(json_own_object(request, "regs"), "gdpr", lists_section(sid, GPP_TCFEU));
	if (tcf && tcf->text.n && json_str_at(request, "user.consent").n == 0)
		json_set_str(json_own_object(request, "user"), "consent", tcf->text);
	if (usp && usp->text.n && lists_section(sid, GPP_USP) &&
	    json_str_at(request, "regs.us_privacy").n == 0)
		json_set_str(json_own_object(request, "regs"), "us_privacy", usp->text);
}

void privacy_apply(const struct privacy *p, size_t i, json_t *request, struct scrub_cache *cache)
{
	const struct privacy_verdict *v = &p->bidders[i];

	scrub_request(request, v->scrub, p->ipv4_keep_bits, p->ipv6_keep_bits, cache);
	if (v->gpp_downgrade)
		downgrade(p, request);
}

struct str privacy_blocked_text(const struct privacy_verdict *v, struct arena *a)
{
	return str_of(
		arena_printf(a, "bidder \"" STR_FMT "\" blocked by privacy settings", STR_ARG(v->core)));
}
