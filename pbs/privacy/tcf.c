/* The text is decoded to bytes once; bit fields then move a word at a time. Ranges are bounded by the length
 * of the string, and the work of filling in overlapping ones by MAX_FILLED, since 4095 ranges of 65535
 * vendors each fit into 20 kB. */
#include "pbs/privacy/tcf.h"

#include "common/err.h"

enum {
	CORE_MIN_BYTES = 29,
	TCF1_MIN_BYTES = 22,
	RANGE_MIN_BYTES = 31,
	MAX_FILLED = 8 * 65536,
	RESTRICTION_MAX_VENDOR = 32767,
	MAX_SEGMENTS = 8, /* three kinds are known; each may claim a set of 65535 ids with a few characters */
};

/* One entry of a range; fails on anything but 1 <= first <= last <= max. */
static int read_range(struct bits *b, uint32_t max, struct errtext *why, struct tcf_range *ret_range)
{
	size_t at = b->pos;
	bool pair = bits_flag(b);
	uint32_t first = (uint32_t)bits_read(b, 16), last = pair ? (uint32_t)bits_read(b, 16) : first;

	if (b->over) {
		errtext_set(why, "bit %zu range entry is cut off", at);
		return ERR_INPUT;
	}
	if (!pair && (first == 0 || first > max)) {
		errtext_set(why, "bit %zu range entry excludes vendor %u, but only vendors [1, %u] are valid",
			    at, first, max);
		return ERR_INPUT;
	}
	if (pair && first == 0) {
		errtext_set(why, "bit %zu range entry exclusion starts at 0, but the min vendor ID is 1", at);
		return ERR_INPUT;
	}
	if (pair && last > max) {
		errtext_set(why, "bit %zu range entry exclusion ends at %u, but the max vendor ID is %u", at,
			    last, max);
		return ERR_INPUT;
	}
	if (pair && last <= first) {
		errtext_set(why,
			    "bit %zu range entry excludes vendors [%u, %u]. The start should be less than "
			    "the end",
			    at, first, last);
		return ERR_INPUT;
	}
	*ret_range = (struct tcf_range){ (uint16_t)first, (uint16_t)last };
	return 0;
}

static int read_ranges(struct bits *b, struct id_set *s, struct errtext *why)
{
	unsigned n = (unsigned)bits_read(b, 12);
	uint32_t filled = 0;

	if (b->over) {
		errtext_set(why, "the number of range entries is cut off");
		return ERR_INPUT;
	}
	for (unsigned i = 0; i < n; i++) {
		struct tcf_range r;
		int err = read_range(b, s->max, why, &r);

		if (err)
			return err;
		filled += (uint32_t)(r.last - r.first + 1);
		if (filled > MAX_FILLED) {
			errtext_set(why, "range entries overlap too often");
			return ERR_INPUT;
		}
		id_set_add_range(s, r.first, r.last);
	}
	return 0;
}

/* MaxVendorId, IsRangeEncoding, then a bit field or ranges. */
static int read_vendors(struct bits *b, bool core, struct arena *a, struct errtext *why,
			struct id_set *ret_set)
{
	uint32_t max = (uint32_t)bits_read(b, 16);
	bool is_range = bits_flag(b);
	size_t need;

	if (b->over) {
		errtext_set(why, "invalid consent data: the vendor section is cut off");
		return ERR_INPUT;
	}
	id_set_init(ret_set, max, a);
	if (is_range) {
		if (core && b->n / 8 < RANGE_MIN_BYTES) {
			errtext_set(why,
				    "vendor consent strings using RangeSections require at least 31 bytes. "
				    "Got %zu",
				    b->n / 8);
			return ERR_INPUT;
		}
		return read_ranges(b, ret_set, why);
	}
	need = (b->pos + max + 7) / 8;
	if (b->pos + max > b->n) {
		errtext_set(why,
			    "a BitField for %u vendors requires a consent string of %zu bytes. This consent "
			    "string had %zu",
			    max, need, b->n / 8);
		return ERR_INPUT;
	}
	id_set_read_field(ret_set, b);
	return 0;
}

