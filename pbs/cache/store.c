#include "pbs/cache/store.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/lru.h"
#include "common/mem.h"

enum { SHARDS = 16 };

struct shard {
	pthread_mutex_t lock; /* of lru */
	struct lru *lru;
};

struct cache_store {
	struct shard shards[SHARDS];
};

struct value {
	enum cache_type type;
	size_t n;
	char bytes[];
};

struct cache_store *cache_store_new(size_t max_entries, size_t max_bytes)
{
	struct cache_store *s = xcalloc(1, sizeof *s);

	for (int i = 0; i < SHARDS; i++) {
		pthread_mutex_init(&s->shards[i].lock, NULL);
		s->shards[i].lru = lru_new(max_entries / SHARDS + 1, max_bytes / SHARDS + 1, free);
	}
	return s;
}

void cache_store_free(struct cache_store *s)
{
	if (!s)
		return;
	for (int i = 0; i < SHARDS; i++) {
		lru_free(s->shards[i].lru);
		pthread_mutex_destroy(&s->shards[i].lock);
	}
	free(s);
}

/* Not the low bits, by which the shard's own table is indexed. */
static struct shard *shard_of(struct cache_store *s, struct str key)
{
	return &s->shards[(str_hash(key) >> 40) % SHARDS];
}

bool cache_store_put(struct cache_store *s, struct str key, enum cache_type type, struct str value,
		     uint64_t ttl_ms, uint64_t now_ms)
{
	struct shard *shard = shard_of(s, key);
	struct value *v = xmalloc(sizeof *v + value.n);
	bool done = false;

	v->type = type;
	v->n = value.n;
	if (value.n)
		memcpy(v->bytes, value.p, value.n);
	pthread_mutex_lock(&shard->lock);
	if (lru_get(shard->lru, key, now_ms))
		free(v);
	else
		done = lru_put(shard->lru, key, v, sizeof *v + value.n, ttl_ms, now_ms);
	pthread_mutex_unlock(&shard->lock);
	return done;
}

bool cache_store_get(struct cache_store *s, struct str key, uint64_t now_ms, struct buf *ret_value,
		     enum cache_type *ret_type)
{
	struct shard *shard = shard_of(s, key);
	const struct value *v;
	bool found;

	pthread_mutex_lock(&shard->lock);
	v = lru_get(shard->lru, key, now_ms);
	found = v && buf_add(ret_value, v->bytes, v->n);
	if (found)
		*ret_type = v->type;
	pthread_mutex_unlock(&shard->lock);
	return found;
}

struct cache_store_stats cache_store_stats(struct cache_store *s)
{
	struct cache_store_stats sum = { 0 };

	for (int i = 0; i < SHARDS; i++) {
		struct lru_stats one;

		pthread_mutex_lock(&s->shards[i].lock);
		one = lru_stats(s->shards[i].lru);
		pthread_mutex_unlock(&s->shards[i].lock);
		sum.hits += one.hits;
		sum.misses += one.misses;
		sum.evicted += one.evicted;
		sum.entries += one.entries;
		sum.bytes += one.bytes;
	}
	return sum;
}
