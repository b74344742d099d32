/* [body, stored request, stored imp, default request], every part of any shape: each id is found. */
#include "pbs/openrtb/stored.h"

#include "common/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const json_t *all, struct arena *a, struct messages *m)
{
	const json_t *incoming = json_array_get(all, 0);
	const json_t *imp = json_array_get(all, 2), **imps;
	struct stored_found found = { .request = json_array_get(all, 1) };
	struct stored_ids ids;
	struct stored_imps infos;
	struct str account;
	struct rng rng;
	json_t *merged;

	rng_seed(&rng, 7);
	if (!incoming || stored_collect(incoming, a, m, &ids))
		return;
	imps = ARENA_ARRAY(a, const json_t *, ids.n_imps + 1);
	for (size_t i = 0; i < ids.n_imps; i++)
		imps[i] = imp;
	found.imps = imps;
	(void)stored_account_id(found.request, incoming, m, &account);
	if (stored_check(&ids, &found, m) == 0 &&
	    stored_merge(&(struct stored_merge){ incoming, &ids, &found, json_array_get(all, 3), true, false,
						 &rng },
			 a, m, &merged, &infos) == 0)
		json_decref(merged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *all = json_parse((struct str){ (const char *)data, size }, NULL);
	struct arena *a = arena_new();
	struct messages m;

	messages_init(&m, a);
	use(all, a, &m);
	json_decref(all);
	arena_free(a);
	return 0;
}
