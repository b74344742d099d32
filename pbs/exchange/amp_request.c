#include "pbs/exchange/amp_request.h"

#include "common/json.h"
#include "common/mem.h"
#include "common/url.h"
#include "common/uuid.h"
#include "pbs/openrtb/report.h"
#include "pbs/privacy/tcf.h"
#include "pbs/privacy/usp.h"

enum { SIZE_MAX_PX = 100000, SIZES_MAX = 100, CONSENT_SHOWN = 512, TAG_SHOWN = 256 };
enum consent_type { CONSENT_TCF1 = 1, CONSENT_TCF2 = 2, CONSENT_CCPA = 3 };

struct amp {
	const json_t *query;
	const struct amp_rules *rules;
	struct arena *arena;
	struct messages *m;
	json_t *request, *imp; /* being made; our own */
};

static struct str arg(const json_t *query, const char *name)
{
	return json_str(json_object_get(query, name));
}

static struct str short_of(struct str s, size_t max)
{
	return (struct str){ s.p, s.n < max ? s.n : max };
}

/* --- parameters --- */

static bool parse_bool(struct str s, bool *ret_v)
{
	static const char *const yes[] = { "1", "t", "T", "TRUE", "true", "True" };
	static const char *const no[] = { "0", "f", "F", "FALSE", "false", "False" };

	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		if (str_eq(s, str_of(yes[i])) || str_eq(s, str_of(no[i]))) {
			*ret_v = str_eq(s, str_of(yes[i]));
			return true;
		}
	return false;
}

int amp_check_query(const json_t *query, struct messages *m)
{
	struct str applies = arg(query, "gdpr_applies"), timeout = arg(query, "timeout");
	uint64_t number;
	bool flag;

	if (arg(query, "tag_id").n == 0)
		return refuse(m, "AMP requests require an AMP tag_id");
	if (applies.n && !parse_bool(applies, &flag))
		return refuse(m, "strconv.ParseBool: parsing \"" STR_FMT "\": invalid syntax",
			      STR_ARG(short_of(applies, TAG_SHOWN)));
	if (timeout.n && !str_parse_u64(timeout, 0, UINT64_MAX, &number))
		return refuse(m, "strconv.ParseUint: parsing \"" STR_FMT "\": invalid syntax",
			      STR_ARG(short_of(timeout, TAG_SHOWN)));
	return 0;
}

static int check_stored(const json_t *stored, const json_t *query, struct messages *m)
{
	struct str tag = short_of(arg(query, "tag_id"), TAG_SHOWN);
	size_t n = json_array_size(json_object_get(stored, "imp"));

	if (!json_is_object(stored))
		return refuse(m, "No AMP config found for tag_id '" STR_FMT "'", STR_ARG(tag));
	if (json_is_object(json_object_get(stored, "app")))
		return refuse(m, "request.app must not exist in AMP stored requests.");
	if (n == 0)
		return refuse(m, "data for tag_id='" STR_FMT "' does not define the required imp array",
			      STR_ARG(tag));
	if (n > 1)
		return refuse(m,
			      "data for tag_id '" STR_FMT "' includes %zu imp elements. Only one is allowed",
			      STR_ARG(tag), n);
	if (!json_is_object(json_array_get(json_object_get(stored, "imp"), 0)))
		return refuse(m, "request.imp[0] is not an object");
	return 0;
}

/* --- sizes --- */

static int64_t pixels(const struct amp *amp, const char *name)
{
	uint32_t v;

	return str_parse_u32(arg(amp->query, name), 0, SIZE_MAX_PX, &v) ? v : 0;
}

static void add_size(json_t *format, int64_t w, int64_t h)
{
	json_t *size = json_object();

	json_set_int(size, "w", w);
	json_set_int(size, "h", h);
	json_array_append_new(format, size);
}

/* "300x250,320x50"; one that cannot be read makes the list void. */
static void add_sizes(json_t *format, struct str list)
{
	json_auto_t *sizes = json_array();

	if (list.n == 0)
		return;
	while (list.p) {
		struct str h = str_cut(&list, ','), w = str_cut(&h, 'x');
		uint32_t width, height;

		if (!h.p || !str_parse_u32(w, 1, SIZE_MAX_PX, &width) ||
		    !str_parse_u32(h, 1, SIZE_MAX_PX, &height) || json_array_size(sizes) == SIZES_MAX)
			return;
		add_size(sizes, width, height);
	}
	json_array_extend(format, sizes);
}

/* Only one side is known: every format gets it. */
static void overwrite_side(json_t *banner, const char *side, int64_t v)
{
	json_t *format = json_own(banner, "format");

	for (size_t i = 0; v && i < json_array_size(format); i++)
		json_set_int(json_own_element(format, i), side, v);
}

