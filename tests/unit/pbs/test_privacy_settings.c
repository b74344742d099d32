/* Where the host's privacy settings come from, and how long an account's are kept. */
#include "pbs/privacy_settings.h"

#include "common/err.h"
#include "common/json.h"
#include "pbs/config.h"
#include "pbs/privacy/activity.h"
#include "tests/check.h"

static struct conf *load(const char *const *settings)
{
	struct errtext why;
	struct conf *c = conf_load(&pbs_conf_table, NULL, (char *const *)(uintptr_t)settings, &why);

	if (!c)
		fail_msg("%s", why.text);
	return c;
}

static void the_host_is_strict_where_nobody_says_otherwise(void **state)
{
	static const char *const none[] = { NULL };
	struct conf *c = load(none);
	struct privacy_host *h;
	struct errtext why;

	(void)state;
	assert_int_equal(privacy_settings_host(conf_values(c), &why, &h), 0);
	CHECK("all is enforced", h->enforce_gdpr && h->enforce_ccpa && h->enforce_coppa && h->lmt_enforce &&
					 h->ccpa_enforce && h->gdpr_enabled && h->strict_disclosed_vendors);
	CHECK("but nothing is refused", !h->strict && !h->strict_missing_list && !h->gdpr_default_applies);
	CHECK("the EEA is known", names_has(&h->gdpr.eea_countries, STR("fra")));
	privacy_host_free(h);
	conf_free(c);
}

static void the_environment_reaches_the_host(void **state)
{
	static const char *const settings[] = {
		"PBS_ENFORCE_GDPR=false",         "PBS_ENFORCE_CCPA=false",
		"PBS_ENFORCE_COPPA=false",        "PBS_PRIVACY_STRICT_MODE=true",
		"PBS_GDPR_DEFAULT_VALUE=1",       "PBS_GDPR_HOST_VENDOR_ID=77",
		"PBS_GDPR_EEA_COUNTRIES=CHE,NOR", "PBS_GDPR_VENDOR_LIST_WHEN_MISSING=strict",
		"PBS_LMT_ENFORCE=false",          NULL
	};
	struct conf *c = load(settings);
	struct privacy_host *h;
	struct errtext why;

	(void)state;
	assert_int_equal(privacy_settings_host(conf_values(c), &why, &h), 0);
	CHECK("switches", !h->enforce_gdpr && !h->enforce_ccpa && !h->enforce_coppa && h->strict);
	CHECK("settings", h->gdpr_default_applies && h->host_vendor_id == 77 && h->strict_missing_list &&
				  !h->lmt_enforce);
	CHECK("countries", names_has(&h->gdpr.eea_countries, STR("CHE")) &&
				   !names_has(&h->gdpr.eea_countries, STR("FRA")));
	privacy_host_free(h);
	conf_free(c);
}

static json_t *account_new(int bits)
{
	return json_pack("{s:{s:{s:i},s:{s:{s:b}}}}", "privacy", "ipv4", "anon_keep_bits", bits,
			 "allowactivities", "fetchBids", "default", 0);
}

static void accounts_are_parsed_once(void **state)
{
	struct privacy_accounts *accounts = privacy_accounts_new();
	struct arena *a = arena_new();
	json_t *key = account_new(8), *merged = account_new(8);
	const struct privacy_account *one, *two;
	struct errtext why;

	(void)state;
	assert_int_equal(privacy_accounts_get(accounts, NULL, NULL, NULL, a, &why, &one), 0);
	CHECK("no settings", one == NULL);
	assert_int_equal(privacy_accounts_get(accounts, key, NULL, merged, a, &why, &one), 0);
	json_decref(merged); /* the next request merges anew */
	merged = account_new(8);
	assert_int_equal(privacy_accounts_get(accounts, key, NULL, merged, a, &why, &two), 0);
	CHECK("the same", one == two && one->ipv4_keep_bits == 8);
	json_decref(merged);
	json_decref(key);
	privacy_accounts_free(accounts);
	CHECK("in use until the arena goes",
	      !activity_allowed(one->activities, ACTIVITY_FETCH_BIDS, COMPONENT_BIDDER, STR("x"),
				&(struct activity_scope){ 0 }));
	arena_free(a);
}

/* A reload of the configuration changes what lies beneath an account that stays. */
static void new_defaults_make_new_settings(void **state)
{
	struct privacy_accounts *accounts = privacy_accounts_new();
	struct arena *a = arena_new();
	json_t *stored = json_object(), *before = account_new(8), *after = account_new(16);
	const struct privacy_account *one, *two;
	struct errtext why;

	(void)state;
	assert_int_equal(privacy_accounts_get(accounts, stored, before, before, a, &why, &one), 0);
	assert_int_equal(privacy_accounts_get(accounts, stored, after, after, a, &why, &two), 0);
	CHECK("who began with the old ones keeps them", one->ipv4_keep_bits == 8);
	CHECK("the next has the new ones", two->ipv4_keep_bits == 16);
	json_decref(stored);
	json_decref(before);
	json_decref(after);
	arena_free(a);
	privacy_accounts_free(accounts);
}

/* More accounts than there is room for: each auction has its own account's settings all the same. */
static void accounts_displace_each_other(void **state)
{
	enum { ACCOUNTS = 1000 };
	struct privacy_accounts *accounts = privacy_accounts_new();
	struct arena *a = arena_new();
	const struct privacy_account *got[ACCOUNTS];
	struct errtext why;

	(void)state;
	for (int i = 0; i < ACCOUNTS; i++) {
		json_t *account = account_new(i % 33);

		assert_int_equal(privacy_accounts_get(accounts, account, NULL, account, a, &why, &got[i]), 0);
		json_decref(account);
	}
	for (int i = 0; i < ACCOUNTS; i++)
		assert_int_equal(got[i]->ipv4_keep_bits, i % 33);
	arena_free(a);
	privacy_accounts_free(accounts);
}

static void mistakes_are_not_kept(void **state)
{
	struct privacy_accounts *accounts = privacy_accounts_new();
	struct arena *a = arena_new();
	json_t *bad = json_pack("{s:s}", "gdpr", "on"), *good = account_new(1);
	const struct privacy_account *got;
	struct errtext why;

	(void)state;
	for (int i = 0; i < 2; i++) {
		CHECK("refused each time",
		      privacy_accounts_get(accounts, bad, NULL, bad, a, &why, &got) == ERR_INPUT);
		CHECK_STR("and says why", str_of(why.text), "gdpr must be an object");
	}
	CHECK("others are served",
	      privacy_accounts_get(accounts, good, NULL, good, a, &why, &got) == 0 && got);
	json_decref(bad);
	json_decref(good);
	arena_free(a);
	privacy_accounts_free(accounts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_host_is_strict_where_nobody_says_otherwise),
		cmocka_unit_test(the_environment_reaches_the_host),
		cmocka_unit_test(accounts_are_parsed_once),
		cmocka_unit_test(new_defaults_make_new_settings),
		cmocka_unit_test(accounts_displace_each_other),
		cmocka_unit_test(mistakes_are_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
