/* An adapter with nothing of a host around it, for tests that run every adapter there is. */
#ifndef TESTS_ADAPTER_BARE_H
#define TESTS_ADAPTER_BARE_H

#include "pbs/adapters/registry.h"

struct adapter_bare {
	struct bidder_info info;
	struct bidder bidder;
	struct adapter_request request; /* its root is for the caller to set */
	struct adapter_calls calls;
};

static inline uint64_t adapter_bare_chance(void *chance)
{
	(void)chance;
	return 7;
}

/* False when the adapter refuses to be. `bare` must live as long as the arena is used. */
static inline bool adapter_bare_init(struct adapter_bare *bare, const struct adapter *adapter,
				     const char *endpoint, struct arena *a)
{
	static const struct adapter_host host = { "http://h.example", "2", "1", 1 };

	*bare = (struct adapter_bare){
		.info = { .name = adapter->name,
			  .xapi_username = "u",
			  .xapi_password = "p",
			  .xapi_tracker = "t",
			  .root = arena_own_json(a, json_object()) },
		.bidder = { .name = adapter->name, .endpoint = endpoint, .adapter = adapter, .host = &host },
		.request = { .arena = a, .random = adapter_bare_chance },
	};
	bare->bidder.info = &bare->info;
	bare->request.bidder = &bare->bidder;
	adapter_calls_init(&bare->calls, a);
	return !adapter->build || adapter->build(&bare->bidder, a, NULL) == 0;
}

/* What it sends for `shared`, which it must not change. */
static inline void adapter_bare_ask(struct adapter_bare *bare, const json_t *shared)
{
	bare->request.root = arena_own_json(bare->request.arena, adapter_request_copy((json_t *)shared));
	bare->bidder.adapter->make_requests(&bare->request, &bare->calls);
}

#endif
