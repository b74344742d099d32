/* Addresses of upstreams, parsed once and shared by the transfers that use them.
 *
 * Owns    http_url_get gives a reference, also to one that the cache holds; http_url_unref gives it back. A
 *         parsed address is never changed, but for what is known of its look-up.
 * Units   the cache is bounded by count; zero-initialised is empty.
 * Threads one cache and its addresses belong to one thread.
 */
#ifndef COMMON_HTTP_URL_H
#define COMMON_HTTP_URL_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_URL_MAX_BYTES = 16384, HTTP_URL_MAX_CACHED = 1024, HTTP_URL_BUCKETS = 2048 };

struct http_url {
	size_t refs;
	CURLU *parsed;
	char *text;
	uint64_t hash, host_hash; /* of the whole text; of scheme, host and port */
	bool tls, private_literal;
	/* Of its name's look-up. */
	struct curl_slist forget; /* "-host:port": libcurl drops the look-up that it remembers */
	uint64_t looked_up_ms;    /* when it last was on purpose */
	uint32_t unanswered;      /* calls in a row */
	bool unreached;           /* the last of them found nobody to connect to */
	struct http_url *next;    /* in its bucket */
};

struct http_url_cache {
	struct http_url *buckets[HTTP_URL_BUCKETS];
	size_t n, evict_at;
};

/* NULL when the text is no http or https address. */
struct http_url *http_url_get(struct http_url_cache *cache, const char *text);
void http_url_unref(struct http_url *u);
void http_url_cache_deinit(struct http_url_cache *cache);

#endif
