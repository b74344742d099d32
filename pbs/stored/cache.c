#include "pbs/stored/cache.h"

#include <stdlib.h>

#include "common/mem.h"

struct cached {
	char *id; /* NULL: free */
	size_t n;
	int kind;
	json_t *value;
	uint64_t until_ms;
};

struct stored_cache {
	size_t n;
	uint64_t ttl_ms;
	struct cached entries[];
};

static struct cached *place(const struct stored_cache *c, int kind, struct str id)
{
	size_t i = (str_hash(id) + (uint64_t)kind * 0x9e3779b97f4a7c15u) % c->n;

	return (struct cached *)(uintptr_t)&c->entries[i];
}

static void forget(struct cached *e)
{
	free(e->id);
	json_decref(e->value);
	*e = (struct cached){ 0 };
}

struct stored_cache *stored_cache_new(size_t entries, uint64_t ttl_ms)
{
	struct stored_cache *c = xcalloc(1, sizeof *c + entries * sizeof *c->entries);

	c->n = entries;
	c->ttl_ms = ttl_ms;
	return c;
}

void stored_cache_free(struct stored_cache *c)
{
	for (size_t i = 0; c && i < c->n; i++)
		forget(&c->entries[i]);
	free(c);
}

bool stored_cache_get(const struct stored_cache *c, int kind, struct str id, uint64_t now_ms,
		      json_t **ret_value)
{
	const struct cached *e = place(c, kind, id);

	if (!e->id || e->kind != kind || now_ms >= e->until_ms || !str_eq((struct str){ e->id, e->n }, id))
		return false;
	*ret_value = e->value;
	return true;
}

void stored_cache_put(struct stored_cache *c, int kind, struct str id, uint64_t now_ms, json_t *value)
{
	struct cached *e = place(c, kind, id);

	forget(e);
	*e = (struct cached){ xstrndup(id.p, id.n), id.n, kind, json_incref(value), now_ms + c->ttl_ms };
}
