#include "common/http_lanes.h"

#include <stdlib.h>

#include "common/err.h"
#include "common/mem.h"

enum { LANE_FULL = 96 }; /* transfers, before one goes to the next lane */

static void lane_run(struct http_lane *l, curl_socket_t fd, int events)
{
	CURLMsg *msg;
	int running, left;

	(void)curl_multi_socket_action(l->multi, fd, events, &running);
	while ((msg = curl_multi_info_read(l->multi, &left)))
		l->lanes->done(msg->easy_handle, msg->data.result);
}

static void on_socket_ready(void *owner, int fd, unsigned events)
{
	lane_run(owner, fd,
		 (events & LOOP_READ ? CURL_CSELECT_IN : 0) | (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0));
}

static void on_kick(struct loop_task *task)
{
	lane_run(container_of(task, struct http_lane, kick), CURL_SOCKET_TIMEOUT, 0);
}

static void on_timer(struct loop_timer *t)
{
	lane_run(container_of(t, struct http_lane, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *userp, void *socketp)
{
	struct http_lane *l = userp;
	struct http_sockets *hs = &l->lanes->sockets;

	(void)easy;
	(void)socketp;
	if (what == CURL_POLL_REMOVE)
		http_sockets_release(hs, fd);
	else
		http_sockets_want(
			hs, fd,
			(what & CURL_POLL_IN ? LOOP_READ : 0u) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0u), l);
	return 0;
}

static int on_timeout_change(CURLM *multi, long ms, void *userp)
{
	struct http_lane *l = userp;
	struct loop *loop = l->lanes->loop;

	(void)multi;
	if (ms == 0)
		loop_defer(loop, &l->kick, on_kick);
	else if (ms < 0)
		loop_timer_cancel(loop, &l->timer);
	else
		loop_timer_start(loop, &l->timer, (uint64_t)ms, on_timer);
	return 0;
}

static void lane_init(struct http_lane *l, struct http_lanes *lanes, size_t max_idle)
{
	l->lanes = lanes;
	l->multi = curl_multi_init();
	if (!l->multi)
		abort(); /* out of memory, as elsewhere */
	curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l);
	curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, on_timeout_change);
	curl_multi_setopt(l->multi, CURLMOPT_TIMERDATA, l);
	curl_multi_setopt(l->multi, CURLMOPT_MAXCONNECTS, (long)(max_idle ? max_idle : 1));
}

void http_lanes_init(struct http_lanes *lanes, struct loop *loop, size_t n, size_t max_idle_connections,
		     void (*done)(CURL *easy, CURLcode code))
{
	lanes->loop = loop;
	lanes->done = done;
	lanes->sockets.loop = loop;
	lanes->sockets.on_ready = on_socket_ready;
	lanes->n = n;
	lanes->list = xcalloc(n, sizeof *lanes->list);
	for (size_t i = 0; i < n; i++)
		lane_init(&lanes->list[i], lanes, max_idle_connections / n);
}

void http_lanes_deinit(struct http_lanes *lanes)
{
	for (size_t i = 0; i < lanes->n; i++) {
		struct http_lane *l = &lanes->list[i];

		curl_multi_cleanup(l->multi);
		loop_timer_cancel(lanes->loop, &l->timer);
		loop_defer_cancel(lanes->loop, &l->kick);
	}
	http_sockets_deinit(&lanes->sockets);
	free(lanes->list);
}

struct http_lane *http_lane_for(struct http_lanes *lanes, uint64_t affinity)
{
	size_t home = (size_t)((affinity ^ affinity >> 32) % lanes->n);
	struct http_lane *best = &lanes->list[home];

	for (size_t i = 0; i < lanes->n && best->open >= LANE_FULL; i++) {
		struct http_lane *l = &lanes->list[(home + i) % lanes->n];

		if (l->open < LANE_FULL || l->open < best->open)
			best = l;
	}
	return best;
}

int http_lane_add(struct http_lane *l, CURL *easy)
{
	if (curl_multi_add_handle(l->multi, easy) != CURLM_OK)
		return ERR_INTERNAL;
	l->open++;
	return 0;
}

void http_lane_remove(struct http_lane *l, CURL *easy)
{
	(void)curl_multi_remove_handle(l->multi, easy);
	l->open--;
}
