#include "pbs/openrtb/validate.h"

#include "common/json.h"
#include "common/mem.h"
#include "pbs/openrtb/report.h"
#include "pbs/openrtb/validate_ext.h"
#include "pbs/openrtb/validate_imp.h"

enum { MAX_COOKIE_DEPRECATION = 100, GPP_TCF_EU_V2 = 2 };

static int check_inventory(const json_t *req, struct messages *m)
{
	int n = !!json_object_get(req, "site") + !!json_object_get(req, "app") +
		!!json_object_get(req, "dooh");

	if (n == 0)
		return refuse(m, "One of request.site or request.app or request.dooh must be defined");
	if (n > 1)
		return refuse(m, "No more than one of request.site or request.app or request.dooh can be "
				 "defined");
	return 0;
}

static int check_site(const json_t *site, struct messages *m)
{
	const json_t *amp = json_at(site, "ext.amp");

	if (!site)
		return 0;
	if (json_str_at(site, "id").n == 0 && json_str_at(site, "page").n == 0)
		return refuse(m, "request.site should include at least one of request.site.id or "
				 "request.site.page.");
	if (amp && !json_is_null(amp) &&
	    (!json_is_integer(amp) || json_integer_value(amp) < 0 || json_integer_value(amp) > 1))
		return refuse(m, "request.site.ext.amp must be either 1, 0, or undefined");
	return 0;
}

static int check_app(const json_t *app, const struct validate_rules *rules, struct messages *m)
{
	struct str id = json_str_at(app, "id");

	for (size_t i = 0; i < rules->n_blocked_apps && id.n; i++)
		if (str_eq(rules->blocked_apps[i], id))
			return refuse_as(m, ERROR_BLOCKED_APP,
					 "Prebid-server does not process requests from App ID: " STR_FMT,
					 STR_ARG(id));
	return 0;
}

static int check_dooh(const json_t *dooh, struct messages *m)
{
	if (dooh && json_str_at(dooh, "id").n == 0 &&
	    json_array_size(json_object_get(dooh, "venuetype")) == 0)
		return refuse(m, "request.dooh should include at least one of request.dooh.id or "
				 "request.dooh.venuetype.");
	return 0;
}

static void parse_gpp(const json_t *regs, const struct validate_rules *rules, struct messages *m,
		      struct gpp_sections *ret_gpp)
{
	struct str text = json_str_at(regs, "gpp");
	struct errtext why = { "" };

	*ret_gpp = (struct gpp_sections){ STR(""), STR("") };
	if (text.n && rules->parse_gpp &&
	    rules->parse_gpp(rules->gpp_ctx, text, m->arena, ret_gpp, &why) < 0) {
		*ret_gpp = (struct gpp_sections){ STR(""), STR("") };
		warn(m, WARN_CONSENT, "GPP consent string is invalid and will be ignored. (%s)", why.text);
	}
}

/* The uids of eids[i] that have an id, as a new reference; the very same array when all have. */
static json_t *usable_uids(json_t *uids, size_t i, struct messages *m)
{
	json_t *kept = NULL;

	for (size_t k = 0; k < json_array_size(uids); k++) {
		json_t *uid = json_array_get(uids, k);

		if (json_str_at(uid, "id").n) {
			if (kept)
				json_array_append(kept, uid);
			continue;
		}
		warn(m, WARN_UIDS_REMOVED, "request.user.eids[%zu].uids[%zu] removed due to empty ids", i, k);
		if (kept)
			continue;
		kept = json_array();
		for (size_t before = 0; before < k; before++)
			json_array_append(kept, json_array_get(uids, before));
	}
	return kept ? kept : json_incref(uids);
}

/* The eid as it may be passed on, NULL when nothing of it can. A new reference. */
static json_t *usable_eid(json_t *eid, size_t i, struct messages *m)
{
	struct str source = json_str_at(eid, "source");
	json_t *uids = json_object_get(eid, "uids"), *kept;

	if (source.n == 0) {
		warn(m, WARN_EIDS_REMOVED, "request.user.eids[%zu] removed due to missing source", i);
		return NULL;
	}
	kept = usable_uids(uids, i, m);
	if (json_array_size(kept) == 0) {
		warn(m, WARN_EIDS_REMOVED,
		     "request.user.eids[%zu] (source: " STR_FMT ") removed due to empty uids", i,
		     STR_ARG(source));
		json_decref(kept);
		return NULL;
	}
	if (kept == uids) {
		json_decref(kept);
		return json_incref(eid);
	}
	eid = json_copy(eid);
	json_object_set_new_nocheck(eid, "uids", kept);
	return eid;
}

