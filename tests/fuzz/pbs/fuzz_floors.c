/* Floors data comes from a URL; the facts it is matched with come from a request. */
#include "pbs/price/floors_data.h"

#include "common/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char imp[] =
		"{\"banner\":{\"format\":[{\"w\":300,\"h\":250}]},\"ext\":{\"gpid\":\"/1/a\"}}";
	struct errtext why;
	struct floors_data *d = floors_data_parse((struct str){ (const char *)data, size }, 1000, &why);
	struct arena *a = arena_new();
	json_t *j = arena_own_json(a, json_parse(str_of(imp), &why));
	struct floor_facts facts;

	floors_request_facts(NULL, a, &facts);
	floors_imp_facts(j, a, &facts);
	for (size_t i = 0; d && i < json_array_size(d->groups); i++) {
		const struct floor_rule *rule = floors_match(d->indexed[i], &facts, a);

		if (rule && !rule->key.p)
			__builtin_trap();
		for (size_t k = 0; k < d->indexed[i]->n_bad_keys; k++)
			(void)floors_bad_key_text(d->indexed[i], d->indexed[i]->bad_keys[k], a);
	}
	floors_data_free(d);
	arena_free(a);
	return 0;
}
