#include "idr/store/floor_history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

enum { FLOOR_SCALE = 100000 };

unsigned price_bucket_of(float cpm_usd)
{
	double at = 6 * log2((double)cpm_usd / 0.01);

	if (!(at > 0))
		return 0;
	return at >= PRICE_BUCKETS - 1 ? PRICE_BUCKETS - 1 : (unsigned)at;
}

double price_bucket_low(unsigned bucket)
{
	return 0.01 * exp2(bucket / 6.0);
}

void floor_cell_add(struct floor_cell *to, const struct floor_cell *c)
{
	if (to->auctions == 0 || c->lowest_floor_usd < to->lowest_floor_usd)
		to->lowest_floor_usd = c->lowest_floor_usd;
	to->auctions += c->auctions;
	for (size_t i = 0; i < PRICE_BUCKETS; i++) {
		to->best[i] += c->best[i];
		to->second[i] += c->second[i];
	}
}

void floor_cell_add_event(struct floor_cell *to, const struct event *e)
{
	float best = 0, second = 0;

	for (size_t i = 0; i < e->n_bidders; i++) {
		float cpm = e->bidders[i].status == OUTCOME_BID ? e->bidders[i].cpm_usd : 0;

		if (cpm > best) {
			second = best;
			best = cpm;
		} else if (cpm > second) {
			second = cpm;
		}
	}
	if (to->auctions == 0 || e->ctx.floor_usd < to->lowest_floor_usd)
		to->lowest_floor_usd = e->ctx.floor_usd;
	to->auctions++;
	if (best > 0)
		to->best[price_bucket_of(best)]++;
	if (second > 0)
		to->second[price_bucket_of(second)]++;
}

static unsigned char *put_varint(unsigned char *p, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (unsigned char)(v | 0x80);
	*p++ = (unsigned char)v;
	return p;
}

static const unsigned char *get_varint(const unsigned char *p, const unsigned char *end, uint64_t *ret_v)
{
	uint64_t v = 0;

	for (unsigned shift = 0; p < end && shift < 63; shift += 7) {
		v |= (uint64_t)(*p & 0x7f) << shift;
		if (!(*p++ & 0x80)) {
			*ret_v = v;
			return p;
		}
	}
	return NULL;
}

size_t floor_cell_write(const struct floor_cell *c, unsigned char *p)
{
	unsigned char *at = put_varint(p, (uint64_t)c->auctions);

	at = put_varint(at, (uint64_t)llround((double)c->lowest_floor_usd * FLOOR_SCALE));

	for (unsigned i = 0; i < 2 * PRICE_BUCKETS; i++) {
		uint32_t count = i < PRICE_BUCKETS ? c->best[i] : c->second[i - PRICE_BUCKETS];

		if (count) {
			*at++ = (unsigned char)i;
			at = put_varint(at, count);
		}
	}
	return (size_t)(at - p);
}

bool floor_cell_parse(const unsigned char *p, size_t n, struct floor_cell *ret_c)
{
	const unsigned char *end = p + n;
	struct floor_cell c = { 0 };
	uint64_t v;

	if (!(p = get_varint(p, end, &v)) || v > INT64_MAX)
		return false;
	c.auctions = (int64_t)v;
	if (!(p = get_varint(p, end, &v)) || v > UINT32_MAX)
		return false;
	c.lowest_floor_usd = (float)((double)v / FLOOR_SCALE);
	while (p < end) {
		unsigned i = *p++;

		if (i >= 2 * PRICE_BUCKETS || !(p = get_varint(p, end, &v)) || v > UINT32_MAX)
			return false;
		*(i < PRICE_BUCKETS ? &c.best[i] : &c.second[i - PRICE_BUCKETS]) = (uint32_t)v;
	}
	*ret_c = c;
	return true;
}

void floor_map_deinit(struct floor_map *m)
{
	free(m->row);
	free(m->slot);
	*m = (struct floor_map){ 0 };
}

void floor_map_clear(struct floor_map *m)
{
	m->n = 0;
	if (m->slots)
		memset(m->slot, 0, m->slots * sizeof *m->slot);
}

static uint32_t *find_slot(const struct floor_map *m, const struct floor_row *row)
{
	_Static_assert(sizeof row->k == 24, "no padding: the key is compared and hashed as bytes");
	uint32_t i = (uint32_t)(str_hash((struct str){ (const char *)&row->k, sizeof row->k }) >> 7);

	for (i &= m->slots - 1; m->slot[i]; i = (i + 1) & (m->slots - 1))
		if (memcmp(&m->row[m->slot[i] - 1].k, &row->k, sizeof row->k) == 0)
			break;
	return &m->slot[i];
}

static void grow(struct floor_map *m)
{
	free(m->slot);
	m->slots = m->slots ? m->slots * 2 : 256;
	m->slot = xcalloc(m->slots, sizeof *m->slot);
	for (uint32_t i = 0; i < m->n; i++)
		*find_slot(m, &m->row[i]) = i + 1;
}

void floor_map_add(struct floor_map *m, struct names *names, const struct event *e)
{
	if (e->floors == FLOORS_APPLIED)
		return;

	struct floor_row row = {
		.k = { .publisher = names_id(names, e->publisher),
		       .format = names_id(names, e->format),
		       .size = names_id(names, e->size),
		       .country = names_id(names, e->country),
		       .device = names_id(names, e->device),
		       .day = (int32_t)(e->ts_ms / 86400000) },
	};
	uint32_t *slot;

	if ((m->n + 1) * 2 > m->slots)
		grow(m);
	slot = find_slot(m, &row);
	if (!*slot) {
		if (m->n == m->cap) {
			m->cap = m->cap ? m->cap * 2 : 128;
			m->row = xrealloc(m->row, m->cap * sizeof *m->row);
		}
		m->row[m->n] = row;
		*slot = ++m->n;
	}
	floor_cell_add_event(&m->row[*slot - 1].c, e);
}
