/* Writes TC strings for tests, field by field, so that each test shows the consent it is about. */
#ifndef TESTS_UNIT_PBS_TC_STRING_H
#define TESTS_UNIT_PBS_TC_STRING_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/mem.h"
#include "common/str.h"

struct bit_writer {
	uint8_t bit[20000]; /* one byte each */
	size_t n;
};

static inline void put_bits(struct bit_writer *w, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		w->bit[w->n++] = (uint8_t)(v >> (n - 1 - i) & 1);
}

/* Base64url of what was written, padded to whole bytes as the encoders do; NUL-terminated, the caller frees.
 */
static inline char *bits_text(struct bit_writer *w)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	char *text;

	while (w->n % 8)
		w->bit[w->n++] = 0;
	while (w->n % 6)
		w->bit[w->n++] = 0;
	text = xmalloc(w->n / 6 + 1);
	for (size_t i = 0; i < w->n / 6; i++) {
		unsigned v = 0;

		for (int k = 0; k < 6; k++)
			v = v << 1 | w->bit[i * 6 + (size_t)k];
		text[i] = digits[v];
	}
	text[w->n / 6] = '\0';
	return text;
}

/* Sets are masks: bit n - 1 stands for purpose, feature or vendor n (1..64). */
struct tc_fields {
	int64_t created_ms; /* 0: 2025-06-01 */
	unsigned list_version, policy_version;
	uint32_t features, purposes, purposes_li;
	uint64_t vendors, vendors_li;
	bool p1_treatment, has_disclosed;
	uint64_t disclosed;
	struct {
		uint8_t purpose, type;
		uint16_t vendor;
	} restriction; /* none when vendor is 0 */
};

static inline void put_mask(struct bit_writer *w, uint64_t mask, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		put_bits(w, mask >> i & 1, 1);
}

static inline void put_vendors(struct bit_writer *w, uint64_t mask)
{
	put_bits(w, 64, 16);
	put_bits(w, 0, 1);
	put_mask(w, mask, 64);
}

static inline char *tc_string(const struct tc_fields *f)
{
	int64_t created = (f->created_ms ? f->created_ms : 1748736000000) / 100;
	struct bit_writer w = { .n = 0 };
	char *core, *disclosed, *both;

	put_bits(&w, 2, 6);
	put_bits(&w, (uint64_t)created, 36);
	put_bits(&w, (uint64_t)created, 36);
	put_bits(&w, 7, 12);
	put_bits(&w, 1, 12);
	put_bits(&w, 0, 6);
	put_bits(&w, 4 << 6 | 13, 12); /* EN */
	put_bits(&w, f->list_version ? f->list_version : 1, 12);
	put_bits(&w, f->policy_version ? f->policy_version : 5, 6);
	put_bits(&w, 2, 2);
	put_mask(&w, f->features, 12);
	put_mask(&w, f->purposes, 24);
	put_mask(&w, f->purposes_li, 24);
	put_bits(&w, f->p1_treatment, 1);
	put_bits(&w, 3 << 6 | 4, 12); /* DE */
	put_vendors(&w, f->vendors);
	put_vendors(&w, f->vendors_li);
	put_bits(&w, f->restriction.vendor ? 1 : 0, 12);
	if (f->restriction.vendor) {
		put_bits(&w, f->restriction.purpose, 6);
		put_bits(&w, f->restriction.type, 2);
		put_bits(&w, 1, 12);
		put_bits(&w, 0, 1);
		put_bits(&w, f->restriction.vendor, 16);
	}
	core = bits_text(&w);
	if (!f->has_disclosed)
		return core;
	w.n = 0;
	put_bits(&w, 1, 3);
	put_vendors(&w, f->disclosed);
	disclosed = bits_text(&w);
	both = xasprintf("%s.%s", core, disclosed);
	free(core);
	free(disclosed);
	return both;
}

#endif
