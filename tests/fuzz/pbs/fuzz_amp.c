/* The query of an AMP page over a stored request: the first line is the query, the rest the request. */
#include "common/json.h"
#include "common/url.h"
#include "pbs/exchange/amp_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_t *read_query(struct str text)
{
	json_t *query = json_object();
	struct str name, value;
	struct buf b;

	buf_init(&b, 65536);
	while (url_query_next(&text, &name, &value)) {
		buf_clear(&b);
		if (url_decode_query(value, &b) && !memchr(name.p, 0, name.n))
			json_object_setn_new_nocheck(query, name.p, name.n, json_stringn(buf_str(&b).p, b.n));
	}
	buf_deinit(&b);
	return query;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size }, first = str_cut(&rest, '\n');
	json_t *query = read_query(first), *stored = rest.p ? json_parse(rest, NULL) : NULL, *request;
	struct amp_rules rules = { 10, true, false };
	struct arena *a = arena_new();
	struct messages m;
	struct rng rng;

	rng_seed(&rng, 1);
	messages_init(&m, a);
	if (stored && amp_check_query(query, &m) == 0 &&
	    amp_request(stored, query, &rules, &rng, a, &m, &request) == 0) {
		json_decref(amp_targeting(request));
		json_decref(request);
	}
	json_decref(stored);
	json_decref(query);
	arena_free(a);
	return 0;
}
