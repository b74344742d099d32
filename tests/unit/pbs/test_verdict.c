/* Who is called and what they get to see: bidder × consent × scope × activity, each compared with the whole
 * request that goes out. What a removal looks like is written down as data (`removals`), not computed. */
#include "pbs/privacy/verdict.h"

#include <stdio.h>

#include "common/err.h"
#include "common/json.h"
#include "pbs/privacy/gvl.h"
#include "pbs/privacy/tcf.h"
#include "tests/check.h"
#include "tests/unit/pbs/tc_string.h"

static const char base_text[] =
	"{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"ext\":{\"tid\":\"t-1\",\"bidder\":{\"p\":7}}}],"
	"\"site\":{\"page\":\"https://page.example/a\"},"
	"\"device\":{\"ua\":\"UA\",\"ip\":\"203.0.113.77\",\"ipv6\":\"2001:4860:4860:1111:2222:3333:4444:"
	"5555\","
	"\"ifa\":\"IFA\",\"didsha1\":\"D1\",\"dpidmd5\":\"D2\",\"geo\":{\"lat\":40.71283,\"lon\":-73.98765,"
	"\"city\":\"New York\"}},"
	"\"user\":{\"id\":\"U\",\"buyeruid\":\"B\",\"yob\":1980,\"gender\":\"F\",\"keywords\":\"k\","
	"\"data\":[{\"id\":\"seg\"}],\"eids\":[{\"source\":\"uidapi.com\",\"uids\":[{\"id\":\"E\"}]}],"
	"\"geo\":{\"lat\":1.23456,\"lon\":-0.001},"
	"\"ext\":{\"data\":{\"x\":1},\"eids\":[{\"source\":\"a\",\"uids\":[{\"id\":\"E2\"}]}],\"keep\":1}},"
	"\"source\":{\"tid\":\"T\",\"fd\":1},\"regs\":{}}";

/* What the outgoing request loses per bit, as merge patches. */
static const struct {
	unsigned scrub;
	const char *patch;
} removals[] = {
	{ SCRUB_DEVICE_IDS, "{\"device\":{\"ifa\":null,\"didsha1\":null,\"dpidmd5\":null}}" },
	{ SCRUB_USER_IDS, "{\"user\":{\"id\":null,\"buyeruid\":null,\"yob\":null,\"gender\":null}}" },
	{ SCRUB_EIDS, "{\"user\":{\"eids\":null,\"ext\":{\"eids\":null}}}" },
	{ SCRUB_UFPD, "{\"user\":{\"keywords\":null,\"data\":null,\"ext\":{\"data\":null}}}" },
	{ SCRUB_IP, "{\"device\":{\"ip\":\"203.0.113.0\",\"ipv6\":\"2001:4860:4860:1100::\"}}" },
	{ SCRUB_GEO, "{\"device\":{\"geo\":{\"lat\":40.71,\"lon\":-73.98}},"
		     "\"user\":{\"geo\":{\"lat\":1.23,\"lon\":0.0}}}" },
	{ SCRUB_GEO_ALL, "{\"device\":{\"geo\":{\"lat\":null,\"lon\":null,\"city\":null,\"country\":null}},"
			 "\"user\":{\"geo\":{\"lat\":null,\"lon\":null,\"country\":null}}}" },
	{ SCRUB_TID, "{\"source\":{\"tid\":null},\"imp\":[{\"id\":\"1\",\"ext\":{\"bidder\":{\"p\":7}}}]}" },
	{ SCRUB_US_PRIVACY, "{\"regs\":{\"us_privacy\":null}}" },
};

static json_t *patched(json_t *target, const char *patch_text)
{
	json_t *patch = json_parse(str_of(patch_text), NULL), *out;

	if (!patch)
		fail_msg("not JSON: %s", patch_text);
	out = json_merge_patch(target, patch);
	json_decref(patch);
	json_decref(target);
	return out;
}

static json_t *expected(const json_t *request, unsigned scrub)
{
	json_t *out = json_deep_copy(request);

	for (size_t i = 0; i < ARRAY_LEN(removals); i++)
		if (scrub & removals[i].scrub)
			out = patched(out, removals[i].patch);
	return out;
}

/* ---- the world ---- */

enum { A_CONSENT, B_LI, C_FLEXIBLE, D_UNLISTED, E_NO_ID, F_EXCEPTED, G_BASIC, BIDDERS };

#define S(lit)                                                                                               \
	{                                                                                                    \
		lit, sizeof(lit) - 1                                                                         \
	}
static const struct privacy_bidder bidders[BIDDERS] = {
	[A_CONSENT] = { S("a-alias"), S("a"), 1, true }, [B_LI] = { S("b"), S("b"), 2, true },
	[C_FLEXIBLE] = { S("c"), S("c"), 3, true },      [D_UNLISTED] = { S("d"), S("d"), 60, true },
	[E_NO_ID] = { S("e"), S("e"), 0, true },         [F_EXCEPTED] = { S("f"), S("except"), 5, true },
	[G_BASIC] = { S("g"), S("basic"), 60, true },
};

