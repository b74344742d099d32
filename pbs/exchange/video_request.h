/* Long-form video: a request for ad pods becomes an OpenRTB request with one imp per slot, and the bids of its
 * answer go back to their pods.
 *
 * Shapes  imp ids are "<podid>_<n>". A pod that cannot be served costs that pod; `pods` says why.
 * Errors  ERR_INPUT, filed in `m`, when nothing can be auctioned.
 * Owns    results live in the arena.
 * Source  Prebid Server's /openrtb2/video.
 */
#ifndef PBS_EXCHANGE_VIDEO_REQUEST_H
#define PBS_EXCHANGE_VIDEO_REQUEST_H

#include <jansson.h>

#include "common/arena.h"
#include "pbs/exchange/messages.h"

enum { VIDEO_MAX_PODS = 100 };

struct video_pod {
	int64_t id, duration_s;
	struct str config_id;
	const json_t *imp; /* the stored one; the caller's to fill in */
	json_t *errors;    /* texts; NULL: fine */
};

struct video_pods {
	struct video_pod *list;
	size_t n;
};

/* Checks the merged request and lists its pods. */
int video_check(const json_t *request, struct arena *a, struct messages *m, struct video_pods *ret_pods);

/* With the stored imps in place: the OpenRTB request, the caller's reference. */
int video_build(const json_t *request, struct video_pods *pods, size_t max_imps, struct arena *a,
		struct messages *m, json_t **ret_request);

#endif
