#include "pbs/capacity.h"

enum {
	AUCTION_BYTES = 512 << 10,
	CONNECTION_BYTES = 32 << 10,
	MIN_AUCTIONS = 16,
	MAX_AUCTIONS = 4000, /* of which a thread's time is gone in any case */
	MIN_CONNECTIONS = 128,
	MAX_CONNECTIONS = 20000,
};

static uint32_t within(uint64_t v, uint32_t min, uint32_t max)
{
	return v < min ? min : v > max ? max : (uint32_t)v;
}

uint32_t capacity_auctions(uint64_t memory_bytes, size_t workers)
{
	return within(memory_bytes / 5 * 2 / AUCTION_BYTES / workers, MIN_AUCTIONS, MAX_AUCTIONS);
}

uint32_t capacity_connections(uint64_t memory_bytes, size_t workers)
{
	return within(memory_bytes / 8 / CONNECTION_BYTES / workers, MIN_CONNECTIONS, MAX_CONNECTIONS);
}