static const char gvl_text[] = "{\"gvlSpecificationVersion\":3,\"vendorListVersion\":1,\"vendors\":{"
			       "\"1\":{\"id\":1,\"purposes\":[1,2,3,4,7],\"legIntPurposes\":[],"
			       "\"flexiblePurposes\":[],\"specialFeatures\":[1]},"
			       "\"2\":{\"id\":2,\"purposes\":[1],\"legIntPurposes\":[2,7],"
			       "\"flexiblePurposes\":[],\"specialFeatures\":[]},"
			       "\"3\":{\"id\":3,\"purposes\":[1,2],\"legIntPurposes\":[],"
			       "\"flexiblePurposes\":[2],\"specialFeatures\":[1]},"
			       "\"5\":{\"id\":5,\"purposes\":[2],\"legIntPurposes\":[],\"flexiblePurposes\":["
			       "],\"specialFeatures\":[]}}}";

static struct gvl *gvl;

static const struct gvl *find_gvl(void *ctx, unsigned specification, unsigned version)
{
	(void)ctx;
	return specification == 3 && version == 1 ? gvl : NULL;
}

static int set_up(void **state)
{
	(void)state;
	gvl = gvl_parse(str_of(gvl_text), NULL);
	return gvl ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	gvl_free(gvl);
	return 0;
}

/* Judges, applies, and compares every bidder's request. `want` per bidder: -1 = blocked, else what is
 * removed. */
static void check_outgoing(const char *why, json_t *request, const char *host_text, const char *account_text,
			   const int want[BIDDERS])
{
	json_t *host_tree = json_parse(str_of(host_text), NULL), *account_tree = NULL;
	json_t *before = json_deep_copy(request);
	struct arena *a = arena_new();
	struct scrub_cache *cache = scrub_cache_new(a);
	struct privacy_account *account = NULL;
	struct privacy_host *host;
	struct privacy *p;
	struct errtext error = { "" };

	account_tree = json_parse(str_of(account_text), NULL);
	assert_non_null(host_tree);
	assert_non_null(account_tree);
	assert_int_equal(privacy_host_parse(host_tree, &error, &host), 0);
	if (privacy_account_parse(account_tree, &error, &account) < 0)
		fail_msg("%s: %s", why, error.text);
	struct privacy_input in = { .request = request,
				    .host = host,
				    .account = account,
				    .bidders = bidders,
				    .n_bidders = BIDDERS,
				    .find_gvl = find_gvl };
	if (privacy_judge(&in, a, &error, &p) < 0)
		fail_msg("%s: %s", why, error.text);
	for (size_t i = 0; i < BIDDERS; i++) {
		json_t *out, *expect;

		if ((want[i] < 0) != p->bidders[i].blocked)
			fail_msg("%s: bidder " STR_FMT " blocked = %d", why, STR_ARG(bidders[i].code),
				 p->bidders[i].blocked);
		if (want[i] < 0)
			continue;
		out = json_copy(request);
		privacy_apply(p, i, out, i % 2 ? cache : NULL);
		expect = expected(before, (unsigned)want[i]);
		if (!json_equal(out, expect)) {
			char *got_text = json_text(out), *want_text = json_text(expect);

			fail_msg("%s: bidder " STR_FMT "\n got %s\nwant %s", why, STR_ARG(bidders[i].code),
				 got_text, want_text);
		}
		json_decref(out);
		json_decref(expect);
	}
	CHECK(why, json_equal(request, before)); /* the shared request stays as it was */
	json_decref(privacy_debug_new(p));
	arena_free(a);
	privacy_account_free(account);
	privacy_host_free(host);
	json_decref(account_tree);
	json_decref(host_tree);
	json_decref(before);
}

/* ---- GDPR ---- */

#define ALL        0xffffffu
#define ALL_LI     0xfffffeu
#define VENDORS    (~0ull)
#define MS_2026_04 1775001600000

