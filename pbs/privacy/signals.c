/* In the order of the reference: GPP string, TC string, GDPR signal, US privacy, device and page flags. What
 * is said twice and differently is settled in favour of GPP. */
#include "pbs/privacy/signals.h"

#include "common/err.h"
#include "common/json.h"
#include "pbs/privacy/gpp.h"
#include "pbs/privacy/us_state.h"
#include "pbs/privacy/usp.h"

enum { WARN_CONSENT = 10001, ERROR_PLAIN = 999 };

struct reader {
	const struct privacy_input *in;
	struct arena *arena;
	struct errtext *why;
	struct privacy *p;
	struct signals *s;
	struct privacy_message **tail;
	const json_t *gpp_sid; /* NULL when absent or empty */
};

/* ---- helpers ---- */

static void message(struct reader *r, bool error, const char *bucket, int code, char *text)
{
	struct privacy_message *m = ARENA_NEW(r->arena, struct privacy_message);

	*m = (struct privacy_message){ .error = error, .bucket = bucket, .code = code, .text = str_of(text) };
	*r->tail = m;
	r->tail = &m->next;
}

/* A warning that validate() gives in the same words. */
static void warn(struct reader *r, char *text)
{
	if (!r->in->validated)
		message(r, false, "general", WARN_CONSENT, text);
}

static bool lists_section(const json_t *sid, json_int_t section)
{
	for (size_t i = 0; i < json_array_size(sid); i++)
		if (json_integer_value(json_array_get(sid, i)) == section)
			return true;
	return false;
}

static const struct gdpr_rules *account_gdpr(const struct privacy_input *in)
{
	return in->account ? &in->account->gdpr : NULL;
}

static bool channel_enabled(const int8_t *by_channel, int8_t all, enum privacy_channel channel, bool host)
{
	if (by_channel && by_channel[channel] != TRI_UNSET)
		return by_channel[channel] == TRI_YES;
	return all != TRI_UNSET ? all == TRI_YES : host;
}

/* ---- GPP ---- */

static int read_gpp(struct reader *r)
{
	const json_t *sid = json_at(r->in->request, "regs.gpp_sid");
	struct gpp_reading reading =
		r->in->gpp ? *r->in->gpp : gpp_read(json_str_at(r->in->request, "regs.gpp"), r->arena);

	r->gpp_sid = json_array_size(sid) ? sid : NULL;
	r->p->gpp = reading.gpp;
	if (!reading.error)
		return 0;
	if (r->in->host->strict) {
		errtext_set(r->why, "request.regs.gpp is invalid: %s", reading.error);
		return ERR_INPUT;
	}
	warn(r, arena_printf(r->arena, "GPP consent string is invalid and will be ignored. (%s)",
			     reading.error));
	message(r, true, "prebid", ERROR_PLAIN, arena_strdup(r->arena, reading.error));
	return 0;
}

/* ---- GDPR ---- */

static void read_consent(struct reader *r)
{
	const struct gpp_section *section = gpp_find(r->p->gpp, GPP_TCFEU);
	struct str given = json_str_at(r->in->request, "user.consent");

	r->p->consent = given;
	r->p->consent_source = given.n ? "user.consent" : "none";
	if (!section || section->text.n == 0)
		return;
	if (given.n && !str_eq(given, section->text))
		warn(r, "user.consent GDPR string conflicts with GPP (regs.gpp) GDPR string, using regs.gpp");
	r->p->consent = section->text;
	r->p->consent_source = "regs.gpp";
}

/* What an absent signal means: the host's default, unless the place says more. */
static bool default_applies(struct reader *r)
{
	const json_t *geo = json_at(r->in->request, "user.geo");
	struct str country;

	if (!json_is_object(geo))
		geo = json_at(r->in->request, "device.geo");
	country = json_str_at(geo, "country");
	r->p->gdpr_source = "geo";
	if (gdpr_is_eea(&r->in->host->gdpr, account_gdpr(r->in), country))
		return true;
	if (country.n == 3)
		return false;
	r->p->gdpr_source = "default";
	return r->in->host->gdpr_default_applies;
}