static int read_restriction(struct bits *b, struct arena *a, struct errtext *why, struct tcf_restriction *r)
{
	struct tcf_range *ranges;

	r->purpose = (uint8_t)bits_read(b, 6);
	r->type = (uint8_t)bits_read(b, 2);
	r->n = (uint16_t)bits_read(b, 12);
	/* 17 bits is the shortest entry, so nothing is allocated that the string does not pay for */
	if (b->over || r->n * (size_t)17 > b->n - b->pos) {
		errtext_set(why, "a publisher restriction is cut off");
		return ERR_INPUT;
	}
	r->ranges = ranges = r->n ? ARENA_ARRAY(a, struct tcf_range, r->n) : NULL;
	for (unsigned i = 0; i < r->n; i++) {
		int err = read_range(b, RESTRICTION_MAX_VENDOR, why, &ranges[i]);

		if (err)
			return err;
	}
	return 0;
}

/* A pair of purpose and type that comes again replaces the earlier one. */
static int read_restrictions(struct bits *b, struct arena *a, struct errtext *why, struct tcf *t)
{
	unsigned n = (unsigned)bits_read(b, 12);
	size_t kinds = n < 256 ? n : 256; /* 64 purposes of 4 types */

	if (b->over) {
		errtext_set(why, "the number of publisher restrictions is missing");
		return ERR_INPUT;
	}
	if (n == 0)
		return 0;
	t->restrictions = ARENA_ARRAY(a, struct tcf_restriction, kinds);
	for (unsigned i = 0; i < n; i++) {
		struct tcf_restriction r;
		int err = read_restriction(b, a, why, &r);
		size_t at;

		if (err)
			return err;
		for (at = 0; at < t->n_restrictions; at++)
			if (t->restrictions[at].purpose == r.purpose && t->restrictions[at].type == r.type)
				break;
		t->restrictions[at] = r;
		if (at == t->n_restrictions)
			t->n_restrictions++;
	}
	return 0;
}

static int check_length(const struct bits *b, size_t min, struct errtext *why)
{
	if (b->n / 8 >= min)
		return 0;
	errtext_set(why, "vendor consent strings are at least %zu bytes long. This one was %zu", min,
		    b->n / 8);
	return ERR_INPUT;
}

/* The reference reads whatever is not of version 2 as version 1 first, and only then says that it will not have it. */
static int check_version(const struct bits *b, struct errtext *why)
{
	struct bits peek = *b;
	unsigned version = (unsigned)bits_read(&peek, 6);

	if (version == 2)
		return check_length(b, CORE_MIN_BYTES, why);
	if (check_length(b, TCF1_MIN_BYTES, why) < 0)
		return ERR_INPUT;
	if (version == 0)
		errtext_set(why, "the consent string encoded a Version of 0, but this value must be greater "
				 "than or equal to 1");
	else
		errtext_set(why, "invalid encoding format version: %u", version);
	return ERR_INPUT;
}

static int read_core(struct bits *b, struct arena *a, struct errtext *why, struct tcf *t)
{
	int err;

	(void)bits_read(b, 6); /* the version, which was checked */
	t->created_ms = (int64_t)bits_read(b, 36) * 100;
	t->last_updated_ms = (int64_t)bits_read(b, 36) * 100;
	t->cmp_id = (uint16_t)bits_read(b, 12);
	t->cmp_version = (uint16_t)bits_read(b, 12);
	t->consent_screen = (uint8_t)bits_read(b, 6);
	bits_read_letters(b, t->consent_language);
	t->vendor_list_version = (uint16_t)bits_read(b, 12);
	t->policy_version = (uint8_t)bits_read(b, 6);
	t->is_service_specific = bits_flag(b);
	t->use_non_standard_texts = bits_flag(b);
	t->special_features = bits_read_mask(b, TCF_SPECIAL_FEATURES);
	t->purposes_consent = bits_read_mask(b, TCF_PURPOSES);
	t->purposes_li = bits_read_mask(b, TCF_PURPOSES);
	t->purpose_one_treatment = bits_flag(b);
	bits_read_letters(b, t->publisher_cc);
	if (t->vendor_list_version == 0) {
		errtext_set(why,
			    "the consent string encoded a VendorListVersion of 0, but this value must be "
			    "greater than or equal to 1");
		return ERR_INPUT;
	}
	err = read_vendors(b, true, a, why, &t->vendors_consent);
	if (!err && b->n - b->pos < 17) {
		errtext_set(why, "invalid consent data: no legitimate interest start position");
		return ERR_INPUT;
	}
	if (!err)
		err = read_vendors(b, true, a, why, &t->vendors_li);
	return err ? err : read_restrictions(b, a, why, t);
}

