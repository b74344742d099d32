/* A bidder made of a file: `generic` and the endpoint come from the input, a request and a reply are fixed. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "pbs/adapters/bidder_info.h"
#include "pbs/adapters/generic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_t *shared_request(void)
{
	json_t *in = json_parse(
		STR("{\"id\":\"r\",\"site\":{\"page\":\"p\",\"publisher\":{\"id\":\"o\"}},\"user\":{\"id\":"
		    "\"u\"},"
		    "\"imp\":[{\"id\":\"1\",\"banner\":{\"w\":3},\"native\":{},\"ext\":{\"bidder\":{\"a\":"
		    "\"x/y\","
		    "\"b\":2,\"c\":[1]}}},{\"id\":\"2\",\"video\":{},\"ext\":{\"bidder\":{\"a\":\"z\"}}}]}"),
		NULL);
	json_t *out = ortb_decode(in, ORTB_BID_REQUEST, NULL, NULL);

	json_decref(in);
	return out;
}

static void run(struct arena *a, struct bidder *b)
{
	static const char reply_text[] = "{\"cur\":\"EUR\",\"seatbid\":[{\"seat\":\"s\",\"bid\":[{\"id\":"
					 "\"b\",\"impid\":\"1\",\"price\":1}]}]}";
	static const int statuses[] = { 200, 204, 400, 500 };
	json_t *shared = arena_own_json(a, shared_request()),
	       *frozen = arena_own_json(a, json_deep_copy(shared));
	struct adapter_request r = { .arena = a, .bidder = b, .root = NULL };
	struct adapter_calls calls;

	r.root = arena_own_json(a, adapter_request_copy(shared));
	adapter_calls_init(&calls, a);
	b->adapter->make_requests(&r, &calls);
	for (size_t i = 0; i < sizeof statuses / sizeof *statuses && calls.first; i++) {
		struct adapter_reply reply = { .status = statuses[i], .bytes = str_of(reply_text) };
		struct adapter_bids bids;

		adapter_bids_init(&bids, a);
		b->adapter->parse_bids(&r, calls.first, &reply, &bids);
	}
	if (!json_equal(shared, frozen))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	json_t *file = json_parse(text, NULL);
	struct arena *a;
	struct bidder_info info;
	struct errtext why;

	if (!file)
		return 0;
	a = arena_new();
	arena_own_json(a, file);
	if (bidder_info_parse(a, "x", file, NULL, NULL, &info, &why) == 0 && info.endpoint) {
		struct bidder b = {
			.name = "x", .endpoint = info.endpoint, .adapter = &adapter_generic, .info = &info
		};

		if (generic_build(&b, a, &why) == 0)
			run(a, &b);
	}
	arena_free(a);
	return 0;
}
