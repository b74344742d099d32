/* A chained hash table whose entries also hang on a ring in order of use; the ring's head is a sentinel. The
 * table doubles with the number of entries, up to what max_entries needs. */
#include "common/lru.h"

#include <assert.h>
#include <stdlib.h>

#include "common/mem.h"

enum { FIRST_BUCKETS = 64 };

struct ring {
	struct ring *newer, *older;
};

struct entry {
	struct ring ring;
	struct entry *chain;
	void *value;
	uint64_t hash, dies_ms; /* 0 = never */
	size_t bytes, key_n;
	char key[];
};

struct lru {
	struct entry **buckets;
	size_t n_buckets, max_entries, max_bytes;
	struct ring ring; /* ring.older is the newest, ring.newer the oldest */
	void (*drop)(void *value);
	struct lru_stats stats;
};

struct lru *lru_new(size_t max_entries, size_t max_bytes, void (*drop)(void *value))
{
	struct lru *l = xcalloc(1, sizeof *l);

	l->n_buckets = FIRST_BUCKETS;
	l->buckets = xcalloc(l->n_buckets, sizeof(struct entry *));
	l->max_entries = max_entries ? max_entries : 1;
	l->max_bytes = max_bytes;
	l->drop = drop;
	l->ring.newer = l->ring.older = &l->ring;
	return l;
}

static void unlink_ring(struct entry *e)
{
	e->ring.newer->older = e->ring.older;
	e->ring.older->newer = e->ring.newer;
}

static void make_newest(struct lru *l, struct entry *e)
{
	e->ring.newer = &l->ring;
	e->ring.older = l->ring.older;
	e->ring.older->newer = &e->ring;
	l->ring.older = &e->ring;
}

static struct entry **find_link(struct lru *l, struct str key, uint64_t hash)
{
	struct entry **link = &l->buckets[hash & (l->n_buckets - 1)];

	while (*link && ((*link)->hash != hash || !str_eq((struct str){ (*link)->key, (*link)->key_n }, key)))
		link = &(*link)->chain;
	return link;
}

static void remove_at(struct lru *l, struct entry **link)
{
	struct entry *e = *link;

	assert(e);
	*link = e->chain;
	unlink_ring(e);
	l->stats.entries--;
	l->stats.bytes -= e->bytes;
	l->drop(e->value);
	free(e);
}

static void remove_oldest(struct lru *l)
{
	const struct entry *oldest = container_of(l->ring.newer, struct entry, ring);

	remove_at(l, find_link(l, (struct str){ oldest->key, oldest->key_n }, oldest->hash));
}

void lru_clear(struct lru *l)
{
	while (l->stats.entries)
		remove_oldest(l);
}

struct lru *lru_free(struct lru *l)
{
	if (!l)
		return NULL;
	lru_clear(l);
	free(l->buckets);
	free(l);
	return NULL;
}

void *lru_get(struct lru *l, struct str key, uint64_t now_ms)
{
	struct entry **link = find_link(l, key, str_hash(key)), *e = *link;

	if (e && e->dies_ms && now_ms >= e->dies_ms) {
		remove_at(l, link);
		e = NULL;
	}
	if (!e) {
		l->stats.misses++;
		return NULL;
	}
	l->stats.hits++;
	unlink_ring(e);
	make_newest(l, e);
	return e->value;
}

static void grow(struct lru *l)
{
	size_t n = l->n_buckets * 2;
	struct entry **buckets = xcalloc(n, sizeof *buckets);

	for (struct ring *r = l->ring.older; r != &l->ring; r = r->older) {
		struct entry *e = container_of(r, struct entry, ring);
		struct entry **head = &buckets[e->hash & (n - 1)];

		e->chain = *head;
		*head = e;
	}
	free(l->buckets);
	l->buckets = buckets;
	l->n_buckets = n;
}

bool lru_put(struct lru *l, struct str key, void *value, size_t bytes, uint64_t ttl_ms, uint64_t now_ms)
{
	struct entry *e;

	lru_remove(l, key);
	if (key.n > l->max_bytes || bytes > l->max_bytes - key.n) {
		l->drop(value);
		return false;
	}
	bytes += key.n;
	while (l->stats.entries >= l->max_entries || l->stats.bytes > l->max_bytes - bytes) {
		remove_oldest(l);
		l->stats.evicted++;
	}
	if (l->stats.entries >= l->n_buckets)
		grow(l);
	e = xmalloc(sizeof *e + key.n);
	*e = (struct entry){ .value = value, .hash = str_hash(key), .bytes = bytes, .key_n = key.n };
	e->dies_ms = ttl_ms ? now_ms + ttl_ms : 0;
	if (key.n)
		memcpy(e->key, key.p, key.n);
	e->chain = l->buckets[e->hash & (l->n_buckets - 1)];
	l->buckets[e->hash & (l->n_buckets - 1)] = e;
	make_newest(l, e);
	l->stats.entries++;
	l->stats.bytes += bytes;
	return true;
}

bool lru_remove(struct lru *l, struct str key)
{
	struct entry **link = find_link(l, key, str_hash(key));

	if (!*link)
		return false;
	remove_at(l, link);
	return true;
}

struct lru_stats lru_stats(const struct lru *l)
{
	return l->stats;
}
