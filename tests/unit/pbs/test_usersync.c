/* The uids cookie, syncers made from bidder info, and which ids go when the cookie is full. */
#include "common/base64.h"
#include "common/json.h"
#include "pbs/adapters/registry.h"
#include "pbs/usersync/eject.h"
#include "pbs/usersync/syncer.h"
#include "pbs/usersync/uids.h"
#include "tests/check.h"

static const int64_t NOW_US = 1788256800500000; /* 2026-09-01T10:00:00.5Z */

static void read_json(struct uids *u, struct arena *a, const char *json)
{
	struct buf b;

	buf_init(&b, 65536);
	base64url_write(&b, str_of(json));
	uids_read(u, a, buf_str(&b));
	buf_deinit(&b);
}

static struct str written(const struct uids *u, struct arena *a)
{
	struct buf b, json;
	struct str out;

	buf_init(&b, 65536);
	buf_init(&json, 65536);
	uids_write(u, &b);
	CHECK("padded", b.n % 4 == 0);
	CHECK("base64", base64url_parse(buf_str(&b), &json));
	out = arena_str(a, buf_str(&json));
	buf_deinit(&b);
	buf_deinit(&json);
	return out;
}

static void cookies_are_read_and_written(void **state)
{
	static const struct {
		const char *why, *in, *out; /* out: as it is written again; "" = an empty cookie */
	} rows[] = {
		{ "an entry keeps its text",
		  "{\"tempUIDs\":{\"adnxs\":{\"uid\":\"123\",\"expires\":"
		  "\"2026-09-01T10:00:00.5Z\"}}}",
		  "{\"tempUIDs\":{\"adnxs\":{\"uid\":\"123\",\"expires\":\"2026-09-01T10:00:00.5Z\"}}}" },
		{ "keys are sorted",
		  "{\"tempUIDs\":{\"b\":{\"uid\":\"2\",\"expires\":\"2026-09-01T10:00:00Z\"},\"a\":{\"uid\":"
		  "\"1\",\"expires\":\"2026-09-01T10:00:00+02:00\"}}}",
		  "{\"tempUIDs\":{\"a\":{\"uid\":\"1\",\"expires\":\"2026-09-01T10:00:00+02:00\"},\"b\":{"
		  "\"uid\":\"2\",\"expires\":\"2026-09-01T10:00:00Z\"}}}" },
		{ "one bad timestamp empties all",
		  "{\"tempUIDs\":{\"a\":{\"uid\":\"1\",\"expires\":\"2026-09-01T10:00:00Z\"},\"b\":{\"uid\":"
		  "\"2\",\"expires\":\"2026-09-01\"}}}",
		  "" },
		{ "a fraction needs digits",
		  "{\"tempUIDs\":{\"a\":{\"uid\":\"1\",\"expires\":\"2026-09-01T10:00:00.Z\"}}}", "" },
		{ "the older members are not read", "{\"uids\":{\"adnxs\":\"1\"},\"bday\":\"x\"}", "" },
		{ "opting out drops ids",
		  "{\"tempUIDs\":{\"a\":{\"uid\":\"1\",\"expires\":\"2026-09-01T10:00:00Z\"}},\"optout\":"
		  "true}",
		  "{\"optout\":true}" },
		{ "an id that means nothing is dropped",
		  "{\"tempUIDs\":{\"audienceNetwork\":{\"uid\":\"0\",\"expires\":\"2026-09-01T10:00:00Z\"}}}",
		  "" },
		{ "not an object", "[]", "" },
		{ "not JSON", "{", "" },
		{ "mistyped", "{\"optout\":\"yes\"}", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *a = arena_new();
		struct uids u;

		read_json(&u, a, rows[i].in);
		CHECK_STR(rows[i].why, written(&u, a), rows[i].out);
		arena_free(a);
	}
}

static void ids_live_for_two_weeks(void **state)
{
	struct arena *a = arena_new();
	struct uids u;

	(void)state;
	uids_read(&u, a, STR(""));
	CHECK("set", uids_set(&u, STR("k"), STR("1"), NOW_US));
	CHECK_STR("fourteen days on", written(&u, a),
		  "{\"tempUIDs\":{\"k\":{\"uid\":\"1\",\"expires\":\"2026-09-15T10:00:00.500000Z\"}}}");
	CHECK("live", uids_is_live(&u, STR("k"), NOW_US) && uids_has_live(&u, NOW_US));
	CHECK("not for ever", !uids_is_live(&u, STR("k"), NOW_US + 14 * 86400 * INT64_C(1000000)));
	CHECK("kept all the same", uids_find(&u, STR("k")) != NULL);
	CHECK("refused", !uids_set(&u, STR("audienceNetwork"), STR("0"), NOW_US));
	for (int i = 0; i < 40; i++)
		CHECK("many", uids_set(&u, str_of(arena_printf(a, "k%d", i)), STR("x"), NOW_US));
	for (int i = 0; i < 40; i += 2)
		uids_remove(&u, str_of(arena_printf(a, "k%d", i)));
	CHECK("others stay", u.n == 21 && uids_find(&u, STR("k39")) && !uids_find(&u, STR("k38")));
	arena_free(a);
}

/* --- syncers --- */

struct rig {
	struct registry *registry;
	struct syncers *syncers;
	struct errtext why;
};

#define IFRAME(host) "\"iframe\":{\"url\":\"https://" host "/i?r={{.RedirectURL}}\",\"userMacro\":\"$UID\"}"

static void make(struct rig *r, const char *const (*bidders)[2])
{
	static const struct adapter_host host = { .external_url = "https://h.example" };
	const struct syncers_options opt = { STR("https://pbs.example"), STR("") };
	const char *wrong;

	r->registry = registry_new(&host);
	for (; (*bidders)[0]; bidders++) {
		char text[1024];
		json_t *file;

		snprintf(text, sizeof text,
			 "{\"endpoint\":\"https://b.example/\",\"maintainer\":{\"email\":\"a@b.example\"},"
			 "\"capabilities\":{\"site\":{\"mediaTypes\":[\"banner\"]}},\"userSync\":%s}",
			 (*bidders)[1]);
		file = json_parse(str_of(text), &r->why);
		CHECK((*bidders)[0], file != NULL);
		CHECK((*bidders)[0],
		      registry_add(r->registry, (*bidders)[0], file, NULL, NULL, &r->why) == 0);
		json_decref(file);
	}
	r->syncers = syncers_new(r->registry, &opt, &wrong, &r->why);
}

static void drop(struct rig *r)
{
	syncers_free(r->syncers);
	registry_free(r->registry);
}

static void mistakes_stop_the_start(void **state)
{
	static const struct {
		const char *why, *bidders[3][2], *want;
	} rows[] = {
		{ "two definitions of one key",
		  { { "aa", "{\"key\":\"k\"," IFRAME("a.example") "}" },
		    { "bb", "{\"key\":\"k\"," IFRAME("b.example") "}" } },
		  "bidders aa, bb define endpoints (iframe and/or redirect) for the same syncer key, but "
		  "only one "
		  "bidder is permitted to define endpoints unless the configs are identical" },
		{ "no definition of a shared key",
		  { { "aa", "{\"key\":\"k\"}" }, { "bb", "{\"key\":\"k\"}" } },
		  "bidders aa, bb share the same syncer key, but none define endpoints (iframe and/or "
		  "redirect)" },
		{ "a macro that nobody fills",
		  { { "aa", "{\"iframe\":{\"url\":\"https://a.example/{{.Foo}}\"}}" } },
		  "cannot create syncer for bidder aa with key aa: iframe composed url: "
		  "\"https://a.example/{{.Foo}}\" is invalid" },
		{ "no URL at all",
		  { { "aa", "{\"redirect\":{\"url\":\"//a.example/\"}}" } },
		  "cannot create syncer for bidder aa with key aa: redirect composed url: \"//a.example/\" "
		  "is "
		  "invalid" },
		{ "identical definitions are fine",
		  { { "aa", "{\"key\":\"k\"," IFRAME("a.example") "}" },
		    { "bb", "{\"key\":\"k\"," IFRAME("a.example") "}" } },
		  NULL },
		{ "saying only what is supported is no sync",
		  { { "aa", "{\"supports\":[\"iframe\"]}" } },
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rig r;

		make(&r, rows[i].bidders);
		if (rows[i].want)
			CHECK_STR(rows[i].why, r.syncers ? STR("started") : str_of(r.why.text), rows[i].want);
		else
			CHECK(rows[i].why, r.syncers != NULL);
		drop(&r);
	}
}

static void templates_are_filled(void **state)
{
	static const char *const bidders[][2] = {
		{ "aa",
		  "{\"key\":\"k\",\"externalUrl\":\"https://own.example\",\"iframe\":{\"url\":"
		  "\"https://a.example/{{ .GDPR }}/{{.GPPSID}}?r={{.RedirectURL}}\",\"redirectUrl\":"
		  "\"{{.ExternalURL}}/s?b={{.BidderName}}&f={{.SyncType}} {{.USPrivacy}}&u={{.UserMacro}}\","
		  "\"userMacro\":\"$U\"},\"formatOverride\":\"i\"}" },
		{ "bb", "{\"key\":\"k\"}" },
		{ NULL, NULL },
	};
	static const struct sync_macros m = {
		{ "1", 1 }, { "C", 1 }, { "1YNN", 4 }, { "", 0 }, { "2,6", 3 }
	};
	const struct syncer *s;
	struct rig r;
	struct buf b;

	(void)state;
	make(&r, bidders);
	CHECK(r.why.text, r.syncers != NULL);
	s = syncers_find(r.syncers, STR("BB"));
	CHECK("found in any case", s != NULL && s->format == 'b');
	buf_init(&b, 4096);
	syncer_url(s, SYNC_IFRAME, &m, &b);
	CHECK_STR("the primary's endpoint, the bidder's own name", buf_str(&b),
		  "https://a.example/1/2,6?r=https%3A%2F%2Fown.example%2Fs%3Fb%3Dbb%26f%3Db+1YNN%26u%3D%24U");
	buf_deinit(&b);
	CHECK("format of its own", syncers_find(r.syncers, STR("aa"))->format == 'i');
	CHECK("no redirect", syncers_find(r.syncers, STR("aa"))->url[SYNC_REDIRECT].n == 0);
	drop(&r);
}

/* --- ejection --- */

static void less_important_ids_go_first(void **state)
{
	static const char *const bidders[][2] = {
		{ "aa", "{" IFRAME("a.example") "}" },
		{ "bb", "{\"key\":\"bkey\"," IFRAME("b.example") "}" },
		{ "cc", "{" IFRAME("c.example") "}" },
		{ "dd", "{" IFRAME("d.example") "}" },
		{ NULL, NULL },
	};
	static const struct {
		const char *why, *groups, *key;
		const char *have; /* keys in the order in which they expire; 100 bytes each */
		enum eject_result want;
		const char *left;
	} rows[] = {
		{ "without groups the first to expire", NULL, "aa", "cc aa bkey", EJECT_FITS, "aa bkey" },
		{ "those in no group go first", "[[\"aa\",\"cc\"]]", "aa", "aa cc bkey", EJECT_FITS,
		  "aa cc" },
		{ "then the last group", "[[\"aa\"],[\"bb\",\"cc\"]]", "aa", "aa bkey cc", EJECT_FITS,
		  "aa cc" },
		{ "a group of one is matched by key", "[[\"aa\",\"cc\"],[\"bb\"]]", "aa", "aa cc bkey",
		  EJECT_FITS, "aa cc" },
		{ "a group without ids gives way to the one above",
		  "[[\"aa\",\"cc\",\"bb\"],[\"dd\",\"nobody\"]]", "aa", "cc aa bkey", EJECT_FITS, "aa bkey" },
		{ "an unimportant one does not push out important ones", "[[\"aa\",\"cc\"]]", "bkey",
		  "aa cc bkey", EJECT_NOT_PRIORITY, "aa cc bkey" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *a = arena_new();
		struct str rest = str_of(rows[i].have);
		json_auto_t *groups = rows[i].groups ? json_parse(str_of(rows[i].groups), NULL) : NULL;
		struct uids u;
		struct buf left;
		struct rig r;
		struct eject_rules rules;
		int64_t at = NOW_US;

		make(&r, bidders);
		uids_read(&u, a, STR(""));
		while (rest.p)
			uids_set(&u, str_cut(&rest, ' '), str_of(arena_printf(a, "%0100d", 1)), at++);
		rules = (struct eject_rules){ 520, groups, r.syncers, str_of(rows[i].key) };
		CHECK(rows[i].why, uids_eject(&u, &rules) == rows[i].want);
		buf_init(&left, 256);
		for (size_t k = 0; k < u.n; k++)
			buf_addf(&left, "%s" STR_FMT, k ? " " : "", STR_ARG(u.list[k].key));
		CHECK_STR(rows[i].why, buf_str(&left), rows[i].left);
		buf_deinit(&left);
		drop(&r);
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cookies_are_read_and_written), cmocka_unit_test(ids_live_for_two_weeks),
		cmocka_unit_test(mistakes_stop_the_start),      cmocka_unit_test(templates_are_filled),
		cmocka_unit_test(less_important_ids_go_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
