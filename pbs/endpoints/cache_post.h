/* A body of puts into the built-in cache, and the answer to the client: what POST /cache and POST /vtrack share. */
#ifndef PBS_ENDPOINTS_CACHE_POST_H
#define PBS_ENDPOINTS_CACHE_POST_H

#include "pbs/cache/cache.h"

struct http_request;

struct cache_post {
	struct http_request *req;
	/* Called instead of an answer: ERR_INPUT when the body is wrong, else why nothing could be stored. */
	void (*fail)(struct http_request *req, int err, const char *text);
	struct cache_call call;
};

/* `p` lives in the request's arena. */
void cache_post_start(struct cache_post *p, struct str body, uint32_t timeout_ms);

#endif
