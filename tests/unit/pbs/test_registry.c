#include "pbs/adapters/registry.h"

#include <dirent.h>
#include <stdio.h>

#include "common/err.h"
#include "common/mem.h"
#include "common/yaml.h"
#include "pbs/adapters/capabilities.h"
#include "tests/check.h"

static json_t *yaml(struct arena *a, const char *text)
{
	struct errtext why = { "" };
	json_t *j = yaml_parse(str_of(text), "test", &why);

	if (!j)
		fail_msg("%s in %s", why.text, text);
	return arena_own_json(a, j);
}

static const char parent_file[] = "endpoint: http://p.example\n"
				  "gvlVendorID: 7\n"
				  "endpointCompression: GZIP\n"
				  "openrtb: {version: 2.6, gpp-supported: true}\n"
				  "capabilities: {site: {mediaTypes: [banner, video]}}\n"
				  "userSync: {key: pkey, redirect: {url: u, userMacro: $UID}}\n";

static void info_is_read(void **state)
{
	struct arena *a = arena_new();
	struct bidder_info parent, alias, host;

	(void)state;
	CHECK("a full file", bidder_info_parse(a, "p", yaml(a, parent_file), NULL, NULL, &parent, NULL) == 0);
	CHECK("compression ignores case", parent.gzip);
	CHECK("versions may be numbers", parent.openrtb_26 && parent.gpp_supported);
	CHECK("defaults", parent.multiformat_supported && parent.debug_allow && !parent.disabled);
	CHECK("platforms", parent.on[PLATFORM_SITE] && !parent.on[PLATFORM_APP] &&
				   parent.media[PLATFORM_SITE] == (MEDIA_BANNER | MEDIA_VIDEO));
	CHECK_STR("sync", str_of(parent.sync.redirect.user_macro), "$UID");
	CHECK("a URL is support", parent.sync.supports_redirect && !parent.sync.supports_iframe);

	CHECK("an alias", bidder_info_parse(a, "q", yaml(a, "aliasOf: p\nendpoint: http://q.example"),
					    &parent, NULL, &alias, NULL) == 0);
	CHECK_STR("what it says", str_of(alias.endpoint), "http://q.example");
	CHECK("what it inherits", alias.gzip && alias.openrtb_26);
	CHECK("what it must not inherit", alias.gvl_id == 0);
	CHECK_STR("its sync key is the parent's", str_of(alias.sync.key), "pkey");
	CHECK("without endpoints of its own", alias.sync.redirect.url == NULL);

	CHECK("the host has the last word",
	      bidder_info_parse(a, "p", yaml(a, "endpoint: x\ndisabled: true"), NULL,
				yaml(a, "enabled: true\nendpoint: y"), &host, NULL) == 0);
	CHECK_STR("on the endpoint", str_of(host.endpoint), "y");
	CHECK("and on whether it runs", !host.disabled);
	CHECK("the host may disable", bidder_info_parse(a, "p", yaml(a, parent_file), NULL,
							yaml(a, "enabled: false"), &host, NULL) == 0 &&
					      host.disabled);
	arena_free(a);
}

