#include "pbs/stored/cache.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/lru.h"
#include "common/mem.h"

enum { SHARDS = 16, ENTRIES_MAX = 1 << 20, KEY_MAX = 512, NODE_BYTES = 64 };

struct shard {
	pthread_mutex_t lock; /* of lru */
	struct lru *lru;
};

struct stored_cache {
	uint64_t ttl_ms;
	struct shard shards[SHARDS];
};

/* An entry: its value, or NULL for an id that does not exist. */
struct entry {
	json_t *value;
};

static void drop_entry(void *entry)
{
	json_decref(((struct entry *)entry)->value);
	free(entry);
}

struct stored_cache *stored_cache_new(size_t max_bytes, uint64_t ttl_ms)
{
	struct stored_cache *c = xcalloc(1, sizeof *c);

	c->ttl_ms = ttl_ms;
	for (int i = 0; i < SHARDS; i++) {
		pthread_mutex_init(&c->shards[i].lock, NULL);
		c->shards[i].lru = lru_new(ENTRIES_MAX / SHARDS, max_bytes / SHARDS + 1, drop_entry);
	}
	return c;
}

void stored_cache_free(struct stored_cache *c)
{
	for (int i = 0; c && i < SHARDS; i++) {
		lru_free(c->shards[i].lru);
		pthread_mutex_destroy(&c->shards[i].lock);
	}
	free(c);
}

struct key {
	struct shard *shard;
	struct str text;
	char bytes[KEY_MAX];
};

/* False for ids that are too long to be anybody's: they are not kept. */
static bool make_key(struct stored_cache *c, int kind, struct str id, struct key *k)
{
	if (id.n >= KEY_MAX)
		return false;
	k->bytes[0] = (char)('a' + kind);
	memcpy(k->bytes + 1, id.p, id.n);
	k->text = (struct str){ k->bytes, id.n + 1 };
	k->shard = &c->shards[(str_hash(k->text) >> 40) % SHARDS];
	return true;
}

/* About what a tree takes; parsers bound its depth. */
static size_t weigh(const json_t *j)
{
	size_t n = NODE_BYTES, i;
	const char *name;
	json_t *v;

	switch (json_typeof(j)) {
	case JSON_OBJECT:
		json_object_foreach ((json_t *)(uintptr_t)j, name, v)
			n += NODE_BYTES + strlen(name) + weigh(v);
		return n;
	case JSON_ARRAY:
		json_array_foreach (j, i, v)
			n += weigh(v);
		return n;
	case JSON_STRING: return n + json_string_length(j);
	default: return n;
	}
}

bool stored_cache_get(struct stored_cache *c, int kind, struct str id, uint64_t now_ms, json_t **ret_value)
{
	const struct entry *e;
	struct key k;

	if (!make_key(c, kind, id, &k))
		return false;
	pthread_mutex_lock(&k.shard->lock);
	e = lru_get(k.shard->lru, k.text, now_ms);
	if (e)
		*ret_value = json_incref(e->value);
	pthread_mutex_unlock(&k.shard->lock);
	return e;
}

void stored_cache_put(struct stored_cache *c, int kind, struct str id, uint64_t now_ms, json_t *value)
{
	struct entry *e;
	struct key k;
	size_t bytes;

	if (!make_key(c, kind, id, &k))
		return;
	bytes = value ? weigh(value) : 0;
	e = xmalloc(sizeof *e);
	e->value = json_incref(value);
	pthread_mutex_lock(&k.shard->lock);
	(void)lru_put(k.shard->lru, k.text, e, NODE_BYTES + bytes, c->ttl_ms, now_ms);
	pthread_mutex_unlock(&k.shard->lock);
}

void stored_cache_forget(struct stored_cache *c, int kind, struct str id)
{
	struct key k;

	if (!make_key(c, kind, id, &k))
		return;
	pthread_mutex_lock(&k.shard->lock);
	(void)lru_remove(k.shard->lru, k.text);
	pthread_mutex_unlock(&k.shard->lock);
}

void stored_cache_clear(struct stored_cache *c)
{
	for (int i = 0; i < SHARDS; i++) {
		pthread_mutex_lock(&c->shards[i].lock);
		lru_clear(c->shards[i].lru);
		pthread_mutex_unlock(&c->shards[i].lock);
	}
}

size_t stored_cache_bytes(struct stored_cache *c)
{
	size_t n = 0;

	for (int i = 0; i < SHARDS; i++) {
		pthread_mutex_lock(&c->shards[i].lock);
		n += lru_stats(c->shards[i].lru).bytes;
		pthread_mutex_unlock(&c->shards[i].lock);
	}
	return n;
}
