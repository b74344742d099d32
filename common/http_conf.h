/* GET /config: the configuration as it holds now, as --print-config prints it. */
#ifndef COMMON_HTTP_CONF_H
#define COMMON_HTTP_CONF_H

#include "common/conf.h"
#include "common/http_server.h"

/* 200 with YAML (application/yaml, RFC 9512), secrets masked, each value's origin as a comment; 500 with {"error":…} in
 * the place of more than CONF_PRINT_MAX_BYTES. */
void http_reply_conf(struct http_request *req, const struct conf *c);

#endif
