#include "idr/core/bidders.h"

#include "idr/core/context.h"

int bidders_find(const struct bidders *b, uint64_t hash)
{
	for (size_t i = hash % BIDDERS_HASH;; i = (i + 1) % BIDDERS_HASH) {
		uint64_t h = __atomic_load_n(&b->hash[i], __ATOMIC_ACQUIRE);

		if (h == hash)
			return b->slot[i];
		if (!h)
			return -1;
	}
}

int bidders_add(struct bidders *b, struct str code)
{
	uint64_t hash = classify_name(code);
	size_t i = hash % BIDDERS_HASH;
	int slot = hash ? bidders_find(b, hash) : -1;

	if (slot >= 0 || !hash || b->n == BIDDERS_MAX || code.n >= BIDDERS_CODE)
		return slot;
	while (b->hash[i])
		i = (i + 1) % BIDDERS_HASH;
	slot = (int)b->n;
	memcpy(b->code[slot], code.p, code.n);
	b->slot[i] = (uint16_t)slot;
	__atomic_store_n(&b->hash[i], hash, __ATOMIC_RELEASE);
	__atomic_store_n(&b->n, b->n + 1, __ATOMIC_RELEASE);
	return slot;
}