static int read_gdpr_signal(struct reader *r)
{
	const json_t *v = json_at(r->in->request, "regs.gdpr");
	bool sid_says = lists_section(r->gpp_sid, GPP_TCFEU);
	struct privacy *p = r->p;

	if (json_is_null(v))
		v = NULL;
	if (v && (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > 1)) {
		errtext_set(r->why, "request.regs.gdpr must be either 0 or 1");
		return ERR_INPUT;
	}
	if (v && r->gpp_sid && json_integer_value(v) != sid_says)
		warn(r, "regs.gdpr signal conflicts with GPP (regs.gpp_sid) and will be ignored");
	if (r->gpp_sid) {
		p->gdpr_signal = sid_says ? TRI_YES : TRI_NO;
		p->gdpr_source = "regs.gpp_sid";
	} else if (v) {
		p->gdpr_signal = json_integer_value(v) ? TRI_YES : TRI_NO;
		p->gdpr_source = "regs.gdpr";
	} else {
		p->gdpr_signal = TRI_UNSET;
	}
	p->gdpr_applies = p->gdpr_signal == TRI_UNSET ? default_applies(r) : p->gdpr_signal == TRI_YES;
	return 0;
}

static bool gdpr_is_enforced(const struct privacy_input *in, const struct privacy *p)
{
	const struct gdpr_rules *account = account_gdpr(in);

	return p->gdpr_applies && in->host->enforce_gdpr && in->host->gdpr_enabled &&
	       channel_enabled(account ? account->channel_enabled : NULL,
			       account ? account->enabled : TRI_UNSET, in->channel,
			       in->host->gdpr.enabled == TRI_YES) &&
	       !(in->publisher_id.n && names_has(&in->host->non_standard_publishers, in->publisher_id));
}

static enum consent_state decode_consent(struct reader *r)
{
	const struct privacy_host *host = r->in->host;
	const struct gvl *gvl;
	struct errtext why;
	struct tcf *tcf;
	bool disclosed_only;

	if (r->p->consent.n == 0)
		return CONSENT_MISSING;
	if (tcf_parse(r->p->consent, r->arena, &why, &tcf) < 0) {
		r->p->tcf_error = arena_strdup(r->arena, why.text);
		return CONSENT_INVALID;
	}
	r->p->tcf = tcf;
	disclosed_only = host->strict_disclosed_vendors && gdpr_needs_disclosure(tcf);
	if (disclosed_only && id_set_is_empty(&tcf->vendors_disclosed)) {
		message(r, false, "general", WARN_CONSENT,
			"Invalid TCF string: `disclosedVendors` list is empty.");
		return CONSENT_UNDISCLOSED;
	}
	gvl = r->in->find_gvl ? r->in->find_gvl(r->in->ctx, tcf->policy_version >= 4 ? 3 : 2,
						tcf->vendor_list_version)
			      : NULL;
	if (!gvl)
		return CONSENT_NO_LIST;
	gdpr_consent(&r->s->gdpr, tcf, gvl, disclosed_only);
	return CONSENT_VALID;
}

static int read_gdpr(struct reader *r)
{
	struct privacy *p = r->p;
	int err;

	read_consent(r);
	err = read_gdpr_signal(r);
	if (err)
		return err;
	p->gdpr_enforced = gdpr_is_enforced(r->in, p);
	if (!p->gdpr_enforced)
		return 0;
	gdpr_init(&r->s->gdpr, &r->in->host->gdpr, account_gdpr(r->in));
	p->consent_state = decode_consent(r);
	if (!r->in->host->strict)
		return 0;
	switch (p->consent_state) {
	case CONSENT_MISSING:
		errtext_set(r->why,
			    "GDPR applies (%s) and there is no consent string in user.consent or regs.gpp",
			    p->gdpr_source);
		return ERR_INPUT;
	case CONSENT_INVALID:
		errtext_set(r->why, "GDPR applies (%s) and the consent string in %s is malformed: %s",
			    p->gdpr_source, p->consent_source, p->tcf_error);
		return ERR_INPUT;
	case CONSENT_UNDISCLOSED:
		errtext_set(
			r->why,
			"GDPR applies (%s) and the consent string in %s lists no disclosed vendors (TCF 2.3)",
			p->gdpr_source, p->consent_source);
		return ERR_INPUT;
	default: return 0;
	}
}

/* ---- United States ---- */

