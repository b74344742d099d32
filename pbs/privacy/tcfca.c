/* A record may claim vendors 1..65535 with five characters, so the total of the sets is bounded. */
#include "pbs/privacy/tcfca.h"

#include "common/err.h"
#include "pbs/privacy/tcf.h"

enum { MAX_SET_IDS = 16 * 65536 };

struct reader {
	struct bits bits;
	struct arena *arena;
	uint32_t set_ids; /* claimed so far */
};

/* MaxVendorId, then a bit field or Range(Fibonacci). */
static int read_vendors(struct reader *r, struct errtext *why, struct id_set *ret_set)
{
	struct bits *b = &r->bits;
	uint32_t max = (uint32_t)bits_read(b, 16), first, last = 0;
	bool is_range = bits_flag(b);
	unsigned n;

	r->set_ids += max;
	if (b->over || (!is_range && max > b->n - b->pos) || r->set_ids > MAX_SET_IDS) {
		errtext_set(why, "a vendor section is cut off or too large");
		return ERR_INPUT;
	}
	id_set_init(ret_set, max, r->arena);
	if (!is_range) {
		id_set_read_field(ret_set, b);
		return 0;
	}
	n = (unsigned)bits_read(b, 12);
	for (unsigned i = 0; i < n; i++) {
		if (!bits_read_id_range(b, &first, &last) || last > max) {
			errtext_set(why, "range entry %u is cut off or out of range", i);
			return ERR_INPUT;
		}
		id_set_add_range(ret_set, first, last);
	}
	return 0;
}

/* The list may be missing altogether; early encoders left it out. */
static int read_restrictions(struct reader *r, struct errtext *why, struct tcfca *t)
{
	enum { MIN_RECORD_BITS = 8 + 17 };
	struct bits *b = &r->bits;
	size_t n;

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
		err = read_vendors(r, why, &rest->vendors);
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
		err = core ? read_core(&r, why, t) : read_segment(&r, why, t);
	}
	if (!err)
		*ret_tcfca = t;
	return err;
}
