#include "idr/store/rollup.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

static const char *const dim_names[] = {
	[DIM_TOTAL] = "total",   [DIM_BIDDER] = "bidder", [DIM_COUNTRY] = "country", [DIM_DEVICE] = "device",
	[DIM_FORMAT] = "format", [DIM_GROUP] = "group",   [DIM_FLOORS] = "floors",
};
_Static_assert(ARRAY_LEN(dim_names) == ROLLUP_DIMS, "one name per dimension");

const char *rollup_dim_name(enum rollup_dim d)
{
	return dim_names[d];
}

int rollup_dim_find(struct str name)
{
	for (int d = 0; d < ROLLUP_DIMS; d++)
		if (str_eq(name, str_of(dim_names[d])))
			return d;
	return -1;
}

void rollup_init(struct rollup *r)
{
	*r = (struct rollup){ 0 };
}

void rollup_deinit(struct rollup *r)
{
	free(r->row);
	free(r->slot);
	rollup_init(r);
}

void rollup_clear(struct rollup *r)
{
	r->n = 0;
	if (r->slots)
		memset(r->slot, 0, r->slots * sizeof *r->slot);
}

static uint32_t key_hash(const struct rollup_key *k)
{
	_Static_assert(sizeof *k == 16, "no padding: the key is compared and hashed as bytes");

	return (uint32_t)(str_hash((struct str){ (const char *)k, sizeof *k }) >> 7);
}

static uint32_t *find_slot(const struct rollup *r, const struct rollup_key *k)
{
	uint32_t i = key_hash(k) & (r->slots - 1);

	while (r->slot[i] && memcmp(&r->row[r->slot[i] - 1].k, k, sizeof *k) != 0)
		i = (i + 1) & (r->slots - 1);
	return &r->slot[i];
}

static void grow(struct rollup *r)
{
	free(r->slot);
	r->slots = r->slots ? r->slots * 2 : 1024;
	r->slot = xcalloc(r->slots, sizeof *r->slot);
	for (uint32_t i = 0; i < r->n; i++)
		*find_slot(r, &r->row[i].k) = i + 1;
}

static struct cell *cell_of(struct rollup *r, struct rollup_key k)
{
	uint32_t *slot;

	if ((r->n + 1) * 2 > r->slots)
		grow(r);
	slot = find_slot(r, &k);
	if (!*slot) {
		if (r->n == r->cap) {
			r->cap = r->cap ? r->cap * 2 : 512;
			r->row = xrealloc(r->row, r->cap * sizeof *r->row);
		}
		r->row[r->n] = (struct rollup_row){ .k = k };
		*slot = ++r->n;
	}
	return &r->row[*slot - 1].c;
}

/* Adds one cell's worth to the hour and the day, of the publisher and of all. */
static void spread(struct rollup *r, uint32_t publisher, enum rollup_dim dim, uint32_t key, int64_t ts_ms,
		   const struct cell *c)
{
	for (int step = 0; step < ROLLUP_STEPS; step++) {
		struct rollup_key k = { .dim = (uint16_t)dim, .key = key, .step = (uint16_t)step };

		k.at = (int32_t)(ts_ms / rollup_step_ms((enum rollup_step)step));
		cell_add(cell_of(r, k), c);
		k.publisher = publisher;
		cell_add(cell_of(r, k), c);
	}
}

void rollup_add(struct rollup *r, struct names *names, const struct event *e)
{
	uint32_t publisher = names_id(names, e->publisher);
	struct cell auction = { 0 };
	const struct {
		enum rollup_dim dim;
		struct str key;
	} whole[] = {
		{ DIM_TOTAL, STR("") },
		{ DIM_COUNTRY, e->country },
		{ DIM_DEVICE, e->device },
		{ DIM_FORMAT, e->format },
		{ DIM_GROUP, str_of(event_group_name((enum event_group)e->group)) },
		{ DIM_FLOORS, str_of(event_floors_name((enum event_floors)e->floors)) },
	};

	cell_add_auction(&auction, e);
	for (size_t i = 0; i < e->n_bidders; i++) {
		struct cell own = { .auctions = 1 };

		cell_add_bidder(&own, e, &e->bidders[i]);
		own.revenue_sq = own.revenue * own.revenue;
		own.latency_sum = e->bidders[i].latency_ms > 0 ? (double)e->bidders[i].latency_ms : 0;
		spread(r, publisher, DIM_BIDDER, names_id(names, e->bidders[i].code), e->ts_ms, &own);
		cell_add_bidder(&auction, e, &e->bidders[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(whole); i++)
		if (whole[i].dim != DIM_FLOORS || e->floors != FLOORS_NO_LOT)
			spread(r, publisher, whole[i].dim, names_id(names, whole[i].key), e->ts_ms, &auction);
}
