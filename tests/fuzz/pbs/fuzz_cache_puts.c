/* Anybody may post to /cache; what is answered must be JSON that names one uuid per put. */
#include "common/json.h"
#include "pbs/cache/puts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cache_rules rules = { 10, 4096, 60, 3600, true };
	struct cache_batch *batch;
	struct errtext why;
	struct buf reply;
	struct rng rng;

	rng_seed(&rng, 1);
	buf_init(&reply, 1 << 20);
	batch = cache_batch_parse((struct str){ (const char *)data, size }, &rules, &rng, &why);
	if (batch) {
		json_t *j;

		for (size_t i = 0; i < batch->n; i++) {
			struct cache_put *p = &batch->puts[i];

			if (p->bytes.n > rules.max_value_bytes || p->key_n == 0 || p->ttl_ms == 0)
				__builtin_trap();
			p->stored = i % 2 == 0;
		}
		cache_batch_answer(batch, &reply);
		j = json_parse(buf_str(&reply), &why);
		if (json_array_size(json_object_get(j, "responses")) != batch->n)
			__builtin_trap();
		json_decref(j);
		cache_batch_free(batch);
	}
	buf_deinit(&reply);
	return 0;
}
