/* GPP containers, US sections and US privacy strings. */
#include "pbs/privacy/gpp.h"

#include <stdio.h>

#include "common/mem.h"
#include "pbs/privacy/usp.h"
#include "tests/check.h"

static void reads_headers(void **state)
{
	static const struct {
		const char *why, *text;
		unsigned ids[3];
	} rows[] = {
		{ "TCF EU alone", "DBABM~x", { 2 } },
		{ "with a padded header", "DBABMA~x", { 2 } },
		{ "US privacy alone", "DBABT~x", { 6 } },
		{ "US national alone", "DBABL~x", { 7 } },
		{ "two single ids", "DBACNY~x~y", { 2, 6 } },
		{ "a single id and a run", "DBACPe~x~y~z", { 2, 6, 7 } },
		{ "a run alone", "DBABh4~x~y", { 8, 9 } },
		{ "no section", "DBAA", { 0 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena *a = arena_new();
		struct errtext why = { "" };
		struct gpp *g;

		CHECK(rows[i].why, gpp_parse(str_of(rows[i].text), a, &why, &g) == 0);
		for (size_t k = 0; k < g->n; k++)
			CHECK(rows[i].why, g->sections[k].id == rows[i].ids[k]);
		CHECK(rows[i].why, g->n == 3 || rows[i].ids[g->n] == 0);
		arena_free(a);
	}
}

static void refuses_bad_headers(void **state)
{
	static const struct {
		const char *why, *text, *error;
	} rows[] = {
		{ "nothing", "", "error parsing GPP header, should be at least 3 bytes long" },
		{ "bad characters", "D=AB~x",
		  "error parsing GPP header, base64 decoding: illegal base64 data at input byte 1" },
		{ "two characters", "DB", "error parsing GPP header, should be at least 3 bytes long" },
		{ "a TC string", "CPXxRfAPXxRf", "error parsing GPP header, header must have type=3" },
		{ "more ids than sections", "DBACNY~x",
		  "error parsing GPP header, section IDs do not match the number of sections: found 2 IDs, "
		  "have 1 sections" },
		{ "fewer", "DBABM~x~y",
		  "error parsing GPP header, section IDs do not match the number of sections: found 1 IDs, "
		  "have 2 sections" },
		{ "cut in the ids", "DBAB~x",
		  "error parsing GPP header, section identifiers: item 0 is cut off or out of range" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena *a = arena_new();
		struct errtext why = { "" };
		struct gpp *g;

		CHECK(rows[i].why, gpp_parse(str_of(rows[i].text), a, &why, &g) < 0);
		CHECK_STR(rows[i].why, str_of(why.text), rows[i].error);
		arena_free(a);
	}
}

static unsigned value(const struct gpp *g, unsigned section, enum gpp_field f)
{
	const struct gpp_section *s = gpp_find(g, section);

	assert_non_null(s);
	assert_non_null(s->us);
	assert_true(s->us->has >> f & 1);
	return s->us->value[f][0];
}

static void reads_us_sections(void **state)
{
	struct arena *a = arena_new();
	struct errtext why;
	struct gpp *g;

	(void)state;
	assert_int_equal(gpp_parse(STR("DBABL~BVQlAAAAAa.YA"), a, &why, &g), 0);
	assert_int_equal(value(g, 7, GPP_VERSION), 1);
	assert_int_equal(value(g, 7, GPP_SALE_OPT_OUT), 2);
	assert_int_equal(value(g, 7, GPP_SHARING_OPT_OUT), 1);
	assert_int_equal(value(g, 7, GPP_GPC), 1);
	assert_int_equal(value(g, 7, GPP_MSPA_SERVICE_MODE), 2);
	assert_int_equal(gpp_find(g, 7)->us->n[GPP_SENSITIVE], 12);

	/* version 2 has longer lists, so everything behind them moves */
	assert_int_equal(gpp_parse(STR("DBABL~CAAAAAAAAABA"), a, &why, &g), 0);
	assert_int_equal(gpp_find(g, 7)->us->n[GPP_SENSITIVE], 16);
	assert_int_equal(gpp_find(g, 7)->us->n[GPP_CHILD], 3);
	assert_int_equal(value(g, 7, GPP_MSPA_COVERED), 1);
	arena_free(a);
}

static void a_bad_section_spares_the_others(void **state)
{
	struct arena *a = arena_new();
	struct errtext why;
	struct gpp *g;

	(void)state;
	assert_int_equal(gpp_parse(STR("DBACPe~tcf~1YNN~BVQl"), a, &why, &g), 0);
	assert_null(gpp_find(g, 7)->us);
	assert_string_equal(gpp_find(g, 7)->error, "error parsing uspnat consent string: unable to set field "
						   "CoreSegment.SensitiveDataProcessing due to "
						   "parse error: the segment was only 24 bits long");
	CHECK_STR("the US privacy string", gpp_find(g, 6)->text, "1YNN");
	CHECK_STR("the TC string", gpp_find(g, 2)->text, "tcf");
	assert_null(gpp_find(g, 8));

	assert_int_equal(gpp_parse(STR("DBABL~BVQlAAAAAa.AA"), a, &why, &g), 0);
	assert_non_null(strstr(gpp_find(g, 7)->error, "invalid subsection type 0 for GPC segment"));
	arena_free(a);
}

/* What makes a string invalid is what the reference decodes; a later section that cannot be read spoils itself. */
static void only_checked_sections_make_a_string_invalid(void **state)
{
	static const struct {
		const char *why, *text, *error;
		unsigned section;
		bool decoded;
	} rows[] = {
		{ "a good national section", "DBABL~BVQlAAAAAa", "", 7, true },
		{ "a short national section", "DBABL~BVQl", "error parsing uspnat consent string: unable", 7,
		  false },
		{ "version 2 with the lists of version 1", "DBABL~CVQlAAAAAa", "", 7, true },
		{ "six characters, as if a seventh of zeros followed", "DBABRg~BVQVVV", "", 9, true },
		{ "Florida's cannot be read", "DBABAw~BVQ", "", 13, false },
		{ "a header alone", "DBAA", "", 0, false },
		{ "no text", "", "", 0, false },
		{ "no header", "x", "error parsing GPP header, ", 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena *a = arena_new();
		struct gpp_reading r = gpp_read(str_of(rows[i].text), a);
		const struct gpp_section *s = gpp_find(r.gpp, rows[i].section);

		CHECK(rows[i].why, (r.error != NULL) == (*rows[i].error != '\0'));
		CHECK(rows[i].why, !r.error || str_starts(str_of(r.error), str_of(rows[i].error)));
		CHECK(rows[i].why, rows[i].section == 0 || (s && (s->us != NULL) == rows[i].decoded));
		arena_free(a);
	}
}

static void every_section_has_a_layout(void **state)
{
	(void)state;
	for (unsigned id = GPP_USNAT; id <= GPP_US_LAST; id++) {
		char header[16], text[64];
		struct arena *a = arena_new();
		struct errtext why;
		struct gpp *g;
		int found = 0;

		/* every header of one single id, by trial: two characters behind "DBAB" */
		for (unsigned i = 0; i < 64 * 64 && !found; i++) {
			static const char d[] =
				"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

			snprintf(header, sizeof header, "DBAB%c%c", d[i / 64], d[i % 64]);
			snprintf(text, sizeof text, "%s~BAAAAAAAAAAAAAAA", header);
			found = gpp_parse(str_of(text), a, &why, &g) == 0 && g->sections[0].id == id;
		}
		CHECK(gpp_section_name(id), found && g->sections[0].us);
		CHECK(gpp_section_name(id), g->sections[0].us->has >> GPP_SALE_OPT_OUT & 1);
		CHECK(gpp_section_name(id), gpp_geo_index(id) < GPP_MAX_ITEMS);
		arena_free(a);
	}
}

static void reads_us_privacy(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "1YNN", NULL },
		{ "1---", NULL },
		{ "1Y", "must contain 4 characters" },
		{ "", "must contain 4 characters" },
		{ "2YNN", "must specify version 1" },
		{ "1XNN", "must specify 'N', 'Y', or '-' for the explicit notice" },
		{ "1YyN", "must specify 'N', 'Y', or '-' for the opt-out sale" },
		{ "1YN?", "must specify 'N', 'Y', or '-' for the limited service provider agreement" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct errtext why = { "" };
		struct usp u;

		CHECK(rows[i].text,
		      (usp_parse(str_of(rows[i].text), &why, &u) == 0) == (rows[i].error == NULL));
		CHECK_STR(rows[i].text, str_of(why.text), rows[i].error ? rows[i].error : "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_headers),
		cmocka_unit_test(refuses_bad_headers),
		cmocka_unit_test(reads_us_sections),
		cmocka_unit_test(a_bad_section_spares_the_others),
		cmocka_unit_test(only_checked_sections_make_a_string_invalid),
		cmocka_unit_test(every_section_has_a_layout),
		cmocka_unit_test(reads_us_privacy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
