/* ?debug=true of /openrtb2/video: what was asked and answered goes into the cache under log_<uuid>, for whoever looks into
 * a player's trouble later. Keys and cookies of the caller do not.
 *
 * Shapes  <Log><Request>…</Request><Response>…</Response></Log>
 * Errors  a cache that does not take it costs the log alone.
 */
#ifndef PBS_ENDPOINTS_VIDEO_LOG_H
#define PBS_ENDPOINTS_VIDEO_LOG_H

#include "common/http_client.h"
#include "common/uuid.h"
#include "pbs/cache/cache.h"

struct http_request;

struct video_log {
	/* Called once; `kept` is false when the log could not be stored. */
	void (*done)(struct video_log *l, bool kept);
	struct http_request *req;
	char uuid[UUID_TEXT + 1];
	/* the module's own */
	struct buf body;
	struct cache_call own;
	struct http_call there;
};

bool video_log_is_asked(const struct http_request *req);
/* `l` lives in the request's arena, `done` and `req` are set. `uuid` is one that the caller knows already, empty = a new
 * one. */
void video_log_put(struct video_log *l, struct str response, struct str uuid);

#endif