/* What each bidder may do: Call, Ids, Geo, in the order of the enum. */
static const struct {
	const char *why;
	const char *literal; /* instead of the fields */
	struct tc_fields tc;
	const char *may[BIDDERS];
} consents[] = {
	{ "no consent string", "", { 0 }, { "", "", "", "", "", "", "" } },
	{ "a malformed string", "CPXx", { 0 }, { "", "", "", "", "", "", "" } },
	{ "consent to everything",
	  NULL,
	  { .purposes = ALL,
	    .purposes_li = ALL_LI,
	    .vendors = VENDORS,
	    .vendors_li = VENDORS,
	    .features = 1 },
	  { "CIG", "CI", "CIG", "", "", "CIG", "CIG" } },
	{ "its vendor list is not at hand",
	  NULL,
	  { .list_version = 9, .purposes = ALL, .vendors = VENDORS, .features = 1 },
	  { "", "", "", "", "", "", "" } },
	{ "purposes, but no vendor",
	  NULL,
	  { .purposes = ALL, .features = 1 },
	  { "", "", "", "", "", "CIG", "CIG" } },
	{ "vendors, but no purpose",
	  NULL,
	  { .vendors = VENDORS, .vendors_li = VENDORS, .features = 1 },
	  { "", "", "", "", "", "CIG", "" } },
	{ "legitimate interest alone",
	  NULL,
	  { .purposes_li = ALL_LI, .vendors_li = VENDORS },
	  { "", "CI", "CI", "", "", "CIG", "CI" } },
	{ "the publisher forbids purpose 2 to vendor 1",
	  NULL,
	  { .purposes = ALL,
	    .purposes_li = ALL_LI,
	    .vendors = VENDORS,
	    .vendors_li = VENDORS,
	    .features = 1,
	    .restriction = { 2, TCF_NOT_ALLOWED, 1 } },
	  { "", "CI", "CIG", "", "", "CIG", "CIG" } },
	{ "the publisher demands consent of flexible vendor 3, which has legitimate interest alone",
	  NULL,
	  { .purposes_li = ALL_LI, .vendors_li = VENDORS, .restriction = { 2, TCF_REQUIRE_CONSENT, 3 } },
	  { "", "CI", "", "", "", "CIG", "CI" } },
	{ "the publisher demands legitimate interest of flexible vendor 3, which has it",
	  NULL,
	  { .purposes_li = ALL_LI, .vendors_li = VENDORS, .restriction = { 2, TCF_REQUIRE_LI, 3 } },
	  { "", "CI", "CI", "", "", "CIG", "CI" } },
	{ "the publisher demands legitimate interest of vendor 1, which does not offer it",
	  NULL,
	  { .purposes = ALL,
	    .purposes_li = ALL_LI,
	    .vendors = VENDORS,
	    .vendors_li = VENDORS,
	    .features = 1,
	    .restriction = { 2, TCF_REQUIRE_LI, 1 } },
	  { "", "CI", "CIG", "", "", "CIG", "CIG" } },
	{ "no opt-in to precise geolocation",
	  NULL,
	  { .purposes = ALL, .purposes_li = ALL_LI, .vendors = VENDORS, .vendors_li = VENDORS },
	  { "CI", "CI", "CI", "", "", "CIG", "CI" } },
	{ "purpose 2 alone: the call has a basis, and so have the ids",
	  NULL,
	  { .purposes = 1 << 1, .vendors = VENDORS },
	  { "CI", "", "CI", "", "", "CIG", "CI" } },
	{ "purpose 3 alone: ids could go, but there is no call",
	  NULL,
	  { .purposes = 1 << 2, .vendors = VENDORS },
	  { "", "", "", "", "", "CIG", "" } },
	{ "a TCF 2.3 string without disclosed vendors counts as none",
	  NULL,
	  { .created_ms = MS_2026_04,
	    .purposes = ALL,
	    .purposes_li = ALL_LI,
	    .vendors = VENDORS,
	    .vendors_li = VENDORS,
	    .features = 1 },
	  { "", "", "", "", "", "", "" } },
	{ "a TCF 2.3 string that discloses vendor 1",
	  NULL,
	  { .created_ms = MS_2026_04,
	    .purposes = ALL,
	    .purposes_li = ALL_LI,
	    .vendors = VENDORS,
	    .vendors_li = VENDORS,
	    .features = 1,
	    .has_disclosed = true,
	    .disclosed = 1 },
	  { "CIG", "", "", "", "", "CIG", "" } },
	{ "an older string may disclose what it likes",
	  NULL,
	  { .purposes = ALL,
	    .purposes_li = ALL_LI,
	    .vendors = VENDORS,
	    .vendors_li = VENDORS,
	    .features = 1,
	    .has_disclosed = true,
	    .disclosed = 1 },
	  { "CIG", "CI", "CIG", "", "", "CIG", "CIG" } },
};

#define EXCEPTIONS                                                                                           \
	"\"gdpr\":{\"purpose2\":{\"vendor_exceptions\":[\"except\"]},"                                       \
	"\"special_feature1\":{\"vendor_exceptions\":[\"except\"]},\"basic_enforcement_vendors\":["          \
	"\"basic\"]"

static const struct {
	const char *why, *request, *host, *gdpr; /* `gdpr` goes behind the account's exceptions */
	bool enforced;
} scopes[] = {
	{ "GDPR applies", "{\"regs\":{\"gdpr\":1}}", "{}", "", true },
	{ "GDPR does not apply", "{\"regs\":{\"gdpr\":0}}", "{}", "", false },
	{ "no signal, in Germany",
	  "{\"device\":{\"geo\":{\"country\":\"DEU\"}},\"user\":{\"geo\":{\"country\":\"deu\"}}}", "{}", "",
	  true },
	{ "no signal, in the USA", "{\"user\":{\"geo\":{\"country\":\"USA\"}}}",
	  "{\"gdpr\":{\"default_value\":\"1\"}}", "", false },
	{ "no signal, no place, default 0", "{}", "{}", "", false },
	{ "no signal, no place, default 1", "{}", "{\"gdpr\":{\"default_value\":\"1\"}}", "", true },
	{ "GPP says TCF EU, whatever regs.gdpr says", "{\"regs\":{\"gdpr\":0,\"gpp_sid\":[2]}}", "{}", "",
	  true },
	{ "GPP says something else", "{\"regs\":{\"gdpr\":1,\"gpp_sid\":[7]}}", "{}", "", false },
	{ "the account is exempt", "{\"regs\":{\"gdpr\":1}}", "{}", ",\"enabled\":false", false },
	{ "the account is exempt on the web", "{\"regs\":{\"gdpr\":1}}", "{}",
	  ",\"enabled\":true,\"channel_enabled\":{\"web\":false}", false },
	{ "the account is exempt in apps only", "{\"regs\":{\"gdpr\":1}}", "{}",
	  ",\"channel_enabled\":{\"app\":false}", true },
	{ "the host enforces nothing", "{\"regs\":{\"gdpr\":1}}", "{\"privacy\":{\"enforce_gdpr\":false}}",
	  "", false },
	{ "the host's TCF is off", "{\"regs\":{\"gdpr\":1}}", "{\"gdpr\":{\"tcf2\":{\"enabled\":false}}}", "",
	  false },
};