static int read_publisher(struct bits *b, struct errtext *why, struct tcf *t)
{
	uint32_t consent = bits_read_mask(b, TCF_PURPOSES), li = bits_read_mask(b, TCF_PURPOSES);
	unsigned n_custom = (unsigned)bits_read(b, 6);
	uint64_t custom_consent = bits_read_custom(b, n_custom), custom_li = bits_read_custom(b, n_custom);

	if (b->over) {
		errtext_set(why, "the publisher purposes are cut off");
		return ERR_INPUT;
	}
	t->segments |= TCF_PUBLISHER;
	t->publisher_consent = consent;
	t->publisher_li = li;
	t->n_custom_purposes = (uint8_t)n_custom;
	t->custom_consent = custom_consent;
	t->custom_li = custom_li;
	return 0;
}

static int decode(struct str text, struct arena *a, struct errtext *why, struct bits *ret_bits)
{
	long bad;

	if (text.n % 4 == 1) { /* six bits are no byte */
		errtext_set(why, "illegal base64 data at input byte %zu", text.n - 1);
		return ERR_INPUT;
	}
	bad = bits_decode(text, true, a, ret_bits);
	if (bad >= 0) {
		errtext_set(why, "illegal base64 data at input byte %ld", bad);
		return ERR_INPUT;
	}
	return 0;
}

static int read_vendor_segment(struct bits *b, struct arena *a, struct errtext *why, struct tcf *t,
			       enum tcf_segment kind, struct id_set *set)
{
	struct id_set read;
	int err = read_vendors(b, false, a, why, &read);

	if (err)
		return err;
	*set = read;
	t->segments |= kind;
	return 0;
}

/* Behind the core; its first three bits say what it is. */
static int read_segment(struct str text, struct arena *a, struct errtext *why, struct tcf *t)
{
	enum { DISCLOSED = 1, ALLOWED = 2, PUBLISHER = 3 };
	struct bits b;
	int err = decode(text, a, why, &b);

	if (err)
		return err;
	if (b.n == 0) {
		errtext_set(why, "a segment is empty");
		return ERR_INPUT;
	}
	switch (bits_read(&b, 3)) {
	case DISCLOSED: return read_vendor_segment(&b, a, why, t, TCF_DISCLOSED, &t->vendors_disclosed);
	case ALLOWED: return read_vendor_segment(&b, a, why, t, TCF_ALLOWED, &t->vendors_allowed);
	case PUBLISHER: return read_publisher(&b, why, t);
	default: return 0;
	}
}

static void read_segments(struct str rest, struct arena *a, struct tcf *t)
{
	for (int i = 0; rest.p && !t->segment_error; i++) {
		struct errtext why;
		int err;

		if (i < MAX_SEGMENTS) {
			err = read_segment(str_cut(&rest, '.'), a, &why, t);
		} else {
			errtext_set(&why, "more than %d segments", MAX_SEGMENTS);
			err = ERR_LIMIT;
		}
		if (err < 0)
			t->segment_error = arena_strdup(a, why.text);
	}
}

int tcf_parse(struct str text, struct arena *a, struct errtext *why, struct tcf **ret_tcf)
{
	struct str rest = text, core = str_cut(&rest, '.');
	struct tcf *t;
	struct bits b;
	int err;

	if (text.n == 0) {
		errtext_set(why, "decoded consent cannot be empty");
		return ERR_INPUT;
	}
	if (text.n > TCF_MAX_CHARS) {
		errtext_set(why, "consent strings of more than %d characters are not read", TCF_MAX_CHARS);
		return ERR_INPUT;
	}
	err = decode(core, a, why, &b);
	if (!err)
		err = check_version(&b, why);
	if (err)
		return err;
	t = ARENA_NEW(a, struct tcf);
	t->segments = TCF_CORE;
	err = read_core(&b, a, why, t);
	if (err)
		return err;
	read_segments(rest, a, t);
	*ret_tcf = t;
	return 0;
}

void tcf_restrictions_of(const struct tcf *t, uint16_t vendor, uint8_t ret_types[static TCF_PURPOSES + 1])
{
	memset(ret_types, 0, TCF_PURPOSES + 1);
	for (size_t i = 0; i < t->n_restrictions; i++) {
		const struct tcf_restriction *r = &t->restrictions[i];

		if (r->purpose > TCF_PURPOSES)
			continue;
		for (unsigned k = 0; k < r->n; k++)
			if (vendor >= r->ranges[k].first && vendor <= r->ranges[k].last) {
				ret_types[r->purpose] |= (uint8_t)(1u << r->type);
				break;
			}
	}
}
