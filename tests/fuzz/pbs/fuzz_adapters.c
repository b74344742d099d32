/* Every adapter with hostile parameters and hostile replies. The first byte picks the adapter, the second the
 * entry point and whether the rest is the imp's parameters, a whole imp, the body of a reply, or the whole
 * request; a reply's status is 200. What is shared must not change, and what is sent is OpenRTB without empty
 * members.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pbs/adapters/ortb_common.h"
#include "pbs/adapters/registry.h"
#include "tests/adapter_bare.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum mode { PARAMETERS, IMP, REPLY, REQUEST, MODES };

static const char *const endpoints[] = { "http://b.example/x?y=1", "http://b.example/{PublisherId}" };

static json_t *plain_request(void)
{
	return json_parse(
		STR("{\"id\":\"r\",\"site\":{\"page\":\"p\",\"publisher\":{\"id\":\"o\"}},\"imp\":["
		    "{\"id\":\"1\",\"banner\":{\"format\":[{\"w\":3,\"h\":2}]},\"ext\":{\"bidder\":{}}},"
		    "{\"id\":\"2\",\"video\":{\"mimes\":[\"v\"]},\"ext\":{\"bidder\":{}}},"
		    "{\"id\":\"3\",\"native\":{\"request\":\"{}\"},\"ext\":{\"bidder\":{}}}]}"),
		NULL);
}

/* The request with the fuzzed part in place, or NULL when that is no JSON or no OpenRTB. */
static json_t *make_request(enum mode mode, struct str text)
{
	json_t *in = plain_request(), *imps = json_object_get(in, "imp"), *out;
	json_t *part = mode == REPLY ? NULL : json_parse(text, NULL);

	for (size_t i = 0; part && mode == PARAMETERS && i < json_array_size(imps); i++)
		json_object_set(json_object_get(json_array_get(imps, i), "ext"), "bidder", part);
	if (part && mode == IMP)
		json_array_insert(imps, 0, part);
	if (part && mode == REQUEST) {
		json_decref(in);
		in = json_incref(part);
	}
	json_decref(part);
	out = ortb_decode(in, ORTB_BID_REQUEST, NULL, NULL);
	json_decref(in);
	return out;
}

/* Nothing that OpenRTB does not know, nothing of the wrong kind, nothing empty. The one member that a bidder
 * adds outside of ext is taken away first. */
static void check_body(const json_t *body)
{
	json_t *copy = json_deep_copy(body), *imps = json_object_get(copy, "imp"), *decoded;

	for (size_t i = 0; i < json_array_size(imps); i++)
		json_object_del(json_object_get(json_array_get(imps, i), "native"), "request_native");
	decoded = ortb_decode(copy, ORTB_BID_REQUEST, NULL, NULL);
	if (!decoded || !json_equal(decoded, copy))
		abort();
	json_decref(decoded);
	json_decref(copy);
}

static void run(const struct adapter *adapter, enum mode mode, enum adapter_entry entry, struct str text,
		json_t *shared)
{
	struct arena *a = arena_new();
	struct adapter_reply reply = { .status = 200, .bytes = mode == REPLY ? text : STR("{\"id\":\"x\"}") };
	json_t *frozen = arena_own_json(a, json_deep_copy(shared));
	struct adapter_bare bare;
	struct adapter_bids bids;

	if (adapter_bare_init(&bare, adapter, endpoints[text.n % 2], a)) {
		bare.request.entry = entry;
		adapter_bare_ask(&bare, shared);
		for (const struct adapter_call *c = bare.calls.first; c; c = c->next)
			if (c->body && strcmp(adapter->name, "generic") != 0)
				check_body(c->body);
		adapter_bids_init(&bids, a);
		if (bare.calls.first)
			adapter->parse_bids(&bare.request, bare.calls.first, &reply, &bids);
		if (!json_equal(shared, frozen))
			abort();
	}
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text;
	json_t *shared;
	enum mode mode;

	if (size < 2)
		return 0;
	text = (struct str){ (const char *)data + 2, size - 2 };
	mode = (enum mode)(data[1] % MODES);
	shared = make_request(mode, text);
	if (!shared)
		return 0;
	run(adapter_at(data[0] % adapter_count()), mode, (enum adapter_entry)(data[1] / MODES % 3), text,
	    shared);
	json_decref(shared);
	return 0;
}
