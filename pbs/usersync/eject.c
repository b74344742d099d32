/* Each id has a rank, the number of its group: the last group's is the highest but for that of ids in no group.
 * The highest rank goes first. Ranks are looked up once, since the cookie's owner decides how many ids it has. */
#include "pbs/usersync/eject.h"

#include "common/json.h"

/* "uids=", "; Path=/", "; Expires=" and a date */
enum { FRAME_BYTES = 5 + 8 + 10 + 29 };

static size_t cookie_bytes(const struct uids *u)
{
	struct buf b;
	size_t n;

	buf_init(&b, UIDS_COOKIE_MAX * 8);
	uids_write(u, &b);
	n = b.overflow ? SIZE_MAX : b.n + FRAME_BYTES;
	buf_deinit(&b);
	return n;
}

static bool in_group(const struct eject_rules *r, const json_t *group, struct str key)
{
	const json_t *name;
	size_t i;

	json_array_foreach (group, i, name) {
		const struct syncer *s = syncers_find(r->syncers, json_str(name));

		if (s && str_eq(s->key, key))
			return true;
	}
	return false;
}

static size_t rank_of(const struct eject_rules *r, struct str key)
{
	size_t n = json_array_size(r->groups);

	for (size_t i = n; i-- > 0;)
		if (in_group(r, json_array_get(r->groups, i), key))
			return i;
	return n;
}

/* The highest rank's first to expire; *ret_unranked counts the ids in no group. */
static size_t find_first_to_go(const struct uids *u, const size_t *ranks, size_t n_groups,
			       size_t *ret_unranked)
{
	size_t first = 0;

	*ret_unranked = 0;
	for (size_t i = 0; i < u->n; i++) {
		bool earlier = u->list[i].expires_us < u->list[first].expires_us;

		*ret_unranked += ranks[i] == n_groups;
		if (ranks[i] > ranks[first] || (ranks[i] == ranks[first] && earlier))
			first = i;
	}
	return first;
}

enum eject_result uids_eject(struct uids *u, const struct eject_rules *r)
{
	size_t n_groups = json_array_size(r->groups), unranked, *ranks;

	if (!r->max_bytes || cookie_bytes(u) <= r->max_bytes)
		return EJECT_FITS;
	ranks = ARENA_ARRAY(u->arena, size_t, u->n);
	for (size_t i = 0; i < u->n; i++)
		ranks[i] = rank_of(r, u->list[i].key);
	while (u->n && cookie_bytes(u) > r->max_bytes) {
		size_t goes = find_first_to_go(u, ranks, n_groups, &unranked);

		if (u->n == 1)
			return EJECT_TOO_BIG;
		if (unranked == 1 && n_groups && rank_of(r, r->key) == n_groups)
			return EJECT_NOT_PRIORITY;
		memmove(&ranks[goes], &ranks[goes + 1], (u->n - goes - 1) * sizeof *ranks);
		uids_remove(u, u->list[goes].key);
	}
	return EJECT_FITS;
}