static void clean_eids(json_t *user, struct messages *m)
{
	json_t *eids = json_object_get(user, "eids"), *kept;
	bool changed = false;

	if (!eids)
		return;
	kept = json_array();
	for (size_t i = 0; i < json_array_size(eids); i++) {
		json_t *was = json_array_get(eids, i), *now = usable_eid(was, i, m);

		changed = changed || now != was;
		if (now)
			json_array_append_new(kept, now);
	}
	if (json_array_size(kept) == 0)
		json_object_del(user, "eids");
	else if (changed)
		json_object_set_nocheck(user, "eids", kept);
	json_decref(kept);
}

static int check_buyeruids(const json_t *prebid, const struct bidder_names *names, struct messages *m)
{
	json_t *uids = json_object_get(prebid, "buyeruids"), *v;
	const char *key;
	size_t len;

	if (!prebid || json_is_null(prebid))
		return 0;
	if (!json_is_object(prebid) || (uids && !json_is_object(uids) && !json_is_null(uids)))
		return refuse(m,
			      "request.user.ext object is not valid: expected an object in user.ext.prebid");
	if (json_object_size(uids) == 0)
		return refuse(m,
			      "request.user.ext.prebid requires a \"buyeruids\" property with at least one "
			      "ID defined. If none exist, then request.user.ext.prebid should not be "
			      "defined.");
	json_object_keylen_foreach(uids, key, len, v)
	{
		struct str name = { key, len };

		if (!json_is_string(v))
			return refuse(
				m,
				"request.user.ext object is not valid: user.ext.prebid.buyeruids." STR_FMT
				" must be a string",
				STR_ARG(name));
		if (!bidder_is_known(names, name))
			return refuse(m,
				      "request.user.ext." STR_FMT
				      " is neither a known bidder name nor an alias "
				      "in request.ext.prebid.aliases",
				      STR_ARG(name));
	}
	return 0;
}

static int check_user(json_t *user, const struct bidder_names *names, const struct gpp_sections *gpp,
		      struct messages *m)
{
	const json_t *ext = json_object_get(user, "ext");
	struct str consent = json_str_at(user, "consent");
	int err;

	if (!user)
		return 0;
	if (json_int_at(user, "geo.accuracy", 0) < 0)
		return refuse(m, "request.user.geo.accuracy must be a positive number");
	if (consent.n && gpp->tcf_eu_v2.n && !str_eq(consent, gpp->tcf_eu_v2))
		warn(m, WARN_CONSENT,
		     "user.consent GDPR string conflicts with GPP (regs.gpp) GDPR string, using regs.gpp");
	if (ext && !json_is_object(ext) && !json_is_null(ext))
		return refuse(m, "request.user.ext object is not valid: expected an object");
	err = check_buyeruids(json_object_get(ext, "prebid"), names, m);
	if (!err)
		clean_eids(user, m);
	return err;
}

static bool lists_section(const json_t *gpp_sid, json_int_t section)
{
	for (size_t i = 0; i < json_array_size(gpp_sid); i++)
		if (json_integer_value(json_array_get(gpp_sid, i)) == section)
			return true;
	return false;
}

static int check_regs(const json_t *regs, struct messages *m)
{
	const json_t *gdpr = json_object_get(regs, "gdpr"), *sid = json_object_get(regs, "gpp_sid");
	json_int_t v = json_integer_value(gdpr);

	if (!gdpr)
		return 0;
	if (sid && v != lists_section(sid, GPP_TCF_EU_V2))
		warn(m, WARN_CONSENT,
		     "regs.gdpr signal conflicts with GPP (regs.gpp_sid) and will be ignored");
	if (v != 0 && v != 1)
		return refuse(m, "request.regs.gdpr must be either 0 or 1");
	return 0;
}

