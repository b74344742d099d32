/* A service asks itself whether it is healthy: the container's health check without a shell or curl.
 *
 * Blocking, for use before any loop runs. `host` is what the service listens on; for the wildcard addresses
 * the loopback is asked.
 * Errors  0 for a 2xx answer; ERR_UNREACHABLE, ERR_TIMEOUT, ERR_UPSTREAM (another status, which is named).
 */
#ifndef COMMON_PROBE_H
#define COMMON_PROBE_H

#include <stdint.h>

#include "common/errtext.h"
#include "common/str.h"

int probe_http(struct str host, uint16_t port, const char *path, uint32_t timeout_ms, struct errtext *why);

#endif
