/* TC strings: what is read, and what each kind of damage is answered with. */
#include "pbs/privacy/tcf.h"

#include "tests/check.h"
#include "tests/unit/pbs/tc_string.h"

static void reads_every_core_field(void **state)
{
	/* made with the IAB's own encoder */
	struct str s = STR("CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA");
	struct arena *a = arena_new();
	struct errtext why;
	struct tcf *t;

	(void)state;
	assert_int_equal(tcf_parse(s, a, &why, &t), 0);
	assert_true(t->created_ms == 1650492000000);
	assert_int_equal(t->cmp_id, 31);
	assert_int_equal(t->cmp_version, 640);
	assert_int_equal(t->vendor_list_version, 126);
	assert_int_equal(t->policy_version, 2);
	assert_string_equal(t->consent_language, "EN");
	assert_string_equal(t->publisher_cc, "DE");
	assert_true(t->is_service_specific);
	assert_int_equal(t->segments, TCF_CORE);
	arena_free(a);
}

static void reads_sets_and_restrictions(void **state)
{
	struct tc_fields f = { .list_version = 120,
			       .purposes = 0x2,
			       .purposes_li = 0x44,
			       .vendors = 1ull << 31,
			       .vendors_li = 1ull << 63,
			       .features = 1,
			       .p1_treatment = true,
			       .has_disclosed = true,
			       .disclosed = 5,
			       .restriction = { 2, TCF_REQUIRE_LI, 32 } };
	char *s = tc_string(&f);
	struct arena *a = arena_new();
	uint8_t types[TCF_PURPOSES + 1];
	struct errtext why;
	struct tcf *t;

	(void)state;
	assert_int_equal(tcf_parse(str_of(s), a, &why, &t), 0);
	assert_true(tcf_bit(t->purposes_consent, 2) && !tcf_bit(t->purposes_consent, 1));
	assert_int_equal(t->purposes_li, 0x44);
	assert_true(tcf_bit(t->special_features, 1) && !tcf_bit(t->special_features, 2));
	assert_true(id_set_has(&t->vendors_consent, 32) && !id_set_has(&t->vendors_consent, 31));
	assert_true(id_set_has(&t->vendors_li, 64) && !id_set_has(&t->vendors_li, 65));
	assert_false(id_set_has(&t->vendors_li, 0));
	assert_true(t->purpose_one_treatment);
	assert_int_equal(t->segments, TCF_CORE | TCF_DISCLOSED);
	assert_true(id_set_has(&t->vendors_disclosed, 3) && !id_set_has(&t->vendors_disclosed, 2));
	tcf_restrictions_of(t, 32, types);
	assert_int_equal(types[2], 1 << TCF_REQUIRE_LI);
	assert_int_equal(types[3], 0);
	tcf_restrictions_of(t, 33, types);
	assert_int_equal(types[2], 0);
	arena_free(a);
	free(s);
}

/* Core fields up to the vendor sections. */
static void put_head(struct bit_writer *w)
{
	put_bits(w, 2, 6);
	put_bits(w, 0, 36);
	put_bits(w, 0, 36);
	put_bits(w, 0, 42);
	put_bits(w, 9, 12);
	put_bits(w, 4, 6);
	put_bits(w, 0, 50);
	put_bits(w, 0, 25);
}

struct range_row {
	const char *why, *error; /* NULL: it is fine */
	unsigned max, first, last;
};

