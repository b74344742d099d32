/* The vendor list, and what it allows to be synchronised. */
#include "pbs/privacy/gvl.h"

#include "common/err.h"
#include "common/json.h"
#include "pbs/privacy/sync.h"
#include "tests/check.h"
#include "tests/unit/pbs/tc_string.h"

static const char list[] =
	"{\"gvlSpecificationVersion\":3,\"vendorListVersion\":7,\"tcfPolicyVersion\":5,\"vendors\":{"
	"\"1\":{\"id\":1,\"purposes\":[1,2,11],\"legIntPurposes\":[7],\"flexiblePurposes\":[2],"
	"\"specialPurposes\":[1,2],"
	"\"specialFeatures\":[1,2]},"
	"\"4\":{\"id\":4,\"purposes\":[2],\"legIntPurposes\":[1]},"
	"\"9\":{\"purposes\":[1]},\"nonsense\":{\"purposes\":[1]},\"12\":null,\"70000\":{\"id\":70000}}}";

static void reads_vendors(void **state)
{
	struct errtext why;
	struct gvl *g = gvl_parse(str_of(list), &why);
	const struct gvl_vendor *v;

	(void)state;
	assert_non_null(g);
	assert_int_equal(g->specification, 3);
	assert_int_equal(g->version, 7);
	assert_int_equal(g->policy_version, 5);
	assert_int_equal(g->n_vendors, 3);
	v = gvl_find(g, 1);
	assert_non_null(v);
	assert_int_equal(v->purposes, 1 | 2 | 1 << 10);
	assert_int_equal(v->li_purposes, 1 << 6);
	assert_int_equal(v->flexible_purposes, 2);
	assert_int_equal(v->special_purposes, 3);
	assert_int_equal(v->special_features, 3);
	assert_non_null(gvl_find(g, 9)); /* the key names it */
	assert_null(gvl_find(g, 0));
	assert_null(gvl_find(g, 2));
	assert_null(gvl_find(g, 12));
	assert_null(gvl_find(g, 70000));
	assert_null(gvl_find(NULL, 1));
	gvl_free(g);
}

