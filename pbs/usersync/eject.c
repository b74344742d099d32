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

static bool in_any_group(const struct eject_rules *r, struct str key)
{
	const json_t *group;
	size_t i;

	json_array_foreach (r->groups, i, group)
		if (in_group(r, group, key))
			return true;
	return false;
}

/* The first to expire of those in `group`, of those in no group when it is NULL; NULL when there is none. */
static const struct uid *find_oldest(const struct uids *u, const struct eject_rules *r, const json_t *group,
				     size_t *ret_n)
{
	const struct uid *oldest = NULL;

	*ret_n = 0;
	for (size_t i = 0; i < u->n; i++) {
		const struct uid *one = &u->list[i];

		if (group ? !in_group(r, group, one->key) : in_any_group(r, one->key))
			continue;
		(*ret_n)++;
		if (!oldest || one->expires_us < oldest->expires_us)
			oldest = one;
	}
	return oldest;
}

static const struct uid *find_least_important(const struct uids *u, const struct eject_rules *r)
{
	size_t n;

	for (size_t i = json_array_size(r->groups); i-- > 0;) {
		const struct uid *one = find_oldest(u, r, json_array_get(r->groups, i), &n);

		if (one)
			return one;
	}
	return NULL;
}

enum eject_result uids_eject(struct uids *u, const struct eject_rules *r)
{
	while (r->max_bytes && u->n && cookie_bytes(u) > r->max_bytes) {
		size_t n;
		const struct uid *goes = find_oldest(u, r, NULL, &n);

		if (u->n == 1)
			return EJECT_TOO_BIG;
		if (n == 1 && json_array_size(r->groups) && !in_any_group(r, r->key))
			return EJECT_NOT_PRIORITY;
		if (!goes)
			goes = find_least_important(u, r);
		uids_remove(u, goes->key);
	}
	return EJECT_FITS;
}