static void checks_ranges(void **state)
{
	static const struct range_row rows[] = {
		{ "a range within the ids", NULL, 100, 3, 100 },
		{ "ids start at 1", "starts at 0", 100, 0, 5 },
		{ "beyond the highest id", "ends at 101, but the max vendor ID is 100", 100, 3, 101 },
		{ "backwards", "The start should be less than the end", 100, 9, 8 },
		{ "a range of one is not a range", "The start should be less than the end", 100, 9, 9 },
		{ "all that sixteen bits can hold", NULL, 65535, 1, 65535 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bit_writer w = { .n = 0 };
		struct arena *a = arena_new();
		struct errtext why = { "" };
		struct tcf *t = NULL;
		char *s;
		int err;

		put_head(&w);
		put_bits(&w, rows[i].max, 16);
		put_bits(&w, 1, 1);
		put_bits(&w, 1, 12);
		put_bits(&w, 1, 1);
		put_bits(&w, rows[i].first, 16);
		put_bits(&w, rows[i].last, 16);
		put_bits(&w, 0, 17 + 12);
		s = bits_text(&w);
		err = tcf_parse(str_of(s), a, &why, &t);
		CHECK(rows[i].why, (err == 0) == (rows[i].error == NULL));
		if (rows[i].error)
			CHECK(rows[i].why, strstr(why.text, rows[i].error));
		else
			CHECK(rows[i].why, id_set_has(&t->vendors_consent, rows[i].last) &&
						   id_set_has(&t->vendors_consent, rows[i].first) &&
						   !id_set_has(&t->vendors_consent, rows[i].first - 1));
		free(s);
		arena_free(a);
	}
}

static void names_what_is_wrong(void **state)
{
	static const struct {
		const char *why, *text, *error;
	} rows[] = {
		{ "nothing", "", "decoded consent cannot be empty" },
		{ "too short for a core", "CPXxRfAPXxRf",
		  "vendor consent strings are at least 29 bytes long. This one was 9" },
		{ "padding is not part of the format", "CPXx====", "illegal base64 data at input byte 4" },
		{ "six bits over", "CPXxR", "illegal base64 data at input byte 4" },
		{ "version 1 strings are gone", "BONZt-1ONZt-1AHABBENAO-AAAAHCAEAASABmADYAOAAeA",
		  "invalid encoding format version: 1" },
		{ "a later version", "DPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA",
		  "invalid encoding format version: 3" },
		{ "version 0", "AAXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA",
		  "the consent string encoded a Version of 0, but this value must be greater than or equal "
		  "to "
		  "1" },
		{ "another version, too short for version 1", "BOEFEAyOEFEAyAHABDENAI4AAA",
		  "vendor consent strings are at least 22 bytes long. This one was 19" },
		{ "list version 0", "CPXxRfAPXxRfAAfKABENAACgAAAAAAAAAAYgAAAAAAAA",
		  "the consent string encoded a VendorListVersion of 0, but this value must be greater than "
		  "or "
		  "equal to 1" },
		{ "a bit field longer than the string", "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgB9AAAAAA",
		  "a BitField for 250 vendors requires a consent string of 60 bytes. This consent string "
		  "had 33" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena *a = arena_new();
		struct errtext why = { "" };
		struct tcf *t;

		CHECK(rows[i].why, tcf_parse(str_of(rows[i].text), a, &why, &t) < 0);
		CHECK_STR(rows[i].why, str_of(why.text), rows[i].error);
		arena_free(a);
	}
}

static void a_string_cut_anywhere_in_the_core_is_malformed(void **state)
{
	struct tc_fields f = { .vendors = ~0ull, .restriction = { 3, TCF_NOT_ALLOWED, 9 } };
	char *s = tc_string(&f);
	size_t n = strlen(s);

	(void)state;
	for (size_t cut = 0; cut + 2 < n; cut++) {
		struct arena *a = arena_new();
		struct errtext why;
		struct tcf *t;

		if (cut + 4 < n) /* the last characters hold the padding */
			assert_true(tcf_parse((struct str){ s, cut }, a, &why, &t) < 0);
		arena_free(a);
	}
	free(s);
}

static void a_broken_segment_leaves_the_core(void **state)
{
	struct arena *a = arena_new();
	struct errtext why;
	struct tcf *t;

	(void)state;
	assert_int_equal(tcf_parse(STR("CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA.IH__"), a, &why, &t), 0);
	assert_non_null(t->segment_error);
	assert_int_equal(t->segments, TCF_CORE);
	assert_false(id_set_has(&t->vendors_disclosed, 1));
	arena_free(a);
}

static void line_breaks_inside_are_skipped(void **state)
{
	struct arena *a = arena_new();
	struct errtext why;
	struct tcf *t;

	(void)state;
	assert_int_equal(tcf_parse(STR("CPXxRfAPXxRfAAfKAB\r\nENB-CgAAAAAAAAAAYgAAAAAAAA"), a, &why, &t), 0);
	assert_int_equal(t->vendor_list_version, 126);
	arena_free(a);
}

/* 4000 ranges of all vendors: the work they ask for is bounded, as is what segments may claim. */
static void refuses_amplification(void **state)
{
	struct bit_writer *w = xcalloc(1, sizeof *w);
	char *s, *many;
	struct arena *a = arena_new();
	struct errtext why;
	struct tcf *t;

	(void)state;
	put_head(w);
	put_bits(w, 65535, 16);
	put_bits(w, 1, 1);
	put_bits(w, 500, 12);
	for (int i = 0; i < 500; i++) {
		put_bits(w, 1, 1);
		put_bits(w, 1, 16);
		put_bits(w, 65535, 16);
	}
	put_bits(w, 0, 29);
	s = bits_text(w);
	assert_true(tcf_parse(str_of(s), a, &why, &t) < 0);
	assert_string_equal(why.text, "range entries overlap too often");
	free(s);

	many = xcalloc(1, 60000);
	strcpy(many, "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA");
	for (size_t at = strlen(many); at + 8 < 60000; at += 7)
		memcpy(many + at, ".P__wAA", 8);
	assert_int_equal(tcf_parse(str_of(many), a, &why, &t), 0);
	assert_string_equal(t->segment_error, "more than 8 segments");
	free(many);
	free(w);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_core_field),
		cmocka_unit_test(reads_sets_and_restrictions),
		cmocka_unit_test(checks_ranges),
		cmocka_unit_test(names_what_is_wrong),
		cmocka_unit_test(a_string_cut_anywhere_in_the_core_is_malformed),
		cmocka_unit_test(a_broken_segment_leaves_the_core),
		cmocka_unit_test(line_breaks_inside_are_skipped),
		cmocka_unit_test(refuses_amplification),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
