#include "pbs/exchange/split_run.h"

#include "common/json.h"
#include "pbs/exchange/auction.h"

static json_t *own_imp(const json_t *imp, json_t *params)
{
	json_t *mine = json_copy((json_t *)(uintptr_t)imp), *ext = json_own_object(mine, "ext");

	json_object_del(ext, "prebid");
	json_object_set_nocheck(ext, "bidder", params);
	return mine;
}

void split_run(struct auction *a, struct bidder_run *run)
{
	const json_t *imps = json_object_get(a->request, "imp"), *imp;
	struct str name = run->candidate->name;
	struct str *ids = ARENA_ARRAY(a->arena, struct str, a->n_imps);
	json_t *root = json_copy(a->request), *mine = json_array(), *ext;
	size_t i;

	json_array_foreach (imps, i, imp) {
		json_t *params = json_object_getn(json_at(imp, "ext.prebid.bidder"), name.p, name.n);

		if (!params)
			continue;
		json_array_append_new(mine, own_imp(imp, params));
		ids[run->n_imps++] = a->imp_ids[i];
	}
	json_object_set_new_nocheck(root, "imp", mine);
	ext = json_own_object(root, "ext");
	json_object_del(ext, "prebid");
	if (json_object_size(ext) == 0)
		json_object_del(root, "ext");
	run->root = arena_own_json(a->arena, root);
	run->imp_ids = ids;
}
