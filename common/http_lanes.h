/* The multi handles of an http_client ("lanes"), driven by the loop. One slows down beyond a few hundred
 * transfers, so a transfer goes to the lane that its affinity names and to the next ones when that is full.
 *
 * Shapes  zero-initialised before http_lanes_init(); `done` is called from the loop for every transfer that
 *         ended, never from inside http_lane_add(), and removes it from its lane.
 * Errors  http_lane_add: ERR_INTERNAL when libcurl refuses the transfer.
 * Source  libcurl multi socket API: its callbacks only record, the loop drives it (a deferred kick for "now", a
 *         timer for later).
 */
#ifndef COMMON_HTTP_LANES_H
#define COMMON_HTTP_LANES_H

#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>

#include "common/http_sockets.h"
#include "common/loop.h"

struct http_lane {
	struct http_lanes *lanes;
	CURLM *multi;
	size_t open;
	struct loop_timer timer;
	struct loop_task kick;
};

struct http_lanes {
	struct loop *loop;
	void (*done)(CURL *easy, CURLcode code);
	struct http_sockets sockets;
	struct http_lane *list;
	size_t n;
};

void http_lanes_init(struct http_lanes *lanes, struct loop *loop, size_t n, size_t max_idle_connections,
		     void (*done)(CURL *easy, CURLcode code));
void http_lanes_deinit(struct http_lanes *lanes); /* of transfers that are all removed */

struct http_lane *http_lane_for(struct http_lanes *lanes, uint64_t affinity);
int http_lane_add(struct http_lane *l, CURL *easy);
void http_lane_remove(struct http_lane *l, CURL *easy);

#endif
