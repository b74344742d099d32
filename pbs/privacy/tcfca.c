/* A record may claim vendors 1..65535 with five characters, so the total of the sets is bounded.
 *
 * The IAB's libraries wrote ranges with ids of 16 bits before they wrote them as the specification has it. Nothing in
 * a string says which form it is in. Each segment is read in the right form first, and in the old one when that fails,
 * leaves more behind than padding, or gives a set whose MaxVendorId is not in it, and the old one does not. */
#include "pbs/privacy/tcfca.h"

#include "common/err.h"
#include "pbs/privacy/tcf.h"

enum { MAX_SET_IDS = 16 * 65536, MAX_PADDING_BITS = 23 };

struct reader {
	struct bits bits;
	struct arena *arena;
	uint32_t set_ids; /* claimed so far */
	bool fixed;       /* ranges have ids of 16 bits */
	bool odd;         /* a set claims more ids than it has */
};

static int cut_off(struct errtext *why)
{
	errtext_set(why, "a vendor section is cut off or too large");
	return ERR_INPUT;
}

/* One entry of a range; false when it is cut off or goes back. */
static bool read_entry(struct reader *r, uint32_t *ret_first, uint32_t *last)
{
	struct bits *b = &r->bits;
	bool is_range;

	if (!r->fixed)
		return bits_read_id_range(b, ret_first, last);
	is_range = bits_flag(b);
	*ret_first = (uint32_t)bits_read(b, 16);
	if (b->over || *ret_first <= *last)
		return false;
	*last = is_range ? (uint32_t)bits_read(b, 16) : *ret_first;
	return !b->over && *last >= *ret_first;
}

static int read_entries(struct reader *r, struct errtext *why, struct id_set *set)
{
	uint32_t first, last = 0;
	unsigned n = (unsigned)bits_read(&r->bits, 12);

	for (unsigned i = 0; i < n; i++) {
		if (!read_entry(r, &first, &last) || last > set->max) {
			errtext_set(why, "range entry %u is cut off or out of range", i);
			return ERR_INPUT;
		}
		id_set_add_range(set, first, last);
	}
	return r->bits.over ? cut_off(why) : 0;
}

/* The set itself, which ids up to `max` fit into. */
static int make_set(struct reader *r, uint32_t max, struct errtext *why, struct id_set *ret_set)
{
	r->set_ids += max;
	if (r->bits.over || r->set_ids > MAX_SET_IDS)
		return cut_off(why);
	id_set_init(ret_set, max, r->arena);
	return 0;
}

/* MaxVendorId, then a bit field or a range. */
static int read_vendors(struct reader *r, struct errtext *why, struct id_set *ret_set)
{
	struct bits *b = &r->bits;
	uint32_t max = (uint32_t)bits_read(b, 16);
	bool is_range = bits_flag(b);
	int err;

	if (!is_range && max > b->n - b->pos)
		return cut_off(why);
	err = make_set(r, max, why, ret_set);
	if (!err && is_range)
		err = read_entries(r, why, ret_set);
	else if (!err)
		id_set_read_field(ret_set, b);
	r->odd |= !err && max > 0 && !id_set_has(ret_set, max);
	return err;
}

static uint32_t highest_id(struct reader r)
{
	unsigned n = (unsigned)bits_read(&r.bits, 12);
	uint32_t first, last = 0;

	while (n > 0 && read_entry(&r, &first, &last))
		n--;
	return last;
}

/* Restrictions of the old form are a range without a MaxVendorId. */
static int read_restricted(struct reader *r, struct errtext *why, struct id_set *ret_set)
{
	int err;

	if (!r->fixed)
		return read_vendors(r, why, ret_set);
	err = make_set(r, highest_id(*r), why, ret_set);
	return err ? err : read_entries(r, why, ret_set);
}

/* The list may be missing altogether; early encoders left it out. */
static int read_restrictions(struct reader *r, struct errtext *why, struct tcfca *t)
{
	enum { MIN_RECORD_BITS = 8 + 12 };
	struct bits *b = &r->bits;
	size_t n;

	t->n_restrictions = 0;
	if (b->n - b->pos < 12)
		return 0;
	n = (size_t)bits_read(b, 12);
	if (n * MIN_RECORD_BITS > b->n - b->pos) {
		errtext_set(why, "the publisher restrictions are cut off");
		return ERR_INPUT;
	}
	t->restrictions = n ? ARENA_ARRAY(r->arena, struct tcfca_restriction, n) : NULL;
	for (; t->n_restrictions < n; t->n_restrictions++) {
		struct tcfca_restriction *rest = &t->restrictions[t->n_restrictions];
		int err;

		rest->purpose = (uint8_t)bits_read(b, 6);
		rest->type = (uint8_t)bits_read(b, 2);
		err = read_restricted(r, why, &rest->vendors);
		if (err)
			return err;
	}
	return 0;
}