static void refuses_what_is_no_list(void **state)
{
	static const struct {
		const char *why, *text;
	} rows[] = {
		{ "not JSON", "<html>" },
		{ "not a list", "[]" },
		{ "no vendors", "{\"vendorListVersion\":1}" },
		{ "no version", "{\"vendors\":{}}" },
		{ "version 0", "{\"vendorListVersion\":0,\"vendors\":{}}" },
		{ "a version that no string can name", "{\"vendorListVersion\":4096,\"vendors\":{}}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct errtext why = { "" };

		CHECK(rows[i].why, gvl_parse(str_of(rows[i].text), &why) == NULL);
		CHECK(rows[i].why, why.text[0]);
	}
}

static const struct gvl *find_gvl(void *ctx, unsigned specification, unsigned version)
{
	const struct gvl *g = ctx;

	return specification == g->specification && version == g->version ? g : NULL;
}

static void sync_needs_purpose_one(void **state)
{
	static const struct {
		const char *why, *host, *account;
		struct tc_fields tc;
		int no_consent; /* leave the string out */
		int8_t gdpr;
		const char *core;
		uint16_t gvl_id; /* the host when core is NULL */
		int want;
	} rows[] = {
#define CONSENT { .list_version = 7, .purposes = 1, .vendors = 9, .policy_version = 5 }
		{ "GDPR does not apply", "{}", "{}", { 0 }, 1, TRI_NO, "a", 1, 0 },
		{ "unknown, and the host's default is no", "{}", "{}", { 0 }, 1, TRI_UNSET, "a", 1, 0 },
		{ "unknown, and the host's default is yes",
		  "{\"gdpr\":{\"default_value\":\"1\"}}",
		  "{}",
		  { 0 },
		  1,
		  TRI_UNSET,
		  "a",
		  1,
		  ERR_DENIED },
		{ "no consent", "{}", "{}", { 0 }, 1, TRI_YES, "a", 1, ERR_DENIED },
		{ "consent", "{}", "{}", CONSENT, 0, TRI_YES, "a", 1, 0 },
		{ "consent, but no vendor id", "{}", "{}", CONSENT, 0, TRI_YES, "a", 0, ERR_DENIED },
		{ "consent, but a vendor that is gone", "{}", "{}", CONSENT, 0, TRI_YES, "a", 3, ERR_DENIED },
		{ "consent, vendor 4 asks for legitimate interest", "{}", "{}", CONSENT, 0, TRI_YES, "a", 4,
		  ERR_DENIED },
		{ "… which the string gives",
		  "{}",
		  "{}",
		  { .list_version = 7, .purposes_li = 1, .vendors_li = 8 },
		  0,
		  TRI_YES,
		  "a",
		  4,
		  0 },
		{ "a vendor list that is not at hand",
		  "{}",
		  "{}",
		  { .list_version = 8, .purposes = 1, .vendors = 9 },
		  0,
		  TRI_YES,
		  "a",
		  1,
		  ERR_DENIED },
		{ "purpose 1 not enforced",
		  "{}",
		  "{\"gdpr\":{\"purpose1\":{\"enforce_purpose\":false}}}",
		  { .list_version = 7 },
		  0,
		  TRI_YES,
		  "a",
		  1,
		  0 },
		{ "purpose one treatment",
		  "{}",
		  "{}",
		  { .list_version = 7, .p1_treatment = true },
		  0,
		  TRI_YES,
		  "a",
		  1,
		  0 },
		{ "purpose one treatment without access",
		  "{}",
		  "{\"gdpr\":{\"purpose_one_treatment\":{\"access_allowed\":false}}}",
		  { .list_version = 7, .p1_treatment = true },
		  0,
		  TRI_YES,
		  "a",
		  1,
		  ERR_DENIED },
		{ "… spelled as the reference reads it",
		  "{}",
		  "{\"gdpr\":{\"purpose_one_treatment\":{\"accessallowed\":false}}}",
		  { .list_version = 7, .p1_treatment = true },
		  0,
		  TRI_YES,
		  "a",
		  1,
		  ERR_DENIED },
		{ "an exception",
		  "{}",
		  "{\"gdpr\":{\"purpose1\":{\"vendor_exceptions\":[\"a\"]}}}",
		  { .list_version = 7 },
		  0,
		  TRI_YES,
		  "a",
		  1,
		  0 },
		{ "a host without vendor id", "{}", "{}", { 0 }, 1, TRI_YES, NULL, 0, 0 },
		{ "a host with consent", "{\"gdpr\":{\"host_vendor_id\":1}}", "{}", CONSENT, 0, TRI_YES, NULL,
		  0, 0 },
		{ "a host without", "{\"gdpr\":{\"host_vendor_id\":9}}", "{}", CONSENT, 0, TRI_YES, NULL, 0,
		  ERR_DENIED },
		{ "nothing is enforced",
		  "{\"privacy\":{\"enforce_gdpr\":false}}",
		  "{}",
		  { 0 },
		  1,
		  TRI_YES,
		  "a",
		  1,
		  0 },
	};
	struct gvl *gvl = gvl_parse(str_of(list), NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *host_tree = json_parse(str_of(rows[i].host), NULL);
		json_t *account_tree = json_parse(str_of(rows[i].account), NULL);
		char *tc = rows[i].no_consent ? xstrdup("") : tc_string(&rows[i].tc);
		struct privacy_sync in = { .gdpr = rows[i].gdpr,
					   .consent = str_of(tc),
					   .find_gvl = find_gvl,
					   .ctx = gvl,
					   .latest_gvl = gvl };
		struct privacy_account *account;
		struct privacy_host *host;
		struct arena *a = arena_new();
		struct errtext why;
		int err;

		assert_int_equal(privacy_host_parse(host_tree, &why, &host), 0);
		assert_int_equal(privacy_account_parse(account_tree, &why, &account), 0);
		in.host = host;
		in.account = account;
		err = rows[i].core ? privacy_sync_bidder(&in, str_of(rows[i].core), rows[i].gvl_id, a, &why)
				   : privacy_sync_host(&in, a, &why);
		if (err != rows[i].want)
			fail_msg("%s: got %s", rows[i].why, err_name(err));
		in.consent = STR("CPX");
		if (rows[i].want == ERR_DENIED && rows[i].core && rows[i].gvl_id == 1)
			CHECK(rows[i].why, privacy_sync_bidder(&in, STR("a"), 1, a, &why) == ERR_INPUT);
		privacy_account_free(account);
		privacy_host_free(host);
		json_decref(account_tree);
		json_decref(host_tree);
		arena_free(a);
		free(tc);
	}
	gvl_free(gvl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_vendors),
		cmocka_unit_test(refuses_what_is_no_list),
		cmocka_unit_test(sync_needs_purpose_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