static const struct {
	const char *why, *account;
	int a, others; /* what A and the others lose; -1 = blocked */
} activities[] = {
	{ "everything allowed", "", 0, 0 },
	{ "fetchBids denied to a-alias",
	  ",\"privacy\":{\"allowactivities\":{\"fetchBids\":{\"rules\":[{\"allow\":false,\"condition\":{"
	  "\"componentName\":[\"A-Alias\"],\"componentType\":[\"bidder\"]}}]}}}",
	  -1, 0 },
	{ "transmitUfpd denied to all",
	  ",\"privacy\":{\"allowactivities\":{\"transmitUfpd\":{\"default\":false}}}", SCRUB_SET_UFPD,
	  SCRUB_SET_UFPD },
	{ "transmitEids denied to all but a-alias",
	  ",\"privacy\":{\"allowactivities\":{\"transmitEids\":{\"default\":false,\"rules\":[{\"allow\":true,"
	  "\"condition\":{\"componentName\":[\"a-alias\"]}}]}}}",
	  0, SCRUB_EIDS },
	{ "transmitPreciseGeo denied to a-alias, which is an alias of a",
	  ",\"privacy\":{\"allowactivities\":{\"transmitPreciseGeo\":{\"rules\":[{\"allow\":false,"
	  "\"condition\":{\"componentName\":[\"a-alias\"]}},{\"allow\":false,\"condition\":{"
	  "\"componentName\":[\"a\"],"
	  "\"componentType\":[\"analytics\"]}}]}}}",
	  SCRUB_SET_GEO, 0 },
	{ "transmitTid denied to all",
	  ",\"privacy\":{\"allowactivities\":{\"transmitTid\":{\"default\":false}}}", SCRUB_TID, SCRUB_TID },
};

static int wanted(const char *may, int activity)
{
	int scrub = 0;

	if (!strchr(may, 'C') || activity < 0)
		return -1;
	scrub |= strchr(may, 'I') ? 0 : SCRUB_SET_IDS;
	scrub |= strchr(may, 'G') ? 0 : SCRUB_SET_GEO;
	return scrub | activity;
}

static void walks_bidder_consent_scope_and_activity(void **state)
{
	(void)state;
	for (size_t c = 0; c < ARRAY_LEN(consents); c++)
		for (size_t s = 0; s < ARRAY_LEN(scopes); s++)
			for (size_t k = 0; k < ARRAY_LEN(activities); k++) {
				json_t *request =
					patched(json_parse(str_of(base_text), NULL), scopes[s].request);
				char *tc = consents[c].literal ? xstrdup(consents[c].literal)
							       : tc_string(&consents[c].tc);
				char *account = xasprintf("{" EXCEPTIONS "%s}%s}", scopes[s].gdpr,
							  activities[k].account);
				char *why = xasprintf("%s / %s / %s", consents[c].why, scopes[s].why,
						      activities[k].why);
				int want[BIDDERS];

				if (*tc)
					json_set_str(json_own_object(request, "user"), "consent", str_of(tc));
				for (size_t i = 0; i < BIDDERS; i++)
					want[i] = wanted(scopes[s].enforced ? consents[c].may[i] : "CIG",
							 i == A_CONSENT ? activities[k].a
									: activities[k].others);
				check_outgoing(why, request, scopes[s].host, account, want);
				free(why);
				free(account);
				free(tc);
				json_decref(request);
			}
}