static int read_core(struct reader *r, struct errtext *why, struct tcfca *t)
{
	struct bits *b = &r->bits;
	int err;

	t->version = (uint8_t)bits_read(b, 6);
	t->created_ms = (int64_t)bits_read(b, 36) * 100;
	t->last_updated_ms = (int64_t)bits_read(b, 36) * 100;
	t->cmp_id = (uint16_t)bits_read(b, 12);
	t->cmp_version = (uint16_t)bits_read(b, 12);
	t->consent_screen = (uint8_t)bits_read(b, 6);
	bits_read_letters(b, t->consent_language);
	t->vendor_list_version = (uint16_t)bits_read(b, 12);
	t->policy_version = (uint8_t)bits_read(b, 6);
	t->use_non_standard_texts = bits_flag(b);
	t->special_features = bits_read_mask(b, TCF_SPECIAL_FEATURES);
	t->purposes_express = bits_read_mask(b, TCF_PURPOSES);
	t->purposes_implied = bits_read_mask(b, TCF_PURPOSES);
	err = read_vendors(r, why, &t->vendors_express);
	if (!err)
		err = read_vendors(r, why, &t->vendors_implied);
	return err ? err : read_restrictions(r, why, t);
}

static int read_publisher(struct bits *b, struct errtext *why, struct tcfca *t)
{
	t->publisher_express = bits_read_mask(b, TCF_PURPOSES);
	t->publisher_implied = bits_read_mask(b, TCF_PURPOSES);
	t->n_custom_purposes = (uint8_t)bits_read(b, 6);
	t->custom_express = bits_read_custom(b, t->n_custom_purposes);
	t->custom_implied = bits_read_custom(b, t->n_custom_purposes);
	if (b->over) {
		errtext_set(why, "the publisher purposes are cut off");
		return ERR_INPUT;
	}
	t->has_publisher = true;
	return 0;
}

static int read_segment(struct reader *r, struct errtext *why, struct tcfca *t)
{
	enum { DISCLOSED = 1, PUBLISHER = 3 };

	switch (bits_read(&r->bits, 3)) {
	case DISCLOSED: t->has_disclosed = true; return read_vendors(r, why, &t->vendors_disclosed);
	case PUBLISHER: return read_publisher(&r->bits, why, t);
	default: errtext_set(why, "a segment of unknown kind"); return ERR_INPUT;
	}
}

static int read_kind(struct reader *r, bool core, struct errtext *why, struct tcfca *t)
{
	return core ? read_core(r, why, t) : read_segment(r, why, t);
}

/* Read to its end, and nothing in it that an encoder would not write. */
static bool is_whole(const struct reader *r)
{
	struct bits rest = r->bits;
	size_t n = rest.n - rest.pos;

	return !r->odd && n <= MAX_PADDING_BITS && bits_read(&rest, (unsigned)n) == 0;
}

/* The segment's bits are at hand. */
static int read_either(struct reader *r, bool core, struct errtext *why, struct tcfca *t)
{
	struct reader now = *r, old = *r;
	struct tcfca as_now = *t, as_old = *t;
	struct errtext ignored;
	int err = read_kind(&now, core, why, &as_now);

	old.fixed = true;
	if ((!err && is_whole(&now)) || read_kind(&old, core, &ignored, &as_old) < 0 || !is_whole(&old)) {
		*t = as_now;
		r->set_ids = now.set_ids;
		return err;
	}
	*t = as_old;
	r->set_ids = old.set_ids;
	return 0;
}

int tcfca_parse(struct str text, struct arena *a, struct errtext *why, struct tcfca **ret_tcfca)
{
	struct tcfca *t = ARENA_NEW(a, struct tcfca);
	struct reader r = { .arena = a };
	struct str rest = text;
	int err = 0;

	if (text.n > TCF_MAX_CHARS) {
		errtext_set(why, "consent strings of more than %d characters are not read", TCF_MAX_CHARS);
		return ERR_INPUT;
	}
	for (bool core = true; rest.p && !err; core = false) {
		long bad = bits_decode(str_cut(&rest, '.'), false, a, &r.bits);

		if (bad >= 0) {
			errtext_set(why, "illegal base64 data at input byte %ld", bad);
			return ERR_INPUT;
		}
		err = read_either(&r, core, why, t);
	}
	if (!err)
		*ret_tcfca = t;
	return err;
}