static void bad_info_names_the_key(void **state)
{
	static const struct {
		const char *why, *text, *want;
	} rows[] = {
		{ "a wrong type", "gvlVendorID: seven", "gvlVendorID: expected an integer" },
		{ "a nested one", "userSync: {iframe: {url: 1}}", "userSync.iframe.url: expected a string" },
		{ "an unknown media type", "capabilities: {app: {mediaTypes: [banner, film]}}",
		  "capabilities.app.mediaTypes[1]: unknown media type \"film\"" },
		{ "no time", "tmaxDeductionMs: -1", "tmaxDeductionMs: expected 0 to 10000" },
		{ "too much time", "tmaxDeductionMs: 10001", "tmaxDeductionMs: expected 0 to 10000" },
		{ "no mapping", "[1]", "(root): expected an object" },
		{ "a limit that is misspelt", "limits: {qsp: 5}", "limits.qsp: there is no such key" },
		{ "a rate of nothing", "limits: {qps: 0}", "limits.qps: 0 is not between 1 and 1000000" },
		{ "a rate that is no number", "limits: {qps: fast}", "limits.qps: expected an integer" },
		{ "a country by its short code", "limits: {countries: [DEU, FR]}",
		  "limits.countries: \"FR\" is no country of three letters, such as DEU" },
		{ "nobody", "limits: {publishers: []}", "limits.publishers: expected at least one" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena *a = arena_new();
		struct bidder_info info;
		struct errtext why = { "" };

		CHECK(rows[i].why,
		      bidder_info_parse(a, "x", yaml(a, rows[i].text), NULL, NULL, &info, &why) < 0);
		CHECK_STR(rows[i].why, str_of(why.text), rows[i].want);
		arena_free(a);
	}
}

static void limits_allow(void **state)
{
	static const struct {
		const char *why, *limits, *country, *publisher;
		bool place, publisher_too;
	} rows[] = {
		{ "nothing said allows all", "{}", "DEU", "p", true, true },
		{ "also what is unknown", "{qps: 5}", "", "", true, true },
		{ "a country of the list", "{countries: [USA, DEU, FRA]}", "DEU", "p", true, true },
		{ "another", "{countries: [USA, DEU, FRA]}", "GBR", "p", false, true },
		{ "an unknown one is none of them", "{countries: [USA]}", "", "p", false, true },
		{ "a publisher of the list", "{publishers: [q, p, r]}", "", "p", true, true },
		{ "another", "{publishers: [q, r]}", "", "p", true, false },
		{ "a part of its id", "{publishers: [pub-10]}", "", "pub-1", true, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena *a = arena_new();
		struct bidder_limits l;

		CHECK(rows[i].why, bidder_limits_read(a, yaml(a, rows[i].limits), &l, NULL) == 0);
		CHECK(rows[i].why, bidder_limits_allow_country(&l, str_of(rows[i].country)) == rows[i].place);
		CHECK(rows[i].why,
		      bidder_limits_allow_publisher(&l, str_of(rows[i].publisher)) == rows[i].publisher_too);
		arena_free(a);
	}
}

static void bidders_are_found(void **state)
{
	const struct adapter_host host = { "http://h.example", "eu", "1", 5 };
	struct registry *r = registry_new(&host);
	struct arena *a = arena_new();
	struct errtext why = { "" };
	const struct registry_bidder *b;

	(void)state;
	CHECK("code",
	      registry_add(r, "sovrn", yaml(a, parent_file), yaml(a, "{type: object}"), NULL, &why) == 0);
	CHECK("alias", registry_add(r, "Second", yaml(a, "aliasOf: sovrn"), NULL, NULL, &why) == 0);
	CHECK("no code", registry_add(r, "acme", yaml(a, parent_file), NULL, NULL, &why) == 0);
	CHECK("no endpoint", registry_add(r, "bare", yaml(a, "gvlVendorID: 1"), NULL, NULL, &why) == 0);
	CHECK("twice", registry_add(r, "ACME", yaml(a, parent_file), NULL, NULL, &why) == ERR_INPUT);
	CHECK("an orphan",
	      registry_add(r, "o", yaml(a, "aliasOf: nobody"), NULL, NULL, &why) == ERR_NOTFOUND);
	CHECK("a bad schema",
	      registry_add(r, "o", yaml(a, parent_file), yaml(a, "{type: x}"), NULL, &why) < 0);

	CHECK("failures leave nothing behind", registry_count(r) == 4);
	CHECK_STR("sorted by name", str_of(registry_at(r, 0)->info.name), "acme");
	b = registry_find(r, STR("SECOND"));
	CHECK("case is ignored", b != NULL);
	CHECK("an alias runs its parent's code", b->bidder.adapter == adapter_find(STR("sovrn")));
	CHECK("with its parent's schema", b->params && b->params == registry_find(r, STR("sovrn"))->params);
	CHECK_STR("under its own name", str_of(b->bidder.name), "Second");
	CHECK("others run on the generic one",
	      registry_find(r, STR("acme"))->bidder.adapter == adapter_find(STR("generic")));
	b = registry_find(r, STR("bare"));
	CHECK("what is not configured is disabled", b->disabled);
	CHECK_STR("and says why", str_of(b->why_disabled), "no endpoint is configured");
	CHECK("unknown", registry_find(r, STR("zz")) == NULL);
	arena_free(a);
	registry_free(r);
}

/* What a reload does when a bidder's file has become wrong. */
static void bidders_are_kept(void **state)
{
	static const struct {
		const char *why, *before, *now;
		bool kept;
		const char *endpoint; /* afterwards; NULL: no such bidder */
	} rows[] = {
		{ "one that is left out", "{endpoint: old}", NULL, true, "old" },
		{ "one that cannot be built", "{endpoint: old}",
		  "{endpoint: new, generic: {auth: {type: bearer}}}", true, "old" },
		{ "none that was not there", NULL, "{endpoint: new}", false, "new" },
		{ "none that did not run", "{endpoint: old, disabled: true}", "{endpoint: new}", false,
		  "new" },
		{ "none whose parent is gone", "{aliasOf: base}", "{endpoint: new}", false, "new" },
	};
	static const struct adapter_host host = { .gvl_id = 1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct registry *before = registry_new(&host), *now = registry_new(&host);
		struct arena *a = arena_new();
		const struct registry_bidder *b;

		registry_add(before, "base", yaml(a, "{endpoint: base}"), NULL, NULL, NULL);
		if (rows[i].before)
			registry_add(before, "x", yaml(a, rows[i].before), NULL, NULL, NULL);
		if (rows[i].now)
			registry_add(now, "x", yaml(a, rows[i].now), NULL, NULL, NULL);
		CHECK(rows[i].why, registry_keep(now, before, "x", NULL) == rows[i].kept);
		registry_free(before); /* what was kept does not live on it */
		b = registry_find(now, STR("x"));
		CHECK_STR(rows[i].why, str_of(b ? b->bidder.endpoint : ""), rows[i].endpoint);
		CHECK(rows[i].why, registry_count(now) == 1 && !b->disabled);
		registry_free(now);
		arena_free(a);
	}
}

static void adapters_are_sorted(void **state)
{
	(void)state;
	for (size_t i = 0; i < adapter_count(); i++) {
		const struct adapter *one = adapter_at(i);

		CHECK(one->name, one->make_requests && one->parse_bids);
		CHECK(one->name, i == 0 || strcmp(adapter_at(i - 1)->name, one->name) < 0);
	}
}

static struct str base_name(const char *file, struct str suffix)
{
	struct str s = str_of(file);

	return str_ends(s, suffix) ? (struct str){ s.p, s.n - suffix.n } : STR("");
}

/* Every file that is shipped can be read, and every bidder but an alias has a schema. */
static void shipped_files(void **state)
{
	struct dirent *entry;
	DIR *dir = opendir("pbs/config/bidder-info");
	size_t n = 0;

	(void)state;
	if (!dir)
		skip();
	while ((entry = readdir(dir))) {
		struct str name = base_name(entry->d_name, STR(".yaml"));
		struct arena *a = arena_new();
		struct bidder_info info;
		struct errtext why = { "" };
		char path[512];
		json_t *file, *params;
		struct schema *schema;

		if (name.n == 0) {
			arena_free(a);
			continue;
		}
		(void)snprintf(path, sizeof path, "pbs/config/bidder-info/%s", entry->d_name);
		file = yaml_parse_file(path, 1 << 20, &why);
		if (!file || bidder_info_parse(a, "x", arena_own_json(a, file), NULL, NULL, &info, &why) < 0)
			fail_msg("%s: %s", path, why.text);
		(void)snprintf(path, sizeof path, "pbs/config/bidder-params/" STR_FMT ".json", STR_ARG(name));
		params = json_parse_file(path, 1 << 20, &why);
		if (!info.alias_of) {
			schema = schema_new(params, &why);
			if (!schema)
				fail_msg("%s: %s", path, why.text);
			schema_free(schema);
		}
		json_decref(params);
		arena_free(a);
		n++;
	}
	closedir(dir);
	CHECK("there are some", n > 0);
}

/* Without the words that only describe. */
static json_t *bare_schema(json_t *j)
{
	const char *key;
	json_t *v, *out;

	if (json_is_array(j)) {
		out = json_array();
		for (size_t i = 0; i < json_array_size(j); i++)
			json_array_append_new(out, bare_schema(json_array_get(j, i)));
		return out;
	}
	if (!json_is_object(j))
		return json_incref(j);
	out = json_object();
	json_object_foreach (j, key, v) {
		bool words = strcmp(key, "description") == 0 || strcmp(key, "title") == 0 ||
			     strcmp(key, "$schema") == 0;

		if (!words || !json_is_string(v))
			json_object_set_new(out, key, bare_schema(v));
	}
	return out;
}

/* Publishers' parameters must pass or fail here as they do elsewhere. */
static void schemas_agree_with_the_published(void **state)
{
	struct dirent *entry;
	DIR *dir = opendir("../shared/vectors/params");

	(void)state;
	if (!dir)
		skip();
	while ((entry = readdir(dir))) {
		char ours[512], theirs[512];
		json_t *a, *b, *bare_a, *bare_b;

		(void)snprintf(ours, sizeof ours, "pbs/config/bidder-params/%s", entry->d_name);
		(void)snprintf(theirs, sizeof theirs, "../shared/vectors/params/%s", entry->d_name);
		a = entry->d_name[0] == '.' ? NULL : json_parse_file(ours, 1 << 20, NULL);
		if (!a)
			continue;
		b = json_parse_file(theirs, 1 << 20, NULL);
		bare_a = bare_schema(a);
		bare_b = bare_schema(b);
		CHECK(ours, json_equal(bare_a, bare_b));
		json_decref(bare_a);
		json_decref(bare_b);
		json_decref(a);
		json_decref(b);
	}
	closedir(dir);
}

#define ONE_FORMAT                                                                                           \
	"{openrtb: {multiformat-supported: false}, capabilities: {site: {mediaTypes: [banner, video]}}}"
#define NOTHING_LEFT "W Bid request didn't contain media types supported by the bidder"

static void capabilities(void **state)
{
	static const struct {
		const char *why, *info, *request;
		const char *preferred;
		bool go;
		const char *imps, *errors;
	} rows[] = {
		{ "a platform that is not listed ends it", "{capabilities: {site: {mediaTypes: [banner]}}}",
		  "{app: {}, imp: [{id: a, banner: {}}]}", "", false, NULL,
		  "W this bidder does not support app requests" },
		{ "site is looked at before app", "{}", "{app: {}, site: {}, imp: []}", "", false, NULL,
		  "W this bidder does not support site requests" },
		{ "the last platform's media apply",
		  "{capabilities: {site: {mediaTypes: [banner]}, app: {mediaTypes: [video]}}}",
		  "{app: {}, site: {}, imp: [{id: a, banner: {}, video: {}}]}", "", true,
		  "[{id: a, video: {}}]",
		  "W request.imp[0] uses banner, but this bidder doesn't support it" },
		{ "imps that have nothing left go; positions are the original ones",
		  "{capabilities: {site: {mediaTypes: [native]}}}",
		  "{site: {}, imp: [{id: a, audio: {}}, {id: b, native: {}}, {id: c}]}", "", true,
		  "[{id: b, native: {}}]",
		  "W request.imp[0] uses audio, but this bidder doesn't support it | "
		  "2 request.imp[0] has no supported MediaTypes. It will be ignored | "
		  "2 request.imp[2] has no supported MediaTypes. It will be ignored" },
		{ "nothing is left", "{capabilities: {site: {mediaTypes: [native]}}}",
		  "{site: {}, imp: [{id: a}]}", "", false, NULL,
		  "2 request.imp[0] has no supported MediaTypes. It will be ignored | "
		  "W Bid request didn't contain media types supported by the bidder" },
		{ "one format only",
		  "{openrtb: {multiformat-supported: false}, capabilities: {site: {mediaTypes: [banner, "
		  "video]}}}",
		  "{site: {}, imp: [{id: a, banner: {}, video: {}}]}", "video", true, "[{id: a, video: {}}]",
		  "W Imp a uses banner, removing banner as the bidder doesn't support multi-format" },
		{ "nobody says which format", ONE_FORMAT, "{site: {}, imp: [{id: a, banner: {}, video: {}}]}",
		  "", false, NULL,
		  "2 Removing the imp a as the bidder does not support multi-format and preferred media type "
		  "is not defined for the bidder | " NOTHING_LEFT },
		{ "the imp does not have that format", ONE_FORMAT,
		  "{site: {}, imp: [{id: a, banner: {}, video: {}}]}", "native", false, NULL,
		  "2 Imp a does not have a preferred NATIVE media type. It will be ignored. "
		  "| " NOTHING_LEFT },
		{ "no such format", ONE_FORMAT, "{site: {}, imp: [{id: a, banner: {}, video: {}}]}", "popup",
		  false, NULL,
		  "2 Imp a has an invalid preferred media type: popup. It will be ignored. | " NOTHING_LEFT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena *a = arena_new();
		struct bidder_info info;
		struct adapter_calls calls;
		json_t *shared = yaml(a, rows[i].request),
		       *frozen = arena_own_json(a, json_deep_copy(shared));
		json_t *root = arena_own_json(a, adapter_request_copy(shared));
		struct buf text;

		CHECK(rows[i].why,
		      bidder_info_parse(a, "x", yaml(a, rows[i].info), NULL, NULL, &info, NULL) == 0);
		adapter_calls_init(&calls, a);
		CHECK(rows[i].why, capabilities_apply(root, &info, str_of(rows[i].preferred),
						      &calls.errors) == rows[i].go);
		buf_init(&text, 4096);
		for (const struct adapter_error *e = calls.errors.first; e; e = e->next) {
			buf_add_z(&text, e == calls.errors.first ? "" : " | ");
			if (e->warning)
				buf_addf(&text, "W %s", e->text);
			else
				buf_addf(&text, "%d %s", e->code, e->text);
		}
		CHECK_STR(rows[i].why, buf_str(&text), rows[i].errors);
		buf_deinit(&text);
		if (rows[i].imps)
			CHECK(rows[i].why, json_equal(json_object_get(root, "imp"), yaml(a, rows[i].imps)));
		CHECK("what is shared stays as it was", json_equal(shared, frozen));
		arena_free(a);
	}
}

/* The check that vectors and table tests rely on to catch an adapter that changes shared parts. */
static void careless_changes_show(void **state)
{
	struct arena *a = arena_new();
	json_t *shared = yaml(a, "{imp: [{id: a, banner: {w: 1}}], site: {id: s}}");
	json_t *frozen = arena_own_json(a, json_deep_copy(shared));
	json_t *root = arena_own_json(a, adapter_request_copy(shared));
	json_t *imp = json_array_get(json_object_get(root, "imp"), 0);

	(void)state;
	json_set_str(imp, "tagid", STR("t"));
	json_set_int(json_own(imp, "banner"), "w", 2);
	json_set_str(json_own_object(root, "site"), "id", STR("other"));
	CHECK("own and unshared parts may change", json_equal(shared, frozen));
	root = arena_own_json(a, adapter_request_copy(shared));
	json_set_int(json_object_get(json_array_get(json_object_get(root, "imp"), 0), "banner"), "w", 3);
	CHECK("a change of what is shared is seen", !json_equal(shared, frozen));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(info_is_read),          cmocka_unit_test(bad_info_names_the_key),
		cmocka_unit_test(bidders_are_found),     cmocka_unit_test(limits_allow),
		cmocka_unit_test(bidders_are_kept),      cmocka_unit_test(adapters_are_sorted),
		cmocka_unit_test(shipped_files),         cmocka_unit_test(capabilities),
		cmocka_unit_test(careless_changes_show), cmocka_unit_test(schemas_agree_with_the_published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
