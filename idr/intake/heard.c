#include "idr/intake/heard.h"

#include <stdlib.h>

#include "common/mem.h"

void heard_deinit(struct heard *h)
{
	free(h->slot);
	*h = (struct heard){ 0 };
}

/* The same auction may be told at several times; each is another event. */
static uint64_t mix(uint64_t auction, int64_t ts_ms)
{
	uint64_t x = (auction ^ (uint64_t)ts_ms * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;

	x ^= x >> 31;
	return x ? x : 1;
}

static uint64_t *find(const struct heard *h, uint64_t hash)
{
	size_t i = (size_t)hash & (h->slots - 1);

	while (h->slot[i] && h->slot[i] != hash)
		i = (i + 1) & (h->slots - 1);
	return &h->slot[i];
}

static void grow(struct heard *h)
{
	struct heard bigger = { .slots = h->slots ? h->slots * 2 : 1024 };

	bigger.slot = xcalloc(bigger.slots, sizeof *bigger.slot);
	for (size_t i = 0; i < h->slots; i++)
		if (h->slot[i])
			*find(&bigger, h->slot[i]) = h->slot[i];
	free(h->slot);
	h->slot = bigger.slot;
	h->slots = bigger.slots;
}

void heard_add(struct heard *h, uint64_t auction, int64_t ts_ms)
{
	uint64_t hash = mix(auction, ts_ms), *slot;

	if ((h->n + 1) * 2 > h->slots)
		grow(h);
	slot = find(h, hash);
	if (*slot == 0) {
		if (h->n == 0 || ts_ms < h->from_ms)
			h->from_ms = ts_ms;
		*slot = hash;
		h->n++;
	}
}

bool heard_before(const struct heard *h, uint64_t auction, int64_t ts_ms)
{
	return h->n > 0 && (ts_ms < h->from_ms || *find(h, mix(auction, ts_ms)) != 0);
}