static int read_us_privacy(struct reader *r)
{
	const struct gpp_section *section =
		lists_section(r->gpp_sid, GPP_USP) ? gpp_find(r->p->gpp, GPP_USP) : NULL;
	struct str given = json_str_at(r->in->request, "regs.us_privacy"), used = given;
	struct errtext why;
	struct usp usp;

	r->p->us_privacy_source = given.n ? "regs.us_privacy" : "none";
	if (section && section->text.n) {
		if (given.n && !str_eq(given, section->text))
			warn(r, "regs.us_privacy consent does not match uspv1 in GPP, using regs.gpp");
		used = section->text;
		r->p->us_privacy_source = "regs.gpp";
	}
	if (given.n && usp_parse(given, &why, &usp) < 0)
		r->s->bad_us_privacy = true;
	if (used.n == 0)
		return 0;
	if (usp_parse(used, &why, &usp) == 0) {
		r->p->us_privacy = used;
		r->p->us_opt_out = usp.opt_out_sale == 'Y';
		return 0;
	}
	if (r->in->host->strict) {
		errtext_set(r->why, "request.regs.ext.us_privacy %s", why.text);
		return ERR_INPUT;
	}
	warn(r, arena_printf(r->arena,
			     "CCPA consent is invalid and will be ignored. (request.regs.ext.us_privacy %s)",
			     why.text));
	if (!r->in->validated)
		message(r, false, "prebid", WARN_CONSENT,
			arena_printf(r->arena, "request.regs.ext.us_privacy %s", why.text));
	return 0;
}

static void read_us_sections(struct reader *r)
{
	const struct gpp *g = r->p->gpp;

	for (size_t i = 0; g && i < g->n; i++) {
		const struct gpp_section *s = &g->sections[i];
		unsigned demands;

		if (!s->us || !lists_section(r->gpp_sid, (json_int_t)s->id))
			continue;
		demands = us_state_demands(s->id, s->us);
		if (!r->p->us_section || (demands && !r->s->us_demands))
			r->p->us_section = s->id;
		r->s->us_demands |= demands;
	}
}

/* The browser's signal counts where US law is in play: a US section, a US privacy string, or a US place. */
static bool is_us(struct reader *r)
{
	const json_t *request = r->in->request;

	for (size_t i = 0; i < json_array_size(r->gpp_sid); i++)
		if (json_integer_value(json_array_get(r->gpp_sid, i)) >= GPP_USP)
			return true;
	return r->p->us_privacy.n || str_eq_nocase(json_str_at(request, "device.geo.country"), STR("USA")) ||
	       str_eq_nocase(json_str_at(request, "user.geo.country"), STR("USA"));
}

static int read_us(struct reader *r)
{
	const struct privacy_account *account = r->in->account;
	const json_t *gpc = json_at(r->in->request, "regs.ext.gpc");
	int err = read_us_privacy(r);

	if (err)
		return err;
	read_us_sections(r);
	r->p->gpc = r->in->sec_gpc || str_eq(json_str(gpc), STR("1")) || json_integer_value(gpc) == 1 ||
		    r->s->us_demands & US_DEMAND_GPC;
	if (r->p->gpc && is_us(r))
		r->s->us_demands |= US_DEMAND_GPC;
	r->p->us_enforced =
		r->in->host->enforce_ccpa && channel_enabled(account ? account->ccpa_channel_enabled : NULL,
							     account ? account->ccpa_enabled : TRI_UNSET,
							     r->in->channel, r->in->host->ccpa_enforce);
	return 0;
}

/* ---- all ---- */

int signals_read(const struct privacy_input *in, struct arena *a, struct errtext *why, struct privacy *p,
		 struct signals *s)
{
	struct reader r = { .in = in, .arena = a, .why = why, .p = p, .s = s, .tail = &p->messages };
	int err;

	*s = (struct signals){ 0 };
	err = read_gpp(&r);
	if (!err)
		err = read_gdpr(&r);
	if (!err)
		err = read_us(&r);
	p->coppa = json_int_at(in->request, "regs.coppa", 0) == 1 && in->host->enforce_coppa;
	p->lmt = json_int_at(in->request, "device.lmt", 0) == 1 && in->host->lmt_enforce;
	p->ipv4_keep_bits = in->account ? in->account->ipv4_keep_bits : 24;
	p->ipv6_keep_bits = in->account ? in->account->ipv6_keep_bits : 56;
	return err;
}
