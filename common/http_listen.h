/* Listening sockets that several workers can share: each opens its own on the same port. */
#ifndef COMMON_HTTP_LISTEN_H
#define COMMON_HTTP_LISTEN_H

#include <stdint.h>

#include "common/errtext.h"
#include "common/str.h"

/* A descriptor, or -1 with a reason. `host` is an address; "::" takes IPv4 too, and means 0.0.0.0 where there
 * is no IPv6; so does the empty text. Port 0 = any free one. */
int http_listen(struct str host, uint16_t port, struct errtext *why);
uint16_t http_listen_port(int fd);
/* Whether `host` is an address of this machine. Takes no port: a server may be running on it. */
int http_listen_check(struct str host, struct errtext *why);

#endif