/* Relaxed settings change the answers of single bidders. */
static void settings_overlay(void **state)
{
	static const struct {
		const char *why, *host, *account;
		struct tc_fields tc;
		const char *may[BIDDERS];
	} rows[] = {
		{ "purpose 2 not enforced at all: calls pass, ids need a basis all the same",
		  "{\"gdpr\":{\"tcf2\":{\"purpose2\":{\"enforce_purpose\":false,\"enforce_vendors\":false}}}"
		  "}",
		  "{}",
		  { .vendors = VENDORS },
		  { "C", "C", "C", "C", "C", "C", "C" } },
		{ "without consent, an unenforced purpose 2 lets calls pass",
		  "{}",
		  "{\"gdpr\":{\"purpose2\":{\"enforce_purpose\":false}}}",
		  { .list_version = 77 },
		  { "C", "C", "C", "C", "C", "C", "C" } },
		{ "the account's settings go before the host's",
		  "{\"gdpr\":{\"tcf2\":{\"purpose2\":{\"enforce_purpose\":false,\"enforce_vendors\":false}}}"
		  "}",
		  "{\"gdpr\":{\"purpose2\":{\"enforce_purpose\":true,\"enforce_vendors\":true}}}",
		  { .vendors = VENDORS },
		  { "", "", "", "", "", "", "" } },
		{ "special feature 1 not enforced",
		  "{}",
		  "{\"gdpr\":{\"special_feature1\":{\"enforce\":false}}}",
		  { .purposes = ALL, .vendors = VENDORS },
		  { "CIG", "", "CIG", "", "", "CIG", "" } },
		{ "basic enforcement needs no vendor list entry, but the vendor's consent",
		  "{\"gdpr\":{\"tcf2\":{\"purpose2\":{\"enforce_algo\":\"basic\"}}}}",
		  "{}",
		  { .purposes = ALL, .vendors = VENDORS },
		  { "CI", "CI", "CI", "CI", "", "CI", "CI" } },
		{ "vendors not enforced: the purpose is enough, for vendors that declare it",
		  "{\"gdpr\":{\"tcf2\":{\"purpose2\":{\"enforce_vendors\":false}}}}",
		  "{}",
		  { .purposes = ALL },
		  { "C", "", "C", "", "", "C", "" } },
	};

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		json_t *request = patched(json_parse(str_of(base_text), NULL), "{\"regs\":{\"gdpr\":1}}");
		char *tc = tc_string(&rows[r].tc);
		int want[BIDDERS];

		json_set_str(json_own_object(request, "user"), "consent", str_of(tc));
		for (size_t i = 0; i < BIDDERS; i++)
			want[i] = wanted(rows[r].may[i], 0);
		check_outgoing(rows[r].why, request, rows[r].host, rows[r].account, want);
		free(tc);
		json_decref(request);
	}
}

/* ---- the other laws ---- */