static int check_device(const json_t *device, struct messages *m)
{
	static const char *const keys[] = { "w", "h", "ppi" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (json_integer_value(json_object_get(device, keys[i])) < 0)
			return refuse(m, "request.device.%s must be a positive number", keys[i]);
	if (json_int_at(device, "geo.accuracy", 0) < 0)
		return refuse(m, "request.device.geo.accuracy must be a positive number");
	return 0;
}

static void fill_cookie_deprecation(json_t *req, const struct validate_rules *rules, struct messages *m)
{
	struct str label = rules->cookie_deprecation_label;
	json_t *text;

	if (!rules->cookie_deprecation || label.n == 0 || json_str_at(req, "device.ext.cdep").n)
		return;
	if (label.n > MAX_COOKIE_DEPRECATION) {
		warn_debug(m, WARN_COOKIE_DEPRECATION,
			   "request.device.ext.cdep must not exceed %d characters", MAX_COOKIE_DEPRECATION);
		return;
	}
	text = json_stringn(label.p, label.n);
	if (text)
		json_object_set_new_nocheck(json_own_object(json_own_object(req, "device"), "ext"), "cdep",
					    text);
}

static int check_us_privacy(json_t *req, const json_t *prebid, const struct validate_rules *rules,
			    const struct bidder_names *names, const struct gpp_sections *gpp,
			    struct messages *m)
{
	struct str given = json_str_at(req, "regs.us_privacy"), used = given;
	struct errtext why = { "" };

	if (given.n && gpp->us_privacy_v1.n && !str_eq(given, gpp->us_privacy_v1))
		warn(m, WARN_CONSENT, "regs.us_privacy consent does not match uspv1 in GPP, using regs.gpp");
	if (gpp->us_privacy_v1.n)
		used = gpp->us_privacy_v1;
	if (used.n && rules->check_us_privacy && rules->check_us_privacy(used, &why) < 0) {
		warn(m, WARN_CONSENT,
		     "CCPA consent is invalid and will be ignored. (request.regs.ext.us_privacy %s)",
		     why.text);
		if (given.n)
			json_object_del(json_own(req, "regs"), "us_privacy");
	}
	return validate_ext_nosale(prebid, names, m);
}

/* Only one currency per auction: the first. */
static void limit_currencies(json_t *req, struct messages *m)
{
	const json_t *cur = json_object_get(req, "cur");
	json_t *first;

	if (json_array_size(cur) < 2)
		return;
	first = json_array_get(cur, 0);
	warn(m, WARN_PLAIN,
	     "A prebid request can only process one currency. Taking the first currency in the list, " STR_FMT
	     ", as the active currency",
	     STR_ARG(json_str(first)));
	json_object_set_new_nocheck(req, "cur", json_pack("[O]", first));
}

static int check_head(json_t *req, struct messages *m)
{
	int64_t tmax = json_int_at(req, "tmax", 0);

	if (json_str_at(req, "id").n == 0)
		return refuse(m, "request missing required field: \"id\"");
	if (tmax < 0)
		return refuse(m, "request.tmax must be nonnegative. Got %lld", (long long)tmax);
	if (json_array_size(json_object_get(req, "imp")) == 0)
		return refuse(m, "request.imp must contain at least one element.");
	limit_currencies(req, m);
	return 0;
}

static int check_context(json_t *req, const struct validate_rules *rules, struct messages *m)
{
	int err = check_site(json_object_get(req, "site"), m);

	if (!err)
		err = check_app(json_object_get(req, "app"), rules, m);
	if (!err)
		err = check_dooh(json_object_get(req, "dooh"), m);
	return err;
}

static int check_people(json_t *req, const json_t *prebid, const struct validate_rules *rules,
			const struct bidder_names *names, struct messages *m)
{
	const json_t *regs = json_object_get(req, "regs");
	struct gpp_sections gpp;
	int err;

	parse_gpp(regs, rules, m, &gpp);
	err = check_user(json_own(req, "user"), names, &gpp, m);
	if (!err)
		err = check_regs(regs, m);
	if (!err)
		err = check_device(json_object_get(req, "device"), m);
	if (err)
		return err;
	fill_cookie_deprecation(req, rules, m);
	return check_us_privacy(req, prebid, rules, names, &gpp, m);
}

/* Bidders are told what their alias stands for in the registry's spelling. */
static void normalise_aliases(json_t *prebid, struct bidder_names *names)
{
	json_t *aliases = json_own(prebid, "aliases"), *target;
	struct str core;
	const char *key;
	void *next;
	size_t len;

	json_object_keylen_foreach_safe(aliases, next, key, len, target)
	{
		if (names->find(names->ctx, json_str(target), &core) == BIDDER_ACTIVE &&
		    !str_eq(core, json_str(target)))
			json_object_setn_new_nocheck(aliases, key, len, json_new_str(core));
	}
	names->aliases = aliases;
}

static bool has_stored_auction(const json_t *imps)
{
	for (size_t i = 0; i < json_array_size(imps); i++)
		if (json_at(json_array_get(imps, i), "ext.prebid.storedauctionresponse"))
			return true;
	return false;
}

int validate(json_t *req, const struct validate_rules *rules, struct messages *m)
{
	json_t *ext = json_own(req, "ext"), *prebid = json_own(ext, "prebid");
	struct bidder_names names = { rules->find_bidder, rules->bidder_ctx, NULL };
	struct imp_rules ir = { .rules = rules, .names = &names };
	json_t *imps;
	int err;

	names.aliases = json_object_get(prebid, "aliases");
	err = check_head(req, m);
	if (!err && prebid)
		err = validate_ext(prebid, rules, &names, m);
	if (!err)
		err = check_inventory(req, m);
	if (!err && names.aliases)
		normalise_aliases(prebid, &names);
	if (!err && prebid)
		err = validate_ext_features(prebid, rules, m);
	if (!err)
		err = check_context(req, rules, m);
	if (!err)
		err = check_people(req, prebid, rules, &names, m);
	if (err)
		return err;
	imps = json_own(req, "imp");
	ir.stored_auction = has_stored_auction(imps);
	return validate_imps(imps, &ir, m);
}
