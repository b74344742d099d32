/* An answer in JSON, whole or not at all. */
#ifndef COMMON_HTTP_JSON_H
#define COMMON_HTTP_JSON_H

#include <jansson.h>

#include "common/http_server.h"

/* `j` stays the caller's. 500 with {"error":…} in the place of more than 64 MiB. */
void http_reply_json(struct http_request *req, int status, const json_t *j);
/* The same with one that was made for it: takes the reference. */
void http_reply_json_new(struct http_request *req, int status, json_t *j);

#endif
