/* Anybody may post to /cache; what is answered must be JSON that names one uuid per put. */
#include "common/json.h"
#include "pbs/cache/puts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cache_store *store;
	struct cache_rules rules = { 10, 4096, 60, 3600, true };
	struct errtext why;
	struct buf reply;
	struct rng rng;

	if (!store)
		store = cache_store_new(64, 65536);
	rng_seed(&rng, 1);
	buf_init(&reply, 1 << 20);
	if (cache_puts(store, &rules, (struct str){ (const char *)data, size }, &rng, 1, &reply, &why) == 0) {
		json_t *j = json_parse(buf_str(&reply), &why);

		if (!json_is_array(json_object_get(j, "responses")))
			__builtin_trap();
		json_decref(j);
	}
	buf_deinit(&reply);
	return 0;
}