static void set_sizes(struct amp *amp)
{
	int64_t w = pixels(amp, "w"), h = pixels(amp, "h"), ow = pixels(amp, "ow"), oh = pixels(amp, "oh");
	json_t *banner, *format;

	if (!json_is_object(json_object_get(amp->imp, "banner")))
		return;
	banner = json_own_object(amp->imp, "banner");
	format = json_array();
	if (ow && oh)
		add_size(format, ow, oh);
	else if (ow && h)
		add_size(format, ow, h);
	else if (w && oh)
		add_size(format, w, oh);
	else if (w && h)
		add_size(format, w, h);
	add_sizes(format, arg(amp->query, "ms"));
	if (json_array_size(format)) {
		json_object_set_nocheck(banner, "format", format);
	} else {
		overwrite_side(banner, "w", w);
		overwrite_side(banner, "h", h);
	}
	json_decref(format);
}

/* --- where it is shown --- */

static void set_site(struct amp *amp)
{
	struct str page = arg(amp->query, "curl"), account = arg(amp->query, "account"),
		   slot = arg(amp->query, "slot");
	json_t *site = json_own_object(amp->request, "site"), *ext;
	struct url u;

	if (page.n) {
		json_set_str(site, "page", page);
		if (url_parse(page, &u, NULL) == 0)
			json_set_str(site, "domain", u.host);
	}
	if (account.n && !str_eq(account, STR("ACCOUNT_ID")) && json_str_at(site, "publisher.id").n == 0)
		json_set_str(json_own_object(site, "publisher"), "id", account);
	ext = json_own_object(site, "ext");
	if (!json_object_get(ext, "amp"))
		json_set_int(ext, "amp", 1);
	if (slot.n)
		json_set_str(amp->imp, "tagid", slot);
	json_set_int(amp->imp, "secure", 1);
}

/* --- consent --- */

/* Also when the string cannot be read: a page that says so wants no less protection for that. */
static void set_gdpr(struct amp *amp, bool unless_said)
{
	bool applies = unless_said;
	bool said = parse_bool(arg(amp->query, "gdpr_applies"), &applies);

	if (said || unless_said)
		json_set_int(json_own_object(amp->request, "regs"), "gdpr", applies);
}

static void set_tcf2(struct amp *amp, struct str consent)
{
	json_set_str(json_own_object(amp->request, "user"), "consent", consent);
	set_gdpr(amp, true);
}

static void set_ccpa(struct amp *amp, struct str consent)
{
	bool applies = false;

	json_set_str(json_own_object(amp->request, "regs"), "us_privacy", consent);
	if (parse_bool(arg(amp->query, "gdpr_applies"), &applies) && applies)
		warn(amp->m, WARN_CONSENT,
		     "AMP request gdpr_applies value was ignored because provided consent string is a CCPA "
		     "consent "
		     "string");
}

static void set_typed_consent(struct amp *amp, struct str consent, int64_t type, bool is_ccpa,
			      const struct errtext *not_tcf)
{
	struct str shown = short_of(consent, CONSENT_SHOWN);
	bool is_tcf = not_tcf->text[0] == '\0';

	if (type != CONSENT_TCF1 && type != CONSENT_TCF2 && is_ccpa) {
		set_ccpa(amp, consent);
		return;
	}
	if (is_tcf && (type == CONSENT_TCF2 ||
		       (type != CONSENT_TCF1 && type != CONSENT_CCPA && amp->rules->gdpr_enabled))) {
		set_tcf2(amp, consent);
		return;
	}
	set_gdpr(amp, type == CONSENT_TCF2);
	if (type == CONSENT_TCF1)
		warn(amp->m, WARN_CONSENT, "TCF1 consent is deprecated and no longer supported.");
	else if (type == CONSENT_TCF2 && *consent.p == 'C')
		warn(amp->m, WARN_CONSENT, "%s", not_tcf->text);
	else if (type == CONSENT_TCF2)
		warn(amp->m, WARN_CONSENT, "Consent string '" STR_FMT "' is not a valid TCF2 consent string.",
		     STR_ARG(shown));
	else if (type == CONSENT_CCPA)
		warn(amp->m, WARN_CONSENT, "Consent string '" STR_FMT "' is not a valid CCPA consent string.",
		     STR_ARG(shown));
	else
		warn(amp->m, WARN_CONSENT,
		     "Consent string '" STR_FMT
		     "' is not recognized as one of the supported formats CCPA or TCF2.",
		     STR_ARG(shown));
}

