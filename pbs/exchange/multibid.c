#include "pbs/exchange/multibid.h"

#include "common/json.h"

static size_t count_bidders(const json_t *list)
{
	size_t n = 0, i;
	json_t *j;

	json_array_foreach (list, i, j)
		n += json_array_size(json_object_get(j, "bidders")) + 1;
	return n;
}

void multibid_read(const json_t *list, struct arena *a, struct multibid *ret_mb)
{
	struct multibid_entry *entries = ARENA_ARRAY(a, struct multibid_entry, count_bidders(list));
	size_t n = 0, i, k;
	json_t *j, *name;

	json_array_foreach (list, i, j) {
		struct multibid_entry e = { json_str_at(j, "bidder"), (unsigned)json_int_at(j, "maxbids", 1),
					    json_str_at(j, "targetbiddercodeprefix") };

		if (e.bidder.n)
			entries[n++] = e;
		json_array_foreach (json_object_get(j, "bidders"), k, name) {
			e.bidder = json_str(name);
			entries[n++] = e;
		}
	}
	*ret_mb = (struct multibid){ entries, n };
}

const struct multibid_entry *multibid_find(const struct multibid *mb, struct str bidder)
{
	for (size_t i = 0; i < mb->n; i++)
		if (str_eq_nocase(mb->entries[i].bidder, bidder))
			return &mb->entries[i];
	return NULL;
}