static void other_signals(void **state)
{
	static const struct {
		const char *why, *request, *host, *account;
		unsigned scrub;
		int exempt; /* a bidder that keeps everything, -1 = none */
	} rows[] = {
		{ "nothing said", "{}", "{}", "{}", 0, -1 },
		{ "COPPA empties geo", "{\"regs\":{\"coppa\":1}}", "{}", "{}", SCRUB_SET_CHILD, -1 },
		{ "COPPA switched off", "{\"regs\":{\"coppa\":1}}", "{\"privacy\":{\"enforce_coppa\":false}}",
		  "{}", 0, -1 },
		{ "LMT rounds geo", "{\"device\":{\"lmt\":1}}", "{}", "{}", SCRUB_SET_OPT_OUT, -1 },
		{ "LMT switched off", "{\"device\":{\"lmt\":1}}", "{\"lmt\":{\"enforce\":false}}", "{}", 0,
		  -1 },
		{ "LMT 0", "{\"device\":{\"lmt\":0}}", "{}", "{}", 0, -1 },
		{ "opted out of sale", "{\"regs\":{\"us_privacy\":\"1YYN\"}}", "{}", "{}", SCRUB_SET_OPT_OUT,
		  -1 },
		{ "not opted out", "{\"regs\":{\"us_privacy\":\"1YNY\"}}", "{}", "{}", 0, -1 },
		{ "opted out, but all are exempt",
		  "{\"regs\":{\"us_privacy\":\"1YYN\"},\"ext\":{\"prebid\":{\"nosale\":[\"*\"]}}}", "{}",
		  "{}", 0, -1 },
		{ "opted out, and c is exempt",
		  "{\"regs\":{\"us_privacy\":\"1YYN\"},\"ext\":{\"prebid\":{\"nosale\":[\"c\"]}}}", "{}",
		  "{}", SCRUB_SET_OPT_OUT, C_FLEXIBLE },
		{ "the account does not enforce CCPA", "{\"regs\":{\"us_privacy\":\"1YYN\"}}", "{}",
		  "{\"ccpa\":{\"enabled\":false}}", 0, -1 },
		{ "the account enforces what the host does not", "{\"regs\":{\"us_privacy\":\"1YYN\"}}",
		  "{\"ccpa\":{\"enforce\":false}}", "{\"ccpa\":{\"channel_enabled\":{\"web\":true}}}",
		  SCRUB_SET_OPT_OUT, -1 },
		{ "CCPA switched off", "{\"regs\":{\"us_privacy\":\"1YYN\"}}",
		  "{\"privacy\":{\"enforce_ccpa\":false}}", "{}", 0, -1 },
		{ "a malformed string reaches nobody", "{\"regs\":{\"us_privacy\":\"1YYX\"}}", "{}", "{}",
		  SCRUB_US_PRIVACY, -1 },
		{ "GPP section 6 counts when it is listed",
		  "{\"regs\":{\"gpp\":\"DBABT~1YYN\",\"gpp_sid\":[6],\"us_privacy\":\"1YNN\"}}", "{}", "{}",
		  SCRUB_SET_OPT_OUT, -1 },
		{ "GPP section 6 does not count when it is not",
		  "{\"regs\":{\"gpp\":\"DBABT~1YYN\",\"gpp_sid\":[8]}}", "{}", "{}", 0, -1 },
		{ "US national: opted out of sharing",
		  "{\"regs\":{\"gpp\":\"DBABL~BVQlAAAAAa\",\"gpp_sid\":[7]}}", "{}", "{}", SCRUB_SET_OPT_OUT,
		  -1 },
		{ "US national: the section is not in force",
		  "{\"regs\":{\"gpp\":\"DBABL~BVQlAAAAAa\",\"gpp_sid\":[8]}}", "{}", "{}", 0, -1 },
		{ "US national: all asked, nothing objected to",
		  "{\"regs\":{\"gpp\":\"DBABL~BVVqAAAAAaA\",\"gpp_sid\":[7]}}", "{}", "{}", 0, -1 },
		{ "US national: Global Privacy Control",
		  "{\"regs\":{\"gpp\":\"DBABL~BVVqAAAAAaA.YA\",\"gpp_sid\":[7]}}", "{}", "{}",
		  SCRUB_SET_OPT_OUT, -1 },
		{ "US national: no consent to precise geolocation",
		  "{\"regs\":{\"gpp\":\"DBABL~BVVqAAEAAaA\",\"gpp_sid\":[7]}}", "{}", "{}", SCRUB_SET_GEO,
		  -1 },
		{ "US national: no consent to health data",
		  "{\"regs\":{\"gpp\":\"DBABL~BVVqAQAAAaA\",\"gpp_sid\":[7]}}", "{}", "{}", SCRUB_UFPD, -1 },
		{ "US national: a known child", "{\"regs\":{\"gpp\":\"DBABL~BVVqAAAAEaA\",\"gpp_sid\":[7]}}",
		  "{}", "{}", SCRUB_SET_CHILD | SCRUB_UFPD, -1 },
		{ "US national: a teenager who does not consent",
		  "{\"regs\":{\"gpp\":\"DBABL~BVVqAAAAQaA\",\"gpp_sid\":[7]}}", "{}", "{}",
		  SCRUB_SET_OPT_OUT | SCRUB_UFPD, -1 },
		{ "US national: a teenager who does",
		  "{\"regs\":{\"gpp\":\"DBABL~BVVqAAAAgaA\",\"gpp_sid\":[7]}}", "{}", "{}", 0, -1 },
		{ "Global Privacy Control in the USA",
		  "{\"regs\":{\"ext\":{\"gpc\":\"1\"}},\"device\":{\"geo\":{\"country\":\"USA\"}}}", "{}",
		  "{}", SCRUB_SET_OPT_OUT, -1 },
		{ "Global Privacy Control elsewhere", "{\"regs\":{\"ext\":{\"gpc\":\"1\"}}}", "{}", "{}", 0,
		  -1 },
		{ "fewer bits of addresses are kept in the account's name only when in range",
		  "{\"device\":{\"lmt\":1}}", "{}",
		  "{\"privacy\":{\"ipv4\":{\"anon_keep_bits\":33},\"ipv6\":{\"anon_keep_bits\":-1}}}",
		  SCRUB_SET_OPT_OUT, -1 },
		{ "a rule for a GPP section", "{\"regs\":{\"gpp_sid\":[8]}}", "{}",
		  "{\"privacy\":{\"allowactivities\":{\"transmitEids\":{\"rules\":[{\"condition\":{"
		  "\"gppSid\":[7,8]}}]}}}}",
		  SCRUB_EIDS, -1 },
		{ "… that is not in force", "{\"regs\":{\"gpp_sid\":[9]}}", "{}",
		  "{\"privacy\":{\"allowactivities\":{\"transmitEids\":{\"rules\":[{\"condition\":{"
		  "\"gppSid\":[7,8]}}]}}}}",
		  0, -1 },
		{ "a rule for a region", "{\"device\":{\"geo\":{\"country\":\"USA\",\"region\":\"CA\"}}}",
		  "{}",
		  "{\"privacy\":{\"allowactivities\":{\"transmitTid\":{\"rules\":[{\"condition\":{\"geo\":["
		  "\"usa.ca\"]}}]}}}}",
		  SCRUB_TID, -1 },
		{ "… elsewhere", "{\"device\":{\"geo\":{\"country\":\"USA\",\"region\":\"NY\"}}}", "{}",
		  "{\"privacy\":{\"allowactivities\":{\"transmitTid\":{\"rules\":[{\"condition\":{\"geo\":["
		  "\"usa.ca\"]}}]}}}}",
		  0, -1 },
		{ "a rule for Global Privacy Control", "{\"regs\":{\"ext\":{\"gpc\":\"1\"}}}", "{}",
		  "{\"privacy\":{\"allowactivities\":{\"transmitTid\":{\"rules\":[{\"condition\":{\"gpc\":"
		  "\"1\"}}]}}}}",
		  SCRUB_TID, -1 },
		{ "… which is off", "{}", "{}",
		  "{\"privacy\":{\"allowactivities\":{\"transmitTid\":{\"rules\":[{\"condition\":{\"gpc\":"
		  "\"1\"}}]}}}}",
		  0, -1 },
		{ "first-party data denied and opted out: all of it goes",
		  "{\"regs\":{\"us_privacy\":\"1YYN\"}}", "{}",
		  "{\"privacy\":{\"allowactivities\":{\"transmitUfpd\":{\"default\":false}}}}",
		  SCRUB_SET_UFPD | SCRUB_SET_OPT_OUT, -1 },
	};

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		json_t *request = patched(json_parse(str_of(base_text), NULL), rows[r].request);
		int want[BIDDERS];

		for (int i = 0; i < BIDDERS; i++)
			want[i] = i == rows[r].exempt ? 0 : (int)rows[r].scrub;
		check_outgoing(rows[r].why, request, rows[r].host, rows[r].account, want);
		json_decref(request);
	}
}