static void set_consent(struct amp *amp)
{
	struct str consent = arg(amp->query, "consent_string");
	struct errtext why = { "" };
	struct tcf *tcf;
	int64_t type = 0;
	struct usp usp;

	if (consent.n == 0)
		consent = arg(amp->query, "gdpr_consent");
	if (consent.n == 0)
		return;
	(void)str_parse_i64(arg(amp->query, "consent_type"), 0, 100, &type);
	if (tcf_parse(consent, amp->arena, &why, &tcf) == 0)
		why.text[0] = '\0';
	set_typed_consent(amp, consent, type, usp_parse(consent, NULL, &usp) == 0, &why);
}

/* "1~1.35.41": providers that Google's own list adds to the TCF. */
static void set_additional_consent(struct amp *amp)
{
	struct str text = arg(amp->query, "addtl_consent"), rest = text;
	json_t *ext, *ids;

	if (text.n == 0)
		return;
	ext = json_own_object(json_own_object(amp->request, "user"), "ext");
	json_set_str(json_own_object(ext, "ConsentedProvidersSettings"), "consented_providers", text);
	(void)str_cut(&rest, '~');
	if (!rest.p)
		return;
	ext = json_own_object(ext, "consented_providers_settings");
	ids = json_own(ext, "consented_providers");
	if (!json_is_array(ids)) {
		ids = json_array();
		json_object_set_new_nocheck(ext, "consented_providers", ids);
	}
	while (rest.p && json_array_size(ids) < 5000) {
		uint32_t id;

		if (str_parse_u32(str_cut(&rest, '.'), 0, INT32_MAX, &id))
			json_array_append_new(ids, json_integer(id));
	}
}

/* --- the rest --- */

static void set_targeting(struct amp *amp)
{
	struct str text = arg(amp->query, "targeting");
	json_t *wrapped, *data;
	struct errtext why;

	if (text.n == 0)
		return;
	data = json_parse(text, &why);
	if (!data) {
		warn(amp->m, ERROR_BAD_INPUT,
		     "unable to merge imp.ext with targeting data, check targeting data is correct: %s",
		     why.text);
		return;
	}
	wrapped = json_object();
	json_object_set_new_nocheck(wrapped, "data", data);
	json_object_set_new_nocheck(amp->imp, "ext",
				    json_merge_patch(json_object_get(amp->imp, "ext"), wrapped));
	json_decref(wrapped);
}

static void set_switches(struct amp *amp, struct rng *rng)
{
	struct str trace = arg(amp->query, "trace");
	json_t *prebid = json_own_object(json_own_object(amp->request, "ext"), "prebid");
	char uuid[UUID_TEXT + 1];
	int64_t timeout_ms;

	if (str_eq(arg(amp->query, "debug"), STR("1")))
		json_set_int(amp->request, "test", 1);
	if (trace.n)
		json_set_str(prebid, "trace", trace);
	if (str_parse_i64(arg(amp->query, "timeout"), 0, INT32_MAX, &timeout_ms))
		json_set_int(amp->request, "tmax", timeout_ms - amp->rules->timeout_adjustment_ms);
	(void)json_own_object(prebid, "targeting");
	(void)json_own_object(json_own_object(prebid, "cache"), "bids");
	if (amp->rules->generate_request_id || str_eq(json_str_at(amp->request, "id"), STR("{{UUID}}"))) {
		uuid_v4(rng, uuid);
		json_set_str(amp->request, "id", str_of(uuid));
	}
}

int amp_request(const json_t *stored, const json_t *query, const struct amp_rules *rules, struct rng *rng,
		struct arena *a, struct messages *m, json_t **ret_request)
{
	struct amp amp = { .query = query, .rules = rules, .arena = a, .m = m };

	if (check_stored(stored, query, m) < 0)
		return ERR_INPUT;
	amp.request = json_copy((json_t *)(uintptr_t)stored);
	amp.imp = json_own_element(json_own(amp.request, "imp"), 0);
	set_sizes(&amp);
	set_site(&amp);
	set_consent(&amp);
	set_additional_consent(&amp);
	set_targeting(&amp);
	set_switches(&amp, rng);
	*ret_request = amp.request;
	return 0;
}

/* --- the answer --- */

static bool is_cached(const json_t *targeting)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)targeting, key, value)
		if (strstr(key, "_cache_id"))
			return true;
	return false;
}

json_t *amp_targeting(const json_t *response)
{
	json_t *all = json_object();
	const json_t *seat, *bid;
	size_t i, k;

	json_array_foreach (json_object_get(response, "seatbid"), i, seat)
		json_array_foreach (json_object_get(seat, "bid"), k, bid) {
			json_t *targeting = json_at(bid, "ext.prebid.targeting");

			if (is_cached(targeting))
				json_object_update(all, targeting);
		}
	json_object_update_missing(all, json_at(response, "ext.prebid.targeting"));
	return all;
}
