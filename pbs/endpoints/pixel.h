/* The smallest picture: one transparent point, for calls that browsers make as images. */
#ifndef PBS_ENDPOINTS_PIXEL_H
#define PBS_ENDPOINTS_PIXEL_H

struct http_request;

void pixel_reply(struct http_request *req); /* 200, image/png */

#endif