/* ---- messages, strictness, downgrade ---- */

struct outcome {
	struct arena *arena;
	struct privacy_host *host;
	json_t *request;
	struct privacy *p;
	struct errtext why;
	int err;
};

static void judge(struct outcome *o, const char *request_patch, bool strict, bool validated,
		  bool gpp_supported)
{
	struct privacy_bidder one = { S("one"), S("one-core"), 1, gpp_supported };
	struct privacy_input in = {
		.bidders = &one, .n_bidders = 1, .find_gvl = find_gvl, .validated = validated
	};

	*o = (struct outcome){ .arena = arena_new(),
			       .request = patched(json_parse(str_of(base_text), NULL), request_patch) };
	assert_int_equal(privacy_host_parse(NULL, &o->why, &o->host), 0);
	o->host->strict = strict;
	in.request = o->request;
	in.host = o->host;
	o->err = privacy_judge(&in, o->arena, &o->why, &o->p);
}

static void outcome_deinit(struct outcome *o)
{
	arena_free(o->arena);
	privacy_host_free(o->host);
	json_decref(o->request);
}

static void warns_in_the_reference_s_words(void **state)
{
	static const struct {
		const char *request, *texts; /* bucket:code:text, newline-terminated */
	} rows[] = {
		{ "{\"regs\":{\"gpp\":\"DBABM\"}}",
		  "general:10001:GPP consent string is invalid and will be ignored. (error parsing GPP "
		  "header, section IDs do "
		  "not match the number of sections: found 1 IDs, have 0 sections)\n"
		  "prebid:999:error parsing GPP header, section IDs do not match the number of sections: "
		  "found 1 IDs, have 0 "
		  "sections\n" },
		{ "{\"regs\":{\"gpp\":\"DBABM~CPX\"},\"user\":{\"consent\":\"COther\"}}",
		  "general:10001:user.consent GDPR string conflicts with GPP (regs.gpp) GDPR string, using "
		  "regs.gpp\n" },
		{ "{\"regs\":{\"gdpr\":0,\"gpp_sid\":[2]}}",
		  "general:10001:regs.gdpr signal conflicts with GPP (regs.gpp_sid) and will be ignored\n" },
		{ "{\"regs\":{\"gpp\":\"DBABT~1YYN\",\"gpp_sid\":[6],\"us_privacy\":\"1YNN\"}}",
		  "general:10001:regs.us_privacy consent does not match uspv1 in GPP, using regs.gpp\n" },
		{ "{\"regs\":{\"us_privacy\":\"1YY\"}}",
		  "general:10001:CCPA consent is invalid and will be ignored. (request.regs.ext.us_privacy "
		  "must contain 4 "
		  "characters)\nprebid:10001:request.regs.ext.us_privacy must contain 4 characters\n" },
		{ "{\"regs\":{\"gdpr\":1}}", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct outcome o;
		struct buf b;

		judge(&o, rows[i].request, false, false, true);
		assert_int_equal(o.err, 0);
		buf_init(&b, 4096);
		for (const struct privacy_message *m = o.p->messages; m; m = m->next)
			buf_addf(&b, "%s:%d:" STR_FMT "\n", m->bucket, m->code, STR_ARG(m->text));
		CHECK_STR(rows[i].request, buf_str(&b), rows[i].texts);
		buf_deinit(&b);
		outcome_deinit(&o);
	}
}

static void strict_mode_refuses(void **state)
{
	static const struct {
		const char *why, *request, *error; /* NULL: accepted */
	} rows[] = {
		{ "no consent where it is needed", "{\"regs\":{\"gdpr\":1}}",
		  "GDPR applies (regs.gdpr) and there is no consent string in user.consent or regs.gpp" },
		{ "malformed consent", "{\"regs\":{\"gdpr\":1},\"user\":{\"consent\":\"CPXxRfAPXxRf\"}}",
		  "GDPR applies (regs.gdpr) and the consent string in user.consent is malformed: vendor "
		  "consent strings are at "
		  "least 29 bytes long. This one was 9" },
		{ "a bad GPP string", "{\"regs\":{\"gpp\":\"X\"}}",
		  "request.regs.gpp is invalid: error parsing GPP header, should be at least 3 bytes long" },
		{ "a bad US privacy string", "{\"regs\":{\"us_privacy\":\"2YNN\"}}",
		  "request.regs.ext.us_privacy must specify version 1" },
		{ "GDPR does not apply", "{\"regs\":{\"gdpr\":0}}", NULL },
		{ "nothing said", "{}", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct outcome o;

		judge(&o, rows[i].request, true, false, true);
		CHECK(rows[i].why, o.err == (rows[i].error ? ERR_INPUT : 0));
		CHECK_STR(rows[i].why, str_of(o.why.text), rows[i].error ? rows[i].error : "");
		outcome_deinit(&o);
	}
}

static void older_bidders_get_older_signals(void **state)
{
	struct outcome o;
	json_t *out;

	(void)state;
	judge(&o, "{\"regs\":{\"gpp\":\"DBACNY~COther~1YNN\",\"gpp_sid\":[2,6]},\"user\":{\"consent\":null}}",
	      false, true, false);
	assert_int_equal(o.err, 0);
	assert_null(o.p->messages);
	out = json_copy(o.request);
	o.p->bidders[0].scrub = 0;
	privacy_apply(o.p, 0, out, NULL);
	assert_int_equal(json_int_at(out, "regs.gdpr", -1), 1);
	CHECK_STR("TC string", json_str_at(out, "user.consent"), "COther");
	CHECK_STR("US privacy", json_str_at(out, "regs.us_privacy"), "1YNN");
	CHECK_STR("GPP stays", json_str_at(out, "regs.gpp"), "DBACNY~COther~1YNN");
	assert_null(json_at(o.request, "regs.gdpr"));
	CHECK_STR("blocked text", privacy_blocked_text(&o.p->bidders[0], o.arena),
		  "bidder \"one-core\" blocked by privacy settings");
	json_decref(out);
	outcome_deinit(&o);
}

static void says_why(void **state)
{
	struct outcome o;
	json_t *debug;

	(void)state;
	judge(&o, "{\"regs\":{\"gdpr\":1,\"coppa\":1},\"user\":{\"consent\":\"CPXx\"}}", false, false, true);
	debug = privacy_debug_new(o.p);
	CHECK_STR("state", json_str_at(debug, "gdpr.consent"), "malformed");
	CHECK_STR("source", json_str_at(debug, "gdpr.source"), "regs.gdpr");
	CHECK_STR("verdict", json_str_at(debug, "bidders.one.verdict"), "blocked");
	CHECK_STR("first rule", json_str_at(json_array_get(json_at(debug, "bidders.one.rules"), 0), "rule"),
		  "gdpr_purpose_2");
	assert_true(json_is_true(json_at(debug, "coppa")));
	json_decref(debug);
	outcome_deinit(&o);
}

/* What a bidder does not lose it has in common with all others, by reference. */
static void what_nobody_loses_stays_shared(void **state)
{
	static const struct {
		const char *why, *request;
		bool copies_people;
	} rows[] = {
		{ "no signals", "{}", false },
		{ "signals that take nothing", "{\"regs\":{\"gdpr\":0,\"us_privacy\":\"1YNN\"}}", false },
		{ "limited ad tracking", "{\"device\":{\"lmt\":1}}", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct outcome o;
		struct scrub_cache *cache;
		json_t *first, *second, *v;
		const char *key;

		judge(&o, rows[i].request, false, true, true);
		cache = scrub_cache_new(o.arena);
		first = json_copy(o.request);
		second = json_copy(o.request);
		privacy_apply(o.p, 0, first, cache);
		privacy_apply(o.p, 0, second, cache);
		json_object_foreach (o.request, key, v) {
			bool people = strcmp(key, "user") == 0 || strcmp(key, "device") == 0;
			bool shared = json_object_get(first, key) == v;

			CHECK(rows[i].why, shared == !(people && rows[i].copies_people));
			CHECK(rows[i].why, json_object_get(first, key) == json_object_get(second, key));
		}
		json_decref(first);
		json_decref(second);
		outcome_deinit(&o);
	}
}

static void settings_are_checked(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "{\"privacy\":{\"allowactivities\":{\"fetchBids\":{\"rules\":[{\"condition\":{"
		  "\"privacyreg\":[]}}]}}}}",
		  "privacy.allowactivities: fetchBids.rules[0]: the condition \"privacyreg\" is not "
		  "supported" },
		{ "{\"privacy\":{\"allowactivities\":{\"fetchBid\":{}}}}",
		  "privacy.allowactivities: there is no activity \"fetchBid\"" },
		{ "{\"gdpr\":{\"purpose2\":{\"enforce_algo\":\"fuller\"}}}",
		  "gdpr.purpose2.enforce_algo must be \"basic\" or \"full\"" },
		{ "{\"gdpr\":{\"purpose3\":{\"vendor_exceptions\":[1]}}}",
		  "gdpr.purpose3.vendor_exceptions[0] must be a name" },
		{ "{\"privacy\":{\"allowactivities\":{\"fetchBids\":{\"rules\":[{\"condition\":{\"geo\":["
		  "\"USA\"],\"GEO\":[\"GBR\"]}}]}}}}",
		  "privacy.allowactivities: fetchBids.rules[0]: GEO must be one list of names" },
		{ "{\"ccpa\":{\"enabled\":\"yes\"}}", "ccpa.enabled must be true or false" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *tree = json_parse(str_of(rows[i].text), NULL);
		struct privacy_account *account;
		struct errtext why = { "" };

		CHECK(rows[i].text, privacy_account_parse(tree, &why, &account) == ERR_INPUT);
		CHECK_STR(rows[i].text, str_of(why.text), rows[i].error);
		json_decref(tree);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walks_bidder_consent_scope_and_activity),
		cmocka_unit_test(settings_overlay),
		cmocka_unit_test(other_signals),
		cmocka_unit_test(warns_in_the_reference_s_words),
		cmocka_unit_test(strict_mode_refuses),
		cmocka_unit_test(older_bidders_get_older_signals),
		cmocka_unit_test(says_why),
		cmocka_unit_test(what_nobody_loses_stays_shared),
		cmocka_unit_test(settings_are_checked),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
