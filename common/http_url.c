#include "common/http_url.h"

#include <stdlib.h>
#include <string.h>

#include "common/http_address.h"
#include "common/mem.h"
#include "common/str.h"

/* An address with a long query is rarely asked for again, and stays out of the cache. */
enum { LONG_QUERY = 256 };

void http_url_unref(struct http_url *u)
{
	if (!u || --u->refs > 0)
		return;
	curl_url_cleanup(u->parsed);
	free(u->forget.data);
	free(u->text);
	free(u);
}

/* What the client needs to know of it; false when it is none that the client can ask. */
static bool examine(struct http_url *u)
{
	char *scheme = NULL, *host = NULL, *port = NULL;
	bool ok = curl_url_set(u->parsed, CURLUPART_URL, u->text, 0) == CURLUE_OK &&
		  curl_url_get(u->parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		  curl_url_get(u->parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK && *host &&
		  curl_url_get(u->parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
		  (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);

	if (ok) {
		u->tls = strcmp(scheme, "https") == 0;
		u->host_hash =
			str_hash(str_of(scheme)) ^ str_hash(str_of(host)) * 31 ^ str_hash(str_of(port)) * 7;
		u->private_literal = http_address_is_private_literal(str_of(host));
		u->forget.data = xasprintf("-%s:%s", host, port);
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	return ok;
}

static struct http_url *url_parse(const char *text, uint64_t hash)
{
	struct http_url *u = xcalloc(1, sizeof *u);

	u->refs = 1;
	u->hash = hash;
	u->text = xstrdup(text);
	u->parsed = curl_url();
	if (u->parsed && examine(u))
		return u;
	http_url_unref(u);
	return NULL;
}

static void evict_one(struct http_url_cache *cache)
{
	struct http_url **bucket, *u;

	while (!*(bucket = &cache->buckets[cache->evict_at % HTTP_URL_BUCKETS]))
		cache->evict_at++;
	u = *bucket;
	*bucket = u->next;
	cache->n--;
	cache->evict_at++;
	http_url_unref(u);
}

struct http_url *http_url_get(struct http_url_cache *cache, const char *text)
{
	size_t n = strnlen(text, HTTP_URL_MAX_BYTES + 1);
	uint64_t hash = str_hash((struct str){ text, n });
	struct http_url **bucket = &cache->buckets[hash % HTTP_URL_BUCKETS], *u;

	if (n > HTTP_URL_MAX_BYTES)
		return NULL;
	for (u = *bucket; u; u = u->next)
		if (u->hash == hash && strcmp(u->text, text) == 0) {
			u->refs++;
			return u;
		}
	u = url_parse(text, hash);
	if (!u || (n > LONG_QUERY && memchr(text, '?', n)))
		return u;
	if (cache->n == HTTP_URL_MAX_CACHED)
		evict_one(cache);
	u->refs++;
	u->next = *bucket;
	*bucket = u;
	cache->n++;
	return u;
}

void http_url_cache_deinit(struct http_url_cache *cache)
{
	for (size_t i = 0; i < HTTP_URL_BUCKETS; i++)
		for (struct http_url *u = cache->buckets[i], *next; u; u = next) {
			next = u->next;
			http_url_unref(u);
		}
	memset(cache, 0, sizeof *cache);
}
